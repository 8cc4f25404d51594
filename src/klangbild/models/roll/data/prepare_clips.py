"""`klangbild data prepare sound NOTES.npz`: the played clips that the sound model is measured by.

Clips are planned and played (`sound_clips`), and written as where they come from and what each is (`sound_data`). Nothing is
written before the end: Ctrl-C leaves the former file whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.data.clip_table import FACT_TYPES, SoundData
from klangbild.models.roll.data.clips import CLIP_S, Clip, plan_clips, render_clip
from klangbild.music.families import FAMILY_NAMES
from klangbild.sound.fonts import find_soundfont
from klangbild.training.manifest import sha256_of

DEFAULT_CLIPS = 2700


def prepare_sound(
    notes_file: Path,
    out: Path,
    *,
    n_clips: int = DEFAULT_CLIPS,
    soundfont: Path | None = None,
    seed: int = 1,
    progress: bool = True,
) -> SoundData:
    """Play clips of `notes_file` and write `out`.

    Every held-out piece gives a clip, unless they would be more than half of `n_clips`.

    Raises:
        InputError: the notes cannot be used, or no clip of them sounds.
    """
    notes = NoteData.load(notes_file)
    font = find_soundfont(soundfont)
    plans, facts = [], []
    for clip in _bar(rendered(notes, n_clips, font, seed=seed), total=n_clips, shown=progress):
        plans.append(asdict(clip.plan))
        facts.append(clip.facts)
    if not plans:
        raise InputError(f"{notes_file}: gives no clip that sounds; prepare more music first")
    data = SoundData(
        clip_piece=np.array([p["piece"] for p in plans], np.int32),
        clip_heldout=np.array([p["heldout"] for p in plans], bool),
        clip_section=np.array([p["section"] for p in plans], np.int32),
        clip_bar=np.array([p["bar"] for p in plans], np.uint8),
        about={
            "pools": notes.about["pools"],
            "families": list(FAMILY_NAMES),
            "licences": notes.about["licences"],
            "soundfont": {"name": font.name, "sha256": sha256_of(font.read_bytes())},
            "seed": seed,
            "notes_sha256": sha256_of(notes_file.read_bytes()),
        },
        **{name: np.array([own[name] for own in facts], kind) for name, kind in FACT_TYPES.items()},
    )
    data.save(out)
    if progress:
        print(summary(data), file=sys.stderr)
    return data


def rendered(notes: NoteData, n_clips: int, soundfont: Path, *, seed: int) -> Iterable[Clip]:
    """The first `n_clips` clips that sound."""
    clips = (render_clip(notes, plan, soundfont) for plan in plan_clips(notes, n_clips, seed=seed))
    return islice((clip for clip in clips if clip is not None), n_clips)


def _bar(items: Iterable[Clip], *, total: int, shown: bool) -> Iterable[Clip]:
    from tqdm import tqdm

    return tqdm(items, total=total, desc="clips", unit="clip", disable=not shown, file=sys.stderr, mininterval=2.0)


def summary(data: SoundData) -> str:
    """A line for each pool, and one for all."""
    lines = []
    for number, pool in enumerate(data.about["pools"]):
        mine = data.pool == number
        if mine.any():
            lines.append(f"{pool}: {mine.sum()} clips, {(mine & data.clip_heldout).sum()} held out")
    hours = len(data) * CLIP_S / 3600
    return "\n".join([*lines, f"{len(data)} clips, {hours:.2f} h"])
