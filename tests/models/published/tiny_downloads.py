"""Downloads of Tango, tiny, in their published file formats: the names of their first authors, written down here anew."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from klangbild.models.published.log_mel import RATE

SCALE = 0.9227914214134216
KERNELS, RATES = (8, 8, 20), (4, 4, 10)


class HifiGan(nn.Module):
    """HiFi-GAN as its authors wrote it, with weight norm: mel (batch, bands, frames) -> waveform (batch, samples)."""

    def __init__(self, *, bands: int, width: int) -> None:
        super().__init__()
        norm = torch.nn.utils.parametrizations.weight_norm
        self.conv_pre = norm(nn.Conv1d(bands, width, 7, padding=3))
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for level, (rate, kernel) in enumerate(zip(RATES, KERNELS, strict=True)):
            wide, narrow = width // 2**level, width // 2 ** (level + 1)
            self.ups.append(norm(nn.ConvTranspose1d(wide, narrow, kernel, rate, padding=(kernel - rate) // 2)))
            block = nn.Module()
            block.convs1 = nn.ModuleList(norm(nn.Conv1d(narrow, narrow, 3, dilation=d, padding=d)) for d in (1, 3))
            block.convs2 = nn.ModuleList(norm(nn.Conv1d(narrow, narrow, 3, padding=1)) for _ in (1, 3))
            self.resblocks.append(block)
        self.conv_post = norm(nn.Conv1d(narrow, 1, 7, padding=3))

    def forward(self, mel):
        x = self.conv_pre(mel)
        for up, block in zip(self.ups, self.resblocks, strict=True):
            x = up(nn.functional.leaky_relu(x, 0.1))
            for first, second in zip(block.convs1, block.convs2, strict=True):
                inner = first(nn.functional.leaky_relu(x, 0.1))
                x = x + second(nn.functional.leaky_relu(inner, 0.1))
        return torch.tanh(self.conv_post(nn.functional.leaky_relu(x)))[:, 0]

    def published(self, *, normed: bool) -> dict[str, torch.Tensor]:
        """Its weights by their published names: `weight_g`, `weight_v`, or plain where weight norm was taken off."""
        state = {}
        for name, value in self.state_dict().items():
            name = name.replace("parametrizations.weight.original0", "weight_g")
            state[name.replace("parametrizations.weight.original1", "weight_v")] = value.clone()
        if normed:
            return state
        for name in [name for name in state if name.endswith("weight_v")]:
            module = self.get_submodule(name.removesuffix(".weight_v"))
            state[name.removesuffix("_v")] = module.weight.detach().clone()
        return {name: value for name, value in state.items() if not name.endswith(("_g", "_v"))}


def ldm_vae(width: int = 32, latents: int = 8) -> dict[str, torch.Tensor]:
    """Weights of a VAE of latent diffusion with two levels of one block each (two in the decoder), by its authors' names."""
    state: dict[str, torch.Tensor] = {}

    def draw(name: str, *shape: int) -> None:
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(shape) * 0.1, torch.randn(shape[0]) * 0.1

    def block(name: str, wide: int, out: int) -> None:
        draw(f"{name}.norm1", wide), draw(f"{name}.conv1", out, wide, 3, 3)
        draw(f"{name}.norm2", out), draw(f"{name}.conv2", out, out, 3, 3)
        if wide != out:
            draw(f"{name}.nin_shortcut", out, wide, 1, 1)

    wide = 2 * width
    for half in ("encoder", "decoder"):
        block(f"{half}.mid.block_1", wide, wide), block(f"{half}.mid.block_2", wide, wide)
        draw(f"{half}.mid.attn_1.norm", wide)
        for part in ("q", "k", "v", "proj_out"):
            draw(f"{half}.mid.attn_1.{part}", wide, wide, 1, 1)
    draw("encoder.conv_in", width, 1, 3, 3)
    block("encoder.down.0.block.0", width, width), draw("encoder.down.0.downsample.conv", width, width, 3, 3)
    block("encoder.down.1.block.0", width, wide)
    draw("encoder.norm_out", wide), draw("encoder.conv_out", 2 * latents, wide, 3, 3)
    draw("decoder.conv_in", wide, latents, 3, 3)
    block("decoder.up.1.block.0", wide, wide), block("decoder.up.1.block.1", wide, wide)
    draw("decoder.up.1.upsample.conv", wide, wide, 3, 3)
    block("decoder.up.0.block.0", wide, width), block("decoder.up.0.block.1", width, width)
    draw("decoder.norm_out", width), draw("decoder.conv_out", 1, width, 3, 3)
    draw("quant_conv", 2 * latents, 2 * latents, 1, 1), draw("post_quant_conv", latents, latents, 1, 1)
    return state


def write_tango(folder: Path, music: Path, *, vae: bool = True, alphas: float | None = None) -> Path:
    """A repository of Tango with the UNet and T5 of a music folder, and a VAE and vocoder of its own. alphas: MeLFusion's gates."""
    from safetensors.torch import load_file

    folder.mkdir(parents=True)
    torch.manual_seed(5)
    unet = load_file(next((music / "unet").glob("*.safetensors")))
    state = {f"unet.{name}": value for name, value in unet.items()}
    if alphas is not None:
        layers = [name for name in unet if name.endswith("attn2.to_q.weight")]
        state |= {f"unet.{name.replace('to_q.weight', 'alpha')}": torch.tensor(alphas) for name in layers}
        state["image_unet.conv_in.weight"] = torch.zeros(2)  # its image network, under another prefix
    text = load_file(next((music / "text_encoder").glob("*.safetensors")))
    state |= {f"text_encoder.{name}": value for name, value in text.items()}
    state["text_encoder.encoder.embed_tokens.weight"] = text["shared.weight"]
    torch.save(state, folder / "pytorch_model_main.bin")
    sizes = json.loads((music / "unet" / "config.json").read_text())
    (folder / "configs").mkdir()
    (folder / "configs" / "tiny.json").write_text(json.dumps({**sizes, "sample_size": [32, 2]}))
    told = {"text_encoder_name": "google/flan-t5-large", "scheduler_name": "stabilityai/stable-diffusion-2-1",
            "unet_model_name": None, "unet_model_config_path": "configs/tiny.json", "snr_gamma": 5.0}  # fmt: skip
    (folder / "main_config.json").write_text(json.dumps(told))
    if vae:
        vocoder = HifiGan(bands=8, width=16).published(normed=False)
        torch.save(
            ldm_vae() | {f"vocoder.{name}": value for name, value in vocoder.items()}, folder / "pytorch_model_vae.bin"
        )
        dd = {"double_z": True, "z_channels": 8, "resolution": 256, "downsample_time": False, "in_channels": 1, "out_ch": 1,
              "ch": 32, "ch_mult": [1, 2], "num_res_blocks": 1, "attn_resolutions": [], "dropout": 0.0}  # fmt: skip
        told = {
            "image_key": "fbank",
            "subband": 1,
            "embed_dim": 8,
            "time_shuffle": 1,
            "ddconfig": dd,
            "scale_factor": SCALE,
        }
        (folder / "vae_config.json").write_text(json.dumps(told))
        (folder / "stft_config.json").write_text(json.dumps({"hop_length": 160, "sampling_rate": RATE}))
        torch.save({"mel_basis": torch.zeros(2)}, folder / "pytorch_model_stft.bin")
    return folder


def as_hub_cache(plain: Path, repository: Path) -> Path:
    """The same files as the hub's library keeps them: links to blobs; the repository's folder."""
    blobs, snapshot = repository / "blobs", repository / "snapshots" / "0123abc"
    blobs.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    for number, file in enumerate(sorted(path for path in plain.rglob("*") if path.is_file())):
        link = snapshot / file.relative_to(plain)
        link.parent.mkdir(parents=True, exist_ok=True)
        file.rename(blobs / f"{number:064x}")
        link.symlink_to(blobs / f"{number:064x}")
    return repository
