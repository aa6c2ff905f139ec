"""Statistics of datasets as a picture."""

from collections.abc import Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from apronwatch.interchange.files import save
from apronwatch.report.panel import GREY, plain
from apronwatch.report.words import class_label, drawable, listed, several
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.stats import ClassStats, DatasetStats

DPI = 130

CLASS_STYLES: dict[str, dict[str, Any]] = {
    "plane": {"color": "#E69F00", "ls": "-"},
    "helicopter": {"color": "#56B4E9", "ls": "--"},
    "vehicle_small": {"color": "#009E73", "ls": "-."},
    "vehicle_large": {"color": "#CC79A7", "ls": (0, (4, 1, 1, 1, 1, 1))},
    "ship": {"color": "#000000", "ls": ":"},
}
"""Okabe and Ito's palette and a dash each, so that colour alone carries nothing."""

_DATASET_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#000000")
_HATCHES = ("", "////", "....", "xxxx")
_MARKERS = "osD^vPX"
_BINS_M = np.geomspace(1, 500, 55)
_BINS_PX = np.geomspace(2, 1500, 58)
_BINS_GSD = np.geomspace(0.05, 5, 41)


def draw_stats(stats: Sequence[DatasetStats], out: Path) -> None:
    """Write a PNG: objects per class, sizes in metres and pixels, GSD, places.

    Raises:
        OutputInvalid: `out` cannot be written.
    """
    drawn = BytesIO()
    stats_figure(stats).savefig(drawn, dpi=DPI, format="png")
    save(Path(out), drawn.getvalue())


def stats_figure(stats: Sequence[DatasetStats]) -> Figure:
    """The figure that `draw_stats` saves."""
    figure = Figure(figsize=(15, 9), facecolor="white")
    FigureCanvasAgg(figure)
    figure.subplots_adjust(left=0.085, right=0.975, top=0.87, bottom=0.075, wspace=0.27, hspace=0.36)
    axes = [figure.add_subplot(2, 3, n) for n in range(1, 7)]
    _draw_classes(axes[0], stats)
    _draw_lengths(axes[1], stats, "lengths_m", _BINS_M, "m")
    _draw_lengths(axes[2], stats, "lengths_px", _BINS_PX, "px")
    _draw_datasets(axes[3], stats)
    _draw_gsd(axes[4], stats)
    _draw_places(axes[5], stats)
    names = listed(drawable(s.name, 30) for s in stats) if len(stats) <= 4 else several(len(stats), "dataset")
    plain(figure.text(0.02, 0.955, f"Labelled images: {names}", fontsize=17, weight="bold", va="center"))
    plain(figure.text(0.02, 0.921, _said(stats), fontsize=11, color=GREY, va="center"))
    return figure


def _said(stats: Sequence[DatasetStats]) -> str:
    images, places = sum(s.images for s in stats), sum(len(s.objects_of_place) for s in stats)
    upright = sum(c.upright for s in stats for c in s.classes)
    objects = sum(s.objects for s in stats)
    said = f"{several(images, 'image')} of {several(places, 'place')} · {objects:,} objects"
    said += f" · {sum(s.megapixels for s in stats):,.0f} megapixels"
    if upright:
        said += f" · {100 * upright / objects:.0f} % with upright boxes, whose sides only bound the size"
    return said


def _draw_classes(axes: Axes, stats: Sequence[DatasetStats]) -> None:
    """Bars of objects, difficult and ignored per class, each with its number: a small one has no length."""
    rows = [(class_label(name), CLASS_STYLES[name]["color"], _of_class(stats, name)) for name in CLASSES]
    others = _of_class(stats, None)
    rows += [("no class of ours", GREY, others)] if others else []
    for y, (_, colour, found) in enumerate(rows):
        sizes = [sum(getattr(c, kind) for c in found) for kind in ("objects", "difficult", "ignored")]
        objects, difficult, ignored = sizes
        ends = np.cumsum([0, objects - difficult, difficult, ignored]).tolist()
        looks: list[dict[str, Any]] = [
            {"color": colour},
            {"color": "white", "edgecolor": colour, "hatch": "////"},
            {"color": "#dddddd", "edgecolor": "#888888", "hatch": "xxx"},
        ]
        for start, end, look in zip(ends, ends[1:], looks, strict=False):
            if end > start:
                axes.barh(y, end - start, left=start, height=0.62, **look)
        axes.annotate(
            _numbers(*sizes, labelled=bool(found)),
            (objects + ignored, y),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    longest = max((bar.get_x() + bar.get_width() for bar in axes.patches), default=0)  # type: ignore[attr-defined]
    axes.set_xlim(0, 1.75 * max(longest, 1))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    _title(axes, "Objects per class", "objects (striped: difficult; grey: ignored)")


def _of_class(stats: Sequence[DatasetStats], name: str | None) -> list[ClassStats]:
    return [c for s in stats for c in s.classes if c.class_name == name]


def _numbers(objects: int, difficult: int, ignored: int, *, labelled: bool) -> str:
    if not labelled:
        return "not labelled"
    said = [f"{objects:,}"] if objects or not ignored else []
    said += [f"{difficult:,} difficult"] if difficult else []
    said += [f"{ignored:,} ignored"] if ignored else []
    return "\n".join(said)


def _draw_lengths(
    axes: Axes, stats: Sequence[DatasetStats], what: str, bins: NDArray[np.float64], unit: str
) -> None:
    missing = 0
    for name in CLASSES:
        lengths = np.concatenate([np.zeros(0), *(getattr(c, what) for c in _of_class(stats, name))])
        known = lengths[~np.isnan(lengths)]
        missing += len(lengths) - len(known)
        if len(known):
            label = f"{class_label(name)}: median {np.median(known):.3g} {unit}"
            numbers, _ = np.histogram(np.clip(known, bins[0], bins[-1]), bins)
            shares = 100 * numbers / len(known)
            style = CLASS_STYLES[name]
            axes.stairs(shares, bins, label=label, color=style["color"], ls=style["ls"], lw=1.8)
    axes.set_xscale("log")
    if axes.patches:
        axes.set_ylim(0, 1.45 * axes.get_ylim()[1])
        axes.legend(loc="upper left", fontsize=8.5, frameon=False)
        _frame_log(axes, bins)
    else:
        _nothing(axes, "no object of a known size" if missing else "no object")
    unknown = f"; {missing:,} of unknown size left out" if missing else ""
    _title(axes, f"Lengths in {'metres' if unit == 'm' else 'pixels'}", f"longer side, {unit}{unknown}")
    axes.set_ylabel("% of the class's objects")


def _draw_datasets(axes: Axes, stats: Sequence[DatasetStats]) -> None:
    ends = np.zeros(len(stats))
    for name in CLASSES:
        numbers = [sum(c.objects for c in s.classes if c.class_name == name) for s in stats]
        axes.barh(range(len(stats)), numbers, left=ends, color=CLASS_STYLES[name]["color"], height=0.62)
        ends += numbers
    for y, (end, of) in enumerate(zip(ends, stats, strict=True)):
        said = f"{of.objects:,} in {several(of.images, 'image')}"
        axes.annotate(said, (end, y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    labels = axes.set_yticks(range(len(stats)), [drawable(s.name, 20) for s in stats])
    for tick in labels:
        plain(tick.label1)
    axes.set_ylim(max(len(stats), 5) - 0.4, -0.6)
    axes.set_xlim(0, 1.75 * max(1.0, float(ends.max(initial=0))))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    _title(axes, "Objects per dataset", "objects, in the colours of their classes")


def _draw_gsd(axes: Axes, stats: Sequence[DatasetStats]) -> None:
    """Images of each GSD, datasets stacked."""
    below = np.zeros(len(_BINS_GSD) - 1)
    unknown = sum(int(np.isnan(s.gsds_m).sum()) for s in stats)
    for s, colour, hatch in _dataset_looks(stats):
        known = s.gsds_m[~np.isnan(s.gsds_m)]
        if not len(known):
            continue
        numbers, _ = np.histogram(np.clip(known, _BINS_GSD[0], _BINS_GSD[-1]), _BINS_GSD)
        look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": "white", "align": "edge"}
        label = drawable(s.name, 24)
        axes.bar(_BINS_GSD[:-1], numbers, np.diff(_BINS_GSD), below, label=label, lw=0, **look)
        below += numbers
    axes.set_xscale("log")
    if below.any():
        _frame_log(axes, _BINS_GSD)
        axes.set_ylim(0, 1.35 * below.max())
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        _legend(axes, "upper left")
    else:
        _nothing(axes, "no image of a known GSD")
    _title(axes, "Ground sample distance", f"GSD, m; not known for {several(unknown, 'image')}")
    axes.set_ylabel("images")


def _draw_places(axes: Axes, stats: Sequence[DatasetStats]) -> None:
    """Objects of each place, the fullest first: how far a split by place can be even."""
    markers = cycle(_MARKERS)
    for s, colour, _ in _dataset_looks(stats):
        numbers = np.sort(np.array(list(s.objects_of_place.values())))[::-1]
        label = f"{drawable(s.name, 20)}: {several(len(numbers), 'place')}"
        empty = int((numbers == 0).sum())
        label += f", {empty} without objects" if empty else ""
        numbers = numbers[numbers > 0]
        style: dict[str, Any] = {"color": colour, "marker": next(markers), "ms": 3.5, "lw": 1.2}
        axes.plot(np.arange(1, len(numbers) + 1), numbers, label=label, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}" if n >= 1 else ""))
        axis.set_minor_formatter(NullFormatter())
    most = max((max(s.objects_of_place.values(), default=0) for s in stats), default=0)
    axes.set_ylim(0.8, 30 * max(most, 1))
    axes.set_xlim(0.8, 1.5 * max([10, *(len(s.objects_of_place) for s in stats)]))
    _legend(axes, "upper right")
    _title(axes, "Places", "place, the fullest first")
    axes.set_ylabel("objects of the place")


def _dataset_looks(stats: Sequence[DatasetStats]) -> list[tuple[DatasetStats, str, str]]:
    """A colour and a hatch for each; after seven the colours come again under another hatch."""
    n = len(_DATASET_COLOURS)
    return [(s, _DATASET_COLOURS[k % n], _HATCHES[k // n % len(_HATCHES)]) for k, s in enumerate(stats)]


def _legend(axes: Axes, place: Literal["upper left", "upper right"]) -> None:
    columns = 1 if len(axes.get_legend_handles_labels()[0]) <= 7 else 2
    legend = axes.legend(loc=place, fontsize=8.5 if columns == 1 else 6.5, frameon=False, ncols=columns)
    for text in legend.get_texts():
        plain(text)


def _frame_log(axes: Axes, bins: NDArray[np.float64]) -> None:
    axes.set_xlim(bins[0], bins[-1])
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _nothing(axes: Axes, said: str) -> None:
    axes.set_xticks([])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", color=GREY, fontsize=12)


def _title(axes: Axes, title: str, label: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, weight="bold")
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x" if "Objects per" in title else "y", color="#e8e8e8", lw=0.8)
    axes.set_axisbelow(True)
