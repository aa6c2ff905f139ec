"""How much memory a run needs, and how much there is."""

from typing import Any

import torch
from torch import nn

from apronwatch.errors import CallInvalid
from apronwatch_training.fit.config import FitConfig

PROCESS_BYTES = 1e9
"""Of a process that has loaded torch and Ultralytics, or of CUDA's context."""

PER_ACTIVATION = 1.5
"""What is held of each output of a layer: itself until its gradient is known, and half as much in work on top.

With the two others this says a tenth more than steps on a CPU took: 2.15 GB for 1.93 (YOLO26n with one head, 16 tiles
of 416 px in bf16), 4.22 for 3.72 (YOLO26s, 4 of 640 px in 32 bits), 3.66 for 3.22 (YOLO11s, the same). Not measured on
a GPU."""

PER_WEIGHT_BYTES = 20
"""In 32 bits: the weight, its gradient, two moments of the optimizer, its average."""

TOO_MUCH = 1.3
"""No run fits that is estimated at this multiple of the memory that is free."""

_SIDE_PX = 64


def check_memory(config: FitConfig, device: str, model: nn.Module) -> str | None:
    """See whether a run fits into the memory that is free now, by an estimate.

    Args:
        config: the run.
        device: `cpu`, or numbers of GPUs.
        model: the run's `weights.network`.

    Returns:
        A warning in words where it may not fit.

    Raises:
        CallInvalid: it cannot fit.
    """
    gpus = [] if device == "cpu" else [int(part) for part in device.split(",")]
    schedule = config.schedule
    needed = needed_bytes(
        model,
        tiles=schedule.batch / max(len(gpus), 1),
        tile_px=schedule.tile_px,
        value_bytes=4 if schedule.precision == "fp32" else 2,
    )
    name, free = min(free_bytes(gpus).items(), key=lambda item: item[1])
    said = (
        f"{schedule.batch} tiles of {schedule.tile_px} px through {config.start.model} need about {needed / 1e9:.1f} GB"
        f"{' on each GPU' if len(gpus) > 1 else ''}, {free / 1e9:.1f} GB are free on {name}"
    )
    if needed > TOO_MUCH * free:
        raise CallInvalid(f"{said}; give a smaller schedule.batch or schedule.tile_px")
    return f"{said}: the run may stop for want of memory" if needed > free else None


def needed_bytes(model: nn.Module, *, tiles: float, tile_px: int, value_bytes: int) -> float:
    """An estimate of the peak: outputs of all layers for the tiles at once, the weights and what trains them."""
    outputs = outputs_per_pixel(model) * tiles * tile_px**2 * value_bytes
    weights = sum(weight.numel() for weight in model.parameters())
    return PROCESS_BYTES + PER_ACTIVATION * outputs + PER_WEIGHT_BYTES * weights


def outputs_per_pixel(model: nn.Module) -> float:
    """Numbers that the layers put out for each pixel of a tile, counted on a small one."""
    counted = 0

    def count(_module: nn.Module, _given: Any, output: Any) -> None:
        nonlocal counted
        counted += output.numel() if isinstance(output, torch.Tensor) else 0

    hooks = [
        layer.register_forward_hook(count)
        for layer in model.modules()
        if not any(True for _ in layer.children())
    ]
    with torch.no_grad():
        model.train()(torch.zeros(2, 3, _SIDE_PX, _SIDE_PX))
    for hook in hooks:
        hook.remove()
    return counted / (2 * _SIDE_PX**2)


def free_bytes(gpus: list[int]) -> dict[str, float]:
    """Memory that is free, by the name of the device: of each GPU, or of the machine without one."""
    import psutil

    if not gpus:
        return {"this machine": float(psutil.virtual_memory().available)}
    return {f"GPU {gpu}": float(torch.cuda.mem_get_info(gpu)[0]) for gpu in gpus}
