"""The model of the standard, on fonts of one sample: what a generator or a modulator says is heard, and how far."""

from __future__ import annotations

import numpy as np
import pytest
from small_fonts import SAW, small_font, vorbis

from klangbild.errors import InputError
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.sound.font_file import FontFile
from klangbild.sound.soundfont import SoundFont
from klangbild.sound.synth import not_played, synthesize_stems

RATE = 22050
PERIOD = 100  # frames: the saw is 220.5 Hz at its root


@pytest.fixture
def play(tmp_path):
    """(font bytes, notes...) -> mono sound (n,), as the font has it."""

    def played(
        data: bytes, key: int = 60, velocity: int = 127, beats: float = 2.0, family: str = "piano"
    ) -> np.ndarray:
        path = tmp_path / f"{abs(hash(data))}.sf2"
        if not path.exists():  # an opened font is kept while its file stays
            path.write_bytes(data)
        piece = Piece((Track(family, 0, make_notes([0], [beats], [key], [velocity])),))
        ((_, audio),) = synthesize_stems(piece, soundfont=path, rate=RATE, mixed=True)
        return audio.samples.sum(axis=0)

    return played


def db(sound: np.ndarray, start_s: float, end_s: float) -> float:
    return 10 * float(np.log10((sound[int(start_s * RATE) : int(end_s * RATE)].astype(float) ** 2).mean() + 1e-20))


def hz(sound: np.ndarray, start_s: float, end_s: float) -> float:
    part = sound[int(start_s * RATE) : int(end_s * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 17))
    return float(np.argmax(spectrum) * RATE / (1 << 17))


def centroid(sound: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(sound[: RATE // 2]))
    return float((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum() / len(spectrum) * RATE / 2)


def timecents(seconds: float) -> int:
    return round(1200 * np.log2(seconds))


def test_a_release_starts_where_the_envelope_stands_and_takes_the_decays_place(play):
    """96 dB in 4.8 s are 20 dB/s, before and after the key is let go; the decay is not added to the release (40 dB/s)."""
    sound = play(small_font(generators=((36, timecents(4.8)), (37, 1000), (38, timecents(4.8)))), beats=1.0)
    assert db(sound, 0.1, 0.2) - db(sound, 0.3, 0.4) == pytest.approx(4.0, abs=0.4)
    assert db(sound, 0.5, 0.6) - db(sound, 1.5, 1.6) == pytest.approx(20.0, abs=1.0)
    assert db(sound, 0.4, 0.5) - db(sound, 0.5, 0.6) == pytest.approx(2.0, abs=0.4)  # no jump between the two


def test_a_release_out_of_the_attack_goes_on_from_there(play):
    sound = play(small_font(generators=((34, timecents(2.0)), (38, timecents(9.6)))), beats=1.0)
    assert db(sound, 0.52, 0.6) == pytest.approx(db(sound, 0.42, 0.5), abs=2.0)
    assert db(sound, 0.6, 0.7) - db(sound, 1.6, 1.7) == pytest.approx(10.0, abs=1.0)


def test_a_fixed_velocity_and_a_fixed_key(play):
    fixed = small_font(generators=((47, 100),))
    assert db(play(fixed, velocity=32), 0.1, 0.5) == pytest.approx(db(play(fixed, velocity=127), 0.1, 0.5), abs=0.1)
    free = small_font()
    assert db(play(free, velocity=127), 0.1, 0.5) - db(play(free, velocity=32), 0.1, 0.5) == pytest.approx(
        40 * np.log10(127 / 32), abs=0.3
    )
    assert hz(play(small_font(generators=((46, 60),)), key=67), 0.1, 0.9) == pytest.approx(220.5, rel=0.003)
    assert hz(play(free, key=67), 0.1, 0.9) == pytest.approx(220.5 * 2 ** (7 / 12), rel=0.003)


def test_an_oscillator_moves_level_pitch_and_filter(play):
    four_hz = (22, round(1200 * np.log2(4 / 8.176)))
    tremolo = play(small_font(generators=(four_hz, (13, 60))))
    levels = np.array([db(tremolo, at, at + 0.02) for at in np.arange(0.02, 0.95, 0.01)])
    assert levels.max() - levels.min() == pytest.approx(12.0, abs=1.5)  # 6 dB up and down
    assert np.argmax(levels[:20]) * 0.01 + 0.03 == pytest.approx(1 / 16, abs=0.015)  # up first, at 4 Hz
    vibrato = play(small_font(generators=(four_hz, (5, 200))))
    heights = [hz(vibrato, at, at + 0.03) for at in np.arange(0.02, 0.6, 0.01)]
    assert 1.15 < max(heights) / min(heights) < 1.35
    wah = play(small_font(generators=(four_hz, (8, 7000), (10, 2400))))
    bright = [centroid(np.pad(wah[int(at * RATE) :][:600], (0, 12000))) for at in np.arange(0.02, 0.3, 0.02)]
    assert max(bright) > 1.5 * min(bright)


def test_modulators_of_a_font_stand_in_for_the_default_ones_and_those_of_a_preset_are_added(play):
    by_velocity = (0x502, 48, 480, 0, 0)

    def softer(**font) -> float:
        data = small_font(**font)
        return db(play(data, velocity=127), 0.1, 0.5) - db(play(data, velocity=32), 0.1, 0.5)

    whole = 40 * np.log10(127 / 32)
    assert softer(modulators=(by_velocity,)) == pytest.approx(whole / 2, abs=0.4)
    assert softer(preset_modulators=((0x502, 48, -480, 0, 0),)) == pytest.approx(whole / 2, abs=0.4)
    assert softer(modulators=((0x502, 48, 0, 0, 0),)) == pytest.approx(0.0, abs=0.1)


def test_a_modulator_opens_the_filter_for_loud_notes(play):
    data = small_font(generators=((8, 4500),), modulators=((0x002, 8, 9000, 0, 0),))
    assert centroid(play(data, velocity=127)) > 3 * centroid(play(data, velocity=20))
    still = small_font(generators=((8, 4500),))
    assert centroid(play(still, velocity=127)) == pytest.approx(centroid(play(still, velocity=20)), rel=0.1)


def test_negative_attenuation_makes_louder_and_resonance_takes_half_of_itself_off(play):
    plain = db(play(small_font(), velocity=80), 0.1, 0.5)
    assert db(play(small_font(generators=((48, -100),)), velocity=80), 0.1, 0.5) - plain == pytest.approx(4.0, abs=0.2)
    assert db(play(small_font(generators=((9, 100),)), velocity=80), 0.1, 0.5) - plain == pytest.approx(-5.0, abs=0.5)


@pytest.mark.parametrize("end", [2001, 2400, 4_000_000])
def test_a_loop_that_ends_behind_its_sample_is_held_within_it(play, end):
    sound = play(small_font(sample=(0, 2000, 100, end, RATE, 60)))
    assert db(sound, 0.7, 0.9) == pytest.approx(db(sound, 0.1, 0.3), abs=0.5)


def test_a_sample_that_plays_on_goes_behind_its_loop_when_the_key_is_let_go(play):
    pcm = np.concatenate([SAW[:1000], np.sin(np.arange(20000) / 5) * 9000])
    data = small_font(sample=(0, 21000, 100, 900, RATE, 60), pcm=pcm, generators=((38, timecents(4.0)),))
    looping, playing_on = play(data), play(data.replace(b"\x36\0\x01\0", b"\x36\0\x03\0"))
    assert hz(playing_on, 0.2, 0.9) == pytest.approx(220.5, rel=0.01)
    assert (
        hz(playing_on, 1.2, 1.6)
        == pytest.approx(RATE / 5 / 2 / np.pi, rel=0.01)
        != pytest.approx(hz(looping, 1.2, 1.6), rel=0.1)
    )


def test_drums_are_never_played_by_an_instrument_nor_an_instrument_by_drums(tmp_path):
    notes = make_notes([0], [1], [60], [100])
    drums, piano = Track("drums", 0, notes), Track("piano", 0, notes)
    melodic, kit = tmp_path / "melodic.sf2", tmp_path / "kit.sf2"
    melodic.write_bytes(small_font())
    kit.write_bytes(small_font(presets=((128, 0, 0),)))
    both = Piece((drums, piano))
    sounds = {name: audio.samples.any() for name, audio in synthesize_stems(both, soundfont=melodic, rate=RATE)}
    assert sounds == {"drums": False, "piano": True}
    assert not_played(both, melodic) == ("melodic.sf2 has no drum kit: the drums are silent",)
    sounds = {name: audio.samples.any() for name, audio in synthesize_stems(both, soundfont=kit, rate=RATE)}
    assert sounds == {"drums": True, "piano": False}
    assert not_played(both, kit) == ("kit.sf2 has no instrument: the instruments are silent",)
    with pytest.raises(InputError, match="no sound for any"):
        not_played(Piece((drums,)), melodic)


def test_a_bank_that_a_font_lacks_is_the_first_and_a_program_it_lacks_is_the_nearest_of_its_kind(tmp_path):
    path = tmp_path / "a.sf2"
    path.write_bytes(small_font(presets=((0, 40, 0), (0, 44, 0), (8, 40, 0), (128, 16, 0))))
    font = SoundFont.open(path)
    assert font.find_preset(40, is_drum=False, bank=8) == (8, 40)
    assert font.find_preset(40, is_drum=False, bank=3) == (0, 40)
    assert font.find_preset(46, is_drum=False) == (0, 44)
    assert font.find_preset(0, is_drum=True) == (128, 16)


@pytest.mark.parametrize("pad", [True, False])
def test_vorbis_samples_with_and_without_a_pad_byte_are_decoded_once(play, pad, monkeypatch):
    stream = vorbis(np.sin(np.arange(4000) * 2 * np.pi / PERIOD) * 0.5, RATE)
    stream += b"\0" * (1 - len(stream) % 2)
    decoded = []
    decompressed = FontFile._decompressed
    monkeypatch.setattr(FontFile, "_decompressed", lambda self, data: decoded.append(1) or decompressed(self, data))
    data = small_font(sample=(0, len(stream), 1000, 3000, RATE, 60), kind=0x11, data=stream, pad=pad)
    assert len(stream) % 2
    for _ in range(2):
        sound = play(data, key=67)
        assert hz(sound, 0.1, 0.9) == pytest.approx(220.5 * 2 ** (7 / 12), rel=0.003)
    assert len(decoded) == 1
