"""Films: what is seen is what sounds, at the same time; every shape; whole or not there; the record inside."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from klangbild.composer import compose, replay
from klangbild.errors import OutputError
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.picture.load import load_picture
from klangbild.record.carriers import read_record
from klangbild.show.film import FPS, UPRIGHT, WIDE, Film, Words, shape_for
from klangbild.show.film_view import SEEN, FollowedGaze, SlowMove, stage_size
from klangbild.show.planes import Planes, yuv_of
from klangbild.sound.audio import Audio
from klangbild.sound.master import play

av = pytest.importorskip("av")
SMALL = (480, 270)
BEATS = np.array([0.5, 1.013, 1.77, 2.249])
"""Seconds, too, at 60 bpm: none lies on a frame."""


@pytest.fixture(scope="module")
def struck():
    """A woodblock's four short strokes, and their sound."""
    notes = make_notes(BEATS, [0.2] * 4, [60, 64, 67, 72], [120] * 4)
    piece = Piece((Track("mallet", 13, notes),), tempos=((0.0, 60.0),), length_beats=3.0)
    return piece, play(piece).audio


def film_of(piece, audio, size=SMALL, **more):
    return Film(
        audio, Words("A title", "in words", "calm"), piece=piece, picture=more.pop("picture", None), size=size, **more
    )


def onsets_heard(path):
    """Seconds at which a sound begins: where it rises far above what was before."""
    with av.open(str(path)) as heard:
        frames = list(heard.decode(audio=0))
        rate = frames[0].sample_rate
        begin = float(frames[0].pts * frames[0].time_base)
        sound = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    loud = np.abs(sound).max(axis=0)
    loud = np.maximum.reduceat(loud, np.arange(0, len(loud), rate // 1000))  # a value each millisecond
    threshold = 0.25 * loud.max()
    before = np.array([loud[max(i - 60, 0) : max(i - 4, 1)].max() for i in range(len(loud))])
    rising = np.flatnonzero((loud > threshold) & (before < 0.5 * loud))
    firsts = rising[np.diff(rising, prepend=-1000) > 100]
    return firsts * (rate // 1000) / rate + begin


def flashes_seen(path):
    """Seconds of the frames in which something on the roll is suddenly lit."""
    with av.open(str(path)) as seen:
        white = []
        for frame in seen.decode(video=0):
            y = frame.to_ndarray()[: frame.height]
            roll = y[round(frame.height * 0.73) :, round(frame.width * 0.1) :]
            white.append((frame.time, int((roll > 200).sum())))
    times, counts = (np.array(column) for column in zip(*white, strict=True))
    jumps = np.flatnonzero(np.diff(counts, prepend=counts[0]) >= 6)
    return times[jumps[np.diff(jumps, prepend=-10) > 2]]


def test_sound_and_picture_within_20_milliseconds(struck, tmp_path):
    from klangbild.show.mp4 import write_film

    piece, audio = struck
    path = write_film(tmp_path / "a.mp4", film_of(piece, audio), audio, tags={"title": "t"}, record='{"a": 1}')
    heard, seen = onsets_heard(path), flashes_seen(path)
    assert len(heard) == len(seen) == len(BEATS), (heard, seen)
    assert np.abs(heard - BEATS).max() <= 0.012  # the instrument's own attack is in it
    assert np.abs(seen - heard).max() <= 0.020, (heard, seen)
    with av.open(str(path)) as whole:
        video, sound = whole.streams.video[0], whole.streams.audio[0]
        assert float(video.duration * video.time_base) == pytest.approx(audio.seconds, abs=0.5 / FPS)
        assert float(sound.duration * sound.time_base) == pytest.approx(audio.seconds, abs=0.03)
        assert (video.codec.name, sound.codec.name, video.average_rate) == ("h264", "aac", FPS)
        assert (video.width, video.height) == SMALL and video.codec_context.colorspace == 1


def test_equal_films_are_equal_bytes_and_the_head_comes_first(struck, tmp_path):
    from klangbild.show.mp4 import write_film

    piece, audio = struck
    for name in ("a", "b"):
        write_film(tmp_path / f"{name}.mp4", film_of(piece, audio), audio, tags={"title": "t"}, record=None)
    first, second = ((tmp_path / f"{name}.mp4").read_bytes() for name in ("a", "b"))
    assert first == second and first.index(b"moov") < first.index(b"mdat")


def test_a_film_that_cannot_be_written_is_not_there(struck, tmp_path, monkeypatch):
    from klangbild.show import mp4

    piece, audio = struck
    film = film_of(piece, audio)
    with pytest.raises(OutputError, match="no folder"):
        mp4.write_film(tmp_path / "nowhere" / "a.mp4", film, audio, tags={}, record=None)
    draw = film.frames

    def interrupted():
        for number, planes in enumerate(draw()):
            if number == 20:  # Ctrl-C in the midst of it
                raise KeyboardInterrupt
            yield planes

    monkeypatch.setattr(film, "frames", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mp4.write_film(tmp_path / "a.mp4", film, audio, tags={}, record=None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_decoded_peaks_under_the_ceiling(tmp_path):
    """A square wave, of which every encoder makes higher peaks."""
    from klangbild.show.mp4 import write_film
    from klangbild.sound.files import CEILING, decoded_peak

    square = np.sign(np.sin(np.arange(44100) * 2 * np.pi * 180 / 44100)).astype(np.float32) * 0.88
    audio = Audio(np.stack([square, square]), 44100)
    path = write_film(tmp_path / "a.mp4", film_of(None, audio), audio, tags={}, record=None)
    with av.open(str(path)) as heard:
        sound = np.concatenate([frame.to_ndarray() for frame in heard.decode(audio=0)], axis=1)
    assert 0.5 * CEILING < decoded_peak([sound]) <= CEILING * 1.001


@pytest.mark.parametrize(("wish", "shape"), [("auto", "wide"), ("wide", "wide"), ("upright", "upright")])
def test_saved_read_and_replayed(wish, shape, picture_file, tmp_path, small_films):
    """Every choice of --video: from the film the very same film is made again."""
    result = compose(picture_file, seconds=1, seed=4, video=wish)
    told = []
    path = result.save(tmp_path / "film.mp4", on_progress=lambda done, total: told.append((done, total)))["mp4"]
    assert [done for done, _ in told] == list(range(0, told[0][1], FPS))
    with av.open(str(path)) as seen:
        stream = seen.streams.video[0]
        assert (stream.width, stream.height) == small_films[shape]
        told = seen.metadata
    assert json.loads(told["comment"])["ai_generated"] and "AI generated" in told["description"]
    assert "CC BY-NC-SA" in told["copyright"] and told["title"]
    record = read_record(path)
    assert record.seed == 4 and record.settings.video == wish
    if wish == "auto":
        again = replay(path, picture=picture_file).save(tmp_path / "again.mp4")["mp4"]
        assert again.read_bytes() == path.read_bytes()


def test_the_shape_is_that_of_the_picture_unless_it_is_asked_for():
    upright = load_picture(Image.new("RGB", (60, 90)))
    square = load_picture(Image.new("RGB", (90, 90)))
    assert shape_for("auto", upright) == UPRIGHT == shape_for("upright", square)
    assert shape_for("auto", square) == WIDE == shape_for("wide", upright) == shape_for("auto", None)


@pytest.mark.parametrize("size", [WIDE, UPRIGHT])
@pytest.mark.parametrize("shape", [(300, 200), (1, 1), (20_000, 1), (1, 20_000)])
def test_at_their_own_sizes(size, shape, struck):
    piece, audio = struck
    picture = load_picture(Image.new("RGB", shape, "teal"))
    short = Audio(audio.samples[:, : audio.rate // 10], audio.rate)
    frames = list(film_of(piece, short, size, picture=picture).frames())
    assert len(frames) == 3 and (frames[0].width, frames[0].height) == size


@pytest.mark.parametrize("picture", [(1, 1), (4000, 5), (5, 4000), (300, 200), (200, 300), (160, 90)])
@pytest.mark.parametrize("frame", [(1920, 712), (1080, 1228), SMALL])
def test_views_lie_within_the_picture_and_show_enough_of_it(picture, frame):
    stage = stage_size(picture, frame)
    assert stage[0] <= frame[0] and stage[1] <= frame[1] and (frame[0] == stage[0] or frame[1] == stage[1])
    shape = (stage[0] / stage[1]) / (picture[0] / picture[1])
    gaze = ((0.0, 0.1, 0.9), (4.0, 0.5, 0.5), (8.0, 1.0, 0.0))
    for move in (SlowMove(shape, 10.0), FollowedGaze(shape, gaze)):
        for at in np.linspace(-1, 12, 40):
            view = move(float(at))
            assert -1e-9 <= view.left < view.right <= 1 + 1e-9 and -1e-9 <= view.top < view.bottom <= 1 + 1e-9
    if max(picture) > 2 and min(picture) > 10:
        whole = SlowMove(shape, 10.0)(10.0)
        assert min(whole.right - whole.left, whole.bottom - whole.top) >= SEEN * 0.98


def test_with_gaze_the_film_is_where_the_music_is():
    gaze = ((0.0, 0.2, 0.8), (10.0, 0.8, 0.3))
    move = FollowedGaze(1.0, gaze)
    for seconds, x, y in gaze:
        view = move(seconds)
        assert view.left <= x <= view.right and view.top <= y <= view.bottom
    start, end = move(0.0), move(10.0)
    assert start.left < end.left and start.top > end.top
    assert move(5.0) == start and start.left < move(8.5).left < end.left  # it stays, and leaves in time


@pytest.mark.parametrize("size", [SMALL, (270, 480)])
def test_every_kind_of_film_is_drawn(size, struck, picture_file):
    """With and without a picture, notes, players; a line of pixels; a title of any length and script."""
    piece, audio = struck
    short = Audio(audio.samples[:, : audio.rate], audio.rate)
    drums = Track("drums", 0, make_notes([0, 0.5], [0.1, 0.1], [36, 81], [100, 1]))
    silent = replace(piece, tracks=())
    pictures = (None, load_picture(picture_file), load_picture(Image.new("RGB", (4000, 3), "red")))
    for music, picture in (
        (piece, pictures[0]), (None, pictures[1]), (silent, pictures[2]),
        (replace(piece, tracks=(*piece.tracks, drums), markers=((0.0, "mood: calm"), (1.0, "mood: angry " * 40))), pictures[1]),
    ):  # fmt: skip
        words = Words("Ä" * 300 + "\n東京 🎵", "x" * 500, "calm", "y" * 300)
        film = Film(short, words, piece=music, picture=picture, size=size)
        frames = [[plane.copy() for plane in planes.all] for planes in film.frames()]
        assert len(frames) == FPS and frames[0][0].shape == (size[1], size[0])
        assert any((frames[0][0] != frame[0]).any() for frame in frames[1:])  # it moves


def test_planes_are_what_players_take_for_the_colors():
    for color in ("#ff8000", "#204060", "#ffffff"):
        frame = av.VideoFrame(16, 16, "yuv420p")
        for mine, theirs in zip(Planes.filled(16, 16, color).all, frame.planes, strict=True):
            np.frombuffer(theirs, np.uint8).reshape(theirs.height, theirs.line_size)[:, : theirs.width] = mine
        frame.colorspace, frame.color_range = 1, 1
        seen = frame.to_ndarray(format="rgb24")[8, 8]
        assert np.abs(seen.astype(int) - [int(color[i : i + 2], 16) for i in (1, 3, 5)]).max() <= 3, color
        image = Planes.of(Image.new("RGB", (16, 16), color))
        assert [int(plane[0, 0]) for plane in image.all] == pytest.approx(yuv_of(color), abs=1)


def test_a_damaged_film_carries_nothing(tmp_path, struck):
    from klangbild.show.mp4 import write_film
    from klangbild.sound.mp4_tags import COMMENT, read_tag

    piece, audio = struck
    short = Audio(audio.samples[:, :9000], audio.rate)
    path = write_film(tmp_path / "a.mp4", film_of(piece, short), short, tags={}, record="é" * 70_000)
    data = path.read_bytes()
    with path.open("rb") as file:
        assert read_tag(file, COMMENT) == "é" * 70_000
    rng = np.random.default_rng(1)
    for _ in range(200):
        torn = bytearray(data[: rng.integers(0, len(data))])
        for at in rng.integers(0, max(len(torn), 1), 40) if torn else ():
            torn[at] = rng.integers(0, 256)
        (tmp_path / "b.mp4").write_bytes(torn)
        with (tmp_path / "b.mp4").open("rb") as file:
            read_tag(file, COMMENT)
