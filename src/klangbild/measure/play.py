"""Notes to plain sound, for measuring: the same player and mix as `compose`, cut to some seconds."""

from __future__ import annotations

from dataclasses import replace

from klangbild.music.piece import Piece
from klangbild.sound.audio import Audio


def first_seconds(piece: Piece, seconds: float) -> Piece:
    """What starts in the first `seconds` of a piece; notes held beyond are cut there."""
    end = float(piece.seconds_to_beats(seconds))
    tracks = []
    for track in piece.tracks:
        notes = track.notes[track.notes["onset"] < end - 1e-9].copy()
        notes["duration"] = notes["duration"].clip(max=(end - notes["onset"]).clip(min=1e-3))
        if len(notes):
            tracks.append(replace(track, notes=notes))
    return replace(
        piece, tracks=tuple(tracks), length_beats=min(piece.length_beats, end) if piece.length_beats else 0.0
    )


def without_long_silence(piece: Piece, seconds: float) -> Piece:
    """The piece from its first note on, where nothing starts in its first `seconds`; else the piece itself. At least one note."""
    first = min(float(track.notes["onset"].min()) for track in piece.tracks if len(track.notes))
    if first < float(piece.seconds_to_beats(seconds)) - 1e-9:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        notes["onset"] -= first
        tracks.append(replace(track, notes=notes))
    tempos = {max(beat - first, 0.0): bpm for beat, bpm in piece.tempos}
    return replace(
        piece, tracks=tuple(tracks), tempos=tuple(tempos.items()), length_beats=max(piece.length_beats - first, 0.0)
    )


def played(piece: Piece, *, seconds: float = 30.0, rate: int = 22050) -> Audio:
    """The first seconds of a piece as stereo sound, mixed to -14 LUFS; silence before the first note is left out."""
    from klangbild.sound.fonts import find_soundfont
    from klangbild.sound.mix import mix
    from klangbild.sound.synth import synthesize_stems

    piece = first_seconds(without_long_silence(piece, seconds), seconds)
    return mix(synthesize_stems(piece, soundfont=find_soundfont(None), rate=rate), trim_start=True).audio
