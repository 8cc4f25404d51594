"""What an 8-bar section is like, in 40 numbers: who plays, how densely, how loudly, how much its bars are alike.

The notes model is told them beside the emotion, or some of them, or none. They say what a small model finds hardest to keep
in mind from note to note: that a section has one density, one loudness, one cast. Music is made in two steps: first what
each section is like, as sections of real music are (`section_plan.py`), then its notes.

Conventions
    Everything is read off a section's ids of the language `bars` alone, so it holds for any music that can be written in it.
    Raw numbers become places in [-1, 1] among the training sections (-1 the lowest, 0 the median, 1 the highest); a family is
    1 where it plays and -1 where it does not. Numbers are known or hidden by group; hidden ones read 0.

Sources: D. von Ruette et al. (2022), "FIGARO: Generating symbolic music with fine-grained artistic control", arXiv 2201.10936
(descriptions of bars); P. Lu et al. (2023), "MuseCoco", arXiv 2306.00110 (attributes in between words and notes).
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import vocabulary as bars
from klangbild.music.families import FAMILY_NAMES

GROUPS: dict[str, tuple[str, ...]] = {
    "players": FAMILY_NAMES,
    "density": ("notes_per_beat", "onsets_per_beat", "drums_per_beat"),
    "harmony": ("chord_size", "polyphony", "polyphony_sd", "pitch_classes", "white_keys"),
    "register": ("pitch", "pitch_sd", "top_pitch"),
    "length": ("duration", "duration_entropy", "silence"),
    "loudness": ("velocity", "velocity_sd"),
    "likeness": ("alike_1", "alike_2", "alike_4"),
    "change": ("density_sd", "families", "families_sd"),
    "rhythm": ("on_beat", "on_eighth", "on_sixteenth", "on_triplet"),
    "line": ("step_share", "leap_share", "same_pitch_share"),
}
NAMES: tuple[str, ...] = tuple(name for names in GROUPS.values() for name in names)
N_VALUES = len(NAMES)
N_INPUTS = N_VALUES + len(GROUPS)
"""What the model is told: the values, then for each group whether it is known."""
GROUP_OF = np.repeat(np.arange(len(GROUPS)), [len(names) for names in GROUPS.values()])
"""(N_VALUES,): the group of each value."""
JITTER = 0.15
"""Standard deviation of the noise on values that are no family's, in training and in composing alike: the numbers say what a
section is like and not which one it is."""
_N_PLAYERS = len(FAMILY_NAMES)
_N_KNOTS = 33
_DRUMS = bars.DRUMS
_BEAT = bars.GRID


def inputs(values: np.ndarray, known: np.ndarray | None = None) -> np.ndarray:
    """values (..., N_VALUES) in [-1, 1] and known (..., groups) bool (None: all) -> (..., N_INPUTS) float32."""
    values = np.asarray(values, np.float32)
    known = np.ones((*values.shape[:-1], len(GROUPS)), bool) if known is None else known
    return np.concatenate([values * known[..., GROUP_OF], known], axis=-1, dtype=np.float32)


def raw_attributes(ids: np.ndarray) -> np.ndarray:
    """A section's ids (n,) -> (N_VALUES,) float32, raw; what cannot be said (no pitched note, one bar) is NaN."""
    bar, step, family, pitch, length, velocity, bar_steps = section_notes(np.asarray(ids, np.int64))
    n_bars, steps = len(bar_steps), max(int(bar_steps.sum()), 1)
    row = dict.fromkeys(NAMES, np.nan)
    players = np.bincount(family, minlength=_N_PLAYERS)
    row |= {name: float(players[i] > 0) for i, name in enumerate(FAMILY_NAMES)}
    beats = steps / _BEAT
    moments = np.unique(step)
    row |= {
        "notes_per_beat": len(step) / beats,
        "onsets_per_beat": len(moments) / beats,
        "drums_per_beat": players[_DRUMS] / beats,
    }
    if len(step):
        row |= {"velocity": velocity.mean(), "velocity_sd": velocity.std()}
        phase = moments % _BEAT
        row |= {
            "on_beat": (phase == 0).mean(),
            "on_eighth": (phase == 6).mean(),
            "on_sixteenth": np.isin(phase, (3, 9)).mean(),
            "on_triplet": np.isin(phase, (2, 4, 8, 10)).mean(),
        }
    row |= _of_bars(bar, step - (np.cumsum(bar_steps) - bar_steps)[bar], family, pitch, n_bars)
    pitched = family != _DRUMS
    if pitched.any():
        row |= _of_pitched(step[pitched], pitch[pitched], length[pitched], steps)
    return np.array([row[name] for name in NAMES], np.float32)


def section_notes(ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """Ids (n,) -> bar, step in the section, family, pitch, length in steps and velocity bin of each note, each
    (notes,), and the steps of each bar (bars,)."""
    is_bar = (ids >= bars.BAR_0) & (ids < bars.TEMPO_0)
    bar_steps = np.array(bars.BAR_STEPS)[(ids[is_bar] - bars.BAR_0) // 2]
    bar = np.cumsum(is_bar) - 1
    is_position = (ids >= bars.POSITION_0) & (ids < bars.NOTE_0)
    newest = np.maximum.accumulate(np.where(is_position, np.arange(len(ids)), 0))
    at = np.flatnonzero((ids >= bars.NOTE_0) & (ids < bars.DURATION_0) & (bar >= 0))
    family, pitch = np.divmod(ids[at] - bars.NOTE_0, bars.N_PITCHES)
    after, before = np.append(ids, 0)[at + 1], ids[np.maximum(at - 1, 0)]
    stated_length = (after >= bars.DURATION_0) & (after < bars.VELOCITY_0)
    stated_velocity = before >= bars.VELOCITY_0
    length, velocity = np.full(len(at), _BEAT), np.full(len(at), 4)
    for one in np.unique(family):
        mine = np.flatnonzero(family == one)
        length[mine] = _filled(
            np.array(bars.DURATIONS)[(after[mine] - bars.DURATION_0) % len(bars.DURATIONS)], stated_length[mine], _BEAT
        )
        velocity[mine] = _filled(before[mine] - bars.VELOCITY_0, stated_velocity[mine], 4)
    length[family == _DRUMS] = 3
    start = (np.cumsum(bar_steps) - bar_steps)[bar[at]] if len(at) else np.zeros(0, np.int64)
    return (
        bar[at],
        start + np.maximum(ids[newest[at]] - bars.POSITION_0, 0),  # before any Position: on the bar
        family,
        pitch + bars.MIN_PITCH,
        length,
        velocity,
        bar_steps,
    )


def _filled(values: np.ndarray, stated: np.ndarray, first: int) -> np.ndarray:
    """Each value as last stated; `first` before any was."""
    last = np.maximum.accumulate(np.where(stated, np.arange(len(values)), -1))
    return np.where(last >= 0, values[np.maximum(last, 0)], first)


def _of_bars(bar: np.ndarray, step: np.ndarray, family: np.ndarray, pitch: np.ndarray, n_bars: int) -> dict[str, float]:
    """How full the bars are and how much they are alike (Jaccard index of their notes)."""
    if n_bars == 0:
        return {}
    per_bar = np.bincount(bar, minlength=n_bars)
    plays = np.zeros((n_bars, _N_PLAYERS), bool)
    plays[bar, family] = True
    found = {
        "density_sd": per_bar.std() / max(per_bar.mean(), 1e-9),
        "families": plays.sum(1).mean(),
        "families_sd": plays.sum(1).std(),
    }
    key = (step * _N_PLAYERS + family) * 128 + pitch
    kinds, place = np.unique(key, return_inverse=True)
    there = np.zeros((n_bars, len(kinds)), np.float32)
    there[bar, place] = 1.0
    both = there @ there.T
    sizes = np.diag(both)
    either = sizes[:, None] + sizes[None] - both
    alike = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    for distance in (1, 2, 4):
        if n_bars > distance:
            found[f"alike_{distance}"] = np.diag(alike, distance).mean()
    return found


def _of_pitched(step: np.ndarray, pitch: np.ndarray, length: np.ndarray, steps: int) -> dict[str, float]:
    change = np.zeros(steps + 1)
    np.add.at(change, np.minimum(step, steps), 1)
    np.add.at(change, np.minimum(step + length, steps), -1)
    sounding = np.cumsum(change)[:steps]
    order = np.lexsort((pitch, step))
    step, pitch = step[order], pitch[order]
    first = np.flatnonzero(np.r_[True, np.diff(step) > 0])
    top = np.maximum.reduceat(pitch, first)
    moves = np.abs(np.diff(top))
    share = np.unique(length, return_counts=True)[1] / len(length)
    classes = np.bincount(pitch % 12, minlength=12) / len(pitch)
    heard = classes[classes > 0]
    found = {
        "chord_size": len(pitch) / len(first),
        "polyphony": sounding.mean(),
        "polyphony_sd": sounding.std(),
        "pitch_classes": -(heard * np.log2(heard)).sum(),
        "white_keys": classes[[0, 2, 4, 5, 7, 9, 11]].sum(),
        "pitch": pitch.mean(),
        "pitch_sd": pitch.std(),
        "top_pitch": top.mean(),
        "duration": np.log2(length).mean(),
        "duration_entropy": -(share * np.log2(share)).sum(),
        "silence": (sounding == 0).mean(),
    }
    if len(moves):
        found |= {
            "step_share": ((moves > 0) & (moves <= 2)).mean(),
            "leap_share": (moves > 7).mean(),
            "same_pitch_share": (moves == 0).mean(),
        }
    return found


def fit_knots(raw: np.ndarray) -> np.ndarray:
    """Raw attributes of training sections (S, N_VALUES) -> knots (N_VALUES, 33): evenly spaced quantiles of each."""
    quantiles = np.linspace(0.0, 1.0, _N_KNOTS)
    knots = np.nanquantile(np.where(np.isfinite(raw).any(axis=0), raw, 0.0), quantiles, axis=0)
    return np.ascontiguousarray(knots.T, dtype=np.float32)


def to_values(raw: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Raw (..., N_VALUES) -> places in [-1, 1], float32; NaN becomes 0, the median."""
    raw = np.asarray(raw, np.float32)
    values = np.zeros(raw.shape, np.float32)
    values[..., :_N_PLAYERS] = np.where(raw[..., :_N_PLAYERS] > 0, 1.0, -1.0)
    places = np.linspace(-1.0, 1.0, _N_KNOTS)
    for i in range(_N_PLAYERS, N_VALUES):
        column = raw[..., i]
        # the middle of a run of equal knots (a share that is often 0), not its end
        low, high = (np.searchsorted(knots[i], column, side=side) for side in ("left", "right"))
        flat = (places[np.minimum(low, _N_KNOTS - 1)] + places[np.clip(high - 1, 0, _N_KNOTS - 1)]) / 2.0
        value = np.where(high > low, flat, np.interp(column, knots[i], places))
        values[..., i] = np.where(np.isfinite(column), value, 0.0)
    return values


def jittered(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values (..., N_VALUES) with noise of `JITTER` on all but the players."""
    noise = rng.normal(0.0, JITTER, values.shape).astype(np.float32)
    noise[..., :_N_PLAYERS] = 0.0
    return values + noise
