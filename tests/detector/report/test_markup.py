"""Nothing from outside becomes markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font

from apronwatch.counts import Count, Status
from apronwatch.report.markup import Markup, tag, text
from apronwatch.report.words import FONT, drawable, moment, number, share


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.data, self.attributes = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.data += data


hostile = st.text("<>&\"'/=!-;#xab ", max_size=30)
printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40) | hostile


@given(printable, printable)
def test_names_come_back_as_text_whatever_they_hold(content, attribute):
    reader = Reader()
    reader.feed(tag("td", content, data_zone=attribute))
    reader.close()
    assert reader.tags == ["td"]
    assert reader.data == content
    assert reader.attributes == [("data-zone", attribute)]


def test_control_characters_are_marked_and_made_markup_stays():
    assert text("a\x00b\x1b") == "a�b�"
    assert tag("p", tag("b", "<")) == "<p><b>&lt;</b></p>"
    assert isinstance(tag("p"), Markup)


GLYPHS = frozenset(FT2Font(FONT).get_charmap())


@given(st.text(max_size=200))
def test_drawn_text_has_a_glyph_for_every_character_and_one_line(given):
    shown = drawable(given)
    assert all(ord(c) in GLYPHS for c in shown)
    assert "\n" not in shown


def test_names_that_the_font_lacks_stay_different():
    assert drawable("中区") != drawable("西区")


@pytest.mark.parametrize(
    ("fraction", "said"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.001, "0 %"),
        (0.0011, "0.1 %"),
        (0.48, "48 %"),
        (0.9989, "99.9 %"),
        (0.9999, "100 %"),
    ],
)
def test_a_share_says_all_or_nothing_only_where_it_is(fraction, said):
    assert share(fraction) == said


def test_a_time_is_no_finer_than_known():
    from datetime import UTC, datetime

    time = datetime(2024, 12, 8, 9, 41, 7, tzinfo=UTC)
    assert moment(time, "second") == "2024-12-08 09:41:07 UTC"
    assert moment(time, "minute") == "2024-12-08 09:41 UTC"
    assert moment(time, "day") == "2024-12-08"
    assert moment(None, None) == "undated"


@pytest.mark.parametrize("status", Status)
def test_a_count_without_a_number_says_no_digit(status):
    seen = 7 if status in (Status.COMPLETE, Status.PARTIAL, Status.SATURATED) else None
    said = number(Count("s", "*", "plane", seen, None, None, None, 0.5, status, ()))
    assert any(c.isdigit() for c in said) == (seen is not None)
    assert said.startswith("at least") == (status in (Status.PARTIAL, Status.SATURATED))
