"""The emotion heads: two linear readers, one for photographs and one for paintings, with a soft gate between them.

Detail means calm in photographs of one set and excitement in paintings, so one head for both is wrong for each. A head
file is an .npz of plain arrays; its inputs are the interpretable features, with or without an encoder's embedding; the gate
has inputs of its own (`kind.KindGate`).

    z        = clip((x - mean) / scale, -3, 3) * weight
    value[k] = center[k] + (coef[k] @ z) / max(1, beyond / 1.3)^2   for each kind k (photo, painting) and each axis
               (or a small network of z for each axis, drawn to the center in the same way: `MlpEmotionHeads`)
    spread   = half_width[k] * min(beyond, 1.6)             80 % of held-out ratings of kind k lie inside
    beyond   = max(1, how far the picture is from the training pictures: see `distance_of`)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from klangbild.emotion.kind import KindGate
from klangbild.errors import NotAvailableError
from klangbild.picture.features import FEATURE_NAMES
from klangbild.whole_files import atomic_npz

KINDS = ("photo", "painting")
_CLIP = 3.0
_FAR_CLIP = 6.0
_WIDEST = 1.6
# nearer than this the rated pictures themselves were read worse when drawn in (grouped folds)
_DRAWN_FROM = 1.3


@dataclass(frozen=True)
class HeadReading:
    """What the heads say of n pictures.

    value, spread: (n, 2) valence and arousal on the raters' scale, and the half-widths of their 80 % intervals.
    painting: (n,) how much of a painting each is taken for, 0..1. distance: (n,) see `distance_of`.
    """

    value: np.ndarray
    spread: np.ndarray
    painting: np.ndarray
    distance: np.ndarray


def distance_of(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray, far: np.ndarray) -> np.ndarray:
    """How unlike the training pictures: inputs (n, d) -> (n,); 1 = as far as 95 % of them are, in the farther block.

    The blocks are the features and the embedding, each a mean squared z (clipped at 6) over `far` (2,), which it stays
    under for 95 % of the training pictures.
    """
    squares = np.clip((inputs - mean) / scale, -_FAR_CLIP, _FAR_CLIP) ** 2
    blocks = [squares[:, : len(FEATURE_NAMES)], squares[:, len(FEATURE_NAMES) :]]
    return np.max(
        [block.mean(axis=1) / limit for block, limit in zip(blocks, far, strict=True) if block.shape[1]], axis=0
    )


def drawn_in(both: np.ndarray, center: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Values (n, 2 kinds, 2 axes), drawn to the center (2, 2) where a picture is far from the training pictures (n,)."""
    pull = np.maximum(distance / _DRAWN_FROM, 1.0)[:, None, None] ** 2
    return center[None] + (both - center[None]) / pull


def undecided(painting: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The gate's shares (n,), drawn to a half in the same way: what is like neither kind is read as both."""
    return 0.5 + (painting - 0.5) / np.maximum(distance / _DRAWN_FROM, 1.0) ** 2


def far_of(inputs: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """`far` (2,) for `distance_of`, from the training pictures' inputs (n, d)."""
    squares = np.clip((inputs - mean) / scale, -_FAR_CLIP, _FAR_CLIP) ** 2
    blocks = [squares[:, : len(FEATURE_NAMES)], squares[:, len(FEATURE_NAMES) :]]
    return np.array([np.percentile(block.mean(axis=1), 95) if block.shape[1] else 1.0 for block in blocks])


@dataclass(frozen=True)
class EmotionHeads:
    """Arrays of a head file; d inputs, 2 kinds (photo, painting), 2 axes (valence, arousal).

    names (d,): input names. mean, scale, weight (d,).
    coef (2, 2, d), center (2, 2), half_width (2, 2). gate_mean, gate_scale, gate_coef (t,), gate_bias (): see `kind`.
    far (2,): see `distance_of`. knots (2, 19): see `music_plane`.
    reason_names (r,), reason_coef (2, 2, r), reason_mean, reason_scale (2, r), reason_share (2, 2): see `reasons`.
    """

    names: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray
    coef: np.ndarray
    center: np.ndarray
    half_width: np.ndarray
    gate_mean: np.ndarray
    gate_scale: np.ndarray
    gate_coef: np.ndarray
    gate_bias: np.ndarray
    far: np.ndarray
    knots: np.ndarray
    reason_names: np.ndarray
    reason_coef: np.ndarray
    reason_mean: np.ndarray
    reason_scale: np.ndarray
    reason_share: np.ndarray

    @property
    def gate(self) -> KindGate:
        return KindGate(self.gate_mean, self.gate_scale, self.gate_coef, self.gate_bias)

    def standardized(self, inputs: np.ndarray) -> np.ndarray:
        """inputs (n, d) -> z (n, d)."""
        return np.clip((inputs - self.mean) / self.scale, -_CLIP, _CLIP) * self.weight

    def both(self, z: np.ndarray) -> np.ndarray:
        """Standardized inputs (n, d) -> what each kind's head says of them (n, 2 kinds, 2 axes)."""
        return self.center[None] + np.einsum("kad,nd->nka", self.coef, z)

    def read(self, inputs: np.ndarray, surface: np.ndarray, *, kind: str = "auto") -> HeadReading:
        """inputs (n, d), surface (n, t) for the gate -> readings; `kind` "photo" or "painting" closes it to one head."""
        z = self.standardized(inputs)
        distance = distance_of(inputs, self.mean, self.scale, self.far)
        if kind == "auto":
            painting = undecided(self.gate.painting(surface), distance)
        else:
            painting = np.full(len(z), float(kind == "painting"))
        # pictures unlike any that was rated are drawn to the middle and get wider intervals
        beyond = np.maximum(distance, 1.0)[:, None]
        both = drawn_in(self.both(z), self.center, distance)
        share = np.stack([1 - painting, painting], axis=1)[:, :, None]
        value = (share * both).sum(axis=1)
        # the variance of a mixture of two: within and between; what is unlike both kinds gets the wider of their intervals
        between = (share * (both - value[:, None]) ** 2).sum(axis=1)
        within = (share * self.half_width[None] ** 2).sum(axis=1) / beyond**2
        widest = self.half_width.max(axis=0)[None] ** 2 * (1 - 1 / beyond**2)
        spread = np.sqrt(within + widest + 1.28**2 * between) * np.minimum(beyond, _WIDEST)
        return HeadReading(np.clip(value, -1, 1), spread, painting, distance)


@dataclass(frozen=True)
class MlpEmotionHeads(EmotionHeads):
    """Heads of ARIA's recipe: weight1 (2, h, d), bias1 (2, h), ... weight3 (2, 1, q), bias3 (2, 1) for valence and arousal.

    One pair serves both kinds; `coef` is not used. layer_scale (d,) multiplies z before the first layer.
    """

    layer_scale: np.ndarray
    weight1: np.ndarray
    bias1: np.ndarray
    weight2: np.ndarray
    bias2: np.ndarray
    weight3: np.ndarray
    bias3: np.ndarray

    def both(self, z: np.ndarray) -> np.ndarray:
        """z (n, d) -> (n, 2 kinds, 2 axes), the same for both kinds."""
        layers = ((self.weight1, self.bias1), (self.weight2, self.bias2), (self.weight3, self.bias3))
        return np.repeat(mlp_values(layers, z * self.layer_scale)[:, None], 2, axis=1)


def mlp_values(layers: tuple[tuple[np.ndarray, np.ndarray], ...], x: np.ndarray) -> np.ndarray:
    """x (n, d) through ReLU layers and a tanh, once for each axis: layers of (weight (2, out, in), bias (2, out)) -> (n, 2)."""
    hidden = np.repeat(x[None], 2, axis=0)
    for weight, bias in layers[:-1]:
        hidden = np.maximum(np.einsum("ani,aoi->ano", hidden, weight) + bias[:, None], 0)
    weight, bias = layers[-1]
    return np.tanh(np.einsum("ani,aoi->ano", hidden, weight) + bias[:, None])[..., 0].T


def save_heads(heads: EmotionHeads, path: str | Path) -> None:
    """Write a head file (.npz), the same bytes for the same heads."""
    arrays = {field.name: getattr(heads, field.name) for field in fields(heads)}
    small = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in arrays.items()}
    atomic_npz(path, **small)


def load_heads(path: str | Path) -> EmotionHeads:
    """Read a head file; it is never unpickled.

    Raises:
        NotAvailableError: the file is missing or is not a head file.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as arrays:
            kind = MlpEmotionHeads if "weight1" in arrays else EmotionHeads
            return kind(**{field.name: arrays[field.name] for field in fields(kind)})
    except FileNotFoundError:
        raise NotAvailableError(f"{path}: there is no such emotion model; see `klangbild models list`") from None
    except (KeyError, ValueError, OSError) as error:
        raise NotAvailableError(f"{path}: is not an emotion model of this version ({error}); train it again") from None
