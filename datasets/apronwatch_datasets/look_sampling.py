"""Which parts of labelled images a person is shown: every class, dense places and empty ones."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from apronwatch.errors import CallInvalid
from apronwatch.taxonomy import CLASSES, class_id
from apronwatch_datasets.records import LabelledImage, Objects
from apronwatch_datasets.stats import longer_sides

ROOM = 3.5
"""Side of a crop over the longer side of its object: its neighbours show whether they are labelled too."""

LEAST_PX = 64
"""Smallest side of a crop, in pixels of the image."""


_CHOICES = 4
"""Candidates a turn for each cell on the sheet."""


@dataclass(frozen=True, eq=False)
class Cell:
    """A square part of an image.

    Attributes:
        dataset: its name.
        image: the labelled image.
        left, top, side: in pixels of the image; it may reach beyond.
        whole: the image as a whole is shown, not one of its objects.
    """

    dataset: str
    image: LabelledImage
    left: float
    top: float
    side: float
    whole: bool


@dataclass(frozen=True, eq=False)
class _Candidate:
    """An object of an image; `index` None for the image as a whole."""

    dataset: str
    image: LabelledImage
    index: int | None = None


def choose_cells(
    datasets: Mapping[str, Sequence[LabelledImage]],
    *,
    cells: int,
    seed: int,
    classes: Sequence[str] | None = None,
) -> list[Cell]:
    """Two thirds crops around objects, one third whole images; the same choice for the same seed.

    Crops take turns: each class, then difficult objects, then ignored ones; among those of a turn, one from the
    dataset and place shown least so far. Whole images take turns likewise: the densest, those without an object, any.

    Args:
        datasets: images by the name of their dataset.
        cells: how many at most.
        seed: of the choice.
        classes: only objects of these classes are cropped; by default all, the difficult and the ignored too.

    Raises:
        CallInvalid: no images, or none shows an object of `classes`.
    """
    images = [_Candidate(name, image) for name, of in datasets.items() for image in of]
    if not images:
        raise CallInvalid("no labelled image to look at; give a dataset that has some")
    rng = np.random.default_rng(seed)
    turns = _turns(images, cells, classes, rng)
    if classes is not None and not turns:
        raise CallInvalid(
            f"no object of {', '.join(classes)} among {len(images)} images; leave the classes out to see all"
        )
    crops = [_around(chosen) for chosen in islice(_taken_in_turn(turns), cells)]
    whole = [_whole(chosen) for chosen in islice(_taken_in_turn(_whole_turns(images, rng)), cells)]
    n_whole = max(cells - len(crops), min(len(whole), cells // 3))
    return [*crops[: cells - n_whole], *whole[:n_whole]]


def _turns(
    images: list[_Candidate], cells: int, classes: Sequence[str] | None, rng: np.random.Generator
) -> list[list[_Candidate]]:
    """Objects by what a turn shows, shuffled; turns that nothing fits are left out.

    Of each image only a few at random: a dataset may hold a million objects.
    """
    wanted = [class_id(name) for name in classes or CLASSES]
    sorted_out = [(whole, _turn_of(whole.image.objects, wanted)) for whole in images]
    turns = []
    for k in range(len(wanted) + 1 + (classes is None)):
        found = [(whole, np.flatnonzero(turn_of == k)) for whole, turn_of in sorted_out]
        found = [(whole, indices) for whole, indices in found if len(indices)]
        few = math.ceil(_CHOICES * cells / max(1, len(found)))
        turn = [
            replace(whole, index=int(index))
            for whole, indices in found
            for index in rng.permutation(indices)[:few]
        ]
        turns.append(_shuffled(turn, rng))
    return [turn for turn in turns if turn]


def _turn_of(objects: Objects, wanted: Sequence[int]) -> NDArray[np.intp]:
    """The turn (N,) in which each object is shown, -1 for none.

    That of its class; after those one for the difficult; the last for the ignored.
    """
    turn = np.full(len(objects), -1)
    for k, class_index in enumerate(wanted):
        turn[objects.classes == class_index] = k
    turn[objects.difficult & (turn >= 0)] = len(wanted)
    turn[objects.ignore] = len(wanted) + 1
    return turn


def _whole_turns(images: list[_Candidate], rng: np.random.Generator) -> list[list[_Candidate]]:
    """Images: the densest first, those without an object, any."""
    shuffled = _shuffled(images, rng)
    full = [whole for whole in shuffled if len(whole.image.objects)]
    densest = sorted(full, key=lambda whole: -len(whole.image.objects))
    return [densest, [whole for whole in shuffled if not len(whole.image.objects)], shuffled]


def _shuffled(candidates: list[_Candidate], rng: np.random.Generator) -> list[_Candidate]:
    return [candidates[k] for k in rng.permutation(len(candidates)).tolist()]


def _taken_in_turn(turns: list[list[_Candidate]]) -> Iterator[_Candidate]:
    """One of each turn, again and again, each once: the first of those whose dataset, then place, was shown least."""
    shown: Counter[tuple[str, ...]] = Counter()
    given: set[tuple[int, int | None]] = set()

    def seen(candidate: _Candidate) -> tuple[int, int]:
        return shown[(candidate.dataset,)], shown[(candidate.dataset, candidate.image.place)]

    while any(turns := [[c for c in turn if _key(c) not in given] for turn in turns]):
        for turn in turns:
            left = [c for c in turn if _key(c) not in given]
            if left:
                taken = min(left, key=seen)
                given.add(_key(taken))
                shown.update([(taken.dataset,), (taken.dataset, taken.image.place)])
                yield taken


def _key(candidate: _Candidate) -> tuple[int, int | None]:
    return id(candidate.image), candidate.index


def _around(chosen: _Candidate) -> Cell:
    """The object in the middle, unless the image ends nearby: then the crop is shifted to lie within it."""
    image = chosen.image
    box = image.objects.polygons[chosen.index]
    side = max(float(LEAST_PX), ROOM * float(longer_sides(box[None])[0]))
    side = min(side, float(max(image.width, image.height)))
    middle = box.mean(axis=0).tolist()
    left, top = (
        min(max(at - side / 2, 0.0), length - side) if length >= side else (length - side) / 2
        for at, length in zip(middle, (image.width, image.height), strict=True)
    )
    return Cell(chosen.dataset, image, left, top, side, whole=False)


def _whole(chosen: _Candidate) -> Cell:
    image = chosen.image
    side = float(max(image.width, image.height))
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return Cell(chosen.dataset, image, left, top, side, whole=True)
