"""Other weights than the bundled ones, that find the same boxes: the same network under another hash and threshold."""

import hashlib
import os
from pathlib import Path

from apronwatch.engines.registry import find_model

ONE_CLASS = "plane-26n-obb-seed"

_IGNORED = b"\xc2\x3e\x01x"
"""A field that no ONNX reader knows: other bytes, the same network."""

_ENTRY = """
[[models]]
name = "{name}"
source_classes = ["plane"]
class_map = {{ plane = "plane" }}
tile_px = 640
terms = "None."

[models.classes.plane]
threshold = {threshold}
training_gsd_m = 1.0
native_gsd_m = [0.1, 1.2]
min_length_px = 8.0
typical_min_length_m = 10.0
longest_m = 73.3
pass_gsd_m = 1.0

[[files]]
model = "{name}"
sha256 = "{sha256}"
format = "onnx"
file = "{name}.onnx"
"""


def other_weights(name: str, threshold: float) -> Path:
    """Weights of that name in the user's registry, which count from that score."""
    folder = Path(os.environ["APRONWATCH_WEIGHTS"])
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.onnx"
    file.write_bytes(find_model().path.read_bytes() + _IGNORED)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    with (folder / "registry.toml").open("a") as registry:
        registry.write(_ENTRY.format(name=name, threshold=threshold, sha256=sha256))
    return file
