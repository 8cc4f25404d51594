"""Bars written anew: they differ, in their place and by their players, and nothing else does."""

import json

import numpy as np
import pytest
from band_pieces import band_piece
from edited_events import engine, foreign_midi, kept, random_span, span_ticks

import klangbild
from klangbild.editing.midi_events import MidiEvents
from klangbild.editing.parts import opened
from klangbild.editing.rewrite import Writer, written_anew
from klangbild.errors import InputError, UsageError
from klangbild.music.midi import read_midi, to_midi_bytes, without_record
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.record.carriers import read_record


@pytest.fixture(scope="module")
def band() -> bytes:
    return to_midi_bytes(band_piece(bars=12))


@pytest.fixture(scope="module")
def piece(tmp_path_factory, picture_file):
    """A piece of ours: its result, saved."""
    result = klangbild.compose(
        picture_file, bars=12, seed=5, drafts=0, instruments=["piano", "strings", "drums"], arousal=-0.5
    )
    result.save(tmp_path_factory.mktemp("piece"), ("mid", "json"), filename="piece")
    return result


def test_a_file_read_and_written_again_holds_the_very_events():
    midi = foreign_midi()
    events = MidiEvents.read(midi)
    again = MidiEvents.read(events.write())
    assert again == events and again.write() == events.write()
    assert any(e.data[0] == 0xF0 for e in events.tracks[1]) and kept(events.write(), []) == kept(midi, [])
    tracks = [[(t.program, t.notes.tobytes()) for t in read_midi(data).tracks] for data in (midi, events.write())]
    assert tracks[0] == tracks[1]


@pytest.mark.parametrize("which", ["band", "foreign"])
def test_outside_of_random_spans_every_event_stays(which, band):
    midi = band if which == "band" else foreign_midi()
    rng = np.random.default_rng(1)
    for number in range(4):
        file = opened(midi, "test")
        first, last = random_span(rng, 12 if which == "band" else 10)
        chosen = {int(rng.integers(len(file.parts)))} if number % 2 else None
        try:
            made = written_anew(file, [(first, last)], chosen, Writer(engine(), None, number, fills=1)).write()
        except UsageError as error:  # that part does not play there
            assert "nobody" in str(error)
            continue
        families = None if chosen is None else {file.parts[i].family for i in chosen}
        ticks = [span_ticks(midi, first, last)]
        assert kept(made, ticks, families) == kept(midi, ticks, families), (first, last, chosen)
        assert made != midi


def test_the_bars_are_new_their_players_and_their_places_the_same(band):
    result_seed = {seed: written_anew(
        opened(band, "band"), [(4, 8)], None, Writer(engine(), None, seed, fills=2)
    ).write() for seed in (1, 2)}  # fmt: skip
    assert result_seed[1] != result_seed[2]
    begin, end = span_ticks(band, 4, 8)
    file = opened(result_seed[1], "band")
    new = [note for part in file.parts for note in part.notes if begin <= note.begin < end]
    assert {file.parts[i].family for i in range(len(file.parts))} <= set(opened(band, "band").families)
    assert len(new) > 20 and all(note.end <= end for note in new)
    # each bar has something
    assert len({note.begin // (4 * 480) for note in new}) == 4


def test_of_two_players_of_a_family_the_louder_stays_louder():
    notes = [
        make_notes(np.arange(32.0), np.ones(32), pitch + np.arange(32) % 5, np.full(32, velocity))
        for pitch, velocity in ((76, 110), (55, 50))
    ]
    two = Piece((Track("strings", 40, notes[0]), Track("strings", 48, notes[1])), length_beats=32.0)
    file = opened(to_midi_bytes(two), "two")
    made = opened(written_anew(file, [(3, 6)], None, Writer(engine(), None, 2, fills=1)).write(), "made")
    loud = {p.program: [n.velocity for n in p.notes if 12 * 480 <= n.begin < 24 * 480] for p in made.parts}
    assert loud[40] and loud[48] and np.mean(loud[40]) > np.mean(loud[48]) + 30


def test_one_part_is_written_around_the_others(band):
    file = opened(band, "band")
    strings = {i for i, part in enumerate(file.parts) if part.family == "strings"}
    made = opened(written_anew(file, [(2, 6)], strings, Writer(engine(), None, 4, fills=1)).write(), "made")
    for before, after in zip(file.parts, made.parts, strict=True):
        same = [(n.begin, n.end, n.pitch, n.velocity) for n in before.notes] == [
            (n.begin, n.end, n.pitch, n.velocity) for n in after.notes
        ]
        assert same == (before.family != "strings"), before.family


def test_it_replays_byte_for_byte_from_any_of_its_files(piece, tmp_path):
    made = klangbild.edit(piece.files["mid"], bars=(5, 6), seed=9)
    paths = made.save(tmp_path / "made", ("mid", "json", "png", "musicxml"), filename="made")
    for path in paths.values():
        again = klangbild.replay(path)
        assert again.midi == made.midi, path
    assert made.record.edit.wish == {"bars": "5-6"} and made.seed == 9 and made.record.picture == piece.record.picture
    # from the JSON of the piece, and from the result itself, it is the same
    assert klangbild.edit(piece.files["json"], bars="5-6", seed=9).midi == made.midi
    assert piece.edit(bars=[(5, 6)], seed=9).midi == made.midi
    # an edit of an edit replays, too, and tells both
    twice = made.edit(bars=2, part=made.piece.families[0], seed=3)
    twice.save(tmp_path / "twice", ("mid",), filename="twice")
    assert klangbild.replay(tmp_path / "twice" / "twice.mid").midi == twice.midi
    assert [wish["bars"] for wish in twice.record.edit.before] == ["5-6"]


def test_a_piece_of_others_is_edited_by_its_name_and_emotion(tmp_path):
    path = tmp_path / "theirs.mid"
    path.write_bytes(foreign_midi())
    made = klangbild.edit(path, bars="3,7-8", seed=1)
    assert made.name == "theirs" and made.record.emotion.source == "music" and made.record.picture is None
    made.save(tmp_path / "out", ("mid",))
    assert klangbild.replay(tmp_path / "out" / "theirs-1.mid").midi == made.midi
    spans = [span_ticks(path.read_bytes(), 2, 3), span_ticks(path.read_bytes(), 6, 8)]
    assert kept(made.midi, spans) == kept(path.read_bytes(), spans)


def test_the_command_writes_takes(piece, tmp_path, klangbild):
    code, out, err = klangbild(
        "edit",
        piece.files["mid"],
        "--bars",
        "11-12",
        "--anew",
        "--takes",
        "2",
        "--seed",
        "4",
        "-o",
        tmp_path,
        "-f",
        "mid",
    )
    paths = out.split()
    assert code == 0 and [p.rsplit("-", 1)[1] for p in paths] == ["4.mid", "5.mid"] and "take 2 of 2" in err
    ticks = [span_ticks(piece.midi, 10, 12)]
    notes = [kept(open(path, "rb").read(), []) for path in paths]  # noqa: PTH123, SIM115
    assert notes[0] != notes[1]
    for path in paths:
        assert kept(open(path, "rb").read(), ticks) == kept(without_record(piece.midi), ticks)  # noqa: PTH123, SIM115


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--bars", "9-99"], 2, "the piece has 12 bars"),
        (["--bars", "8-5"], 2, "write 5-8"),
        (["--bars", "0-4"], 2, "count from 1"),
        (["--bars", "a"], 2, "give bars like 9-16"),
        ([], 2, "nothing to edit"),
        (["--part", "strings"], 2, "give --bars"),
        (["--bars", "2", "--part", "stirngs"], 2, "did you mean 'strings'"),
        (["--bars", "2", "--seed", "-1"], 2, "whole number"),
        (["--bars", "2", "--takes", "0"], 2, "--takes 0"),
    ],
)
def test_what_is_wrong_is_one_line(piece, tmp_path, klangbild, words, code, says):
    found, out, err = klangbild("edit", piece.files["mid"], *words, "-o", tmp_path / "none", "-f", "mid")
    assert (found, out) == (code, "") and says in err and len(err.strip().splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_a_damaged_source_in_a_record_is_told(piece, tmp_path):
    made = piece.edit(bars=3, seed=1)
    values = json.loads(made.record.to_json())
    values["edit"]["source"]["notes"] = values["edit"]["source"]["notes"][::-1]
    (tmp_path / "bad.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="damaged in its record"):
        klangbild.replay(tmp_path / "bad.json")
    values["edit"] = {"wish": 3}
    (tmp_path / "worse.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=r"'edit\.wish' is not a table"):
        read_record(tmp_path / "worse.json")
