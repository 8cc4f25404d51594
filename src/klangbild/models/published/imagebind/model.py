"""ImageBind as one thing: `imagebind_huge.pth` in, vectors of pictures and of sounds out.

Only the towers asked for are built (vision 2.5 GB, audio 345 MB in float32), and the file is memory-mapped, so a picture
can be embedded without loading the depth, thermal and motion parts. The weights are CC BY-NC-SA 4.0.

    ears_and_eyes = ImageBind.from_file("imagebind_huge.pth", towers=("vision", "audio"))
    vector = ears_and_eyes.embed_pictures([picture.rgb])          # (1, 1024), unit length
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from klangbild.errors import InputError, UsageError
from klangbild.models.published.imagebind.audio import AudioConfig, AudioTower, prepare_audio
from klangbild.models.published.imagebind.text import TextConfig, TextTower
from klangbild.models.published.imagebind.vision import VisionConfig, VisionTower, prepare_image
from klangbild.models.published.weight_files import read_state_dict
from klangbild.picture.picture import Picture
from klangbild.sound.audio import Audio

Tower = Literal["vision", "audio", "text"]
TOWERS: tuple[Tower, ...] = ("vision", "audio", "text")

# The checkpoint sorts its weights by role, then by tower; a tower here owns its four roles.
_ROLES = {
    "modality_preprocessors": "preprocessor",
    "modality_trunks": "trunk",
    "modality_heads": "head",
    "modality_postprocessors": "postprocessor",
}


@dataclass(frozen=True)
class ImageBindConfig:
    """Sizes of the towers; the defaults are `imagebind_huge`'s."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    text: TextConfig = field(default_factory=TextConfig)

    @classmethod
    def beside(cls, checkpoint: Path) -> ImageBindConfig:
        """Sizes from `NAME.json` beside `NAME.pth`; those of `imagebind_huge` where there is none (as published).

        Raises:
            InputError: the file is there but is not such a configuration.
        """
        path = checkpoint.with_suffix(".json")
        if not path.is_file():
            return cls()
        try:
            sizes = json.loads(path.read_text(encoding="utf-8"))
            return cls(VisionConfig(**sizes["vision"]), AudioConfig(**sizes["audio"]), TextConfig(**sizes["text"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: gives no sizes of ImageBind's towers ({error!r}); delete it or mend it"
            ) from error

    def save(self, checkpoint: Path) -> None:
        """Write the file that `beside` finds."""
        checkpoint.with_suffix(".json").write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


class ImageBind(nn.Module):
    """Vision, audio and text towers of ImageBind, those in `towers` only."""

    def __init__(self, config: ImageBindConfig | None = None, *, towers: Sequence[Tower] = ("vision", "audio")) -> None:
        super().__init__()
        self.config = config = config or ImageBindConfig()
        unknown = [name for name in towers if name not in TOWERS]
        if unknown:
            raise UsageError(f"unknown ImageBind tower {unknown[0]!r}; choose from {', '.join(TOWERS)}")
        if "vision" in towers:
            self.vision = VisionTower(config.vision)
        if "audio" in towers:
            self.audio = AudioTower(config.audio)
        if "text" in towers:
            self.text = TextTower(config.text)
        self.towers: tuple[Tower, ...] = tuple(towers)

    @classmethod
    def from_file(
        cls,
        path: Path | str,
        config: ImageBindConfig | None = None,
        *,
        towers: Sequence[Tower] = ("vision", "audio"),
        dtype: torch.dtype = torch.float32,
    ) -> ImageBind:
        """Load a checkpoint with the published key names; without `config` its sizes are read from beside it.

        Raises:
            NotAvailableError: no such file.
            InputError: names or shapes are not those of ImageBind at this size.
        """
        with torch.device("meta"):  # no memory for random weights that are replaced at once
            model = cls(config or ImageBindConfig.beside(Path(path)), towers=towers)
        model.load_published(read_state_dict(path), source=Path(path).name, dtype=dtype)
        return model.eval().requires_grad_(False)

    def load_published(
        self, state: dict[str, Tensor], *, source: str = "state dict", dtype: torch.dtype = torch.float32
    ) -> None:
        """Take the weights of this model's towers out of a published state dict; the other towers' are left alone."""
        own = {}
        for key, value in state.items():
            name = own_name(key)
            if name is not None and name.split(".", 1)[0] in self.towers:
                own[name] = value.to(dtype) if value.is_floating_point() else value
        expected = {name: tuple(value.shape) for name, value in self.state_dict().items()}
        for name, shape in expected.items():
            if name not in own:
                raise InputError(f"{source}: not an ImageBind checkpoint, {published_name(name)} is missing")
            if tuple(own[name].shape) != shape:
                raise InputError(
                    f"{source}: {published_name(name)} has shape {tuple(own[name].shape)}, expected {shape}; "
                    "only imagebind_huge is supported unless sizes are given"
                )
        self.load_state_dict(own, strict=True, assign=True)

    def published_keys(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of this model's weights as the checkpoint has them."""
        return {published_name(name): tuple(value.shape) for name, value in self.state_dict().items()}

    @torch.inference_mode()
    def embed_pictures(self, pictures: Sequence[np.ndarray], *, batch_size: int = 8) -> Tensor:
        """uint8 RGB arrays (height, width, 3) -> unit vectors (n, out_dim), float32 on the CPU."""
        size = self.config.vision.image_px
        weight = self.vision.head[2].weight
        out = []
        for first in range(0, len(pictures), batch_size):
            batch = torch.stack([prepare_image(rgb, size_px=size) for rgb in pictures[first : first + batch_size]])
            out.append(self.vision(batch.to(weight)).float().cpu())
        return torch.cat(out)

    @torch.inference_mode()
    def embed_sounds(self, sounds: Sequence[tuple[np.ndarray, int]], *, batch_size: int = 8) -> Tensor:
        """(samples (channels, n), rate in Hz) pairs -> vectors (n, out_dim), float32 on the CPU, not unit length."""
        weight = self.audio.head[2].weight
        out = []
        for first in range(0, len(sounds), batch_size):
            batch = torch.stack([prepare_audio(samples, rate) for samples, rate in sounds[first : first + batch_size]])
            out.append(self.audio(batch.to(weight)).float().cpu())
        return torch.cat(out)


def own_name(key: str) -> str | None:
    """`modality_trunks.vision.blocks.0...` -> `vision.trunk.blocks.0...`; None for names that are not of this form."""
    role, _, rest = key.partition(".")
    tower, _, tail = rest.partition(".")
    return f"{tower}.{_ROLES[role]}.{tail}" if role in _ROLES and tail else None


def published_name(name: str) -> str:
    """The inverse of `own_name`."""
    tower, role, tail = name.split(".", 2)
    published = next(key for key, value in _ROLES.items() if value == role)
    return f"{published}.{tower}.{tail}"


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosine (rows,) in -1..1 of each row of `a` (rows, dimensions) with the same row of `b`; the paper's "ImageBind
    score" (IBSc)."""
    return functional.cosine_similarity(a, b, dim=-1)


class ImageBindEmbedder:
    """ImageBind as the space in which files are paired (`models/published/art2mus/data/vectors.py`)."""

    def __init__(self, model: ImageBind, *, name: str = "imagebind_huge") -> None:
        self.model = model
        self.name = name

    def picture(self, picture: Picture) -> np.ndarray:
        """float32 (out_dim,), unit length."""
        return self.model.embed_pictures([picture.rgb])[0].numpy()

    def music(self, audio: Audio) -> np.ndarray:
        """float32 (out_dim,)."""
        return self.model.embed_sounds([(audio.samples, audio.rate)])[0].numpy()
