"""What mask rasters say, by their bands, classes and bits: what hides, what is told, and what means nothing."""

import numpy as np
import pytest

from apronwatch.cloudmasks import HAZE, HIDES, PLAIN, SCL, SNOW, UDM2, hiding_values, of_classes, recognised

NAMES = ("clear", "snow", "shadow", "haze_light", "haze_heavy", "cloud", "confidence", "unusable")


def effects(reading, **bands):
    pixels = {band: np.zeros(1, np.uint8) for band in reading.bands}
    pixels |= {int(name[1:]): np.array([value], np.uint8) for name, value in bands.items()}
    return {effect for effect, where in reading.effects(pixels).items() if where[0]}


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        ({"b1": 1, "b7": 98}, set()),
        ({"b2": 1}, {SNOW}),
        ({"b3": 1}, {HIDES}),
        ({"b4": 1}, {HAZE}),
        ({"b5": 1}, {HIDES}),
        ({"b6": 1}, {HIDES}),
        ({"b8": 16}, {HIDES}),
        ({"b2": 1, "b3": 1}, {SNOW, HIDES}),
    ],
)
def test_udm2(bands, expected):
    assert effects(UDM2, **bands) == expected


def test_scl():
    said = {value: effects(SCL, b1=value) for value in range(12)}
    assert {v for v, e in said.items() if HIDES in e} == {0, 1, 3, 8, 9}
    assert (said[10], said[11], said[4]) == ({HAZE}, {SNOW}, set())


def test_masks_are_recognised_by_name_and_bands():
    unnamed = (None,) * 8
    assert recognised("20241213_084000_3B_udm2_clip", unnamed) == UDM2
    assert recognised("mask", NAMES) == UDM2
    assert recognised("worldview", unnamed) is None
    assert recognised("T36SYD_20241213T081331_SCL_20m", (None,)) == SCL
    assert recognised("muscle", (None,)) == PLAIN
    assert recognised("rgb", (None,) * 3) is None


def test_the_same_file_read_otherwise_is_another_mask():
    assert PLAIN.key("ab") == "ab"
    keys = {reading.key("ab") for reading in (PLAIN, SCL, UDM2, hiding_values([3, 8]), hiding_values([3, 9]))}
    assert len(keys) == 5
    assert hiding_values([8, 3, 3]) == hiding_values([3, 8])


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("cloud", HIDES),
        ("cloud_shadow", HIDES),
        ("cloud_high_probability", HIDES),
        ("haze_heavy", HIDES),
        ("no_data", HIDES),
        ("thin_cirrus", HAZE),
        ("haze_light", HAZE),
        ("snow_ice", SNOW),
        ("not_cloud", None),
        ("cloud_free", None),
        ("terrain_shadow", None),
        ("clear", None),
        ("water", None),
        ("service", None),
    ],
)
def test_classes_by_their_names(name, effect):
    reading = of_classes("asset", [{"classification:classes": [{"value": 3, "name": name}]}])
    assert (effects(reading, b1=3) if reading else set()) == ({effect} if effect else set())
    if reading:
        assert effects(reading, b1=4) == set()


def test_bit_fields_as_landsat_names_them():
    flag = [{"value": 0, "name": "not_cloud"}, {"value": 1, "name": "cloud"}]
    confidence = [{"value": 1, "name": "low"}, {"value": 3, "name": "high"}]
    fields = [
        {"offset": 3, "length": 1, "name": "cloud", "classes": flag},
        {"offset": 8, "length": 2, "name": "cloud_confidence", "classes": confidence},
        {"offset": -1, "length": 1, "classes": flag},
    ]
    reading = of_classes("qa_pixel", [{"classification:bitfields": fields}])
    values = np.array([1 << 3, 0, 3 << 8, (1 << 3) | 1], np.uint16)
    np.testing.assert_array_equal(reading.effects({1: values})[HIDES], [True, False, False, True])


def test_nonsense_in_an_item_means_nothing():
    for classes in (None, "cloud", [7], [{"name": "cloud"}], [{"value": "1", "name": "cloud"}]):
        assert of_classes("a", [{"classification:classes": classes}]) is None
