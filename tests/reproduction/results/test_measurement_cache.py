"""Columns kept on disk are found by what they depend on."""

from __future__ import annotations

from pathlib import Path

import torch

from colorstyle_lib.reproduction.results.store import cache_key, load_columns, save_columns


def test_columns_come_back_by_their_address(tmp_path: Path):
    columns = {"psnr": torch.tensor([1.0, 2.0])}
    save_columns(cache_key("a", torch.ones(2)), columns, tmp_path)
    assert torch.equal(load_columns(cache_key("a", torch.ones(2)), tmp_path)["psnr"], columns["psnr"])
    assert load_columns(cache_key("a", torch.zeros(2)), tmp_path) is None
