"""Writing a file whole or not at all, and naming a file without telling whose disk it lies on."""

import os
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import urlsplit, urlunsplit

from apronwatch.errors import OutputInvalid


def check_folder(path: Path) -> None:
    """Raises `OutputInvalid` unless a file can be put at `path`."""
    if path.is_dir():
        raise OutputInvalid(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise OutputInvalid(f"{path.parent} is no folder, so {path.name} cannot be written; make it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputInvalid(
            f"the folder {path.parent} cannot be written; choose another or change its rights"
        )


def save(path: Path, content: bytes) -> None:
    """Puts `content` at `path` in one step: a reader sees the old file or the new, a failure leaves the old.

    Raises:
        OutputInvalid: the folder cannot be written, or the disk is full.
    """
    check_folder(path)
    try:
        # A folder, because a temporary file would keep its private rights (0600) after the move.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".apronwatch-") as folder:
            draft = Path(folder) / "draft"
            draft.write_bytes(content)
            draft.replace(path)
    except OSError as error:
        raise OutputInvalid(
            f"{path} could not be written, and nothing was: {error.strerror or error}; "
            "free space or choose another folder"
        ) from error


def public_name(path: str) -> str:
    """A scene's path as it may be published: a file's name without its folders, a URL without credentials.

    Folders tell who made a file and where; user names, tokens and signatures in a URL give access.
    """
    url = urlsplit(path)
    if url.scheme and url.netloc:
        return urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, "", ""))
    return PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name
