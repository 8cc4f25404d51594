"""`--loop`: a piece whose end leads to its start, in notes and in sound, without a seam and without a cut."""

import struct

import numpy as np
import pytest
import soundfile

from klangbild.composer import Composer, replay
from klangbild.errors import UsageError
from klangbild.music.length import looping, of_length
from klangbild.music.midi import read_midi
from klangbild.music.piece import LOOP_END, LOOP_START, Piece, Track, make_notes
from klangbild.settings import Settings
from klangbild.sound.audio import Audio
from klangbild.sound.fonts import find_soundfont
from klangbild.sound.loudness import measure_loudness, normalize
from klangbild.sound.mix import mix
from klangbild.sound.synth import synthesize_stems

RATE = 44100


@pytest.fixture(scope="module")
def composer():
    return Composer(text="joyful", loop=True, seed=5, drafts=0)


@pytest.fixture(scope="module")
def looped(composer):
    return composer.compose(seconds=12.3, exact=True)


def rounds(piece: Piece, n: int) -> Piece:
    """The notes of a piece n times, one after the other."""
    tracks = []
    for track in piece.tracks:
        parts = [track.notes.copy() for _ in range(n)]
        for lap, notes in enumerate(parts):
            notes["onset"] += lap * piece.length_beats
        tracks.append(Track(track.family, track.program, np.concatenate(parts)))
    return Piece(tuple(tracks), piece.tempos, piece.meters, length_beats=n * piece.length_beats)


def ringing() -> Piece:
    """Eight beats of piano and strings, struck until the very end and still sounding there."""
    onset = np.arange(8.0)
    piano = make_notes(onset, np.full(8, 1.0), [60, 64, 67, 72, 60, 64, 67, 71], np.full(8, 90))
    strings = make_notes([0.0, 7.0], [6.5, 1.0], [55, 59], [80, 100])
    return Piece((Track("piano", 0, piano), Track("strings", 48, strings)), length_beats=8.0)


def test_one_round_is_what_the_music_is_when_it_goes_round():
    """The truth: the same notes played three times over. Their third round, all tails of the rounds before in it, is the loop."""
    piece = ringing()
    n = round(piece.seconds * RATE)
    font = find_soundfont()
    stems = synthesize_stems(piece, soundfont=font)
    loop = mix(stems, target_lufs=None, length_s=piece.seconds, loops=True).audio.samples
    laps = mix(synthesize_stems(rounds(piece, 4), soundfont=font), target_lufs=None, trim=False).audio.samples
    truth = laps[:, 3 * n : 4 * n] * (
        loop.std() / laps[:, 3 * n : 4 * n].std()
    )  # each stem's level is reckoned from all of it
    assert loop.shape == truth.shape
    assert np.abs(loop - truth).max() < 0.02 * np.abs(truth).max()
    cut = mix(stems, target_lufs=None, length_s=piece.seconds).audio.samples
    assert np.abs(cut - truth)[:, :RATE].max() > 0.05 * np.abs(truth).max()  # the tail is missing at the start


def test_no_step_at_the_joint_is_larger_than_inside(looped):
    samples = looped.audio.samples.astype(float)
    n = samples.shape[1]
    assert n == round(12.3 * RATE)
    joined = np.concatenate([samples, samples], axis=1)
    steps = np.abs(np.diff(joined, axis=1)).max(axis=0)
    assert steps[n - 1] <= np.quantile(steps[: n - 1], 0.999)
    # a cut is heard as a click: energy above 8 kHz in 6 ms around the joint, against the same at every bar inside
    starts = looped.piece.beats_to_seconds(looped.piece.bar_starts())

    def click(at: int) -> float:
        part = joined[:, at - 128 : at + 128] * np.hanning(256)
        return float((np.abs(np.fft.rfft(part)) ** 2)[:, 46:].sum())

    assert click(n) <= 2.0 * max(click(n + round(at * RATE)) for at in starts[1:])


def test_what_rings_on_at_the_end_sounds_at_the_start_and_nothing_fades(looped):
    samples = looped.audio.samples
    dry = mix(synthesize_stems(looped.piece, soundfont=find_soundfont()), target_lufs=None, length_s=12.3).audio.samples
    quarter = RATE // 4
    faded = np.sqrt((dry[:, -quarter:] ** 2).mean() / (dry**2).mean())
    assert np.sqrt((samples[:, -quarter:] ** 2).mean() / (samples**2).mean()) > 1.5 * faded
    assert looped.record.sound.lufs == pytest.approx(measure_loudness(looped.audio).lufs, abs=0.05)
    total = sum(stem.samples for _, stem in looped.stems)
    assert np.abs(total - samples).max() < 1e-4


def test_the_limiter_goes_round_too():
    """A blow right at the start is turned down ahead of it, which is at the end."""
    n = RATE + 5
    time = np.arange(n) / RATE
    hum = 0.1 * np.sin(2 * np.pi * 100 * np.round(n / RATE) * time * RATE / n)
    hum[:400] += 0.95 * np.hanning(800)[400:]
    sound = Audio(np.stack([hum, hum]).astype(np.float32), RATE)
    plain, _ = normalize(sound, target_lufs=-10.0)
    round_, levelling = normalize(sound, target_lufs=-10.0, loops=True)
    assert levelling.limiter_reduction_db > 1.0

    def jump(made: Audio) -> float:  # of the gain, across the joint
        gain = made.samples[0].astype(float) / np.where(np.abs(hum) < 1e-3, np.nan, hum)
        return abs(20 * np.log10(np.nanmedian(gain[-8:]) / np.nanmedian(gain[:8])))

    assert jump(round_) < 0.1 < jump(plain)


def test_files_say_where_it_loops(looped, tmp_path):
    paths = looped.save(tmp_path, ("mid", "wav", "flac", "stems"))
    n = round(12.3 * RATE)
    data = paths["wav"].read_bytes()
    at = data.index(b"smpl")
    size, *values = struct.unpack_from("<16I", data, at + 4)
    assert size == 60 and values[7] == 1  # one loop
    assert values[2] == round(1e9 / RATE) and values[10:13] == [0, 0, n - 1] and values[14] == 0  # all of it, for ever
    assert soundfile.info(paths["wav"]).frames == soundfile.info(paths["flac"]).frames == n
    assert b"LOOPSTART=0" in (head := paths["flac"].read_bytes()[:20000]) and f"LOOPLENGTH={n}".encode() in head
    assert all(b"smpl" in stem.read_bytes() for stem in paths["stems"].iterdir())
    marks = {text: beat for beat, text in read_midi(paths["mid"]).markers}
    assert marks[LOOP_START] == 0.0
    assert looped.piece.beats_to_seconds(marks[LOOP_END]) == pytest.approx(12.3, abs=0.002)
    again = replay(paths["wav"]).save(tmp_path / "again", ("wav", "mid"))
    assert all(again[kind].read_bytes() == paths[kind].read_bytes() for kind in again)


def test_what_does_not_loop_says_nothing_of_it(tmp_path):
    result = Composer(text="joyful", seed=5, drafts=0).compose(bars=2)
    paths = result.save(tmp_path, ("wav",))
    assert b"smpl" not in paths["wav"].read_bytes() and not result.loops


@pytest.mark.parametrize("seed", [0, 1])
def test_the_last_bar_goes_on_and_leads_home(composer, seed):
    def last_bar(piece: Piece) -> tuple[int, set[int]]:
        """Onsets after its first beat, and the steps above the tonic of what begins in its second half."""
        start, end = piece.bar_starts()[-1], piece.length_beats
        notes = np.concatenate([track.notes for track in piece.tracks if not track.is_drum])
        inside = notes[notes["onset"] > start - 1e-6]
        tonic = piece.key.tonic
        late = inside[inside["onset"] >= (start + end) / 2 - 1e-6]
        return int((inside["onset"] > start + 1e-6).sum()), {(int(pitch) - tonic) % 12 for pitch in late["pitch"]}

    asked = {"seed": seed, "bars": 8, "key": "C", "meter": "4/4"}
    result = composer.compose(**asked)
    onward, lead = last_bar(result.piece)
    held, _ = last_bar(composer.compose(**asked, loop=False).piece)
    assert onward > held == 0
    assert lead <= {2, 5, 7, 11}  # the dominant, which wants the first bar's tonic
    assert "loops" in result.record.music.words


def test_a_loop_keeps_its_bars_whole_however_far_the_tempo_moves():
    piece, told = of_length(ringing(), 4.4, loop=True)
    assert piece.seconds == pytest.approx(4.4) and piece.length_beats == 8.0 and "tempo moved" in told
    assert looping(piece).loops and not piece.loops


def test_a_loop_shorter_than_its_tail_goes_round_more_than_once():
    """What sounds in the fourth second stands eight times folded in half a second."""
    n, time = RATE // 2, np.arange(4 * RATE) / RATE
    sound = np.sin(2 * np.pi * 440 * time) * (time < 1) + np.sin(2 * np.pi * 660 * time) * (time > 3) * np.exp(3 - time)
    tone = np.tile(0.2 * sound, (2, 1)).astype(np.float32)
    made = mix([("piano", Audio(tone, RATE))], target_lufs=None, reverb=0.0, length_s=0.5, loops=True).audio.samples
    folded = tone.reshape(2, 8, n).sum(axis=1)
    assert made.shape[1] == n
    assert np.corrcoef(made[0, 2000:], folded[0, 2000:])[0, 1] > 0.98
    once = tone[:, : 2 * n].reshape(2, 2, n).sum(axis=1)
    assert np.corrcoef(made[0, 2000:], once[0, 2000:])[0, 1] < 0.95


def test_who_cannot_loop_refuses():
    with pytest.raises(UsageError, match="--loop"):
        Settings(loop=True, gen_len=512)
    with pytest.raises(UsageError, match="--loop is not heard by the model published"):
        Composer().compose(text="calm", engine="art2mus", model="published", loop=True)
