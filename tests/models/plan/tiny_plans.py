"""Tiny prepared plans and pairs: two kinds of pieces, so that there is something to learn."""

from pathlib import Path

import numpy as np

from klangbild.models.bars.section_attributes import N_VALUES, NAMES
from klangbild.models.plan.data.pairs import PicturePairs, match
from klangbild.models.plan.data.picture_views import PictureViews
from klangbild.models.plan.data.prepared import CLIP_SECTIONS, PlanClips
from klangbild.music.families import FAMILY_NAMES


def tiny_plans(path: Path, *, clips: int = 24) -> PlanClips:
    """Each clip one section over and over: even ones slow piano in minor, odd ones fast brass in major; the last third is held out."""
    rng = np.random.default_rng(0)
    fast = np.arange(clips) % 2 == 1
    values = rng.integers(-100, 100, (clips, N_VALUES)).astype(np.int8)
    values[:, : len(FAMILY_NAMES)] = -127
    values[np.arange(clips), np.where(fast, FAMILY_NAMES.index("brass"), FAMILY_NAMES.index("piano"))] = 127
    data = PlanClips(
        values=values,
        valence=rng.uniform(-0.9, 0.9, clips).astype(np.float32),
        arousal=np.where(fast, 0.8, -0.8).astype(np.float32),
        bpm=np.where(fast, 170.0, 65.0).astype(np.float32),
        major=fast,
        triple=np.zeros(clips, bool),
        compound=np.zeros(clips, bool),
        rate=np.where(fast, 12.0, 3.0).astype(np.float32),
        clip_section=np.repeat(np.arange(clips, dtype=np.int32)[:, None], CLIP_SECTIONS, axis=1),
        clip_piece=np.arange(clips, dtype=np.int32),
        clip_heldout=np.arange(clips) >= clips * 2 // 3,
        clip_pool=np.zeros(clips, np.uint8),
        about={
            "pools": ["pop909"],
            "licences": {"pop909": ["MIT"]},
            "families": len(FAMILY_NAMES),
            "attributes": list(NAMES),
        },
    )
    data.save(path)
    return data


def tiny_views(n: int = 40) -> PictureViews:
    """Pictures whose encoder says their arousal."""
    rng = np.random.default_rng(1)
    asked = rng.uniform(-0.9, 0.9, (n, 2)).astype(np.float32)
    embedding = rng.normal(0, 1, (n, 2976)).astype(np.float16)
    embedding[:, :200] += asked[:, 1:].astype(np.float16) * 3
    digests = [f"{int(x):08x}" + "0" * 56 for x in rng.integers(0, 2**32, n)]
    return PictureViews(
        np.array([f"wikiart/{i}.jpg" for i in range(n)]), np.array(digests), asked, rng.uniform(-1, 1, (n, 6)).astype(np.float32),
        embedding, rng.normal(0, 1, (n, 320)).astype(np.float16),
    )  # fmt: skip


def tiny_pairs(path: Path, plans: PlanClips) -> PicturePairs:
    pairs = match(tiny_views(), plans)
    pairs.save(path)
    return pairs
