"""Names of devices (`auto`, `cpu`, `cuda:0`, `tensorrt:0`) and how many cores may be used."""

import os
import re
from dataclasses import dataclass

from apronwatch.errors import DeviceUnavailable


@dataclass(frozen=True)
class Device:
    """A device as the user names it: its kind (`auto`, `cpu`, `cuda`, `tensorrt`) and its number."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"{self.kind}:{self.index}" if self.kind in ("cuda", "tensorrt") else self.kind

    @classmethod
    def parse(cls, text: str) -> "Device":
        """From `auto`, `cpu`, `cuda`, `cuda:N`, `tensorrt` or `tensorrt:N`; else `DeviceUnavailable`."""
        found = re.fullmatch(r"(auto|cpu)|(cuda|tensorrt)(?::(\d+))?", text)
        if not found:
            raise DeviceUnavailable(f"device {text!r} is not known: say auto, cpu, cuda:N or tensorrt:N")
        return cls(found[1] or found[2], int(found[3] or 0))


def usable_cores() -> int:
    """Cores that this process may run on, which a container or `taskset` may have narrowed."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS knows no affinity
