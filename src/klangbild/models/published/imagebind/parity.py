"""Recorded ImageBind data against this folder: preprocessing of pictures and sounds, three towers, their traces.

A recorded folder has `meta.json` (sizes, files, tolerances), `state_dict.pt` (random weights under the published names),
pictures, sounds, `preprocessing.npz`, `towers.npz`, and `imagebind_huge_keys.json` (names and shapes at full size).
Nothing about its sizes is assumed here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from klangbild.metrics.parity import Comparison, largest_difference
from klangbild.models.published.imagebind.audio import AudioConfig, prepare_audio
from klangbild.models.published.imagebind.model import TOWERS, ImageBind, ImageBindConfig
from klangbild.models.published.imagebind.text import TextConfig
from klangbild.models.published.imagebind.vision import VisionConfig, crop_image, normalize_pixels
from klangbild.models.published.weight_files import read_state_dict


def compare(folder: Path, spec: dict) -> Iterator[Comparison]:
    """Every recorded array of the folder. Tolerances come from `meta.json`, see `_tolerances`."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    allowed = _tolerances(meta["tolerances"])
    yield from _full_size_names(folder)
    with np.load(folder / "preprocessing.npz") as recorded:
        yield from _pictures(folder, meta, recorded, allowed)
        yield from _sounds(folder, meta, recorded, allowed)
        sounds = {name: recorded[name] for name in recorded.files if name.startswith("audio")}
    model = _model(meta["config"])
    state = read_state_dict(folder / "state_dict.pt")
    model.load_published(state, source="state_dict.pt")
    model.eval()
    with np.load(folder / "towers.npz") as recorded:
        n_sounds = len(recorded["audio_out"])
        inputs = {
            "vision": recorded["vision_in"],
            "audio": np.stack([sounds[f"audio{i}_tensor"] for i in range(n_sounds)]),
            "audio_clip": recorded["audio_clip_in"],
            "text": recorded["text_in"],
        }
        for case, values in inputs.items():
            tower = getattr(model, case.split("_")[0])
            yield from _tower(case, tower, torch.from_numpy(values), recorded, allowed)


def _tolerances(stated: dict[str, str | float]) -> dict[str, float]:
    """The recorded folder words its tolerances; the numbers are taken out of the words, in order of appearance."""
    numbers = {
        key: [float(n) for n in re.findall(r"\d+(?:\.\d+)?e-\d+|\d+\.\d+", str(value))] for key, value in stated.items()
    }
    return {
        "unit": numbers["tower outputs (vision, text)"][0],
        "audio": numbers["tower outputs audio (scaled by 20)"][0],
        "trace": numbers["block traces"][0],
        "picture": numbers["image tensor"][0],
        "sound": numbers["audio tensors"][0],
        "resampled": numbers["audio tensors"][-1],
    }


def _model(sizes: dict[str, int]) -> ImageBind:
    out_dim = sizes["out_dim"]
    vision = VisionConfig(
        image_px=sizes["image_px"],
        patch_px=sizes["patch"],
        width=sizes["vision_dim"],
        n_blocks=sizes["vision_blocks"],
        n_heads=sizes["vision_heads"],
        out_dim=out_dim,
    )
    audio = AudioConfig(
        kernel=sizes["audio_kernel"],
        stride=sizes["audio_stride"],
        width=sizes["audio_dim"],
        n_blocks=sizes["audio_blocks"],
        n_heads=sizes["audio_heads"],
        out_dim=out_dim,
    )
    text = TextConfig(
        vocabulary=sizes["text_vocab"],
        context=sizes["text_context"],
        width=sizes["text_dim"],
        n_blocks=sizes["text_blocks"],
        n_heads=sizes["text_heads"],
        out_dim=out_dim,
    )
    return ImageBind(ImageBindConfig(vision=vision, audio=audio, text=text), towers=TOWERS)


def _full_size_names(folder: Path) -> Iterator[Comparison]:
    """Names and shapes of `imagebind_huge` itself, built without memory on the meta device."""
    path = folder / "imagebind_huge_keys.json"
    if not path.is_file():
        return
    listed = json.loads(path.read_text(encoding="utf-8"))["keys"]
    with torch.device("meta"):
        ours = ImageBind(towers=TOWERS).published_keys()
    recorded = {key: tuple(entry["shape"]) for tower in TOWERS for key, entry in listed[tower].items()}
    yield Comparison(
        "imagebind_huge: names and shapes that differ", float(len(set(ours.items()) ^ set(recorded.items()))), 0
    )


def _pictures(folder: Path, meta: dict, recorded, allowed: dict[str, float]) -> Iterator[Comparison]:
    from PIL import Image

    for i, entry in enumerate(meta["images"]):
        with Image.open(folder / entry["file"]) as image:
            rgb = np.asarray(image.convert("RGB"))  # the original drops transparency
        expected = recorded[f"image{i}_uint8"].transpose(1, 2, 0)
        pixels = crop_image(rgb, size_px=expected.shape[0])
        # another build of the resizer may move single pixels by one level
        yield Comparison(f"image{i} pixels: levels", largest_difference(pixels, expected), 1)
        yield Comparison(f"image{i} pixels: share that differs", float((pixels != expected).mean()), 1e-3)
        tensor = normalize_pixels(pixels)
        if f"image{i}_tensor" in recorded:
            yield Comparison(
                f"image{i} tensor", largest_difference(tensor, recorded[f"image{i}_tensor"]), allowed["picture"]
            )
        yield Comparison(
            f"image{i} tensor: mean", abs(tensor.double().mean().item() - entry["tensor_mean64"]), allowed["picture"]
        )


def _sounds(folder: Path, meta: dict, recorded, allowed: dict[str, float]) -> Iterator[Comparison]:
    import soundfile

    for i, entry in enumerate(meta["wavs"]):
        samples, rate = soundfile.read(folder / entry["file"], dtype="float32", always_2d=True)
        tolerance = allowed["sound" if rate == 16_000 else "resampled"]
        for suffix, last_at_end in (("", False), ("_alternative", True)):
            key = f"audio{i}_tensor{suffix}"
            if key in recorded:
                ours = prepare_audio(samples.T, rate, last_at_end=last_at_end)
                yield Comparison(key.replace("_", " "), largest_difference(ours, recorded[key]), tolerance)


@torch.inference_mode()
def _tower(case: str, tower: nn.Module, inputs: Tensor, recorded, allowed: dict[str, float]) -> Iterator[Comparison]:
    """One input through one tower, in parts, so that a difference shows where it starts."""
    flat = inputs.flatten(0, 1) if inputs.ndim == 5 else inputs
    tokens = tower.preprocessor(flat)
    traces = {"tokens_first4": tokens[:, :4], "tokens_mean": tokens.mean(dim=1)}
    states = tower.trunk.pre_transformer_layer(tokens) if tower.trunk.pre_norm else tokens
    mask = getattr(tower.preprocessor, "mask", None)
    for b, block in enumerate(tower.trunk.blocks):
        states = block(states, mask)
        traces[f"block{b}_first4"] = states[:, :4]
    if case == "text":
        head = tower.head["proj"](states[torch.arange(len(flat)), flat.argmax(dim=-1)])
    else:
        head = tower.head(states)
    traces |= {"head": head, "post": tower.postprocessor(head)}
    for name, ours in traces.items():
        yield Comparison(
            f"{case} {name.replace('_', ' ')}",
            largest_difference(ours, recorded[f"{case}_trace_{name}"]),
            # after the head the audio values carry the factor 20
            allowed["audio"] if case.startswith("audio") and name == "post" else allowed["trace"],
        )
    tolerance = allowed["audio" if case.startswith("audio") else "unit"]
    yield Comparison(f"{case} out", largest_difference(tower(inputs), recorded[f"{case}_out"]), tolerance)
    double = tower.double()(inputs.double() if inputs.is_floating_point() else inputs)
    tower.float()
    yield Comparison(f"{case} out, float64", largest_difference(double, recorded[f"{case}_out64"]), tolerance)
