from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild import atomic
from klangbild.atomic import atomic_path, atomic_write
from klangbild.errors import InputError, OutputError, UsageError
from klangbild.sound.audio import Audio
from klangbild.sound.files import FORMATS, encode_audio, read_audio, read_record, write_audio

TAGS = {
    "title": "Stürmische See",
    "artist": "klangbild",
    "comment": "seed 7",
    "software": "klangbild 0.1.0",
    "ai": "AI generated",
}
RECORD = '{"klangbild": "0.1.0", "words": "größer — 音楽", "long": "' + "x" * 9000 + '"}'
RATE = 44100


def music(seconds: float = 1.5, channels: int = 2) -> Audio:
    time = np.arange(round(seconds * RATE)) / RATE
    rows = [0.4 * np.sin(2 * np.pi * 220 * (k + 1) * time) * np.exp(-time) for k in range(channels)]
    return Audio(np.array(rows, dtype=np.float32), RATE)


def cover() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), "#884422").save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_sound_tags_record_and_cover_come_back(tmp_path, kind):
    import mutagen

    audio = music()
    path = write_audio(tmp_path / f"a.{kind}", audio, tags=TAGS, record=RECORD, cover=cover())
    back = read_audio(path)
    assert back.rate == RATE
    if kind in ("wav", "flac"):
        np.testing.assert_allclose(back.samples, audio.samples, atol=2**-23)
    else:
        n = min(back.samples.shape[1], audio.samples.shape[1])
        assert abs(back.samples.shape[1] - audio.samples.shape[1]) < 3000
        error = back.samples[:, 2000 : n - 2000] - audio.samples[:, 2000 : n - 2000]
        assert np.sqrt((error**2).mean()) < 0.02
    assert read_record(path) == RECORD
    file = mutagen.File(path)
    text = "\n".join(str(value) for value in file.tags.values()) if kind in ("wav", "mp3") else str(file.tags.as_dict())
    for value in TAGS.values():
        assert value in text
    pictures = (
        file.tags.getall("APIC")
        if kind in ("wav", "mp3")
        else file.pictures
        if kind == "flac"
        else file.tags["metadata_block_picture"]
    )
    assert len(pictures) == 1
    assert sorted(tmp_path.iterdir()) == [path]


def test_wav_is_24_bit_and_names_itself_in_info_too(tmp_path):
    import soundfile

    path = write_audio(tmp_path / "a.wav", music(), tags=TAGS, record=RECORD)
    info = soundfile.info(str(path))
    assert (info.subtype, info.channels, info.samplerate) == ("PCM_24", 2, RATE)
    data = path.read_bytes()
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    assert b"INAM" in data and b"LIST" in data and data.index(b"data") < data.index(b"LIST") < data.index(b"id3 ")
    with soundfile.SoundFile(path) as file:
        assert file.title == TAGS["title"]


@pytest.mark.parametrize("kind", FORMATS)
def test_without_tags_and_mono_and_silence(tmp_path, kind):
    for audio in (music(channels=1), Audio(np.zeros((2, 100), np.float32), RATE)):
        path = write_audio(tmp_path / f"a.{kind}", audio)
        assert read_audio(path).samples.shape[0] == audio.samples.shape[0]
        assert read_record(path) is None


def test_long_ogg_does_not_crash(tmp_path):
    audio = music(seconds=70)
    assert read_audio(write_audio(tmp_path / "long.ogg", audio)).samples.shape == audio.samples.shape


def test_full_scale_is_held_not_wrapped(tmp_path):
    audio = Audio(np.array([[2.0, -2.0, 1.0, -1.0, 0.0]] * 2, np.float32), RATE)
    back = read_audio(write_audio(tmp_path / "a.wav", audio)).samples
    np.testing.assert_allclose(back, np.clip(audio.samples, -1, 1), atol=1e-6)


def test_equal_bytes_in_two_processes():
    code = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "import test_files as t\n"
        "from klangbild.sound.files import FORMATS, encode_audio\n"
        "for k in FORMATS: print(k, hashlib.sha256("
        "encode_audio(t.music(), k, tags=t.TAGS, record=t.RECORD, cover=t.cover())).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0].splitlines()) == len(FORMATS)


def test_ogg_pages_keep_valid_checksums_and_one_serial():
    from mutagen.ogg import OggPage

    stream = io.BytesIO(encode_audio(music(), "ogg", tags=TAGS, record=RECORD))
    serials = set()
    while stream.tell() < len(stream.getvalue()):
        serials.add(OggPage(stream).serial)
    assert len(serials) == 1
    other = io.BytesIO(encode_audio(music(seconds=1.0), "ogg"))
    assert OggPage(other).serial not in serials


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "no.wav").write_bytes(b"this is not sound at all")
    for name in ("no.wav", "missing.flac"):
        with pytest.raises(InputError) as caught:
            read_audio(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    assert read_record(tmp_path / "no.wav") is None
    with pytest.raises(UsageError):
        write_audio(tmp_path / "a.aiff", music())


# --- whole or not at all ---------------------------------------------------------------------------------------------


def test_an_old_file_stays_when_writing_fails(tmp_path):
    path = tmp_path / "a.mid"
    atomic_write(path, b"old")
    for error in (KeyboardInterrupt, RuntimeError, MemoryError):
        with pytest.raises(error), atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
def test_a_full_or_locked_disk_is_one_line_and_leaves_nothing(tmp_path, number):
    path = tmp_path / "a.wav"
    with pytest.raises(OutputError) as caught, atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise OSError(number, os.strerror(number))
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_really_full_device(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.Path, "with_name", lambda self, name: Path("/dev/full"))
    monkeypatch.setattr(atomic.Path, "unlink", lambda self, missing_ok: None)
    with pytest.raises(OutputError, match="disk is full"):
        atomic_write(tmp_path / "a.wav", b"x" * 100_000)


def test_missing_folder_and_folder_as_file(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        atomic_write(tmp_path / "nowhere" / "a.wav", b"x")
    with pytest.raises(OutputError):
        atomic_write(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []
