"""Beginners' slips get the next step: what to write instead, from one place for the command line, Python and the API."""

import doctest

import pytest

from klangbild import slips
from klangbild.errors import UsageError
from klangbild.result import check_filename, check_formats
from klangbild.settings import Settings


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(slips).failed == 0


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"valence": "0,5"}, "--valence '0,5' is not a number; write 0.5"),
        ({"arousal": "-0,5"}, "write -0.5"),
        ({"valence": "−0.5"}, "write -0.5"),
        ({"arousal": "50%"}, "write 0.5"),
        ({"synapse": "1/2"}, "write 0.5"),
        ({"seconds": "30s"}, "--seconds '30s' is not a number; write 30"),
        ({"seconds": "1:30"}, "write 90"),
        ({"seconds": "1m30s"}, "write 90"),
        ({"seconds": "2 min"}, "write 120"),
        ({"tempo": "120bpm"}, "write 120"),
        ({"tempo": "72,5 BPM"}, "write 72.5"),
        ({"loudness": "-16 LUFS"}, "write -16"),
        ({"bars": "8 bars"}, "write 8"),
        ({"bars": 8.0}, "write 8"),
        ({"seed": "1,000"}, "write 1000"),
        ({"bars": "8,5"}, "is not a whole number; give a whole number from 1 to 400"),
        ({"seconds": "1:30:00"}, "give a number from 1 to 600"),  # an hour and a half is out of range: nothing to write
        ({"valence": "nan"}, "give a number from -1 to 1"),
        ({"tempo": "often"}, "give a number from 40 to 240"),
        ({"tempo": "allegro"}, "write 130"),
        ({"seed": 10**400}, "--seed 1000000000000000"),
        ({"seed": 10**5000}, "--seed a number of many digits is out of range"),
        ({"tempo": 10**400}, "is out of range; give a number from 40 to 240"),
        ({"tempo": float("inf")}, "--tempo 'inf' is not a number"),
        ({"tempo": {}}, "--tempo '{}' is not a number"),
        ({"loudness": "none"}, "give a number from -40 to -8 or 'off'"),
        ({"key": 5}, "--key '5' is not text"),
        ({"path": 0.5}, "--path '0.5' is not text"),
        ({"instruments": ("piano and strings",)}, "write piano,strings"),
        ({"tempo": "9" * 400}, "give a number from 40 to 240"),
        ({"key": "h-moll"}, "did you mean 'B minor'?"),
        ({"key": "H"}, "did you mean 'B major'?"),
        ({"key": "Es-Dur"}, "did you mean 'Eb major'?"),
        ({"key": "b moll"}, "did you mean 'Bb minor'?"),
        ({"key": "fis"}, "did you mean 'F# major'?"),
        ({"key": "ré mineur"}, "did you mean 'D minor'?"),
        ({"key": "si bemol"}, "did you mean 'Bb major'?"),
        ({"key": "c sharp minor"}, "did you mean 'C# minor'?"),
        ({"key": "D dorian"}, "write it like 'C', 'F# minor' or 'Bbm'"),
        ({"meter": "4/5"}, "did you mean '4/4'?"),
        ({"kind": "Painting"}, "did you mean 'painting'?"),
    ],
)
def test_a_slip_is_told_what_to_write(wish, says):
    with pytest.raises(UsageError) as error:
        Settings(**wish)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["F♯ minor", "B♭", "Bbm", "d minor"])
def test_signs_of_the_trade_are_read(key):
    assert Settings(key=key).key == key


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("midi", "did you mean 'mid'?"),
        (".wav", "did you mean 'wav'?"),
        ("WAV", "did you mean 'wav'?"),
        ("mkv", "the nearest that we do is 'mp4' (all: mid"),
        ("mxl", "the nearest that we do is 'musicxml'"),
        ("flak", "did you mean 'flac'?"),
        ("xyz", "choose from mid"),
        ("mid wav", "write mid,wav"),
        (".mid; .wav", "write mid,wav"),
    ],
)
def test_an_unknown_format(name, says):
    with pytest.raises(UsageError) as error:
        check_formats((name,), "notes", notes=True)
    assert f"'{name}' is not a format we write; " in str(error.value) and says in str(error.value)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("x.mid", 'write --filename "x" -f mid'),
        ("{picture}/{seed}.WAV", 'write --filename "{picture}/{seed}" -f wav'),
        ("song.midi", 'write --filename "song" -f LIST'),
        ("{pictur}", "a field we do not know"),
        ("{seed.x}", "a field we do not know"),
        ("../x", "leaves the output folder"),
    ],
)
def test_a_template_is_checked_before_any_work(template, says):
    with pytest.raises(UsageError) as error:
        check_filename(template)
    assert says in str(error.value)


@pytest.mark.parametrize("template", ["{picture}-{seed}", "v1.2 {key}", "{picture}.{seed}", "Mr. X"])
def test_templates_with_other_points_pass(template):
    check_filename(template)
