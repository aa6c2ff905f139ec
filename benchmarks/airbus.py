"""The Airbus sample (Pléiades at about 0.5 m, undated, without georeference) as rows of its `sites.csv`."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

GSD_M = 0.5
HELD_OUT = ("site05", "site07")
"""The two places that the bundled weights were not trained on."""


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
    def trained_on(self) -> bool:
        """Whether the bundled weights learned from it (those without labels: from its place)."""
        return self.site not in HELD_OUT


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
