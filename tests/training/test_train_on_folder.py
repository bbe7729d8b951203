"""Training on a folder: one options dataclass from the command line to the card; and what the released card says."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from colorstyle_lib import paths
from colorstyle_lib.cli.main import parser
from colorstyle_lib.config import TrainOptions
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.datasets import find_split
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.files import file_hash
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.images.write import save_picture
from colorstyle_lib.model.generator import Generator, load_generator, save_generator
from colorstyle_lib.training import train_on_folder as training_on_folder
from colorstyle_lib.training.train_on_folder import train_on_folder

CARD = json.loads((paths.WEIGHTS / "companion.json").read_text(encoding="utf-8"))
TEXT = (paths.WEIGHTS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", ["split by content", "train and val at the root"])
def test_any_folder_of_pictures_can_be_trained_on(layout, tmp_path, capsys):
    root = tmp_path / "pictures"
    for i, picture in enumerate(synthetic.scenes(6, 48, seed=1).rgb):
        home = root if layout == "split by content" else root / ("val" if i < 2 else "train")
        save_picture(to_picture(picture), home / f"{i}.png")
    weights = train_on_folder(TrainOptions("tiny", (str(root),), steps=2, output=tmp_path / "out"))
    assert list(json.loads(weights.with_suffix(".json").read_text())["measured"]) == ["pictures"]
    with pytest.raises(DataError, match="has no data set 'picture'; did you mean 'pictures'"):
        train_on_folder(TrainOptions("tiny", (str(root),), datasets=("picture",), steps=2, output=tmp_path / "new"))


def test_gray_pictures_alone_are_told_of_and_json_has_no_nan(tmp_path, capsys):
    for i, picture in enumerate(synthetic.scenes(4, 48, seed=1).rgb):
        save_picture(to_picture(picture).convert("L"), tmp_path / "gray" / f"{i}.png")
    weights = train_on_folder(TrainOptions("tiny", (str(tmp_path / "gray"),), steps=2, output=tmp_path / "out"))
    assert "warning: the validation pictures are gray" in capsys.readouterr().out

    def refuse(name):
        raise ValueError(name)

    for text in (weights.with_suffix(".json").read_text(), *(tmp_path / "out" / "log.jsonl").read_text().splitlines()):
        assert "null" in json.dumps(json.loads(text, parse_constant=refuse))


def test_finished_weights_are_replaced_only_on_request_and_their_card_with_them(tmp_path, monkeypatch):
    root = tmp_path / "pictures"
    for i, picture in enumerate(synthetic.scenes(4, 48, seed=1).rgb):
        save_picture(to_picture(picture), root / f"{i}.png")
    (root / "nowhere.png").symlink_to(root / "gone.png")  # a link to nothing ends no run
    options = TrainOptions("tiny", (str(root),), steps=2, output=tmp_path / "out")
    weights = train_on_folder(options)
    card, before = weights.with_suffix(".json"), weights.read_bytes()
    with pytest.raises(ConfigError, match="finished weights; add --overwrite"):
        train_on_folder(replace(options, seed=1))
    assert weights.read_bytes() == before
    assert json.loads(card.read_text())["sha256"] == file_hash(weights)

    def killed(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training_on_folder, "write_card", killed)
        with pytest.raises(KeyboardInterrupt):
            train_on_folder(replace(options, seed=1, overwrite=True))
    assert weights.read_bytes() != before
    assert not card.exists()
    other = tmp_path / "other.safetensors"
    config = load_generator(weights).config
    save_generator(Generator(replace(config, width=2 * config.width)), other)
    with pytest.raises(ConfigError, match="not of preset 'tiny'"):
        train_on_folder(replace(options, output=tmp_path / "new", start_from=other))


@pytest.mark.data
def test_training_on_a_data_root_ends_with_weights_and_their_card(data_root, tmp_path):
    some = tmp_path / "root" / "scenes"
    for split, count in (("train", 12), ("val", 3)):
        (some / split).mkdir(parents=True)
        for path in find_split(data_root, split)[:count]:
            shutil.copy(path, some / split)
    weights = train_on_folder(TrainOptions("tiny", (str(tmp_path / "root"),), steps=3, output=tmp_path / "out"))
    card = json.loads(weights.with_suffix(".json").read_text())
    assert card["sha256"] == file_hash(weights)
    assert card["trained"]["images"] == 12
    assert card["measured"]["scenes"]["n"] == 3
    assert card["trained"]["command"].endswith("--steps 3 --seed 0")


def test_card_describes_the_file_beside_it():
    weights = paths.WEIGHTS / "companion.safetensors"
    assert file_hash(weights) == CARD["sha256"]
    assert weights.stat().st_size < 20e6
    generator = load_generator(weights)
    assert sum(p.numel() for p in generator.parameters()) == CARD["parameters"]
    assert CARD["generator"]["working_size"] == generator.config.working_size == CARD["measured_at_px"]


@pytest.mark.parametrize("name", CARD["measured"])
def test_model_card_shows_the_measured_numbers(name):
    m = CARD["measured"][name]
    numbers = f"{m['psnr_ab']:.1f} dB | {100 * m['colorfulness_ratio']:.0f} % | {m['stain_ratio']:.2f}"
    row = f"| `{name}` | {m['n']} | {numbers} |"
    assert row in TEXT, f"the model card lacks: {row}"


def test_model_card_shows_how_it_was_trained():
    trained = CARD["trained"]
    assert trained["command"] in TEXT
    assert f"{round(trained['seconds'] / 60)} minutes" in TEXT
    assert f"{trained['images']:,} photographs" in TEXT
    assert f"{CARD['parameters'] / 1e6:.1f} M parameters" in TEXT


def parsed(monkeypatch, *arguments):
    """What the command hands on."""
    given = []
    monkeypatch.setattr(training_on_folder, "train_on_folder", given.append)
    options = parser().parse_args(["train", *arguments])
    assert options.command(options) == 0
    return given[0]


def test_the_command_fills_the_options_and_the_card_names_what_was_changed(monkeypatch):
    assert parsed(monkeypatch) == TrainOptions()
    typed = "--preset tiny --datasets a b --tasks stylize=1 --learns restyling --batch-size 4"
    ended = "--start-from first.safetensors --steps 5 --seed -1"
    folders = "--data some/root --output out --every 7 --resume --start-from home/first.safetensors"
    options = parsed(monkeypatch, *folders.split(), *typed.split(), "--steps", "5", "--seed", "-1")
    assert (options.datasets, options.evaluate_every, options.resume, options.seed) == (("a", "b"), 7, True, -1)
    assert options.output == Path("out")
    start, rest = typed.split(" --datasets")
    assert options.command() == f"colorstyle train {start} --data ROOT --datasets{rest} {ended}"


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        (("stylize",), "--tasks wants NAME=NUMBER, not 'stylize'"),
        (("stylize=much",), "--tasks wants NAME=NUMBER, not 'stylize=much'"),
        (("styleize=1",), "no task 'styleize'; did you mean 'stylize'"),
    ],
)
def test_tasks_that_cannot_be_read_are_refused(tasks, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        train_on_folder(TrainOptions("tiny", (str(tmp_path),), tasks=tasks, steps=1))
