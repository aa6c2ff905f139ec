"""What it is worth to know what is not labelled: vehicles learned where a part of the data labels aircraft alone.

    python benchmarks/partial_labels.py --work runs/partial-labels --weights runs/bundled-cpu/fitted.pt

Two drawn bases are cut into tiles. In a quarter of their looks everything is labelled; in the others the labels of
vehicles are taken away, as a dataset of aircraft alone would have it, and the sidecars say so. The same tiles
teach twice, from the same start and seed: once as `train fit` does (nothing is learned where a class is unknown), once
as Ultralytics does (`partial_labels = false`: what is not labelled is background). Both are exported and evaluated on
four looks at another base that neither has seen. A third run, on the labelled quarter alone, shows what the others add.
Precision and recall are those at the threshold that is best on these looks, another for each. A run that was broken off
goes on with the next of the three.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from apronwatch.cli.output import print_table
from apronwatch.taxonomy import CLASSES

VEHICLES = ("vehicle_small", "vehicle_large")
SCENARIOS = ("steady", "surge")
GSD_M = 0.4
HELD_OUT_LOOKS = 4
HELD_OUT_PLACE = "synthetic-drawdown-base"
WAYS = ("masked", "as background", "left out")

CONFIG = """
[start]
model = "yolo26n-obb"
heads = "one-to-many"
{weights}
[data]
tiles = "{tiles}"
[schedule]
epochs = {epochs}
batch = 16
tile_px = 416
learning_rate = 0.001
warmup_epochs = 1.0
close_mosaic_epochs = 1
precision = "{precision}"
[augment]
mosaic = 0.3
clouds = 0.0
[run]
out = "{out}"
partial_labels = {partial}
"""


def apronwatch(*words: object, weights: Path | None = None) -> str:
    command = [str(Path(sys.executable).with_name("apronwatch")), *map(str, words)]
    variables = os.environ | ({"APRONWATCH_WEIGHTS": str(weights)} if weights else {})
    done = subprocess.run(command, capture_output=True, text=True, env=variables)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def prepare(work: Path) -> tuple[Path, list[str]]:
    """Tiles of the bases, three quarters of the looks without labels of vehicles, and the looks left whole."""
    splits, tiles, done = work / "splits.csv", work / "tiles", work / "whole-looks.json"
    if done.is_file():
        return tiles, json.loads(done.read_text())
    for scenario in SCENARIOS:
        apronwatch("data", "synthesize", scenario, "--out", work / "scenes" / scenario)
    splits.write_text("dataset,place,split\n")
    apronwatch(
        *("data", "prepare", f"synthetic={work / 'scenes'}", "--out", tiles, "--gsd", GSD_M, "--tile", 416),
        *("--overlap", 160, "--format", "jpg", "--backgrounds", 0.2, "--splits", splits, "--rest", "train"),
    )
    whole = sorted(path.stem for path in (work / "scenes").glob("*/scenes/*.tif"))[::4]
    for sidecar in (tiles / "regions" / "train").glob("*.json"):
        if not labelled(sidecar, whole):
            forget(sidecar, tiles / "labels" / "train" / f"{sidecar.stem}.txt")
    done.write_text(json.dumps(whole))
    return tiles, whole


def labelled(tile: Path, whole: list[str]) -> bool:
    """Whether a tile is of a look whose labels are left."""
    return any(look in tile.stem for look in whole)


def forget(sidecar: Path, labels: Path) -> None:
    """Take the labels of vehicles out of a tile, and say that they are unknown there."""
    told, rows = json.loads(sidecar.read_text()), labels.read_text().splitlines()
    kept = [k for k, row in enumerate(rows) if CLASSES[int(row.split()[0])] not in VEHICLES]
    told["labels"] = [told["labels"][k] for k in kept]
    told["unknown_classes"] = sorted({*told["unknown_classes"], *VEHICLES})
    sidecar.write_text(json.dumps(told))
    labels.write_text("".join(f"{rows[k]}\n" for k in kept))


def quarter(tiles: Path, whole: list[str]) -> Path:
    """The fully labelled tiles alone."""
    alone = tiles.with_name("tiles-labelled")
    for kind in ("images", "labels", "regions"):
        (alone / kind / "train").mkdir(parents=True, exist_ok=True)
        (alone / kind / "val").mkdir(parents=True, exist_ok=True)
        for path in (tiles / kind / "train").iterdir():
            if labelled(path, whole):
                shutil.copy(path, alone / kind / "train" / path.name)
    for name in ("data.yaml", "prepared.json", "manifest.parquet"):
        shutil.copy(tiles / name, alone / name)
    return alone


def held_out(work: Path) -> Path:
    """The first looks at another base, of the same kind, with their truth."""
    folder = work / "drawdown"
    if folder.is_dir():
        return folder
    apronwatch("data", "synthesize", "drawdown", "--out", folder)
    for path in sorted((folder / "scenes").iterdir())[HELD_OUT_LOOKS:]:
        for other in folder.rglob(f"{path.stem}.*"):
            other.unlink()
    return folder


def fit(work: Path, way: str, tiles: Path, arguments: argparse.Namespace) -> Path:
    """Train, export; the folder of the weights."""
    name = way.replace(" ", "-")
    out = work / f"{name}-weights"
    if (out / "registry.toml").is_file():
        return out
    weights = f'weights = "{arguments.weights.resolve()}"' if arguments.weights else ""
    # The quarter alone is passed over more often: as many steps as the others take.
    epochs = arguments.epochs * (4 if tiles.name == "tiles-labelled" else 1)
    config = work / f"{name}.toml"
    text = CONFIG.format(
        weights=weights,
        tiles=tiles.resolve(),
        epochs=epochs,
        precision=arguments.precision,
        out=(work / name).resolve(),
        partial=str(way != "as background").lower(),
    )
    config.write_text(text)
    if not (work / name / "fitted.pt").is_file():
        apronwatch("train", "fit", config, "--device", arguments.device)
    apronwatch(
        *(
            "train",
            "export",
            work / name,
            "--tiles",
            work / "tiles",
            "--name",
            name,
            "--out",
            out,
            "--gsd",
            GSD_M,
        )
    )
    hold_out(out / "registry.toml")
    return out


def hold_out(registry: Path) -> None:
    """Say that the base which is looked at taught nothing: no tile shows it, so the record of the tiles can't know."""
    text = registry.read_text()
    registry.write_text(text.replace("synthetic = []", f'synthetic = ["{HELD_OUT_PLACE}"]', 1))


def evaluate(weights: Path, scenes: Path) -> dict[str, tuple[float, float, float]]:
    """Class -> (AP, precision and recall at the threshold that counts best on these very scenes)."""
    name, registry = weights.name.removesuffix("-weights"), weights / "registry.toml"
    apronwatch(
        *("train", "thresholds", f"synthetic={scenes}", "--model", name, "--write", registry), weights=weights
    )
    told = apronwatch("train", "evaluate", f"synthetic={scenes}", "--model", name, "--json", weights=weights)
    classes = json.loads(told)["evaluations"][0]["classes"]
    points = {c["class"]: (c["ap"], c["operating_point"]) for c in classes}
    return {
        name: (ap or 0.0, point["precision"] or 0.0, point["recall"] or 0.0)
        for name, (ap, point) in points.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="a folder; goes on where it was")
    parser.add_argument("--weights", type=Path, help="begin with these; without them, from nothing")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="bf16")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    (tiles, whole), scenes = prepare(arguments.work), held_out(arguments.work)
    sets = {"left out": quarter(tiles, whole)}
    found = {way: evaluate(fit(arguments.work, way, sets.get(way, tiles), arguments), scenes) for way in WAYS}
    header = ("class", "of what is not labelled", "AP", "precision", "recall")
    lines = [
        (name, way, *(f"{number:.2f}" for number in found[way][name]))
        for name in found[WAYS[0]]
        for way in WAYS
    ]
    print_table(header, lines, right=range(2, 5))


if __name__ == "__main__":
    main()
