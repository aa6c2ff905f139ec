"""The datasets that can be read, by the name that the command line uses. One module each: `CARD` and `read`."""

from importlib import import_module

from apronwatch.errors import CallInvalid
from apronwatch_datasets.dataset import Adapter

ADAPTERS = (
    "dota",
    "xview",
    "rareplanes",
    "fair1m",
    "dior",
    "dior-r",
    "vedai",
    "hrsc2016",
    "nwpu-vhr10",
    "hrplanes",
    "allplanes",
    "airbus-aircraft",
    "naip-aircraft",
    "aerial-airport",
    "aerial-cars",
    "synthetic",
    "coco",
    "yolo",
    "yolo-obb",
    "voc",
    "dota-text",
)


def adapter(name: str) -> Adapter:
    """The adapter of a name. Raises `CallInvalid` for another name."""
    if name not in ADAPTERS:
        raise CallInvalid(f"dataset {name!r} is not known; expected one of {', '.join(ADAPTERS)}")
    found: Adapter = import_module(f"{__name__}.{name.replace('-', '_')}")
    return found
