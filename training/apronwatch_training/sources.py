"""Datasets by their names: which were drawn, and what their cards say."""

from collections.abc import Mapping
from typing import Any

from apronwatch_datasets.adapters import ADAPTERS, adapter
from apronwatch_datasets.records import Card

_RENDERED = "synthetic "
"""Places of the rendered part of RarePlanes begin so."""


def kind_of(dataset: str) -> str:
    """The adapter's name: `data prepare` calls a second source of a kind `NAME-2`."""
    kind, _, number = dataset.rpartition("-")
    return kind if number.isdigit() and kind in ADAPTERS and dataset not in ADAPTERS else dataset


def is_drawn(dataset: str, place: str) -> bool:
    """Whether no sensor took the pictures of a place: what is measured there says nothing of real ones."""
    kind = kind_of(dataset)
    return kind == "synthetic" or (kind == "rareplanes" and place.startswith(_RENDERED))


def is_tile_drawn(row: Mapping[str, Any]) -> bool:
    """The same of a row of a set's manifest, which knows what the picture said of itself; older sets do not."""
    return bool(row.get("drawn")) or is_drawn(row["dataset"], row["place"])


def is_format(dataset: str) -> bool:
    """Whether a name is that of a form of files, which any pictures may have, and of no dataset."""
    card = card_of(dataset)
    return card is not None and not card.annotated


def card_of(dataset: str) -> Card | None:
    """The card of a dataset; None for a format of one's own."""
    kind = kind_of(dataset)
    return adapter(kind).CARD if kind in ADAPTERS else None
