import hashlib
import shutil
from pathlib import Path

import pytest

from apronwatch.engines import ClassSpec, find_model, load_registry
from apronwatch.engines.registry import bundled_folder
from apronwatch.errors import ApronwatchError, ModelCorrupted, ModelInvalid, ModelUnknown
from apronwatch.taxonomy import CLASSES

ENTRY = """
name = "mine"
source_classes = ["Aircraft", "Truck"]
class_map = { Aircraft = "plane" }
tile_px = 640
terms = "mine alone"
[models.classes.plane]
threshold = 0.4
training_gsd_m = 0.5
native_gsd_m = [0.3, 0.8]
min_length_px = 10.0
typical_min_length_m = 10.0
longest_m = 73.3
pass_gsd_m = 0.5
"""
SIDECAR = ENTRY.replace("[models.classes.plane]", "[classes.plane]")


def write_registry(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "registry.toml").write_text(text)
    return folder / "registry.toml"


def changed(old: str, new: str) -> str:
    """A registry of `ENTRY` with one thing in it exchanged."""
    assert old in ENTRY
    return f"[[models]]{ENTRY.replace(old, new)}"


def pinned(path: Path, model: str = "mine", format: str = "onnx") -> str:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return f'[[files]]\nmodel = "{model}"\nfile = "{path.name}"\nformat = "{format}"\nsha256 = "{sha256}"\n'


def test_what_comes_with_the_program_is_whole() -> None:
    registry = load_registry()
    model = find_model(None)
    assert model.name == registry.default
    assert model.path.parent == bundled_folder()
    assert model.path.stat().st_size < 12e6
    assert model.card is not None
    assert model.card.is_file()
    assert "BY-NC-SA" in model.terms
    assert (model.tile_px, model.passes) == (640, (0.5,))
    for entry, _ in registry.models.values():
        assert "not stated" not in (entry.terms, entry.data, entry.source), entry.name


def test_official_weights_are_known_by_name_and_fetched_on_request() -> None:
    registry = load_registry()
    for size in "nsm":
        entry = registry.entry(f"yolo26{size}-obb")
        assert set(entry.classes) == set(CLASSES)
        assert len(entry.source_classes) == 15
        assert entry.url is not None
        assert entry.url.endswith(f"/{entry.name}.pt")
        assert {name: spec.pass_gsd_m for name, spec in entry.classes.items()}["ship"] == 1.2
        with pytest.raises(ModelUnknown, match=f"models fetch yolo26{size}-obb"):
            find_model(entry.name)


def test_a_name_that_is_none() -> None:
    with pytest.raises(ModelUnknown, match="plane-26n-obb-seed"):
        find_model("yolo99")
    with pytest.raises(ModelUnknown, match="no such file"):
        find_model("nowhere/best.pt")


def test_a_known_file_is_known_anywhere(seed, tmp_path: Path) -> None:
    copy = shutil.copy(seed.path, tmp_path / "renamed.onnx")
    found = find_model(copy)
    assert (found.name, found.path, found.trusted) == (seed.name, Path(copy), False)


@pytest.mark.parametrize("name", ["best.onnx", "best.pt"])
def test_unknown_weights_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(ModelUnknown, match="--trust") as error:
        find_model(tmp_path / name)
    assert ("run code" in str(error.value)) == name.endswith(".pt")
    assert "\n" not in str(error.value)


def test_trust_still_needs_classes_and_gsd(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"anything")
    with pytest.raises(ModelUnknown, match=r"GSD.*best\.onnx\.toml"):
        find_model(tmp_path / "best.onnx", trust=True)


def test_trusted_weights_are_described_beside_them(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"anything")
    (tmp_path / "best.onnx.toml").write_text(SIDECAR)
    found = find_model(tmp_path / "best.onnx", trust=True)
    assert found.trusted
    assert found.outputs == ("plane", None)
    assert found.classes["plane"].native_gsd_m == (0.3, 0.8)
    assert found.sha256 == hashlib.sha256(b"anything").hexdigest()


def test_a_sidecar_that_breaks_the_format(tmp_path: Path) -> None:
    (tmp_path / "best.onnx").write_bytes(b"anything")
    (tmp_path / "best.onnx.toml").write_text(SIDECAR.replace("training_gsd_m", "training_gsd"))
    with pytest.raises(ModelInvalid, match=r"best\.onnx\.toml: classes\.plane\.training_gsd"):
        find_model(tmp_path / "best.onnx", trust=True)


def test_the_users_registry_adds_models(weights_folder: Path) -> None:
    weights_folder.mkdir()
    (weights_folder / "mine.onnx").write_bytes(b"weights of mine")
    write_registry(weights_folder, f"[[models]]{ENTRY}\n{pinned(weights_folder / 'mine.onnx')}")
    found = find_model("mine")
    assert (found.path, found.terms) == (weights_folder / "mine.onnx", "mine alone")
    assert find_model(None).name == "apron-26n-obb"


@pytest.mark.parametrize("by", ["name", "file"])
def test_weights_that_changed_are_refused(weights_folder: Path, by: str) -> None:
    weights_folder.mkdir()
    file = weights_folder / "mine.onnx"
    file.write_bytes(b"weights of mine")
    write_registry(weights_folder, f"[[models]]{ENTRY}\n{pinned(file)}")
    file.write_bytes(b"weights of mine!")
    with pytest.raises(ModelCorrupted, match="SHA-256"):
        find_model("mine" if by == "name" else file)


def test_a_later_export_does_not_take_the_name(weights_folder: Path) -> None:
    weights_folder.mkdir()
    for name in ("first.onnx", "second.onnx", "weights.pt"):
        (weights_folder / name).write_bytes(name.encode())
    pins = [
        pinned(weights_folder / "weights.pt", format="torch"),
        pinned(weights_folder / "first.onnx"),
        pinned(weights_folder / "second.onnx"),
    ]
    write_registry(weights_folder, "\n".join([f"[[models]]{ENTRY}", *pins]))
    assert find_model("mine").path.name == "first.onnx"
    assert find_model(weights_folder / "second.onnx").name == "mine"


def test_like_inherits_and_overrides(weights_folder: Path) -> None:
    write_registry(weights_folder, f'[[models]]{ENTRY}\n[[models]]\nname = "big"\nlike = "mine"\nbatch = 1\n')
    models = load_registry().models
    assert models["big"][0].batch == 1
    assert models["big"][0].classes == models["mine"][0].classes


MEASURED = changed("pass_gsd_m = 0.5", "pass_gsd_m = 0.5\nlength_error = [-0.02, 0.05]")


def test_a_measured_error_of_lengths_is_known_of_these_weights_alone(weights_folder: Path) -> None:
    weights_folder.mkdir()
    (weights_folder / "mine.onnx").write_bytes(b"weights of mine")
    pin = pinned(weights_folder / "mine.onnx")
    write_registry(weights_folder, f'{MEASURED}\n[[models]]\nname = "big"\nlike = "mine"\n{pin}')
    assert find_model("mine").classes["plane"].length_error == (-0.02, 0.05)
    registry = load_registry()
    assert registry.entry("big").classes["plane"].length_error is None
    assert registry.entry("big").classes["plane"].threshold == 0.4
    assert find_model("plane-26n-obb-seed").classes["plane"].length_error is None


def test_weights_are_known_by_their_hash_without_their_file(weights_folder: Path) -> None:
    weights_folder.mkdir()
    file = weights_folder / "mine.onnx"
    file.write_bytes(b"weights of mine")
    write_registry(weights_folder, f"{MEASURED}\n{pinned(file)}")
    sha256 = find_model("mine").sha256
    file.unlink()
    known = load_registry().pinned(sha256)
    assert known is not None
    assert (known.name, known.classes["plane"].length_error) == ("mine", (-0.02, 0.05))
    assert load_registry().pinned("0" * 64) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MEASURED.replace("[-0.02, 0.05]", "0.05"), "length_error"),
        (MEASURED.replace("0.05]", "0.0]"), "length_error"),
        (MEASURED.replace("-0.02", "-0.5"), "length_error"),
        (MEASURED.replace("-0.02", "nan"), "length_error"),
        (MEASURED.replace("length_error", "length_errors"), "length_errors"),
        ("not toml at all", "no registry"),
        (changed("tile_px = 640", "tile_px = 600"), "tile_px.*multiple of 32"),
        (changed("tile_px", "tilepx"), "tile_?px"),
        (changed("threshold = 0.4", "threshold = 40"), "threshold"),
        (changed("[0.3, 0.8]", "[0.8, 0.3]"), "finest, then the coarsest"),
        (changed("training_gsd_m = 0.5", "training_gsd_m = nan"), "training_gsd_m"),
        (changed("Aircraft = ", "Airplane = "), "Airplane.*source_classes"),
        (changed('= "plane"', '= "aeroplane"'), "aeroplane"),
        (changed('name = "mine"', 'name = "plane-26n-obb-seed"'), "already defined"),
        (f'[[models]]{ENTRY}\n[[models]]\nname = "x"\nlike = "y"\n', "no earlier entry"),
        (f'[[files]]\nmodel = "mine"\nformat = "onnx"\nsha256 = "{"a" * 64}"\n', "'mine'"),
        ('[[files]]\nmodel = "plane-26n-obb-seed"\nformat = "onnx"\nsha256 = "abc"\n', "sha256"),
        ('default = "nothing"\n', "nothing"),
    ],
)
def test_a_registry_that_breaks_its_format_says_where(weights_folder: Path, text: str, message: str) -> None:
    path = write_registry(weights_folder, text)
    with pytest.raises(ModelInvalid, match=message) as error:
        load_registry()
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_every_key_is_needed(weights_folder: Path) -> None:
    required = [line for line in ENTRY.splitlines() if " = " in line and "terms" not in line]
    for line in required:
        write_registry(weights_folder, f"[[models]]{ENTRY.replace(line, '')}")
        with pytest.raises(ApronwatchError):
            load_registry()


@pytest.mark.parametrize(
    ("gsd_m", "seen"),
    [
        *((0.05, False), (0.097, False), (0.099, True), (0.1, True), (0.5, True)),
        *((1.0, True), (1.25, True), (1.27, True), (1.28, False), (3, False)),
    ],
)
def test_in_range_by_gsd_and_by_length(gsd_m: float, seen: bool) -> None:
    spec = ClassSpec("plane", 0.3, 1.0, (0.1, 2.0), 8.0, 10.0, 73.3, 1.0)  # 10 m are 8 px at 1.25 m
    assert spec.in_range(gsd_m) is seen
