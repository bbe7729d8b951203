"""Sliders for a drawing function that a notebook writes itself, and two made of them: a GAN on points, and claims."""

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ipywidgets
import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torchvision.utils import make_grid

from colorstyle_lib.course.plots.training import point_gan
from colorstyle_lib.course.toy_point_gan import Snapshot, modes_covered, ring_centers, train_point_gan
from colorstyle_lib.course.widgets.panel import png
from colorstyle_lib.images.read import to_picture, to_tensor
from colorstyle_lib.losses.adversarial import OBJECTIVES


class Sliders(ipywidgets.interactive):
    """Controls for the arguments of a function, and below them what it returns for their present values.

    ``draw`` returns a matplotlib figure or a PIL picture, always of one size, or HTML; controls start at its defaults.
    A control is, as in :class:`ipywidgets.interactive`, ``(low, high, step)``, a list of choices, or a boolean.
    ``sheet`` are settings, each the arguments that differ from the start: their pictures stand for the widget where
    there is no kernel, as on GitHub. An error of ``draw`` is raised for the sheet, and later one line.
    """

    def __init__(self, draw: Callable[..., Any], sheet: Sequence[dict[str, Any]] = ({},), /, **controls: Any) -> None:
        self.shown, self.told = ipywidgets.HTML(), ipywidgets.HTML(layout={"min_height": "2em"})
        super().__init__(draw, **controls)
        for control in self.kwargs_widgets:
            control.continuous_update, control.style.description_width = False, "initial"
            control.description = control._kwarg.replace("_", " ")
        self.children = [ipywidgets.Box(self.kwargs_widgets, layout={"flex_flow": "row wrap"}), self.told, self.shown]
        made = [_drawn(draw(**setting)) for setting in sheet]
        if isinstance(made[0], str):
            self.sheet = {"text/html": made[0]}
            return
        tiles = [ImageOps.expand(picture, (0, 22, 0, 0), "white") for picture in made]
        for tile, setting in zip(tiles, sheet, strict=True):
            ImageDraw.Draw(tile).text((8, 4), _caption(setting), "black", ImageFont.load_default(13))
        across = max(1, 1000 // tiles[0].width)  # GitHub's column has about 1000 pixels
        page = make_grid(torch.stack([*map(to_tensor, tiles)]), across, padding=0, pad_value=1)
        self.sheet = {"image/png": _base64(to_picture(page))}

    def update(self, *_: Any) -> None:
        """Draw for the present values; an error becomes one line, and the last picture stays."""
        self.kwargs = {control._kwarg: control.value for control in self.kwargs_widgets}
        self.told.value = '<span role="status">computing</span>'
        try:
            made = _drawn(self.f(**self.kwargs))
        except Exception as error:  # the function is the student's
            line = html.escape(f"{type(error).__name__}: {error}".splitlines()[0])
            self.told.value = f'<b role="alert" style="color: #a4262c">⚠ {line}</b>'
            return
        if isinstance(made, Image.Image):  # decoded at once and of known size: the page does not flicker
            size = f'width="{made.width}" height="{made.height}" style="max-width: 100%; height: auto" decoding="sync"'
            made = f'<img alt="{_caption(self.kwargs)}" {size} src="data:image/png;base64,{_base64(made)}">'
        self.shown.value, self.told.value = made, ""

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return super()._repr_mimebundle_(**options) | self.sheet


class PointGanPanel(Sliders):
    """A GAN on points step by step: D's field, G's arrows, and how many of the eight modes the points cover.

    ``pace`` is D's learning rate divided by G's; a slow D makes the printed objective collapse. Each combination is
    trained, of ``steps`` steps of one ``seed``, when it is first chosen.
    """

    def __init__(self, steps: int = 900, seed: int = 0) -> None:
        every = max(1, steps // 20)

        @cache
        def record(pace: float, objective: str, penalties: bool) -> list[Snapshot]:
            moments, gamma = range(0, steps + 1, every), 0.1 if penalties else 0.0
            options = {"steps": steps, "seeds": [seed], "learning_rate": 2e-3, "record": moments, "gamma": gamma}
            return train_point_gan(objective, discriminator_pace=pace, **options).snapshots

        def draw(step: int = 0, pace: float = 0.1, objective: str = "saturating", penalties: bool = False) -> Figure:
            shot = record(pace, objective, penalties)[step // every]
            covered, share = modes_covered(shot.fake, ring_centers())
            figure = point_gan([shot])
            figure.axes[0].set_title(f"step {step}: {covered} of 8 modes, {share:.0%} on a mode")
            return figure

        end = steps // every * every
        sheet = [{"step": 4 * every}, {"step": 5 * every}, {"step": end}, {"step": end, "pace": 1.0}]
        ranges = {"step": (0, end, every), "pace": [0.1, 0.3, 1.0, 3.0], "objective": list(OBJECTIVES)}
        super().__init__(draw, sheet, **ranges, penalties=False)


class ClaimRow(NamedTuple):
    """A row of :class:`ClaimsPanel`."""

    name: str
    verdict: str
    title: str
    details: str  # plain text in lines: conditions, numbers, commands
    figure: Path | None = None  # a PNG file that need not exist


class ClaimsPanel(Sliders):
    """A table of claims: choose a verdict; each row unfolds to its details and, where wanted, its figure."""

    def __init__(self, rows: Sequence[ClaimRow]) -> None:
        def draw(verdict: str = "all", figures: bool = False) -> str:
            return "".join(_unfolding(row, figures) for row in rows if verdict in ("all", row.verdict))

        super().__init__(draw, verdict=["all", *dict.fromkeys(row.verdict for row in rows)], figures=False)


def _unfolding(row: ClaimRow, with_figure: bool) -> str:
    text = f"<pre>{html.escape(row.details)}</pre>"
    if with_figure and row.figure is not None and row.figure.is_file():
        source = f"data:image/png;base64,{base64.b64encode(row.figure.read_bytes()).decode()}"
        text += f'<img alt="figure of {row.name}" style="max-width: 100%" src="{source}">'
    summary = f"<b>{row.name}: {row.verdict}</b>. {html.escape(row.title)}"
    return f"<details><summary>{summary}</summary>{text}</details>"


def _drawn(made: Figure | Image.Image | str) -> Image.Image | str:
    if isinstance(made, Figure):
        made.savefig(stream := io.BytesIO(), dpi="figure", bbox_inches=made.bbox_inches)
        return Image.open(stream).convert("RGB")
    return made


def _caption(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in setting.items()) or "at the start"


def _base64(picture: Image.Image) -> str:
    return base64.b64encode(png(picture)).decode()
