"""Counts aircraft, helicopters, vehicles and ships in overhead images of known places, over time.

In four lines::

    from apronwatch import Scene, count, find_model, load_engine

    with Scene.open("20241201.tif") as scene:
        counts = count(scene, load_engine(find_model()))
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from apronwatch.version import __version__

if TYPE_CHECKING:
    from apronwatch.archive import Archive
    from apronwatch.counting import count
    from apronwatch.counts import Count
    from apronwatch.detections import Detections
    from apronwatch.engines import load_engine
    from apronwatch.engines.registry import find_model
    from apronwatch.pipeline import detect
    from apronwatch.scene import Scene
    from apronwatch.site import Site, read_sites

_HOME = {
    "Archive": "archive",
    "Count": "counts",
    "Detections": "detections",
    "Scene": "scene",
    "Site": "site",
    "count": "counting",
    "detect": "pipeline",
    "find_model": "engines.registry",
    "load_engine": "engines",
    "read_sites": "site",
}

__all__ = [
    "Archive",
    "Count",
    "Detections",
    "Scene",
    "Site",
    "__version__",
    "count",
    "detect",
    "find_model",
    "load_engine",
    "read_sites",
]


def __getattr__(name: str) -> Any:
    # Imported when first asked for: `apronwatch --help` needs none of it, and it takes a second.
    if name not in _HOME:
        raise AttributeError(f"module 'apronwatch' has no attribute {name!r}")
    return getattr(import_module(f"apronwatch.{_HOME[name]}"), name)
