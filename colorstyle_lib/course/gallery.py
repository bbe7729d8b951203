"""A page of before and after with sliders: one file that anyone can open, without Python and without a network."""

import base64
import html
import io
import sys
from pathlib import Path
from string import Template

from PIL import Image

from colorstyle_lib.color import gray
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS
from colorstyle_lib.errors import DataError, ImageError, require
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import find_pictures, open_picture, to_picture, to_tensor
from colorstyle_lib.inference.colorstyle import ColorStyle

_LONGEST_SIDE = 480  # pixels; two JPEG files of each photograph go into the page
_FIGURE = """<figure><div class="pair"><img alt="in gray" src="{before}" width="{width}" height="{height}">
<img alt="colored" class="after" src="{after}"></div>
<input type="range" min="0" max="100" value="50" aria-label="gray | colored: {caption}"
 oninput="this.previousElementSibling.style.setProperty('--at', this.value + '%')">
<figcaption>{caption}</figcaption></figure>"""


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
        before = _data(to_picture(gray(to_tensor(picture)[None])[0]).convert("L"))
        facts = {"caption": html.escape(caption), "before": before, "after": _data(model.colorize(picture).image)}
        figures.append(_FIGURE.format(width=picture.width, height=picture.height, **facts))
    require(bool(figures), f"no picture in {str(folder)!r} can be shown", DataError)
    footer = f"Colors are guesses, not evidence of what a color was. Weights {model.weights_hash[:12]}."
    page = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8"))
    with atomic_write(output, "w", DataError) as file:
        file.write(page.substitute(title="Colored by colorstyle", figures="\n".join(figures), footer=footer))
    print(f"{output}: {len(figures)} pictures, {output.stat().st_size / 1e6:.2f} MB")
    return int(len(figures) < len(sources))


def _data(picture: Image.Image) -> str:
    """A picture as the text that an HTML page may hold in place of a file's address."""
    picture.save(stream := io.BytesIO(), "JPEG", quality=85, optimize=True, progressive=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
