"""Prepared notes become piano rolls on the grid of sixteenths; what is not on it is left out, and nothing else changes."""

import zipfile
from dataclasses import replace

import numpy as np
import pytest
from band_pieces import tune

from klangbild.models.bars.data.prepare import prepare_notes
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.roll.data.pairs import load_clips
from klangbild.models.roll.data.prepare import prepare_roll, summary, usable_sections
from klangbild.models.roll.data.prepared import BEAT_SIZE, CLIP_BEATS, SOUNDING, RollData, beat_sets
from klangbild.models.roll.grid import FIRST_LANE, GROUPS, N_LANES, RollNotes, group_families, piece_of, roll_notes
from klangbild.music.families import FAMILY_INDEX
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes


@pytest.fixture(scope="module")
def notes_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    with zipfile.ZipFile(folder / "rated.zip", "w") as archive:
        for seed in range(6):
            piece = tune(seed, bpm=80 + 15 * seed, bars=24)
            if seed == 5:  # triplets: off the grid of sixteenths
                tracks = (replace(t, notes=_moved(t.notes)) for t in piece.tracks)
                piece = replace(piece, tracks=tuple(tracks))
            archive.writestr(f"{seed}.mid", to_midi_bytes(piece))
    lines = [f"{i}.mid,{0.2 * i - 0.5:.1f},{0.5 - 0.2 * i:.1f},MIT" for i in range(6)]
    (folder / "rated.csv").write_text("file,valence,arousal,licence\n" + "\n".join(lines) + "\n")
    out = tmp_path_factory.mktemp("prepared") / "notes.npz"
    prepare_notes(folder, out, progress=False)
    return out


def _moved(notes):
    notes = notes.copy()
    notes["onset"] += 1 / 3
    return notes


@pytest.fixture(scope="module")
def prepared(notes_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("roll") / "roll.npz"
    return prepare_roll(notes_file, out, progress=False), out


def test_sections_in_sixteenths_are_taken_and_triplets_are_not(prepared, notes_file):
    data, _ = prepared
    notes = NoteData.load(notes_file)
    usable = usable_sections(notes)
    pieces = {str(notes.piece_name[p]) for p in notes.section_piece[usable]}
    assert any(name.endswith("0.mid") for name in pieces) and not any(name.endswith("5.mid") for name in pieces)
    assert data.about["sections_used"] == usable.sum() < data.about["sections"]
    assert len(data) == 10 and (data.run_beats == 96).all()  # five tunes of three sections: two clips each
    assert (data.clip_heldout == notes.piece_heldout[data.clip_piece]).all()
    assert (data.meter == 44).all() and set(data.tonic.tolist()) <= {0, 9} and (np.abs(data.valence) <= 1).all()
    band = sum(1 << FAMILY_INDEX[name] for name in ("piano", "bass", "drums"))
    assert (data.families == band).all() and "10 clips" in summary(data)


def test_the_file_gives_back_what_was_made(prepared):
    data, out = prepared
    again = load_clips(out)
    assert isinstance(again, RollData) and again.about == data.about
    assert all(
        np.array_equal(getattr(data, n), getattr(again, n)) for n in ("note_step", "note_lane", "clip_beat", "tempo")
    )
    assert np.array_equal(again.height(), data.height()) and data.place(1)[2] == 8


def test_a_roll_is_its_piece_again(prepared, notes_file):
    """Notes of the language -> grid -> piece -> grid: the same, and the same onsets as the piece had."""
    data, _ = prepared
    notes = NoteData.load(notes_file)
    first = int(np.flatnonzero(usable_sections(notes))[0])
    piece = BarsLanguage().decode(notes.ids[notes.section_start[first] : notes.section_start[first + 3]])
    grid = data.notes(0)
    families = group_families(np.array([name in piece.families for name in FAMILY_INDEX], float))
    back = piece_of(grid, families, 100.0, 96)
    assert back.families == piece.families and back.n_notes == len(grid) > 100
    again = roll_notes(back)
    assert np.array_equal(again.step, grid.step) and np.array_equal(again.lane, grid.lane)
    for track in piece.tracks:
        if track.family == "piano":
            mine = next(t for t in back.tracks if t.family == "piano")
            assert set(zip(track.notes["onset"], track.notes["pitch"], strict=True)) == set(
                zip(mine.notes["onset"], mine.notes["pitch"], strict=True)
            )


def test_beats_say_what_starts_and_what_sounds_on():
    keys = FIRST_LANE[2]
    notes = RollNotes(
        *(np.array(c, np.int32) for c in ([0, 2, 3], [0, keys, keys], [1, 9, 2])), np.array([1.0, 0.5, 0.7])
    )
    index, offset, loud = beat_sets(notes, 2)
    beats = [sorted(index[offset[b] : offset[b + 1]].tolist()) for b in range(2)]
    on = [s * N_LANES + keys for s in range(4)]
    # the drum has an onset only; the first key is cut where it is struck again
    assert beats[0] == sorted([0, on[2], on[3], SOUNDING + on[2], SOUNDING + on[3]])
    assert beats[1] == [SOUNDING + on[0]] and max(index) < BEAT_SIZE
    assert (
        loud.shape == (2, len(GROUPS)) and loud[0, 0] == 1.0 and loud[0, 2] == pytest.approx(0.6) and not loud[1].any()
    )


def test_beats_of_all_stretches_are_those_of_each(prepared):
    data, _ = prepared
    beats = data.beats()
    run = 2
    index, offset, loud = beat_sets(data.notes(run), 96)
    start = int(beats.first[run])
    for beat in (0, 50, 95):
        mine = beats.index[beats.offset[start + beat] : beats.offset[start + beat + 1]]
        assert sorted(mine.tolist()) == sorted(index[offset[beat] : offset[beat + 1]].tolist())
    assert np.allclose(beats.loud[start : start + 96], loud)
    clip = data.clip_notes(int(np.flatnonzero(data.clip_run == run)[1]))
    assert clip.step.min() >= 0 and clip.step.max() < 4 * CLIP_BEATS


def test_pitches_out_of_range_move_by_octaves():
    low = Track("bass", 32, make_notes([0, 1], [1, 1], [22, 100], [80, 80]))
    grid = roll_notes(Piece((low,)))
    assert (grid.lane - FIRST_LANE[1] + GROUPS[1].lowest).tolist() == [34, 52]


def test_no_such_notes_is_one_line(tmp_path, klangbild):
    code, _, error = klangbild("data", "prepare", "roll", tmp_path / "none.npz")
    assert code and "none.npz" in error and len(error.strip().splitlines()) == 1
