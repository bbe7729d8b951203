"""What all panels share: the photograph, its picture before and after, undo, errors, saving, the line of Python."""

from __future__ import annotations

import base64
import functools
import html
import inspect
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import matplotlib
import numpy as np
import traitlets
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from colorstyle_lib import paths
from colorstyle_lib.color import gray
from colorstyle_lib.course.plots.common import Captioned, captioned_grid
from colorstyle_lib.course.widgets.session import Session
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS, photograph
from colorstyle_lib.errors import ColorStyleError, ImageError, needs_extra
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import open_picture, to_picture, to_tensor
from colorstyle_lib.inference.colorizer import Result
from colorstyle_lib.inference.colorstyle import ColorStyle

with needs_extra("anywidget", "tutorial"):
    import anywidget

FOLDER = paths.RUNS / "explore"
"""Where panels save to."""

SIDE = 256
"""Pixels of the shorter side of the pictures that panels show; they save at the photograph's own size."""

_HERE = Path(__file__).parent


class Named(NamedTuple):
    """A picture, what people call it, and the Python that opens it, which is its repr."""

    name: str
    picture: Image.Image
    code: str

    def __repr__(self) -> str:
        return self.code


def named(source: str | Path | Image.Image | Named) -> Named:
    """Open a demo photograph by its name, a file, or a picture; an ImageError where it cannot be opened."""
    if isinstance(source, Named):
        return source
    if isinstance(source, Image.Image):
        return Named("photo", open_picture(source), "photo")
    if source in PHOTOGRAPHS:
        return Named(str(source), photograph(str(source)).open(), f'photograph("{source}").open()')
    path = Path(source).expanduser()
    return Named(path.stem, open_picture(path), repr(path.as_posix()))


def uploaded(file: Mapping[str, Any]) -> Named:
    """Keep a file that ``FileUpload`` received, and open it; an ImageError where it cannot be opened."""
    path = FOLDER / "uploads" / Path(file["name"]).name
    with atomic_write(path, error=ImageError) as stream:
        stream.write(file["content"])
    return named(path)


class PictureView(anywidget.AnyWidget):
    """A picture before and after, with a divider, hints as numbered pins, and a brush for a mask."""

    _esm, _css = _HERE / "picture.js", _HERE / "widgets.css"
    before = traitlets.Bytes().tag(sync=True)  # a PNG file, as are the next two
    after = traitlets.Bytes().tag(sync=True)
    mask = traitlets.Bytes().tag(sync=True)  # brushed: opaque where the brush was; empty for none
    size = traitlets.List([1, 1]).tag(sync=True)  # width and height that hints are meant in
    hints = traitlets.List().tag(sync=True)  # [x, y, "#rrggbb"] each
    color = traitlets.Unicode("#b5302a").tag(sync=True)  # of the next hint
    mode = traitlets.Enum(["look", "hint", "brush"], "look").tag(sync=True)  # what the mouse does
    busy = traitlets.Bool(False).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)  # for screen readers


class Strip(anywidget.AnyWidget):
    """A row of thumbnails, of which one is chosen by click or keyboard."""

    _esm, _css = _HERE / "strip.js", _HERE / "widgets.css"
    thumbnails = traitlets.List().tag(sync=True)  # PNG files
    labels = traitlets.List().tag(sync=True)
    value = traitlets.Int(0).tag(sync=True)  # number of the chosen one
    description = traitlets.Unicode().tag(sync=True)


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file, lightly compressed: time counts more than bytes on the way to a browser."""
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """The middle square of a picture at 72 pixels, as a PNG file."""
    small = shrink(picture, 72)
    left, top = (small.width - 72) // 2, (small.height - 72) // 2
    return png(small.crop((left, top, left + 72, top + 72)))


def overlay(picture: Image.Image, values: Float[Tensor, "h w"], top: float) -> Image.Image:
    """A map of numbers from 0 to ``top`` in the colors of cividis over the picture's own gray."""
    small = matplotlib.colormaps["cividis"]((values / top).clamp(0, 1).numpy())[..., :3]
    colors = Image.fromarray((255 * small).astype(np.uint8)).resize(picture.size, Image.Resampling.BILINEAR)
    return Image.blend(to_picture(gray(to_tensor(picture)[None])[0]), colors, 0.6)


class Panel(ipywidgets.VBox):
    """A photograph, its result, and controls; each change of a control makes a new result.

    Where there is no kernel, as on GitHub, the panel is a contact sheet of its examples. A subclass makes its controls
    before it calls this constructor.

    Args:
        model: from :meth:`.ColorStyle.load`.
        photo: a demo photograph's name, a path, or a picture.
        controls: by name; undo remembers their values.
        rows: of controls, as they are laid out.

    Raises:
        ImageError: the photograph cannot be opened.
    """

    method = "colorize"
    title = ""

    def __init__(
        self,
        model: ColorStyle,
        photo: str | Path | Image.Image,
        controls: Mapping[str, ipywidgets.Widget],
        rows: Sequence[Sequence[ipywidgets.Widget]],
    ) -> None:
        self.model, self.controls = model, controls
        self._history: list[dict[str, Any]] = []
        self._quiet = False
        self.error = ipywidgets.HTML(layout={"min_height": "2em", "margin": "0"})
        self.line = ipywidgets.Textarea(description="Python", disabled=True, layout={"width": "98%", "display": "none"})
        demos = [("choose one", ""), *((name, name) for name in PHOTOGRAPHS)]
        self.photos = ipywidgets.Dropdown(options=demos, value="", description="photo")
        self.upload = ipywidgets.FileUpload(accept="image/*", description="your own")
        self.photos.observe(lambda change: change.new and self._open(lambda: named(change.new)), "value")
        self.upload.observe(lambda change: change.new and self._open(lambda: uploaded(change.new[0])), "value")
        for name, control in controls.items():
            control.observe(self._changed, _trait(name))
        buttons = [
            button("undo", "undo", "take back the last change", self._undo),
            button("save", "save", "save the result at full size, with its settings in the file", self._save),
            button("Python", "code", "show the line of Python that makes this result", self._show_line),
        ]
        side = ipywidgets.VBox([row(self.photos, self.upload), *(row(*r) for r in rows), row(*buttons), self.error])
        columns = ipywidgets.Box([self.view, side])
        columns.add_class("cs-columns")
        super().__init__([ipywidgets.HTML(f"<b>{self.title}</b>"), columns, self.line])
        self.add_class("cs-panel")
        self.take(named(photo))

    @functools.cached_property
    def view(self) -> PictureView:
        """The picture on show."""
        return PictureView()

    def take(self, photo: Named) -> None:
        """Take another photograph, and show its result; hints and mask are not kept."""
        self.photo = photo
        self.session = Session(self.model, shrink(photo.picture, min(SIDE, *photo.picture.size)))
        self.view.before = png(self.before(self.session.picture))
        self._quiet = True
        self.view.size, self.view.hints, self.view.mask = list(photo.picture.size), [], b""
        self._quiet = False
        self._history, self._now = [], self._values()
        self.update()

    def before(self, picture: Image.Image) -> Image.Image:
        """What the left of the divider shows."""
        return to_picture(gray(to_tensor(picture)[None])[0])

    def settings(self) -> dict[str, Any]:
        """Arguments of the call, as the controls are set; pictures are :class:`Named`."""
        raise NotImplementedError

    def examples(self) -> Mapping[str, dict[str, Any]]:
        """Five settings to show on the contact sheet, by caption."""
        raise NotImplementedError

    def picture(self, result: Result) -> Image.Image:
        """What is shown of a result."""
        return result.image

    def call(self, settings: Mapping[str, Any], *, full: bool = False) -> Result:
        """Make a result, of the small copy on show or of the photograph at full size; the errors of the method."""
        settings = {name: _opened(value) for name, value in settings.items()}
        if full:
            return getattr(self.model, self.method)(self.photo.picture, **settings)
        if settings.get("hints"):
            scale = self.session.picture.width / self.photo.picture.width
            settings["hints"] = [(x * scale, y * scale, color) for x, y, color in settings["hints"]]
        return getattr(self.session, self.method)(**settings)

    def update(self) -> None:
        """Make a new result and show it; an error becomes one line in the panel."""
        with self._telling():
            self.result = self.call(self.settings())
            self.view.after = png(self.picture(self.result))
            self.line.value = self.python()
            self.view.description = f"{self.title}: {self.line.value}"

    def python(self) -> str:
        """The line of Python that makes the present result at full size."""
        usual = inspect.signature(getattr(ColorStyle, self.method)).parameters
        given = {name: value for name, value in self.settings().items() if value != usual[name].default}
        options = "".join(f", {name}={value!r}" for name, value in given.items())
        return f"ColorStyle.load().{self.method}({self.photo!r}{options})"

    def sheet(self) -> bytes:
        """The contact sheet that stands for the panel where there is no kernel, as a JPEG file."""
        shown = [Captioned(self.before(self.session.picture), "before")]
        shown += [Captioned(self.call(settings).image, caption) for caption, settings in self.examples().items()]
        stream = io.BytesIO()
        captioned_grid([shown[:3], shown[3:]]).savefig(stream, format="jpeg", pil_kwargs={"quality": 85})
        return stream.getvalue()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        sheet = base64.b64encode(self.sheet()).decode()
        return super()._repr_mimebundle_(**options) | {"image/jpeg": sheet}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Show that the panel is busy, and an error that the user can mend as one line."""
        self.view.busy, self.error.value = True, ""
        try:
            yield
        except ColorStyleError as error:
            self.error.value = f'<span role="alert" class="cs-error">⚠ {html.escape(str(error))}</span>'
        finally:
            self.view.busy = False

    def _values(self) -> dict[str, Any]:
        return {name: getattr(control, _trait(name)) for name, control in self.controls.items()}

    def _changed(self, _: Any = None) -> None:
        if not self._quiet:
            self._history.append(self._now)
            self._now = self._values()
            self.update()

    def put(self, **values: Any) -> None:
        """Set several controls, as one change."""
        self._quiet = True
        for name, value in values.items():
            setattr(self.controls[name], _trait(name), value)
        self._quiet = False
        self._changed()

    def _undo(self, _: Any = None) -> None:
        if self._history:
            self.put(**self._history.pop())
            self._history.pop()  # going back is no change to go back to

    def _save(self, _: Any = None) -> None:
        with self._telling():
            names = (FOLDER / f"{self.photo.name}-{self.method}-{number}.png" for number in itertools.count(1))
            path = self.call(self.settings(), full=True).save(next(name for name in names if not name.exists()))
            self.error.value = f"saved {html.escape(os.path.relpath(path))}"

    def _show_line(self, _: Any = None) -> None:
        self.line.layout.display = None if self.line.layout.display == "none" else "none"

    def _open(self, photo: Callable[[], Named]) -> None:
        with self._telling():
            self.take(photo())


def _trait(name: str) -> str:
    """The trait of a control that undo remembers: hints and mask are the picture's."""
    return name if name in ("hints", "mask") else "value"


def _opened(value: Any) -> Any:
    """The value with pictures in place of their names, also in a list of styles."""
    if isinstance(value, list):
        return [(_opened(one[0]), *one[1:]) for one in value]
    return value.picture if isinstance(value, Named) else value


def button(text: str, icon: str, tooltip: str, pressed: Callable[[Any], None]) -> ipywidgets.Button:
    """A small button."""
    made = ipywidgets.Button(description=text, icon=icon, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(pressed)
    return made


def slider(name: str, value: float, top: float) -> ipywidgets.FloatSlider:
    """A slider from 0 that tells of its value when it is released."""
    return ipywidgets.FloatSlider(value, min=0, max=top, step=0.05, description=name, continuous_update=False)


def row(*controls: ipywidgets.Widget) -> ipywidgets.Box:
    """Controls side by side, below each other in a narrow window."""
    return ipywidgets.Box(controls, layout={"flex_flow": "row wrap"})
