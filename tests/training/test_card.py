"""The texts about the released weights say what the card beside them says."""

import json

import pytest

from colorstyle_lib import paths
from colorstyle_lib.files import file_hash
from colorstyle_lib.model.weights import load_generator

CARD = json.loads((paths.WEIGHTS / "companion.json").read_text(encoding="utf-8"))
TEXT = (paths.WEIGHTS / "README.md").read_text(encoding="utf-8")


def test_card_describes_the_file_beside_it():
    weights = paths.WEIGHTS / "companion.safetensors"
    assert file_hash(weights) == CARD["sha256"]
    assert weights.stat().st_size < 16e6
    generator = load_generator(weights)
    assert sum(p.numel() for p in generator.parameters()) == CARD["parameters"]
    assert CARD["generator"]["working_size"] == generator.config.working_size == CARD["measured_at_px"]


@pytest.mark.parametrize("name", CARD["measured"])
def test_model_card_shows_the_measured_numbers(name):
    m = CARD["measured"][name]
    row = f"| `{name}` | {m['n']} | {m['psnr_ab']:.1f} dB | {100 * m['colorfulness_ratio']:.0f} % |"
    assert row in TEXT, f"the model card lacks: {row}"


def test_model_card_shows_how_it_was_trained():
    trained = CARD["trained"]
    assert trained["command"] in TEXT
    assert f"{round(trained['seconds'] / 60)} minutes" in TEXT
    assert f"{trained['images']:,} photographs" in TEXT
    assert f"{CARD['parameters'] / 1e6:.1f} M parameters" in TEXT
