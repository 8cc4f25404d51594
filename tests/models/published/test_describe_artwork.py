"""LLaVA's classes at tiny size: one line a picture, damaged files listed, a second run describes nothing again."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from klangbild.errors import Stopped
from klangbild.models.published.art2mus.data.sources import read_descriptions
from klangbild.models.published.art2mus.describe_artwork import describe


@pytest.fixture(scope="module")
def llava():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    special = ["<s>", "</s>", "<pad>", "<unk>", "<image>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(special + letters)}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=4)
    ).eval()
    pixels = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = LlavaProcessor(
        image_processor=pixels,
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return model, processor


def test_artworks_in_words(llava, tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"p{i}.png" for i in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (30, 20, 3), dtype=np.uint8)).save(path)
    paths[1].write_bytes(b"no picture")
    out = tmp_path / "words.jsonl"
    with pytest.raises(Stopped, match="go on"):
        describe(paths, *llava, out=out, max_tokens=4, on_progress=lambda done, n: False)
    first = out.read_text()
    corrupt = describe(paths, *llava, out=out, max_tokens=4)
    assert [file for file, _ in corrupt] == [str(paths[1])]
    assert out.read_text().startswith(first)
    assert [json.loads(line)["image"] for line in out.read_text().splitlines()] == ["p0.png", "p2.png"]
    assert set(read_descriptions(out)) == {"p0.png", "p2.png"}
