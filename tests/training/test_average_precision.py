import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.errors import ExtraMissing
from apronwatch.geometry import rotated_boxes
from apronwatch_training.evaluate.average_precision import (
    IOUS,
    area_ap,
    average_precisions,
    operating_point,
    precision_by,
    precision_recall,
    recall_by,
    voc07_ap,
)
from apronwatch_training.evaluate.matching import Matches, Truth, match_by_iou

HITS = [1, 1, 0, 1, 1, 0, 0, 1, 0, 1]
"""Ten detections by falling score, with eight objects to find; the values below were worked out apart from the code."""


def matched(hits, to_find, scores=None):
    hit = np.array(hits, dtype=bool)
    scores = np.linspace(0.95, 0.05, len(hit)) if scores is None else np.asarray(scores, dtype=float)
    found_at = np.full(to_find, -np.inf)
    found_at[: hit.sum()] = scores[hit]
    truth = np.where(hit, np.cumsum(hit) - 1, -1)
    return Matches(scores, hit, np.ones(len(hit), dtype=bool), truth, found_at, np.ones(to_find, dtype=bool))


@st.composite
def random_matches(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    hits = rng.random(draw(st.integers(1, 60))) < draw(st.floats(0.05, 0.95))
    return matched(hits, int(hits.sum()) + draw(st.integers(1, 10)), rng.permutation(len(hits)) / len(hits))


def area_by_strips(matches):
    """Another way to the area: between two recalls a strip as high as the best precision from there on."""
    points = []
    for score in matches.scores:
        there = matches.scores >= score
        hits = (there & matches.hit).sum()
        points.append((hits / matches.to_find, hits / there.sum()))
    steps = [k / matches.to_find for k in range(1, matches.to_find + 1)]
    return (
        sum(max((p for r, p in points if r >= step - 1e-9), default=0.0) for step in steps) / matches.to_find
    )


def boxes(rng, number):
    sizes = rng.uniform(8, 20, number), rng.uniform(6, 12, number)
    return rotated_boxes(*rng.uniform(0, 50, (2, number)), *sizes, rng.uniform(0, 3, number))


def crowded_scene(rng):
    """Jittered truths, exact ones, strays; truths that are difficult or written twice; scores with ties; or nothing."""
    truths = boxes(rng, int(rng.integers(0, 8)))
    truths = np.concatenate([truths, truths[: rng.integers(0, 2)]])
    again = truths[rng.integers(0, len(truths), rng.integers(0, 9))] if len(truths) else truths
    moved = again + rng.normal(0, rng.choice([0.0, 0.4, 1.5]), (len(again), 1, 2))
    found = np.concatenate([moved, boxes(rng, int(rng.integers(0, 6)))])
    scores = rng.integers(1, 10, len(found)) / 10
    difficult = rng.random(len(truths)) < rng.choice([0.0, 0.3, 1.0])
    return found, scores, Truth.of(truths, difficult=difficult, ignore=boxes(rng, int(rng.integers(0, 3))))


def overlap_by_shapely(one, other):
    a, b = shapely.Polygon(one), shapely.Polygon(other)
    return a.intersection(b).area / a.union(b).area


def voc_eval(scenes, threshold, *, use_07_metric):
    """DOTA_devkit's dota_evaluation_task1.py, one detection after the other, and the regions to ignore."""
    detections = [(score, s, d) for s, (_, scores, _) in enumerate(scenes) for d, score in enumerate(scores)]
    npos = sum(int((~truth.difficult).sum()) for _, _, truth in scenes)
    if npos == 0:
        return None
    detected, tp, fp = set(), [], []
    for _, s, d in sorted(detections, key=lambda row: -row[0]):
        found, _, truth = scenes[s]
        overlaps = [overlap_by_shapely(found[d], corners) for corners in truth.polygons]
        jmax = int(np.argmax(overlaps)) if overlaps else -1
        hit = wrong = 0
        if overlaps and overlaps[jmax] > threshold:
            if not truth.difficult[jmax]:
                hit, wrong = (0, 1) if (s, jmax) in detected else (1, 0)
                detected.add((s, jmax))
        else:
            wrong = 1
        centre = shapely.Polygon(found[d]).centroid
        if wrong and any(shapely.Polygon(region).intersects(centre) for region in truth.ignore):
            wrong = 0
        tp.append(hit)
        fp.append(wrong)
    tp, fp = np.cumsum(tp), np.cumsum(fp)
    return voc_ap(tp / npos, tp / np.maximum(tp + fp, np.finfo(np.float64).eps), use_07_metric=use_07_metric)


def voc_ap(rec, prec, *, use_07_metric):
    """Of the same file."""
    if use_07_metric:
        ap = 0.0
        for t in np.arange(0.0, 1.1, 0.1):
            p = 0.0 if np.sum(rec >= t) == 0 else np.max(prec[rec >= t])
            ap = ap + p / 11.0
        return ap
    mrec = np.concatenate(([0.0], rec, [1.0]))
    mpre = np.concatenate(([0.0], prec, [0.0]))
    for i in range(mpre.size - 1, 0, -1):
        mpre[i - 1] = np.maximum(mpre[i - 1], mpre[i])
    i = np.where(mrec[1:] != mrec[:-1])[0]
    return np.sum((mrec[i + 1] - mrec[i]) * mpre[i + 1])


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_it_is_the_average_precision_of_dota(seed, number):
    rng = np.random.default_rng(seed)
    scenes = [crowded_scene(rng) for _ in range(number)]
    matched_at = zip(*(match_by_iou(f, scores, truth, IOUS) for f, scores, truth in scenes), strict=True)
    found = average_precisions([Matches.concatenate(each) for each in matched_at])
    areas = [voc_eval(scenes, iou, use_07_metric=False) for iou in IOUS]
    if areas[0] is None:
        assert (found.ap50, found.ap50_95, found.voc07_ap50) == (None, None, None)
        return
    assert found.ap50 == pytest.approx(areas[0], abs=1e-9)
    assert found.ap50_95 == pytest.approx(np.mean(areas), abs=1e-9)
    assert found.voc07_ap50 == pytest.approx(voc_eval(scenes, 0.5, use_07_metric=True), abs=1e-9)


def test_the_worked_example():
    curve = precision_recall(matched(HITS, 8))
    assert curve.recall == pytest.approx([0.125, 0.25, 0.25, 0.375, 0.5, 0.5, 0.5, 0.625, 0.625, 0.75])
    assert curve.precision == pytest.approx([1, 1, 2 / 3, 3 / 4, 4 / 5, 4 / 6, 4 / 7, 5 / 8, 5 / 9, 6 / 10])
    assert area_ap(curve) == pytest.approx(0.6031249999999999, abs=1e-12)
    assert voc07_ap(curve) == pytest.approx(0.6022727272727273, abs=1e-12)


@settings(max_examples=100)
@given(random_matches())
def test_the_area_by_another_way(matches):
    assert area_ap(precision_recall(matches)) == pytest.approx(area_by_strips(matches), abs=1e-12)


@settings(max_examples=50)
@given(random_matches(), st.integers(0, 10**6))
def test_the_order_of_detections_does_not_matter(matches, seed):
    order = np.random.default_rng(seed).permutation(len(matches.scores))
    shuffled = Matches(
        matches.scores[order],
        matches.hit[order],
        matches.judged[order],
        matches.truth[order],
        matches.found_at,
        matches.countable,
    )
    one, other = precision_recall(matches), precision_recall(shuffled)
    assert area_ap(one) == area_ap(other)
    assert voc07_ap(one) == voc07_ap(other)


@settings(max_examples=50)
@given(random_matches(), st.floats(0, 1))
def test_the_operating_point_lies_on_the_curve(matches, threshold):
    curve, point = precision_recall(matches), operating_point(matches, threshold)
    k = int((curve.scores >= threshold).sum())
    assert point.hits + point.missed == matches.to_find
    assert point.hits + point.false == k
    if k:
        assert point.precision == pytest.approx(curve.precision[k - 1])
        assert point.recall == pytest.approx(curve.recall[k - 1])
    else:
        assert point.precision is None


def test_against_ultralytics():
    """Its area is the trapezoids over 101 recalls of the falling precision, closed by a point at recall 1."""
    from apronwatch.engines.torch import import_ultralytics

    try:
        import_ultralytics()
    except ExtraMissing as error:
        pytest.skip(str(error))
    from ultralytics.utils.metrics import compute_ap

    rng = np.random.default_rng(5)
    for _ in range(20):
        hits = rng.random(400) < np.linspace(0.98, 0.2, 400)
        matches = matched(hits, int(hits.sum()) + 3)
        curve = precision_recall(matches)
        theirs, falling, recall = compute_ap(curve.recall.tolist(), curve.precision.tolist())
        assert area_ap(curve) == pytest.approx(theirs, abs=0.01)
        assert area_ap(curve) == pytest.approx(np.sum(np.diff(recall) * falling[1:]), abs=1e-12)
    worked = precision_recall(matched(HITS, 8))
    assert compute_ap(worked.recall.tolist(), worked.precision.tolist())[0] == pytest.approx(
        0.59825, abs=5e-3
    )


def test_what_is_not_judged_leaves_no_trace():
    judged = matched(HITS, 8)
    scores = np.concatenate([judged.scores, [0.99, 0.5]])
    more = Matches(
        scores,
        np.concatenate([judged.hit, [False, False]]),
        np.concatenate([judged.judged, [False, False]]),
        np.concatenate([judged.truth, [-1, -1]]),
        judged.found_at,
        judged.countable,
    )
    assert area_ap(precision_recall(more)) == area_ap(precision_recall(judged))
    assert operating_point(more, 0.0) == operating_point(judged, 0.0)


def test_nothing_to_find_has_no_average_precision():
    curve = precision_recall(matched([0, 0], 0))
    assert (area_ap(curve), voc07_ap(curve)) == (None, None)
    assert operating_point(matched([0, 0], 0), 0.0).recall is None


def test_nothing_found_is_zero():
    curve = precision_recall(matched([], 4))
    assert (area_ap(curve), voc07_ap(curve)) == (0.0, 0.0)


def test_the_mean_over_overlaps():
    best, worst = matched([1, 1], 2), matched([0, 0], 2)
    found = average_precisions([best] * 6 + [worst] * 4)
    assert (found.ap50, found.ap50_95, found.voc07_ap50) == pytest.approx((1.0, 0.6, 1.0))
    assert IOUS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    nothing = average_precisions([matched([0], 0)] * 10)
    assert (nothing.ap50, nothing.ap50_95) == (None, None)
    with pytest.raises(ValueError, match="expected one for each IoU"):
        average_precisions([best])


def test_precision_by_the_size_of_the_boxes():
    matches = matched([1, 0, 1, 0, 1], 5, scores=[0.9, 0.8, 0.7, 0.6, 0.2])
    matches.judged[3] = False
    bins = precision_by(matches, [15.0, 16.0, 20.0, 15.0, 15.0], (0, 15, 20, np.inf), 0.5)
    assert [(b.detections, b.true, b.precision) for b in bins] == [(0, 0, None), (2, 1, 0.5), (1, 1, 1.0)]
    assert (bins[-1].to_dict()["high"], bins[0].to_dict()["precision"]) == (None, None)
    with pytest.raises(ValueError, match="one for each"):
        precision_by(matches, [1.0], (0, 10), 0.5)


def test_recall_by_size():
    matches = matched([1, 1, 1], 5, scores=[0.9, 0.6, 0.2])
    lengths = [30.0, 8.0, 9.0, 12.0, np.nan]
    bins = recall_by(matches, lengths, (0, 10, 20, np.inf), 0.5)
    assert [(b.objects, b.found, b.recall) for b in bins] == [(2, 1, 0.5), (1, 0, 0.0), (1, 1, 1.0)]
    assert bins[-1].to_dict()["high"] is None
    assert recall_by(matches, lengths, (100, 200), 0.5)[0].recall is None
    with pytest.raises(ValueError, match="one for each"):
        recall_by(matches, [1.0], (0, 10), 0.5)
