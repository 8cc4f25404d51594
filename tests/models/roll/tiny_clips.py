"""A tiny prepared file of played clips: made-up facts, for tests of what reads them."""

from pathlib import Path

import numpy as np

from klangbild.models.roll.data.clip_table import FACT_TYPES, SoundData
from klangbild.music.families import FAMILY_NAMES


def tiny_clip_table(path: Path, *, clips: int = 12) -> SoundData:
    """Waltzes for piano and strings, every other one major; the last four are held out."""
    mode = np.arange(clips) % 2
    facts = {
        "valence": np.where(mode, 0.7, -0.7), "arousal": np.linspace(-0.9, 0.9, clips), "tempo": np.full(clips, 70.0),
        "mode": mode, "tonic": np.zeros(clips), "meter": np.full(clips, 34), "families": np.full(clips, 0b1000010),
        "rate": np.full(clips, 3.0), "loudness": np.full(clips, -20.0), "pool": np.zeros(clips),
        "transpose": np.zeros(clips), "centroid": np.linspace(20, 40, clips),
    }  # fmt: skip
    data = SoundData(
        clip_piece=np.arange(clips, dtype=np.int32),
        clip_heldout=np.arange(clips) >= clips - 4,
        clip_section=np.arange(clips, dtype=np.int32),
        clip_bar=np.zeros(clips, np.uint8),
        about={"pools": ["pop909"], "licences": {"pop909": ["MIT"]}, "families": list(FAMILY_NAMES)},
        **{name: np.asarray(facts[name]).astype(kind) for name, kind in FACT_TYPES.items()},
    )
    data.save(path)
    return data
