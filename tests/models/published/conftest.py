"""The published systems' own classes at tiny size, random weights, as folders that `from_pretrained` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'diffusion'")
pytest.importorskip("diffusers", reason="needs the extra 'diffusion'")
pytest.importorskip("transformers", reason="needs the extra 'diffusion'")

from klangbild.models.published.art2mus.projection import ImageProjection  # noqa: E402
from klangbild.models.published.imagebind.audio import AudioConfig  # noqa: E402
from klangbild.models.published.imagebind.model import ImageBind, ImageBindConfig  # noqa: E402
from klangbild.models.published.imagebind.text import TextConfig  # noqa: E402
from klangbild.models.published.imagebind.vision import VisionConfig  # noqa: E402
from klangbild.picture.picture import Picture  # noqa: E402

IMAGE_DIM = T5_DIM = 24  # equal in the published system as well (1024): a picture's vector can join the T5 stream
LOA_DIM = 16
TINY_IMAGEBIND = ImageBindConfig(
    vision=VisionConfig(image_px=28, width=32, n_blocks=1, n_heads=4, out_dim=IMAGE_DIM),
    audio=AudioConfig(width=24, n_blocks=1, n_heads=3, out_dim=IMAGE_DIM),
    text=TextConfig(vocabulary=64, context=12, width=16, n_blocks=1, n_heads=2, out_dim=IMAGE_DIM),
)


@pytest.fixture(scope="session")
def tiny_imagebind() -> ImageBindConfig:
    return TINY_IMAGEBIND


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def picture() -> Picture:
    rgb = np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Picture(rgb, name="noise", sha256="0" * 64)


@pytest.fixture
def other_picture() -> Picture:
    rgb = np.zeros((50, 30, 3), dtype=np.uint8)
    rgb[10:20] = (200, 30, 90)
    return Picture(rgb, name="stripe", sha256="1" * 64)


@pytest.fixture
def latents_of(monkeypatch):
    """latents_of(pipeline, ...) -> the latents (channels, frames, bands) that the pipeline decodes to sound."""

    def latents_of(pipeline, *args, **options):
        kept: list[torch.Tensor] = []
        sound = type(pipeline.parts.sound)
        decode = sound.decode

        def keeping(self, latents):
            kept.append(latents.clone())
            return decode(self, latents)

        with monkeypatch.context() as patch:
            patch.setattr(sound, "decode", keeping)
            pipeline(*args, **({"seconds": 0.5, "steps": 1, "seed": 2} | options))
        return kept[0][0].double().numpy()

    return latents_of


def tokenizer(*, clap: bool, max_length: int):
    """A byte-level tokenizer without merges, offline, with the special tokens of CLAP's (RoBERTa) or T5's."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if clap else ["<pad>", "</s>", "<unk>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(special + letters)}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    end = vocabulary["</s>"]
    pattern, named = ("<s> $A </s>", [("<s>", 0), ("</s>", end)]) if clap else ("$A </s>", [("</s>", end)])
    backend.post_processor = processors.TemplateProcessing(single=pattern, special_tokens=named)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>" if clap else None,
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=max_length,
    )


@pytest.fixture(scope="session")
def audioldm2_folder(tmp_path_factory) -> Path:
    """AudioLDM 2, ImageBind and both image projections, tiny."""
    from diffusers import AudioLDM2ProjectionModel, AudioLDM2UNet2DConditionModel, AutoencoderKL, DDIMScheduler
    from transformers import (
        ClapAudioConfig,
        ClapConfig,
        ClapFeatureExtractor,
        ClapModel,
        ClapTextConfig,
        GPT2Config,
        GPT2Model,
        T5Config,
        T5EncoderModel,
    )

    folder = tmp_path_factory.mktemp("audioldm2")
    torch.manual_seed(0)
    unet = AudioLDM2UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=8,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=([None, LOA_DIM, T5_DIM], [None, LOA_DIM, T5_DIM]),
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        in_channels=1,
        out_channels=1,
        norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        scaling_factor=0.41109,
    )
    scheduler = DDIMScheduler(
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    clap = ClapModel(
        ClapConfig(
            text_config=ClapTextConfig(
                vocab_size=270,
                hidden_size=12,
                intermediate_size=24,
                num_attention_heads=2,
                num_hidden_layers=1,
                max_position_embeddings=40,
                projection_dim=12,
            ).to_dict(),
            audio_config=ClapAudioConfig(
                spec_size=128,
                num_mel_bins=64,
                window_size=4,
                patch_size=4,
                patch_stride=[4, 4],
                hidden_size=32,
                patch_embeds_hidden_size=16,
                depths=[1, 1],
                num_attention_heads=[2, 2],
                num_hidden_layers=2,
                projection_dim=12,
            ).to_dict(),
            projection_dim=12,
        )
    )
    t5 = T5EncoderModel(
        T5Config(
            vocab_size=270, d_model=T5_DIM, d_ff=32, d_kv=8, num_heads=2, num_layers=1, feed_forward_proj="gated-gelu"
        )
    )
    gpt2 = GPT2Model(
        GPT2Config(
            n_embd=LOA_DIM, n_head=2, n_layer=2, vocab_size=11, n_positions=128, bos_token_id=None, eos_token_id=None
        )
    )
    bridge = AudioLDM2ProjectionModel(text_encoder_dim=12, text_encoder_1_dim=T5_DIM, langauge_model_dim=LOA_DIM)
    components = {
        "unet": unet,
        "vae": vae,
        "scheduler": scheduler,
        "text_encoder": clap,
        "text_encoder_2": t5,
        "language_model": gpt2,
        "projection_model": bridge,
        "vocoder": tiny_vocoder(),
        "tokenizer": tokenizer(clap=True, max_length=32),
        "tokenizer_2": tokenizer(clap=False, max_length=64),
        "feature_extractor": ClapFeatureExtractor(feature_size=64, max_length_s=1),
    }
    for name, component in components.items():
        component.save_pretrained(folder / name)
    for n_tokens, name in ((1, "art2mus_img_proj_layer.pt"), (4, "art2mus_4_img_proj_layer.pt")):
        ImageProjection(n_tokens=n_tokens, image_dim=IMAGE_DIM, hidden_dim=32, token_dim=LOA_DIM).save(folder / name)
    imagebind = ImageBind(TINY_IMAGEBIND, towers=("vision", "audio", "text"))
    published = {}
    from klangbild.models.published.imagebind.model import published_name

    for name, value in imagebind.state_dict().items():
        published[published_name(name)] = value
    torch.save(published, folder / "imagebind_huge.pth")
    TINY_IMAGEBIND.save(folder / "imagebind_huge.pth")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# tiny\n", encoding="utf-8")
    return folder


def tiny_vocoder():
    """Loud enough to be heard: its default weights are close to silence."""
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    config = SpeechT5HifiGanConfig(
        model_in_dim=8,
        sampling_rate=16000,
        upsample_initial_channel=16,
        upsample_rates=[4, 4, 10],  # 160 samples a frame, as in the published one
        upsample_kernel_sizes=[8, 8, 20],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        normalize_before=False,
    )
    vocoder = SpeechT5HifiGan(config)
    with torch.no_grad():
        for weight in vocoder.parameters():
            weight.normal_(0, 0.15)
    return vocoder


def tiny_unet(*, channels: int, size):
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=size,
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=T5_DIM,
        attention_head_dim=(2, 4, 4),
        use_linear_projection=True,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    )


def tiny_vae(*, channels: int, latent_channels: int, scaling_factor: float):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16),
        in_channels=channels,
        out_channels=channels,
        norm_num_groups=8,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=latent_channels,
        scaling_factor=scaling_factor,
    )


@pytest.fixture(scope="session")
def melfusion_folders(tmp_path_factory) -> tuple[Path, Path]:
    """A Tango and a Stable Diffusion in diffusers' layout, tiny: (music, image)."""
    from diffusers import DDIMScheduler
    from transformers import T5Config, T5EncoderModel

    music, image = tmp_path_factory.mktemp("tango"), tmp_path_factory.mktemp("stable-diffusion")
    torch.manual_seed(1)
    schedule = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "v_prediction",
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "clip_sample": False,
    }
    t5 = T5EncoderModel(
        T5Config(
            vocab_size=270, d_model=T5_DIM, d_ff=32, d_kv=8, num_heads=2, num_layers=1, feed_forward_proj="gated-gelu"
        )
    )
    for name, component in {
        "unet": tiny_unet(channels=8, size=[32, 4]),
        "vae": tiny_vae(channels=1, latent_channels=8, scaling_factor=0.92),
        "vocoder": tiny_vocoder(),
        "scheduler": DDIMScheduler(**schedule),
        "text_encoder": t5,
        "tokenizer": tokenizer(clap=False, max_length=64),
    }.items():
        component.save_pretrained(music / name)
    for name, component in {
        "unet": tiny_unet(channels=4, size=8),
        "vae": tiny_vae(channels=3, latent_channels=4, scaling_factor=0.18215),
        "scheduler": DDIMScheduler(**schedule),
    }.items():
        component.save_pretrained(image / name)
    return music, image
