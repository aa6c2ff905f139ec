import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.errors import TilesInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.regions import EVERYTHING, MARGIN_PX, TileSidecar, code_of, grown, unknown


@given(st.sets(st.sampled_from(CLASSES)))
def test_codes_say_which_classes(names: set[str]) -> None:
    found = unknown(np.array([code_of(names)], dtype=np.uint8))[0]
    assert {name for name, bit in zip(CLASSES, found, strict=True) if bit} == names


def test_beyond_the_picture_everything_is_unknown() -> None:
    assert unknown(np.array([EVERYTHING], dtype=np.uint8)).all()


def sidecar(**more: object) -> dict[str, object]:
    return {"unknown_classes": [], "regions": [], "labels": [], **more}


def test_a_region_adds_to_what_is_unknown_in_the_whole_tile() -> None:
    square = [[10, 10], [20, 10], [20, 20], [10, 20]]
    mask = TileSidecar.from_dict(
        sidecar(unknown_classes=["ship"], regions=[{"polygon": square, "classes": ["plane"]}])
    ).mask((40, 50))
    ship, both = code_of(["ship"]), code_of(["ship", "plane"])
    assert mask.shape == (40, 50)
    assert (mask[10:20, 10:20] == both).all()
    assert mask[0, 0] == mask[39, 49] == ship
    assert (mask == both).sum() == pytest.approx((10 + 2 * MARGIN_PX) ** 2, rel=0.15)


@given(
    st.tuples(st.floats(10, 90), st.floats(10, 90)), st.floats(0.5, 40), st.floats(0.5, 40), st.floats(0, 3.2)
)
def test_a_region_grows_by_the_margin_on_every_side(
    centre: tuple[float, float], length: float, width: float, angle: float
) -> None:
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    halves = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    box = np.array(centre) + halves[:, :1] * length * along + halves[:, 1:] * width * across
    larger = grown(box.astype(np.float32))
    sides = np.linalg.norm(np.roll(larger, -1, axis=0) - larger, axis=1)
    assert sides[0] == pytest.approx(length + 2 * MARGIN_PX, abs=0.01)
    assert sides[1] == pytest.approx(width + 2 * MARGIN_PX, abs=0.01)
    assert larger.mean(axis=0) == pytest.approx(box.mean(axis=0), abs=0.01)


@pytest.mark.parametrize("content", ["", "{}", "[1]", json.dumps(sidecar(unknown_classes=["tank"]))])
def test_what_is_no_sidecar_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.json"
    file.write_text(content)
    with pytest.raises(TilesInvalid, match="apronwatch data prepare"):
        TileSidecar.read(file)
