"""The published boxes of a frame against those found now, with all that is said of each; `boxes.csv` against both."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Detections, Polygons
from apronwatch.errors import EvidenceInvalid
from apronwatch.evidence import documents
from apronwatch.evidence.boxes import Boxes, cells, chips, fates, header
from apronwatch.evidence.matching import Matched, match, pairs
from apronwatch.evidence.retold import differences
from apronwatch.interchange import geojson
from apronwatch.interchange.tables import attributes
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo

GEOJSON, CSV = "boxes.geojson", "boxes.csv"

CENTRE_NEAR = {"longitude": 1e-6, "latitude": 1e-6, "x_px": 0.05, "y_px": 0.05}
"""Centres in `boxes.csv` are rounded, and made anew from rounded corners: they may differ by so much."""

SCORE_NEAR = 0.005
CORNERS_NEAR_PX = 1.0
"""Scores and corners of the same box may differ by so much from one processor to another."""

SIZE_NEAR_M, ANGLE_NEAR_DEG = 0.01, 0.1
"""Sizes and directions made anew from rounded corners may differ by so much."""

_SHOWN = 5
"""So many boxes are named that differ."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What became of the boxes of a frame.

    Attributes:
        counted: those that count, by place and class.
        differs: what else is otherwise, a line each.
    """

    counted: Matched
    differs: tuple[str, ...]


def check_boxes(
    folder: Path, told: Mapping[str, Any], model: Mapping[str, Any], software: str, found: Boxes
) -> Checked:
    """The files of boxes of one frame.

    Args:
        folder: of the evidence.
        told: the frame, of the manifest.
        model: likewise.
        software: the version that wrote the folder.
        found: the boxes, now.

    Raises:
        EvidenceInvalid, DetectionsUnreadable: a file is damaged.
    """
    path = folder / told["folder"] / GEOJSON
    name = f"{told['folder']}/{GEOJSON}"
    collection = documents.read(path, documents.Boxes)
    features, boxes = collection["features"], found.run.detections
    wanted = _head(told, model, software, boxes)
    head = tuple(differences(name, {k: v for k, v in collection.items() if k != "features"}, wanted))
    csv_differs = tuple(_rows_differ(folder / told["folder"] / CSV, features, f"{told['folder']}/{CSV}"))
    if head:  # in another plane, perhaps, which can be compared with nothing
        nothing = boxes.select([])
        return Checked(match(nothing, boxes.select(found.counted)), (*head, *csv_differs))
    published = replace(geojson.read(path, None), unit_m=boxes.unit_m)
    if not np.isfinite(published.polygons).all():
        raise EvidenceInvalid(f"{path}: corners that lie nowhere on the ground; expected those of boxes")
    said = [feature["properties"] for feature in features]
    counts = match(published.select([box["counted"] for box in said]), boxes.select(found.counted))
    floor = float(found.run.parameters["score_floor"])
    near = CORNERS_NEAR_PX * found.run.scene.gsd_m / boxes.unit_m
    differs = [*_numbers_differ(said), *_sizes_differ(published, said)]
    differs += islice(_boxes_differ(published, said, found, floor, near), _SHOWN)
    return Checked(counts, (*(f"{name}: {line}" for line in differs), *csv_differs))


def _head(
    told: Mapping[str, Any], model: Mapping[str, Any], software: str, boxes: Detections
) -> dict[str, Any]:
    """What a file of boxes says beside them."""
    known = ModelInfo(
        model["name"], model["sha256"], model["terms"], model["data"], tuple(model["synthetic_only"])
    )
    encoded = geojson.encode(boxes.select([]), SceneInfo.from_dict(told["scene"]), known)
    plain: dict[str, Any] = json.loads(encoded)
    del plain["features"]
    plain["apronwatch"]["software"] = f"apronwatch {software}"
    return plain


def _numbers_differ(said: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Ids and chips follow from the order of the boxes and their scores."""
    counted = np.array([box["counted"] for box in said], dtype=np.bool_)
    chip = chips(counted, np.array([box["score"] for box in said], dtype=np.float32))
    for k, box in enumerate(said):
        if (box["id"], box["chip"]) != (k + 1, chip.get(k)):
            yield f"box {k + 1}: id {box['id']}, chip {box['chip']} instead of {k + 1}, {chip.get(k)}"
            return


def _sizes_differ(published: Detections, said: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lengths, widths and directions that the corners do not have."""
    columns = attributes(published)
    for k, box in enumerate(said):
        turn = abs(box["orientation_deg"] - columns["orientation_deg"][k]) % 180.0
        wrong = [n for n in ("length_m", "width_m") if abs(box[n] - columns[n][k]) > SIZE_NEAR_M]
        square = abs(box["length_m"] - box["width_m"]) <= SIZE_NEAR_M
        wrong += [] if square or min(turn, 180.0 - turn) <= ANGLE_NEAR_DEG else ["orientation_deg"]
        if wrong:
            yield f"box {k + 1}: {wrong[0]} {box[wrong[0]]}, its corners say {columns[wrong[0]][k]}"
            return


def _boxes_differ(
    published: Detections, said: Sequence[Mapping[str, Any]], found: Boxes, floor: float, near: float
) -> Iterator[str]:
    """Of boxes at the same places what else is said of them; and boxes that are not counted and have no like."""
    boxes, wanted = found.run.detections, fates(found)
    first, second = pairs(published, boxes)
    # Those that count are told with the numbers; near the floor of the score rounding decides.
    sure = [boxes.scores > floor + SCORE_NEAR, published.scores > floor + SCORE_NEAR]
    gained = sure[0] & ~found.counted & ~_among(second, len(boxes))
    lost = sure[1] & ~np.array([b["counted"] for b in said], dtype=np.bool_) & ~_among(first, len(said))
    if gained.any() or lost.any():
        yield f"of boxes that do not count {int(lost.sum())} are not found, and {int(gained.sum())} are left out"
    apart = _apart(published.polygons[first], boxes.polygons[second])
    for j, k, distance in zip(first, second, apart.tolist(), strict=True):
        other = {**wanted[k], "truncated": bool(boxes.truncated[k])}
        wrong = [n for n in ("zones", "counted", "why_not", "truncated") if said[j][n] != other[n]]
        if wrong:
            yield f"box {j + 1}: {wrong[0]} {_word(said[j][wrong[0]])} instead of {_word(other[wrong[0]])}"
        elif abs(published.scores[j] - boxes.scores[k]) > SCORE_NEAR:
            yield f"box {j + 1}: score {published.scores[j]:.3f} instead of {boxes.scores[k]:.3f}"
        elif distance > near:
            yield f"box {j + 1}: its corners lie elsewhere than those found"


def _among(rows: Sequence[int], n: int) -> NDArray[np.bool_]:
    there = np.zeros(n, dtype=np.bool_)
    there[rows] = True
    return there


def _apart(a: Polygons, b: Polygons) -> NDArray[np.float64]:
    """(N,) how far the corners of two boxes lie apart at most, whichever of them is named first."""
    turns = [np.roll(order, k) for order in (np.arange(4), np.arange(4)[::-1]) for k in range(4)]
    distances = [np.linalg.norm(a - b[:, turn], axis=2).max(axis=1, initial=0.0) for turn in turns]
    return np.asarray(np.min(distances, axis=0), dtype=np.float64)


def _word(value: Any) -> str:
    return ", ".join(value) or "none" if isinstance(value, list) else str(value)


def _rows_differ(path: Path, features: Sequence[Mapping[str, Any]], name: str) -> Iterator[str]:
    """The first thing that `boxes.csv` says otherwise than the features of `boxes.geojson` beside it."""
    rows = list(csv.reader(io.StringIO(documents.text(path), newline="")))
    axes = ("x_px", "y_px") if rows and "x_px" in rows[0] else ("longitude", "latitude")
    if not rows or rows[0] != header(axes):
        yield f"{name}: the first row is not {', '.join(header(axes))}"
    elif len(rows) - 1 != len(features):
        yield f"{name}: {len(rows) - 1} boxes, {GEOJSON} beside it has {len(features)}"
    else:
        for n, (row, feature) in enumerate(zip(rows[1:], features, strict=True), start=1):
            if len(row) != len(rows[0]) or not _same_box(dict(zip(rows[0], row, strict=True)), feature, axes):
                yield f"{name}: box {n} is not as in {GEOJSON} beside it"
                return


def _same_box(row: Mapping[str, str], feature: Mapping[str, Any], axes: tuple[str, str]) -> bool:
    if any(row[name] != cell for name, cell in cells(feature["properties"]).items()):
        return False
    try:
        centre = [float(row[axis]) for axis in axes]
    except ValueError:
        return False
    shape = feature["geometry"]
    if shape["type"] != "Polygon":  # across the antimeridian the centre lies in neither part
        return True
    middle = np.mean(shape["coordinates"][0][:4], axis=0).tolist()
    return all(
        math.isclose(a, b, rel_tol=0, abs_tol=CENTRE_NEAR[axis])
        for a, b, axis in zip(centre, middle, axes, strict=True)
    )
