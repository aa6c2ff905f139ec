"""Prepared tiles as an Ultralytics dataset that also knows what is unknown."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from ultralytics.data.augment import Compose, Format, RandomPerspective
from ultralytics.data.dataset import YOLODataset
from ultralytics.utils import IterableSimpleNamespace

from apronwatch.errors import TilesInvalid
from apronwatch_training.fit.clouds import Clouds
from apronwatch_training.fit.loss import MASK
from apronwatch_training.fit.regions import TileSidecar

PLAIN_LABELS = "plain_labels"
"""Key of data.yaml: true takes every label as complete and oriented, as Ultralytics does. For comparison only."""

CLOUDS = "clouds"
"""Key of data.yaml: share of samples under clouds."""


class TileFormat(Format):
    """Ultralytics' last step, with the mask of unknown classes as a tensor beside the picture."""

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """Format one sample."""
        mask = np.ascontiguousarray(labels.pop(MASK))
        formatted: dict[str, Any] = super().__call__(labels)
        formatted[MASK] = torch.from_numpy(mask)
        return formatted


class Zoom(RandomPerspective):
    """Ultralytics' random rotation, shift and scale; shrinking blurs first, as a coarser sensor would.

    Without it a picture shrunk to a coarser GSD is sharper, and more aliased, than any real one of that GSD.
    """

    def apply_image(self, labels: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Warp the picture."""
        scale = params["scale"] if params else 1.0
        if scale < 1.0:
            # A box of 1/scale pixels has the variance (1/scale² - 1)/12 over that of one pixel.
            sigma = float(np.sqrt((1.0 / scale**2 - 1.0) / 12.0))
            labels["img"] = cv2.GaussianBlur(labels["img"], (0, 0), max(sigma, 0.05))
        warped: dict[str, Any] = super().apply_image(labels, params)
        return warped


class TileDataset(YOLODataset):
    """Tiles of one split.

    While training, the class of a horizontal label is raised by the number of classes (see `loss.PartialOBBLoss`):
    a number that every augmentation carries along with its box.
    """

    format_class = TileFormat

    def get_labels(self) -> list[dict[str, Any]]:
        """Labels with their sidecars.

        Raises:
            TilesInvalid: a picture or its labels cannot be read; a sidecar is missing, or not of its labels.
        """
        asked = list(self.im_files)
        labels: list[dict[str, Any]] = super().get_labels()
        lost = sorted(set(asked) - {label["im_file"] for label in labels})
        if lost:  # Ultralytics would go on without them
            more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
            raise TilesInvalid(
                f"{lost[0]}{more}: a picture or its labels cannot be read, or say what no tile may; "
                "prepare the tiles again"
            )
        for label in labels:
            sidecar = TileSidecar.read(sidecar_path(Path(label["im_file"])))
            if len(sidecar.oriented) != len(label["cls"]):
                raise TilesInvalid(
                    f"{label['im_file']}: {len(label['cls'])} labels and a sidecar for {len(sidecar.oriented)}; "
                    "prepare the tiles again"
                )
            label["sidecar"] = sidecar
            if self.augment and not self.data.get(PLAIN_LABELS):
                raised = len(self.data["names"]) * ~sidecar.oriented[:, None]
                label["cls"] = (label["cls"] + raised).astype(np.float32)
        return labels

    def get_image_and_label(self, index: int) -> dict[str, Any]:
        """One sample before augmentation, its mask beside it."""
        label: dict[str, Any] = super().get_image_and_label(index)
        sidecar: TileSidecar = label.pop("sidecar")
        height, width = label["resized_shape"]
        mask = sidecar.mask(label["ori_shape"])
        label[MASK] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
        return label

    def build_transforms(self, hyp: IterableSimpleNamespace) -> Compose:
        """Ultralytics' augmentations with our zoom in the place of its own."""
        transforms: Compose = super().build_transforms(hyp)
        _replace_zoom(transforms)
        if self.augment and self.data.get(CLOUDS):
            transforms.insert(-1, Clouds(self.data[CLOUDS]))
        return transforms


def sidecar_path(image: Path) -> Path:
    """Where the sidecar of a tile lies: `regions/SPLIT/NAME.json` beside `images/SPLIT/NAME.png`."""
    return image.parents[2] / "regions" / image.parent.name / f"{image.stem}.json"


def _replace_zoom(transforms: Compose) -> None:
    for number, transform in enumerate(transforms.transforms):
        if isinstance(transform, Compose):
            _replace_zoom(transform)
        elif type(transform) is RandomPerspective:
            transforms.transforms[number] = Zoom(
                transform.degrees,
                transform.translate,
                transform.scale,
                transform.shear,
                transform.perspective,
                transform.size,
                transform.preserve_obb,
            )
