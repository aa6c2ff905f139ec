"""A card from what is recorded: registry, tiles, evaluations, calibration. The same records give the same card."""

from collections.abc import Sequence
from pathlib import Path

from apronwatch import __version__
from apronwatch.engines import ModelSpec
from apronwatch.engines.specs import read_calibration
from apronwatch.interchange.files import check_folder, save
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.preparing import Prepared
from apronwatch_training.card.evaluations import read_evaluations
from apronwatch_training.card.markdown import listed, table
from apronwatch_training.card.measured import boxes, calibrated, failures, figures, intervals
from apronwatch_training.card.tiles import read_tiles
from apronwatch_training.evaluate.coverage import provenance
from apronwatch_training.export.learned import Places
from apronwatch_training.sources import card_of, kind_of


def write_card(
    model: ModelSpec, evaluations: Sequence[Path], calibration: Path | None, data: Path, out: Path
) -> None:
    """Write the card as Markdown.

    Args:
        model: the weights, as their registry describes them.
        evaluations: what `train evaluate --json` printed.
        calibration: a file; None for the one that the registry names, if any.
        data: prepared.json of the tiles that taught the weights, with the manifest beside it, or their folder.
        out: replaced whole.

    Raises:
        CallInvalid: an evaluation cannot be read, or is of other weights; `data` taught other weights.
        ModelInvalid: the calibration cannot be read, or is of other weights.
        DatasetInvalid: `data` is no record of prepared tiles, or lacks its manifest.
        OutputInvalid: `out` cannot be written.
    """
    check_folder(out)
    measured = read_evaluations(evaluations, model)
    prepared = read_tiles(model, data)
    curves = model.calibration if calibration is None else read_calibration(calibration, model)
    sections = [
        _what(model),
        _learned(model, prepared),
        _held_out(model),
        figures(model, measured),
        boxes(measured),
        calibrated(curves, calibration or model.calibration_path, model),
        intervals(measured),
        failures(model, measured, curves),
        _again(model, prepared, calibration or model.calibration_path),
    ]
    save(out, ("\n\n".join("\n".join(section) for section in sections) + "\n").encode())


def _what(model: ModelSpec) -> list[str]:
    rows = [
        (
            name,
            f"{spec.threshold:g}",
            f"{spec.pass_gsd_m:g} m",
            f"{spec.native_gsd_m[0]:g} to {spec.native_gsd_m[1]:g} m",
            "drawn scenes alone" if spec.synthetic_only else "real ones",
        )
        for name, spec in model.classes.items()
    ]
    unknown = [name for name in CLASSES if name not in model.classes]
    lines = [
        f"# {model.name}",
        "",
        f"{model.source}. Counts {listed(list(model.classes))} in overhead images"
        + (f"; {listed(unknown)} are `not_modelled`, never zero." if unknown else "."),
        "",
        *table(("class", "threshold", "seen at", "scenes of", "learned from scenes"), rows),
        "",
        f"SHA-256 of its file: `{model.sha256}`.",
    ]
    others = sorted(model.same_weights - {model.sha256})
    return lines + ([f"The same weights in other forms: {listed(others)}."] if others else [])


def _learned(model: ModelSpec, prepared: Prepared) -> list[str]:
    rows = []
    for name, tally in prepared.document["tally"].items():
        card = card_of(name)
        kept = sum(int(fates.get("kept", 0)) for fates in tally.values())
        title = card.title if card else name
        idle = model.held_out is not None and kind_of(name) not in model.held_out
        rows.append(
            (
                (f"[{title}]({card.url})" if card and card.url.startswith("http") else title)
                + (" (taught nothing)" if idle else ""),
                str(kept),
                card.licence if card else "not stated",
                card.citation if card else "-",
            )
        )
    splits = [
        (split, str(told["tiles"]), str(told["places"]), *(str(told["labels"][name]) for name in CLASSES))
        for split, told in prepared.splits.items()
    ]
    return [
        "## Data and terms",
        "",
        f"Terms of the weights: {model.terms}",
        "",
        *table(("dataset", "objects", "terms as its owners state them", "cite"), rows),
        "",
        "Places go whole to one split:",
        "",
        *table(("split", "tiles", "places", *CLASSES), splits),
        *(["", *(f"- {note}" for note in prepared.notes)] if prepared.notes else []),
    ]


def _held_out(model: ModelSpec) -> list[str]:
    if model.held_out is None:
        return ["## Places held out", "", "**Not recorded**: figures from any place may flatter the weights."]
    rows = [
        (dataset, _places(model.held_out, dataset), _places(model.validated_on, dataset))
        for dataset in sorted(model.held_out)
    ]
    return [
        "## Places held out",
        "",
        *table(("dataset", "places that taught nothing", "of these, chosen on (thresholds, epochs)"), rows),
    ]


def _places(places: Places, dataset: str) -> str:
    found = sorted(places.get(dataset, ()))
    return f"{len(found)}: {', '.join(found)}" if found else "none"


def _again(model: ModelSpec, prepared: Prepared, calibration: Path | None) -> list[str]:
    told = prepared.document["options"]
    sources = " ".join(f"{name}=…" for name in prepared.document["tally"])
    versions = ", ".join(f"{name} {version}" for name, version in prepared.document["versions"].items())
    flags = [
        f"--gsd {','.join(f'{g:g}' for g in told['gsds_m'])}",
        f"--tile {told['tile_px']}",
        *([f"--overlap {told['overlap_px']}"] if told["overlap_px"] is not None else []),
        f"--seed {told['seed']}",
        *(["--splits SPLITS.csv"] if told["splits"] else []),
        f"--rest {told['rest']} --format {told['image_format']} --backgrounds {told['backgrounds']:g}",
        f"--max-upscale {told['max_upscale']:g} --min-px {told['min_px']:g}",
        *(["--join-leaks"] if told["join_leaks"] else []),
    ]
    name = model.name
    return [
        "## How to make it again",
        "",
        "```",
        f"apronwatch data prepare {sources} --out TILES {' '.join(flags)}",
        "apronwatch train fit CONFIG.toml",
        f"apronwatch train export RUN --name {name} --out WEIGHTS {_passes(model)}",
        f"apronwatch train thresholds NAME=… --splits SPLITS.csv --model {name} --write WEIGHTS/registry.toml",
        *_calibrating(name, calibration),
        f"apronwatch train evaluate NAME=… --splits SPLITS.csv --model {name} --json > EVALUATION.json",
        f"apronwatch train card --model {name} --evaluation EVALUATION.json --data TILES/prepared.json --out {name}.md",
        "```",
        "",
        f"The tiles were made with {versions}"
        + (f"; SPLITS.csv has SHA-256 `{told['splits']}`" if told["splits"] else "")
        + f". This card was written by apronwatch {__version__} from the records that these commands leave.",
    ]


def _calibrating(name: str, calibration: Path | None) -> list[str]:
    """The command that makes the calibration, if there is one, of the places that its file tells."""
    if calibration is None:
        return []
    told = provenance(calibration)
    options = [
        *(["--splits SPLITS.csv", f"--split {told['split']}"] if told.get("split") else []),
        f"--model {name}",
        *(["--tuned"] if told.get("tuned") else []),
        f"--out WEIGHTS/{name}.calibration.json",
    ]
    return [f"apronwatch train calibrate NAME=… {' '.join(options)}"]


def _passes(model: ModelSpec) -> str:
    """The options of `train export` that give the classes their passes: the commonest GSD, then those that differ."""
    passes = {name: spec.pass_gsd_m for name, spec in model.classes.items()}
    common = max(passes.values(), key=list(passes.values()).count)
    others = (f"--gsd {name}={gsd_m:g}" for name, gsd_m in passes.items() if gsd_m != common)
    return " ".join([f"--gsd {common:g}", *others])
