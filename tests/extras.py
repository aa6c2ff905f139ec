"""Skipping what needs an extra that is not installed, without importing it."""

from importlib.util import find_spec

import pytest


def need(package: str, extra: str) -> None:
    """Skip the calling module where a package is missing.

    `pytest.importorskip` would import it, and Ultralytics settles where it writes when it is first imported: our own
    `import_ultralytics` must be the first.
    """
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed: the extra `{extra}` has it", allow_module_level=True)
