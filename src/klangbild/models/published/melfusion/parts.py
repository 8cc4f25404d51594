"""The parts of MeLFusion, loaded: a Tango music model, a Stable Diffusion image model, and synapses.

There are no published MeLFusion weights. What loads is the two base models (frozen image model, music model) and the
synapses and music network that `klangbild train melfusion` writes. Until synapses are trained, every gate is 0 and the
picture is not heard.

    music folder    unet vae vocoder scheduler text_encoder tokenizer      (diffusers' layout; see `tango.py`)
    image folder    unet vae scheduler [text_encoder tokenizer]            (stabilityai/stable-diffusion-2-1)
    synapse folder  synapse.json synapses.safetensors [unet]               (written by `save_synapses` or training)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel, PreTrainedTokenizerBase, SpeechT5HifiGan, T5EncoderModel

from klangbild.errors import InputError
from klangbild.models.published.codec import LatentAudio
from klangbild.models.published.folders import first_line, load_component, load_tokenizer
from klangbild.models.published.melfusion.image_branch import ImageBranch
from klangbild.models.published.melfusion.synapse import FORMS, Form
from klangbild.models.published.melfusion.synapse_unet import SynapseUNet, widths_of
from klangbild.models.published.weight_files import read_state_dict, write_state_dict
from klangbild.models.published.where import SYNAPSE_JSON, refuse_audioldm

SYNAPSE_WEIGHTS = "synapses.safetensors"
MAX_TOKENS = 512  # FLAN-T5's


@dataclass(frozen=True)
class MelfusionParts:
    """Everything a pipeline or a training run needs. Without `image`, only words are heard."""

    music: SynapseUNet
    sound: LatentAudio
    scheduler: DDIMScheduler
    t5: nn.Module
    tokenizer: PreTrainedTokenizerBase
    image: ImageBranch | None = None

    def text_states(self, sentences: list[str]) -> tuple[Tensor, Tensor]:
        """T5's hidden states (batch, tokens, width) and mask (batch, tokens, bool), padded to the longest sentence."""
        encoded = self.tokenizer(
            sentences,
            padding=True,
            truncation=True,
            max_length=min(self.tokenizer.model_max_length, MAX_TOKENS),  # some tokenizers tell no length
            return_tensors="pt",
        ).to(next(self.t5.parameters()).device)
        states = self.t5(input_ids=encoded.input_ids, attention_mask=encoded.attention_mask).last_hidden_state
        return states, encoded.attention_mask.bool()


def load_melfusion(
    music: Path,
    *,
    image: Path | None = None,
    synapses: Path | None = None,
    form: Form = "gated",
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    image_later: bool = False,
) -> MelfusionParts:
    """All parts, frozen, on the CPU. The vocoder stays float32.

    Args:
        music, image, synapses: folders, see above.
        form: of fresh synapses, when no folder of trained ones is given (theirs wins).
        seed: of the maps of fresh synapses (their gates are 0).
        dtype: of the large networks.
        image_later: the image network is not loaded yet (`load_image_branch`), only its widths are looked up.

    Raises:
        NotAvailableError, InputError: a part is missing, damaged or of another kind.
    """
    refuse_audioldm(music / "unet")
    branch = None if image is None or image_later else load_image_branch(image, dtype=dtype)
    widths = None if branch is None else widths_of(branch.unet)
    if image is not None and image_later:
        widths = _widths_told(image)
    trained_unet = synapses is not None and (synapses / "unet").is_dir()
    unet = load_component(UNet2DConditionModel, synapses if trained_unet else music, "unet", dtype=dtype)
    state = None
    if synapses is not None:
        form, state = read_synapses(synapses)
    with torch.random.fork_rng(devices=[]):  # nn.Linear draws from the global generator; leave that as it was
        torch.manual_seed(seed)
        joined = SynapseUNet(unet, form=form, image_widths=widths)
    if state is not None:
        joined.load_synapses(state)
    joined.synapses.to(dtype)
    joined.eval().requires_grad_(False)
    t5 = load_component(T5EncoderModel, music, "text_encoder", dtype=dtype)
    return MelfusionParts(
        music=joined,
        sound=LatentAudio(
            load_component(AutoencoderKL, music, "vae", dtype=dtype),
            load_component(SpeechT5HifiGan, music, "vocoder", dtype=torch.float32),
        ),
        scheduler=load_component(DDIMScheduler, music, "scheduler", clip_sample=False),
        t5=t5,
        tokenizer=load_tokenizer(music, "tokenizer", ids=t5.config.vocab_size),
        image=branch,
    )


def load_image_branch(image: Path, *, dtype: torch.dtype = torch.float32) -> ImageBranch:
    """The image network with what it reads, frozen, on the CPU. Raises as `load_melfusion`."""
    has_text = (image / "text_encoder").is_dir() and (image / "tokenizer").is_dir()
    reader = load_component(CLIPTextModel, image, "text_encoder", dtype=dtype) if has_text else None
    return ImageBranch(
        unet=load_component(UNet2DConditionModel, image, "unet", dtype=dtype),
        vae=load_component(AutoencoderKL, image, "vae", dtype=dtype),
        scheduler=load_component(DDIMScheduler, image, "scheduler", clip_sample=False),
        text_encoder=reader,
        tokenizer=None if reader is None else load_tokenizer(image, "tokenizer", ids=reader.config.vocab_size),
    )


def _widths_told(image: Path) -> dict[str, int]:
    """The widths of an image network's decoder layers, from its config alone. Raises InputError: it cannot be read."""
    try:
        with torch.device("meta"):
            return widths_of(UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(str(image / "unet"))))
    except Exception as error:  # the library raises kinds of its own
        raise InputError(
            f"{image / 'unet' / 'config.json'}: cannot be read ({first_line(error)}); fetch it again"
        ) from error


def save_synapses(music: SynapseUNet, folder: Path, *, with_unet: bool = False) -> None:
    """Write the synapses, and the music network too where it was trained along."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SYNAPSE_JSON).write_text(json.dumps({"form": music.form, "gates": music.gates()}, indent=1), "utf-8")
    write_state_dict(music.synapse_state(), folder / SYNAPSE_WEIGHTS)
    if with_unet:
        write_state_dict(music.unet.state_dict(), folder / "unet" / "diffusion_pytorch_model.safetensors")
        music.unet.save_config(folder / "unet")


def read_synapses(folder: Path) -> tuple[Form, dict[str, Tensor]]:
    """Form and weights of a synapse folder.

    Raises:
        InputError: `synapse.json` is missing or names no known form.
    """
    path = folder / SYNAPSE_JSON
    try:
        form = json.loads(path.read_text(encoding="utf-8"))["form"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read; give a folder that 'klangbild train melfusion' wrote") from error
    if form not in FORMS:
        raise InputError(f"{path}: unknown synapse form {form!r}; known are {', '.join(FORMS)}")
    return form, read_state_dict(folder / SYNAPSE_WEIGHTS)
