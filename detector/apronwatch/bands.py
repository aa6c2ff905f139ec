"""Which bands of a raster are looked at: red, green and blue, or the one panchromatic band."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from apronwatch.errors import BandsUnclear, SceneUnreadable

COLOURS = ("red", "green", "blue")
RED_GREEN_BLUE = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)

USUAL_ORDERS = {
    3: ((1, 2, 3), "red, green, blue"),
    4: ((3, 2, 1), "blue, green, red, near infrared, as Maxar and Planet deliver them"),
    8: (
        (5, 3, 2),
        "coastal, blue, green, yellow, red, red edge, two near infrared, as WorldView delivers them",
    ),
}
"""By the number of bands: those taken for red, green and blue where the file says nothing, and why."""


@dataclass(frozen=True)
class Bands:
    """The bands of a scene.

    Attributes:
        numbers: 1-based; red, green, blue, or the one panchromatic or palette band.
        alpha: 1-based number of the alpha band, or None.
        palette: band 1 holds indices into a colour table.
        negative: the least value is white (TIFF's MINISWHITE).
        warnings: what had to be assumed.
    """

    numbers: tuple[int, ...]
    alpha: int | None = None
    palette: bool = False
    negative: bool = False
    warnings: tuple[str, ...] = ()


def choose_bands(dataset: DatasetReader, scene: str, names: Sequence[str | None] = ()) -> Bands:
    """The bands to look at: by colour interpretation, then by names, then by the usual orders.

    Args:
        dataset: the raster.
        scene: its name, for messages.
        names: common names of its bands, where a catalogue gives them; else the descriptions in the file.

    Raises:
        BandsUnclear: none of them says which bands are red, green and blue.
        SceneUnreadable: the pixels are complex (radar) or no numbers.
    """
    kind = dataset.dtypes[0]
    if kind.startswith("complex"):
        raise SceneUnreadable(
            f"{scene}: complex pixels ({kind}), as radar has them; expected an optical image"
        )
    meaning = dataset.colorinterp
    alpha = next((n for n, what in enumerate(meaning, start=1) if what is ColorInterp.alpha), None)
    coloured = tuple(n for n in range(1, dataset.count + 1) if n != alpha)
    if all(colour in meaning for colour in RED_GREEN_BLUE):
        return Bands(tuple(meaning.index(colour) + 1 for colour in RED_GREEN_BLUE), alpha)
    if len(coloured) == 1:
        palette = meaning[coloured[0] - 1] is ColorInterp.palette
        negative = dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES" and not palette
        return Bands(coloured, alpha, palette=palette, negative=negative)
    named = _by_name(names or dataset.descriptions)
    if named is not None:
        return Bands(named, alpha)
    return _by_usual_order(meaning, coloured, alpha, scene)


def _by_name(names: Sequence[str | None]) -> tuple[int, ...] | None:
    words = [re.sub(r"[^a-z]+", " ", (name or "").lower()).strip() for name in names]
    words = [re.sub(r" ?band ?", "", word) for word in words]
    if not all(words.count(colour) == 1 for colour in COLOURS):
        return None
    return tuple(words.index(colour) + 1 for colour in COLOURS)


def _by_usual_order(
    meaning: Sequence[ColorInterp], coloured: tuple[int, ...], alpha: int | None, scene: str
) -> Bands:
    silent = all(meaning[n - 1] in (ColorInterp.undefined, ColorInterp.gray) for n in coloured)
    if not silent or len(coloured) not in USUAL_ORDERS or coloured[-1] != len(coloured):
        said = ", ".join(what.name for what in meaning)
        raise BandsUnclear(
            f"{scene}: {len(meaning)} bands ({said}), none of them named red, green and blue; say which they are, "
            "for example gdal_edit.py -colorinterp_3 red -colorinterp_2 green -colorinterp_1 blue FILE"
        )
    numbers, why = USUAL_ORDERS[len(coloured)]
    shown = ", ".join(map(str, numbers))
    return Bands(
        numbers, alpha, warnings=(f"bands {shown} taken for red, green, blue; unsaid, assumed {why}",)
    )
