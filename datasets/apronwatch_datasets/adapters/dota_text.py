"""Any dataset in DOTA's label text, of any classes.

Layout::

    images/<name>.png               or .jpg, .tif, .bmp; any folders below, one named train, val or test is a split
    labelTxt/<name>.txt             the same folders

or `train/images`, `train/labelTxt` and so on. A label file without objects is an image without objects. Where any
file of the dataset has header lines, one without any line at all has lost its text, and its image is left out; unless
its name says that it is a tile or a copy, for those are written without headers.

Classes are looked up in the user's own class map first; our own names stand for themselves. Those of our own names
that occur in the dataset are taken to be labelled completely; for what goes by another name that takes a `yes` in the
class map's column `complete`. The GSD is that of a file's header. A place is the image, or the picture that it is a
tile or an altered copy of where its name says so (`P0001__1__0___824`, `a_jpg.rf.<hash>`).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from apronwatch_datasets.adapters.pairs import Pair, pairs
from apronwatch_datasets.formats.dota_text import DotaText, read_dota
from apronwatch_datasets.formats.texts import unreadable
from apronwatch_datasets.records import Card
from apronwatch_datasets.source import Log, SourceImage

CARD = Card(
    name="dota-text",
    title="DOTA label text",
    url="https://captain-whu.github.io/DOTA/dataset.html",
    citation="the dataset's own",
    licence="the dataset's own",
    gsd="as the headers say",
)


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not of this layout."""
    found = list(texts(pairs(root, "labelTxt", CARD, log), log))
    seen = frozenset(name for _, text in found for name in text.objects.names.tolist())
    for pair, text in found:
        yield image(pair, text, annotated=seen)


def texts(
    of: Iterable[Pair], log: Log, *, oriented: bool = True, headed: bool = False
) -> Iterator[tuple[Pair, DotaText]]:
    """What the label files of pairs say, those that can be read.

    Args:
        of: the pairs.
        log: takes the faults.
        oriented: the boxes are turned with their objects.
        headed: files of whole pictures have header lines, whatever these show; without it, where any of these has.
    """
    found = [(pair, read_dota(pair.labels, log, oriented=oriented)) for pair in of]
    headed = headed or any(text is not None and text.headed for _, text in found)
    for pair, text in found:
        if text is None:
            continue
        if text.blank and headed and not pair.is_part:
            unreadable(pair.labels, "no line in it; expected header lines at least: fetch it anew", log)
        else:
            yield pair, text


def image(pair: Pair, text: DotaText, *, annotated: frozenset[str] | None = None) -> SourceImage:
    """A pair and its labels as an image of a dataset."""
    return SourceImage(
        pair.name,
        pair.image,
        pair.labels,
        text.objects,
        pair.place,
        gsd_m=text.gsd_m,
        time=text.time,
        annotated=annotated,
        published_split=pair.split,
    )
