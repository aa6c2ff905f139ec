"""Carries what weights know of classes over to a head with other classes, by name."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from apronwatch.taxonomy import CLASSES

SAME = {
    "airplane": "plane",
    "aircraft": "plane",
    "small-vehicle": "vehicle_small",
    "large-vehicle": "vehicle_large",
    "small_vehicle": "vehicle_small",
    "large_vehicle": "vehicle_large",
}
"""Names of other weights, the official DOTA-trained ones among them, that mean a class of ours."""


def matching_rows(theirs: Mapping[int, str]) -> dict[int, int]:
    """Our class index -> theirs, for the classes that both know."""
    rows = {}
    for index, name in theirs.items():
        plain = re.sub(r"\s+", "-", name.strip().lower())
        ours = SAME.get(plain, plain)
        if ours in CLASSES:
            rows[CLASSES.index(ours)] = index
    return rows


def transplant(model: nn.Module, weights: nn.Module) -> int:
    """Copy the last class layers' rows of shared classes from `weights` into `model`, in every head.

    Ultralytics loads only layers of the same shape, so a head with another number of classes would begin anew.

    Args:
        model: an `OBBModel` with our classes, the other layers already loaded.
        weights: an `OBBModel` with any classes.

    Returns:
        How many layers were given rows.
    """
    rows = matching_rows(weights.names)  # type: ignore[arg-type]
    given = 0
    for branch in ("cv3", "one2one_cv3"):
        to, of = getattr(_head(model), branch, None), getattr(_head(weights), branch, None)
        if to is None or of is None:
            continue
        for ours, theirs in zip(_last_layers(to), _last_layers(of), strict=True):
            if ours.weight.shape[1:] != theirs.weight.shape[1:]:
                continue
            with torch.no_grad():
                for row, their_row in rows.items():
                    ours.weight[row] = theirs.weight[their_row]
                    ours.bias[row] = theirs.bias[their_row]
            given += 1
    return given


def _head(model: nn.Module) -> Any:
    return model.model[-1]  # type: ignore[index]


def _last_layers(branch: Any) -> list[Any]:
    return [[m for m in scale.modules() if isinstance(m, nn.Conv2d)][-1] for scale in branch]
