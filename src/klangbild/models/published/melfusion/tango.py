"""Tango's own download, and what MeLFusion's released training saves, as a music folder in diffusers' layout.

    main_config.json  pytorch_model_main.bin    UNet under `unet.`, FLAN-T5 under `text_encoder.`
    vae_config.json   pytorch_model_vae.bin     the VAE by its first authors' names, and a HiFi-GAN under `vocoder.`

MeLFusion's training saves the same and a scalar `alpha` in every attention: these become synapses of the form `released`. Sizes that
the files do not tell are Tango's. Names are translated, numbers are as they were. Pickles are opened without running code.

Sources: Tango, arXiv 2304.13731, and its released code (which draws latents of 256 x 16 whatever its config says); the VAE's names
are those of latent diffusion, arXiv 2112.10752; HiFi-GAN, arXiv 2010.05646.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig, T5Config, T5EncoderModel

from klangbild.errors import InputError
from klangbild.models.published.folders import first_line
from klangbild.models.published.log_mel import HOP, RATE
from klangbild.models.published.melfusion.parts import SYNAPSE_WEIGHTS
from klangbild.models.published.melfusion.synapse_unet import without_alphas
from klangbild.models.published.weight_files import read_state_dict, write_state_dict
from klangbild.models.published.where import FROM, SYNAPSE_JSON, TANGO_CONFIG

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
# of Stable Diffusion 2.1, whose scheduler Tango names as its own
TANGO_SCHEDULE = {
    "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction", "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
}  # fmt: skip
_RATES = {(16, 16, 8, 4, 4): (5, 4, 2, 2, 2)}
"""HiFi-GAN's upsampling by the kernels that do it, where it is not half of them: AudioLDM's at 16 kHz."""
_DILATIONS = (1, 3, 5)
_WEIGHTS = ("safetensors", "bin")


@dataclass(frozen=True)
class Vae:
    """A VAE and its vocoder, translated: configurations and weights of diffusers' and transformers' classes."""

    config: dict[str, Any]
    weights: dict[str, Tensor]
    vocoder: SpeechT5HifiGanConfig
    vocoder_weights: dict[str, Tensor]


def has_vae(source: Path) -> bool:
    """Whether Tango's VAE lies beside it."""
    return (source / "vae_config.json").is_file() and _weights_file(source, "vae") is not None


def write_music(source: Path, out: Path) -> bool:
    """Tango's folder -> the folders unet, text_encoder, scheduler, and vae and vocoder where its VAE lies beside it.

    Returns:
        Whether there were alphas, which are now in the folder `synapses` beside `out`.

    Raises:
        InputError: a file is missing, damaged, refused, or of another model.
    """
    main = _weights_file(source, "main")
    if main is None:
        raise InputError(f"{source / 'pytorch_model_main.bin'}: there is no such file; it comes with {FROM['tango']}")
    config = _read_json(source / TANGO_CONFIG)
    state = read_state_dict(main)
    if any(name.startswith("group_in.") for name in state):
        raise InputError(f"{main}: this Tango was begun from Stable Diffusion (group_in); give {FROM['tango']}")
    found = _under(state, "unet.")
    if not any(name.startswith("up_blocks.") for name in found):
        raise InputError(f"{main}: holds no UNet under 'unet.'; give {FROM['tango']}")
    vae = read_vae(source) if has_vae(source) else None  # refused before gigabytes are written
    _write_unet(_unet_config(source, config), without_alphas(found), out / "unet", where=main)
    _write_t5(_under(state, "text_encoder."), out / "text_encoder", where=main)
    DDIMScheduler(**TANGO_SCHEDULE).save_pretrained(str(out / "scheduler"))
    if vae is not None:
        write_vae(vae, out)
    alphas = {name: value for name, value in found.items() if name.endswith(".attn2.alpha")}
    if alphas:
        _write_alphas(alphas, out.parent / "synapses")
    return bool(alphas)


def read_vae(source: Path) -> Vae:
    """Tango's `vae_config.json` and `pytorch_model_vae.bin`. Raises InputError: damaged, or of sizes that are not supported."""
    path = source / "vae_config.json"
    told, file = _read_json(path), _weights_file(source, "vae")
    if file is None:
        raise InputError(f"{source / 'pytorch_model_vae.bin'}: there is no such file; it comes with {FROM['tango']}")
    try:
        sizes = told["ddconfig"]
        widths = tuple(int(sizes["ch"]) * int(factor) for factor in sizes["ch_mult"])
        channels, latents = int(sizes["in_channels"]), int(sizes["z_channels"])
        config = {
            "in_channels": channels, "out_channels": int(sizes["out_ch"]), "latent_channels": latents,
            "block_out_channels": widths, "layers_per_block": int(sizes["num_res_blocks"]),
            "down_block_types": ("DownEncoderBlock2D",) * len(widths), "up_block_types": ("UpDecoderBlock2D",) * len(widths),
            "scaling_factor": float(told.get("scale_factor", 1.0)),
        }  # fmt: skip
        odd = sizes.get("attn_resolutions") or sizes.get("downsample_time") or int(told.get("subband", 1)) != 1
        if odd or int(told["embed_dim"]) != latents:
            raise InputError(f"{path}: is a VAE of another form than AudioLDM's; give {FROM['tango']}")
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: does not tell the sizes of a VAE ({error!r}); fetch it again") from None
    state = read_state_dict(file)
    vocoder = _under(state, "vocoder.")
    if not vocoder:
        raise InputError(f"{file}: holds no vocoder; give {FROM['tango']}")
    weights = dict(_vae_weights(state, len(widths)))
    rate = _read_json(source / "stft_config.json").get("sampling_rate", RATE)
    vocoder_config, vocoder_weights = read_hifigan(vocoder, rate=int(rate), where=file)
    made = _made(lambda: AutoencoderKL(**config), where=path)
    return Vae(config, _checked(made, weights, where=file), vocoder_config, vocoder_weights)


def write_vae(vae: Vae, out: Path) -> None:
    """The folders `vae` and `vocoder`."""
    with torch.device("meta"):
        AutoencoderKL(**vae.config).save_config(str(out / "vae"))
    write_state_dict(vae.weights, out / "vae" / "diffusion_pytorch_model.safetensors")
    vae.vocoder.architectures = ["SpeechT5HifiGan"]
    vae.vocoder.save_pretrained(str(out / "vocoder"))
    write_state_dict(vae.vocoder_weights, out / "vocoder" / "model.safetensors")


def read_hifigan(
    state: dict[str, Tensor], *, rate: int = RATE, where: Path | str
) -> tuple[SpeechT5HifiGanConfig, dict[str, Tensor]]:
    """HiFi-GAN by its authors' names, with or without weight norm -> transformers' class. rate: Hz. Raises InputError."""
    plain = {name: value for name, value in state.items() if not name.endswith((".weight_g", ".weight_v"))}
    for name, direction in state.items():
        if name.endswith(".weight_v"):
            length = direction.flatten(1).norm(dim=1).reshape(-1, *[1] * (direction.ndim - 1))
            base = name.removesuffix("_v")
            plain[base] = state[f"{base}_g"] * direction / length
    try:
        kernels = tuple(plain[f"ups.{i}.weight"].shape[2] for i in range(_count(plain, r"ups\.(\d+)\.weight")))
        rates = _RATES.get(kernels, tuple(kernel // 2 for kernel in kernels))
        n_blocks = _count(plain, r"resblocks\.(\d+)\.convs1\.0\.weight")
        per_level = n_blocks // len(kernels)
        n_convolutions = _count(plain, r"resblocks\.0\.convs1\.(\d+)\.weight")
        config = SpeechT5HifiGanConfig(
            model_in_dim=plain["conv_pre.weight"].shape[1],
            upsample_initial_channel=plain["conv_pre.weight"].shape[0],
            sampling_rate=rate,
            upsample_rates=list(rates),
            upsample_kernel_sizes=list(kernels),
            resblock_kernel_sizes=[plain[f"resblocks.{n}.convs1.0.weight"].shape[2] for n in range(per_level)],
            resblock_dilation_sizes=[list(_DILATIONS[:n_convolutions])] * per_level,
            normalize_before=False,
        )
    except (KeyError, IndexError, ZeroDivisionError) as error:
        raise InputError(f"{where}: holds no HiFi-GAN ({error!r}); fetch it again") from None
    if prod(rates) != HOP:
        raise InputError(f"{where}: its vocoder makes {prod(rates)} samples of a frame, not {HOP}; it is another one")
    width = config.model_in_dim
    weights = {re.sub(r"^ups\.", "upsampler.", name): value for name, value in plain.items()}
    weights |= {"mean": torch.zeros(width), "scale": torch.ones(width)}
    return config, _checked(_made(lambda: SpeechT5HifiGan(config), where=where), weights, where=where)


def _vae_weights(state: dict[str, Tensor], levels: int) -> Iterator[tuple[str, Tensor]]:
    """(diffusers' name, weight) of each weight of a VAE of latent diffusion; 1 x 1 convolutions of its attention as matrices."""
    for name, value in state.items():
        half, _, rest = name.partition(".")
        if half in ("encoder", "decoder"):
            for pattern, put in (
                (r"^down\.(\d+)\.block\.(\d+)\.", r"down_blocks.\1.resnets.\2."),
                (r"^down\.(\d+)\.downsample\.", r"down_blocks.\1.downsamplers.0."),
                (r"^up\.(\d+)\.block\.(\d+)\.", lambda m: f"up_blocks.{levels - 1 - int(m[1])}.resnets.{m[2]}."),
                (r"^up\.(\d+)\.upsample\.", lambda m: f"up_blocks.{levels - 1 - int(m[1])}.upsamplers.0."),
                (r"^mid\.block_(\d)\.", lambda m: f"mid_block.resnets.{int(m[1]) - 1}."),
                (r"^mid\.attn_1\.norm\.", "mid_block.attentions.0.group_norm."),
                (r"^mid\.attn_1\.([qkv])\.", r"mid_block.attentions.0.to_\1."),
                (r"^mid\.attn_1\.proj_out\.", "mid_block.attentions.0.to_out.0."),
                (r"^norm_out\.", "conv_norm_out."),
                (r"\.nin_shortcut\.", ".conv_shortcut."),
            ):
                rest = re.sub(pattern, put, rest)
            square = ".attentions." in rest and value.ndim == 4
            yield f"{half}.{rest}", value.flatten(1) if square else value
        elif half in ("quant_conv", "post_quant_conv"):
            yield name, value


def _write_unet(config: dict[str, Any], state: dict[str, Tensor], out: Path, *, where: Path) -> None:
    unet = _made(lambda: UNet2DConditionModel.from_config(config), where=where)
    write_state_dict(_checked(unet, state, where=where), out / "diffusion_pytorch_model.safetensors")
    unet.save_config(str(out))


def _write_t5(state: dict[str, Tensor], out: Path, *, where: Path) -> None:
    """A T5 encoder, its sizes read off its weights."""
    attention = "encoder.block.0.layer.0.SelfAttention"
    try:
        gated = "encoder.block.0.layer.1.DenseReluDense.wi_0.weight" in state
        inner = state[f"encoder.block.0.layer.1.DenseReluDense.{'wi_0' if gated else 'wi'}.weight"]
        buckets, heads = state[f"{attention}.relative_attention_bias.weight"].shape
        words, width = state["shared.weight"].shape
        config = T5Config(
            vocab_size=words, d_model=width, d_ff=inner.shape[0], d_kv=state[f"{attention}.q.weight"].shape[0] // heads,
            num_heads=heads, num_layers=_count(state, r"encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.q\.weight"),
            relative_attention_num_buckets=buckets, feed_forward_proj="gated-gelu" if gated else "relu",
        )  # fmt: skip
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{where}: holds no T5 under 'text_encoder.' ({error!r}); give {FROM['tango']}") from None
    kept = {name: value for name, value in state.items() if name != "encoder.embed_tokens.weight"}  # is `shared`
    encoder = _made(lambda: T5EncoderModel(config), where=where)
    checked = _checked(encoder, kept, where=where, but=("encoder.embed_tokens.weight",))
    write_state_dict(checked, out / "model.safetensors")
    encoder.config.architectures = ["T5EncoderModel"]
    encoder.config.save_pretrained(str(out))


def _write_alphas(alphas: dict[str, Tensor], out: Path) -> None:
    """Gates of the released training, of the decoder, as `save_synapses` writes them."""
    ending = ".transformer_blocks.0.attn2.alpha"
    own = {name.removesuffix(ending): value for name, value in alphas.items() if name.startswith("up_blocks.")}
    gates = {name: float((2 * torch.sigmoid(value.float()) - 1) / 5) for name, value in own.items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / SYNAPSE_JSON).write_text(json.dumps({"form": "released", "gates": gates}, indent=1), "utf-8")
    named = {f"synapses.{name.replace('.', '/')}.gate.alpha": value.float().reshape(()) for name, value in own.items()}
    write_state_dict(named, out / SYNAPSE_WEIGHTS)


def _unet_config(source: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The UNet's config that Tango names, where it lies beside it, else Tango's own; the latents' size is always Tango's."""
    named = config.get("unet_model_config_path")
    told = _read_json(source / named) if isinstance(named, str) and ".." not in Path(named).parts else {}
    return {**(told or TANGO_UNET), "sample_size": TANGO_UNET["sample_size"]}


def _made(build: Any, *, where: Path | str) -> Any:
    """A network without memory for its weights. Raises InputError: its sizes make none."""
    try:
        with torch.device("meta"):
            return build()
    except Exception as error:  # the libraries raise kinds of their own
        raise InputError(f"{where}: its sizes make no network ({first_line(error)}); fetch it again") from error


def _checked(
    network: nn.Module, state: dict[str, Tensor], *, where: Path | str, but: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Weights with the names and shapes of a network, float32. but: names that need not be there. Raises InputError."""
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items() if name not in but}
    missing, strange = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    kind = type(network).__name__
    if missing:
        raise InputError(f"{where}: lacks {len(missing)} weights of its {kind}, {missing[0]} first; fetch it again")
    if strange:
        raise InputError(f"{where}: has {len(strange)} weights that are no part of its {kind}, {strange[0]} first")
    for name, shape in wanted.items():
        if tuple(state[name].shape) != shape:
            raise InputError(
                f"{where}: {name} is {tuple(state[name].shape)}, and {shape} in its {kind}; it is of another model"
            )
    return {name: state[name].float() for name in wanted}


def _weights_file(source: Path, name: str) -> Path | None:
    paths = (source / f"pytorch_model_{name}.{ending}" for ending in _WEIGHTS)
    return next((path for path in paths if path.is_file()), None)


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file. Raises InputError: it is damaged."""
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({first_line(error)}); fetch it again") from None
    if not isinstance(read, dict):
        raise InputError(f"{path}: is no JSON object; fetch it again")
    return read


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


def _count(state: dict[str, Tensor], pattern: str) -> int:
    """How many numbers stand at the group of a pattern."""
    return len({match[1] for name in state if (match := re.fullmatch(pattern, name))})
