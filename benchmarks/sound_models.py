"""Full-size Art2Mus and MeLFusion with random weights: does the structure fit, how long is a step, how much memory?

    python benchmarks/sound_models.py art2mus --steps 2 --device cpu
    python benchmarks/sound_models.py melfusion --steps 2 --device cuda --precision float16

Nothing is fetched: sizes are the published ones, weights are drawn. The sound is noise; only time and memory count.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import torch
from diffusers import (
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
    AutoencoderKL,
    DDIMScheduler,
    UNet2DConditionModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    ClapTextConfig,
    ClapTextModelWithProjection,
    GPT2Config,
    GPT2Model,
    PreTrainedTokenizerFast,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
)

from klangbild.models.published.art2mus.conditioning import Art2MusEncoder
from klangbild.models.published.art2mus.parts import Art2MusParts
from klangbild.models.published.art2mus.pipeline import Art2MusPipeline
from klangbild.models.published.art2mus.projection import ImageProjection
from klangbild.models.published.codec import LatentAudio
from klangbild.models.published.melfusion.image_branch import ImageBranch
from klangbild.models.published.melfusion.parts import MelfusionParts
from klangbild.models.published.melfusion.pipeline import MelfusionPipeline
from klangbild.models.published.melfusion.synapse_unet import SynapseUNet
from klangbild.models.published.melfusion.tango import TANGO_UNET
from klangbild.models.published.placement import choose_placement
from klangbild.picture.picture import Picture

SCHEDULE = {"beta_schedule": "scaled_linear", "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}


def tokenizer(max_length: int) -> PreTrainedTokenizerFast:
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = {token: i for i, token in enumerate(special + sorted(pre_tokenizers.ByteLevel.alphabet()))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="</s>", unk_token="<unk>", pad_token="<pad>", model_max_length=max_length
    )


def autoencoder(channels: int, latents: int, blocks: tuple[int, ...], scale: float) -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=channels,
        out_channels=channels,
        latent_channels=latents,
        block_out_channels=blocks,
        layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * len(blocks),
        up_block_types=("UpDecoderBlock2D",) * len(blocks),
        scaling_factor=scale,
    )


def sound() -> LatentAudio:
    vocoder = SpeechT5HifiGanConfig(
        model_in_dim=64,
        sampling_rate=16000,
        upsample_initial_channel=1024,
        upsample_rates=[5, 4, 2, 2, 2],
        upsample_kernel_sizes=[16, 16, 8, 4, 4],
        normalize_before=False,
    )
    return LatentAudio(autoencoder(1, 8, (128, 256, 512), 0.41109), SpeechT5HifiGan(vocoder))


def t5_large() -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(d_model=1024, d_ff=2816, d_kv=64, num_heads=16, num_layers=24, feed_forward_proj="gated-gelu")
    )


def art2mus() -> Art2MusParts:
    crossing = [None, 768, 1024]
    unet = AudioLDM2UNet2DConditionModel(
        sample_size=256,
        in_channels=8,
        out_channels=8,
        block_out_channels=(128, 256, 384, 640),
        layers_per_block=2,
        attention_head_dim=8,
        cross_attention_dim=(crossing,) * 4,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 3,
        up_block_types=("CrossAttnUpBlock2D",) * 3 + ("UpBlock2D",),
    )
    encoder = Art2MusEncoder(
        clap=ClapTextModelWithProjection(ClapTextConfig()),
        t5=t5_large(),
        language_model=GPT2Model(GPT2Config()),
        projection_model=AudioLDM2ProjectionModel(
            text_encoder_dim=512, text_encoder_1_dim=1024, langauge_model_dim=768
        ),
        clap_tokenizer=tokenizer(512),
        t5_tokenizer=tokenizer(512),
        projection=ImageProjection(),
    )
    return Art2MusParts(encoder, unet, sound(), DDIMScheduler(beta_start=0.0015, beta_end=0.0195, **SCHEDULE))


def melfusion() -> MelfusionParts:
    velocity = {"beta_start": 0.00085, "beta_end": 0.012, "prediction_type": "v_prediction"}
    image = UNet2DConditionModel(**TANGO_UNET | {"in_channels": 4, "out_channels": 4, "sample_size": 64})
    music = SynapseUNet(UNet2DConditionModel(**TANGO_UNET), form="gated")
    music.set_gates(0.3)
    branch = ImageBranch(image, autoencoder(3, 4, (128, 256, 512, 512), 0.18215), DDIMScheduler(**velocity, **SCHEDULE))
    return MelfusionParts(music, sound(), DDIMScheduler(**velocity, **SCHEDULE), t5_large(), tokenizer(512), branch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=("art2mus", "melfusion"))
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision")
    parser.add_argument("--offload", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    placement = choose_placement(args.device, args.precision, offload=args.offload)
    torch.set_default_dtype(placement.dtype)  # gigabytes are drawn in the precision they are used in
    parts = art2mus() if args.system == "art2mus" else melfusion()
    torch.set_default_dtype(torch.float32)
    parts.sound.vocoder.float()
    modules = {name: part for name, part in vars(parts).items() if isinstance(part, nn.Module)}
    modules |= {"vae": parts.sound.vae, "vocoder": parts.sound.vocoder}
    if args.system == "art2mus":
        modules |= {name: part for name, part in vars(parts.encoder).items() if isinstance(part, nn.Module)}
        wish = {"image_vector": np.full(1024, 1 / 32, np.float32)}
        pipeline = Art2MusPipeline(parts, placement=placement)
    else:
        modules["image unet"] = parts.image.unet
        noise = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
        wish = {"picture": Picture(noise, "noise", "0" * 64), "words": "slow piano"}
        pipeline = MelfusionPipeline(parts, placement=placement)
    for module in modules.values():
        module.eval().requires_grad_(False)
    ticks = []
    started = time.perf_counter()
    pipeline(
        **wish,
        steps=args.steps,
        seconds=args.seconds,
        on_progress=lambda *_: ticks.append((time.perf_counter(), time.process_time())),
    )
    ended = time.perf_counter()
    steps = np.diff([wall for wall, _ in ticks])
    cpu = np.diff([used for _, used in ticks])
    cuda = torch.cuda.max_memory_allocated() / 2**20 if placement.device.type == "cuda" else None
    report = {
        "system": args.system,
        "device": str(placement.device),
        "precision": str(placement.dtype),
        "threads": args.threads,
        "seconds_of_music": args.seconds,
        "millions_of_weights": {k: round(sum(p.numel() for p in m.parameters()) / 1e6, 1) for k, m in modules.items()},
        "s_per_step": round(float(steps.mean()), 3) if len(steps) else None,
        "cpu_s_per_step": round(float(cpu.mean()), 3) if len(steps) else None,  # what a busy machine does not change
        "s_to_first_step": round(ticks[0][0] - started, 2),
        "s_after_last_step": round(ended - ticks[-1][0], 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "peak_device_mb": None if cuda is None else round(cuda),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
