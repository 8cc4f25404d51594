"""A composer's scores against examples worked by hand: which way each goes, and what it says of nothing."""

import numpy as np
import pytest

from klangbild.metrics import beat, chords, ears, form, lines, tonality, writing
from klangbild.metrics.bar_grid import bar_grid
from klangbild.music.piece import Key, Piece, Track, make_notes


def track(notes, *, family="piano", program=0):
    """From (onset, duration, pitch) of each note."""
    onset, duration, pitch = zip(*notes, strict=True)
    return Track(family, program, make_notes(onset, duration, pitch, [80] * len(notes)))


def grid_of(*tracks, **more):
    return bar_grid(Piece(tuple(tracks), **more))


def triads(*roots_and_kinds, beats=1):
    """One chord after the other in close position from C3 on, the root below."""
    return [
        (i * beats, beats, 48 + root + step)
        for i, (root, kind) in enumerate(roots_and_kinds)
        for step in chords.KINDS[kind]
    ]


def melody(*pitches, length=1.0):
    return [(i * length, length, pitch) for i, pitch in enumerate(pitches)]


def test_a_cadence_is_heard_as_one():
    cadence = triads((0, "major"), (5, "major"), (7, "dominant seventh"), (0, "major"))
    found = chords.evaluate(grid_of(track(cadence)))
    assert found["chord_beats"] == 1 and found["root_changes_a_beat"] == 1 and found["bass_on_root"] == 1
    assert found["v_i_a_minute"] == pytest.approx(30)  # one in two seconds
    assert found["diatonic_chords"] == 1
    assert found["effective_chords"] == pytest.approx(np.exp(0.5 * np.log(2) + 2 * 0.25 * np.log(4)))
    clusters = chords.evaluate(grid_of(track([(i, 1, 60 + k) for i in range(4) for k in (0, 1, 2, 6)])))
    assert clusters["chord_beats"] == 0


def test_changes_inside_bars_and_harmony_that_stands():
    at_bar_lines = triads(*[(r, "major") for r in (0, 0, 0, 0, 5, 5, 5, 5)])
    found = chords.evaluate(grid_of(track(at_bar_lines)))
    assert found["root_changes_a_beat"] == pytest.approx(1 / 7) and found["chord_changes_inside"] == 0
    assert found["static_harmony"] == 0 and found["longest_still_s"] == 2
    drone = chords.evaluate(grid_of(track(triads(*[(0, "major")] * 32))))
    assert drone["static_harmony"] == 1 and drone["longest_still_s"] == 16


def test_what_a_line_does():
    tune = [60, 62, 64, 62, 60, 72, 72, 60]  # 4 steps, two octaves, one note again
    found = lines.evaluate(grid_of(track(melody(*tune))))
    assert found["single_onsets"] == 1 and found["steps"] == pytest.approx(4 / 7)
    assert found["octave_leaps"] == pytest.approx(2 / 7) and found["repeated_notes"] == pytest.approx(1 / 7)
    chorded = lines.evaluate(grid_of(track([*melody(*tune), (0, 1, 55), (1, 1, 55)])))
    assert chorded["single_onsets"] == pytest.approx(6 / 8)


def test_motifs_phrases_and_scales():
    motif = [60, 62, 64, 65, 64]
    twice = melody(*motif, length=0.5) + [(4 + a, b, c + 5) for a, b, c in melody(*motif, length=0.5)]
    found = lines.evaluate(grid_of(track(twice)))
    assert found["motifs_return"] == 1 and found["phrase_beats"] == 2.5 and found["longest_scale"] == 3
    once = melody(*motif, length=0.5) + [(4 + a, b, c) for a, b, c in melody(60, 67, 60, 59, 62, length=0.5)]
    assert lines.evaluate(grid_of(track(once)))["motifs_return"] == 0
    climb = np.cumsum([60, *[2, 1] * 7]).tolist()
    found = lines.evaluate(grid_of(track(melody(*climb))))
    assert found["longest_scale"] == 14 and found["long_scales"] == 1 and found["tune_scales"] == 1
    assert lines.longest_scale(np.array([1, 2, -1, -2, -2, 5, 2])) == 3


def test_outer_voices_in_fifths_and_not():
    fifths = melody(48, 50, 52, 53) + melody(67, 69, 71, 72)
    assert lines.evaluate(grid_of(track(fifths)))["parallels"] == 1
    contrary = melody(48, 50, 52, 53) + melody(67, 65, 64, 62)
    assert lines.evaluate(grid_of(track(contrary)))["parallels"] == 0


def test_home():
    scale = melody(60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)
    assert tonality.evaluate(grid_of(track(scale)))["out_of_key"] == 0
    assert tonality.evaluate(grid_of(track([*scale, (11, 0.25, 66)])))["out_of_key"] == pytest.approx(1 / 12)
    rub = tonality.evaluate(grid_of(track([(0, 1, 60), (0.5, 0.5, 61)])))
    assert rub["clashes"] == 0.5 and rub["few_pitches"] == 1
    followed = tonality.evaluate(grid_of(track([(0, 1, 60), (1, 1, 61)])))
    assert followed["clashes"] == 0
    ours = Piece((track(scale),), key=Key(7, "major"), record="{}")
    assert tonality.key_misheard(ours) == 1 and tonality.home_key(ours) == Key(7, "major")
    assert np.isnan(tonality.key_misheard(Piece((track(scale),), key=Key(7, "major"))))


def test_the_end():
    cadence = triads((0, "major"), (5, "major"), (7, "major"), (0, "major"), beats=4)
    found = tonality.ending(grid_of(track(cadence)))
    assert found == {"end_rubs": 0, "final_chord_s": 2, "v_i_end": 1}
    assert tonality.ending(grid_of(track([*cadence, (12, 3, 65)])))["end_rubs"] == 1
    assert tonality.ending(grid_of(track([*cadence, (12, 0.5, 65)])))["end_rubs"] == 0
    assert tonality.ending(grid_of(track(cadence[:-3])))["v_i_end"] == 0


def test_beat_and_holes():
    bar = [(0, 0.25, 36), (1, 0.25, 38), (3, 0.25, 38)]
    kit = track([(4 * b + on, d, p) for b in (0, 1, 12) for on, d, p in bar], family="drums")
    found = beat.evaluate(grid_of(kit, track([(0, 1, 60), (16, 1, 60)])))
    assert found["groove_held"] == found["kick_on_one"] == found["snare_backbeat"] == 1
    assert found["drums_gone_bars"] == 10 and found["drums_gone"] == 1
    assert found["hole_bars"] == 3 and found["holes"] == 1
    late = beat.evaluate(grid_of(track([(1, 0.25, 36), (0, 0.25, 38)], family="drums")))
    assert late["kick_on_one"] == 0 and late["snare_backbeat"] == 0


def test_form():
    grows = [(4 * b + k, 1, 60 + k) for b in range(16) for k in range(1 if b < 4 else 4)]
    late = track([(4 * b, 1, 72) for b in range(8, 16)], family="strings", program=48)
    found = form.evaluate(grid_of(track(grows), late))
    assert found["opening_density"] == pytest.approx(1 / 4.5) and found["opening_parts"] == 0.5
    assert found["density_range"] == pytest.approx((5 - 2.5) / 3.75)
    assert found["tempi"] == 1 and found["ritardando"] == 0
    assert found["pitch_frozen_bars"] == 8 and found["pitch_frozen"] == 0
    slower = form.evaluate(grid_of(track(grows), tempos=((0.0, 120.0), (60.0, 100.0))))
    assert slower["tempi"] == 2 and slower["ritardando"] == 1
    after_the_end = form.evaluate(grid_of(track(grows), tempos=((0.0, 120.0), (64.0, 100.0))))
    assert after_the_end["tempi"] == 1 and after_the_end["ritardando"] == 0
    assert form.evaluate(grid_of(track([*grows, (64, 4, 60)])))["held_close"] == 1


def test_writing():
    chord = [(i, 1, p) for i in range(8) for p in (60, 64, 67)]
    assert writing.evaluate(grid_of(track(chord, family="winds", program=73)))["chords_of_solos"] == 1
    assert writing.evaluate(grid_of(track(chord)))["chords_of_solos"] == 0
    assert writing.evaluate(grid_of(track(chord, family="guitar", program=30)))["distorted_triads"] == 1
    fifths = [note for note in chord if note[2] != 64]
    assert writing.evaluate(grid_of(track(fifths, family="guitar", program=30)))["distorted_triads"] == 0
    assert writing.evaluate(grid_of(track(melody(27), family="bass", program=33)))["bass_below_e1"] == 1
    assert writing.evaluate(grid_of(track(melody(28), family="bass", program=33)))["bass_below_e1"] == 0
    assert writing.evaluate(grid_of(track(melody(60, 62), family="winds", program=72)))["out_of_range"] == 1


def test_the_middle_is_whole_bars_of_a_minute_and_keeps_its_tempo():
    long = Piece((track([(b, 1, 60 + b % 12) for b in range(400)]),), tempos=((0.0, 120.0), (100.0, 60.0)))
    cut = ears.middle(long)
    assert 56 <= cut.seconds <= 60 and cut.length_beats % 4 == 0 and cut.tempos == ((0.0, 60.0),)
    assert ears.middle(cut) is cut


@pytest.mark.parametrize("tracks", [(), (track([(0, 1, 36)], family="drums"),), (track([(0, 1, 60)]),)])
def test_nothing_drums_alone_and_one_note_are_scored_without_a_fault(tracks):
    found = ears.evaluate(Piece(tuple(tracks)))
    assert len(found) == len(ears.evaluate(Piece((track(melody(60, 62, 64)),))))
    if not tracks:
        assert all(np.isnan(value) for name, value in found.items())
