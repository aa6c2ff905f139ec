"""How flat real ground is: what `apronwatch.fill` takes for pixels that show nothing, on pictures of ground.

    python benchmarks/flat_ground.py FOLDER…

Of each folder of pictures: the share of pixels that lie in squares of 32 and of 64 px of exactly one value, apart
from 0 ("nothing here", which these pictures have at their edges), with the greatest share in one picture; and, of
values other than 0 and 255 that 1 % of a picture or more has, how many times as common as the next the commonest is.
"""

import argparse
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from apronwatch.cli.output import print_table
from apronwatch.fill import FLAT_PX, flat

SIDES = (32, FLAT_PX)
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")
LEAST_PX, LOOKED_AT, COMMON = 200, 100_000, 0.01


def look(path: Path) -> tuple[tuple[float, ...], float] | None:
    """Share in flat squares of each side, and how alone the commonest value is; None of a small picture."""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    with rasterio.open(path) as picture:
        if min(picture.width, picture.height) < LEAST_PX:
            return None
        pixels = np.moveaxis(picture.read()[:3], 0, -1)
    shown = pixels.any(axis=-1)
    shares = tuple(float((flat(pixels, side) & shown).mean()) for side in SIDES)
    listed = pixels.reshape(-1, pixels.shape[-1])
    some = listed[np.linspace(0, len(listed) - 1, min(len(listed), LOOKED_AT)).astype(np.intp)]
    values, counts = np.unique(some, axis=0, return_counts=True)
    first, *others = np.argsort(-counts)[:2]
    extreme = bool((values[first] == 0).all() or (values[first] == 255).all())
    if extreme or counts[first] < COMMON * len(some):
        return shares, 0.0
    return shares, float(counts[first] / counts[others[0]]) if others else np.inf


def row(folder: Path) -> Iterator[str]:
    """The cells of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    with ProcessPoolExecutor() as pool:
        found = [one for one in pool.map(look, paths, chunksize=8) if one]
    shares = np.array([of for of, _ in found])
    yield from (folder.name, str(len(found)))
    for k in range(len(SIDES)):
        yield f"{shares[:, k].mean():.3%} ({shares[:, k].max():.2%})"
    yield f"{max(alone for _, alone in found):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    told = parser.parse_args()
    names = [f"in squares of {side} px (most)" for side in SIDES]
    print_table(("folder", "pictures", *names, "commonest over next"), [list(row(f)) for f in told.folders])


if __name__ == "__main__":
    main()
