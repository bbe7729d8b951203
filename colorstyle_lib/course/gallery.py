"""A page of before and after with sliders: one file that anyone can open, without Python and without a network."""

import base64
import html
import io
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from PIL import Image, ImageOps

from colorstyle_lib.color import gray
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.errors import DataError, ImageError, require
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import find_pictures, open_picture, to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle

_LONGEST_SIDE = 480  # pixels; two files of each photograph go into the page
_SMALL = 320  # pixels of the longest side in a notebook
_PAGE = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
_FIGURE = """<figure><div class="pair" style="--at: {at}%">
<img alt="before" src="{before}" width="{width}" height="{height}">
{afters}</div>
<input type="range" min="0" max="100" value="{at}" aria-label="before | after: {caption}"
 oninput="this.previousElementSibling.style.setProperty('--at', this.value + '%')">
<figcaption>{choice}{caption}</figcaption></figure>"""
_CHOICE = """<label><input type="range" min="0" max="{last}" value="0" aria-label="settings" aria-valuetext="{first}"
 oninput="choose(this)"><output>{first}</output></label>"""


def write_gallery(folder: Path | None = None, output: Path = Path("gallery.html")) -> int:
    """Color the pictures of a folder, by default the demo photographs, and write them as one HTML page.

    Returns 0, or 1 where a picture could not be opened, which is named on standard error and left out. ConfigError: the
    output is no ``.html`` file. DataError: there are no pictures, or the page cannot be written. ImageError: the folder
    cannot be read.
    """
    require(output.suffix.lower() in (".html", ".htm"), f"a gallery is an .html file, not {str(output)!r}")
    sources = {p.path: f"{p.title}. {p.author}, {p.licence}" for p in PHOTOGRAPHS.values()}
    if folder is not None:
        sources = {path: path.name for path in find_pictures(folder)}
    model, figures = ColorStyle.load(), []
    for path, caption in sources.items():
        try:
            picture = open_picture(path)
        except ImageError as error:
            print(error, file=sys.stderr)
            continue
        picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), Image.Resampling.LANCZOS)
        before = to_picture(gray(to_tensor(picture)[None])[0])
        figures.append(compared(before, {"colored": model.colorize(picture).image}, caption))
    require(bool(figures), f"no picture in {str(folder)!r} can be shown", DataError)
    footer = f"Colors are guesses, not evidence of what a color was. Weights {model.weights_hash[:12]}."
    title = "Colored by colorstyle"
    lead = "left of the line is the gray photograph, right of it are the colors that the model guessed"
    head = f"<h1>{title}</h1>\n<p>Move a slider: {lead}.</p>"
    with atomic_write(output, "w", DataError) as file:
        file.write(_PAGE.substitute(title=title, head=head, figures="\n".join(figures), footer=footer))
    print(f"{output}: {len(figures)} pictures, {output.stat().st_size / 1e6:.2f} MB")
    return int(len(figures) < len(sources))


def frame(before: Image.Image, afters: Mapping[str, Image.Image]) -> str:
    """Pictures of :func:`compared`, small, as a page in a page, whose sliders work in a notebook without a kernel."""
    before, *others = (ImageOps.contain(one, (_SMALL, _SMALL)) for one in (before, *afters.values()))
    caption = "upper slider: before and after; lower slider: settings"
    figure = compared(before, dict(zip(afters, others, strict=True)), caption, at=0, quality=40)
    page = _PAGE.substitute(title="without a kernel", head="", figures=figure, footer="")
    style = f"width: 100%; max-width: {_SMALL + 32}px; height: {_SMALL * before.height // before.width + 136}px"
    return f'<iframe title="sliders" style="{style}; border: 0" srcdoc="{html.escape(page)}"></iframe>'


def compared(
    before: Image.Image, afters: Mapping[str, Image.Image], caption: str = "", *, at: int = 50, quality: int = 80
) -> str:
    """HTML of a picture before and after, with a divider; where there are several by their names, one is chosen.

    ``at`` is where the divider starts, in percent; ``quality`` is that of WebP, from 0 to 100.
    """
    images = [
        f'<img alt="{html.escape(name)}" class="after" src="{_data(after, quality)}"{" hidden" if number else ""}>'
        for number, (name, after) in enumerate(afters.items())
    ]
    first, caption = html.escape(next(iter(afters))), html.escape(caption)
    choice = _CHOICE.format(last=len(afters) - 1, first=first) if len(afters) > 1 else ""
    facts = {
        "before": _data(before, quality),
        "width": before.width,
        "height": before.height,
        "caption": caption,
        "at": at,
    }
    return _FIGURE.format(**facts, afters="\n".join(images), choice=choice)


def _data(picture: Image.Image, quality: int) -> str:
    """A picture as the text that an HTML page may hold in place of a file's address."""
    picture.save(stream := io.BytesIO(), "WEBP", quality=quality, method=6)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
