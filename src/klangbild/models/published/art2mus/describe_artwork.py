"""Artworks in words, by LLaVA: the captions of Art2Mus's second data set, and of its strongest baseline.

    klangbild's captions file, JSON lines: {"image": "name.jpg", "caption": "A lonely rider ..."}

The prompt is the paper's, "Describe this artwork". Any other caption file serves as well (`models/published/art2mus/data/sources.py`).

Source: Art2Mus, arXiv 2410.04906, section 3.1; LLaVA 1.5, arXiv 2310.03744.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import LlavaForConditionalGeneration, ProcessorMixin

from klangbild.errors import InputError, Stopped
from klangbild.picture.load import load_picture

PROMPT = "Describe this artwork"
TEMPLATE = "USER: <image>\n{prompt} ASSISTANT:"
MAX_TOKENS = 120


@torch.inference_mode()
def describe(
    pictures: Sequence[Path],
    model: LlavaForConditionalGeneration,
    processor: ProcessorMixin,
    *,
    out: Path,
    prompt: str = PROMPT,
    max_tokens: int = MAX_TOKENS,
    on_progress: Callable[[int, int], bool | None] | None = None,
) -> list[tuple[str, str]]:
    """Append one line a picture to `out`; pictures that it already has are not described again. Greedy, so repeatable.

    Returns:
        (file, why) of pictures that could not be read.

    Raises:
        Stopped: by `on_progress`; what was written is kept.
    """
    from PIL import Image

    done = _described(out)
    corrupt = []
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("a", encoding="utf-8") as file:
        for number, path in enumerate(pictures, start=1):
            if path.name not in done:
                try:
                    image = Image.fromarray(load_picture(path).rgb)
                except InputError as error:
                    corrupt.append((str(path), str(error)))
                    continue
                inputs = processor(images=image, text=TEMPLATE.format(prompt=prompt), return_tensors="pt").to(
                    model.device
                )
                inputs.pop("token_type_ids", None)  # some tokenizers add it; the model does not know it
                inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
                ids = model.generate(**inputs, max_new_tokens=max_tokens, do_sample=False)
                words = processor.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)[0]
                file.write(json.dumps({"image": path.name, "caption": words.strip()}, ensure_ascii=False) + "\n")
                file.flush()
            if on_progress is not None and on_progress(number, len(pictures)) is False:
                raise Stopped(f"stopped after {number} of {len(pictures)} pictures; run the same command to go on")
    return corrupt


def _described(out: Path) -> set[str]:
    if not out.is_file():
        return set()
    return {json.loads(line)["image"] for line in out.read_text(encoding="utf-8").splitlines() if line.strip()}
