"""Markers at sections, names of tracks, and parts that keep the whole file's time: what a DAW is given."""

import io
import zipfile
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from klangbild.composer import compose
from klangbild.music.midi import read_midi, to_midi_bytes, track_names
from klangbild.music.midi_parts import midi_parts
from klangbild.music.piece import MOOD, Piece, Track, make_notes
from klangbild.music.section_marks import SECTION, section_marks, with_section_marks

mido = pytest.importorskip("mido")


def conductor(data: bytes) -> dict[str, list]:
    """What holds for all tracks of a MIDI file, as another library reads it, in ticks."""
    file, found = (
        mido.MidiFile(file=io.BytesIO(data)),
        {"division": [], "tempo": [], "meter": [], "key": [], "marker": []},
    )
    found["division"].append(file.ticks_per_beat)
    for track in file.tracks:
        tick = 0
        for event in track:
            tick += event.time
            if event.type == "set_tempo":
                found["tempo"].append((tick, event.tempo))
            elif event.type == "time_signature":
                found["meter"].append((tick, event.numerator, event.denominator))
            elif event.type == "key_signature":
                found["key"].append((tick, event.key))
            elif event.type == "marker":
                found["marker"].append((tick, event.text))
    return {name: sorted(values) for name, values in found.items()}


def notes_of(data: bytes) -> list[tuple]:
    found = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick = 0
        for event in track:
            tick += event.time
            if event.type in ("note_on", "note_off", "program_change"):
                found.append((tick, *(value for name, value in sorted(vars(event).items()) if name != "time")))
    return sorted(found, key=str)


@pytest.mark.parametrize(
    "wishes",
    [
        {"seconds": 24, "tempo": 150, "path": "0:-0.6,-0.5 12:0.7,0.7"},
        {"seconds": 24, "tempo": 150, "loop": True},
        {"seconds": 20, "tempo": 150, "hits": "12", "meter": "3/4"},
        {"bars": 12, "valence": 0.3, "arousal": -0.7},  # slows down at its end
    ],
    ids=["path", "loop", "hit", "calm"],
)
def test_one_tempo_map_and_markers_at_the_right_bars(wishes, picture_file):
    result = compose(picture_file, seed=6, drafts=0, **wishes)
    parts, whole = midi_parts(result.midi), conductor(result.midi)
    assert len(parts) == len(result.piece.tracks) and whole["tempo"] and whole["meter"]
    for part in parts:
        assert conductor(part.data) == whole, part.name
    # nothing is lost and nothing is doubled
    assert sorted((note for part in parts for note in notes_of(part.data)), key=str) == notes_of(result.midi)
    starts = {round(beat * 480): number for number, beat in enumerate(result.piece.bar_starts())}
    marks = [
        (starts[tick], text) for tick, text in whole["marker"] if text.startswith((SECTION, MOOD))
    ]  # all on bar lines
    bars = [bar for bar, text in marks if text.startswith(SECTION)]
    moods = [bar for bar, text in marks if text.startswith(MOOD)]
    assert bars[0] == 0 and set(moods) <= set(bars) and all(2 < later - bar <= 10 for bar, later in pairwise(bars))
    assert moods == [starts[round(beat * 480)] for beat, _ in result.piece.moods]
    assert result.to_musicxml().count(b"<rehearsal>A</rehearsal>") >= 1


def test_the_zip_has_it_all_from_one_moment_on(picture_file, tmp_path):
    result = compose(picture_file, seed=6, drafts=0, seconds=3, tempo=200)
    path = result.save(tmp_path / "a.zip")["zip"]
    with zipfile.ZipFile(path) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    assert {"a.mid", "a.musicxml", "a.wav", "a.json", "a.png"} <= set(inside)
    midi = {name: conductor(data) for name, data in inside.items() if name.endswith(".mid")}
    assert len(midi) == 1 + len(result.piece.tracks) and all(held == midi["a.mid"] for held in midi.values())
    frames = set()
    for name, data in inside.items():
        if name.endswith(".wav"):
            with soundfile.SoundFile(io.BytesIO(data)) as sound:
                frames.add((sound.frames, sound.samplerate))
    assert len(frames) == 1 and sum(name.startswith("stems/") for name in inside) == len(result.stems)


def test_tracks_are_named_by_family_and_instrument(picture_file):
    result = compose(picture_file, seconds=4, seed=6, drafts=0)
    file = mido.MidiFile(file=io.BytesIO(result.midi))
    named = [event.name for track in file.tracks for event in track if event.type == "track_name"]
    assert named == track_names(result.piece) and len(set(named)) == len(named)
    assert [name.split(":")[0] for name in named] == [track.family for track in result.piece.tracks]
    with_notes = [track for track in file.tracks if any(event.type == "note_on" for event in track)]
    assert [part.name for part in midi_parts(result.midi)] == named and len(with_notes) == len(named)


def test_marks_come_again_and_are_never_doubled():
    rng = np.random.default_rng(0)
    beats = np.arange(96.0)
    piece = Piece(
        (Track("piano", 0, make_notes(beats, np.full(96, 0.5), rng.integers(40, 80, 96), [70] * 96)),),
        length_beats=96.0,
    )
    once = with_section_marks(piece)
    assert with_section_marks(once) == once and [beat for beat, _ in section_marks(piece)] == [0.0, 32.0, 64.0]
    read = read_midi(to_midi_bytes(once))
    assert with_section_marks(read).markers == read.markers == once.markers


def test_short_and_silent_pieces_have_none():
    few = make_notes(range(40), [1] * 40, [60] * 40, [70] * 40)
    assert section_marks(Piece((Track("piano", 0, few),), length_beats=40.0)) == ()
    assert section_marks(Piece((), length_beats=400.0)) == ()
