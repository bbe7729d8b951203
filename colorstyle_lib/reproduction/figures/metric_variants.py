"""The figure of the metric atlas: the same outputs, and as many numbers as there are ways to measure them."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from colorstyle_lib.course.plots.common import new_figure
from colorstyle_lib.course.plots.palette import MARKERS, SERIES
from colorstyle_lib.errors import DataError
from colorstyle_lib.reproduction.benchmarks.metric_variants import ATLAS, sizes_of
from colorstyle_lib.reproduction.results.store import Number

_LOOKS = tuple(zip(SERIES, MARKERS, strict=True))
_APART = 0.26  # of two marks in one row


def metric_atlas(
    numbers: Mapping[str, Number], *, method: str = "released", data: str = "scenes", uneven: str = "imagenet_sample"
) -> Figure:
    """Four pairs of measures that carry one name, each on the same outputs; lines are intervals of 95 %.

    Args:
        numbers: by address, as :func:`.read_results` gives them.
        method: whose outputs.
        data: a data set with many pictures.
        uneven: one whose pictures are not square, for cropping against stretching.

    Raises:
        DataError: a number is not there.
    """

    def of(metric: str, home: str = data, who: str = method) -> Number:
        key = f"{home}/{who}/{ATLAS}{metric}"
        if key not in numbers:
            raise DataError(f"there is no number {key!r}; measure it: colorstyle evaluate --atlas --data ROOT")
        return numbers[key]

    figure, axes = new_figure(2, 2, figsize=(8.2, 5.2))
    figure.get_layout_engine().set(h_pad=0.1)
    ways = {
        f"{differences} differences,\n{way.replace('_', ' ')}": of(f"colorfulness_{differences}_{way}")
        for differences in ("signed", "absolute")
        for way in ("ratio_of_means", "mean_of_ratios")
    }
    n = of("psnr_ab").n
    _panel(axes[0, 0], {method: ways}, f"colorfulness, % of the real; {data}, n = {n}", 100.0, 100.0)

    psnr = {who: {"ab": of("psnr_ab", who=who), "RGB": of("psnr_rgb", who=who)} for who in (method, "gray")}
    _panel(axes[0, 1], psnr, f"PSNR, dB; {data}, n = {n}")

    squares = {f"{kind} to\na square": of(f"{kind}_colorfulness_ratio", uneven) for kind in ("crop", "stretch")}
    count = of("crop_psnr_ab", uneven).n
    _panel(axes[1, 0], {method: squares}, f"colorfulness, % of the real; {uneven}, n = {count}", 100.0, 100.0)
    paired = of("stretch_minus_crop_colorfulness_ratio", uneven).text(1, 100.0)
    axes[1, 0].set_xlabel(f"stretch minus crop, paired: {paired}")

    few, many = sizes_of(n)
    for row, (name, metric) in enumerate((("kernel", "kernel"), ("Fréchet", "frechet"))):
        sizes = {f"{name},\nn = {size}": of(f"{metric}_n{size}") for size in (few, many)}
        scale = 100.0 / of(f"{metric}_n{many}").value
        _panel(axes[1, 1], {method: sizes}, f"distance, % of that of n = {many}; {data}", scale, 100.0, below=2 * row)
    lacking = [str(size) for size in (few, many) if "rank-deficient" in of(f"frechet_n{size}").note]
    if lacking:
        axes[1, 1].set_xlabel(f"the Fréchet distance is rank-deficient at n = {' and '.join(lacking)}")
    return figure


def _panel(
    ax: Axes,
    found: Mapping[str, Mapping[str, Number]],
    title: str,
    scale: float = 1.0,
    line: float | None = None,
    *,
    below: int = 0,
) -> None:
    """A row a way to measure, a mark a method; rows may be put below those that are there."""
    for number, (who, rows) in enumerate(found.items()):
        color, mark = _LOOKS[number]
        shift = _APART * (number - (len(found) - 1) / 2)
        places = [below + row + shift for row in range(len(rows))]
        for place, one in zip(places, rows.values(), strict=True):
            if one.interval is not None:
                ax.plot([scale * end for end in one.interval], [place, place], color=color, linewidth=1.2)
        ax.plot([scale * one.value for one in rows.values()], places, mark, color=color, markersize=5, label=who)
    names = [label.get_text() for label in ax.get_yticklabels()[:below]] + list(rows)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_title(title)
    ax.margins(x=0.1)
    if line is not None and not below:
        ax.axvline(line, color="0.5", linewidth=0.8, linestyle=":", zorder=0)
    if len(found) > 1:
        ax.legend(loc="center")
