from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klangbild import whole_files as atomic
from klangbild.errors import InputError, OutputError, UsageError
from klangbild.sound.audio import Audio
from klangbild.sound.files import FORMATS, encode_audio, read_audio, read_record, write_audio
from klangbild.sound.loudness import measure_loudness
from klangbild.sound.tags import read_field
from klangbild.whole_files import atomic_path, atomic_write

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


def test_ogg_pages_and_packets_of_any_size_are_whole():
    from mutagen.ogg import OggPage

    # comments that end within, at and beyond the edges of lacing (255) and pages (255 * 255)
    for size in (100, 254, 255, 256, 65_025 - 90, *range(65_025 - 70, 65_025 - 50), 300_000):
        record = "x" * size
        stream = io.BytesIO(encode_audio(music(seconds=0.1), "ogg", record=record))
        pages = []
        while stream.tell() < len(stream.getvalue()):
            pages.append(OggPage(stream))
        assert [page.sequence for page in pages] == list(range(len(pages))) and pages[-1].last
        packets = OggPage.to_packets(pages)
        assert [packet[:7] for packet in packets[:3]] == [b"\1vorbis", b"\3vorbis", b"\5vorbis"]
        for page in pages:
            assert (page.position == -1) == (bool(page.packets) and not page.complete and len(page.packets) == 1)
        stream.seek(0)
        assert read_field(stream, "klangbild") == record


@pytest.mark.parametrize(("version", "encoding"), [(3, 0), (3, 1), (4, 0), (4, 1), (4, 2), (4, 3)])
@pytest.mark.parametrize("kind", ["mp3", "wav"])
def test_a_record_that_another_program_wrote_anew_is_read(tmp_path, kind, version, encoding):
    import mutagen
    from mutagen.id3 import TXXX

    path = write_audio(tmp_path / f"a.{kind}", music(0.2), tags=TAGS, record=RECORD, cover=cover())
    file = mutagen.File(path)
    record = RECORD if encoding else RECORD.encode("latin-1", "replace").decode("latin-1")
    file.tags.setall("TXXX:klangbild", [TXXX(encoding=encoding, desc="klangbild", text=[record])])
    if version == 3:
        file.tags.update_to_v23()
    file.save(v2_version=version)
    assert read_record(path) == record


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_tags_give_nothing_and_no_error(kind):
    rng = np.random.default_rng(0)
    whole = encode_audio(music(0.1), kind, tags=TAGS, record='{"klangbild": 1}', cover=cover())
    found = 0
    for _ in range(400):
        data = bytearray(whole[: int(rng.integers(len(whole)))] if rng.random() < 0.3 else whole)
        for _ in range(int(rng.integers(8))):
            data[int(rng.integers(len(data)))] = rng.integers(256)
        found += read_field(io.BytesIO(bytes(data)), "klangbild") is not None
    assert found


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
    monkeypatch.setattr(atomic, "_unnamed", lambda folder: os.open("/dev/full", os.O_RDWR))
    with pytest.raises(OutputError, match="disk is full"):
        atomic_write(tmp_path / "a.wav", b"x" * 100_000)
    for kind in FORMATS:
        with pytest.raises(OutputError, match="disk is full"):
            write_audio(tmp_path / f"a.{kind}", music())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the size of files are POSIX")
def test_no_room_for_the_encoder_is_one_line(tmp_path):
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "import test_files as t\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "for kind in t.FORMATS:\n"
        "    try: t.write_audio(f'{sys.argv[2]}/a.{kind}', t.music())\n"
        "    except t.OutputError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr, len(run.stdout.splitlines())) == (0, "", len(FORMATS)), run
    assert run.stdout.count("cannot be written (File too large)") == len(FORMATS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", FORMATS)
def test_ctrl_c_at_any_moment_of_writing_leaves_a_whole_file_or_none(tmp_path, kind):
    audio, path = music(seconds=8), tmp_path / f"a.{kind}"
    write_audio(path, audio, tags=TAGS, record=RECORD)  # what is loaded at the first time takes no part
    begun = time.perf_counter()
    whole = write_audio(path, audio, tags=TAGS, record=RECORD).read_bytes()
    lasts = time.perf_counter() - begun
    path.unlink()
    sent, heard = 0, 0

    def interrupt(*_) -> None:
        nonlocal sent
        sent += 1
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for share in (*np.linspace(0.02, 1.1, 8), *np.linspace(0.5, 0.01, 32)):
            if sent >= 8:
                break
            try:
                signal.setitimer(signal.ITIMER_REAL, share * lasts)
                write_audio(path, audio, tags=TAGS, record=RECORD)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                heard += 1
            # an exception inside a callback from C would be lost here, and half a file kept
            assert heard == sent
            assert not path.exists() or path.read_bytes() == whole
            path.unlink(missing_ok=True)
            assert list(tmp_path.iterdir()) == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert sent >= 4


def test_without_nameless_files_hidden_ones_are_used_and_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic.os, "O_TMPFILE", os.O_DIRECTORY | os.O_WRONLY)  # what a file system without them answers
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = [tmp_path / f".klangbild-{atomic._host()}-{pid}-0.part" for pid in (dead.pid, os.getpid())]
    other, old = tmp_path / ".klangbild-ffffffff-1-0.part", tmp_path / ".klangbild-ffffffff-2-0.part"
    theirs = tmp_path / ".klangbild-notes"
    for path in (*left, other, old, theirs):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    path = atomic_write(tmp_path / ("n" * 251 + ".wav"), b"whole", durable=True)
    assert path.read_bytes() == b"whole"
    assert sorted(tmp_path.iterdir()) == sorted([left[1], other, theirs, path])
    with pytest.raises(KeyboardInterrupt), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"whole" and len(list(tmp_path.iterdir())) == 4


def test_a_folder_is_whole_or_not_there(tmp_path):
    with atomic.atomic_folder(tmp_path / "stems") as folder:
        (folder / "a.wav").write_bytes(b"a")
    assert [p.name for p in (tmp_path / "stems").iterdir()] == ["a.wav"]
    with pytest.raises(KeyboardInterrupt), atomic.atomic_folder(tmp_path / "more") as folder:
        (folder / "a.wav").write_bytes(b"a")
        raise KeyboardInterrupt
    with pytest.raises(OutputError), atomic.atomic_folder(tmp_path / "stems"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["stems"]


def test_missing_folder_and_folder_as_file(tmp_path):
    with pytest.raises(OutputError, match="there is no folder"):
        atomic_write(tmp_path / "nowhere" / "a.wav", b"x")
    with pytest.raises(OutputError):
        atomic_write(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["mp3", "ogg"])
def test_peaks_stay_under_the_ceiling_after_decoding_and_the_length_is_kept(kind, tmp_path):
    rng = np.random.default_rng(3)
    rate, n = 44100, 3 * 44100 + 123
    samples = np.sign(rng.standard_normal((2, n))) * np.repeat(rng.random(n // 100 + 1), 100)[:n] ** 4
    samples = (samples / np.abs(samples).max() * 10 ** (-1.05 / 20)).astype(np.float32)
    samples[:, 50_000:60_000] = 0
    samples[:, 55_000] = 0.8
    path = write_audio(tmp_path / f"a.{kind}", Audio(samples, rate), tags={"title": "a"})
    decoded = read_audio(path)
    assert measure_loudness(decoded).true_peak_dbtp <= -1.0
    assert decoded.frames == n  # gapless: the encoder's delay and padding are cut off again
    assert 51_000 + int(np.abs(decoded.samples[0, 51_000:59_000]).argmax()) == 55_000
