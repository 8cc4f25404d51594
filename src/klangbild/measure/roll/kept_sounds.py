"""Sounds that the measures of the sound models listen to, each kept as WAV so that a stopped call goes on.

What a model made lies in a folder named by the way, by the hash of the weights that made it, and by guidance, steps and seed:
other weights never meet an old sound. Clips lie by their number in the prepared file, whatever model is measured.

Sounds are mono at 16 kHz, 10.24 s, dry. The noise of a pair follows from its number, so it is the same in all ways and does not
depend on who else is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.measure.results import progress
from klangbild.measure.roll.held_pairs import Chosen
from klangbild.metrics.sound_embedding import raw_features
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.roll.base import SoundRequest
from klangbild.models.roll.caption_words import MAX_WORDS
from klangbild.models.roll.condition import Condition
from klangbild.models.roll.data.clip_table import SoundData
from klangbild.models.roll.data.clips import CLIP_S, CLIP_SAMPLES, ClipPlan, render_clip
from klangbild.models.roll.dry_sound import RATE
from klangbild.models.roll.model import RollSound
from klangbild.sound.audio import Audio
from klangbild.sound.files import read_audio, write_audio
from klangbild.sound.fonts import find_soundfont

Sounds = list[tuple[str, Audio]]


def made(
    model: RollSound,
    way: str,
    chosen: Chosen,
    condition: Callable[[int], Condition],
    work: Path,
    *,
    part: str = "",
    names: dict[int, str] | None = None,
    guidance: float,
    steps: int,
    seed: int,
) -> Sounds:
    """Sound for every chosen pair, from `work` where it is there already.

    condition: row of a pair -> what is listened to. part: hash of what else than the model makes the sound. names: of the files,
    where a pair's row does not say all.
    """
    folder = work / f"{way}-{model.sha256(part)[:8]}-g{guidance:g}-n{steps}-s{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    nothing = model.words([0] * MAX_WORDS)
    out = []
    for row in progress(chosen.rows.tolist(), text=way):
        path = folder / f"{names[row] if names else f'{row:05d}'}.wav"
        if not path.is_file():
            rng = np.random.default_rng([seed, row])
            asked = SoundRequest(CLIP_S, chosen.emotion(row))
            latents = model.make(condition(row), nothing, rng, asked, steps=steps, guidance=guidance)
            sound = model.sound(latents, np.random.default_rng([seed, row, 1]))[:CLIP_SAMPLES]
            write_audio(path, as_audio(np.pad(sound, (0, CLIP_SAMPLES - len(sound)))))
        out.append((f"{row:05d}", read_audio(path)))
    return out


def played(data: SoundData, clips: np.ndarray, notes: NoteData, work: Path) -> Sounds:
    """Clips (n,), by number, rendered from their plans. Raises InputError: one does not sound."""
    work.mkdir(parents=True, exist_ok=True)
    out = []
    for clip in progress(clips.tolist(), text=work.name):
        path = work / f"{clip:05d}.wav"
        if not path.is_file():
            write_audio(path, as_audio(_rendered(notes, data.plan(clip), clip)))
        out.append((path.stem, read_audio(path)))
    return out


def first_that_sound(plans: Iterable[ClipPlan], n: int, notes: NoteData, work: Path) -> Sounds:
    """The first n of some plans that sound; near a piece's end there may be too little. Raises InputError: fewer do."""
    work.mkdir(parents=True, exist_ok=True)
    font, out = find_soundfont(None), []
    for plan in progress(plans, text=work.name):
        if len(out) == n:
            break
        path = work / f"{plan.section:06d}{plan.shift:+d}.wav"
        if not path.is_file():
            clip = render_clip(notes, plan, font)
            if clip is None:
                continue
            write_audio(path, as_audio(clip.sound))
        out.append((path.stem, read_audio(path)))
    if len(out) < n:
        raise InputError(f"{work.name}: only {len(out)} of the {n} clips needed sound; choose another set with --other")
    return out


def features_of_clips(data: SoundData, clips: np.ndarray, notes: NoteData, work: Path) -> list[np.ndarray]:
    """Raw numbers of `sound_embedding`, (stretches, 120) each, of played clips; the numbers are kept, not the sound."""
    folder = work / "features-played"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for clip in progress(clips.tolist(), text="training clips"):
        path = folder / f"{clip:05d}.npy"
        if not path.is_file():
            temporary = path.with_suffix(".part.npy")
            np.save(temporary, raw_features(as_audio(_rendered(notes, data.plan(clip), clip))))
            temporary.replace(path)
        found.append(np.load(path))
    return found


def as_audio(mono: np.ndarray) -> Audio:
    """Samples (n,) at 16 kHz as sound (1, n)."""
    return Audio(np.asarray(mono, np.float32)[None], RATE)


def _rendered(notes: NoteData, plan: ClipPlan, number: int) -> np.ndarray:
    clip = render_clip(notes, plan, find_soundfont(None))
    if clip is None:
        raise InputError(f"clip {number} does not sound; are these the notes that the sound was prepared from?")
    return clip.sound
