"""The Airbus sample (Pléiades at about 0.5 m, undated, without georeference) as rows of its `sites.csv`."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

GSD_M = 0.5
HELD_OUT = {"validation": ("site05", "site07"), "calibration": ("site10", "site13", "site14")}
"""Places that the bundled weights were not trained on, by their part of the split."""
OTHERS = "other places"


@dataclass(frozen=True)
class Image:
    """One picture: its place, its series (same footprint), and its labels, None where it has none."""

    path: Path
    site: str
    series: str
    planes: int | None
    truncated: int | None

    @property
    def labelled(self) -> int | None:
        """Planes that the picture shows, whole or cut by its edge."""
        return None if self.planes is None or self.truncated is None else self.planes + self.truncated

    @property
    def part(self) -> str:
        """The part of the split that its place belongs to; from `OTHERS` the bundled weights learned."""
        return next((part for part, sites in HELD_OUT.items() if self.site in sites), OTHERS)


def data_folder() -> Path:
    """The folder of real images: APRONWATCH_DATA, or beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("APRONWATCH_DATA", beside))
    if not folder.is_dir():
        raise SystemExit(
            f"{folder} does not exist: set APRONWATCH_DATA to the folder that holds the real images"
        )
    return folder


def images() -> list[Image]:
    """All pictures, by site and series; duplicate labels are left out, as in `labelTxt`."""
    folder = data_folder() / "airbus_aircraft_sample"
    with (folder / "sites.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [
        Image(
            folder / "images" / row["image"],
            row["site"],
            row["series"],
            *(
                int(row[name]) if row["labelled"] == "True" else None
                for name in ("planes_dedup", "truncated_dedup")
            ),
        )
        for row in rows
    ]
    return sorted(found, key=lambda image: (image.site, image.series or "~"))
