"""Units of work shared among processes."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.connection import wait

from apronwatch_datasets.preparing.loading import Progress
from apronwatch_datasets.preparing.units import Unit, make


def make_all(units: Sequence[Unit], workers: int, progress: Progress | None) -> None:
    """Cut every unit, in this process alone if there is one worker. Raises what `units.make` raises."""
    for done, _ in enumerate(_made(units, workers), 1):
        if progress is not None:
            progress("cutting", done, len(units))


def _made(units: Sequence[Unit], workers: int) -> Iterator[str]:
    """Names of units as they are finished."""
    if workers == 1 or len(units) == 1:
        yield from map(make, units)
        return
    with _pool(min(workers, len(units))) as pool:
        for done in as_completed([pool.submit(make, unit) for unit in units]):
            yield done.result()


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that go when they are not needed, or when this one is killed."""
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Otherwise the processes of a pool whose parent was killed wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("meant for the processes of a pool")
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
