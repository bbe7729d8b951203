"""The panels: coloring, style transfer, and attention."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ipywidgets
from PIL import Image

from colorstyle_lib.course.widgets.panel import (
    Named,
    Panel,
    Strip,
    button,
    named,
    overlay,
    slider,
    thumbnail,
    uploaded,
)
from colorstyle_lib.data.example_pictures import PHOTOGRAPHS, STYLES, style
from colorstyle_lib.images.read import to_picture
from colorstyle_lib.inference.colorizer import Result
from colorstyle_lib.inference.colorstyle import ColorStyle
from colorstyle_lib.model.modalities import MODALITIES

Photo = str | Path | Image.Image

_SEEDS = range(1, 9)
_MOST_SPREAD = 40.0  # Lab units, the brightest color of the map of uncertainty


class _Reference(ipywidgets.Box):
    """A choice of none, a demo photograph or an own one to color by."""

    def __init__(self, chosen: Photo | None = None) -> None:
        self.choice = ipywidgets.Dropdown(
            options=[("none", None), *((n, n) for n in PHOTOGRAPHS)], description="reference"
        )
        upload = ipywidgets.FileUpload(accept="image/*", description="your own")
        upload.observe(lambda change: change.new and self.add(uploaded(change.new[0])), "value")
        if chosen in PHOTOGRAPHS:
            self.choice.value = chosen
        elif chosen is not None:
            self.add(named(chosen))
        super().__init__([self.choice, upload], layout={"flex_flow": "row wrap"})

    def add(self, picture: Named) -> None:
        """Add an own picture to the choice, and choose it."""
        self.choice.options = [*self.choice.options, (picture.name, picture)]
        self.choice.value = picture

    @property
    def chosen(self) -> Named | None:
        """The chosen picture."""
        return None if self.choice.value is None else named(self.choice.value)


class ColorizePanel(Panel):
    """Coloring by :meth:`.ColorStyle.colorize`: hints by click, seed, saturation, reference, uncertainty."""

    title = "Colorize"

    def __init__(self, model: ColorStyle, photo: Photo = "coffee") -> None:
        self.color = ipywidgets.ColorPicker(value="#b5302a", description="hint's color")
        self.color.observe(lambda change: setattr(self.view, "color", change.new), "value")
        self.seed = Strip(description="seed")
        self.saturation = slider("saturation", 1.0, 3.0)
        self.reference = _Reference()
        self.uncertainty = ipywidgets.Checkbox(description="show where the model is unsure", indent=False)
        self.view.mode = "hint"
        controls = {"seed": self.seed, "saturation": self.saturation, "reference": self.reference.choice}
        controls |= {"uncertainty": self.uncertainty, "hints": self.view}
        clear = button("remove all hints", "trash", "remove all hints", lambda _: self.put(hints=[]))
        about = ipywidgets.HTML("click on the picture for a hint; drag moves it, Delete or a double click removes it")
        rows = [[about], [self.color, clear], [self.saturation], [self.reference], [self.uncertainty]]
        super().__init__(model, photo, controls, [*rows, [self.seed]])

    def take(self, photo: Named) -> None:
        """Take another photograph, and show its result and those of eight seeds."""
        self.seed.labels = ["most usual", *(f"seed {n}" for n in _SEEDS)]
        super().take(photo)
        seeds = [None, *_SEEDS] if self.model.generator.config.noise else [None]
        self.seed.thumbnails = [thumbnail(self.session.colorize(seed=n).image) for n in seeds]

    def settings(self) -> dict[str, Any]:
        """Arguments of ``colorize``."""
        return {
            "reference": self.reference.chosen,
            "hints": tuple((x, y, color) for x, y, color in self.view.hints),
            "seed": self.seed.value or None,
            "saturation": self.saturation.value,
        }

    def examples(self) -> Mapping[str, dict[str, Any]]:
        """Automatic, two seeds, more color, and a hint in the middle."""
        width, height = self.photo.picture.size
        hint = (width // 2, height // 2, self.color.value)
        rows = {"most usual": {}, "seed 1": {"seed": 1}, "seed 2": {"seed": 2}}
        return rows | {"saturation 1.6": {"saturation": 1.6}, "a hint in the middle": {"hints": (hint,)}}

    def picture(self, result: Result) -> Image.Image:
        """The colored picture, or the map of uncertainty over its gray."""
        if self.uncertainty.value and result.uncertainty is not None:
            return overlay(result.image, result.uncertainty, _MOST_SPREAD)
        return result.image


class StylePanel(Panel):
    """Style transfer by :meth:`.ColorStyle.stylize`: gallery, strength, keep color, a blend of two, a brushed mask."""

    method = "stylize"
    title = "Style"

    def __init__(self, model: ColorStyle, photo: Photo = "china") -> None:
        pictures = {name: to_picture(style(name).image) for name in STYLES}
        self.styles = [Named(name, picture, f'style("{name}").image') for name, picture in pictures.items()]
        self.gallery = Strip(description="style")
        self.second = ipywidgets.Dropdown(options=[0], description="blend with")
        self._list()
        self.share = slider("its share", 0.0, 1.0)
        self.strength = slider("strength", 1.0, 1.5)
        self.keep_color = ipywidgets.Checkbox(description="keep the photo's colors", indent=False)
        self.brush = ipywidgets.Checkbox(description="brush where", indent=False)
        self.brush.observe(lambda change: setattr(self.view, "mode", "brush" if change.new else "look"), "value")
        self.own = ipywidgets.FileUpload(accept="image/*", description="your own style")
        self.own.observe(lambda change: change.new and self._add(change.new[0]), "value")
        controls = {"style": self.gallery, "strength": self.strength, "keep_color": self.keep_color}
        controls |= {"second": self.second, "share": self.share, "mask": self.view}
        clear = button("everywhere", "eraser", "remove the mask", lambda _: self.put(mask=b""))
        rows = [[self.gallery], [self.own], [self.strength], [self.keep_color], [self.second, self.share]]
        super().__init__(model, photo, controls, [*rows, [self.brush, clear]])

    def before(self, picture: Image.Image) -> Image.Image:
        """The photograph with its colors."""
        return picture

    def settings(self) -> dict[str, Any]:
        """Arguments of ``stylize``; the working size keeps the strokes of the preview at full size."""
        first, second, share = self.styles[self.gallery.value], self.styles[self.second.value], self.share.value
        blend = [(first, round(1 - share, 2)), (second, share)]
        given = {"style": blend if share else first, "strength": self.strength.value}
        given |= {"keep_color": self.keep_color.value, "working_size": min(self.session.picture.size)}
        if self.view.mask:
            mask = Image.open(io.BytesIO(self.view.mask)).getchannel("A")
            given["mask"] = Named("mask", mask, '"mask.png"')
        return given

    def examples(self) -> Mapping[str, dict[str, Any]]:
        """Three styles, one at half strength, and one without its colors."""
        size = {"working_size": min(self.session.picture.size)}
        rows = {s.name: {"style": s, **size} for s in self.styles[:3]}
        half = {"style": self.styles[0], "strength": 0.5, **size}
        kept = {"style": self.styles[1], "keep_color": True, **size}
        return rows | {f"{self.styles[0].name}, strength 0.5": half, f"{self.styles[1].name}, colors kept": kept}

    def _list(self) -> None:
        self.gallery.labels = [one.name for one in self.styles]
        self.gallery.thumbnails = [thumbnail(one.picture) for one in self.styles]
        self.second.options = [(one.name, number) for number, one in enumerate(self.styles)]

    def _add(self, file: Mapping[str, Any]) -> None:
        with self._telling():
            self.styles.append(uploaded(file))
            chosen = self.second.value
            self._quiet = True
            self._list()
            self.second.value = chosen
            self._quiet = False
            self.gallery.value = len(self.styles) - 1


class AttentionPanel(Panel):
    """Attention weights by hand beside the learned ones, and where each modality counts, level by level."""

    title = "Attention"

    def __init__(self, model: ColorStyle, photo: Photo = "coffee", reference: Photo = "china") -> None:
        self.reference = _Reference(reference)
        self.learned = ipywidgets.Checkbox(value=True, description="as learned", indent=False)
        self.sliders = {name: slider(name, 1.0, 1.0) for name in MODALITIES}
        self.usual = {name: ipywidgets.Label() for name in MODALITIES}
        self.means: dict[str, float] = {}  # learned weights, over all places and levels
        levels = [("result", None)]
        levels += [(f"{m} at 1/{n}", (str(n), m)) for n in model.generator.config.attention_at for m in MODALITIES]
        self.shown = ipywidgets.Dropdown(options=levels, value=None, description="show")
        controls = {"learned": self.learned, "reference": self.reference.choice, "shown": self.shown, **self.sliders}
        rows = [
            [self.reference],
            [self.learned, button("equalize", "balance-scale", "the same weight for all", self._equalize)],
        ]
        for name in MODALITIES:
            remove = button("remove", "times", f"no weight for {name}", lambda _, name=name: self._remove(name))
            rows.append([self.sliders[name], self.usual[name], remove])
        super().__init__(model, photo, controls, [*rows, [self.shown]])

    def settings(self) -> dict[str, Any]:
        """Arguments of ``colorize``."""
        weights = None if self.learned.value else {name: one.value for name, one in self.sliders.items()}
        return {"reference": self.reference.chosen, "attention": weights}

    def examples(self) -> Mapping[str, dict[str, Any]]:
        """As learned, equalized, and each modality alone."""
        given = {"reference": self.reference.chosen}
        alone = {f"{name} alone": given | {"attention": {name: 1.0}} for name in MODALITIES}
        return {"as learned": given, "equalized": given | {"attention": dict.fromkeys(MODALITIES, 1.0)}} | alone

    def update(self) -> None:
        """Make a new result, and write the learned weights beside the sliders."""
        guide = self.reference.chosen
        learned = self.session.keep(("learned", repr(guide)), lambda: self.call({"reference": guide}).attention)
        for name in MODALITIES:
            each = [weights.get(name, 0.0) for weights in learned.values()]
            self.means[name] = sum(each) / max(len(each), 1)
            self.usual[name].value = f"learned: {self.means[name]:.2f}"
        super().update()

    def picture(self, result: Result) -> Image.Image:
        """The colored picture, or the map of one weight over its gray: dark 0, bright 1."""
        if self.shown.value is None:
            return result.image
        level, name = self.shown.value
        return overlay(result.image, result.attention_maps[level][name], 1.0)

    def _equalize(self, _: Any) -> None:
        self.put(learned=False, **dict.fromkeys(MODALITIES, 1.0))

    def _remove(self, name: str) -> None:
        self.put(**(self._by_hand() | {name: 0.0}), learned=False)

    def _by_hand(self) -> dict[str, float]:
        """The sliders' weights; while all is as learned, the learned means."""
        return {n: round(self.means[n], 2) if self.learned.value else s.value for n, s in self.sliders.items()}

    def _changed(self, change: Any = None) -> None:
        moved = change is not None and change.owner in self.sliders.values()
        if moved and self.learned.value and not self._quiet:
            self._quiet, self.learned.value, self._quiet = True, False, False
        super()._changed(change)
