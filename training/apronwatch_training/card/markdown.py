"""Markdown, and figures as a card writes them."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    cells = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(" ".join(c.replace("|", "\\|").split()) for c in row) + " |" for row in cells]


def share(value: float | None, limits: tuple[float, float] | None = None) -> str:
    """A share, with its interval: 0.967 (0.94 to 0.98)."""
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({limits[0]:.2f} to {limits[1]:.2f})" if limits else "")


def percent(value: float, limits: tuple[float, float] | None = None, *, sign: bool = False) -> str:
    """A percentage, with its interval: 9.1 % (6.0 to 12.3)."""
    form = "+.1f" if sign else ".1f"
    said = f"{100 * value:{form}} %"
    return said + (f" ({100 * limits[0]:{form}} to {100 * limits[1]:{form}})" if limits else "")


def listed(names: Sequence[str]) -> str:
    """Names in a row: `a`, `b`."""
    return ", ".join(f"`{name}`" for name in names)
