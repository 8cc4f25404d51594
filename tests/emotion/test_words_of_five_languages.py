"""Feelings in German, French, Spanish and Italian: the same place as in English, with their endings, accents and negations."""

from __future__ import annotations

import pytest

from klangbild.emotion.affect_translations import AFFECT_TRANSLATIONS
from klangbild.emotion.languages import LANGUAGES, fold, stem
from klangbild.emotion.words import english_words, read_words


def test_every_line_stands_at_an_english_word_and_has_all_languages():
    counts = dict.fromkeys(LANGUAGES[1:], 0)
    for line in AFFECT_TRANSLATIONS.strip().splitlines():
        english, _, cells = line.partition(": ")
        assert english in english_words(), english
        for language, cell in zip(LANGUAGES[1:], cells.split(" | "), strict=True):
            assert cell.strip(), line
            counts[language] += len(cell.split())
    assert min(counts.values()) >= 500


@pytest.mark.parametrize(
    ("sad", "happy", "calm", "wild"),
    [
        ("sad", "happy", "calm", "furious"), ("traurig", "fröhlich", "ruhig", "wütend"), ("triste", "joyeux", "calme", "furieux"),
        ("triste", "alegre", "tranquilo", "furioso"), ("triste", "felice", "tranquillo", "furioso"),
    ],
)  # fmt: skip
def test_each_language_knows_sad_from_happy_and_calm_from_wild(sad, happy, calm, wild):
    assert read_words(sad).valence < -0.3 < 0.3 < read_words(happy).valence
    assert read_words(calm).arousal < -0.3 < 0.3 < read_words(wild).arousal


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ein stilles, heiteres Lied am See", ("quiet", "happy", "lake")), ("es war einmal eine traurige Nacht", ("sad", "night")),
        ("Frühlingsmorgen", ("spring", "morning")), ("Herbststürme", ("autumn", "storm")), ("TRAEUMERISCH", ("dreamy",)),
        ("traumerisch", ("dreamy",)), ("ciel d'été, l’orage", ("sky", "summer", "storm")), ("les joyeuses soirées", ("joyful", "evening")),
        ("une nuit tres calme et melancolique", ("night", "calm", "melancholic")), ("noches tranquilas", ("night", "serene")),
        ("tristísima", ("sad",)), ("un mare calmo, notti d'estate", ("sea", "calm", "night", "summer")),
        ("le malinconiche serate", ("melancholic", "evening")), ("stormy, traurig, gioioso", ("stormy", "sad", "joyful")),
        ("sin esperanza", ("hopeless",)), ("coucher de soleil", ("sunset",)), ("été", ("summer",)),
    ],
)  # fmt: skip
def test_forms_accents_compounds_and_mixtures_are_read(text, words):
    reading = read_words(text)
    assert tuple(match.word for match in reading.matches) == words
    assert set(reading.unknown) <= {"einmal"}


@pytest.mark.parametrize(
    "text",
    ["nicht traurig", "kein bisschen traurig", "pas triste", "ce n'est pas triste", "no es triste", "non è triste", "senza tristezza",
     "sin tristeza", "sans tristesse", "ohne Trauer", "weder traurig noch trübe"],
)  # fmt: skip
def test_what_is_denied_is_the_other_way_round(text):
    reading = read_words(text)
    assert reading.valence > 0 and all(match.negated for match in reading.matches) and not reading.unknown


def test_strength_is_heard():
    for very, plain, slightly in (
        ("sehr traurig", "traurig", "etwas traurig"),
        ("très triste", "triste", "un peu triste"),
        ("muy triste", "triste", "un poco triste"),
        ("molto triste", "triste", "un poco triste"),
    ):
        assert read_words(very).valence < read_words(plain).valence < read_words(slightly).valence < 0


def test_a_word_of_two_languages_is_read_in_that_of_the_text():
    assert read_words("fast").matches[0].word == "fast"
    almost = read_words("fast traurig").matches
    assert [match.word for match in almost] == ["sad"] and -0.6 < almost[0].valence < 0
    assert read_words("hell").unknown == ("hell",) and read_words("eine helle Nacht").matches[0].word == "bright"
    assert read_words("I see a lake").unknown == ("see",)
    assert (
        read_words("war and fire").matches[0].word == "war"
        and not read_words("es war gut und schön").matches[0].negated
    )


def test_words_of_no_language_are_told_with_the_nearest_as_it_is_written():
    reading = read_words("fröhlixh, qwxz, mortgage, dentist, spreadsheet")
    assert reading.unknown == ("fröhlixh", "qwxz", "mortgage", "dentist", "spreadsheet")
    assert reading.nearest == {"fröhlixh": "fröhlich"}


def test_stems_and_folding():
    assert {stem(fold(word), "de") for word in ("ruhig", "ruhige", "ruhigem", "ruhigen", "ruhiger", "ruhiges")} == {
        "ruhig"
    }
    assert stem("dunkle", "de") == stem("dunkel", "de") and stem("sturme", "de") == stem("sturm", "de")
    assert stem("heureuses", "fr") == stem("heureux", "fr") and stem("vives", "fr") == stem("vif", "fr")
    assert stem("felices", "es") == "feliz" and stem("tranquillamente", "it") == stem("tranquilli", "it")
