"""Players, key, tempo, meter and mood: what is asked changes, and what is not stays."""

import numpy as np
import pytest
from band_pieces import band_piece
from edited_events import foreign_midi

from klangbild.editing.make import edited
from klangbild.editing.parts import Opened, opened, parts_named
from klangbild.editing.source import source_of
from klangbild.editing.wish import Wish, bars_as_text, spans_of
from klangbild.errors import UsageError
from klangbild.metrics.emotion_judge import hear
from klangbild.music.describe import main_tempo
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Key

BAND = to_midi_bytes(band_piece(bars=12))


def made(midi: bytes = BAND, **wishes) -> tuple[Opened, tuple[str, ...], bytes]:
    result = edited(source_of(midi, "band", "band.mid"), Wish.from_dict(wishes), seed=1)
    return opened(result.midi, "made"), result.record.told, result.midi


def pitched(file: Opened) -> list[tuple]:
    return sorted((n.begin, n.end, n.pitch % 12, n.velocity) for n in file.events.notes() if n.channel != 9)


@pytest.mark.parametrize("midi", [BAND, foreign_midi()], ids=["band", "foreign"])
@pytest.mark.parametrize("names", [("piano",), ("violin", "cello", "flute", "bass"), ("organ", "guitar", "drums")])
def test_other_players_change_no_pitch_class_and_each_is_heard(midi, names):
    before, (after, told, _) = opened(midi, "x"), made(midi, players=names)
    assert pitched(after) == pitched(before)
    programs = {"piano": 0, "violin": 40, "cello": 42, "flute": 73, "bass": 32, "organ": 16, "guitar": 24}
    heard = {part.program for part in after.parts if part.family != "drums"}
    assert heard <= {programs[name] for name in names if name != "drums"}
    idle = " ".join(line for line in told if "found nothing" in line)
    assert all(programs[name] in heard or idle for name in names if name != "drums")
    assert any(part.family == "drums" for part in after.parts) == ("drums" in names)
    ranges = {40: (55, 105), 42: (36, 84), 73: (59, 99)}
    assert all(
        ranges[p.program][0] <= n.pitch <= ranges[p.program][1]
        for p in after.parts
        if p.program in ranges
        for n in p.notes
    )


def test_the_bass_goes_to_the_bass():
    after, _, _ = made(players=("strings", "bass"))
    middles = {part.family: part.middle for part in after.parts}
    assert middles["bass"] < middles["strings"]


@pytest.mark.parametrize(("key", "shift"), [("C minor", 3), ("E minor", -5), ("Am", 0)])
def test_a_key_moves_every_pitch_alike(key, shift):
    before, (after, _, midi) = opened(BAND, "x"), made(key=key)
    moves = {
        a.pitch - b.pitch for a, b in zip(after.events.notes(), before.events.notes(), strict=True) if b.channel != 9
    }
    assert moves == {shift} and read_midi(midi).key == Key.parse(key)
    drums = [[n.pitch for n in f.events.notes() if n.channel == 9] for f in (before, after)]
    assert drums[0] == drums[1]


def test_another_mode_is_heard():
    after, _, midi = made(key="A major")
    assert read_midi(midi).key == Key(9, "major")
    classes = {n.pitch % 12 for n in after.events.notes() if n.channel != 9}
    assert classes <= {9, 11, 1, 2, 4, 6, 8}
    back, _, midi = made(midi, key="A minor")
    assert read_midi(midi).key == Key(9, "minor")
    assert {n.pitch % 12 for n in back.events.notes() if n.channel != 9} <= {9, 11, 0, 2, 4, 5, 7, 8}


def test_a_tempo_is_exact_and_its_changes_move_along():
    for midi in (BAND, foreign_midi()):
        before, (after, _, _) = opened(midi, "x"), made(midi, tempo=77.0)
        assert main_tempo(after.piece) == pytest.approx(77.0, abs=1e-3)
        ratios = [b[1] / a[1] for a, b in zip(before.piece.tempos, after.piece.tempos, strict=True)]
        assert np.ptp(ratios) < 1e-3
        assert after.events.notes() == [
            type(n)(**{**vars(n), "on": m.on, "off": m.off})
            for n, m in zip(before.events.notes(), after.events.notes(), strict=True)
        ]


def test_a_meter_keeps_the_bars_and_leaves_out_or_holds():
    for meter, beats in (("3/4", 3.0), ("5/4", 5.0), ("2/4", 2.0)):
        after, told, _ = made(meter=meter)
        starts = after.piece.bar_starts()
        assert len(starts) == 12 and np.allclose(np.diff(starts), beats) and told, meter
        downbeats = [
            {n.pitch for n in f.events.notes() if n.begin == bar * length}
            for f, length in ((opened(BAND, "x"), 1920), (after, int(beats * 480)))
            for bar in (3,)
        ]
        assert downbeats[0] == downbeats[1]


def test_moods_are_heard_by_the_judges_in_their_direction():
    before = hear(opened(BAND, "x").piece)
    for name, axis, sign in (("calmer", "arousal", -1), ("livelier", "arousal", 1)):
        after = hear(made(**{name: True})[0].piece)
        assert sign * (getattr(after, axis) - getattr(before, axis)) > 0.05, name
    result = edited(source_of(BAND, "band", "band.mid"), Wish(calmer=True, seed=1), seed=1)
    asked = result.record.emotion.asked
    assert asked.arousal == pytest.approx(result.record.edit.asked.arousal - 0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        ({}, "nothing to edit"),
        ({"anew": True}, "say what is to be written anew"),
        ({"vary": 1.5}, "0.0 to 1.0"),
        ({"vary": 0.5, "bars": "1-2"}, "exclude each other"),
        ({"calmer": True, "livelier": True}, "choose one"),
        ({"key": "H dur"}, "is not a key"),
        ({"meter": "3/5"}, "is not known"),
        ({"tempo": 5}, "20.0 to 400.0"),
        ({"tempo": "fast"}, "give a number"),
        ({"players": ()}, "give names"),
        ({"bars": "1-2", "part": "strings", "keep": "drums"}, "exclude each other"),
        ({"player": "piano"}, "did you mean 'players'"),
    ],
)
def test_a_wrong_wish_is_told(wishes, says):
    with pytest.raises(UsageError, match=says):
        Wish.from_dict(wishes)


def test_who_is_unknown_or_plays_nothing_is_told():
    for wishes, says in (
        ({"players": ("pianno",)}, "did you mean 'piano'"),
        ({"players": ("drums",)}, None),
        ({"bars": "1", "part": "brass"}, "no brass play here"),
        ({"keep": "brass"}, "no brass play here"),
        ({"bars": "13"}, "the piece has 12 bars"),
    ):
        if says is None:
            assert {part.family for part in made(**wishes)[0].parts} == {"drums"}
            continue
        with pytest.raises(UsageError, match=says):
            made(**wishes)


def test_a_part_is_named_by_its_family_its_instrument_or_as_the_melody():
    file = made(players=("violin", "cello", "flute", "bass", "drums"))[0]

    def programs(name: str) -> set[int]:
        return {file.parts[i].program for i in parts_named(file, name, "--part")}

    assert programs("strings") == {40, 42} and programs("Violin") == {40} and programs("viola") == {40, 42}
    assert len(parts_named(file, "melody", "--part")) == 1 and programs("Querflöte") == {73}
    assert {file.parts[i].family for i in parts_named(file, "drums", "--part")} == {"drums"}


def test_bars_are_read_as_they_are_said():
    assert bars_as_text((9, 16)) == bars_as_text([(9, 16)]) == bars_as_text("9 - 16") == "9-16"
    assert bars_as_text(3) == "3" and spans_of("13-16,5-8,9") == ((4, 9), (12, 16))
    for wrong in ("", "4-", "x", "3-2", "0", (1.5, 2), [(1, 2, 3)], True):
        with pytest.raises(UsageError):
            bars_as_text(wrong)
