"""What all panels share: photograph, picture before and after, undo, errors, saving, the line of Python."""

import ast
import base64
import functools
import html
import inspect
import io
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import matplotlib
import traitlets
from PIL import Image, ImageOps

from colorstyle_lib import paths
from colorstyle_lib.color import gray
from colorstyle_lib.course.gallery import frame
from colorstyle_lib.course.plots.common import Captioned, captioned_grid
from colorstyle_lib.course.widgets.session import Session
from colorstyle_lib.data.batches import shrink
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS, photograph
from colorstyle_lib.errors import ColorStyleError, ImageError, needs_extra
from colorstyle_lib.files import atomic_write
from colorstyle_lib.images.read import Source, open_picture, to_picture, to_tensor
from colorstyle_lib.inference.album import SAME_SCENE
from colorstyle_lib.inference.colorizer import Result, pixels_hash
from colorstyle_lib.inference.colorstyle import ColorStyle

with needs_extra("anywidget", "course"):
    import anywidget

FOLDER = paths.RUNS / "explore"  # where panels save to
SIDE = 256  # pixels of the shorter side of what panels show; they save at the photograph's own size
_LONGEST = 768  # pixels of the other side

_HERE = Path(__file__).parent
_WRAP = {"flex_flow": "row wrap"}  # below each other in a narrow window


class Named(NamedTuple):
    """A picture, what people call it, and the Python that opens it, which is its repr."""

    name: str
    picture: Image.Image
    code: str

    def __repr__(self) -> str:
        return self.code


def named(source: Source | Named) -> Named:
    """Open a demo photograph by its name, a file, or a picture; an ImageError where it cannot be opened."""
    if isinstance(source, Named):
        return source
    if isinstance(source, str) and source in PHOTOGRAPHS:
        return _demo(source)
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        return Named(path.stem, open_picture(path), repr(path.as_posix()))
    return Named("photo", open_picture(source), "photo")


@functools.cache
def _demo(name: str) -> Named:
    return Named(name, photograph(name).open(), f'photograph("{name}").open()')


class PictureView(anywidget.AnyWidget):
    """A picture before and after, with a divider, hints as numbered pins, and a brush for a mask."""

    _esm, _css = _HERE / "picture.js", _HERE / "widgets.css"
    before = traitlets.Bytes().tag(sync=True)  # a PNG file, as are the next two
    after = traitlets.Bytes().tag(sync=True)
    # Opaque where the brush was; empty for none.
    mask = traitlets.Bytes().tag(sync=True, from_json=lambda sent, _: bytes(sent))
    size = traitlets.List([1, 1]).tag(sync=True)  # width and height that hints are meant in
    hints = traitlets.List().tag(sync=True)  # [x, y, "#rrggbb"] each
    color = traitlets.Unicode("#b5302a").tag(sync=True)  # of the next hint
    brush = traitlets.Float(1 / 8).tag(sync=True)  # its width, as a share of the picture's height
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

    def show(self, pictures: Mapping[str, Image.Image]) -> None:
        """Show other pictures, by their labels."""
        self.labels, self.thumbnails = [*pictures], [png(one, 72) for one in pictures.values()]


class Pictures(ipywidgets.Dropdown):
    """A choice among the demo photographs and own pictures, or of none."""

    def __init__(self, description: str, chosen: Source | Named | None, *others: tuple[str, str]) -> None:
        super().__init__(options=[*others, *((demo, demo) for demo in PHOTOGRAPHS)], description=description)
        if isinstance(chosen, str) and chosen in PHOTOGRAPHS:
            self.value = chosen
        elif chosen is not None:
            self.add(named(chosen))

    def add(self, picture: Named) -> None:
        """Add an own picture, and choose it."""
        self._initializing_traits_ = True  # else the first of them is chosen on the way, and shown
        self.options = [*self.options, (picture.name, picture)]
        self._initializing_traits_ = False
        self.value = picture

    @property
    def chosen(self) -> Any:
        """The chosen picture, :class:`Named`, or None."""
        return named(self.value) if self.value else None


class Upload(ipywidgets.FileUpload):
    """A button for a picture from the visitor's own machine; ``add`` gets it, opened."""

    def __init__(self, panel: "Panel", add: Callable[[Named], None]) -> None:
        super().__init__(accept="image/*", description="your own")
        self.panel, self.add = panel, add
        self.observe(lambda change: change.new and self._keep(change.new[0]), "value")

    def _keep(self, file: Mapping[str, Any]) -> None:
        with self.panel.telling():
            path = FOLDER / "uploads" / Path(file["name"]).name
            with atomic_write(path, error=ImageError) as stream:
                stream.write(file["content"])
            self.add(named(path))


class Panel(ipywidgets.VBox):
    """A photograph, its result, and controls; each change of a control makes a new result.

    The photograph is a demo photograph's name, a path, or a picture; an ImageError where it cannot be opened. Without
    a kernel, as on GitHub, the panel is a contact sheet. A subclass hands over its controls by name, whose values undo
    remembers (of the view they are hints and mask), and the rows that they stand in.
    """

    method = "colorize"
    title = "Colorize"
    takes_photo, suffix = True, ""  # the suffix ends the line of Python
    result: Result | None = None  # the present one; None while there was none without an error
    settings: Callable[[], dict[str, Any]]  # arguments of the method, as the controls are set; pictures are Named
    examples: Mapping[str, Mapping[str, Any]] = {}  # controls that differ from how they stand at the start, by caption
    stills: dict[str, Image.Image] | None = None  # for readers without a kernel, in place of examples

    def __init__(self, model: ColorStyle, photo: Source | Named, view: PictureView, controls: dict, rows: list):
        self.model, self.view, self.controls = model, view, controls
        self._quiet = False
        self.told = ipywidgets.HTML(layout={"min_height": "2em"})
        self.line = ipywidgets.Textarea(description="Python", layout={"width": "98%", "display": "none"})
        photos = Pictures("photo", photo)
        photos.observe(lambda _: self.take(photos.chosen), "value")
        for name, control in controls.items():
            control.observe(self._changed, _trait(name))
        buttons = [
            button("undo", "undo", "take back the last change", self._undo),
            button("save", "save", "save the result at full size, with its settings in the file", self._save),
            button("Python", "code", "copy the line of Python that makes this result", self._copy_line),
        ]
        rows = [*([[photos, Upload(self, photos.add)]] if self.takes_photo else []), *rows, buttons, [self.told]]
        side = ipywidgets.VBox([ipywidgets.Box(row, layout=_WRAP) for row in rows], _dom_classes=["cs-side"])
        columns = ipywidgets.Box([self.view, side], layout=_WRAP)
        super().__init__([ipywidgets.HTML(f"<b>{self.title}</b>"), columns, self.line])
        self.add_class("cs-panel")
        self.take(photos.chosen)

    def mask(self, size: tuple[int, int]) -> Named:
        """What is brushed, at a size in pixels; the file that its code names is written by the buttons."""
        mask = Image.open(io.BytesIO(self.view.mask)).getchannel("A").resize(size)
        path = FOLDER / "masks" / f"{self.photo.name}-{pixels_hash(mask)[:8]}.png"
        return Named("mask", mask, repr(path.as_posix()))

    def take(self, photo: Named) -> None:
        """Take another photograph, and show its result; hints and mask stay with the old one."""
        self.photo = photo
        short, long = sorted(photo.picture.size)
        self.session = Session(self.model, shrink(photo.picture, max(1, min(SIDE, short, _LONGEST * short // long))))
        self.view.before = png(self.before())
        self._set(hints=[], mask=b"", size=list(photo.picture.size))
        self._history: list[dict[str, Any]] = []
        self.update()
        self._now = self._values()

    def before(self) -> Image.Image:
        """What stands left of the divider: the photograph, in gray where its color is what the panel makes."""
        if self.method != "colorize":
            return self.session.picture
        return to_picture(gray(to_tensor(self.session.picture)[None])[0])

    def shown_of(self, result: Result) -> Image.Image:
        """What is shown of a result: its picture, or a map."""
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
        with self.telling():
            self.result = self.call(self.settings())
            self.view.after = png(self.shown_of(self.result))
            self.line.value = self.python()
            self.view.description = f"{self.title}: {self.line.value}"
            if fit := self.fit_told():
                self.told.value = f'<span role="status">{html.escape(fit)}</span>'

    def fit_told(self) -> str:
        """How well a chosen reference fits; empty where there is none."""
        if not (reference := self.settings().get("reference")):
            return ""
        fit = self.session.fit(reference.picture)
        scene = "the same scene" if fit >= SAME_SCENE else "another scene, so its colors may be wrong here"
        return f"The reference fits by {fit:.2f}: {scene}."

    def python(self) -> str:
        """The line of Python that makes the present result at full size."""
        usual = inspect.signature(getattr(ColorStyle, self.method)).parameters
        given = {name: value for name, value in self.settings().items() if value != usual[name].default}
        parts = [repr(self.photo)] * self.takes_photo + [f"{name}={value!r}" for name, value in given.items()]
        return f"ColorStyle.load().{self.method}({', '.join(parts)}){self.suffix}"

    def made_before(self) -> dict[str, Image.Image]:
        """Results of the examples, by caption, for readers who have no kernel."""
        made = {}
        for caption, values in {} if self.stills else self.examples.items():
            self._set(**values)
            made[caption] = self.call(self.settings()).image
            self._set(**self._now)
        return self.stills or made

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget; a contact sheet, for GitHub; and sliders among what was made before, for other pages."""
        if not self.result:
            return super()._repr_mimebundle_(**options) | {"text/html": self.told.value}
        made, before, stream = self.made_before(), Image.open(io.BytesIO(self.view.before)), io.BytesIO()
        before_first = {} if self.stills else {"before": before}
        shown = [Captioned(one, caption) for caption, one in (before_first | made).items()]
        rows = [shown[:3], [*shown[3:], None, None][:3]]
        height = 1.3 * min(1, 3 * before.height / before.width)
        captioned_grid(rows, height=height).savefig(stream, format="jpeg", pil_kwargs={"quality": 85})
        sheet = base64.b64encode(stream.getvalue()).decode()
        return super()._repr_mimebundle_(**options) | {"image/jpeg": sheet, "text/html": frame(before, made)}

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Show that the panel is busy, and as one line an error that the visitor can mend."""
        self.view.busy, self.told.value = True, ""
        try:
            yield
        except ColorStyleError as error:
            self.told.value = f'<span role="alert" class="cs-error">⚠ {html.escape(str(error))}</span>'
        finally:
            self.view.busy = False

    def _values(self) -> dict[str, Any]:
        return {name: getattr(control, _trait(name)) for name, control in self.controls.items()}

    def _set(self, **values: Any) -> None:
        self._quiet = True
        for name, value in values.items():
            setattr(self.controls.get(name, self.view), _trait(name), value)
        self._quiet = False

    def _changed(self, _: Any = None) -> None:
        if not self._quiet:
            self._history.append(self._now)
            self.update()
            self._now = self._values()

    def put(self, **values: Any) -> None:
        """Set several controls, as one change."""
        self._set(**values)
        self._changed()

    def _undo(self, _: Any = None) -> None:
        if self._history:
            self.put(**self._history.pop())
            self._history.pop()  # going back is no change to go back to

    def _save(self, _: Any = None) -> None:
        with self.telling():
            names = (FOLDER / f"{self.photo.name}-{self.method}-{number}.png" for number in itertools.count(1))
            result = self.call(self.settings(), full=True)
            result.provenance["python"] = self.python()
            path = result.save(next(name for name in names if not name.exists()))
            also = self._keep_mask()
            self.told.value = html.escape(" and ".join(f"saved {os.path.relpath(one)}" for one in [path, *also]))

    def _keep_mask(self) -> list[Path]:
        """Write the mask that the line of Python names, where it names one."""
        if not (mask := self.settings().get("mask")):
            return []
        path = Path(ast.literal_eval(mask.code))
        with atomic_write(path, error=ImageError) as stream:
            mask.picture.save(stream, "PNG")
        return [path]

    def _copy_line(self, _: Any = None) -> None:
        with self.telling():
            self._keep_mask()
            self.line.layout.display = None
            self.view.send({"copy": self.line.value})


def _trait(name: str) -> str:
    return name if name in ("hints", "mask", "size") else "value"


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


def png(picture: Image.Image, square: int = 0) -> bytes:
    """A picture, or its middle square at some pixels, as a PNG file that is quick to write."""
    stream = io.BytesIO()
    (ImageOps.fit(picture, (square, square)) if square else picture).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def overlay(picture: Image.Image, values: Any, top: float) -> Image.Image:
    """A map of numbers from 0 to ``top``, ``(h, w)``, in the colors of cividis over the picture's own gray."""
    colors = Image.fromarray(matplotlib.colormaps["cividis"]((values / top).numpy(), bytes=True)).convert("RGB")
    return Image.blend(picture.convert("L").convert("RGB"), colors.resize(picture.size), 0.6)
