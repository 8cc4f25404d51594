"""Sound for the mel-to-magnitudes net: some hundred rendered clips, kept as 16-bit samples so that a second run need not render.

Clips are planned and played as those of the sound model (`sound_clips`), with another seed: other sections, other shifts.
"""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.atomic import atomic_path
from klangbild.data.note_data import NoteData
from klangbild.data.sound_clips import ClipPlan, plan_clips, render_clip
from klangbild.errors import InputError
from klangbild.sound.fonts import find_soundfont

SEED = 2


@dataclass(frozen=True)
class VocoderClips:
    """sounds (n, 163840) int16, full scale 32767, 16 kHz; heldout (n,) bool, the split of the notes."""

    sounds: np.ndarray
    heldout: np.ndarray

    def side(self, *, heldout: bool) -> np.ndarray:
        """float32 (n, 163840) of one side of the split."""
        return self.sounds[self.heldout == heldout].astype(np.float32) / 32767

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, sounds=self.sounds, heldout=self.heldout)

    @staticmethod
    def load(path: Path) -> VocoderClips:
        """Raises InputError: missing, or not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                return VocoderClips(archive["sounds"], archive["heldout"])
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no rendered clips ({error}); delete it and train again") from None


def vocoder_clips(path: Path, notes_file: Path, *, n_train: int, n_heldout: int, progress: bool = True) -> VocoderClips:
    """What `path` holds, else rendered from prepared notes and kept there.

    Raises:
        InputError: the notes cannot be used, or not one clip of a side sounds.
    """
    if path.is_file():
        return VocoderClips.load(path)
    from tqdm import tqdm

    notes, font = NoteData.load(notes_file), find_soundfont(None)
    wanted = {False: n_train, True: n_heldout}
    sounds, sides = [], []
    with tqdm(total=n_train + n_heldout, desc="clips", disable=not progress, file=sys.stderr, mininterval=5) as bar:
        for plan in _plans(notes, n_train, n_heldout):
            if wanted[plan.heldout] == 0:
                continue
            clip = render_clip(notes, plan, font)
            if clip is not None:
                wanted[plan.heldout] -= 1
                sounds.append((np.clip(clip.sound, -1, 1) * 32767).astype(np.int16))
                sides.append(plan.heldout)
                bar.update()
    if not sounds or all(sides) or not any(sides):
        raise InputError(f"{notes_file}: gives no clip that sounds on a side of the split; prepare more music first")
    clips = VocoderClips(np.stack(sounds), np.array(sides))
    clips.save(path)
    return clips


def _plans(notes: NoteData, n_train: int, n_heldout: int) -> list[ClipPlan]:
    return list(plan_clips(notes, n_train + 2 * n_heldout, seed=SEED))
