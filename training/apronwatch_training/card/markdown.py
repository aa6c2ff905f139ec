"""Markdown, and figures as a card writes them."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    cells = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(" ".join(c.replace("|", "\\|").split()) for c in row) + " |" for row in cells]


def listed(names: Sequence[str]) -> str:
    """Names in a row: `a`, `b`."""
    return ", ".join(f"`{name}`" for name in names)
