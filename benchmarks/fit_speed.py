"""How long a training step takes on a CPU: as Ultralytics runs it, and with what our trainer can switch on.

    python benchmarks/fit_speed.py

Tiles of 416 px in batches of 16, random pictures and labels, the loss for labels that are known in part; forward,
backward and the optimizer's step, without reading or augmenting tiles. The ways in turn, `--rounds` times; median,
least, greatest.
"""

import argparse
import statistics
import time

from apronwatch.engines.devices import usable_cores
from apronwatch.engines.torch import import_ultralytics

torch, _ = import_ultralytics()

from ultralytics.cfg import get_cfg  # noqa: E402
from ultralytics.nn.tasks import OBBModel  # noqa: E402

from apronwatch.taxonomy import CLASSES  # noqa: E402
from apronwatch_training.fit.loss import MASK, partial_criterion  # noqa: E402
from apronwatch_training.fit.trainer import leave_one_head, quicken  # noqa: E402

TILE_PX, BATCH, LABELS = 416, 16, 8


def make_model(one_head: bool = False) -> torch.nn.Module:
    torch.manual_seed(0)
    model = OBBModel("yolo26n-obb.yaml", nc=len(CLASSES), verbose=False).train()
    if one_head:
        leave_one_head(model)
    model.args = get_cfg()
    model.criterion = partial_criterion(model)
    return model


def make_batch() -> dict[str, torch.Tensor]:
    n = BATCH * LABELS
    places, sides, angles = torch.rand(n, 2) * 0.8 + 0.1, torch.rand(n, 2) * 0.08 + 0.04, torch.rand(n, 1)
    return {
        "img": torch.rand(BATCH, 3, TILE_PX, TILE_PX),
        "batch_idx": torch.arange(BATCH).repeat_interleave(LABELS).float(),
        "cls": torch.randint(0, len(CLASSES), (n, 1)).float(),
        "bboxes": torch.cat([places, sides, angles], dim=1),
        MASK: torch.zeros(BATCH, TILE_PX, TILE_PX, dtype=torch.uint8),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(usable_cores())
    models = {
        "as Ultralytics": make_model(),
        "channels innermost": make_model(),
        "and in bf16": make_model(),
        "and one head": make_model(one_head=True),
    }
    for name, model in list(models.items())[1:]:
        quicken(model, bf16=name != "channels innermost")
    steps = {name: torch.optim.AdamW(model.parameters(), 1e-4) for name, model in models.items()}
    batch = make_batch()
    times: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(rounds + 1):
        for name, model in models.items():
            begun = time.perf_counter()
            loss, _ = model(batch)
            loss.sum().backward()
            steps[name].step()
            steps[name].zero_grad()
            if turn:  # the first one allocates
                times[name].append(time.perf_counter() - begun)
    print(f"{usable_cores()} threads, batch {BATCH}, {TILE_PX} px, {rounds} rounds")
    slow = times["as Ultralytics"]
    for name, taken in times.items():
        ratios = [a / b for a, b in zip(slow, taken, strict=True)]
        print(
            f"{name:20} {statistics.median(taken):6.2f} s ({min(taken):.2f} to {max(taken):.2f})   "
            f"{statistics.median(ratios):5.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
