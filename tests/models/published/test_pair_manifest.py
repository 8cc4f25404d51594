"""Folders of pictures and music become a manifest: cached, resumable, with damaged files listed; then triplets."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from klangbild.errors import InputError, Stopped
from klangbild.models.published.art2mus.data.pair_manifest import licences, pair_folders, read_pairs
from klangbild.models.published.art2mus.data.sources import (
    fma_facts,
    picture_facts,
    read_descriptions,
    read_fma_tracks,
)
from klangbild.models.published.melfusion.data.melbench import check_triplets, read_triplets
from klangbild.models.published.melfusion.data.triplets import build_triplets


class Brightness:
    """A real, tiny shared space: brightness and colour of a picture against loudness and pitch of a sound."""

    name = "brightness"

    def __init__(self):
        self.calls = 0

    def picture(self, picture):
        self.calls += 1
        return np.array([picture.rgb.mean() / 255, picture.rgb[..., 0].mean() / 255, 1], np.float32)

    def music(self, audio):
        self.calls += 1
        crossings = (np.diff(np.signbit(audio.samples[0])) != 0).mean()
        return np.array([np.abs(audio.samples).mean(), crossings, 1], np.float32)


@pytest.fixture
def folders(tmp_path):
    """12 pictures in two styles (one damaged), 11 tracks in FMA's layout (one damaged)."""
    pictures, music = tmp_path / "imagesf2", tmp_path / "fma_large"
    for i in range(12):
        path = pictures / ("cubism" if i % 3 else "pop") / f"p{i:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), i * 20, np.uint8)).save(path)
    (pictures / "pop" / "p00.png").write_bytes(b"not a picture")
    time = np.arange(16000) / 8000
    for i in range(11):
        path = music / "000" / f"{i + 1:06d}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.08 * (i + 1) * np.sin(2 * np.pi * 220 * time), 8000)
    (music / "000" / "000003.wav").write_bytes(b"RIFF")
    return pictures, music


def test_folders_to_manifest(folders, tmp_path):
    pictures, music = folders
    embedder = Brightness()
    out = tmp_path / "out" / "pairs.csv"
    names = [f"{'cubism' if i % 3 else 'pop'}/p{i:02d}.png" for i in range(12)]
    options = {"out": out, "picture_facts": picture_facts(names), "n_validation": 1}
    with pytest.raises(Stopped, match="go on"):
        pair_folders(
            pictures, music, embedder, on_progress=lambda stage, done, n: (stage, done) != ("music", 5), **options
        )
    before = embedder.calls
    assert not out.exists()
    report = pair_folders(pictures, music, embedder, **options)
    assert embedder.calls - before == 6  # what was embedded, and what was damaged, is not read again
    assert len(report.pairs) == 10 and len({pair.music for pair in report.pairs}) == 10
    assert sorted(file for file, _ in report.corrupt) == ["000/000003.wav", "pop/p00.png"]
    assert all(len(pair.picture_sha256) == len(pair.music_sha256) == 64 for pair in report.pairs)
    assert {pair.stratum for pair in report.pairs} == {"cubism", "pop"}
    assert [pair.split for pair in report.pairs].count("train") == 8
    assert read_pairs(out) == report.pairs and len(read_pairs(out, split="train")) == 8
    assert sum(licences(report.pairs).values()) == 20
    summary = json.loads(out.with_suffix(".report.json").read_text(encoding="utf-8"))
    assert summary["statistics"]["n"] == 10 and len(summary["corrupt"]) == 2
    first = out.read_bytes()
    pair_folders(pictures, music, embedder, **options)
    assert out.read_bytes() == first


def test_manifests_that_cannot_be_used(folders, tmp_path):
    with pytest.raises(InputError, match="no such manifest"):
        read_pairs(tmp_path / "nothing.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a manifest"):
        read_pairs(tmp_path / "other.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no"):
        pair_folders(tmp_path / "empty", folders[1], Brightness(), out=tmp_path / "x.csv")
    (tmp_path / "vectors.sqlite").write_bytes(b"this is text, not a database, and long enough to be seen as such")
    with pytest.raises(InputError, match="not a cache"):
        pair_folders(*folders, Brightness(), out=tmp_path / "x.csv")


def test_triplets(folders, tmp_path):
    pictures, music = folders
    report = pair_folders(pictures, music, Brightness(), out=tmp_path / "pairs.csv", n_validation=1)
    captions = {f"{i:06d}": f"a sine wave, take {i}." for i in range(1, 12) if i != 5}
    made = build_triplets(
        report.pairs,
        pictures=pictures,
        music=music,
        out=tmp_path / "set",
        music_captions=captions,
        picture_captions={"p01.png": "dark"},
    )
    assert sum(made.counts.values()) == 9 and len(made.left_out) == 1 and "000005" in made.left_out[0][1]
    train = read_triplets(tmp_path / "set" / "train.jsonl")
    assert len(train) == made.counts["train"] and all(item.picture_file.is_file() for item in train)
    assert all(len(item.extra["location_sha256"]) == 64 for item in train)
    everything = [
        line for split in made.counts for line in (tmp_path / "set" / f"{split}.jsonl").read_text().splitlines()
    ]
    assert any('. dark"' in line for line in everything)
    with pytest.raises(InputError, match="no captions"):
        build_triplets(report.pairs, pictures=pictures, music=music, out=tmp_path / "set")


@pytest.mark.usefixtures("folders")
def test_melbench_is_checked(tmp_path):
    good = {
        "captions": "calm",
        "location": "fma_large/000/000001.wav",
        "img_path": "imagesf2/cubism/p01.png",
        "genre": "folk",
    }
    lines = [
        json.dumps(good),
        "{not json",
        json.dumps([1]),
        json.dumps(good | {"captions": " "}),
        json.dumps({"captions": "calm", "location": "x.wav"}),
        json.dumps(good | {"location": "missing.wav"}),
        json.dumps(good | {"location": "fma_large/000/000003.wav"}),
        json.dumps(good | {"img_path": "imagesf2/pop/p00.png"}),
        json.dumps(good),
        "",
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(lines))
    items, problems = check_triplets(path)
    assert [item.extra for item in items] == [{"genre": "folk"}]
    assert [problem.line for problem in problems] == [2, 3, 4, 5, 6, 7, 8, 9]
    for problem, words in zip(
        problems,
        ("not JSON", "no object", "empty", "img_path", "missing.wav", "000003.wav", "p00.png", "repetition"),
        strict=True,
    ):
        assert words in problem.message
    with pytest.raises(InputError, match="line 2"):
        read_triplets(path)


def test_fma_and_published_files(tmp_path):
    (tmp_path / "tracks.csv").write_text(
        ",album,artist,track,track,track\n,title,name,title,genre_top,license\ntrack_id,,,,,\n"
        "2,A,Somebody,Food,Hip-Hop,Attribution-NonCommercial\n141,B,Other,History,,\n"
    )
    tracks = read_fma_tracks(tmp_path / "tracks.csv")
    assert [track.file for track in tracks] == ["000/000002.mp3", "000/000141.mp3"]
    facts = fma_facts(tracks, ["000/000002.mp3", "000/000141.mp3", "000/000007.mp3", "cover.mp3"])
    assert facts == {
        "000/000002.mp3": ("Attribution-NonCommercial", "Hip-Hop"),
        "000/000141.mp3": ("not stated", "unknown"),
    }
    (tmp_path / "other.csv").write_text("a,b\n")
    with pytest.raises(InputError):
        read_fma_tracks(tmp_path / "other.csv")


def test_styles_and_descriptions(tmp_path):
    (tmp_path / "styles.csv").write_text("image,style\na.jpg,Cubism\n")
    facts = picture_facts(["imagesf2/a.jpg", "imagesf2/b.jpg", "Baroque/c.jpg"], table=tmp_path / "styles.csv")
    assert [style for _, style in facts.values()] == ["Cubism", "unknown", "Baroque"]
    # nobody's own pictures are called WikiArt's
    assert [licence.split()[0] for licence, _ in facts.values()] == ["WikiArt", "WikiArt", "not"]
    assert picture_facts(["a.jpg"], root="imagesf2")["a.jpg"][0].startswith("WikiArt")
    assert picture_facts(["a.jpg"], licence="CC0")["a.jpg"] == ("CC0", "unknown")
    with pytest.raises(InputError, match="image and style"):
        (tmp_path / "bad.csv").write_text("x,y\n1,2\n")
        picture_facts(["a.jpg"], table=tmp_path / "bad.csv")
    forms = {
        "a.json": json.dumps({"Image": {"0": "a.jpg"}, "ArtwDesc": {"0": "a rider"}}),
        "b.json": json.dumps({"a.jpg": "a rider"}),
        "c.jsonl": json.dumps({"image": "set/a.jpg", "caption": "a rider"}) + "\n",
        "d.csv": "file,caption\na.jpg,a rider\n",
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text)
        assert read_descriptions(tmp_path / name) == {"a.jpg": "a rider"}
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a rider\n")
    assert read_descriptions(tmp_path / "texts") == {"a": "a rider"}
    for bad in ("styles.csv", "nothing.json"):
        with pytest.raises(InputError):
            read_descriptions(tmp_path / bad)
