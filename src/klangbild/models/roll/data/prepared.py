"""`RollData`: the prepared file of the piano-roll latent, in memory and on disk (.npz, compressed, no pickles).

Stretches of music in 4/4 on the grid of sixteenths (`diffusion.roll`), cut out of prepared notes, and clips: windows of
64 beats (16 bars) in them, which overlap by half, with what each of them is. `beats` makes of it what the autoencoder learns.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError
from klangbild.models.roll.grid import BAR_BEATS, FIRST_LANE, GROUP_OF_LANE, GROUPS, N_LANES, STEPS, RollNotes
from klangbild.whole_files import atomic_npz

CLIP_BEATS = 64
ONSETS, SOUNDING = 0, STEPS * N_LANES
"""Where the two halves of a beat's numbers begin: step s, lane l is number ONSETS + s N_LANES + l, or SOUNDING + the same."""
BEAT_SIZE = 2 * STEPS * N_LANES
FACT_TYPES = {
    "valence": "f4", "arousal": "f4", "tempo": "f4", "mode": "u1", "tonic": "u1", "meter": "u1", "families": "u2",
    "rate": "f4", "pool": "u1",
}  # fmt: skip


@dataclass(frozen=True)
class Beats:
    """B beats of all stretches, one after the other, each a set of numbers of `BEAT_SIZE`.

    index (E,) int16 and offset (B + 1,) int64: beat b is index[offset[b]:offset[b + 1]]. loud (B, 6) float32: mean loudness
    0..1 of the notes of each group that start in a beat, 0 where none does. first (R,) int64: where each stretch begins.
    """

    index: np.ndarray
    offset: np.ndarray
    loud: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.loud)


@dataclass(frozen=True)
class RollData:
    """R stretches of M notes in all, and N clips of them."""

    note_step: np.ndarray
    """(M,) uint16, from the stretch's start."""
    note_lane: np.ndarray
    """(M,) uint16."""
    note_length: np.ndarray
    """(M,) uint8, in steps."""
    note_loud: np.ndarray
    """(M,) uint8, velocity."""
    run_start: np.ndarray
    """(R + 1,) int64: stretch r has the notes run_start[r]:run_start[r + 1]."""
    run_beats: np.ndarray
    """(R,) int32."""
    clip_run: np.ndarray
    clip_beat: np.ndarray
    """(N,) int32: the stretch, and the beat of it where the clip starts."""
    clip_piece: np.ndarray
    """(N,) int32: the piece's number in the notes file."""
    clip_heldout: np.ndarray
    """(N,) bool: the same split as the notes."""
    valence: np.ndarray
    arousal: np.ndarray
    tempo: np.ndarray
    mode: np.ndarray
    tonic: np.ndarray
    meter: np.ndarray
    families: np.ndarray
    rate: np.ndarray
    pool: np.ndarray
    """(N,) each: see `sound_data.SoundData`. The tonic is that of the grid, C or A."""
    about: dict[str, Any]
    """Pools, families, licences, sha256 of the notes file, counts of what was left out."""

    def __len__(self) -> int:
        return len(self.clip_run)

    def notes(self, run: int) -> RollNotes:
        """A stretch's notes."""
        mine = slice(int(self.run_start[run]), int(self.run_start[run + 1]))
        whole = (part[mine].astype(np.int32) for part in (self.note_step, self.note_lane, self.note_length))
        return RollNotes(*whole, self.note_loud[mine].astype(np.float32) / 127)

    def height(self) -> np.ndarray:
        """How high each clip lies: mean pitch of its pitched notes, (N,) MIDI numbers; 60 for drums alone."""
        pitch = np.array([group.lowest for group in GROUPS])[GROUP_OF_LANE] + np.arange(N_LANES)
        pitch -= np.array(FIRST_LANE[:-1])[GROUP_OF_LANE]
        found = []
        for clip in range(len(self)):
            lanes = self.clip_notes(clip).lane
            lanes = lanes[GROUP_OF_LANE[lanes] > 0]
            found.append(pitch[lanes].mean() if len(lanes) else 60.0)
        return np.array(found, np.float32)

    def place(self, clip: int) -> tuple[int, int, int, int]:
        """Piece, stretch, bar of it, and semitones moved (none): where a clip comes from."""
        return int(self.clip_piece[clip]), int(self.clip_run[clip]), int(self.clip_beat[clip]) // BAR_BEATS, 0

    def clip_notes(self, clip: int) -> RollNotes:
        """A clip's notes, from its first beat; those that began before it are left out."""
        notes = self.notes(int(self.clip_run[clip]))
        start = int(self.clip_beat[clip]) * STEPS
        mine = (notes.step >= start) & (notes.step < start + CLIP_BEATS * STEPS)
        return RollNotes(notes.step[mine] - start, notes.lane[mine], notes.length[mine], notes.loud[mine])

    def beats(self) -> Beats:
        """All stretches as beats."""
        first = np.concatenate([[0], np.cumsum(self.run_beats.astype(np.int64))])
        run = np.repeat(np.arange(len(self.run_beats)), np.diff(self.run_start))
        origin = first[run] * STEPS
        notes = RollNotes(
            origin + self.note_step, self.note_lane.astype(np.int64), self.note_length.astype(np.int64),
            self.note_loud.astype(np.float32) / 127,
        )  # fmt: skip
        return Beats(*beat_sets(notes, int(first[-1]), last=first[run + 1] * STEPS), first[:-1])

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "about"}
        # steps as differences: a third of the size, since most are 0 or 2
        arrays["note_step"] = _differences(self.note_step, self.run_start)
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays)

    @staticmethod
    def load(path: Path) -> RollData:
        """Raises InputError: missing, or not a prepared file of ours."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            about = json.loads(str(arrays.pop("about")))
            arrays["note_step"] = _sums(arrays["note_step"], arrays["run_start"])
            return RollData(**arrays, about=about)
        except FileNotFoundError:
            raise InputError(
                f"{path}: there are no prepared rolls; make them with 'klangbild data prepare roll NOTES.npz'"
            ) from None
        except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no prepared rolls ({error}); prepare it again") from None


def beat_sets(
    notes: RollNotes, n_beats: int, *, last: np.ndarray | int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Notes -> index (E,), offset (n_beats + 1,), loud (n_beats, 6) as in `Beats`; last: the step at which
    each note must have ended.

    A drum has an onset only. Another note is sounding from its onset until it ends or its lane is struck again.
    """
    end_of_all = n_beats * STEPS if last is None else last
    step, lane = notes.step.astype(np.int64), notes.lane.astype(np.int64)
    length = np.minimum(notes.length, end_of_all - step)
    order = np.lexsort((step, lane))
    again = np.diff(lane[order]) == 0
    length[order[:-1][again]] = np.minimum(length[order[:-1][again]], np.diff(step[order])[again])
    pitched = GROUP_OF_LANE[lane] > 0
    n_sounding = np.where(pitched, np.maximum(length, 1), 0)
    note = np.repeat(np.arange(len(step)), n_sounding)
    at = step[note] + np.arange(len(note)) - np.repeat(np.cumsum(n_sounding) - n_sounding, n_sounding)
    steps = np.concatenate([step, at])
    numbers = np.concatenate(
        [ONSETS + step % STEPS * N_LANES + lane, SOUNDING + at % STEPS * N_LANES + lane[note]]
    ).astype(np.int16)
    beat = steps // STEPS
    order = np.argsort(beat, kind="stable")
    offset = np.searchsorted(beat[order], np.arange(n_beats + 1))
    place = step // STEPS * len(GROUPS) + GROUP_OF_LANE[lane]
    total, count = (np.bincount(place, w, minlength=n_beats * len(GROUPS)) for w in (notes.loud, None))
    loud = (total / np.maximum(count, 1)).reshape(n_beats, len(GROUPS)).astype(np.float32)
    return numbers[order], offset.astype(np.int64), loud


def _differences(step: np.ndarray, run_start: np.ndarray) -> np.ndarray:
    found = np.diff(step.astype(np.int32), prepend=0)
    starts = run_start[:-1][np.diff(run_start) > 0]
    found[starts] = step[starts]
    return found.astype(np.uint16)


def _sums(difference: np.ndarray, run_start: np.ndarray) -> np.ndarray:
    total = np.cumsum(difference.astype(np.int64))
    starts = run_start[:-1]
    before = np.concatenate([[0], total])[starts]
    return (total - np.repeat(before, np.diff(run_start))).astype(np.uint16)
