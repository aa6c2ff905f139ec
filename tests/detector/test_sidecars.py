"""What files beside an image say of its acquisition."""

import json
from pathlib import Path

import pytest

from apronwatch.sidecars import read_sidecars

IMD = """version = "AA";
satId = "WV02";
BEGIN_GROUP = IMAGE_1
	catId = "10300100AA";
	firstLineTime = 2024-12-10T08:15:30.123456Z;
END_GROUP = IMAGE_1
END;
"""

MAXAR_XML = """<?xml version="1.0" encoding="UTF-8"?>
<isd><IMD><IMAGE><SATID>WV03</SATID><CATID>10400100BB</CATID>
<FIRSTLINETIME>2024-12-10T08:15:30.1Z</FIRSTLINETIME></IMAGE></IMD></isd>"""

DIMAP = """<?xml version="1.0" encoding="ISO-8859-1"?>
<Dimap_Document><Dataset_Sources><Source_Identification><SOURCE_ID>DS_PHR1A_2024</SOURCE_ID><Strip_Source>
<MISSION>PHR</MISSION><MISSION_INDEX>1A</MISSION_INDEX>
<IMAGING_DATE>2024-12-10</IMAGING_DATE><IMAGING_TIME>08:15:30.5Z</IMAGING_TIME>
</Strip_Source></Source_Identification></Dataset_Sources></Dimap_Document>"""

PLANET = json.dumps(
    {"properties": {"acquired": "2024-12-10T08:15:30.5Z", "satellite_id": "ssc9", "strip_id": "s9_20241210"}}
)


@pytest.mark.parametrize(
    ("image", "sidecar", "text", "sensor", "acquisition"),
    [
        ("24DEC10-P001.TIF", "24DEC10-P001.IMD", IMD, "WV02", "10300100AA"),
        ("24DEC10-P001.TIF", "24DEC10-P001.XML", MAXAR_XML, "WV03", "10400100BB"),
        ("IMG_PHR1A_P_1_R1C1.TIF", "DIM_PHR1A_P_1.XML", DIMAP, "PHR1A", "DS_PHR1A_2024"),
        ("IMG_PHR1A_P_1.JP2", "DIM_PHR1A_P_1.XML", DIMAP, "PHR1A", "DS_PHR1A_2024"),
        ("x_ssc9_visual.tif", "x_ssc9_metadata.json", PLANET, "ssc9", "s9_20241210"),
        ("x.tif", "x.json", PLANET, "ssc9", "s9_20241210"),
        ("x.tif", "x.tif.json", PLANET, "ssc9", "s9_20241210"),
    ],
)
def test_each_dialect_says_when_by_what_and_in_which_acquisition(
    tmp_path: Path, image: str, sidecar: str, text: str, sensor: str, acquisition: str
) -> None:
    (tmp_path / image).touch()
    (tmp_path / sidecar).write_text(text)
    (found,) = read_sidecars(tmp_path / image)
    assert [time.time.isoformat() for time in found.times] == ["2024-12-10T08:15:30+00:00"]
    assert {time.precision for time in found.times} == {"second"}
    assert (found.sensor, found.acquisition) == (sensor, acquisition)
    assert sidecar in found.times[0].shown


def test_a_stac_item_beside_its_image(tmp_path: Path) -> None:
    (tmp_path / "x.tif").touch()
    properties = {"datetime": "2024-12-10T00:00:00Z", "platform": "naip"}
    (tmp_path / "x.json").write_text(json.dumps({"type": "Feature", "properties": properties}))
    (found,) = read_sidecars(tmp_path / "x.tif")
    assert (found.times[0].precision, found.sensor) == ("day", "naip")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other.IMD", IMD),
        ("x2.json", PLANET),
        ("x_other.xml", MAXAR_XML),
        ("DIM_x.XML", DIMAP),  # the image is not called IMG_x
        ("x.json", "[]"),
        ("x.json", '{"shapes": []}'),
        ("x.json", "{broken"),
        ("x.xml", "<open>"),
        ("x.xml", "<metadata><idinfo/></metadata>"),
        ("x.IMD", "nothing here"),
        ("x.json", '{"acquired": "yesterday"}'),
    ],
)
def test_files_of_others_and_files_that_say_nothing_are_left_aside(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "x.tif").touch()
    (tmp_path / name).write_text(text)
    assert read_sidecars(tmp_path / "x.tif") == []


def test_a_mosaic_says_both_ends(tmp_path: Path) -> None:
    (tmp_path / "x.tif").touch()
    (tmp_path / "x.IMD").write_text(
        "earliestAcqTime = 2024-12-10T08:00:00Z;\nlatestAcqTime = 2024-12-14T08:00:00Z;\n"
    )
    (found,) = read_sidecars(tmp_path / "x.tif")
    assert [time.time.day for time in found.times] == [10, 14]
