"""MIDI files of others: odd ones are put right and it is told, damaged and endless ones are one line, before any work."""

import random
import time

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.music.midi import read_continued, read_midi, read_music, to_midi_bytes
from klangbild.music.midi_plain import MAX_BYTES, MAX_NOTES, MAX_S
from klangbild.music.midi_track import variable_length


def track(*events: bytes, end: bool = True) -> bytes:
    body = b"".join(events) + (b"\0\xff\x2f\0" if end else b"")
    return b"MTrk" + len(body).to_bytes(4, "big") + body


def midi(*tracks: bytes, kind: int = 1, named: int | None = None, division: int = 480, extra: bytes = b"") -> bytes:
    named = len(tracks) if named is None else named
    head = b"".join(n.to_bytes(2, "big") for n in (kind, named, division))
    return b"MThd" + (6 + len(extra)).to_bytes(4, "big") + head + extra + b"".join(tracks)


def on(after: int, pitch: int, *, channel: int = 0, velocity: int = 80) -> bytes:
    return variable_length(after) + bytes([0x90 | channel, pitch, velocity])


def off(after: int, pitch: int, *, channel: int = 0) -> bytes:
    return variable_length(after) + bytes([0x80 | channel, pitch, 64])


def meta(kind: int, held: bytes, after: int = 0) -> bytes:
    return variable_length(after) + bytes([0xFF, kind, len(held)]) + held


NOTE = (on(0, 60), off(480, 60))
PLAIN = midi(track(*NOTE))


def rows(data: bytes) -> list[tuple[float, float, int]]:
    """(onset in s, length in s, pitch) of every note."""
    piece = read_midi(data)
    notes = np.concatenate([t.notes for t in piece.tracks])
    begin, end = piece.beats_to_seconds(notes["onset"]), piece.beats_to_seconds(notes["onset"] + notes["duration"])
    return [
        (round(float(a), 5), round(float(b - a), 5), int(p)) for a, b, p in zip(begin, end, notes["pitch"], strict=True)
    ]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a long header", midi(track(*NOTE), extra=b"ab"), ""),
        ("an alien chunk", midi(b"XFIH\0\0\0\3abc", track(*NOTE), named=1), ""),
        ("something behind", PLAIN + b"garbage of any length", ""),
        ("no end of track", midi(track(*NOTE, end=False)), ""),
        ("RMI", b"RIFF\xff\0\0\0RMIDLIST\4\0\0\0INFOdata" + len(PLAIN).to_bytes(4, "little") + PLAIN, ""),
        ("MacBinary", b"\0\4song" + bytes(59) + b"MidiTTXT" + bytes(10) + len(PLAIN).to_bytes(4, "big") + bytes(41) + PLAIN, ""),
        ("live messages", midi(track(b"\0\xf8", b"\0\xf2\1\2", *NOTE)), ""),
        ("running status", midi(track(on(0, 60), variable_length(480) + bytes([60, 0]))), ""),
        ("an off before any on", midi(track(off(0, 60), *NOTE)), ""),
        ("a wrong key", midi(track(meta(0x59, b"\3"), *NOTE)), "key"),
        ("tempo 0", midi(track(meta(0x51, bytes(3)), *NOTE)), "tempo of 0"),
        ("meter 0/4", midi(track(meta(0x58, b"\0\2\x18\x08"), *NOTE)), "meter"),
        ("meter 4/2^200", midi(track(meta(0x58, b"\4\xc8\x18\x08"), *NOTE)), "meter"),
        ("a track too few", midi(track(*NOTE), named=3), "3 tracks"),
        ("SMPTE 25 x 40", midi(track(on(0, 60), off(500, 60)), division=0xE728), "SMPTE timing"),
        ("SMPTE with a tempo", midi(track(meta(0x51, b"\x0f\0\0"), on(0, 60), off(500, 60)), division=0xE728), "SMPTE timing"),
        ("SMPTE 30 drop", midi(track(on(0, 60), off(1499, 60)), division=0xE364), "SMPTE timing"),
        ("a text after days", midi(track(*NOTE, *[meta(1, b"x", 2**28 - 1)] * 9)), ""),
        ("words in no encoding", midi(track(meta(3, b"\xff\xfe\x80"), meta(6, b"\xe9"), *NOTE)), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_odd_files_are_read_as_meant(name, data, told):
    piece = read_midi(data)
    (onset, length, pitch) = rows(data)[0]
    assert (onset, pitch) == (0.0, 60) and length == pytest.approx(0.5, abs=1e-3)
    assert told in "; ".join(piece.told) and bool(told) == bool(piece.told)


def test_each_smpte_rate_keeps_its_seconds():
    for byte, per_second in ((0xE8, 24.0), (0xE7, 25.0), (0xE3, 30 / 1.001), (0xE2, 30.0)):
        data = midi(track(on(10, 60), off(3000, 60)), division=byte << 8 | 80)
        assert rows(data) == [(round(10 / per_second / 80, 5), pytest.approx(3000 / per_second / 80, abs=1e-4), 60)]


def test_patterns_of_type_2_follow_each_other():
    data = midi(track(*NOTE), track(on(0, 64), off(480, 64)), kind=2)
    assert rows(data) == [(0.0, 0.5, 60), (0.5, 0.5, 64)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((on(0, 60), on(480, 62), off(480, 62)), [(0.0, 1.0, 60), (0.5, 0.5, 62)]),
        ((on(0, 60), on(480, 60), off(480, 60)), [(0.0, 0.5, 60), (0.5, 0.5, 60)]),
        ((on(0, 60), on(480, 60), on(480, 60), meta(1, b"x", 480)), [(0.0, 0.5, 60), (0.5, 0.5, 60), (1.0, 0.5, 60)]),
        ((on(0, 60), variable_length(240) + b"\xb0\x7b\0", on(480, 62), off(480, 62)), [(0.0, 0.25, 60), (0.75, 0.5, 62)]),
        ((on(0, 60),), [(0.0, 0.5, 60)]),
    ],
)  # fmt: skip
def test_a_note_never_switched_off_ends_where_it_must(events, expected):
    data = midi(track(*events))
    assert rows(data) == expected
    assert "never switched off" in read_midi(data).told[0]


def test_overlapping_notes_of_a_key_stay_as_they_were():
    data = midi(track(on(0, 60), on(240, 60), off(240, 60), off(480, 60)))
    assert rows(data) == [(0.0, 0.5, 60), (0.25, 0.75, 60)] and read_midi(data).told == ()


def test_a_note_held_for_half_an_hour_is_let_go_after_five_minutes():
    data = midi(
        track(
            on(0, 60),
            *(e for _ in range(18) for e in (on(96_000, 62), off(0, 62))),
            off(0, 60),
        )
    )
    assert rows(data)[0] == (0.0, 300.0, 60)
    assert "5 minutes" in read_midi(data).told[0]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("nothing", b"", "empty"),
        ("a text", b"Dear diary", "not a MIDI file"),
        ("division 0", midi(track(*NOTE), division=0), "division of 0"),
        ("SMPTE of no rate", midi(track(*NOTE), division=0x8028), "SMPTE"),
        ("SMPTE without ticks", midi(track(*NOTE), division=0xE700), "SMPTE"),
        ("no track", midi(), "without tracks"),
        ("cut off", PLAIN[:-9], "cut off"),
        ("half a header", PLAIN[:11], "header"),
        ("a delta of five bytes", midi(track(b"\xff\xff\xff\xff\x7f\x90\x3c\x40", off(480, 60))), "track 1"),
        ("a text longer than its track", midi(track(*NOTE, b"\0\xff\1\xff\xff\xff\x7fx")), "track 1"),
        ("no status", midi(track(b"\0\x3c\x40")), "track 1"),
        ("one far note", midi(track(on(2**28 - 1, 60), off(480, 60))), "days"),
        ("ticks past 2^31", midi(track(*NOTE, *[meta(1, b"x", 2**28 - 1)] * 9, on(0, 62), off(480, 62))), "days"),
        ("too slow", midi(track(meta(0x51, b"\xff\xff\xff"), on(480 * 250, 60), off(480, 60))), "longer than the 60 minutes"),
        ("a long rest", midi(track(meta(0x51, b"\xff\xff\xff"), on(480 * 100, 60), off(480, 60))), "longer than the 10 minutes"),
        ("a tempo of 60 million", midi(track(meta(0x51, b"\0\0\1"), on(0, 60), *[e for _ in range(9) for e in (off(2**27, 60), on(0, 60))])), "36,000 beats"),
        ("RMI of nothing", b"RIFF\4\0\0\0RMID", "RMI"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_cannot_be_read_is_one_line_at_once(name, data, says):
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read_midi(data)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert time.perf_counter() - started < 0.5


def test_limits_of_size_hold_before_any_work(tmp_path):
    path = tmp_path / "huge.mid"
    with path.open("wb") as file:
        file.truncate(200 * MAX_BYTES)
    with pytest.raises(InputError, match="larger than 8 MB"):
        read_midi(path)
    with pytest.raises(InputError, match="200,000 notes"):
        read_midi(midi(track(*[on(0, 60) + off(1, 60)] * (MAX_NOTES + 1))))
    # a hundred thousand notes of half a minute each
    held = (
        on(0, 20)
        + b"".join(on(0, 20 + k) for k in range(1, 100))
        + off(28_800, 20)
        + b"".join(off(0, 20 + k) for k in range(1, 100))
    )
    with pytest.raises(InputError, match="hours together"):
        read_midi(midi(*[track(*[held] * 100)] * 14))


def test_an_hour_is_read_and_ten_minutes_are_gone_on_from(tmp_path):
    def of_minutes(minutes: float) -> bytes:
        beats = round(minutes * 120)
        return midi(track(*(on(0, 60) + off(480, 60) for _ in range(beats))))

    assert read_midi(of_minutes(60)).seconds == pytest.approx(MAX_S)
    with pytest.raises(InputError, match="61 minutes, longer than the 60"):
        read_midi(of_minutes(61))
    path = tmp_path / "long.mid"
    path.write_bytes(of_minutes(11))
    assert read_music(path).n_notes == 1320
    with pytest.raises(InputError, match="longer than the 10 minutes"):
        read_continued(path)


def test_what_is_not_played_is_told():
    def said(*events: bytes) -> str:
        return "; ".join(read_midi(midi(track(*events, *NOTE))).told)

    assert said(b"\0\xb0\x40\x7f", b"\0\xe0\0\0", b"\0\xb0\7\x20") == (
        "the sustain pedal, volume (CC7) and pitch bend are not played"
    )
    assert said(b"\0\xb0\x40\0", b"\0\xe0\0\x40", b"\0\xb0\7\x64", b"\0\xb0\x0a\x40") == ""
    assert said(b"\0\xd0\x30") == "aftertouch is not played"
    assert "sound effects" in "; ".join(read_midi(midi(track(b"\0\xc0\x7f", *NOTE), track(*NOTE))).told)


def test_a_meter_off_our_grid_is_told(tmp_path):
    for (number, power), told in (((11, 3), "its 11/8 is counted as 4/4"), ((2, 1), None), ((6, 3), None)):
        path = tmp_path / "m.mid"
        path.write_bytes(midi(track(meta(0x58, bytes([number, power, 24, 8])), *NOTE)))
        assert read_midi(path).meters[0][1:] == (number, 2**power)
        assert read_continued(path).told == ((told,) if told else ())


def test_drums_that_are_played_by_pitch_come_through():
    data = midi(track(b"\0\xc0\x74", *NOTE), track(b"\0\xc1\x00", on(0, 64, channel=1), off(480, 64, channel=1)))
    piece = read_midi(data)
    assert [(t.family, t.program, t.plays_kit) for t in piece.tracks] == [("drums", 116, False), ("piano", 0, False)]
    again = read_midi(to_midi_bytes(piece))
    assert [(t.family, t.program) for t in again.tracks] == [("drums", 116), ("piano", 0)]
    kit = read_midi(midi(track(b"\0\xc9\x74", on(0, 36, channel=9), off(480, 36, channel=9))))
    assert [(t.family, t.program, t.plays_kit) for t in kit.tracks] == [("drums", 0, True)]


def test_a_megabyte_is_looked_through_in_a_moment():
    rng = random.Random(3)
    events = b"".join(on(20, p) + off(40, p) for p in (rng.randrange(30, 90) for _ in range(20_000)))
    data = midi(*[track(events)] * 6)
    assert len(data) > 900_000
    started = time.process_time()
    assert read_midi(data).n_notes == 120_000
    assert time.process_time() - started < 1.5  # 0.3 s on a quiet machine


def test_mutated_files_are_read_or_one_line():
    rng = random.Random(17)
    seeds = [
        PLAIN,
        midi(track(meta(0x51, b"\7\xa1\x20"), meta(0x58, b"\4\2\x18\x08"), b"\0\xc0\x30", *NOTE, *NOTE), track(*NOTE)),
    ]
    for _ in range(1500):
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 2, 6))):
            at = rng.randrange(len(data))
            data[at] = rng.choice((rng.randrange(256), 0xFF, 0x7F, 0))
            if rng.random() < 0.1:
                del data[at : at + 2]
        try:
            piece = read_midi(bytes(data))
            assert piece.seconds <= MAX_S + 30 and len(piece.bar_starts()) < 200_000
        except InputError as error:
            assert "\n" not in str(error)
