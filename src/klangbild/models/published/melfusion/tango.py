"""Checkpoints of Tango and of MeLFusion's released training, split into what diffusers' classes load.

Tango keeps its UNet and its FLAN-T5 in one file (`pytorch_model_main.bin`), under `unet.` and `text_encoder.`; MeLFusion's
training saves the same plus a scalar `alpha` in every attention and, under other prefixes, the image network. The UNet's
own names are diffusers'. VAE and vocoder are AudioLDM's (`cvssp/audioldm-s-full-v2`), which diffusers loads as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from klangbild.errors import InputError
from klangbild.models.published.melfusion.synapse_unet import without_alphas
from klangbild.models.published.weight_files import read_state_dict

# Tango's UNet; `attention_head_dim` is the number of heads, a name that diffusers kept.
TANGO_UNET = {
    "sample_size": (256, 16),
    "in_channels": 8,
    "out_channels": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}


@dataclass(frozen=True)
class TangoCheckpoint:
    """The parts of one file. `alphas` are empty for Tango itself."""

    unet: dict[str, Tensor]
    text_encoder: dict[str, Tensor]
    alphas: dict[str, Tensor]


def read_tango(path: Path | str) -> TangoCheckpoint:
    """Split a checkpoint; never runs code of the file.

    Raises:
        NotAvailableError: no such file. InputError: damaged, or there is no UNet in it.
    """
    state = read_state_dict(path)
    unet = _under(state, "unet.")
    if not any(name.startswith("up_blocks.") for name in unet):
        raise InputError(f"{path}: holds no UNet under 'unet.'; give Tango's pytorch_model_main.bin")
    return TangoCheckpoint(
        unet=without_alphas(unet),
        text_encoder=_under(state, "text_encoder."),
        alphas={name: value for name, value in unet.items() if name.endswith(".attn2.alpha")},
    )


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
