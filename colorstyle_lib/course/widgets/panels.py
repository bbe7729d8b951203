"""The panels: coloring, style transfer, attention, repair, and new scenes."""

import functools
from typing import Any, ClassVar

import ipywidgets
from PIL import Image

from colorstyle_lib.course.widgets.panel import (
    SIDE,
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
from colorstyle_lib.inference.album import SAME_SCENE
from colorstyle_lib.inference.colorizer import Result
from colorstyle_lib.inference.colorstyle import STAGES, ColorStyle
from colorstyle_lib.inference.inpainter import find_damage
from colorstyle_lib.inference.scenes import make_scenes
from colorstyle_lib.model.modalities import MODALITIES

_SEEDS = (None, *range(1, 9))
_BLENDED = ("blend with", "and with")
_MOST_SPREAD = 40.0  # Lab units, the brightest color of the map of uncertainty
_GRID, _WALK, _NEAR = 6, 7, 2  # new scenes; steps from one scene to another; the step that is still near the first


def _checkbox(text: str, value: bool = False) -> ipywidgets.Checkbox:
    return ipywidgets.Checkbox(value, description=text, indent=False, layout={"width": "auto"})


class ColorizePanel(Panel):
    """Coloring by :meth:`.ColorStyle.colorize`: hints by click, seed, saturation, reference, uncertainty."""

    examples: ClassVar = {f"saturation {n}": {"saturation": n} for n in (0.5, 1.0, 1.6)}
    examples |= {f"seed {n}": {"seed": n} for n in (1, 2, 3, 4)}

    def __init__(self, model: ColorStyle, photo: Source = "coffee") -> None:
        view = PictureView(mode="hint")
        color = ipywidgets.ColorPicker(value=view.color, description="hint's color")
        color.observe(lambda change: setattr(view, "color", change.new), "value")
        self.seed = Strip(description="seed", labels=["no seed", *(f"seed {n}" for n in _SEEDS[1:])])
        self.saturation = slider("saturation", 1.0, 3.0)
        self.reference = Pictures("reference", None, ("none", ""))
        self.careful = _checkbox("only where it shows the same scene", True)
        self.uncertainty = _checkbox("show where the model is unsure")
        controls = {"seed": self.seed, "saturation": self.saturation, "reference": self.reference}
        controls |= {"careful": self.careful, "uncertainty": self.uncertainty, "hints": view}
        clear = button("remove all hints", "trash", "remove all hints", lambda _: self.put(hints=[]))
        about = ipywidgets.HTML("click on the picture for a hint; drag moves it, Delete or a double click removes it")
        rows = [[about], [color, clear], [self.saturation], [self.reference, Upload(self, self.reference.add)]]
        super().__init__(model, photo, view, controls, [*rows, [self.careful], [self.uncertainty], [self.seed]])

    def take(self, photo: Named) -> None:
        """Take another photograph, and show its result and those of eight seeds."""
        super().take(photo)
        seeds = _SEEDS if self.model.generator.config.noise else _SEEDS[:1]
        self.view.busy = True
        self.seed.thumbnails = [png(self.session.colorize(seed=n).image, 72) for n in seeds]
        self.view.busy = False

    def settings(self) -> dict[str, Any]:
        """Arguments of ``colorize``."""
        hints, reference = tuple((x, y, color) for x, y, color in self.view.hints), self.reference.chosen
        given = {"reference": reference, "hints": hints, "seed": _SEEDS[self.seed.value]}
        if reference and self.careful.value and self.session.fit(reference.picture) < SAME_SCENE:
            given["reference"] = None
        return given | {"saturation": self.saturation.value}

    def fit_told(self) -> str:
        """How well the reference fits, also where it is left out."""
        left_out = self.reference.chosen and not self.settings()["reference"]
        if not left_out:
            return super().fit_told()
        fit = self.session.fit(self.reference.chosen.picture)
        return f"The reference fits by {fit:.2f}: another scene, so it is left out and the colors are automatic."

    def shown_of(self, result: Result) -> Image.Image:
        """The colored picture, or the map of uncertainty over its gray."""
        if self.uncertainty.value and result.uncertainty is not None:
            return overlay(result.image, result.uncertainty, _MOST_SPREAD)
        return result.image


class StylePanel(Panel):
    """Style transfer by :meth:`.ColorStyle.stylize`: gallery, strength, keep color, a blend, a brushed mask."""

    method = "stylize"
    title = "Style"
    examples: ClassVar = {f"{STYLES[0]}, strength 0.5": {"strength": 0.5}, f"{STYLES[0]}, strength 1": {}}
    examples |= {f"{STYLES[0]}, colors kept": {"keep_color": True}}
    examples |= {name: {"style": n} for n, name in enumerate(STYLES[1:3], 1)}

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
            given["mask"] = self.mask(self.session.picture.size)
        return given

    def fit_told(self) -> str:
        """How much of the picture finds something alike in the style."""
        style = self.styles[self.gallery.value]
        return f"The style {style.name} fits by {self.session.fit(style.picture):.2f}; 1 is something alike everywhere."

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
        equal = self.examples["equalized"]
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


class RepairPanel(Panel):
    """Repair by :meth:`.ColorStyle.restore`: a brushed or found mask, stages to leave out, the picture after each."""

    method = "restore"
    title = "Repair"

    def __init__(self, model: ColorStyle, photo: Source | Named = "coffee") -> None:
        view = PictureView(brush=0.05)
        self.stages = Strip(description="the picture after each stage")
        self.switches = {name: _checkbox(name, True) for name in STAGES}
        self.strength, self.brush = slider("strength", 1.0, 1.5), _checkbox("brush holes")
        self.brush.observe(lambda change: setattr(view, "mode", "brush" if change.new else "look"), "value")
        controls = {**self.switches, "strength": self.strength, "mask": view, "stage": self.stages}
        find = button("find scratches", "search", "put scratches and dust that are found into the mask", self._find)
        clear = button("no mask", "eraser", "remove the mask", lambda _: self.put(mask=b""))
        rows = [[ipywidgets.HTML("without a mask, <i>fill</i> fills the scratches and dust that it finds by itself")]]
        rows += [[self.brush, find, clear], [*self.switches.values()], [self.strength], [self.stages]]
        super().__init__(model, photo, view, controls, rows)

    def settings(self) -> dict[str, Any]:
        """Arguments of ``restore``; the mask has the photograph's own size."""
        given = {"skip": tuple(name for name, switch in self.switches.items() if not switch.value)}
        if self.view.mask and self.switches["fill"].value:
            given["mask"] = self.mask(self.photo.picture.size)
        return {**given, "strength": self.strength.value}

    def shown_of(self, result: Result) -> Image.Image:
        """The result, or what the chosen stage left; the strip gets all of them."""
        self.stills = {name: one.convert("RGB") for name, one in result.stages.items()}
        self.stages.show(shown := {"result": result.image, **self.stills})
        self._set(stage=self.stages.value if self.stages.value < len(shown) else 0)
        return [*shown.values()][self.stages.value]

    def _find(self, _: Any) -> None:
        with self.telling():
            found = Image.fromarray(find_damage(self.photo.picture)).convert("L")  # none is lost in the smaller copy
            found = found.resize(self.session.picture.size, Image.Resampling.BILINEAR).point(lambda v: 255 * (v > 0))
            self.brush.value = True
            self.put(mask=png(Image.merge("LA", (found, found))))


class ScenesPanel(Panel):
    """New scenes by :meth:`.ColorStyle.generate`: those of six seeds, or near a clicked one; a walk; a palette."""

    method = "generate"
    title = "New scenes"
    takes_photo = False

    def __init__(self, model: ColorStyle, seed: int = 0) -> None:
        self.seed = ipywidgets.BoundedIntText(seed, min=0, max=10**9, step=_GRID, description="seed")
        self.truncation, self.palette = slider("truncation", 1.0, 1.0), Pictures("palette", None, ("none", ""))
        self.grid = Strip(description="new scenes", value=-1, _dom_classes=["cs-grid"])
        self.walk = Strip(description="walk")
        controls = {name: getattr(self, name) for name in ("seed", "grid", "walk", "truncation", "palette")}
        rows = [[self.seed], [ipywidgets.HTML("click a scene, or the end of the walk, to go on from it")], [self.grid]]
        rows += [[self.walk], [self.truncation], [self.palette, Upload(self, self.palette.add)]]
        super().__init__(model, Image.new("RGB", (SIDE, SIDE)), PictureView(), controls, rows)

    def settings(self) -> dict[str, Any]:
        """Arguments of ``generate``."""
        self.toward, self.suffix = self.seed.value + max(1, self.grid.value), f".results[{self.walk.value}]"
        walk = {"toward": self.toward, "n": _WALK} if self.walk.value else {}
        return {"seed": self.seed.value, **walk, "truncation": self.truncation.value, "palette": self.palette.chosen}

    def call(self, settings: dict[str, Any], *, full: bool = False, step: int | None = None) -> Result:
        """Make the scene on show, or that of another step; the errors of ``generate``."""
        step = self.walk.value if step is None else step
        opened = {name: getattr(value, "picture", value) for name, value in settings.items()} | {
            "part": slice(step, None)
        }
        return self.session.keep((step, repr(settings)), lambda: next(make_scenes(self.model, **opened)))

    def shown_of(self, result: Result) -> Image.Image:
        """The scene, enlarged; the strips get theirs, and left of the divider stands the first without a palette."""
        seed, toward, others = self.seed.value, self.toward, range(self.seed.value + 1, self.seed.value + _GRID)
        first = {f"seed {seed}": self._scene(0, seed)}
        near = {f"toward {one}": (_NEAR, seed, one) for one in others}
        grid = near if self.grid.value >= 0 else {f"seed {one}": (0, one) for one in others}
        steps = {f"step {step}": (step, seed, toward) for step in range(1, _WALK - 1)} | {f"seed {toward}": (0, toward)}
        self.stills = first | {label: self._scene(*at) for label, at in grid.items()}
        self.grid.show(self.stills)
        self.walk.show(first | {label: self._scene(*at) for label, at in steps.items()})
        self.view.before = png(first[f"seed {seed}"].resize((SIDE, SIDE)))
        return result.image.resize((SIDE, SIDE))

    def _scene(self, step: int, seed: int, toward: int = 0) -> Image.Image:
        walk = {"toward": toward, "n": _WALK} if step else {}
        return self.call({"seed": seed, **walk, "truncation": self.truncation.value}, step=step).image

    def _changed(self, change: Any = None) -> None:
        if change is not None and not self._quiet:
            if change.owner is self.grid and change.old < 0:
                return self.put(seed=self.seed.value + change.new, grid=0, walk=0)
            if change.owner is self.walk and change.new == _WALK - 1:
                return self.put(seed=self.toward, grid=0, walk=0)
            if change.owner is self.seed:
                self._set(grid=-1, walk=0)
            if change.owner is self.grid:
                self._set(walk=_NEAR if change.new else 0)
        super()._changed(change)
