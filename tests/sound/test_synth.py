from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from band_pieces import band_piece, one_note

from klangbild.errors import InputError, Stopped
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.sound.balance import active_level_db, balance_db
from klangbild.sound.envelopes import held_level
from klangbild.sound.soundfont import Envelope, SoundFont
from klangbild.sound.synth import synthesize_stems

RATE = 44100


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt((samples.astype(float) ** 2).mean()))


def only_stem(piece: Piece, font: Path) -> np.ndarray:
    ((_, audio),) = synthesize_stems(piece, soundfont=font)
    return audio.samples


def test_a_stem_for_each_playing_family_all_alike_in_shape(band_stems):
    assert [name for name, _ in band_stems] == ["drums", "piano", "bass", "strings", "winds"]
    assert len({audio.samples.shape for _, audio in band_stems}) == 1
    for _, audio in band_stems:
        assert audio.samples.dtype == np.float32 and np.isfinite(audio.samples).all() and audio.samples.any()


@pytest.mark.parametrize("pitch", [45, 57, 69, 81])
@pytest.mark.parametrize("program", [0, 48, 73])
def test_notes_sound_at_their_pitch(font, pitch, program):
    family = {0: "piano", 48: "strings", 73: "winds"}[program]
    sound = only_stem(one_note(family, program, pitch=pitch, beats=4.0), font).sum(axis=0)[4410 : 4410 + 65536]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4 * len(sound)))
    hz = np.fft.rfftfreq(4 * len(sound), 1 / RATE)
    expected = 440 * 2 ** ((pitch - 69) / 12)
    # the sum over the first harmonics is largest at the fundamental, within a quarter of a semitone
    candidates = expected * 2 ** (np.arange(-300, 301, 5) / 1200)
    strength = [sum(np.interp(k * c, hz, spectrum) for k in (1, 2, 3)) for c in candidates]
    cents = 1200 * np.log2(candidates[int(np.argmax(strength))] / expected)
    assert abs(cents) <= 25


def test_louder_velocity_is_louder_by_the_square_law_and_brighter(font):
    # one note sets no balance of its own: played_db keeps what the velocity asks for
    levels, centroids = [], []
    for velocity in (30, 60, 90, 120):
        sound = only_stem(one_note(velocity=velocity, pitch=64), font)
        levels.append(20 * np.log10(rms(sound[:, :20000])))
        spectrum = np.abs(np.fft.rfft(sound[0, :20000]))
        centroids.append((spectrum * np.arange(len(spectrum))).sum() / spectrum.sum())
    assert np.all(np.diff(levels) > 3)
    assert levels[-1] - levels[0] == pytest.approx(40 * np.log10(4), abs=3)
    assert np.all(np.diff(centroids) > 0)


def test_velocities_inside_one_piece_keep_their_distance(font):
    piece = Piece((Track("piano", 0, make_notes([0, 4], [1, 1], [60, 60], [40, 120])),))
    sound = only_stem(piece, font)
    soft, loud = rms(sound[:, : RATE // 2]), rms(sound[:, 2 * RATE : 2 * RATE + RATE // 2])
    assert 20 * np.log10(loud / soft) == pytest.approx(40 * np.log10(3), abs=1.0)


def test_a_held_piano_note_dies_away_and_a_held_string_note_does_not(font):
    piano = only_stem(one_note("piano", 0, beats=8), font)
    strings = only_stem(one_note("strings", 48, beats=8), font)
    early, late = slice(RATE // 4, RATE), slice(3 * RATE, 4 * RATE - RATE // 4)
    assert rms(piano[:, late]) < 0.3 * rms(piano[:, early])
    assert rms(strings[:, late]) > 0.5 * rms(strings[:, early])


def test_releases_are_not_cut(font):
    # two seconds of pad: its release is longer than a second, and the end of the stem is silent
    sound = only_stem(one_note("pad", 88, beats=4), font)
    after = sound[:, 2 * RATE : 2 * RATE + RATE // 2]
    assert 0.02 < rms(after) / rms(sound[:, RATE : 2 * RATE]) < 1.0
    assert np.abs(sound[:, -441:]).max() < 1e-4


def test_an_open_hi_hat_is_cut_by_a_closed_one(font):
    alone = Piece((Track("drums", 0, make_notes([0], [1], [46], [100])),))
    cut = Piece((Track("drums", 0, make_notes([0, 0.5], [1, 0.1], [46, 42], [100, 1])),))
    late = slice(round(0.6 * RATE), RATE)
    level = [rms(s[:, late]) / rms(s[:, : RATE // 8]) for s in (only_stem(alone, font), only_stem(cut, font))]
    assert level[1] < 0.1 * level[0]


def test_a_closed_hi_hat_in_another_track_cuts_it_as_well(font):
    notes = make_notes([0, 0.5], [1, 0.1], [46, 42], [100, 60])
    one = Piece((Track("drums", 0, notes),))
    two = Piece((Track("drums", 0, notes[:1]), Track("drums", 0, notes[1:])))
    np.testing.assert_allclose(only_stem(one, font), only_stem(two, font), atol=1e-6)


def test_panned_families_lie_where_they_should(band_stems):
    stems = dict(band_stems)

    def balance(name):
        left, right = (rms(channel) for channel in stems[name].samples)
        return right / left

    assert balance("winds") > 1.1 and balance("strings") < 0.95 and balance("bass") == pytest.approx(1, abs=0.05)


def test_no_family_drowns_the_others(band_stems):
    levels = {name: active_level_db(audio.samples, audio.rate) for name, audio in band_stems}
    assert max(levels.values()) - min(levels.values()) < 8, levels


def test_each_family_is_brought_to_its_place_in_the_mix(band_stems):
    """Within the 9 dB that a stem may be moved: as loud as its family and its velocities ask."""
    assert balance_db(-25.0, family="piano", played_db=0.0) == pytest.approx(5.0)
    assert balance_db(-25.0, family="pad", played_db=-3.0) == pytest.approx(-3.0)
    assert balance_db(-50.0, family="piano", played_db=0.0) == 9.0
    velocities = {track.family: track.notes["velocity"].astype(float) for track in band_piece().tracks}
    met = 0
    for name, audio in band_stems:
        played_db = 10 * np.log10(np.mean((velocities[name] / 100) ** 4))
        short_db = balance_db(active_level_db(audio.samples, audio.rate), family=name, played_db=played_db)
        met += abs(short_db) < 0.5
    assert met >= len(band_stems) - 1


def test_an_envelope_rises_holds_falls_in_decibels_and_stays():
    # 96 dB in the decay's 0.96 s from 0.2 s on, until 38.4 dB down
    envelope = held_level(Envelope(delay_s=0.05, attack_s=0.05, hold_s=0.1, decay_s=0.96, fall=0.4), 1000, 1000)
    np.testing.assert_allclose(envelope[[49, 75, 150, 200, 300, 400, 583, 590, 999]],
                               [0, 0.5, 1, 1, 10**-0.5, 0.1, 10**-1.915, 10**-1.92, 10**-1.92], rtol=1e-3)  # fmt: skip


def test_equal_in_two_processes(font, tmp_path):
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "from band_pieces import band_piece\n"
        "from klangbild.sound.synth import synthesize_stems\nfrom klangbild.sound.mix import mix\n"
        "from klangbild.sound.fonts import find_soundfont\n"
        "m = mix(synthesize_stems(band_piece(bars=2), soundfont=find_soundfont()))\n"
        "print(hashlib.sha256(m.audio.samples.tobytes()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parents[1])],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0]) == hashlib.sha256().digest_size * 2 + 1


def test_progress_goes_from_0_to_1_and_can_stop(font):
    seen: list[float] = []
    synthesize_stems(one_note(), soundfont=font, progress=seen.append)
    assert seen[0] == 0.0 and seen[-1] == 1.0
    with pytest.raises(Stopped):
        synthesize_stems(band_piece(bars=1), soundfont=font, progress=lambda share: share < 0.3)


def test_every_program_and_drum_sounds(font):
    opened = SoundFont.open(font)
    for program in range(115):
        assert opened.layers(opened.find_preset(program, is_drum=False), 60, 80), program
    for pitch in range(35, 82):
        assert opened.layers(opened.find_preset(0, is_drum=True), pitch, 80), pitch


def test_damaged_fonts_are_told_in_one_line(font, tmp_path):
    whole = Path(font).read_bytes()
    rng = np.random.default_rng(0)
    for index, size in enumerate([0, 11, 12, 40, 5000, len(whole) // 2, len(whole) - 10]):
        path = tmp_path / f"{index}.sf2"
        path.write_bytes(whole[:size])
        with pytest.raises(InputError) as caught:
            SoundFont.open(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    # flipped bytes in the index: an error we name, or sound; never another kind of error
    for index in range(12):
        data = bytearray(whole)
        for at in rng.integers(len(whole) - 60_000, len(whole), 40):
            data[at] = int(rng.integers(256))
        path = tmp_path / f"flipped{index}.sf2"
        path.write_bytes(data)
        try:
            synthesize_stems(band_piece(bars=1), soundfont=path)
        except InputError as error:
            assert str(path) in str(error)
