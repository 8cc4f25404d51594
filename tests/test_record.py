"""Records that somebody changed: one line, never an error of Python's, whatever was done to them and whatever file carries them."""

import copy
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from klangbild.composer import compose
from klangbild.errors import InputError, KlangbildError
from klangbild.record.carriers import read_record
from klangbild.record.facts import Record, Run
from klangbild.record.requests import differences, request_of

VALUES = (
    None, True, -1, 0, 0.5, 10**400, -(10**30), 1e308, math.nan, math.inf, "", "x", "\ud800", "1", [], [1], [[]], {},
    {"a": 1}, ["\x00"], "\n" * 5, "../../x", 2**63,
)  # fmt: skip


@pytest.fixture(scope="module")
def results(picture_file):
    notes = compose(picture_file, seconds=2, seed=1, path="0:-0.5,0.2 2:0.5,0.5", instruments=("piano", "strings"))
    sounds = [
        compose(picture_file, engine=engine, seconds=5, seed=2, text="calm") for engine in ("art2mus", "melfusion")
    ]
    return [notes, *sounds]


def places(value, path=()):
    """Every place in a record, as keys and indices."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def mutated(record: dict, rng: random.Random) -> object:
    record = copy.deepcopy(record)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        found = [path for path in places(record) if path]
        if not found:
            break
        *way, last = rng.choice(found)
        holder = record
        for key in way:
            holder = holder[key]
        if rng.random() < 0.35:
            del holder[last]
        elif rng.random() < 0.1:
            holder[last] = [[holder[last]]] if rng.random() < 0.5 else {"x": holder[last]}
        else:
            holder[last] = rng.choice(VALUES)
    return record


def test_three_thousand_changed_records_are_played_or_refused_in_one_line(results, picture_file):
    rng, refused, played = random.Random(17), 0, 0
    whole = [json.loads(result.record.to_json()) for result in results]
    for record in whole:
        request_of(Record.from_dict(record), picture=picture_file)
    for _ in range(3000):
        original = rng.choice(whole)
        record = mutated(original, rng)
        try:
            read = Record.from_dict(record)
            request = request_of(read, picture=picture_file)
            differences(read, Record.from_dict(original))
            read.embedded()
            played += 1
            assert 0 <= request.seed < 2**32
        except KlangbildError as error:
            refused += 1
            assert len(str(error)) < 600 and "Traceback" not in str(error)
    assert refused > 800 and played > 300  # much of a record is not needed to play it again


def test_what_is_read_is_what_was_written(results):
    """To the last byte, as a file beside the others and as it travels inside them; only there nothing is known of the run."""
    for result in results:
        _ = result.audio
        record = result.record
        assert Record.from_dict(json.loads(record.to_json())).to_json() == record.to_json()
        for sound in (True, False):
            inside = Record.from_dict(json.loads(record.embedded(sound=sound)))
            assert inside.embedded() == record.embedded(sound=sound) and inside.run is None
            assert (inside.sound is None, "sound" in inside, "told" in inside) == (not sound, sound, False)
        asked = result.record.emotion.asked
        assert (result.asked, result.seed, result.settings.seed) == (asked, record["seed"], record["seed"])
        assert record["emotion"]["asked"] == {"valence": asked.valence, "arousal": asked.arousal}


def test_a_path_among_the_settings_is_kept_as_text(picture_file, tmp_path):
    from klangbild.sound.fonts import find_soundfont

    result = compose(picture_file, seconds=1, seed=1, soundfont=find_soundfont(None))
    path = result.save(tmp_path, ("json",))["json"]
    assert read_record(path).settings.soundfont == str(find_soundfont(None)) == result.settings.soundfont


def test_what_is_found_out_later_is_kept_in_the_record(results, tmp_path):
    result = results[0]
    before, paths = result.record, result.save(tmp_path, ("wav", "json"))
    assert json.loads(paths["json"].read_text()) == result.record.as_dict() != before.as_dict()
    assert result.record.sound.rate == result.audio.rate and result.record.run.files["wav"] == paths["wav"].name
    assert {"notes", "synthesis", "mix"} <= set(result.record.run.timings_s)
    told = replace(before, run=Run(told=("one",))).with_sound(result.record.sound, {"mix": 0.5}, ("two", "one"))
    assert (told.told, told.run.timings_s) == (("one", "two"), {"mix": 0.5})


def test_in_any_carrier(results, tmp_path):
    rng = random.Random(3)
    result = results[0]
    for suffix in ("mid", "wav", "flac", "png", "json"):
        result.files.clear()
        path = result.save(tmp_path / f"whole.{suffix}")[suffix]
        assert read_record(path).seed == 1
        data = path.read_bytes()
        for number in range(60):
            changed = bytearray(data[: rng.randrange(len(data))] if rng.random() < 0.3 else data)
            for _ in range(rng.randrange(1, 12)):
                at = rng.randrange(min(len(changed), 3000)) if changed else 0
                changed[at : at + 1] = bytes([rng.randrange(256)])
            damaged = tmp_path / f"{number}.{suffix}"
            damaged.write_bytes(changed)
            try:
                read_record(damaged)
            except InputError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"klangbild": "0.1.0", "schema": 1, "seed": ' + "9" * 5000 + "}", "not JSON"),
        ('{"klangbild": "0.1.0", "schema": 1, "seed": 7}', "'engine' is missing"),
        ('{"klangbild": "0.1.0", "schema": true, "seed": 7}', "schema True"),
        ("[]", "not a klangbild record"),
        ("", "carries no klangbild record"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, says):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_record(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("way", "value", "says"),
    [
        (("picture", "alt"), 3, "'picture.alt' is not text"),
        (("sound", "lufs"), "loud", "'sound.lufs' is not a number"),
        (("sound", "rate"), 44100.5, "'sound.rate' is not a whole number"),
        (("timings_s", "notes"), [], "'timings_s.notes' is not a number"),
        (("told",), "a word", "'told' is not a list"),
        (("emotion", "asked", "valence"), 1.5, "'emotion.asked.valence' is not within -1 and 1"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(results, way, value, says):
    _ = results[0].audio
    record = results[0].record.as_dict()
    record["picture"]["alt"] = "a dusk"
    assert Record.from_dict(record).picture.alt == "a dusk"
    holder = record
    for name in way[:-1]:
        holder = holder[name]
    holder[way[-1]] = value
    with pytest.raises(InputError, match=says):
        Record.from_dict(record)


def test_a_setting_out_of_range_is_named_and_exits_1(klangbild, results, tmp_path):
    record = json.loads(results[0].record.embedded())
    record["settings"]["note_temperature"] = 9.0
    (tmp_path / "a.json").write_text(json.dumps(record))
    code, out, err = klangbild("replay", tmp_path / "a.json", "-o", tmp_path / "out")
    assert (code, out, err.count("\n")) == (1, "", 1) and "--note-temperature" in err and "a.json" in err
    assert not (tmp_path / "out").exists()


def test_the_shared_cases(klangbild, shared, tmp_path):
    for path in sorted((shared / "cases" / "records").glob("*.json")):
        code, out, err = klangbild("replay", path, "-o", tmp_path / "out")
        assert (code, out, err.count("\n")) == (1, "", 1) and err.startswith("Error: "), (path, err)


def test_a_replay_without_its_picture_says_that_the_thumbnail_is_missing(klangbild, results, picture_file, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(results[0].record.embedded())
    first = results[0].save(tmp_path / "first", "png")["png"].read_bytes()
    for picture, told in (((), "PNG without the picture: give --picture dusk\n"), (("--picture", picture_file), "")):
        code, out, err = klangbild("replay", path, "-f", "png", "-o", tmp_path / "again", *picture)
        assert (code, err) == (0, told)
        assert (Path(out.strip()).read_bytes() == first) == bool(picture)


def test_what_is_no_ordinary_file_is_refused_at_once(klangbild, tmp_path):
    import os

    for suffix in ("json", "mid", "wav", "png"):
        (tmp_path / f"folder.{suffix}").mkdir()
        (tmp_path / f"loop.{suffix}").symlink_to(tmp_path / f"loop.{suffix}")
        (tmp_path / f"nowhere.{suffix}").symlink_to(tmp_path / "gone")
        os.mkfifo(tmp_path / f"pipe.{suffix}")
        for name, says in (("folder", "a folder"), ("loop", "itself"), ("nowhere", "not there"), ("pipe", "a pipe")):
            code, _, err = klangbild("replay", tmp_path / f"{name}.{suffix}")
            assert (code, err.count("\n")) == (1, 1) and says in err, err
