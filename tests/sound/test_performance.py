"""MIDI files of others are heard as they are played: pedals, volume, pan, bends, programs and banks, whichever track sends them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from klangbild.cli.main import main
from klangbild.errors import InputError
from klangbild.music.midi import read_midi
from klangbild.music.midi_performance import read_performance
from klangbild.music.midi_track import variable_length
from klangbild.sound.files import read_audio
from klangbild.sound.soundfont import SoundFont
from klangbild.sound.synth import synthesize_stems

RATE = 44100
CASES = Path(__file__).parents[3] / "shared" / "cases"
Event = tuple[float, bytes]


def midi(*tracks: list[Event]) -> bytes:
    """Tracks of (seconds, message), at 120 bpm and 480 ticks a beat."""
    chunks = [b"MThd\0\0\0\6\0\1" + len(tracks).to_bytes(2, "big") + b"\1\xe0"]
    for events in tracks:
        body, before = bytearray(), 0
        for when, message in sorted(events, key=lambda event: event[0]):
            tick = round(when * 960)
            body += variable_length(tick - before) + message
            before = tick
        body += b"\0\xff\x2f\0"
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + bytes(body))
    return b"".join(chunks)


def note(start: float, end: float, key: int = 60, channel: int = 0, velocity: int = 100) -> list[Event]:
    return [(start, bytes([0x90 | channel, key, velocity])), (end, bytes([0x80 | channel, key, 0]))]


def control(at: float, number: int, value: int, channel: int = 0) -> Event:
    return at, bytes([0xB0 | channel, number, value])


def program(at: float, number: int, channel: int = 0) -> Event:
    return at, bytes([0xC0 | channel, number])


@pytest.fixture
def play(tmp_path, font):
    """Tracks of events -> stereo sound (2, n), as the font and the controllers have it."""

    def played(*tracks: list[Event]) -> np.ndarray:
        path = tmp_path / "a.mid"
        path.write_bytes(midi(*tracks))
        stems = synthesize_stems(read_performance(path), soundfont=font, mixed=True)
        return sum(audio.samples for _, audio in stems)

    return played


def db(sound: np.ndarray, start_s: float, end_s: float) -> float:
    part = sound[..., int(start_s * RATE) : int(end_s * RATE)].astype(float)
    return 10 * float(np.log10((part**2).mean() + 1e-20))


def hz(sound: np.ndarray, start_s: float, end_s: float, low: float = 200.0) -> float:
    part = sound.sum(axis=0)[int(start_s * RATE) : int(end_s * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 18))
    first = int(low * (1 << 18) / RATE)
    return float((first + np.argmax(spectrum[first : 3 * first])) * RATE / (1 << 18))


def test_the_sustain_pedal_holds_until_it_comes_up(play):
    short, held = play(note(0, 0.3)), play([*note(0, 0.3), control(0, 64, 127), control(2, 64, 0)])
    whole = play(note(0, 2))
    assert (
        db(held, 0.9, 1.1) == pytest.approx(db(whole, 0.9, 1.1), abs=0.1)
        and db(short, 0.9, 1.1) < db(held, 0.9, 1.1) - 20
    )
    assert db(held, 2.4, 2.6) < db(held, 1.8, 2.0) - 20
    late = play([*note(0, 0.3), control(0.6, 64, 127)])  # it comes down too late
    assert db(late, 0.9, 1.1) == pytest.approx(db(short, 0.9, 1.1), abs=0.1)


def test_sostenuto_holds_only_what_is_down_when_it_comes_down(play):
    before = play([*note(0, 0.4), control(0.2, 66, 127), control(2, 66, 0)])
    after = play([*note(0, 0.4), control(0.5, 66, 127), control(2, 66, 0)])
    assert db(before, 0.9, 1.1) > db(after, 0.9, 1.1) + 20


def test_volume_and_expression_follow_the_square_law_while_notes_sound(play):
    strings = program(0, 71)
    sound = play([strings, *note(0, 2), control(0, 7, 127), control(1, 7, 32)])
    assert db(sound, 0.6, 0.95) - db(sound, 1.1, 1.5) == pytest.approx(40 * np.log10(127 / 32), abs=1)
    swell = play([strings, *note(0, 2), *(control(k / 50, 11, 12 + k) for k in range(1, 95))])
    assert db(swell, 1.7, 1.9) - db(swell, 0.2, 0.4) == pytest.approx(40 * np.log10(102 / 27), abs=1.5)


def test_a_volume_in_another_track_is_heard_by_its_channel_alone(play):
    quiet = [control(0, 7, 25, channel=1)]
    both = play(quiet, note(0, 1, 60), note(1.5, 2.5, 60, channel=1))
    assert db(both, 0.1, 0.9) - db(both, 1.6, 2.4) == pytest.approx(40 * np.log10(100 / 25), abs=0.5)


def test_pan_lies_where_it_is_sent_and_moves(play):
    left = play([control(0, 10, 0), program(0, 71), *note(0, 1)])
    assert db(left[0], 0.1, 0.9) > db(left[1], 0.1, 0.9) + 40
    moving = play([program(0, 71), *note(0, 2), control(0, 10, 0), control(1, 10, 127)])
    assert (
        db(moving[0], 0.1, 0.9) > db(moving[1], 0.1, 0.9) + 40
        and db(moving[1], 1.1, 1.9) > db(moving[0], 1.1, 1.9) + 40
    )


def test_a_bend_goes_as_far_as_its_range_says(play):
    clarinet = program(0, 71)
    up = play([clarinet, *note(0, 2), (1.0, b"\xe0\x7f\x7f")])
    assert hz(up, 0.2, 0.9) == pytest.approx(261.6, rel=0.004)
    assert hz(up, 1.1, 1.9) == pytest.approx(261.6 * 2 ** (2 / 12), rel=0.004)
    octave = [control(0, 101, 0), control(0, 100, 0), control(0, 6, 12)]
    down = play([clarinet, *octave, *note(0, 2, key=72), (1.0, b"\xe0\0\0")])
    assert hz(down, 1.1, 1.9) == pytest.approx(261.6, rel=0.006)
    before = play([clarinet, (0.0, b"\xe0\x7f\x7f"), *note(0.1, 1)])  # bent when it is struck
    assert hz(before, 0.3, 0.9) == pytest.approx(261.6 * 2 ** (2 / 12), rel=0.004)


def test_the_wheel_brings_vibrato_and_resetting_takes_it_away(play):
    sound = play([program(0, 71), *note(0, 3), control(1, 1, 127), control(2, 121, 0)])

    def spread(start: float, end: float) -> float:
        heights = [hz(sound, at, at + 0.06) for at in np.arange(start, end, 0.02)]
        return 1200 * np.log2(max(heights) / min(heights))

    assert spread(1.2, 1.9) > spread(0.2, 0.9) + 10 and spread(2.2, 2.9) < spread(0.2, 0.9) + 10


def test_programs_change_within_a_track_and_each_note_is_its_own(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi([program(0, 0), *note(0, 1), program(1, 73), *note(1, 2), program(2, 116), *note(2, 3)]))
    piece = read_performance(path)
    assert {(t.family, t.program, float(t.notes["onset"][0])) for t in piece.tracks} == {
        ("piano", 0, 0.0), ("winds", 73, 2.0), ("drums", 116, 4.0),
    }  # fmt: skip
    assert not any(track.plays_kit for track in piece.tracks)


def test_a_bank_counts_from_the_next_program_on(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi([program(0, 4), control(0, 0, 8), *note(0, 1), program(1, 4), *note(1, 2)]))
    banks = [track.performance.bank if track.performance else 0 for track in read_performance(path).tracks]
    assert sorted(banks) == [0, 8]


def test_what_is_not_played_is_told_and_what_is_played_is_not(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(
        midi([*note(0, 1), control(0, 64, 127), control(0, 7, 50), control(0, 67, 127), (0.5, b"\xa0\x3c\x20")])
    )
    assert read_performance(path).told == ("the soft pedal and aftertouch of single keys are not played",)
    assert "the sustain pedal" in read_midi(path).told[0]  # music to go on from has none
    path.write_bytes(midi([program(0, 127), *note(0, 1)]))
    with pytest.raises(InputError, match="no note that we can play"):
        read_performance(path)


def test_notes_are_those_of_the_plain_reading(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi([*note(0, 1), *note(0.5, 1.5, 64), *note(0.5, 2, 60)], note(0, 1, 36, channel=9)))
    plain, performed = read_midi(path), read_performance(path)
    assert [(t.family, t.program, t.notes.tolist()) for t in plain.tracks] == [
        (t.family, t.program, t.notes.tolist()) for t in performed.tracks
    ]
    assert all(track.performance is None for track in performed.tracks)


def test_time_is_kept_from_the_first_beat(tmp_path):
    path = tmp_path / "a.mid"
    path.write_bytes(midi(note(8, 9)))
    assert main(["render", str(path), "-o", str(tmp_path / "a.wav"), "-q"]) == 0
    sound = np.abs(read_audio(tmp_path / "a.wav").samples).max(axis=0)
    assert np.argmax(sound > 0.02) / RATE == pytest.approx(8.0, abs=0.05)


@pytest.mark.skipif(not CASES.is_dir(), reason="the shared cases are not here")
def test_the_shared_cases_are_played(font, tmp_path):
    def sound_of(name: str) -> np.ndarray:
        stems = synthesize_stems(read_performance(CASES / "midi" / name), soundfont=font, mixed=True)
        return sum(audio.samples for _, audio in stems)

    one, two = sound_of("hat-one-track.mid"), sound_of("hat-two-tracks.mid")
    np.testing.assert_allclose(one, two, atol=1e-6)
    assert sound_of("taiko.mid").any()
    for name in ("pedal.mid", "cc7.mid", "bend.mid"):
        performances = [track.performance for track in read_performance(CASES / "midi" / name).tracks]
        assert all(performance is not None for performance in performances) and sound_of(name).any()
    for kind in ("unpadded", "padded"):
        opened = SoundFont.open(CASES / "fonts" / f"odd-{kind}.sf3")
        assert opened.layers(opened.find_preset(0, is_drum=False), 60, 100)
