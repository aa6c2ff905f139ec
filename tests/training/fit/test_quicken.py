"""A CPU may compute in bf16: faster, and the same but for rounding."""

import copy
import pickle
from typing import Any

import pytest

from apronwatch.engines.torch import import_ultralytics
from tests.extras import need

need("ultralytics", "train")
torch, _ = import_ultralytics()

from ultralytics.cfg import get_cfg  # noqa: E402
from ultralytics.nn.tasks import OBBModel  # noqa: E402

from apronwatch.taxonomy import CLASSES  # noqa: E402
from apronwatch_training.fit.loss import MASK, partial_criterion  # noqa: E402
from apronwatch_training.fit.trainer import quicken  # noqa: E402

needs_bf16 = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this processor has no bf16 arithmetic"
)


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    made = OBBModel("yolo26n-obb.yaml", nc=len(CLASSES), verbose=False).train()
    made.args = get_cfg()
    return made


def batch() -> dict[str, Any]:
    torch.manual_seed(1)
    return {
        "img": torch.rand(2, 3, 96, 96),
        "batch_idx": torch.tensor([0.0, 0.0, 1.0]),
        "cls": torch.tensor([[0.0], [2.0], [4.0]]),
        "bboxes": torch.tensor(
            [[0.3, 0.4, 0.3, 0.2, 0.5], [0.7, 0.6, 0.2, 0.2, 0.1], [0.5, 0.5, 0.4, 0.1, 1.0]]
        ),
        MASK: torch.zeros(2, 96, 96, dtype=torch.uint8),
    }


def loss_of(model: Any) -> tuple[Any, Any]:
    model.criterion = partial_criterion(model)
    loss, _ = model(batch())
    loss.sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
    return loss.detach(), gradient


@pytest.mark.parametrize("bf16", [False, pytest.param(True, marks=needs_bf16)])
def test_the_loss_and_its_gradient_stay_what_they_were_but_for_rounding(model: Any, bf16: bool) -> None:
    quick = copy.deepcopy(model)
    quicken(quick, bf16=bf16)
    (loss, gradient), (found, direction) = loss_of(model), loss_of(quick)
    assert found.dtype == torch.float32
    assert torch.allclose(found, loss, rtol=0.1 if bf16 else 1e-4)
    alike = torch.nn.functional.cosine_similarity(gradient, direction, dim=0)
    assert alike > (0.75 if bf16 else 0.9999)  # a random network makes much of the last bits


@needs_bf16
def test_bf16_is_really_used(model: Any) -> None:
    inside = []
    model.model[0].register_forward_hook(lambda module, given, made: inside.append(made.dtype))
    quicken(model, bf16=True)
    model(batch()["img"])
    assert inside == [torch.bfloat16]


def test_the_average_is_still_pickled_without_us(model: Any) -> None:
    average = copy.deepcopy(model)
    quicken(model, bf16=False)
    average.load_state_dict(model.state_dict())
    assert b"apronwatch" not in pickle.dumps(average)
