"""What every adapter must do with its own fake."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import Dataset, load
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import counted
from apronwatch_datasets.records import LabelledImage


def load_fake(name: str, write_fake: Callable[[Path], FakeTruth], root: Path) -> Dataset:
    """The fake, loaded: every fault that was put in is found, none besides, and no object goes unsaid."""
    truth = write_fake(root)
    dataset = load(adapter(name), root)
    assert counted(dataset.faults) == truth.faults, "\n".join(str(fault) for fault in dataset.faults)
    assert Counter({source: fates.total() for source, fates in dataset.tally.items()}) == truth.objects
    assert len(dataset.images) == truth.images
    kept = Counter(
        image_class for image in dataset.images for image_class in image.objects.source_classes.tolist()
    )
    assert kept == Counter({s: n for s, f in dataset.tally.items() if (n := f["kept"] + f["ignored"])})
    return dataset


def image_of(dataset: Dataset, name: str) -> LabelledImage:
    """The image of a name."""
    return next(image for image in dataset.images if image.name == name)
