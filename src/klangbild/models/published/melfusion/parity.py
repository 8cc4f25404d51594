"""Recorded MeLFusion data against this folder and the metrics: mixed attention, two UNets, scores.

A recorded folder has weights of tiny modules, their inputs and outputs, and logits or vectors for the metrics with the
values of the released code. Nothing about its sizes is assumed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import Tensor, nn

from klangbild.metrics import imsm, inception, kid, kl
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.parity import Comparison, largest_difference
from klangbild.models.published.melfusion.synapse import ImageFeatures, Synapse, attend, mix, pool
from klangbild.models.published.melfusion.synapse_unet import (
    Features,
    SynapseUNet,
    features_of_first_layers,
    listening,
    without_alphas,
)
from klangbild.models.published.training.min_snr import batch_mean_loss, min_snr_loss, min_snr_weights, signal_to_noise
from klangbild.models.published.weight_files import read_state_dict

# Tolerances that the recorded README states and `parity.json` does not.
PAPER_ABS = 1e-12
INCEPTION_ABS = 1e-9
PUBLISHED_NOT_DEFINED = -1
"""What the published code answers where names do not match; ours is NaN."""
# Stable Diffusion 2.1's noise schedule, stated in the recorded README.
SCHEDULE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


def compare(folder: Path, spec: dict) -> Iterator[Comparison]:
    """Every recorded array of the folder, tolerances from `parity.json`."""
    allowed = spec["tolerance"]
    yield from _released_attention(folder, allowed)
    yield from _paper_attention(folder)
    yield from _networks(folder, allowed)
    yield from _imsm(folder, allowed["imsm_abs"])
    yield from _class_metrics(folder, allowed["metrics_rel"])
    yield from _distances(folder, allowed["metrics_rel"])


def _released_attention(folder: Path, allowed: dict[str, float]) -> Iterator[Comparison]:
    meta = json.loads((folder / "attention_meta.json").read_text(encoding="utf-8"))
    n_heads = meta["config"]["heads"]
    weights = read_state_dict(folder / "attention_weights.safetensors")
    layers = {}
    for name in ("to_q", "to_k", "to_v", "to_out.0"):
        weight = weights[f"{name}.weight"]
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=f"{name}.bias" in weights)
        layer.load_state_dict({part: weights[f"{name}.{part}"] for part in layer.state_dict()})
        layers[name] = layer
    with np.load(folder / "attention_io.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    context, probe = recorded["context"], recorded["grad_probe"]
    queries = layers["to_q"](recorded["query_in"])
    for key, expected in recorded.items():
        match = re.fullmatch(r"(\w+?)(?:__alpha(-?[\d.]+))?(__mask)?__out", key)
        if not match or match.group(1) == "paper":
            continue
        case, alpha, mask = match.groups()
        states = recorded.get(f"{case}__features")
        synapse = Synapse("released")
        if alpha is not None:
            with torch.no_grad():
                synapse.gate.alpha.fill_(float(alpha))
        heard = synapse(
            queries,
            context,
            None if states is None else ImageFeatures(states=states),
            to_k=layers["to_k"],
            to_v=layers["to_v"],
            n_heads=n_heads,
            mask_bias=recorded["mask_bias"] if mask else None,
        )
        out = layers["to_out.0"](heard)
        name = key.removesuffix("__out")
        yield Comparison(f"attention {name}", largest_difference(out.detach(), expected), allowed["attention_abs"])
        if states is None:
            continue
        pooled = pool(states, *context.shape[1:])
        mixed = mix(context, pooled, synapse.gate()).detach()
        factor = recorded[f"factor__alpha{alpha}"]
        pairs = {
            "factor": (synapse.gate().detach(), factor),
            "pooled": (pooled, recorded[f"{case}__pooled"]),
            "mixed context": (mixed, recorded[f"{name}__mixed_context"]),
        }
        for label, (ours, stated) in pairs.items():
            yield Comparison(f"attention {name} {label}", largest_difference(ours, stated), allowed["attention_abs"])
        key_weight = layers["to_k"].weight
        by_gate, by_key = torch.autograd.grad((out * probe).sum(), (synapse.gate.alpha, key_weight), retain_graph=True)
        for label, ours, stated in (
            ("gradient of alpha", by_gate, recorded[f"{name}__grad_alpha"].reshape(())),
            ("gradient of to_k, norm", by_key.norm(), recorded[f"{name}__grad_to_k_norm"]),
        ):
            yield Comparison(f"attention {name} {label}", _relative(ours, stated), allowed["attention_grad_rel"])


def _paper_attention(folder: Path) -> Iterator[Comparison]:
    meta = json.loads((folder / "attention_meta.json").read_text(encoding="utf-8"))["paper"]
    with np.load(folder / "attention_io.npz") as arrays:
        recorded = {
            name.removeprefix("paper__"): torch.from_numpy(arrays[name])
            for name in arrays.files
            if name.startswith("paper__")
        }
    features = ImageFeatures(keys=recorded["k_image"], values=recorded["v_image"])
    # keys and values are recorded projected: the projections of a context that carries both are its two halves
    width = recorded["k_music"].shape[-1]
    context = torch.cat([recorded["k_music"], recorded["v_music"]], dim=-1)
    for key, expected in recorded.items():
        match = re.fullmatch(r"alpha(-?[\d.]+)__out", key)
        if not match:
            continue
        alpha = match.group(1)
        synapse = Synapse("paper", width=width, image_width=width).double()
        synapse.gate.set(float(alpha))
        with torch.no_grad():
            ours = synapse(
                recorded["q"],
                context,
                features,
                to_k=lambda both: both[..., :width],
                to_v=lambda both: both[..., width:],
                n_heads=meta["heads"],
            )
            share = synapse.gate()
            keys = mix(recorded["k_music"], recorded["k_image"], share)
            values = mix(recorded["v_music"], recorded["v_image"], share)
            alone = attend(recorded["q"], keys, values, n_heads=meta["heads"])
        for label, value, stated in (
            ("k", keys, recorded[f"alpha{alpha}__k"]),
            ("v", values, recorded[f"alpha{alpha}__v"]),
            ("attention of the mixed", alone, expected),
            ("synapse", ours, expected),
        ):
            yield Comparison(f"paper alpha {alpha} {label}", largest_difference(value, stated), PAPER_ABS)


def _networks(folder: Path, allowed: dict[str, float]) -> Iterator[Comparison]:
    meta = json.loads((folder / "unet_meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "unet_io.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    image_unet = _unet(meta["config"], "image", read_state_dict(folder / "unet_image_weights.safetensors"))
    music_unet = _unet(meta["config"], "music", read_state_dict(folder / "unet_music_weights.safetensors"))
    music = SynapseUNet(music_unet, form="released")
    music.load_released_alphas({name: torch.tensor(value) for name, value in meta["alphas"].items()})
    tolerance = allowed["unet_abs"]
    context, timesteps, mask = recorded["context"], recorded["timesteps"], recorded["mask_keep"]
    with torch.no_grad(), listening(image_unet, "released") as features:
        out = image_unet(recorded["image_latents"], timesteps, encoder_hidden_states=context, return_dict=False)[0]
    yield Comparison("image network", largest_difference(out, recorded["image_out"]), tolerance)
    for name, entry in features.items():
        b, j = re.fullmatch(r"up_blocks\.(\d+)\.attentions\.(\d+)", name).groups()
        stated = recorded[f"features__up{b}__layer{j}"]
        yield Comparison(f"image features {name}", largest_difference(entry.states, stated), tolerance)

    def hear(heard: Features | None) -> Tensor:
        return music(recorded["music_latents"], timesteps, context, mask=mask, features=heard)

    runs = {
        "music_out_no_image": None,
        "music_out_with_image": features,
        "music_out_first_layer_features": features_of_first_layers(features),
    }
    for name, heard in runs.items():
        with torch.no_grad():
            yield Comparison(name.replace("_", " "), largest_difference(hear(heard), recorded[name]), tolerance)
    prediction = hear(features_of_first_layers(features))
    stated = recorded["music_out_training_mode"]
    yield Comparison("music out training mode", largest_difference(prediction.detach(), stated), tolerance)
    yield from _loss(recorded, music, prediction, allowed)


def _loss(
    recorded: dict[str, Tensor], music: SynapseUNet, prediction: Tensor, allowed: dict[str, float]
) -> Iterator[Comparison]:
    scheduler = DDPMScheduler(**SCHEDULE)
    clean, noise, timesteps = recorded["clean_latents"], recorded["noise"], recorded["timesteps"]
    target = scheduler.get_velocity(clean, noise, timesteps)
    snr = signal_to_noise(scheduler.alphas_cumprod, timesteps)
    weights = min_snr_weights(snr)
    noisy = scheduler.add_noise(clean, noise, timesteps)
    yield Comparison("noisy", largest_difference(noisy, recorded["noisy_from_clean"]), allowed["unet_abs"])
    yield Comparison("velocity", largest_difference(target, recorded["velocity_target"]), allowed["unet_abs"])
    yield Comparison("snr", _relative(snr, recorded["snr"]), allowed["loss_abs"])
    yield Comparison("Min-SNR weights", _relative(weights, recorded["minsnr_weights"]), allowed["loss_abs"])
    ones = torch.ones_like(weights)
    released = batch_mean_loss(prediction, target, weights)
    losses = {
        "loss_plain": batch_mean_loss(prediction, target, ones),
        "loss_minsnr": released,
        "loss_plain_per_item_mse": min_snr_loss(prediction, target, ones),
    }
    for name, ours in losses.items():
        yield Comparison(name, largest_difference(ours.detach(), recorded[name]), allowed["loss_abs"])
    released.backward()
    for key, synapse in music.synapses.items():
        stated = recorded[f"grad.{key.replace('/', '.')}.transformer_blocks.0.attn2.alpha"].reshape(())
        yield Comparison(f"gradient of {key}", _relative(synapse.gate.alpha.grad, stated), allowed["unet_grad_rel"])


def _unet(config: dict, which: str, state: dict[str, Tensor]) -> UNet2DConditionModel:
    """`attention_head_dim` means the number of heads in these networks, a name that diffusers kept."""
    own = config[which]
    shared = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in config.items()
        if key not in ("image", "music")
    }
    size = own["sample_size"]
    unet = UNet2DConditionModel(
        **shared,
        sample_size=tuple(size) if isinstance(size, list) else size,
        in_channels=own["in_out_channels"],
        out_channels=own["in_out_channels"],
    )
    unet.load_state_dict(without_alphas(state))
    return unet.eval()


def _imsm(folder: Path, tolerance: float) -> Iterator[Comparison]:
    meta = json.loads((folder / "metrics_meta.json").read_text(encoding="utf-8"))["imsm"]
    with np.load(folder / "metrics_io.npz") as recorded:
        for tag, stated in meta.items():
            pictures = recorded[f"imsm_{tag}__clip_logits_per_image"]
            audios = recorded[f"imsm_{tag}__clap_logits_per_audio"]
            ours = {
                "p_image_to_text": imsm.softmax_rows(pictures),
                "q_audio_to_text": imsm.softmax_rows(audios),
                "m": imsm.imsm_before_softmax(pictures, audios),
                "imsm": imsm.imsm(pictures, audios),
            }
            for name, value in ours.items():
                yield Comparison(
                    f"IMSM {tag} {name}", largest_difference(value, recorded[f"imsm_{tag}__{name}"]), tolerance
                )
            scores = imsm.evaluate(pictures, audios)
            for label, name in (
                ("mean_diagonal_m", "imsm_before_softmax"),
                ("mean_diagonal_imsm", "imsm"),
                ("upper_bound_of_imsm_diagonal", "imsm_bound"),
            ):
                yield Comparison(f"IMSM {tag} {label}", abs(scores[name] - stated[label]), tolerance)


def _class_metrics(folder: Path, tolerance: float) -> Iterator[Comparison]:
    """KL with its pairing by file name, and the inception score."""
    meta = json.loads((folder / "metrics_meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "metrics_io.npz") as recorded:
        sides = {
            side: (recorded[f"kl_{side}_logits"], [str(name) for name in recorded[f"kl_names_{side}"]])
            for side in ("generated", "reference")
        }
        generated, reference = sides["generated"], sides["reference"]
        renamed = (reference[0], [f"other {name}" for name in reference[1]])
        cases = {
            "kl": (generated, reference),
            "kl_swapped": (reference, generated),
            "kl_not_same_name": (generated, renamed),
        }
        for case, (ours, theirs) in cases.items():
            scores = kl.evaluate(ours[0], theirs[0], ours[1], theirs[1])
            for form in ("softmax", "sigmoid"):
                stated = meta[case][f"kullback_leibler_divergence_{form}"]
                if stated == PUBLISHED_NOT_DEFINED:  # names that do not match
                    yield Comparison(f"{case} {form}", 0.0 if np.isnan(scores[f"kl_{form}"]) else np.inf, tolerance)
                    continue
                yield Comparison(f"{case} {form}", abs(scores[f"kl_{form}"] - stated) / abs(stated), tolerance)
        pairs = kl.partners(generated[1], reference[1])
        rows = [np.asarray(side) for side in zip(*pairs, strict=True)]
        by_item = kl.kl_softmax_by_item(generated[0][rows[0]], reference[0][rows[1]])
        stated = recorded["kl_per_item_mean_over_classes"]
        # pairs may be recorded in either side's order
        yield Comparison("kl by item", _relative(np.sort(by_item), np.sort(stated)), tolerance)
        for n, stated in meta["isc"].items():
            scores = inception.evaluate(recorded[f"isc_logits_{n}"])
            for name, value in scores.items():
                yield Comparison(f"{name} {n}", abs(value - stated[name]), INCEPTION_ABS)


def _distances(folder: Path, tolerance: float) -> Iterator[Comparison]:
    meta = json.loads((folder / "metrics_meta.json").read_text(encoding="utf-8"))["fd"]
    with np.load(folder / "metrics_io.npz") as recorded:
        for tag, stated in meta.items():
            generated, reference = recorded[f"fd_{tag}__generated"], recorded[f"fd_{tag}__reference"]
            distance = frechet_distance(generated, reference)
            for name in ("frechet_distance", "frechet_audio_distance", "reference_float64_by_eigenvalues"):
                yield Comparison(f"{name} {tag}", abs(distance - stated[name]) / stated[name], tolerance)
            mean, deviation = kid.kernel_distance(generated, reference)
            for name, value in (("mean", mean), ("std", deviation)):
                recorded_value = stated[f"kernel_inception_distance_{name}"]
                yield Comparison(
                    f"kernel distance {name} {tag}", abs(value - recorded_value) / abs(recorded_value), tolerance
                )


def _relative(ours, recorded) -> float:
    """The largest |ours - recorded| / |recorded|; where 0 is recorded, the difference itself."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    scale = np.where(recorded == 0, 1.0, np.abs(recorded))
    return largest_difference(ours / scale, recorded / scale)
