"""The page of before and after."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from colorstyle_lib.cli.main import main, parser


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.sliders = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.sources += [given[key] for key in ("src", "href") if key in given]
        self.sliders += tag == "input"


def test_the_demo_page_is_one_small_file(isolated: Path, capsys: pytest.CaptureFixture):
    assert main(["gallery", "-o", "demo.html"]) == 0
    text = Path("demo.html").read_text()
    page = Page(text)
    assert len(text) < 1_000_000
    assert page.sliders == 7
    assert len(page.sources) == 14
    assert all(source.startswith("data:image/webp;base64,") for source in page.sources)
    assert not re.search(r"https?://", text)
    assert "7 pictures" in capsys.readouterr().out


def test_a_bad_file_is_named_and_the_rest_is_shown(isolated: Path, ramp, capsys: pytest.CaptureFixture):
    Path("album").mkdir()
    Image.fromarray(ramp).save("album/a<b>.png")
    Path("album/bad.jpg").write_bytes(b"no picture")
    assert main(["gallery", "album", "-o", "out.html"]) == 1
    assert "bad.jpg" in capsys.readouterr().err
    text = Path("out.html").read_text()
    assert Page(text).sliders == 1
    assert "a&lt;b&gt;.png" in text


def test_mistakes_are_one_line(isolated: Path, capsys: pytest.CaptureFixture):
    Path("empty").mkdir()
    for arguments in (
        ["gallery", "nowhere"],
        ["gallery", "empty"],
        ["explore", "nowhere.jpg"],
        ["gallery", "-o", "a.png"],
    ):
        assert main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not list(Path().glob("*.html"))


def test_explore_opens_the_notebook_with_the_photograph(isolated: Path, ramp, monkeypatch: pytest.MonkeyPatch):
    from colorstyle_lib import paths

    calls = []
    monkeypatch.setattr("subprocess.call", lambda command: calls.append(command) or 0)
    monkeypatch.setattr(paths, "RUNS", isolated / "runs")
    Image.fromarray(ramp).save("my photo.png")
    for arguments in (["explore"], ["explore", "my photo.png"]):
        parsed = parser().parse_args(arguments)
        assert parsed.command(parsed) == 0
    plain, copied = (Path(command[-1]) for command in calls)
    assert plain == paths.NOTEBOOKS / "09_explore.ipynb"
    assert copied.is_relative_to(isolated / "runs")
    assert str(isolated / "my photo.png") in copied.read_text()
    assert calls[0][1:4] == ["-m", "jupyter", "lab"]
