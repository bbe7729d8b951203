"""The panels: coloring, style transfer, and attention."""

import functools
import io
from typing import Any, ClassVar

import ipywidgets
from PIL import Image

from colorstyle_lib.course.widgets.panel import (
    Named,
    Panel,
    Pictures,
    PictureView,
    Strip,
    Upload,
    button,
    overlay,
    png,
    slider,
)
from colorstyle_lib.data.example_pictures import STYLES, style
from colorstyle_lib.images.read import Source, to_picture
from colorstyle_lib.inference.colorizer import Result
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.model.modalities import MODALITIES

_SEEDS = (None, *range(1, 9))
_BLENDED = ("blend with", "and with")
_MOST_SPREAD = 40.0  # Lab units, the brightest color of the map of uncertainty


def _checkbox(text: str, value: bool = False) -> ipywidgets.Checkbox:
    return ipywidgets.Checkbox(value, description=text, indent=False, layout={"width": "auto"})


class ColorizePanel(Panel):
    """Coloring by :meth:`.ColorStyle.colorize`: hints by click, seed, saturation, reference, uncertainty."""

    examples: ClassVar = {"no seed": {}, "saturation 1.6": {"saturation": 1.6}}
    examples |= {f"seed {n}": {"seed": n} for n in (1, 2, 3)}

    def __init__(self, model: ColorStyle, photo: Source = "coffee") -> None:
        view = PictureView(mode="hint")
        color = ipywidgets.ColorPicker(value=view.color, description="hint's color")
        color.observe(lambda change: setattr(view, "color", change.new), "value")
        self.seed = Strip(description="seed", labels=["no seed", *(f"seed {n}" for n in _SEEDS[1:])])
        self.saturation = slider("saturation", 1.0, 3.0)
        self.reference = Pictures("reference", None, ("none", ""))
        self.uncertainty = _checkbox("show where the model is unsure")
        controls = {"seed": self.seed, "saturation": self.saturation, "reference": self.reference}
        controls |= {"uncertainty": self.uncertainty, "hints": view}
        clear = button("remove all hints", "trash", "remove all hints", lambda _: self.put(hints=[]))
        about = ipywidgets.HTML("click on the picture for a hint; drag moves it, Delete or a double click removes it")
        rows = [[about], [color, clear], [self.saturation], [self.reference, Upload(self, self.reference.add)]]
        super().__init__(model, photo, view, controls, [*rows, [self.uncertainty], [self.seed]])

    def take(self, photo: Named) -> None:
        """Take another photograph, and show its result and those of eight seeds."""
        super().take(photo)
        seeds = _SEEDS if self.model.generator.config.noise else _SEEDS[:1]
        self.seed.thumbnails = [png(self.session.colorize(seed=n).image, 72) for n in seeds]

    def settings(self) -> dict[str, Any]:
        """Arguments of ``colorize``."""
        hints = tuple((x, y, color) for x, y, color in self.view.hints)
        given = {"reference": self.reference.chosen, "hints": hints, "seed": _SEEDS[self.seed.value]}
        return given | {"saturation": self.saturation.value}

    def shown_of(self, result: Result) -> Image.Image:
        """The colored picture, or the map of uncertainty over its gray."""
        if self.uncertainty.value and result.uncertainty is not None:
            return overlay(result.image, result.uncertainty, _MOST_SPREAD)
        return result.image


class StylePanel(Panel):
    """Style transfer by :meth:`.ColorStyle.stylize`: gallery, strength, keep color, a blend, a brushed mask."""

    method = "stylize"
    title = "Style"
    examples: ClassVar = {name: {"style": n} for n, name in enumerate(STYLES[:3])}
    examples |= {f"{STYLES[0]}, strength 0.5": {"strength": 0.5}, f"{STYLES[0]}, colors kept": {"keep_color": True}}

    def __init__(self, model: ColorStyle, photo: Source = "china") -> None:
        self.styles = [Named(name, to_picture(style(name).image), f'style("{name}").image') for name in STYLES]
        self.gallery = Strip(description="style")
        self.second, self.third = (ipywidgets.Dropdown(options=[0], description=text) for text in _BLENDED)
        self.share, self.third_share = slider("its share", 0.0, 1.0), slider("its share", 0.0, 1.0)
        self.strength = slider("strength", 1.0, 1.5)
        self._list()
        self.keep_color, brush = _checkbox("keep the photo's colors"), _checkbox("brush where")
        view = PictureView()
        brush.observe(lambda change: setattr(view, "mode", "brush" if change.new else "look"), "value")
        controls = {"style": self.gallery, "strength": self.strength, "keep_color": self.keep_color}
        controls |= {"second": self.second, "share": self.share, "mask": view}
        controls |= {"third": self.third, "third_share": self.third_share}
        clear = button("everywhere", "eraser", "remove the mask", lambda _: self.put(mask=b""))
        rows = [[self.gallery], [ipywidgets.Label("a style of"), Upload(self, self._add)]]
        rows += [[self.strength], [self.keep_color], [self.second, self.share]]
        rows += [[self.third, self.third_share], [brush, clear]]
        super().__init__(model, photo, view, controls, rows)

    def before(self) -> Image.Image:
        """The photograph with its colors."""
        return self.session.picture

    def settings(self) -> dict[str, Any]:
        """Arguments of ``stylize``; the working size keeps the strokes of the picture on show at full size."""
        shares = {self.second.value: self.share.value}
        shares[self.third.value] = shares.get(self.third.value, 0.0) + self.third_share.value
        rest = max(0.0, round(1 - sum(shares.values()), 2))  # two large shares leave nothing of the first
        blend = [(self.gallery.value, rest), *shares.items()]
        blend = [(self.styles[number], share) for number, share in blend if share]
        given = {"style": blend if len(blend) > 1 else blend[0][0], "strength": self.strength.value}
        given |= {"keep_color": self.keep_color.value, "working_size": max(64, min(self.session.picture.size))}
        if self.view.mask:
            mask = Image.open(io.BytesIO(self.view.mask)).getchannel("A")
            given["mask"] = Named("mask", mask, "mask")
        return given

    def _list(self) -> None:
        self.gallery.labels = [one.name for one in self.styles]
        self.gallery.thumbnails = [png(one.picture, 72) for one in self.styles]
        for blended in (self.second, self.third):
            blended.options = [(one.name, number) for number, one in enumerate(self.styles)]

    def _add(self, picture: Named) -> None:
        self.styles.append(picture)
        blended = {"second": self.second.value, "third": self.third.value}
        self._quiet = True
        self._list()
        self.put(style=len(self.styles) - 1, **blended)


class AttentionPanel(Panel):
    """Attention weights by hand beside the learned ones, and where each modality counts, level by level."""

    title = "Attention"
    examples: ClassVar = {"as learned": {}, "equalized": {"learned": False, **dict.fromkeys(MODALITIES, 1.0)}}
    examples |= {f"without {name}": {"learned": False, name: 0.0} for name in MODALITIES}

    def __init__(self, model: ColorStyle, photo: Source = "coffee", reference: Source | None = "china") -> None:
        self.reference = Pictures("reference", reference, ("none", ""))
        self.learned = _checkbox("as learned", True)
        self.sliders = {name: slider(name, 1.0, 1.0) for name in MODALITIES}
        self.usual = {name: ipywidgets.Label() for name in MODALITIES}
        places = [(f"{m} at 1/{n}", (str(n), m)) for n in model.generator.config.attention_at for m in MODALITIES]
        self.shown = ipywidgets.Dropdown(options=[("result", ""), *places], description="show")
        controls = {"learned": self.learned, "reference": self.reference, "shown": self.shown, **self.sliders}
        equal = {"learned": False, **dict.fromkeys(MODALITIES, 1.0)}
        equalize = button("equalize", "balance-scale", "the same weight for all", lambda _: self.put(**equal))
        rows = [[self.reference, Upload(self, self.reference.add)], [self.learned, equalize]]
        for name in MODALITIES:
            without = functools.partial(self.put, learned=False, **{name: 0.0})
            remove = button("remove", "times", f"no weight for {name}", lambda _, put=without: put())
            rows.append([self.sliders[name], self.usual[name], remove])
        super().__init__(model, photo, PictureView(), controls, [*rows, [self.shown]])

    def settings(self) -> dict[str, Any]:
        """Arguments of ``colorize``."""
        weights = None if self.learned.value else {name: one.value for name, one in self.sliders.items()}
        return {"reference": self.reference.chosen, "attention": weights}

    def update(self) -> None:
        """Make a new result; where the weights are as learned, the sliders show their means over places and levels."""
        guide = self.reference.chosen
        learned = self.session.keep(("learned", repr(guide)), lambda: self.call({"reference": guide}).attention)
        for name in MODALITIES:
            mean = sum(weights.get(name, 0.0) for weights in learned.values()) / max(len(learned), 1)
            self.usual[name].value = f"learned: {mean:.2f}"
            if self.learned.value:
                self._set(**{name: round(mean, 2)})
        super().update()

    def shown_of(self, result: Result) -> Image.Image:
        """The colored picture, or the map of one weight over its gray: dark 0, bright 1."""
        if not self.shown.value:
            return result.image
        level, name = self.shown.value
        return overlay(result.image, result.attention_maps[level][name], 1.0)

    def _changed(self, change: Any = None) -> None:
        if change is not None and change.owner in self.sliders.values() and not self._quiet:
            self._set(learned=False)
        super()._changed(change)
