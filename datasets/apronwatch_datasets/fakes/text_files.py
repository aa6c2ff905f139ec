"""Text files of a fake."""

from pathlib import Path


def write_lines(path: Path, *lines: str) -> None:
    """Lines, with the folders above the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
