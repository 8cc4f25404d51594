"""Programs belong to their families and can play what is written, the emotion chooses among them, and the tune is heard."""

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.music.families import FAMILY_NAMES, family_of
from klangbild.music.orchestrate import TUNE_ABOVE, in_key, orchestrate, unfit
from klangbild.music.piece import Key, Piece, Track, make_notes
from klangbild.music.programs import DISTORTED, FEELING, MONOPHONIC, RANGES, STYLES
from klangbild.music.tune import tune_of


def piece(velocity: int = 100) -> Piece:
    notes = make_notes([0, 0.5, 1, 4], [1, 0.5, 1, 4], [60, 64, 67, 72], [velocity] * 4)
    return Piece((Track("guitar", 24, notes),), key=Key(0, "major"), length_beats=8)


def part(family: str, *chords: tuple[int, ...], velocity: int = 90) -> Track:
    """A quarter note, or several at once, on each beat."""
    rows = [(i, 1, pitch) for i, chord in enumerate(chords) for pitch in chord]
    onset, duration, pitch = zip(*rows, strict=True)
    return Track(family, 0, make_notes(onset, duration, pitch, [velocity] * len(rows)))


def played(*tracks: Track, v: float = 0.0, a: float = 0.0, seed: int = 0, free_from: float = 0.0) -> tuple[Track, ...]:
    written = Piece(tracks, key=Key(0, "major"), length_beats=8)
    return orchestrate(written, Emotion(v, a), np.random.default_rng(seed), free_from=free_from).tracks


def test_every_style_has_programs_of_every_family():
    for style in STYLES.values():
        assert set(style) == set(FAMILY_NAMES)
        for name, programs in style.items():
            for program in programs:
                assert family_of(program, is_drum=name == "drums") == name and program in FEELING


TRIAD, FIFTH = (48, 52, 55), (48, 55)


def test_chords_of_winds_are_parted_among_players_of_one_voice_each():
    for seed in range(8):
        tracks = played(part("winds", *[(60, 64, 67)] * 8, (72,)), seed=seed)
        assert len(tracks) == 3 and all(track.program in MONOPHONIC for track in tracks)
        assert [set(track.notes["pitch"].tolist()) for track in tracks] == [{67, 72}, {64}, {60}]


def test_a_solo_player_gets_no_chords_and_nothing_out_of_range():
    for seed in range(20):
        for v, a in ((-0.5, -0.4), (-0.5, 0.3), (0.5, 0.5)):
            strings, brass = played(part("strings", *[TRIAD] * 8), part("brass", *[TRIAD] * 8), v=v, a=a, seed=seed)
            assert strings.program not in MONOPHONIC and brass.program not in MONOPHONIC
            (low,) = played(part("winds", *[(p,) for p in (50, 52, 53, 55)]), v=0.6, a=0.4, seed=seed)
            assert RANGES.get(low.program, (50, 0))[0] <= 50
    assert any(played(part("strings", *[(60,)] * 8), seed=s)[0].program in MONOPHONIC for s in range(20))


def test_distorted_guitars_play_fifths_and_no_triads():
    assert unfit(part("guitar", *[TRIAD] * 8), 30) > 1 > unfit(part("guitar", *[FIFTH] * 8), 30)
    for seed in range(20):
        assert played(part("guitar", *[TRIAD] * 8), v=-0.6, a=0.9, seed=seed)[0].program not in DISTORTED
    assert any(played(part("guitar", *[FIFTH] * 8), v=-0.6, a=0.9, seed=s)[0].program in DISTORTED for s in range(20))


def test_a_bass_below_its_lowest_string_moves_up_an_octave():
    (bass,) = played(part("bass", (24,), (27,), (28,), (40,)))
    assert bass.notes["pitch"].tolist() == [36, 39, 28, 40]
    (bass,) = played(part("bass", (24,), (27,), (28,), (40,)), free_from=1.0)  # the first was given
    assert bass.notes["pitch"].tolist() == [24, 39, 28, 40]


def test_moved_notes_do_not_double_each_other():
    (bass,) = played(part("bass", (26, 38), (26,)))
    assert bass.notes["pitch"].tolist() == [38, 38] and bass.notes["duration"].tolist() == [1.0, 1.0]


def test_the_tune_stands_above_the_chords():
    chords, tune = (
        part("piano", *[TRIAD] * 8, velocity=110),
        part("strings", *[(p,) for p in (72, 74, 76, 77)] * 2, velocity=70),
    )
    found = played(chords, tune)
    piece = Piece(found)
    assert piece.tracks[tune_of(piece)].family == "strings"
    loud = {track.family: track.notes["velocity"].mean() for track in found}
    assert loud["strings"] - loud["piano"] > -10 > 70 - 110 + TUNE_ABOVE  # as far as it may be moved
    level = played(part("piano", *[TRIAD] * 8, velocity=80), part("strings", *[(72,), (74,)] * 4, velocity=80))
    assert level[1].notes["velocity"].mean() - level[0].notes["velocity"].mean() >= TUNE_ABOVE
    before = played(part("piano", *[TRIAD] * 8, velocity=60), part("strings", *[(72,), (74,)] * 4, velocity=90))
    assert [round(track.notes["velocity"].mean() / 10) for track in before] == [6, 9]  # heard as it is


def test_emotion_chooses_the_guitar():
    calm = {orchestrate(piece(), Emotion(0.2, -0.9), np.random.default_rng(s)).tracks[0].program for s in range(10)}
    angry = {orchestrate(piece(), Emotion(-0.8, 0.9), np.random.default_rng(s)).tracks[0].program for s in range(10)}
    assert 24 in calm and 30 in angry and not calm & angry


def test_accents():
    """In a piece played with nuance; what was written level stays level."""
    level = orchestrate(piece(126), Emotion(0, 0), np.random.default_rng(0)).tracks[0].notes
    assert level["velocity"].tolist() == [126] * 4
    written = piece(126)
    written.tracks[0].notes["velocity"][-1] = 100
    notes = orchestrate(written, Emotion(0, 0), np.random.default_rng(0)).tracks[0].notes
    assert notes["velocity"].tolist() == [127, 124, 127, 103]  # on the bar, between beats, on a beat, on the bar


def test_in_key_takes_the_wish_by_the_shorter_way():
    moved = in_key(piece(), Key(11, "major"), np.random.default_rng(0))
    assert moved.key == Key(11, "major") and moved.tracks[0].notes["pitch"].tolist() == [59, 63, 66, 71]
    drawn = {in_key(piece(), None, np.random.default_rng(s)).key.tonic for s in range(60)}
    assert len(drawn) > 6
