"""`--variations`: takes of one picture that share what they are asked to, and nothing else."""

import json

import pytest
from PIL import Image

from klangbild.cli.main import main
from klangbild.composer import Composer, compose, replay
from klangbild.errors import UsageError
from klangbild.settings import Settings
from klangbild.variations import Variations


@pytest.fixture(scope="module")
def composer():
    return Composer(text="calm", bars=4, drafts=0)


def facts(results, name: str) -> list:
    return [result.record.music.facts[name] for result in results]


def test_takes_share_what_is_named_and_differ_in_the_rest(composer):
    plain = list(composer.variations(None, 4, seed=7))
    same = list(composer.variations(None, 4, seed=7, same=("key", "tempo", "players")))
    assert [take.seed for take in plain] == [take.seed for take in same] == [7, 8, 9, 10]
    assert plain[0].midi == same[0].midi == compose(text="calm", bars=4, seed=7, drafts=0).midi  # the first is free
    for name in ("key", "tempo", "instruments"):
        assert len({str(value) for value in facts(plain, name)}) > 1, name
        assert len({str(value) for value in facts(same, name)}) == 1, name
    assert len({take.midi for take in same}) == 4


def test_only_what_is_named_is_shared(composer):
    takes = list(composer.variations(None, 4, seed=7, same="tempo"))
    assert len(set(facts(takes, "tempo"))) == 1 < len(set(facts(takes, "key")))


def test_the_command_saves_each_take_and_each_replays(tmp_path, capsys):
    command = [
        "compose",
        "--text",
        "calm",
        "--bars",
        "4",
        "--seed",
        "7",
        "--variations",
        "3",
        "--same",
        "key",
        "-f",
        "mid,json",
    ]
    assert main([*command, "-o", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert sorted(path.name for path in tmp_path.glob("*.mid")) == ["words-7.mid", "words-8.mid", "words-9.mid"]
    assert all(f"take {n} of 3: seed {6 + n}" in printed.err for n in (1, 2, 3))
    records = [json.loads((tmp_path / f"words-{seed}.json").read_text()) for seed in (7, 8, 9)]
    assert len({record["music"]["key"] for record in records}) == 1
    last = tmp_path / "words-9.mid"
    assert replay(last).midi == last.read_bytes()


def test_a_picture_that_fails_does_not_stop_the_others(tmp_path, capsys):
    Image.new("RGB", (32, 32), "navy").save(tmp_path / "night.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pictures = [str(tmp_path / "broken.png"), str(tmp_path / "night.png")]
    command = [
        "compose",
        *pictures,
        "--bars",
        "2",
        "--seed",
        "1",
        "--variations",
        "2",
        "-f",
        "mid",
        "-o",
        str(tmp_path),
    ]
    assert main(command) == 3
    assert capsys.readouterr().err.count("broken.png:") == 1
    assert len(list(tmp_path.glob("night-*.mid"))) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        ["--variations", "0"], ["--variations", "101"], ["--variations", "two"], ["--same", "key"],
        ["--variations", "2", "--same", "keys"], ["--variations", "2", "--seed", str(2**32 - 1)],
        ["--variations", "2", "-o", "one.mid"], ["--variations", "2", "--overwrite", "--filename", "{picture}"],
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(wrong, capsys):
    assert main(["compose", "--text", "calm", "--bars", "2", "-f", "mid", *wrong]) == 2
    assert capsys.readouterr().err.count("Error") <= 1


def test_an_engine_that_hears_no_key_cannot_share_one():
    with pytest.raises(UsageError, match="--same key is not heard"):
        Variations(Settings(engine="art2mus", model="somebody/else"), 1, 2, "key")
