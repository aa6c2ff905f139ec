"""Real labelled images, all the way into tiles: what goes in comes out, or its loss is named."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import Adapter, load
from apronwatch_datasets.preparing import Options, Source, prepare, read_prepared
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

OPTIONS = Options(
    gsds_m=(1.0,), tile_px=256, overlap_px=96, workers=1, image_format="jpg", max_upscale=4.0, join_leaks=True
)
FATES = {"labelled", "ignored", "too_small", "cut", "too_coarse"}
FOLDERS = {
    "dota": ("dota_samples", 9),
    "aerial-airport": ("aerial_airport_obb", 12),
    "aerial-cars": ("aerial_cars_mos", 3),
    "airbus-aircraft": ("airbus_aircraft_sample", 2),
    "allplanes": ("allplanes_examples", 4),
    "hrplanes": ("hrplanesv2_640x360", 12),
}
"""Folder of each dataset, and how many of its images are cut: all of them take minutes."""


@dataclass(frozen=True)
class First:
    """The first images of a dataset."""

    whole: Adapter
    number: int

    @property
    def CARD(self) -> Card:
        return self.whole.CARD

    def read(self, root: Path, log: Log) -> Iterator[SourceImage]:
        yield from islice(self.whole.read(root, log), self.number)


@pytest.mark.parametrize("name", FOLDERS)
def test_objects_in_are_objects_out_and_losses_are_named(real_data: Path, tmp_path: Path, name: str) -> None:
    folder, number = FOLDERS[name]
    if not (real_data / folder).is_dir():
        pytest.skip(f"real images: no {folder} among them")
    source = Source(name, real_data / folder, First(adapter(name), number))
    dataset = load(First(adapter(name), number), real_data / folder)
    made = prepare([source], tmp_path / "out", OPTIONS)

    tally = made.document["tally"][name]
    assert tally.keys() == dataset.tally.keys()
    labelled: Counter[str] = Counter()
    ours_of: dict[str, set[str]] = {}
    for image in dataset.images:
        kept = image.objects.select(~image.objects.ignore)
        for source_class, k in zip(kept.source_classes.tolist(), kept.classes.tolist(), strict=True):
            ours_of.setdefault(source_class, set()).add(CLASSES[k])
    for source_class, facts in tally.items():
        assert facts["written"] == sum(facts.get(k, 0) for k in ("kept", "ignored", "background", "dropped"))
        fates: Counter[str] = Counter()
        for at in facts["at"].values():
            assert set(at) <= FATES
            fates.update(at)
        assert fates.total() == facts.get("kept", 0) + facts.get("ignored", 0)
        assert fates["ignored"] <= facts.get("ignored", 0)
        # One class of theirs is one of ours.
        for ours in ours_of.get(source_class, ()):
            labelled[ours] += fates["labelled"]
    in_tiles = Counter(
        CLASSES[k]
        for tile in read_prepared(made.root)
        for k in tile.objects.classes[~tile.objects.ignore].tolist()
    )
    assert labelled.total() > 0
    # An object may be labelled in several tiles, and is in one at least.
    assert {c for c, n in labelled.items() if n} == set(in_tiles)
    assert all(in_tiles[c] >= n for c, n in labelled.items())
    assert in_tiles == Counter({c: sum(row[f"objects_{c}"] for row in made.rows()) for c in in_tiles})
