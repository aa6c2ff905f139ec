"""A contact sheet of the augmentations: what the network is shown, with what it is asked and what it is not asked."""

import random
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from apronwatch.interchange.files import check_folder, save
from apronwatch.report import canvas
from apronwatch.taxonomy import CLASSES
from apronwatch_training.fit.config import Augment, FitConfig
from apronwatch_training.fit.loss import MASK
from apronwatch_training.fit.regions import EVERYTHING

EACH = (
    "stretch", "haze", "noise", "coarser", "jpeg", "panchromatic", "misregistration", "clouds", "flip", "mosaic",
)  # fmt: skip
"""Augmentations that are a share of samples, one column each."""

COLOURS: tuple[canvas.Colour, ...] = (
    (255, 210, 60),
    (255, 120, 40),
    (90, 220, 255),
    (60, 140, 255),
    (255, 110, 220),
)
"""Of our classes, in their order."""

_HEAD_PX, _TITLE_PX, _MARGIN_PX = 58, 20, 6
_TINT = np.array([255, 0, 120], dtype=np.float32)


def augment_look(
    config: FitConfig, out: Path, *, samples: int = 4, cell_px: int = 256, seed: int = 0
) -> None:
    """Write a PNG: a row for each sample tile; a column for each augmentation alone, and the last for all together.

    Args:
        config: of a run; its strengths are shown, switched on for every sample.
        out: the PNG.
        samples: how many tiles, chosen among those that hold an object.
        cell_px: side of a picture on the sheet.
        seed: of the choice and of the augmentations.

    Raises:
        OutputInvalid: `out` cannot be written.
    """
    check_folder(out)
    columns = _columns(config.augment)
    dataset = _dataset(config)
    rng = random.Random(seed)
    filled = [k for k, label in enumerate(dataset.labels) if len(label["cls"])]
    chosen = rng.sample(filled, min(samples, len(filled)))
    step_x, step_y = cell_px + _MARGIN_PX, cell_px + _MARGIN_PX
    size = _MARGIN_PX + len(columns) * step_x, _HEAD_PX + _TITLE_PX + len(chosen) * step_y
    sheet = Image.new("RGB", size, canvas.WHITE)
    draw = ImageDraw.Draw(sheet)
    _draw_head(draw, config)
    for k, (title, augment) in enumerate(columns):
        x = _MARGIN_PX + k * step_x
        draw.text((x, _HEAD_PX), title, font=canvas.font(14, bold=True), fill=canvas.INK)
        transforms = _transforms(dataset, config.model_copy(update={"augment": augment}))
        for row, index in enumerate(chosen):
            _seed(seed + index)
            shown = _drawn(transforms(dataset.get_image_and_label(index)), cell_px)
            sheet.paste(Image.fromarray(shown), (x, _HEAD_PX + _TITLE_PX + row * step_y))
    drawn = BytesIO()
    sheet.save(drawn, format="PNG", optimize=True)
    save(out, drawn.getvalue())


def _columns(told: Augment) -> list[tuple[str, Augment]]:
    """Titles, and what is switched on under them."""
    nothing = Augment(**dict.fromkeys(EACH, 0.0), turn_deg=0.0, zoom=(1.0, 1.0), shift=0.0)
    columns = [("as it is", nothing)]
    columns += [(name, nothing.model_copy(update={name: 1.0})) for name in EACH if getattr(told, name)]
    if told.turn_deg:
        columns.append(("turned", nothing.model_copy(update={"turn_deg": told.turn_deg})))
    for title, scale in (("zoomed out", told.zoom[0]), ("zoomed in", told.zoom[1])):
        if scale != 1.0:
            columns.append((f"{title} {scale:g}", nothing.model_copy(update={"zoom": (scale, scale)})))
    return [*columns, ("as trained", told)]


def _dataset(config: FitConfig) -> Any:
    from ultralytics.cfg import get_cfg

    from apronwatch_training.fit.run import tiles_description, ultralytics_arguments
    from apronwatch_training.fit.tiles import TileDataset

    described = tiles_description(config, "cpu")
    arguments = ultralytics_arguments(config, "cpu") | {"augmentations": None}
    dataset = TileDataset(
        img_path=str(config.data.tiles / "images" / "train"),
        imgsz=config.schedule.tile_px,
        augment=True,
        hyp=get_cfg(overrides=arguments),
        task="obb",
        data=described,
    )
    dataset.buffer = list(range(len(dataset)))
    return dataset


def _transforms(dataset: Any, config: FitConfig) -> Any:
    from ultralytics.cfg import get_cfg

    from apronwatch_training.fit.run import sensing_transforms, ultralytics_arguments

    hyp = get_cfg(overrides=ultralytics_arguments(config, "cpu") | {"augmentations": None})
    hyp.augmentations = sensing_transforms(config)
    if not config.augment.stretch:
        hyp.hsv_h = hyp.hsv_s = 0.0
    dataset.data["clouds"] = config.augment.clouds
    return dataset.build_transforms(hyp)


def _seed(seed: int) -> None:
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (Ultralytics draws from the global state)
    torch.manual_seed(seed)


def _drawn(sample: dict[str, Any], side_px: int) -> NDArray[np.uint8]:
    """The picture with boxes, solid where oriented and thin where horizontal, unknown ground tinted."""
    picture = np.ascontiguousarray(sample["img"].numpy().transpose(1, 2, 0))
    height, width = picture.shape[:2]
    mask = sample[MASK].numpy()
    hidden = (mask & (2 ** len(CLASSES) - 1)) == 2 ** len(CLASSES) - 1
    hidden &= mask != EVERYTHING if (mask == EVERYTHING).all() else True
    picture[hidden] = (0.7 * picture[hidden] + 0.3 * _TINT).astype(np.uint8)
    scale = side_px / max(height, width)
    size = round(width * scale), round(height * scale)
    shown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for kind, (x, y, w, h, angle) in zip(
        sample["cls"].flatten().tolist(), sample["bboxes"].tolist(), strict=True
    ):
        oriented = kind < len(CLASSES)
        box = ((x * size[0], y * size[1]), (w * size[0], h * size[1]), float(np.degrees(angle)))
        corners = cv2.boxPoints(box).astype(np.int32)
        cv2.polylines(
            shown, [corners], True, COLOURS[int(kind) % len(CLASSES)], 2 if oriented else 1, cv2.LINE_AA
        )
    framed = np.full((side_px, side_px, 3), 236, dtype=np.uint8)
    framed[: shown.shape[0], : shown.shape[1]] = shown
    return framed


def _draw_head(draw: ImageDraw.ImageDraw, config: FitConfig) -> None:
    draw.text((_MARGIN_PX, 6), "Augmentations", font=canvas.font(18, bold=True), fill=canvas.INK)
    x = float(_MARGIN_PX)
    font = canvas.font(13)
    for name, colour in zip(CLASSES, COLOURS, strict=True):
        draw.rectangle((x, 38, x + 14, 50), fill=colour, outline=canvas.INK)
        draw.text((x + 19, 36), name, font=font, fill=canvas.INK)
        x += 34 + font.getlength(name)
    said = "thick: oriented label, thin: horizontal (class and centre only); red: nothing is learned there"
    draw.text((x + 10, 36), f"{said}; tiles of {config.schedule.tile_px} px", font=font, fill=canvas.INK)
