"""Piece -> ids -> piece -> ids: equal on the grid, over pieces drawn by dice and, where they are at hand, over real files."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klangbild.errors import InputError
from klangbild.models.bars import language as bars
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.families import FAMILIES
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Key, Piece, Track, make_notes

LANGUAGE = BarsLanguage()


@st.composite
def pieces(draw) -> Piece:
    """Small pieces on the grid, with everything the language can say."""
    numerator, denominator = draw(st.sampled_from(bars.METERS))
    n_bars = draw(st.integers(1, 18))
    steps = bars.GRID * 4 * numerator // denominator * n_bars
    tracks = []
    for family in draw(st.lists(st.sampled_from(FAMILIES), min_size=1, max_size=4, unique=True)):
        rows = draw(
            st.lists(
                st.tuples(
                    st.integers(0, steps - 1), st.sampled_from(bars.DURATIONS),
                    st.integers(family.lowest_pitch + 6, family.highest_pitch - 6), st.integers(1, 127),
                ), min_size=1, max_size=40,
            )
        )  # fmt: skip
        onset, length, pitch, velocity = zip(*rows, strict=True)
        notes = make_notes(np.array(onset) / bars.GRID, np.array(length) / bars.GRID, pitch, velocity)
        tracks.append(Track(family.name, family.program, notes))
    tonic, mode = draw(st.integers(0, 11)), draw(st.sampled_from(("major", "minor")))
    return Piece(
        tuple(tracks),
        tempos=((0.0, draw(st.floats(45, 230))),),
        meters=((0.0, numerator, denominator),),
        key=Key(tonic, mode),
        length_beats=steps / bars.GRID,
    )


@given(pieces())
@settings(max_examples=60, deadline=None)
def test_round_trip(piece):
    ids = LANGUAGE.encode(piece)
    again = LANGUAGE.decode(ids)
    assert np.array_equal(LANGUAGE.encode(again), ids)
    assert again.length_beats == piece.length_beats
    assert again.meters == piece.meters
    onsets = {(t.family, round(float(o) * bars.GRID)) for t in piece.tracks for o in t.notes["onset"]}
    assert onsets == {(t.family, round(float(o) * bars.GRID)) for t in again.tracks for o in t.notes["onset"]}
    assert ids[0] == bars.BOS and ids[-1] == bars.EOS and ids.max() < LANGUAGE.size


@given(pieces())
@settings(max_examples=30, deadline=None)
def test_a_midi_file_says_the_same(piece):
    again = read_midi(to_midi_bytes(piece))
    assert again.n_notes <= piece.n_notes  # two notes of one key at one time are one in MIDI
    assert again.key == piece.key and again.meters == piece.meters
    assert abs(again.tempos[0][1] - piece.tempos[0][1]) < 0.01
    assert again.families == piece.families


def test_three_four_and_six_eight_stay_apart():
    for meter in ((3, 4), (6, 8)):
        piece = Piece((Track("piano", 0, make_notes([0], [1], [60], [80])),), meters=((0.0, *meter),), length_beats=3)
        assert LANGUAGE.decode(LANGUAGE.encode(piece)).meters[0][1:] == meter


def test_sections_stand_alone_and_make_up_the_piece():
    onsets = np.arange(0, 80, 0.5)
    piece = Piece(
        (Track("bass", 32, make_notes(onsets, onsets * 0 + 0.5, onsets * 0 + 40, onsets * 0 + 80)),), length_beats=80
    )
    sections = LANGUAGE.encode_sections(piece)
    assert [s.n_bars for s in sections] == [8, 8, 4]
    whole = np.concatenate([[bars.BOS], *[s.ids for s in sections], [bars.EOS]])
    assert np.array_equal(whole, LANGUAGE.encode(piece))
    # each opens with Bar, Tempo, Position and states its velocity and duration anew
    for section in sections:
        kinds = np.searchsorted(
            [bars.TEMPO_0, bars.POSITION_0, bars.NOTE_0, bars.DURATION_0, bars.VELOCITY_0], section.ids[:6], "right"
        )
        assert kinds.tolist() == [0, 1, 2, 5, 3, 4]


@pytest.mark.parametrize("name", ["band", "piano", "orchestra", "pop909", "nottingham"])
def test_real_files(shared, name):
    with zipfile.ZipFile(io.BytesIO((shared / "data" / "midi" / f"{name}.zip").read_bytes())) as archive:
        for member in archive.namelist()[1:200:12]:
            if not member.endswith(".mid"):
                continue
            try:
                piece = read_midi(archive.read(member))
            except InputError:
                continue
            ids = LANGUAGE.encode(piece)
            assert np.array_equal(LANGUAGE.encode(LANGUAGE.decode(ids)), ids), member
