"""THE reader: who plays, how fast, which key, meter and style a text names, in five languages."""

from __future__ import annotations

import pytest

from klangbild.errors import UsageError
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.instrument_names import families_of
from klangbild.music.instrument_translations import INSTRUMENT_TRANSLATIONS
from klangbild.music.musical_words import METER_WORDS, MODE_WORDS, STYLE_WORDS, STYLES, TEMPO_WORDS, rows
from klangbild.music.words import read_text
from klangbild.settings import METERS


def wishes(text: str) -> list[tuple]:
    return [(wish.value, wish.denied) if wish.denied else wish.value for wish in read_text(text).wishes]


def test_the_tables_name_what_there_is():
    assert [value for value, _ in rows(INSTRUMENT_TRANSLATIONS)] == list(FAMILY_NAMES)
    assert {value for value, _ in rows(STYLE_WORDS)} == STYLES.keys() and {v for v, _ in rows(METER_WORDS)} <= set(
        METERS
    )
    for table in (TEMPO_WORDS, MODE_WORDS, METER_WORDS, STYLE_WORDS):
        assert all(len(cells) == 5 for _, cells in rows(table))
    for style in STYLES.values():
        assert set(style.cast) <= set(FAMILY_NAMES) and style.meter in (None, *METERS)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_family_is_known_in_every_language_in_a_text_and_as_an_option(family):
    cells = dict(rows(INSTRUMENT_TRANSLATIONS))[family]
    assert all(len(names) >= 3 for names in cells)
    for names in cells:
        for name in names:
            assert families_of([name.lstrip("?")])[0] == (family,), name
            if not name.startswith("?"):
                assert [wish.value for wish in read_text(name).wishes if wish.kind == "instrument"] == [family], name


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("calm piano and rain", ["piano"]), ("Klaviermusik", ["piano"]), ("Geigen und Trompeten", ["strings", "brass"]),
        ("les guitares électriques", ["guitar"]), ("chitarre elettriche", ["guitar"]), ("a music-box", ["mallet"]),
        ("electric guitar (jazz)", ["guitar"]), ("Violinsolo", ["strings"]), ("l'orgue, l’accordéon", ["organ", "organ"]),
        ("no drums", [("drums", True)]), ("ohne Schlagzeug", [("drums", True)]), ("sans batterie", [("drums", True)]),
        ("sin batería", [("drums", True)]), ("senza batteria", [("drums", True)]), ("keine lauten Trommeln", [("drums", True)]),
        ("no heavy drums", [("drums", True)]), ("no drums or brass", [("drums", True), ("brass", True)]),
        ("ohne Schlagzeug und Bass, mit Klavier", [("drums", True), ("bass", True), "piano"]),
        ("without drums but with bass", [("drums", True), "bass"]), ("no drums, piano", [("drums", True), "piano"]),
        ("not without drums", ["drums"]), ("sans piano ni guitare", [("piano", True), ("guitar", True)]),
        ("bells instead of drums", ["mallet", ("drums", True)]), ("Klavier statt Geige", ["piano", ("strings", True)]),
        ("tout sauf la batterie", [("drums", True)]), ("todo menos la guitarra", [("guitar", True)]), ("tutto tranne gli archi", [("strings", True)]),
        ("stormy winds", []), ("flute, strings and winds", ["winds", "strings", "winds"]), ("vent et pluie", []),
        ("a warm rain on the square", []), ("leise Flügel schlagen", []), ("the birds sing in the wind", []),
    ],
)  # fmt: skip
def test_players_are_named_or_denied(text, heard):
    assert wishes(text) == heard


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("in D minor", "D minor"), ("Bb major", "Bb major"), ("f# minor", "F# minor"), ("C-sharp minor", "C# minor"), ("in A minor", "A minor"),
        ("calm, in a minor", "A minor"), ("key of E flat", "Eb major"), ("slow, in G", "G major"), ("in Em", "E minor"), ("d-Moll", "D minor"),
        ("Es-Dur", "Eb major"), ("h-moll", "B minor"), ("B-Dur", "Bb major"), ("fis moll", "F# minor"), ("ré mineur", "D minor"),
        ("do dièse mineur", "C# minor"), ("si bemol mayor", "Bb major"), ("fa sostenido menor", "F# minor"), ("la minore", "A minor"),
        ("sol maggiore", "G major"), ("moll", "minor"), ("en mode mineur", "minor"), ("in minore", "minor"), ("en tono mayor", "major"),
        ("in a minor key", "minor"), ("not in minor", "major"), ("a major storm", None), ("a minor detail", None), ("Am Morgen", None),
    ],
)  # fmt: skip
def test_keys_and_modes(text, key):
    assert [wish.value for wish in read_text(text).wishes if wish.kind in ("key", "mode")] == ([key] if key else [])


@pytest.mark.parametrize(
    ("slow", "fast"),
    [("slow", "fast"), ("langsam", "schnell"), ("lentement", "vite"), ("lento", "rápido"), ("lentamente", "veloce"),
     ("adagio", "presto"), ("largo", "lento"), ("very slow", "slow"), ("fast", "very fast"), ("not fast", "not slow"),
     ("nicht zu schnell", "schnell"), ("60 bpm", "61,5 Schläge pro Minute"), ("tempo 96", "♩ = 120"), ("une valse lente", "un tempo rapide")],
)  # fmt: skip
def test_slow_is_slower_than_fast(slow, fast):
    spans = [next(wish.value for wish in read_text(text).wishes if wish.kind == "tempo") for text in (slow, fast)]
    assert sum(spans[0]) < sum(spans[1]) and all(40 <= low <= high <= 240 for low, high in spans)


@pytest.mark.parametrize(
    ("text", "meter"),
    [("3/4", "3/4"), ("im 6/8-Takt", "6/8"), ("2/2", "4/4"), ("dreivierteltakt", "3/4"), ("à trois temps", "3/4"), ("tres por cuatro", "3/4"),
     ("five-four time", "5/4"), ("13/8", None)],
)  # fmt: skip
def test_meters(text, meter):
    assert [wish.value for wish in read_text(text).wishes if wish.kind == "meter"] == [meter]


@pytest.mark.parametrize("text", ["waltz", "Walzer", "valse", "vals", "valzer"])
def test_a_waltz_is_one_in_every_language_and_feels_the_same(text):
    reading = read_text(text)
    assert [wish.value.meter for wish in reading.wishes] == ["3/4"]
    assert (reading.feelings.valence, reading.feelings.arousal) == (0.45, 0.3)


def test_what_is_music_is_not_unknown_and_what_is_denied_is_no_feeling():
    reading = read_text("calm piano, no drums, qwxz, serne")
    assert [match.word for match in reading.feelings.matches] == ["calm"]
    assert reading.feelings.unknown == ("qwxz", "serne") and reading.feelings.nearest == {"serne": "serene"}
    assert len(reading.feelings.beside) == 2 and read_text(None).wishes == ()


def test_options_take_the_names_of_all_languages():
    assert families_of(["Geigen", "batería", "flutes", "flûtes traversières"])[0] == ("strings", "drums", "winds")
    with pytest.raises(UsageError, match="did you mean 'querflöte'"):
        families_of(["Qwerflöte"])
