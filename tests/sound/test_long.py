"""Long sound is played, mixed, levelled and written block by block: what comes out is what is held in memory for short sound."""

import io

import numpy as np
import pytest
from band_pieces import band_piece

from klangbild.errors import OutputError
from klangbild.sound import audio as audios
from klangbild.sound import mix as mixes
from klangbild.sound import synth, tape
from klangbild.sound.audio import Audio, LongAudio
from klangbild.sound.files import encode_audio, encode_into, read_audio, write_audio
from klangbild.sound.mix import mix
from klangbild.sound.reverb import Room, reverberate
from klangbild.sound.synth import synthesize_stems
from klangbild.sound.tape import Tape

RATE = 44100


@pytest.fixture
def nothing_is_short(monkeypatch):
    for module in (audios, mixes, synth, tape):
        monkeypatch.setattr(module, "HELD_S", 0.5)
    monkeypatch.setattr(mixes, "_HOPS", 3)
    monkeypatch.setattr(synth, "_BLOCK", 28 * 3 * 4096)
    monkeypatch.setattr(synth, "_LEVEL_BLOCKS", 100)


def test_blocks_give_what_the_whole_gives(font, nothing_is_short, monkeypatch):
    piece = band_piece(bars=2)
    long = mix(synthesize_stems(piece, soundfont=font), trim=False)
    assert isinstance(long.audio, LongAudio)
    blocks, stems = long.audio.samples, [audio.samples for _, audio in long.stems]
    monkeypatch.undo()
    held = mix(synthesize_stems(piece, soundfont=font), trim=False)
    assert isinstance(held.audio, Audio) and blocks.shape == held.audio.samples.shape
    np.testing.assert_allclose(blocks, held.audio.samples, atol=1e-5)
    assert long.loudness.lufs == pytest.approx(held.loudness.lufs, abs=1e-3)
    np.testing.assert_allclose(np.sum(stems, axis=0), blocks, atol=2e-5)


def test_any_part_of_a_long_stem_is_the_same(font, nothing_is_short):
    (_, stem), *_ = synthesize_stems(band_piece(bars=2), soundfont=font)
    whole = stem.read(0, stem.frames)
    for first, last in ((0, 100), (65_000, 66_000), (100_000, 300_000), (stem.frames - 10, stem.frames)):
        np.testing.assert_allclose(stem.read(first, last), whole[:, first:last], atol=1e-6)


def test_long_sound_is_written_like_held_sound(tmp_path):
    rng = np.random.default_rng(4)
    samples = (rng.standard_normal((2, 200_001)) * 0.1).astype(np.float32)
    held = Audio(samples, RATE)
    long = LongAudio(held.read, held.frames, RATE)
    for kind in ("wav", "flac", "mp3", "ogg"):
        stream = io.BytesIO()
        encode_into(stream, long, kind, tags={"title": "a"})
        assert stream.getvalue() == encode_audio(held, kind, tags={"title": "a"})
        assert read_audio(write_audio(tmp_path / f"a.{kind}", long)).rate == RATE


def test_a_tape_gives_back_what_was_recorded(monkeypatch):
    rng = np.random.default_rng(1)
    samples = rng.standard_normal((2, 10_000)).astype(np.float32)
    for held_s in (1.0, 0.1):
        monkeypatch.setattr(tape, "HELD_S", held_s)
        recorded = Tape(10_500, RATE)
        for first in (6000, 0, 3000):
            recorded.write(first, samples[:, first : first + 4000])
        np.testing.assert_array_equal(recorded.read(0, 10_000), samples)
        np.testing.assert_array_equal(recorded.read(4321, 6001), samples[:, 4321:6001])
        assert not recorded.read(10_000, 10_500).any() and recorded.read(7, 7).shape == (2, 0)


def test_a_full_disk_is_one_line(monkeypatch):
    monkeypatch.setattr(tape, "HELD_S", 0.0)

    class Full:
        def truncate(self, size):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tape.tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(OutputError, match=r"No space left.*TMPDIR"):
        Tape(1000, RATE)


def test_the_room_hears_blocks_as_one_sound():
    rng = np.random.default_rng(2)
    send = rng.standard_normal(300_000).astype(np.float32)
    room = Room(RATE)
    size = 2 * room.hop
    parts = [room.answer(send[first : first + size]) for first in range(0, len(send), size)]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), reverberate(send, RATE))


def test_a_bundle_of_long_sound_has_the_same_bytes():
    from klangbild.show.bundle import bundle_bytes

    data = bytes(range(256)) * 3000

    def in_parts(to) -> None:
        for first in range(0, len(data), 1000):
            to.write(data[first : first + 1000])

    assert bundle_bytes({"a.wav": in_parts, "b.mp3": in_parts}) == bundle_bytes({"a.wav": data, "b.mp3": data})
