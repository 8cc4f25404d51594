"""How loud each family's stem is put into the mix.

A stem is moved towards its family's place by up to 9 dB; what its velocities ask for is kept. Then nobody is left unheard: the bass and
the family that has the tune come within 7.5 dB of the loudest one, all others within 12 dB. Music that comes with a mix of its own (a
MIDI file that sets volume, expression or pan) is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from klangbild.music.piece import Piece

_TARGET_DB = {
    "drums": -1.0, "piano": 0.0, "mallet": -2.0, "organ": -4.0, "guitar": -1.0, "bass": -1.5,
    "strings": -2.0, "brass": -2.0, "winds": -1.0, "lead": -2.5, "pad": -5.0,
}  # fmt: skip
_LIMIT_DB = 9.0
_CARRYING_DB, _HEARD_DB = 7.5, 12.0
WINDOW = 4096


def balance_db(level_db: float | None, *, family: str, played_db: float) -> float:
    """How far to move a stem of an active level (None: silent) so that it sits where its family belongs, within +-9 dB.

    played_db: how loud its velocities ask it to be (0 = all at 100), which is kept.
    """
    if level_db is None:
        return 0.0
    wanted = -20.0 + _TARGET_DB[family] + played_db
    return float(np.clip(wanted - level_db, -_LIMIT_DB, _LIMIT_DB))


def gains_db(
    levels_db: Mapping[str, float | None], played_db: Mapping[str, float], tune: str | None
) -> dict[str, float]:
    """How far each family's stem is moved, from its active level. tune: the family that carries it."""
    gains = {name: balance_db(level, family=name, played_db=played_db[name]) for name, level in levels_db.items()}
    placed = {name: level + gains[name] for name, level in levels_db.items() if level is not None}
    loudest = max(placed.values(), default=0.0)
    for name, level in placed.items():
        least = loudest - (_CARRYING_DB if name in ("bass", tune) else _HEARD_DB)
        gains[name] += max(least - level, 0.0)
    return gains


def tune_of(piece: Piece) -> str | None:
    """The family that carries the tune: the one that has the highest note for the longest time. None: nothing has a pitch."""
    rows = [
        (track.family, track.notes) for track in piece.tracks if not track.is_drum and track.family != "bass" and len(track.notes)
    ]  # fmt: skip
    if not rows:
        return None
    slots: dict[int, tuple[int, str]] = {}
    for family, notes in rows:
        first = np.floor(notes["onset"] * 4).astype(int)
        last = np.maximum(np.ceil((notes["onset"] + np.minimum(notes["duration"], 64)) * 4).astype(int), first + 1)
        for begin, end, pitch in zip(first.tolist(), last.tolist(), notes["pitch"].tolist(), strict=True):
            for slot in range(begin, end):
                if pitch > slots.get(slot, (-1, ""))[0]:
                    slots[slot] = pitch, family
    held: dict[str, int] = {}
    for _, family in slots.values():
        held[family] = held.get(family, 0) + 1
    return max(held, key=lambda family: (held[family], family))


def active_level_db(stem: np.ndarray, rate: int) -> float | None:
    """Level of the sounding parts of stereo sound (2, n), K-weighted as in BS.1770, from every third 93 ms; None if silent.

    A quarter of the work of a full measurement, and within a decibel of it.
    """
    return gated_db(window_power(stem, rate))


def window_power(stem: np.ndarray, rate: int) -> np.ndarray:
    """K-weighted power of the windows of stereo sound (2, n): (windows,)."""
    size = WINDOW
    starts = np.arange(0, stem.shape[1] - size, 3 * size)
    if len(starts) == 0:
        starts, size = np.array([0]), stem.shape[1]
    mono = np.stack([stem[0, s : s + size] + stem[1, s : s + size] for s in starts]) * np.float32(0.5**0.5)
    power = np.abs(np.fft.rfft(mono * np.hanning(size).astype(np.float32))) ** 2 @ _k_weight(size, rate)
    return power / (size * size * 3 / 16)  # Parseval, both sides of the spectrum and the window's power


def gated_db(power: np.ndarray) -> float | None:
    """Mean power (windows,) of those that sound, in dB; None: none does."""
    sounding = power[power > 1e-7]
    if len(sounding) == 0:
        return None
    # BS.1770's relative gate
    return float(10 * np.log10(sounding[sounding > sounding.mean() / 10].mean()))


def _k_weight(size: int, rate: int) -> np.ndarray:
    """Power response of the K-weighting at the bins of an rfft: a fourth-order-ish high-pass at 38 Hz and a 4 dB shelf."""
    hz = np.fft.rfftfreq(size, 1 / rate)
    high_pass = hz**4 / (hz**4 + 38.0**4)
    shelf = 1 + (10**0.4 - 1) * hz**4 / (hz**4 + 1500.0**4)
    return high_pass * shelf
