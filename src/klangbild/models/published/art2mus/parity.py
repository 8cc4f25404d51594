"""Recorded Art2Mus data against this folder, the metrics and the pairing.

A recorded folder has tiny random-weight components (`weights_*.safetensors`, sizes in `pipeline_meta.json`), projection
files under the published names, and every array between a picture's vector and the waveform; the sections below follow
its order. Nothing about its sizes is assumed; parts that a folder does not have are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.parity import Comparison, largest_difference, n_different
from klangbild.metrics.similarity import cosine_rows
from klangbild.metrics.spectral_kl import quietness_profile, spectral_kl
from klangbild.models.published.art2mus.conditioning import Art2MusEncoder
from klangbild.models.published.art2mus.data.pairing import greedy_global, greedy_in_order, optimal
from klangbild.models.published.art2mus.language_of_audio import generate_loa
from klangbild.models.published.art2mus.parity_parts import RecordedParts, formula_tensor, load_parts
from klangbild.models.published.art2mus.parts import predict_noise
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.denoise import combine
from klangbild.models.published.training.min_snr import min_snr_loss, min_snr_weights, signal_to_noise
from klangbild.models.published.training.target import prepare_waveform, target_mel
from klangbild.models.published.weight_files import read_state_dict

FAD_FLOOR = 1e-8  # identical sets: absolute, since a relative error of 0 has no meaning


def compare(folder: Path, spec: dict) -> Iterator[Comparison]:
    """Every recorded array of the folder, tolerances from `parity.json`."""
    allowed = spec["tolerance"]
    sections = {
        "img_proj_io.npz": partial(_projection, folder, allowed),
        "pipeline_io.npz": partial(_pipeline, folder, allowed),
        "audio_target_io.npz": partial(_audio_target, folder),
        "metrics_io.npz": partial(_metrics, folder, allowed),
    }
    found = [section for name, section in sections.items() if (folder / name).is_file()]
    if not found:
        raise InputError(f"{folder}: has none of {', '.join(sections)}; record the folder again")
    for section in found:
        yield from section()


def _projection(folder: Path, allowed: dict[str, float]) -> Iterator[Comparison]:
    """Every `{size}_n{N}_in`: from the weights in `img_proj_{size}_n{N}.pt`, or by the formula whose terms the meta file has."""
    meta = json.loads((folder / "img_proj_meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "img_proj_io.npz") as recorded:
        for key in recorded.files:
            match = re.fullmatch(r"(\w+)_n(\d+)_in", key)
            if not match:
                continue
            size, n = match.groups()
            expected = recorded[f"{size}_n{n}_out"]
            stored = folder / f"img_proj_{size}_n{n}.pt"
            if stored.is_file():
                state = read_state_dict(stored)
            else:
                entry = meta[f"{size}_size"][f"n{n}"]
                state = {
                    name: formula_tensor(shape, entry["offset_a"][name], entry["scale"][name])
                    for name, shape in entry["keys_and_shapes"].items()
                }
                n_weights = sum(tensor.numel() for tensor in state.values())
                yield Comparison(f"projection {size} n{n}: weights", abs(n_weights - entry["parameters"]), 0)
            projection = ImageProjection.from_state_dict(state, token_dim=expected.shape[-1])
            with torch.inference_mode():
                ours = projection(torch.from_numpy(recorded[key]))
            yield Comparison(
                f"projection {size} n{n}", largest_difference(ours, expected), allowed[f"projection_{size}_abs"]
            )


def _pipeline(folder: Path, allowed: dict[str, float]) -> Iterator[Comparison]:
    parts = load_parts(folder)
    with np.load(folder / "pipeline_io.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    for case in sorted({name.split("__")[0] for name in recorded}):
        own = {name.split("__", 1)[1]: value for name, value in recorded.items() if name.startswith(f"{case}__")}
        n_tokens = int(re.match(r"n(\d+)_", case).group(1))
        encoder = parts.encoder(n_tokens)
        yield from _language(case, own, encoder, parts, allowed)
        yield from _denoising(case, own, parts, allowed)
        yield from _training(case, own, encoder, parts, allowed)
    if not (folder / "encode_prompt_io.npz").is_file():
        return
    with np.load(folder / "encode_prompt_io.npz") as arrays:
        recorded = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    for case in sorted({name.rsplit("__", 1)[0] for name in recorded}):
        yield from _words(case, recorded, parts, allowed["tokens_loa_text_abs"])


@torch.inference_mode()
def _language(
    case: str, own: dict[str, Tensor], encoder: Art2MusEncoder, parts: RecordedParts, allowed: dict[str, float]
) -> Iterator[Comparison]:
    """Picture only: tokens, LOA of both sides, the T5 stream of both sides."""
    tolerance = allowed["tokens_loa_text_abs"]
    vectors = own["image_embeds"]
    negatives = [parts.negative] * len(vectors)
    support, support_mask = encoder.t5_states([parts.support] * len(vectors))
    length = own["t5_neg_for_unet_ids"].shape[1]
    short, short_mask = encoder.t5_states(negatives, length=own["t5_neg_for_gpt2_ids"].shape[1])
    full, full_mask = encoder.t5_states(negatives, length=length)
    tokens = encoder.image_tokens(vectors)
    prompt, prompt_mask = encoder.language_prompt(negatives, short, short_mask)
    both = encoder.encode(image_vectors=vectors, negative=negatives, support=parts.support)
    for name, tokenizer, sentence in (
        ("t5_support", encoder.t5_tokenizer, parts.support),
        ("t5_neg_for_gpt2", encoder.t5_tokenizer, parts.negative),
        ("t5_neg_for_unet", encoder.t5_tokenizer, parts.negative),
        ("clap_neg", encoder.clap_tokenizer, parts.negative),
    ):
        expected = own[f"{name}_ids"]
        ids, _ = encoder.token_ids(tokenizer, [sentence] * len(expected), length=expected.shape[1])
        yield Comparison(f"{case} {name}_ids", n_different(ids, expected), 0)
    ours = {
        "projmodel_neg_out": prompt,
        "projmodel_neg_mask": prompt_mask,
        "projected_tokens": tokens,
        "loa_cond": generate_loa(encoder.language_model, tokens, torch.ones(tokens.shape[:2])),
        "t5_support_mask": support_mask,
        "t5_support_out": support,
        "t5_neg_for_gpt2_mask": short_mask,
        "t5_neg_for_gpt2_out": short,
        "t5_neg_for_unet_mask": full_mask,
        "t5_neg_for_unet_out": full,
        "clap_neg_out": encoder.clap_vectors(negatives),
        "loa_uncond": both.loa[: len(vectors)],
        "unet_text_stream": both.text,
        "unet_text_mask": both.text_mask,
    }
    for name, value in ours.items():
        yield Comparison(f"{case} {name}", largest_difference(value, own[name]), tolerance)
    yield Comparison(
        f"{case} loa_cond, encoded", largest_difference(both.loa[len(vectors) :], own["loa_cond"]), tolerance
    )


@torch.inference_mode()
def _denoising(
    case: str, own: dict[str, Tensor], parts: RecordedParts, allowed: dict[str, float]
) -> Iterator[Comparison]:
    """The recorded steps one by one, then on our own from the noise on, to mel and waveform."""
    tolerance = allowed["unet_latents_abs"]
    n_steps = len(own["timesteps"])
    solver = parts.solver()
    solver.set_timesteps(n_steps)
    yield Comparison(f"{case} timesteps", n_different(solver.timesteps, own["timesteps"]), 0)
    conditioning = parts.encoder(int(own["projected_tokens"].shape[1])).encode(
        image_vectors=own["image_embeds"], negative=parts.negative, support=parts.support
    )
    predict = partial(predict_noise, parts.unet, conditioning)
    latents = own["initial_noise"] * solver.init_noise_sigma
    for k, timestep in enumerate(solver.timesteps):
        prediction = predict(latents, timestep)
        yield Comparison(f"{case} step {k} unet", largest_difference(prediction, own[f"step{k}_unet_out"]), tolerance)
        latents = solver.step(combine(prediction, parts.guidance), timestep, latents, return_dict=False)[0]
        yield Comparison(f"{case} step {k} latents", largest_difference(latents, own[f"step{k}_latents"]), tolerance)
    yield Comparison(f"{case} final latents", largest_difference(latents, own["final_latents"]), tolerance)
    mel = parts.sound.decode_mel(latents)
    yield Comparison(f"{case} mel", largest_difference(mel, own["mel"]), allowed["mel_waveform_abs"])
    waveform = parts.sound.vocode(mel)[:, : own["waveform"].shape[-1]]
    yield Comparison(f"{case} waveform", largest_difference(waveform, own["waveform"]), allowed["mel_waveform_abs"])


def _training(
    case: str, own: dict[str, Tensor], encoder: Art2MusEncoder, parts: RecordedParts, allowed: dict[str, float]
) -> Iterator[Comparison]:
    """One training step: noisy latents, guided prediction, both losses, gradients of the projection."""
    if "train_timesteps" not in own:
        return
    timesteps, noise = own["train_timesteps"], own["train_noise"]
    solver = parts.solver()
    noisy = solver.add_noise(own["train_clean_latents"], noise, timesteps)
    tolerance = allowed["unet_latents_abs"]
    yield Comparison(f"{case} train noisy", largest_difference(noisy, own["train_noisy_latents"]), tolerance)
    weights = min_snr_weights(signal_to_noise(solver.alphas_cumprod, timesteps))
    yield Comparison(f"{case} train weights", _relative(weights, own["train_minsnr_weights"]), allowed["min_snr_rel"])
    for loss_name, by_item in (("minsnr", weights), ("mse", torch.ones_like(weights))):
        encoder.projection.zero_grad()
        conditioning = encoder.encode(image_vectors=own["image_embeds"], negative=parts.negative, support=parts.support)
        stacked = predict_noise(parts.unet, conditioning, noisy, timesteps)
        prediction = combine(stacked, parts.guidance)
        loss = min_snr_loss(prediction, noise, by_item)
        loss.backward()
        if loss_name == "minsnr":
            yield Comparison(
                f"{case} train prediction", largest_difference(prediction.detach(), own["train_pred"]), tolerance
            )
        recorded = own[f"train_loss_{loss_name}"]
        # the losses are means of squares in the hundreds, so the tolerance counts relative to values above 1
        error = largest_difference(loss.detach(), recorded) / max(1.0, abs(float(recorded)))
        yield Comparison(f"{case} train loss {loss_name}", error, allowed["loss_abs"])
        for name, weight in encoder.projection.named_parameters():
            if loss_name == "minsnr":
                error = _relative_to_largest(weight.grad, own[f"train_grad_minsnr.{name}"])
            else:
                error = _relative(weight.grad.norm(), own[f"train_grad_mse.{name}.norm"])
            yield Comparison(f"{case} train gradient {loss_name} {name}", error, allowed["grad_rel_to_largest"])


@torch.inference_mode()
def _words(case: str, recorded: dict[str, Tensor], parts: RecordedParts, tolerance: float) -> Iterator[Comparison]:
    """Words alone (several waveforms a prompt), and words with a picture."""
    tokens, kind = case.split("__")
    stream, mask, loa = (recorded[f"{case}__{name}"] for name in ("text_stream", "text_mask", "loa"))
    encoder = parts.encoder(int(tokens.removeprefix("n")))
    vectors = None
    n_copies = len(loa) // 2
    if kind == "both":
        vectors = stream[n_copies : n_copies + 1, -1]  # the raw image vector is the stream's last token
    once = encoder.encode(words=[parts.words], image_vectors=vectors, negative=parts.negative)
    ours = once.repeat(n_copies)
    for name, value, expected in (
        ("text stream", ours.text, stream),
        ("text mask", ours.text_mask, mask),
        ("loa", ours.loa, loa),
    ):
        yield Comparison(f"{case} {name}", largest_difference(value, expected), tolerance)


def _audio_target(folder: Path) -> Iterator[Comparison]:
    """Tolerances as in the recorded README: waveform 5e-5, mel 2e-4 on average and 0.05 at most."""
    import soundfile

    with np.load(folder / "audio_target_io.npz") as recorded:
        for key in recorded.files:
            if not key.endswith("__mel"):
                continue
            name = key.removesuffix("__mel")
            samples, rate = soundfile.read(folder / f"{name}.wav", dtype="float32", always_2d=True)
            expected = recorded[key]
            wave = prepare_waveform(samples.T, rate, n_frames=len(expected), name=name)
            start = recorded[f"{name}__waveform_first2000"]
            yield Comparison(f"{name} waveform", largest_difference(wave[: len(start)], start), 5e-5)
            stats = recorded[f"{name}__waveform_stats"]
            wave64 = wave.double()
            yield Comparison(f"{name} waveform: mean", abs(float(wave64.sum()) - stats[0]) / len(wave64), 5e-5)
            ours = [wave64.pow(2).sum(), wave64.abs().max(), torch.nonzero(wave64)[-1, 0]]
            for label, value, stated in zip(("sum of squares", "peak", "last sample"), ours, stats[1:], strict=True):
                yield Comparison(f"{name} waveform: {label}", abs(float(value) - stated) / max(1.0, abs(stated)), 5e-5)
            mel = target_mel(wave, n_frames=len(expected))[0].numpy()
            yield Comparison(f"{name} mel: mean", float(np.abs(mel - expected).mean()), 2e-4)
            yield Comparison(f"{name} mel: largest", largest_difference(mel, expected), 0.05)
    meta = json.loads((folder / "audio_target_meta.json").read_text(encoding="utf-8"))
    for key, entry in meta.items():
        if isinstance(entry, dict) and entry.get("waveform_has_nan"):
            yield Comparison(f"target_{key} refused", 0.0 if _is_refused(folder / f"target_{key}.wav") else 1.0, 0)


def _is_refused(path: Path) -> bool:
    """A file without sound in the segment became 0/0 in the original; ours says so instead."""
    import soundfile

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    try:
        prepare_waveform(samples.T, rate, name=path.name)
    except InputError:
        return True
    return False


def _metrics(folder: Path, allowed: dict[str, float]) -> Iterator[Comparison]:
    import soundfile

    meta = json.loads((folder / "metrics_meta.json").read_text(encoding="utf-8"))
    with np.load(folder / "metrics_io.npz") as arrays:
        recorded = {name: arrays[name] for name in arrays.files}
    for source in ("fad", "fad_reference_float64"):
        for pair, stated in meta[source].items():
            first, second = pair.split(" vs ")
            ours = frechet_distance(recorded[first], recorded[second])
            same = first == second
            error = abs(ours - stated) if same else abs(ours - stated) / abs(stated)
            yield Comparison(f"{source} {pair}", error, FAD_FLOOR if same else allowed["fad_rel"])
    sounds = {
        name: soundfile.read(folder / name, dtype="float32")[0]
        for pair in meta["kl_div"]
        for name in pair.split(" -> ")
    }
    for pair, stated in meta["kl_div"].items():
        first, second = pair.split(" -> ")
        yield Comparison(
            f"spectral KL {pair}", abs(spectral_kl(sounds[first], sounds[second]) - stated), allowed["kl_abs"]
        )
    for name in (key.removesuffix("_profile") for key in recorded if key.endswith("_profile")):
        profile = quietness_profile(sounds[f"{name}.wav"])
        yield Comparison(f"spectral KL profile {name}", largest_difference(profile, recorded[f"{name}_profile"]), 1e-8)
    a, b = recorded["ibsc_a"], recorded["ibsc_b"]
    yield Comparison("cosines", largest_difference(cosine_rows(a, b), recorded["ibsc_cos"]), allowed["cosine_abs"])
    for case, stated in meta["imagebind_score"].items():
        rows = {
            role: {"a": a, "b": b}[side][int(index)]
            for role, side, index in re.findall(r"(\w+)=ibsc_(\w)\[(\d+)\]", case)
        }
        ours = [float(cosine_rows(rows[role][None], rows["generated"][None])[0]) for role in ("image", "gt_audio")]
        yield Comparison(f"ImageBind score {case}", largest_difference(ours, stated), allowed["cosine_abs"])
    kept = torch.from_numpy(recorded["alphas_cumprod"])
    snr = signal_to_noise(kept, torch.arange(len(kept)))
    yield Comparison("snr", _relative(snr, recorded["snr"]), allowed["min_snr_rel"])
    for key in (key for key in recorded if key.startswith("minsnr_weights_gamma")):
        gamma = float(key.removeprefix("minsnr_weights_gamma"))
        weights = min_snr_weights(torch.from_numpy(recorded["snr"]), gamma=gamma)
        yield Comparison(f"Min-SNR weights, gamma {gamma:g}", _relative(weights, recorded[key]), allowed["min_snr_rel"])
    yield from _pairing(recorded["pair_similarity"], recorded)


def _pairing(similarity: np.ndarray, recorded: dict[str, np.ndarray]) -> Iterator[Comparison]:
    for name, method in (
        ("greedy_rows_in_order", greedy_in_order),
        ("greedy_global", greedy_global),
        ("optimal", optimal),
    ):
        columns = method(similarity)
        ours = np.stack([np.arange(len(columns)), columns], axis=1)[columns >= 0]
        yield Comparison(f"pairing {name}", n_different(ours, recorded[f"pair_{name}"]), 0)
    first = similarity.argmax(axis=1)
    yield Comparison("pairing first choice", n_different(first, recorded["pair_first_choice"]), 0)


def _relative(ours, recorded) -> float:
    """The largest |ours - recorded| / |recorded|."""
    ours, recorded = np.asarray(ours, np.float64), np.asarray(recorded, np.float64)
    return largest_difference(ours / recorded, np.ones_like(recorded))


def _relative_to_largest(ours, recorded) -> float:
    return largest_difference(ours, recorded) / float(np.abs(np.asarray(recorded)).max())
