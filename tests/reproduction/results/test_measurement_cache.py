"""Columns kept on disk: found by what they depend on, and left alone by those who check."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from colorstyle_lib.reproduction.results.store import cache_key, load_columns, measured_anew, save_columns


def test_columns_come_back_by_their_address(tmp_path: Path):
    columns = {"psnr": torch.tensor([1.0, 2.0])}
    save_columns(cache_key("a", torch.ones(2)), columns, tmp_path)
    assert torch.equal(load_columns(cache_key("a", torch.ones(2)), tmp_path)["psnr"], columns["psnr"])
    assert load_columns(cache_key("a", torch.zeros(2)), tmp_path) is None


def test_who_checks_recalls_nothing_and_only_within(tmp_path: Path):
    name = cache_key("a")
    save_columns(name, {"psnr": torch.ones(2)}, tmp_path)

    def check() -> None:
        with measured_anew():
            assert load_columns(name, tmp_path) is None
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        check()
    assert load_columns(name, tmp_path) is not None
