"""The tiny Art2Mus of a recorded folder: configurations and weights into the same classes that the published one uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from diffusers import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL, DDIMScheduler
from torch import Tensor, nn
from transformers import (
    ClapTextConfig,
    ClapTextModelWithProjection,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
)

from klangbild.models.published.art2mus.conditioning import NEGATIVE_WORDS, SUPPORT_SENTENCE, Art2MusEncoder
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.codec import LatentAudio
from klangbild.models.published.weight_files import read_state_dict

# The sentence of `encode_prompt_io.npz` is stated in the recorded README only; a meta file that names one is believed.
WORDS = "A calm piano"


@dataclass
class RecordedParts:
    """The components of one recorded folder."""

    folder: Path
    unet: AudioLDM2UNet2DConditionModel
    sound: LatentAudio
    language: dict[str, nn.Module]
    tokenizers: dict[str, PreTrainedTokenizerFast]
    scheduler_config: dict
    support: str
    negative: str
    words: str
    guidance: float
    projections: dict[int, ImageProjection] = field(default_factory=dict)

    def solver(self) -> DDIMScheduler:
        return DDIMScheduler(**self.scheduler_config)

    def encoder(self, n_tokens: int) -> Art2MusEncoder:
        """With the folder's projection of `n_tokens`."""
        if n_tokens not in self.projections:
            width = self.language["language_model"].config.n_embd
            path = self.folder / f"img_proj_tiny_n{n_tokens}.pt"
            self.projections[n_tokens] = ImageProjection.from_file(path, token_dim=width)
        return Art2MusEncoder(**self.language, **self.tokenizers, projection=self.projections[n_tokens])


def load_parts(folder: Path) -> RecordedParts:
    """Build every component at the recorded size and give it the recorded weights."""
    meta = json.loads((folder / "pipeline_meta.json").read_text(encoding="utf-8"))
    configs = meta["configs"]
    clap = dict(configs["clap_text"])
    parts = {
        "unet": AudioLDM2UNet2DConditionModel(**_tuples(configs["unet"])),
        "vae": AutoencoderKL(**_tuples(configs["vae"])),
        "clap": ClapTextModelWithProjection(ClapTextConfig(**clap)),
        "t5": T5EncoderModel(T5Config(**configs["t5"])),
        "gpt2": GPT2Model(GPT2Config(**{"bos_token_id": None, "eos_token_id": None} | configs["gpt2"])),
        "projection_model": AudioLDM2ProjectionModel(**configs["projection_model"]),
        "vocoder": SpeechT5HifiGan(SpeechT5HifiGanConfig(**configs["vocoder"])),
    }
    for name, module in parts.items():
        _load(module, read_state_dict(folder / f"weights_{name}.safetensors"), name)
    with np.load(folder / "pipeline_io.npz") as recorded:
        clap_length = next(recorded[name].shape[1] for name in recorded.files if name.endswith("__clap_neg_ids"))
        guidance = float(meta.get("guidance_scale") or recorded_guidance(recorded, configs["scheduler"]))
    return RecordedParts(
        folder=folder,
        unet=parts["unet"],
        sound=LatentAudio(parts["vae"], parts["vocoder"]),
        language={
            "clap": parts["clap"],
            "t5": parts["t5"],
            "language_model": parts["gpt2"],
            "projection_model": parts["projection_model"],
        },
        tokenizers={
            "clap_tokenizer": PreTrainedTokenizerFast(
                tokenizer_file=str(folder / "tokenizer_clap_tiny.json"),
                bos_token="<s>",
                eos_token="</s>",
                unk_token="<unk>",
                pad_token="<pad>",
                model_max_length=clap_length,
            ),
            "t5_tokenizer": PreTrainedTokenizerFast(
                tokenizer_file=str(folder / "tokenizer_t5_tiny.json"),
                eos_token="</s>",
                unk_token="<unk>",
                pad_token="<pad>",
                model_max_length=512,
            ),
        },
        scheduler_config=configs["scheduler"],
        support=meta.get("support_sentence", SUPPORT_SENTENCE),
        negative=meta.get("negative_prompt", NEGATIVE_WORDS),
        words=meta.get("text_prompt", WORDS),
        guidance=guidance,
    )


def recorded_guidance(recorded: Mapping[str, np.ndarray], scheduler: dict) -> float:
    """The guidance with which the first recorded step was taken: it is not stored beside the arrays.

    A solver's step is affine in the prediction u + g (c - u), so g is where the recorded latents lie between the step with
    u alone (g = 0) and with c alone (g = 1). Three decimals: a knob, not a fit.
    """
    case = next(name.removesuffix("__step0_latents") for name in recorded if name.endswith("__step0_latents"))
    own = {
        key: torch.from_numpy(recorded[f"{case}__{key}"]) for key in ("step0_unet_in", "step0_unet_out", "timesteps")
    }
    solver = DDIMScheduler(**scheduler)
    solver.set_timesteps(len(own["timesteps"]))
    latents = own["step0_unet_in"].double().chunk(2)[0]
    without, alone = (
        solver.step(side.double(), own["timesteps"][0], latents, return_dict=False)[0]
        for side in own["step0_unet_out"].chunk(2)
    )
    reached = torch.from_numpy(recorded[f"{case}__step0_latents"]).double() - without
    towards = alone - without
    return round(float((reached * towards).sum() / towards.square().sum()), 3)


def formula_tensor(shape: list[int], offset: int, scale: float) -> Tensor:
    """A full-size weight of `shape`, (rows, columns) or (rows,), by the recorded formula: v = (31 i^2 + 7919 i + 104729 j + 613 i j + a) mod 65521, centred, scaled."""
    i = np.arange(shape[0], dtype=np.int64)[:, None]
    j = np.arange(shape[1] if len(shape) > 1 else 1, dtype=np.int64)[None, :]
    v = (31 * i * i + 7919 * i + 104729 * j + 613 * i * j + offset) % 65521
    return torch.from_numpy(((v / 65521.0 - 0.5) * 2 * scale).astype(np.float32).reshape(shape))


def _load(module: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Strict, but for CLAP's logit scales (its text half has none) and weights that an architecture ties or derives."""
    state = {key: value for key, value in state.items() if not (name == "clap" and key.startswith("logit_scale"))}
    missing, unexpected = module.load_state_dict(state, strict=False)
    derived = {"encoder.embed_tokens.weight", "shared.weight"}  # T5 stores its table under one name and uses both
    wrong = [key for key in missing if key not in derived and not key.endswith(("position_ids", "token_type_ids"))]
    wrong += [
        key for key in unexpected if not key.endswith(("position_ids", "token_type_ids", ".attn.bias", "masked_bias"))
    ]
    if wrong:
        raise ValueError(f"weights_{name}: {wrong[:3]} do not fit the recorded configuration")
    module.eval()


def _tuples(config: dict) -> dict:
    """diffusers compares block lists with tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
