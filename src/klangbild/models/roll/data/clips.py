"""Clips of sound to measure the sound model by: which stretch of which piece, and how it sounds.

A clip is 10.24 s of a prepared piece (`NoteData`), decoded from its note ids and played by our own synthesizer: mono,
16 kHz, dry, moved by up to two semitones, all clips equally loud. It starts at a section's first bar (three of five) or
at another bar of it, so that the clip has what rings on from before.

Which clips are taken, and how they are moved, depends on the seed alone; a clip can be rendered again from its plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from klangbild.models.bars.data.emotion_labels import NO_LABEL
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.roll.dry_sound import MAX_SHIFT, PLAYED_RATE, RATE, leveled, played
from klangbild.music.describe import main_meter, main_tempo
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.key import estimate_key
from klangbild.music.piece import Piece
from klangbild.sound.mel_bank import slaney_mel_bank

CLIP_SAMPLES = 163_840
CLIP_S = CLIP_SAMPLES / RATE
POOL_SHARES = {
    "band": 0.50, "pop909": 0.155, "piano": 0.115, "emopia": 0.085, "vgmidi": 0.065, "orchestra": 0.055, "nottingham": 0.025,
}  # fmt: skip
"""How the training clips are shared out; a pool that is not named gets what "piano" gets."""
_MIN_NOTES = 10
_FRAME, _BANDS = 1024, 80
_MAX_SECTIONS = 4


@dataclass(frozen=True)
class ClipPlan:
    """Section and piece number, the bar of the section to start at, semitones to move by, and the side of the split."""

    section: int
    piece: int
    bar: int
    shift: int
    heldout: bool


@dataclass(frozen=True)
class Clip:
    """A rendered clip and what it is. sound (163840,) float32; facts as in `sound_data.SoundData`, one value each."""

    plan: ClipPlan
    sound: np.ndarray
    facts: dict[str, float | int]


def plan_clips(notes: NoteData, n_clips: int, *, seed: int = 1) -> Iterator[ClipPlan]:
    """Plans of clips: first one of every held-out piece (of some, if they would be more than half), then training clips by
    `POOL_SHARES`, the pools mixed. More than `n_clips`, since some turn out silent."""
    rng = np.random.default_rng(seed)
    by_piece = _usable_sections(notes)
    held = [piece for piece in by_piece if notes.piece_heldout[piece]]
    held = [held[i] for i in rng.permutation(len(held))[: n_clips // 2]]
    for piece in held:
        yield _plan(notes, piece, int(rng.choice(by_piece[piece])), rng)
    wanted = n_clips - len(held)
    names = notes.about["pools"]
    shares = np.array([POOL_SHARES.get(name, POOL_SHARES["piano"]) for name in names])
    queues = [_queue(notes, by_piece, number, rng) for number in range(len(names))]
    shares = shares * [bool(queue) for queue in queues]
    given = np.zeros(len(names))
    for _ in range(2 * wanted + 20):
        open_ = [number for number in range(len(names)) if given[number] < len(queues[number])]
        if not open_:
            return
        # the pool that lags most behind its share goes next
        number = min(open_, key=lambda k: (given[k] + 0.5) / shares[k])
        piece, section = queues[number][int(given[number])]
        given[number] += 1
        yield _plan(notes, piece, section, rng)


def _usable_sections(notes: NoteData) -> dict[int, np.ndarray]:
    """Piece -> its sections that have music and a label."""
    enough = np.diff(notes.section_start) >= 2 * _MIN_NOTES
    good = np.flatnonzero(enough & (notes.label_source != NO_LABEL))
    pieces, starts = np.unique(notes.section_piece[good], return_index=True)
    return dict(zip(pieces.tolist(), np.split(good, starts[1:]), strict=True))


def _queue(
    notes: NoteData, by_piece: dict[int, np.ndarray], pool: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """(piece, section) of a pool's training pieces: a first section of every piece, then a second one, and so on."""
    pieces = [p for p in by_piece if notes.piece_pool[p] == pool and not notes.piece_heldout[p]]
    pieces = [pieces[i] for i in rng.permutation(len(pieces))]
    mixed = {p: rng.permutation(by_piece[p]) for p in pieces}
    rounds = max((len(s) for s in mixed.values()), default=0)
    return [(p, int(mixed[p][turn])) for turn in range(rounds) for p in pieces if turn < len(mixed[p])]


def _plan(notes: NoteData, piece: int, section: int, rng: np.random.Generator) -> ClipPlan:
    bar = 0 if rng.random() < 0.6 else int(rng.integers(1, 8))
    shift = int(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1))
    return ClipPlan(section, piece, bar, shift, bool(notes.piece_heldout[piece]))


def render_clip(notes: NoteData, plan: ClipPlan, soundfont: Path) -> Clip | None:
    """Play a plan; None where too little of it sounds."""
    last = plan.section + 1
    mine = np.searchsorted(notes.section_piece, plan.piece, side="right")
    seconds = 0.0
    language = BarsLanguage()
    while True:
        piece = language.decode(notes.ids[notes.section_start[plan.section] : notes.section_start[last]])
        bars = piece.bar_starts()
        begin = float(piece.beats_to_seconds(bars[min(plan.bar, max(len(bars) - 1, 0))]))
        seconds = piece.seconds - begin
        if seconds >= CLIP_S or last >= mine or last - plan.section >= _MAX_SECTIONS:
            break
        last += 1
    # near a piece's end the clip starts earlier
    if seconds < CLIP_S:
        begin = max(begin - (CLIP_S - seconds), 0.0)
    piece = _until(piece, begin + CLIP_S).transposed(plan.shift)
    heard = _within(piece, begin)
    if heard.n_notes < _MIN_NOTES:
        return None
    sound, level = _play(piece, begin, soundfont)
    if sound is None:
        return None
    return Clip(plan, sound, {**_facts(notes, plan, heard, begin, level), "centroid": mean_band(sound)})


def mean_band(sound: np.ndarray) -> float:
    """How high a sound lies. Mono samples (n,) at 16 kHz -> the mean of 80 mel bands, weighted by magnitude, 0..79.

    Frames of 1024 samples, a hop of 256, Hann, edges mirrored; each band a weighted mean of bins; nothing below -90 dB.
    """
    padded = np.pad(np.asarray(sound, np.float32), _FRAME // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[:: _FRAME // 4][: len(sound) * 4 // _FRAME]
    window = np.hanning(_FRAME + 1)[:-1]
    magnitude = np.abs(np.fft.rfft(frames * window)) / (_FRAME / 4)
    bank = slaney_mel_bank(RATE, _FRAME, _BANDS, low_hz=0.0, high_hz=RATE / 2)
    mel = np.maximum(magnitude @ (bank / bank.sum(axis=1, keepdims=True)).T, 2.0**-15).sum(axis=0)
    return float(mel @ np.arange(_BANDS) / mel.sum())


def _until(piece: Piece, seconds: float) -> Piece:
    """The piece without the notes that start later than `seconds`."""
    end = float(piece.seconds_to_beats(seconds))
    tracks = tuple(replace(t, notes=t.notes[t.notes["onset"] < end]) for t in piece.tracks)
    return replace(piece, tracks=tuple(t for t in tracks if len(t.notes)), length_beats=0.0)


def _within(piece: Piece, begin: float) -> Piece:
    """The piece without the notes that start before `begin` seconds; families of fewer than two notes are left out."""
    start = float(piece.seconds_to_beats(begin)) - 1e-6
    tracks = tuple(replace(t, notes=t.notes[t.notes["onset"] >= start]) for t in piece.tracks)
    return replace(piece, tracks=tuple(t for t in tracks if len(t.notes) >= 2))


def _play(piece: Piece, begin: float, soundfont: Path) -> tuple[np.ndarray | None, float]:
    """(mono sound at 16 kHz, its level in dB before it was made as loud as the others), or None where half is silent."""
    first = round(begin * PLAYED_RATE)
    wanted = CLIP_SAMPLES * PLAYED_RATE // RATE
    stereo = played(piece, soundfont)[:, first : first + wanted]
    sound, level = leveled(np.pad(stereo, ((0, 0), (0, wanted - stereo.shape[1]))))
    if level is None:
        return None, 0.0
    sound = sound[:CLIP_SAMPLES]
    tenths = np.sqrt((sound[: CLIP_SAMPLES // 100 * 100].reshape(100, -1) ** 2).mean(axis=1))
    return (sound, level) if (tenths > 1e-3).mean() > 0.5 else (None, level)


def _facts(notes: NoteData, plan: ClipPlan, heard: Piece, begin: float, level: float) -> dict[str, float | int]:
    """What the clip is. Its emotion is that of the sections it touches, weighted by how long."""
    end, at = begin + CLIP_S, 0.0
    weights, labels = [], []
    for section in range(plan.section, min(plan.section + _MAX_SECTIONS, len(notes.section_piece))):
        if notes.section_piece[section] != plan.piece or at >= end:
            break
        following = at + float(notes.section_seconds[section])
        if notes.label_source[section] != NO_LABEL:
            weights.append(max(min(following, end) - max(at, begin), 1e-3))
            labels.append((notes.valence[section], notes.arousal[section]))
        at = following
    valence, arousal = np.average(labels, axis=0, weights=weights)
    pitched = any(not t.is_drum for t in heard.tracks)
    key = estimate_key(heard) if pitched else heard.key
    numerator, denominator = main_meter(heard)
    return {
        "valence": float(valence),
        "arousal": float(arousal),
        "tempo": main_tempo(heard),
        "mode": int(key.mode == "major"),
        "tonic": key.tonic,
        "meter": 10 * numerator + denominator,
        "families": sum(1 << FAMILY_INDEX[family] for family in heard.families),
        "rate": heard.n_notes / CLIP_S,
        "loudness": level,
        "pool": int(notes.piece_pool[plan.piece]),
        "transpose": plan.shift,
    }
