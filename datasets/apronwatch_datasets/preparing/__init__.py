"""Labelled images in, training tiles out."""

from apronwatch_datasets.preparing.loading import Need, estimate, load_sources
from apronwatch_datasets.preparing.manifest import Prepared
from apronwatch_datasets.preparing.options import Options, Source
from apronwatch_datasets.preparing.packing import Packed, pack, unpack
from apronwatch_datasets.preparing.preparing import prepare
from apronwatch_datasets.preparing.reading import read_prepared

__all__ = [
    "Need",
    "Options",
    "Packed",
    "Prepared",
    "Source",
    "estimate",
    "load_sources",
    "pack",
    "prepare",
    "read_prepared",
    "unpack",
]
