"""A piece that goes on from another: the bars given as they were given, and behind them what was made.

What a model reads of a file is less than the file says: it knows eleven families, a grid, lengths up to a few beats, tempi in steps. So
only what it wrote behind the given bars is taken from it; those stay note for note, with their players and every change of tempo.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.music.key import estimate_key, key_fits, pitch_class_histogram
from klangbild.music.piece import Key, Piece, Track

UNSAID_SLACK, SAID_SLACK = 0.1, 0.35
"""By how much less than the best of all keys a declared one may fit (in correlation) and be believed: C major, which may not have been
meant, and any other."""
_SAME_BEAT = 1e-6


def key_heard(piece: Piece) -> Key:
    """The key of somebody's piece: of the declared one, its relative and the best of all the first that fits what sounds. Many programs
    write "C major" into every file, and many people the signature alone."""
    best = estimate_key(piece)
    pitched = [track.notes for track in piece.tracks if not track.is_drum and len(track.notes)]
    if piece.key is None or not pitched:
        return piece.key or best
    fits = key_fits(pitch_class_histogram(np.concatenate(pitched)))
    to_relative = {"major": (9, "minor"), "minor": (3, "major")}
    slack = UNSAID_SLACK if piece.key == Key(0, "major") else SAID_SLACK
    up, mode = to_relative[piece.key.mode]
    for key in (piece.key, Key((piece.key.tonic + up) % 12, mode)):
        if fits.max() - fits[int(key.mode == "minor"), key.tonic] <= slack:
            return key
    return best


def end_of_bars(piece: Piece) -> float:
    """The beat where the bar ends in which a piece's last note does."""
    start = piece.bar_starts()[-1]
    _, numerator, denominator = next(
        m for m in reversed(piece.meters) if m[0] <= start + _SAME_BEAT or m is piece.meters[0]
    )
    return start + 4.0 * numerator / denominator


def going_on(given: Piece, made: Piece, *, made_from: float, given_until: float, stretch: float = 1.0) -> Piece:
    """The bars of `given` until the beat `given_until`, unchanged, and what `made` plays from its beat `made_from` on.

    New notes go to the given player of their family, or of several to the one whose notes lie nearest; other families join as
    `made` has them. stretch: beats of the result to one of `made`. The tempo behind is made's own at `made_from`.
    """

    def placed(beat: float) -> float:
        return given_until + (beat - made_from) * stretch

    tracks, taken = list(given.tracks), {i: [track.notes] for i, track in enumerate(given.tracks)}
    joined: list[Track] = []
    for track in made.tracks:
        notes = track.notes[track.notes["onset"] >= made_from - _SAME_BEAT].copy()
        if not len(notes):
            continue
        notes["onset"] = np.maximum(placed(notes["onset"]), given_until)
        notes["duration"] *= stretch
        players = [i for i, own in enumerate(tracks) if own.family == track.family and len(own.notes)]
        if not players:
            joined.append(replace(track, notes=notes))
            continue
        middles = np.array([np.median(tracks[i].notes["pitch"].astype(float)) for i in players])
        whose = np.abs(notes["pitch"][:, None].astype(float) - middles).argmin(axis=1)
        for place, i in enumerate(players):
            taken[i].append(notes[whose == place])
    order = ("onset", "pitch")
    own = [
        replace(track, notes=np.sort(np.concatenate(taken[i]), order=order, kind="stable"))
        if len(taken[i]) > 1
        else track
        for i, track in enumerate(tracks)
    ]
    return replace(
        given,
        tracks=(*own, *joined),
        tempos=_behind(given.tempos, made.tempos, made_from, given_until, placed),
        meters=_behind(given.meters, made.meters, made_from, given_until, placed),
        markers=(
            *(mark for mark in given.markers if mark[0] < given_until),
            *((placed(beat), text) for beat, text in made.markers if beat >= made_from - _SAME_BEAT),
        ),
        length_beats=max(placed(made.length_beats), given_until),
        record=None,
        told=(),
    )


def _behind(given: tuple, made: tuple, made_from: float, given_until: float, placed) -> tuple:
    """The changes of the given bars, then what holds at the seam where it is another, then those of what was made."""
    before = [change for change in given if change[0] < given_until - _SAME_BEAT]
    at_seam = next(change[1:] for change in reversed(made) if change[0] <= made_from + _SAME_BEAT or change is made[0])
    seam = [(given_until, *at_seam)] if before[-1][1:] != at_seam else []
    after = [(placed(change[0]), *change[1:]) for change in made if change[0] > made_from + _SAME_BEAT]
    return (*before, *seam, *after)
