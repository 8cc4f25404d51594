"""Instruments by name: every one of General MIDI finds a family that plays it, and who asked is told which."""

import pytest

from klangbild.errors import UsageError
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.instrument_names import FIRST_EFFECT, GENERAL_MIDI, families_of
from klangbild.settings import Settings


def test_every_instrument_of_general_midi_has_a_family_and_noises_have_none():
    assert len(GENERAL_MIDI) == 128
    for name in GENERAL_MIDI[:FIRST_EFFECT]:
        families, _ = families_of([name])
        assert len(families) == 1 and families[0] in FAMILY_NAMES, name
    for name in GENERAL_MIDI[FIRST_EFFECT:]:
        with pytest.raises(UsageError, match="sound effect"):
            families_of([name])


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("violin", "strings"), ("Cellos", "strings"), ("double-bass", "strings"), ("harp", "strings"), ("choir", "strings"),
        ("fiddle", "strings"), ("flute", "winds"), ("SAX", "winds"), ("bagpipes", "winds"), ("trumpet", "brass"),
        ("french_horn", "brass"), ("marimba", "mallet"), ("timpani", "mallet"), ("accordion", "organ"), ("banjo", "guitar"),
        ("synth", "lead"), ("synth bass", "bass"), ("synth pad", "pad"), ("harpsichord", "piano"), ("Electric Piano 2", "piano"),
        ("percussion", "drums"), ("hi-hat", "drums"), ("taiko drum", "drums"), ("Geige", "strings"), ("Klavier", "piano"),
    ],
)  # fmt: skip
def test_what_people_say_finds_its_family_and_is_told(name, family):
    assert families_of([name]) == ((family,), {name: family})


def test_families_keep_their_names_untold_in_any_number():
    for family in FAMILY_NAMES:
        for written in (family, family.upper(), family if family.endswith("s") else f"{family}s", f" {family}"):
            assert families_of([written]) == ((family,), {}), written


def test_settings_hold_families_and_say_who_plays():
    settings = Settings(instruments=("piano", "violin", "viola"), without=("flute",))
    assert (settings.instruments, settings.without) == (("piano", "strings"), ("winds",))
    assert settings.played_by == {"violin": "strings", "viola": "strings", "flute": "winds"}
    assert settings == Settings(instruments=("piano", "strings"), without=("winds",)) and "played" not in str(
        settings.as_dict()
    )
    assert Settings.from_dict(settings.as_asked()).played_by == settings.played_by
    with pytest.raises(UsageError, match="both name strings"):
        Settings(instruments=("violin",), without=("cello",))
    with pytest.raises(UsageError, match=r"more than the 1 instrument"):
        Settings(instruments=("violin", "viola"), min_instruments=2)


@pytest.mark.parametrize(("name", "says"), [("pianno", "'piano'"), ("violim", "'violin'"), ("kazoo", "General MIDI")])
def test_an_unknown_name_gets_the_next_step(name, says):
    with pytest.raises(UsageError, match=says):
        Settings(without=(name,))
