from __future__ import annotations

import time

import numpy as np
import pytest
from band_pieces import band_piece, one_note

from klangbild.errors import KlangbildError
from klangbild.sound.audio import Audio
from klangbild.sound.loudness import measure_loudness
from klangbild.sound.master import master
from klangbild.sound.mix import mix
from klangbild.sound.reverb import reverberate, room
from klangbild.sound.synth import synthesize_stems

RATE = 44100


def test_stems_sum_to_the_mix(band_mix):
    total = sum(audio.samples for _, audio in band_mix.stems)
    assert total.shape == band_mix.audio.samples.shape
    null = np.abs(total - band_mix.audio.samples).max()
    assert 20 * np.log10(null + 1e-12) < -60 - 20
    assert [name for name, _ in band_mix.stems] == ["drums", "piano", "bass", "strings", "winds"]


@pytest.mark.parametrize("loudest", [30, 80, 127])
@pytest.mark.parametrize("bpm", [50.0, 190.0])
def test_loudness_is_met_and_no_peak_passes_the_ceiling(font, loudest, bpm):
    piece = band_piece(bars=6, bpm=bpm, seed=loudest, loudest=loudest)
    made = mix(synthesize_stems(piece, soundfont=font))
    assert made.loudness.lufs == pytest.approx(-14.0, abs=0.5)
    assert made.loudness.true_peak_dbtp <= -1.0
    again = measure_loudness(made.audio)
    assert again.lufs == pytest.approx(made.loudness.lufs, abs=0.01)
    assert again.true_peak_dbtp == pytest.approx(made.loudness.true_peak_dbtp, abs=0.01)


def test_other_targets_and_none(band_stems):
    for target in (-23.0, -16.0):
        assert mix(band_stems, target_lufs=target).loudness.lufs == pytest.approx(target, abs=0.3)
    free = mix(band_stems, target_lufs=None)
    assert free.loudness.true_peak_dbtp <= -1.0 and free.levelling.curve is None


def test_the_room_is_heard_after_the_dry_sound_has_ended_and_more_of_it_is_louder(band_stems):
    n = max(audio.samples.shape[1] for _, audio in band_stems)
    short = [(name, Audio(_cut_after(audio.samples, n // 2), audio.rate)) for name, audio in band_stems]
    after = n // 2 + RATE // 100

    def tail(reverb: float) -> float:
        made = mix(short, reverb=reverb, rumble=True, target_lufs=None, trim=False)
        return float(np.sqrt((made.audio.samples[:, after : after + RATE // 5] ** 2).mean()))

    assert tail(0.0) < 1e-6
    assert tail(0.16) > 1e-3
    assert tail(0.4) > 1.5 * tail(0.16)
    default = mix(short, target_lufs=None, trim=False).audio.samples
    np.testing.assert_array_equal(default, mix(short, reverb=0.16, target_lufs=None, trim=False).audio.samples)


def _cut_after(samples: np.ndarray, n: int) -> np.ndarray:
    out = samples.copy()
    out[:, n:] = 0
    return out


def test_time_is_kept_or_silence_is_trimmed_and_tails_stay(font):
    # a note that starts after four seconds
    late = band_piece(bars=1, bpm=60.0)
    moved = type(late)(
        tuple(type(t)(t.family, t.program, _moved(t.notes, 4.0)) for t in late.tracks), tempos=late.tempos
    )
    stems = synthesize_stems(moved, soundfont=font)
    kept = mix(stems)
    assert kept.start_s == 0.0
    for audio in (kept.audio, *(audio for _, audio in kept.stems)):
        sounds = np.abs(audio.samples).max(axis=0) > 1e-3
        assert sounds.argmax() / RATE == pytest.approx(4.0, abs=0.03)
    made = mix(stems, trim_start=True)
    assert made.start_s == pytest.approx(4.0, abs=0.05)
    assert np.abs(made.audio.samples[:, : RATE // 10]).max() > 0.01
    # the tail: sound goes on after the last note ends, and the file ends at nothing
    after = made.audio.samples[:, 4 * RATE : 4 * RATE + RATE // 2]
    assert np.abs(after).max() > 0.01
    assert np.abs(made.audio.samples[:, -10:]).max() < 1e-4
    assert made.audio.seconds < 4 + 6


def _moved(notes, beats):
    notes = notes.copy()
    notes["onset"] += beats
    return notes


def test_the_fade_out_is_far_below_the_music(band_mix):
    level = np.abs(band_mix.audio.samples).max(axis=0)
    before_fade = level[-RATE // 8 : -RATE // 16].max()
    assert 20 * np.log10(before_fade / level.max()) < -50


def test_one_short_note_and_silence(font):
    made = mix(synthesize_stems(one_note("mallet", 12, beats=0.1), soundfont=font))
    assert made.loudness.true_peak_dbtp <= -1.0 and made.audio.samples.any()
    silent = mix([("piano", Audio(np.zeros((2, RATE), np.float32), RATE))])
    assert not silent.audio.samples.any() and silent.loudness.lufs is None and silent.loudness.true_peak_dbtp is None
    with pytest.raises(ValueError):
        mix([])


def test_the_room_is_short_and_dies_away():
    response = room(RATE)
    energy = (response.astype(float) ** 2).sum(axis=1)
    np.testing.assert_allclose(energy, 1.0, rtol=1e-3)
    assert (response[:, -RATE // 5 :] ** 2).sum() < 1e-4
    assert abs(np.corrcoef(response)[0, 1]) < 0.6  # left and right differ: the room opens the picture


@pytest.mark.parametrize("n", [1, 1000, 60_000, 200_001])
def test_overlap_add_is_the_convolution(n):
    send = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    direct = np.stack([np.fft.irfft(np.fft.rfft(send, 2**18) * np.fft.rfft(h, 2**18))[:n] for h in room(RATE)])
    np.testing.assert_allclose(reverberate(send, RATE), direct, atol=2e-5)


def test_a_mix_is_quick(band_stems):
    started = time.process_time()
    made = mix(band_stems)
    assert made.audio.seconds / (time.process_time() - started) > 30


def test_no_notes_are_one_line():
    with pytest.raises(KlangbildError, match="came out silent"):
        master([])


def test_what_lies_below_music_is_taken_off_and_stems_still_sum_to_the_mix():
    time_s = np.arange(4 * RATE) / RATE
    tone, rumble = np.sin(2 * np.pi * 440 * time_s) * 0.1, 0.05 + np.sin(2 * np.pi * 12 * time_s) * 0.1
    bass = np.sin(2 * np.pi * 55 * time_s) * 0.1
    stems = [
        (name, Audio(np.stack([s, s]).astype(np.float32), RATE))
        for name, s in (("piano", tone + rumble), ("bass", bass))
    ]
    made = mix(stems, target_lufs=None, reverb=0.0, trim=False)
    later = made.audio.samples[0, RATE:]
    spectrum = np.abs(np.fft.rfft(later * np.hanning(len(later)))) / len(later) * 4
    hz = np.fft.rfftfreq(len(later), 1 / RATE)

    def height(at: float) -> float:
        return float(spectrum[(hz > at - 2) & (hz < at + 2)].max()) / 10 ** (made.levelling.gain_db / 20)

    assert height(440) == pytest.approx(0.1, rel=0.02) and height(55) == pytest.approx(0.1, rel=0.05)
    assert height(12) < 0.003 and abs(later.mean()) < 1e-4
    np.testing.assert_allclose(sum(audio.samples for _, audio in made.stems), made.audio.samples, atol=1e-6)
    kept = mix(stems, target_lufs=None, reverb=0.0, trim=False, rumble=True)
    assert kept.audio.samples.mean() > 0.02
