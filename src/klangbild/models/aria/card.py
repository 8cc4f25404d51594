"""What is told about ARIA and midi-emotion models: kind, origin, licences, and the card that a converted model gets."""

from __future__ import annotations

from typing import Any

KIND = "midi-emotion"
ARIA_HUB_ID = "vincentamato/ARIA"
FILES = ("model.pt", "mappings.pt", "model_config.pt")
IMAGE_ENCODER = "image_encoder"
_WANTED = (*FILES, "model.safetensors")
HUB_PATTERNS = [*_WANTED, *(f"*/{name}" for name in _WANTED), f"{IMAGE_ENCODER}.pt", f"{IMAGE_ENCODER}.safetensors"]

LICENCE = (
    "not clear: ARIA says MIT, but its music models come from midi-emotion (GPL-3.0), whose weights state no licence"
)
OUTPUT_USE = (
    "not stated by anyone. Private use and research are common; before you sell or license what it makes, ask the authors of "
    "ARIA and of midi-emotion"
)
NOTICE = (
    "Licence of these weights: ARIA's model card says MIT. Its music part was trained with midi-emotion, whose code is GPL-3.0 "
    "and which states no licence for weights; its image encoder builds on OpenAI's CLIP (MIT). klangbild's own code for it is "
    "written from a specification and is MIT. What the output may be used for is not stated by anyone."
)


def config_of(
    name: str, origin: str, parts: dict[str, dict[str, Any]], image_encoder: dict[str, Any] | None
) -> dict[str, Any]:
    """The `config.json` of a converted model. parts: conditioning -> its sizes and other facts."""
    return {
        "kind": KIND,
        "name": name,
        "language": "events",
        "origin": origin,
        "licence": LICENCE,
        "commercial": False,
        "output_use": OUTPUT_USE,
        "conditionings": parts,
        "image_encoder": image_encoder,
    }


def card_of(config: dict[str, Any]) -> str:
    """The model card (Markdown) of a converted model."""
    rows = []
    for conditioning, part in config["conditionings"].items():
        sizes = part["sizes"]
        rows.append(
            f"| `{conditioning}` | {part['parameters']:,} | {sizes['n_layer']} layers, width {sizes['d_model']}, "
            f"{sizes['n_head']} heads | {sizes['vocab_size']} ids |"
        )
    encoder = config["image_encoder"]
    lines = [
        f"# {config['name']}",
        "",
        "Symbolic music conditioned on valence and arousal: a midi-emotion transformer (Sulun, Davies, Viana 2022), as used in "
        "ARIA, converted to klangbild's folder format.",
        "",
        f"- Origin: {config['origin']}",
        f"- Licence: {config['licence']}.",
        f"- What its music may be used for: {config['output_use']}.",
        "- Trained by others, on the Lakh Pianoroll set with Spotify valence and a note density as arousal; five instruments "
        "(drums, guitar, bass, piano, strings), no velocities.",
        "",
        "| conditioning | parameters | network | vocabulary |",
        "|---|---|---|---|",
        *rows,
        "",
        "Each conditioning's folder holds `config.json` (sizes), `model.safetensors` (float32), `vocabulary.json`, and graphs for "
        "onnxruntime: `model.float32.onnx` (points into the safetensors file) and `model.int8.onnx` (stands alone).",
    ]
    if encoder:
        lines.append(
            "`image_encoder/` reads valence and arousal from pictures: CLIP's vision tower "
            f"({encoder['clip']['image_size']} pixels) with two heads; use it with `--emotion-model {config['name']}`."
        )
    return "\n".join([*lines, ""])
