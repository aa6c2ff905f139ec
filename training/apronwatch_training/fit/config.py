"""What a run is to be, as a TOML file, typed and checked before anything starts."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apronwatch.errors import ConfigInvalid

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Start(_Part):
    """Where the weights come from.

    Attributes:
        model: architecture, `yolo26n-obb` to `yolo26x-obb` or `yolo11n-obb` to `yolo11x-obb`.
        weights: a `.pt` file of that architecture to begin with; without one, from nothing. Classes that it knows are
            kept, by name; pickled weights can run code, so give only files whose origin you know.
        heads: YOLO26 has two. Counting uses the one-to-many head alone; `one-to-many` leaves the other out, which
            trains faster (`benchmarks/fit_speed.py`) and gives weights that Ultralytics cannot use without NMS.
    """

    model: Annotated[str, Field(pattern=r"^yolo(26|11)[nsmlx]-obb$")]
    weights: Path | None = None
    heads: Literal["both", "one-to-many"] = "both"


class Data(_Part):
    """What is learned from.

    Attributes:
        tiles: folder that `apronwatch data prepare` wrote.
        shares: of a dataset's training tiles, by its name in the manifest, so that one of which there is plenty does
            not outweigh the others; one that is not named is used whole.
    """

    tiles: Path
    shares: dict[str, Share] = {}


class Schedule(_Part):
    """How long, how much at once, how fast.

    Attributes:
        epochs: passes over the training tiles; `close_mosaic_epochs` of them, the last, without mosaics.
        batch: tiles at once, over all devices.
        tile_px: side of what the network sees, a multiple of 32.
        optimizer: Ultralytics' name; `auto` chooses it and the rate.
        learning_rate: at first; `final_rate` is the share of it at the end.
        average_steps: the weights that are kept are a running average over about so many steps. Without it Ultralytics'
            own, which in a short run averages next to nothing: 18 of 6,000 steps.
        precision: of the arithmetic; fp16 needs a GPU, bf16 a GPU or a CPU that has it (AVX512-BF16, AMX), where the
            loss stays in 32 bits.
    """

    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1)]
    tile_px: Annotated[int, Field(ge=64, multiple_of=32)]
    optimizer: Literal["auto", "SGD", "Adam", "AdamW", "MuSGD"] = "AdamW"
    learning_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 0.001
    final_rate: Share = 0.05
    average_steps: Annotated[int, Field(ge=1)] | None = None
    warmup_epochs: Annotated[float, Field(ge=0.0)] = 1.0
    close_mosaic_epochs: Annotated[int, Field(ge=0)] = 2
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    precision: Literal["fp32", "fp16", "bf16"] = "fp32"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.close_mosaic_epochs > self.epochs:
            raise ValueError(f"close_mosaic_epochs={self.close_mosaic_epochs} of {self.epochs} epochs")
        return self


class Augment(_Part):
    """What is done to the tiles, each as a share of samples unless said otherwise; 0 switches it off.

    Attributes:
        mosaic: four tiles in one.
        turn_deg: free rotation, up to this either way. zoom: least and greatest scale. shift: share of the side.
        flip: mirrored, each way.
        stretch, haze, noise, coarser, jpeg, panchromatic, misregistration: see `sensing`.
        clouds: see `clouds`.
    """

    mosaic: Share = 0.5
    turn_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 180.0
    zoom: tuple[Annotated[float, Field(gt=0.1)], Annotated[float, Field(lt=10.0)]] = (0.75, 1.33)
    shift: Share = 0.1
    flip: Share = 0.5
    stretch: Share = 0.7
    haze: Share = 0.3
    noise: Share = 0.4
    coarser: Share = 0.3
    jpeg: Share = 0.3
    panchromatic: Share = 0.15
    misregistration: Share = 0.15
    clouds: Share = 0.08

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.zoom[0] > self.zoom[1]:
            raise ValueError(f"zoom {list(self.zoom)}: the least scale first")
        return self


class Run(_Part):
    """Where it goes, and how.

    Attributes:
        out: folder of the run: checkpoints, log, TensorBoard.
        workers: processes that load tiles, per GPU; on a CPU tiles are loaded in the process itself.
        keep_epochs: keep the weights of every epoch, `weights/epochN.pt`, to see what more training brings.
        partial_labels: false takes every label as complete and oriented, as Ultralytics does: for comparison only.
    """

    out: Path
    workers: Annotated[int, Field(ge=0)] = 8
    keep_epochs: bool = False
    partial_labels: bool = True


class FitConfig(_Part):
    """A whole run."""

    start: Start
    data: Data
    schedule: Schedule
    augment: Augment = Augment()
    run: Run


def read_config(path: Path) -> FitConfig:
    """The run that a TOML file describes; paths in it are relative to its folder.

    Raises:
        ConfigInvalid: it cannot be read, a key is unknown or missing, or a value is out of range.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        config = FitConfig.model_validate(content)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(
            f"{path}: no readable TOML ({error}); see training/configs for examples"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
        raise ConfigInvalid(
            f"{path}: {key}: {first['msg']}{more}; see training/configs for examples"
        ) from error
    return _anchored(config, path.resolve().parent)


def _anchored(config: FitConfig, folder: Path) -> FitConfig:
    start = config.start
    if start.weights is not None:
        start = start.model_copy(update={"weights": (folder / start.weights).resolve()})
    return config.model_copy(
        update={
            "start": start,
            "data": config.data.model_copy(update={"tiles": (folder / config.data.tiles).resolve()}),
            "run": config.run.model_copy(update={"out": (folder / config.run.out).resolve()}),
        }
    )
