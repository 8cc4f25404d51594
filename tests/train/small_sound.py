"""A tiny prepared sound file: made-up latents with an honest latent, for tests that train on it."""

from pathlib import Path

import numpy as np

from klangbild.data.sound_data import FACT_TYPES, SoundData
from klangbild.diffusion.small_latent import CHANNELS, N_MELS, PATCH, MelLatent, to_int8
from klangbild.notes.families import FAMILY_NAMES


def small_sound_data(path: Path, *, clips: int = 12) -> SoundData:
    """Clips whose latents are a steady shape that depends on their mode, and noise; the last four are held out."""
    rng = np.random.default_rng(1)
    mode = np.arange(clips) % 2
    shapes = rng.standard_normal((2, 1, CHANNELS)) * 0.6
    latents = shapes[mode] + 0.8 * rng.standard_normal((clips, 160, CHANNELS))
    axes = np.linalg.qr(rng.standard_normal((PATCH * N_MELS, CHANNELS)))[0].astype(np.float32)
    facts = {
        "valence": np.where(mode, 0.7, -0.7), "arousal": np.linspace(-0.9, 0.9, clips), "tempo": np.full(clips, 70.0),
        "mode": mode, "tonic": np.zeros(clips), "meter": np.full(clips, 34), "families": np.full(clips, 0b1000010),
        "rate": np.full(clips, 3.0), "loudness": np.full(clips, -20.0), "pool": np.zeros(clips),
        "transpose": np.zeros(clips),
    }  # fmt: skip
    data = SoundData(
        latents=to_int8(latents),
        clip_piece=np.arange(clips, dtype=np.int32),
        clip_heldout=np.arange(clips) >= clips - 4,
        clip_section=np.arange(clips, dtype=np.int32),
        clip_bar=np.zeros(clips, np.uint8),
        latent=MelLatent(np.zeros(PATCH * N_MELS, np.float32), axes, np.linspace(4, 1, CHANNELS, dtype=np.float32)),
        about={
            "pools": ["pop909"], "licences": {"pop909": ["MIT"]}, "families": list(FAMILY_NAMES),
            "soundfont": {"name": "none", "sha256": ""}, "variance_kept": 0.97,
        },
        **{name: np.asarray(facts[name]).astype(kind) for name, kind in FACT_TYPES.items()},
    )  # fmt: skip
    data.save(path)
    return data
