"""`klangbild data prepare sound NOTES.npz`: prepared notes to the one file that the small sound model is trained from.

Clips are planned and rendered (`sound_clips`), turned to log-mel, the latent's axes fitted on the training clips
(`diffusion.small_latent`), and everything written as int8 latents with what each clip is (`sound_data`). Nothing is
written before the end: Ctrl-C leaves the former file whole.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np

from klangbild.data.manifest import sha256_of
from klangbild.data.note_data import NoteData
from klangbild.data.sound_clips import CLIP_S, Clip, plan_clips, render_clip
from klangbild.data.sound_data import FACT_TYPES, SoundData
from klangbild.diffusion import small_latent
from klangbild.diffusion.small_latent import PatchMoments, log_mel, magnitudes, to_int8
from klangbild.errors import InputError
from klangbild.notes.families import FAMILY_NAMES
from klangbild.sound.fonts import find_soundfont

DEFAULT_CLIPS = 2700


def prepare_sound(
    notes_file: Path,
    out: Path,
    *,
    n_clips: int = DEFAULT_CLIPS,
    soundfont: Path | None = None,
    seed: int = 1,
    latent_out: Path | None = None,
    progress: bool = True,
) -> SoundData:
    """Render clips of `notes_file`, fit the latent and write `out` (and the latent alone to `latent_out`).

    Every held-out piece gives a clip, unless they would be more than half of `n_clips`.

    Raises:
        InputError: the notes cannot be used, or too few clips of them sound.
    """
    notes = NoteData.load(notes_file)
    font = find_soundfont(soundfont)
    mels, clips = [], []
    moments = PatchMoments()
    for clip in _bar(rendered(notes, n_clips, font, seed=seed), total=n_clips, shown=progress):
        mel = log_mel(magnitudes(clip.sound))
        if not clip.plan.heldout:
            moments.add(mel)
        mels.append(mel.astype(np.float16))
        clips.append(Clip(clip.plan, np.zeros(0, np.float32), clip.facts))
    try:
        latent, kept = moments.fit()
    except ValueError as error:
        raise InputError(f"{notes_file}: gives too few clips that sound ({error}); prepare more music first") from None
    plans = [asdict(clip.plan) for clip in clips]
    data = SoundData(
        latents=np.stack([to_int8(latent.encode(mel)) for mel in mels]),
        clip_piece=np.array([p["piece"] for p in plans], np.int32),
        clip_heldout=np.array([p["heldout"] for p in plans], bool),
        clip_section=np.array([p["section"] for p in plans], np.int32),
        clip_bar=np.array([p["bar"] for p in plans], np.uint8),
        latent=latent,
        about={
            "pools": notes.about["pools"],
            "families": list(FAMILY_NAMES),
            "licences": notes.about["licences"],
            "soundfont": {"name": font.name, "sha256": sha256_of(font.read_bytes())},
            "seed": seed,
            "mel": {
                n: getattr(small_latent, n.upper()) for n in ("rate", "n_fft", "hop", "n_mels", "patch", "channels")
            },
            "floor": small_latent.FLOOR,
            "variance_kept": kept,
            "notes_sha256": sha256_of(notes_file.read_bytes()),
        },
        **{name: np.array([clip.facts[name] for clip in clips], kind) for name, kind in FACT_TYPES.items()},
    )
    data.save(out)
    if latent_out:
        latent.save(latent_out)
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
    """A line for each pool, and one for the latent."""
    lines = []
    for number, pool in enumerate(data.about["pools"]):
        mine = data.pool == number
        if mine.any():
            lines.append(f"{pool}: {mine.sum()} clips, {(mine & data.clip_heldout).sum()} held out")
    hours = len(data) * CLIP_S / 3600
    lines.append(
        f"{len(data)} clips, {hours:.2f} h; the latent keeps {data.about['variance_kept']:.3f} of the variance"
    )
    return "\n".join(lines)
