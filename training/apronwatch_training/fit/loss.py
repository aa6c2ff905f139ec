"""The loss for labels that are known in part: some classes unlabelled, some places to ignore, some boxes horizontal.

- Where a class is unknown (see `regions`), an anchor that no object claims gives no classification loss for it.
- A horizontal label says where an object is and what it is, nothing of its heading, and of its size only a bound. It
  draws on the class and on the centre alone: its box loss moves the centre with size and angle held, its angle loss
  is nothing, and anchors are matched to it as if they had its size and angle. A horizontal label turned by an
  augmentation stays the same rectangle, turned; nothing grows, and nothing is learned from its angle.

The rest is Ultralytics' loss for oriented boxes (8.4.190, `v8OBBLoss`, `E2ELoss`), in both heads of YOLO26.
"""

from typing import Any

import torch
from torch import Tensor
from ultralytics.utils.loss import E2ELoss, v8OBBLoss
from ultralytics.utils.metrics import probiou
from ultralytics.utils.tal import RotatedTaskAlignedAssigner, dist2rbox, make_anchors

MASK = "semantic_mask"
"""Key of a batch under which Ultralytics' augmentations carry a mask: here unknown classes, uint8 (B, H, W)."""

_LEAST_SIDE_PX = 2.0
"""Boxes with a shorter side are not trained on, as in Ultralytics' loss."""


class PartialAssigner(RotatedTaskAlignedAssigner):
    """Matches anchors to horizontal labels by their centres alone."""

    def pair_overlaps(
        self,
        indices: tuple[Tensor, ...],
        gt_bboxes: Tensor,
        pd_bboxes: Tensor,
        oriented: Tensor | None = None,
    ) -> Tensor:
        """Overlap (N,) of candidates; `oriented` (B, n, 1) says which labels are turned with their object."""
        if oriented is None:
            raise ValueError("which labels are oriented must be told")
        labels = gt_bboxes[indices[:2]]
        found = pd_bboxes[indices[0], indices[2]]
        as_labelled = torch.cat([found[:, :2], labels[:, 2:].to(found.dtype)], dim=1)
        compared = torch.where(oriented[indices[:2]], found, as_labelled)
        overlaps: Tensor = self.iou_calculation(labels, compared)
        return overlaps


class PartialOBBLoss(v8OBBLoss):
    """Loss of one head. A batch's `cls` holds the class, plus the number of classes for a horizontal label."""

    stride: Tensor
    hyp: Any
    bbox_loss: Any
    proj: Tensor

    def __init__(self, model: torch.nn.Module, tal_topk: int = 10, tal_topk2: int | None = None) -> None:
        super().__init__(model, tal_topk, tal_topk2)
        self.assigner = PartialAssigner(
            topk=tal_topk,
            num_classes=self.nc,
            alpha=0.5,
            beta=6.0,
            stride=self.stride.tolist(),
            topk2=tal_topk2,
        )

    def loss(self, preds: dict[str, Any], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Box, class, distance and angle loss (4,), and their names."""
        distances, scores, angles = (
            preds[key].permute(0, 2, 1).contiguous() for key in ("boxes", "scores", "angle")
        )
        anchors, strides = make_anchors(preds["feats"], self.stride, 0.5)
        size = (
            torch.tensor(preds["feats"][0].shape[2:], device=self.device, dtype=scores.dtype) * self.stride[0]
        )
        labels, boxes, oriented = self._labels(batch, len(scores), size)
        found = self.bbox_decode(anchors, distances, angles)
        _, matched, wanted, claimed, which = self.assigner(
            scores.detach().sigmoid(),
            torch.cat([found[..., :4] * strides, found[..., 4:]], dim=-1).detach().type(boxes.dtype),
            anchors * strides,
            labels,
            boxes,
            boxes.sum(2, keepdim=True).gt(0.0),
            oriented=oriented,
        )
        loss = torch.zeros(4, device=self.device)
        loss[1] = self._class_loss(scores, wanted, claimed, batch.get(MASK), anchors * strides, size)
        if claimed.any():
            matched = torch.cat([matched[..., :4] / strides, matched[..., 4:]], dim=-1)
            turned = claimed & oriented.squeeze(-1).gather(1, which.long())
            loss[0], loss[2], loss[3] = self._box_losses(
                distances, found, anchors, matched, wanted, turned, size, strides
            )
            loss[0] += self._centre_loss(distances, angles, anchors, matched, wanted, claimed & ~turned)
        # Every head's outputs stay in the graph, whatever the batch holds.
        loss[0] += (angles * 0).sum() + (distances * 0).sum()
        loss = loss * torch.tensor(
            [self.hyp.box, self.hyp.cls, self.hyp.dfl, self.hyp.angle], device=self.device
        )
        return loss * len(scores), dict(zip(self.loss_names, loss.detach(), strict=True))

    def _labels(self, batch: dict[str, Tensor], images: int, size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classes (B, n, 1), boxes (B, n, 5) in pixels, and whether each is oriented (B, n, 1)."""
        rows = torch.cat(
            [batch["batch_idx"].view(-1, 1), batch["cls"].view(-1, 1), batch["bboxes"].view(-1, 5)], 1
        )
        sides = rows[:, 4:6].to(self.device) * size[[1, 0]]
        rows = rows.to(self.device)[(sides >= _LEAST_SIDE_PX).all(dim=1)]
        packed = self.preprocess(rows, images, scale_tensor=size[[1, 0, 1, 0]])
        coded, boxes = packed.split((1, 5), 2)
        return coded % self.nc, boxes, coded < self.nc

    def _class_loss(
        self,
        scores: Tensor,
        wanted: Tensor,
        claimed: Tensor,
        mask: Tensor | None,
        points: Tensor,
        size: Tensor,
    ) -> Tensor:
        each = self.bce(scores, wanted.to(scores.dtype))
        if self.class_weights is not None:
            each = each * self.class_weights
        if mask is not None:
            each = each * (claimed[..., None] | ~unknown_at(mask, points, size, self.nc))
        total: Tensor = each.sum() / wanted.sum().clamp(min=1)
        return total

    def _box_losses(
        self,
        distances: Tensor,
        found: Tensor,
        anchors: Tensor,
        matched: Tensor,
        wanted: Tensor,
        turned: Tensor,
        size: Tensor,
        strides: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Overlap, distance and angle loss over anchors of oriented labels, per such label."""
        weight = wanted[turned].sum(-1)
        total = weight.sum().clamp(min=1)
        overlap, distance = self.bbox_loss(
            distances, found, anchors, matched, wanted, total, turned, size, strides
        )
        angle = self.calculate_angle_loss(found, matched, turned, weight, total)
        return overlap, distance, angle

    def _centre_loss(
        self,
        distances: Tensor,
        angles: Tensor,
        anchors: Tensor,
        matched: Tensor,
        wanted: Tensor,
        flat: Tensor,
    ) -> Tensor:
        """How far the centres are from those of horizontal labels, per such label, in units of the label's size.

        A centre is half the difference of opposite distances, so its gradient leaves their sums, the sides, alone.
        """
        if not flat.any():
            return distances.new_zeros(())
        if self.use_dfl:
            b, a, c = distances.shape
            distances = distances.view(b, a, 4, c // 4).softmax(3).matmul(self.proj.type(distances.dtype))
        centres = dist2rbox(distances, angles.detach(), anchors)[..., :2][flat]
        labels = matched[flat]
        overlap = probiou(torch.cat([centres, labels[:, 2:]], dim=1), labels, floor=self.bbox_loss.floor)
        weight = wanted[flat].sum(-1, keepdim=True)
        loss: Tensor = ((1.0 - overlap) * weight).sum() / weight.sum().clamp(min=1)
        return loss


def unknown_at(mask: Tensor, points: Tensor, size: Tensor, classes: int) -> Tensor:
    """Whether each class is unknown (B, A, classes) at points (A, 2), x and y in pixels of a picture (h, w)."""
    height, width = mask.shape[1:]
    column = (points[:, 0] / size[1] * width).long().clamp(0, width - 1)
    row = (points[:, 1] / size[0] * height).long().clamp(0, height - 1)
    codes = mask[:, row, column].int()
    return (codes[..., None] >> torch.arange(classes, device=mask.device) & 1).bool()


def partial_criterion(model: Any) -> Any:
    """The criterion for an `OBBModel`: over both heads where it has two."""
    two_heads = getattr(model.model[-1], "one2one_cv2", None) is not None
    return E2ELoss(model, PartialOBBLoss) if two_heads else PartialOBBLoss(model)
