"""A recorder of published Art2Mus: from tiny random networks to a folder that `klangbild measure parity` reads.

The networks are the libraries' own (diffusers, transformers, tokenizers). All that lies between them is written down here a
second time, from the papers, and nothing of klangbild is imported: what both agree on was not copied from one to the other.

    tokens = W2 tanh(W1 x + b1) + b2                                  the picture's, Art2Mus, section 3.2
    guided = negative + g (positive - negative)                       arXiv 2207.12598, equation 6
    x' = sqrt(a') x0 + sqrt(1 - a') e,  x0 = (x - sqrt(1 - a) e) / sqrt(a)        DDIM, arXiv 2010.02502, equation 12
    loss = mean(min(a / (1 - a), 5) / (a / (1 - a)) (guided - noise)^2)           arXiv 2303.09556, equation 4
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

SUPPORT, NEGATIVE, WORDS = "Music representing the content of this artwork", "Low quality.", "A calm piano"
N_LOA = 8  # states that GPT-2 writes
GUIDANCE, N_STEPS, GAMMA = 3.5, 3, 5.0
SHAPE = (4, 16, 4)  # latents: channels, frames, bands
TOLERANCE = {
    "projection_tiny_abs": 2e-6,
    "tokens_loa_text_abs": 2e-5,
    "unet_latents_abs": 2e-4,
    "mel_waveform_abs": 5e-5,
    "loss_abs": 1e-5,
    "grad_rel_to_largest": 1e-4,
    "min_snr_rel": 1e-4,
}
Guide = Callable[[Tensor, Tensor, float], Tensor]


def guided(negative: Tensor, positive: Tensor, guidance: float) -> Tensor:
    """From what is not wanted towards what is, and beyond it above 1; all (batch, channels, frames, bands)."""
    return negative + guidance * (positive - negative)


class Recorder:
    """The networks of `source`, AudioLDM 2's folder layout, and what they make of pictures and words.

    guide: how both sides of a prediction become one; a test gives a wrong one.
    """

    def __init__(self, source: Path, *, guide: Guide = guided) -> None:
        from diffusers import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL
        from tokenizers import Tokenizer
        from transformers import ClapModel, GPT2Model, SpeechT5HifiGan, T5EncoderModel

        classes = {
            "unet": ("unet", AudioLDM2UNet2DConditionModel),
            "vae": ("vae", AutoencoderKL),
            "clap": ("text_encoder", ClapModel),
            "t5": ("text_encoder_2", T5EncoderModel),
            "gpt2": ("language_model", GPT2Model),
            "projection_model": ("projection_model", AudioLDM2ProjectionModel),
            "vocoder": ("vocoder", SpeechT5HifiGan),
        }
        self.source, self.guide = source, guide
        self.networks = {
            name: kind.from_pretrained(source / folder).eval().requires_grad_(False)
            for name, (folder, kind) in classes.items()
        }
        self.configs = {name: _config(source / folder) for name, (folder, _) in classes.items()}
        self.configs["clap_text"] = self.configs.pop("clap")["text_config"]
        self.configs["scheduler"] = scheduler = _config(source / "scheduler", "scheduler_config.json")
        ends = [scheduler[name] ** 0.5 for name in ("beta_start", "beta_end")]
        self.n_trained = scheduler["num_train_timesteps"]
        betas = torch.linspace(*ends, self.n_trained, dtype=torch.float64).square()
        self.kept = torch.cumprod(1 - betas, dim=0)  # (steps,): the share of the signal's power at each noise level
        self.tokenizers = {
            name: Tokenizer.from_file(str(source / folder / "tokenizer.json"))
            for name, folder in (("clap", "tokenizer"), ("t5", "tokenizer_2"))
        }
        self.clap_length = json.loads((source / "tokenizer" / "tokenizer_config.json").read_text())["model_max_length"]
        self.projections = {
            n: torch.load(source / f"art2mus_{'' if n == 1 else f'{n}_'}img_proj_layer.pt", weights_only=True)
            for n in (1, 4)
        }

    # --- what the network listens to

    def ids(self, name: str, sentence: str, n: int, length: int | None = None) -> tuple[Tensor, Tensor]:
        """The same sentence `n` times, cut (its end token stays) or padded to `length`: ids and mask, (n, length)."""
        tokenizer = self.tokenizers[name]
        tokenizer.no_padding()
        tokenizer.no_truncation()
        ids = tokenizer.encode(sentence).ids
        length = length or len(ids)
        ids = ids if len(ids) <= length else [*ids[: length - 1], ids[-1]]
        missing = length - len(ids)
        mask = [1] * len(ids) + [0] * missing
        ids = ids + [tokenizer.token_to_id("<pad>")] * missing
        return torch.tensor([ids] * n), torch.tensor([mask] * n)

    def t5(self, sentence: str, n: int, length: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """T5's states (n, length, width), ids and mask."""
        ids, mask = self.ids("t5", sentence, n, length)
        return self.networks["t5"](input_ids=ids, attention_mask=mask).last_hidden_state, ids, mask

    def clap(self, sentence: str, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """CLAP's unit vectors (n, width), ids and mask."""
        clap = self.networks["clap"]
        ids, mask = self.ids("clap", sentence, n, self.clap_length)
        vectors = clap.text_projection(clap.text_model(input_ids=ids, attention_mask=mask).pooler_output)
        return vectors / vectors.square().sum(-1, keepdim=True).sqrt(), ids, mask

    def prompt(self, sentence: str, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """CLAP's vector and T5's states, each framed, as GPT-2 reads them: (n, 5 + length, width) and mask."""
        clap = self.clap(sentence, len(states))[0][:, None]
        framed = self.networks["projection_model"](
            hidden_states=clap, hidden_states_1=states, attention_mask=mask[:, :1] * 0 + 1, attention_mask_1=mask
        )
        return framed.hidden_states, framed.attention_mask

    def loa(self, sequence: Tensor, mask: Tensor) -> Tensor:
        """Eight states (n, 8, width), each written after all before it. Nothing is kept between them: read anew each time."""
        for _ in range(N_LOA):
            last = self.networks["gpt2"](inputs_embeds=sequence, attention_mask=mask).last_hidden_state[:, -1:]
            sequence, mask = torch.cat([sequence, last], 1), torch.cat([mask, mask[:, :1] * 0 + 1], 1)
        return sequence[:, -N_LOA:]

    def tokens(self, weights: dict[str, Tensor], vectors: Tensor) -> Tensor:
        """Unit vectors (n, image) -> (n, image tokens, width)."""
        hidden = torch.tanh(vectors @ weights["projection1.weight"].T + weights["projection1.bias"])
        out = hidden @ weights["projection2.weight"].T + weights["projection2.bias"]
        return out.reshape(len(vectors), -1, self.configs["gpt2"]["n_embd"])

    def of_picture(self, weights: dict[str, Tensor], vectors: Tensor) -> dict[str, Tensor]:
        """Every array between pictures' vectors and the diffusion network, named as `parity.py` reads them."""
        n = len(vectors)
        made = {"image_embeds": vectors, "projected_tokens": self.tokens(weights, vectors)}
        made["loa_cond"] = self.loa(made["projected_tokens"], torch.ones(n, made["projected_tokens"].shape[1]))
        for name, values in (
            ("t5_support", self.t5(SUPPORT, n)),
            ("t5_neg_for_gpt2", self.t5(NEGATIVE, n, 1)),  # cut to one token, as released
            ("clap_neg", self.clap(NEGATIVE, n)),
        ):
            made |= dict(zip((f"{name}_out", f"{name}_ids", f"{name}_mask"), values, strict=True))
        length = made["t5_support_ids"].shape[1]
        name = "t5_neg_for_unet"
        made |= dict(zip((f"{name}_out", f"{name}_ids", f"{name}_mask"), self.t5(NEGATIVE, n, length), strict=True))
        prompt, mask = self.prompt(NEGATIVE, made["t5_neg_for_gpt2_out"], made["t5_neg_for_gpt2_mask"])
        made |= {"projmodel_neg_out": prompt, "projmodel_neg_mask": mask, "loa_uncond": self.loa(prompt, mask)}
        made["unet_text_stream"] = torch.cat([made["t5_neg_for_unet_out"], made["t5_support_out"]])
        made["unet_text_mask"] = torch.cat([made["t5_neg_for_unet_mask"], made["t5_support_mask"]])
        return made

    def of_words(self, n_tokens: int, vector: Tensor | None, copies: int) -> dict[str, Tensor]:
        """Words alone or with a picture's vector (1, image): what both sides hear, negatives first, each `copies` times."""
        states, _, mask = self.t5(WORDS, 1)
        prompt, prompt_mask = self.prompt(WORDS, states, mask)
        if vector is not None:
            tokens = self.tokens(self.projections[n_tokens], vector)
            prompt = torch.cat([prompt, tokens], 1)
            prompt_mask = torch.cat([prompt_mask, torch.ones(1, n_tokens, dtype=prompt_mask.dtype)], 1)
            states, mask = torch.cat([states, vector[:, None]], 1), torch.cat([mask, mask[:, :1]], 1)
        other, _, other_mask = self.t5(NEGATIVE, 1, states.shape[1])
        loa = torch.cat([self.loa(*self.prompt(NEGATIVE, other, other_mask)), self.loa(prompt, prompt_mask)])
        made = {"text_stream": torch.cat([other, states]), "text_mask": torch.cat([other_mask, mask]), "loa": loa}
        return {name: value.repeat_interleave(copies, 0) for name, value in made.items()}

    # --- from noise to sound

    def noise_in(self, heard: dict[str, Tensor], latents: Tensor, timestep: Tensor) -> Tensor:
        """What the network takes for noise, (2 n, channels, frames, bands), negatives first."""
        return self.networks["unet"](
            torch.cat([latents, latents]),
            timestep,
            encoder_hidden_states=torch.cat([heard["loa_uncond"], heard["loa_cond"]]),
            encoder_hidden_states_1=heard["unet_text_stream"],
            encoder_attention_mask_1=heard["unet_text_mask"],
        ).sample

    def denoised(self, heard: dict[str, Tensor], latents: Tensor) -> dict[str, Tensor]:
        """Three steps of DDIM from `latents`, (n, channels, frames, bands); every array of them."""
        stride = self.n_trained // N_STEPS
        timesteps = [stride * k + 1 for k in reversed(range(N_STEPS))]  # leading, from one step on
        made = {"initial_noise": latents, "timesteps": torch.tensor(timesteps)}
        for k, timestep in enumerate(timesteps):
            both = self.noise_in(heard, latents, torch.tensor(timestep))
            made |= {f"step{k}_unet_in": torch.cat([latents, latents]), f"step{k}_unet_out": both}
            here, there = float(self.kept[timestep]), float(self.kept[max(timestep - stride, 0)])
            noise = self.guide(*both.chunk(2), GUIDANCE)
            clean = (latents - (1 - here) ** 0.5 * noise) / here**0.5
            made[f"step{k}_latents"] = latents = there**0.5 * clean + (1 - there) ** 0.5 * noise
        return made | {"final_latents": latents}

    def sound(self, latents: Tensor) -> dict[str, Tensor]:
        """Log-mel (n, 1, frames, bands) and waveform (n, samples) of scaled latents."""
        mel = self.networks["vae"].decode(latents / self.configs["vae"]["scaling_factor"]).sample
        return {"mel": mel, "waveform": self.networks["vocoder"](mel[:, 0])}

    def training_step(self, n_tokens: int, vectors: Tensor, noise: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """Both losses of one training step with guidance inside, and their gradients for the projection."""
        timesteps = torch.linspace(700, 40, len(vectors)).long()
        kept = self.kept[timesteps]
        snr = kept / (1 - kept)
        share = kept.float().reshape(-1, 1, 1, 1)
        noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
        weights = {name: value.clone().requires_grad_() for name, value in self.projections[n_tokens].items()}
        prediction = self.guide(
            *self.noise_in(self.of_picture(weights, vectors), noisy, timesteps.repeat(2)).chunk(2), GUIDANCE
        )
        by_item = (prediction - noise).square().mean(dim=(1, 2, 3))
        made = {
            "timesteps": timesteps,
            "noise": noise,
            "clean_latents": clean,
            "noisy_latents": noisy,
            "pred": prediction,
            "minsnr_weights": (snr.clamp(max=GAMMA) / snr).float(),
            "loss_mse": by_item.mean(),
        }
        made["loss_minsnr"] = (by_item * made["minsnr_weights"]).mean()
        weighted, plain = (
            torch.autograd.grad(made[name], list(weights.values()), retain_graph=True)
            for name in ("loss_minsnr", "loss_mse")
        )
        made |= {f"grad_minsnr.{name}": gradient for name, gradient in zip(weights, weighted, strict=True)}
        made |= {f"grad_mse.{name}.norm": gradient.norm() for name, gradient in zip(weights, plain, strict=True)}
        return {f"train_{name}": value.detach() for name, value in made.items()}


def record(source: Path, folder: Path, *, guide: Guide = guided) -> Path:
    """Everything into `folder`, (made where it is missing): one picture and two, one image token and four, words alone and with one."""
    import numpy as np

    recorder = Recorder(source, guide=guide)
    dice = torch.Generator().manual_seed(11)
    folder.mkdir(parents=True, exist_ok=True)

    def unit_vectors(n: int) -> Tensor:
        vectors = torch.randn(n, recorder.projections[1]["projection1.weight"].shape[1], generator=dice)
        return vectors / vectors.norm(dim=1, keepdim=True)

    pipeline, projected, words = {}, {}, {}
    for n_tokens, n_pictures in ((1, 2), (4, 1)):
        weights, vectors = recorder.projections[n_tokens], unit_vectors(n_pictures)
        noise, clean, start = (torch.randn(n_pictures, *SHAPE, generator=dice) for _ in range(3))
        with torch.inference_mode():
            heard = recorder.of_picture(weights, vectors)
            steps = recorder.denoised(heard, start)
            made = heard | steps | recorder.sound(steps["final_latents"])
            seen = unit_vectors(3)
            projected |= {f"tiny_n{n_tokens}_in": seen, f"tiny_n{n_tokens}_out": recorder.tokens(weights, seen)}
            for kind, vector, copies in (("textonly", None, 2), ("both", unit_vectors(1), 1)):
                for name, value in recorder.of_words(n_tokens, vector, copies).items():
                    words[f"n{n_tokens}__{kind}__{name}"] = value
        made |= recorder.training_step(n_tokens, vectors, noise, clean)
        pipeline |= {f"n{n_tokens}_b{n_pictures}__{name}": value for name, value in made.items()}
        torch.save(weights, folder / f"img_proj_tiny_n{n_tokens}.pt")
    for name, arrays in (("pipeline_io", pipeline), ("img_proj_io", projected), ("encode_prompt_io", words)):
        np.savez(folder / f"{name}.npz", **{key: value.numpy() for key, value in arrays.items()})
    for name, network in recorder.networks.items():
        state = network.state_dict()
        if name == "clap":  # its text half
            state = {key: value for key, value in state.items() if key.startswith("text_")}
        save_file({key: value.clone() for key, value in state.items()}, folder / f"weights_{name}.safetensors")
    for name, part in (("clap", "tokenizer"), ("t5", "tokenizer_2")):
        shutil.copyfile(source / part / "tokenizer.json", folder / f"tokenizer_{name}_tiny.json")
    sentences = {"support_sentence": SUPPORT, "negative_prompt": NEGATIVE, "text_prompt": WORDS}
    meta = {"configs": recorder.configs, "guidance_scale": GUIDANCE} | sentences
    spec = {"kind": "art2mus", "tolerance": TOLERANCE}
    for name, content in (("pipeline_meta", meta), ("img_proj_meta", {}), ("parity", spec)):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def _config(folder: Path, name: str = "config.json") -> dict:
    """A component's sizes, without what the libraries note about themselves."""
    config = json.loads((folder / name).read_text(encoding="utf-8"))
    notes = ("architectures", "dtype", "torch_dtype", "model_type", "transformers_version")
    return {key: value for key, value in config.items() if not key.startswith("_") and key not in notes}
