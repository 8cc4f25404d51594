"""ARIA's image encoder: CLIP ViT-L/14-336, frozen, with a head each for valence and arousal. `--emotion-model aria`.

The picture's projected CLIP vector (768 numbers, *not* brought to length 1) passes two separate heads, each Linear 768-384,
ReLU, Dropout, Linear 384-192, ReLU, Dropout, Linear 192-1, tanh. Only CLIP's vision tower is kept on conversion; its text
tower takes no part. Runs through transformers.

Written from a specification of the published checkpoint. Reference: Radford et al. (2021), "Learning transferable visual
models from natural language supervision" (CLIP).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from klangbild import hub
from klangbild.emotion.music_plane import MusicPlane
from klangbild.emotion.prediction import Prediction
from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, KlangbildError, NotAvailableError
from klangbild.hub_quiet import quiet_libraries
from klangbild.models.aria import card as hub_aria
from klangbild.picture.picture import Picture

_HEADS = ("valence_head", "arousal_head")
_VISION, _PROJECTION = "clip_model.vision_model.", "clip_model.visual_projection.weight"
_TEXT = ("clip_model.text_model.", "clip_model.text_projection.", "clip_model.logit_scale")  # takes no part
_TOLD = {"num_attention_heads": int, "hidden_act": str, "layer_norm_eps": float}
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_CLIP_HEAD_WIDTH = 64  # in every published CLIP


class AriaImageEncoder(nn.Module):
    """pixels (B, 3, S, S) float32, as `pixels_of` makes them -> [valence, arousal] (B, 2) in (-1, 1).

    `clip`: the vision tower's sizes, keywords of transformers' CLIPVisionConfig.
    """

    def __init__(self, clip: dict[str, Any]) -> None:
        super().__init__()
        try:
            from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
        except ModuleNotFoundError:
            raise NotAvailableError(
                'ARIA\'s image encoder needs transformers, which is not installed; run: pip install "klangbild[diffusion]"'
            ) from None
        quiet_libraries()
        self.clip = clip
        self.clip_model = CLIPVisionModelWithProjection(CLIPVisionConfig(**clip))
        self.valence_head = head(clip["projection_dim"])
        self.arousal_head = head(clip["projection_dim"])

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels (batch, 3, side, side), normalised as CLIP wants -> valence and arousal (batch, 2) in -1..1."""
        vector = self.clip_model(pixel_values=pixels).image_embeds  # (B, projection_dim), not normalized
        return torch.cat([self.valence_head(vector), self.arousal_head(vector)], dim=-1)


def head(width: int) -> nn.Sequential:
    """width -> width/2 -> width/4 -> 1, with tanh. Linear layers at 0, 3, 6."""
    half, quarter = width // 2, width // 4
    return nn.Sequential(
        nn.Linear(width, half), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(half, quarter), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(quarter, 1), nn.Tanh(),
    )  # fmt: skip


def pixels_of(rgb: np.ndarray, size: int) -> np.ndarray:
    """RGB (H, W, 3) uint8 -> (3, size, size) float32 as CLIP wants it: shorter side scaled (bicubic), center cut, normalized."""
    height, width = rgb.shape[:2]
    if height <= width:
        wanted = (max(int(size * width / height), size), size)
    else:
        wanted = (size, max(int(size * height / width), size))
    image = Image.fromarray(rgb).resize(wanted, Image.Resampling.BICUBIC)
    left, top = (wanted[0] - size) // 2, (wanted[1] - size) // 2
    cut = np.asarray(image.crop((left, top, left + size, top + size)), dtype=np.float32) / 255.0
    normal = (cut - np.array(_CLIP_MEAN, np.float32)) / np.array(_CLIP_STD, np.float32)
    return np.ascontiguousarray(normal.transpose(2, 0, 1))


def convert_image_encoder(source: Path, folder: Path) -> dict[str, Any]:
    """`image_encoder.pt` -> `folder` (made here) with config.json and model.safetensors; returns the config.

    Sizes that the weights do not show (how many heads) are CLIP's usual ones, unless a `config.json` of a CLIP model lies
    beside the source.

    Raises:
        InputError: damaged, refused, or other keys than ARIA's.
    """
    from safetensors.torch import save_file

    from klangbild.hub_weights_torch import read_tensors

    state = read_tensors(source)
    if _PROJECTION not in state or not all(f"{h}.0.weight" in state for h in _HEADS):
        raise InputError(f"{source}: lacks clip_model, valence_head or arousal_head; give ARIA's image_encoder.pt")
    clip = clip_sizes(state, where=source) | _told_sizes(source.with_name("config.json"))
    wanted = _shapes(clip, where=source)
    state = {name: tensor for name, tensor in state.items() if not name.startswith(_TEXT)}
    refuse_other_weights(state, wanted, where=source)
    kept = {name: state[name].float().contiguous() for name in wanted if name in state}
    infinite = [name for name, tensor in kept.items() if not torch.isfinite(tensor).all()]
    if infinite:
        raise InputError(f"{source}: {infinite[0]} holds NaN or infinity; the file is damaged, fetch it again")
    folder.mkdir(parents=True)
    save_file(kept, folder / "model.safetensors")
    config = {"clip": clip}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return config


def _shapes(clip: dict[str, Any], *, where: Path | str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of an encoder's weights at these sizes. Raises InputError: there is no encoder of such sizes."""
    try:
        with torch.device("meta"):  # sizes come from a stranger: nothing is allocated for them
            return {name: tuple(t.shape) for name, t in AriaImageEncoder(clip).state_dict().items()}
    except KlangbildError:
        raise
    except Exception as error:  # noqa: BLE001 - transformers has kinds of its own for sizes that do not fit together
        raise InputError(f"{where}: there is no CLIP of these sizes ({' '.join(str(error).split())[:200]})") from None


def refuse_other_weights(state: dict[str, Tensor], wanted: dict[str, tuple[int, ...]], *, where: Path | str) -> None:
    """Raises InputError: weights are missing, too many, or of another shape. CLIP's table of positions may lack."""
    missing = [name for name in wanted if name not in state and not name.endswith("position_ids")]
    strange = [name for name in state if name not in wanted and not name.endswith("position_ids")]
    if missing or strange:
        what = f"lacks {missing[0]}" if missing else f"has {strange[0]}, which is not part of it"
        raise InputError(
            f"{where}: {what} ({len(missing)} missing, {len(strange)} too many); give ARIA's image_encoder.pt"
        )
    for name, shape in wanted.items():
        if name in state and tuple(state[name].shape) != shape:
            raise InputError(f"{where}: {name} is {tuple(state[name].shape)}, not {shape}; is it of another CLIP?")
        if name in state and not (state[name].is_floating_point() or name.endswith("position_ids")):
            raise InputError(f"{where}: {name} is {state[name].dtype}, not a network's numbers; fetch it again")


def clip_sizes(state: dict[str, Tensor], *, where: Path | str) -> dict[str, Any]:
    """The sizes of CLIP's vision tower as its weights show them; heads are 64 wide in every published CLIP.

    Raises:
        InputError: the weights are not those of a vision transformer of CLIP.
    """
    try:
        width, _, patch, _ = state[_VISION + "embeddings.patch_embedding.weight"].shape
        positions = state[_VISION + "embeddings.position_embedding.weight"].shape[0]
        hidden = state[_VISION + "encoder.layers.0.mlp.fc1.weight"].shape[0]
        projection = state[_PROJECTION].shape[0]
        if not all((width, patch, positions, hidden, projection // 4)):
            raise ValueError(patch)
    except (KeyError, ValueError, IndexError):
        raise InputError(
            f"{where}: its clip_model is not a CLIP vision transformer; give ARIA's image_encoder.pt"
        ) from None
    prefix = _VISION + "encoder.layers."
    layers = len({name.removeprefix(prefix).split(".")[0] for name in state if name.startswith(prefix)})
    return {
        "hidden_size": width,
        "intermediate_size": hidden,
        "projection_dim": projection,
        "num_hidden_layers": layers,
        "num_attention_heads": max(width // _CLIP_HEAD_WIDTH, 1),
        "image_size": math.isqrt(positions - 1) * patch,
        "patch_size": patch,
        "hidden_act": "quick_gelu",
    }


def _told_sizes(path: Path) -> dict[str, Any]:
    """What transformers' config of a CLIP model says of heads and activation; nothing if there is no such file."""
    if not path.is_file():
        return {}
    try:
        vision = json.loads(path.read_text(encoding="utf-8")).get("vision_config", {})
        told = {key: kind(vision[key]) for key, kind in _TOLD.items() if key in vision}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: is not the config of a CLIP model ({error}); take it away or replace it") from None
    return told


def load_image_encoder(folder: Path, *, device: str = "cpu") -> AriaImageEncoder:
    """The encoder that `convert_image_encoder` wrote. Raises NotAvailableError: it is not there."""
    from safetensors.torch import load_file

    if not (folder / "model.safetensors").is_file():
        raise NotAvailableError(
            f"{folder}: there is no image encoder; add the model again from a folder that has image_encoder.pt beside it"
        )
    try:
        clip = dict(json.loads((folder / "config.json").read_text(encoding="utf-8"))["clip"])
        state = load_file(folder / "model.safetensors")
    except Exception as error:  # noqa: BLE001 - safetensors' errors have no common kind
        raise InputError(f"{folder}: is damaged ({type(error).__name__}); add the model again") from None
    refuse_other_weights(state, _shapes(clip, where=folder), where=folder / "model.safetensors")
    encoder = AriaImageEncoder(clip)
    encoder.load_state_dict(state, strict=False)  # all that `refuse_other_weights` let through: a table of positions
    return encoder.eval().to(device)


@torch.inference_mode()
def read_pictures(encoder: AriaImageEncoder, pictures: list[np.ndarray]) -> np.ndarray:
    """RGB arrays -> (n, 2) float32 [valence, arousal]."""
    if not pictures:
        return np.zeros((0, 2), np.float32)
    pixels = np.stack([pixels_of(rgb, encoder.clip["image_size"]) for rgb in pictures])
    device = next(encoder.parameters()).device
    return encoder(torch.from_numpy(pixels).to(device)).float().cpu().numpy()


@dataclass(frozen=True)
class AriaPredictor:
    """ARIA's encoder behind the door of `emotion.prediction`. What it reads is asked of the music as it is, as ARIA does."""

    name: str
    encoder: AriaImageEncoder
    plane: MusicPlane = field(default_factory=lambda: MusicPlane(np.tile(np.linspace(-0.9, 0.9, 19), (2, 1))))

    def predict(self, pictures: Sequence[Picture], *, kind: str = "auto") -> list[Prediction]:
        """Predictions in order. ARIA tells neither a spread nor a kind nor a distance: 0, 0.5 unless told, and 0."""
        painting = {"painting": 1.0, "photo": 0.0}.get(kind, 0.5)
        values = read_pictures(self.encoder, [picture.rgb for picture in pictures])
        why = ("read by ARIA's image encoder, which gives no reasons",)
        return [Prediction(Emotion(round(float(v), 4), round(float(a), 4)), painting, why, 0.0) for v, a in values]


def open_aria(model: str = "aria", *, device: str = "cpu") -> AriaPredictor:
    """The image encoder of an added model, by name or folder. Raises NotAvailableError: it is not there."""
    folder = hub.from_pretrained(model, kind=hub_aria.KIND)
    return AriaPredictor(folder.name, load_image_encoder(folder.path / hub_aria.IMAGE_ENCODER, device=device))
