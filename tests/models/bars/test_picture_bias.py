"""A picture's voice: at one feeling each trait moves the notes the way that it says; without weight nothing moves; reasons say it."""

from dataclasses import replace

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.picture_bias import LastBar, PictureBias
from klangbild.models.bars.picture_reasons import voice_reasons
from klangbild.models.bars.section_attributes import NAMES, raw_attributes
from klangbild.models.bars.weights import load_notes_model
from klangbild.picture.voice import SKYLINE_POINTS, Traits, Voice
from klangbild.settings import Settings

PLAIN = Traits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (0.0,) * SKYLINE_POINTS)
RISING = tuple(np.linspace(-1.0, 1.0, SKYLINE_POINTS))
FEELING = Emotion(0.1, 0.0)


@pytest.fixture(scope="module")
def composed():
    """Pieces (four seeds, 10 s) of a picture that is plain but for one trait, as attributes."""
    engine, language = load_notes_model(None, "continuous_concat"), bars.BarsLanguage()

    def of(weight=1.0, **traits):
        settings, found = Settings(seconds=10, picture_weight=weight, drafts=0), []
        for seed in range(4):
            piece = engine.compose(FEELING, settings, seed, voice=Voice(replace(PLAIN, **traits), 0)).piece
            found.append(raw_attributes(language.encode(piece)[1:-1]))
        return np.nanmean(np.array(found), axis=0)

    return of


@pytest.mark.parametrize(
    ("trait", "attribute", "sign"),
    [
        ("height", "pitch", 1), ("fineness", "notes_per_beat", 1), ("fineness", "duration", -1),
        ("smoothness", "duration", 1), ("things", "families", 1), ("symmetry", "alike_1", 1),
    ],
)  # fmt: skip
def test_each_trait_moves_the_notes_its_way(composed, trait, attribute, sign):
    at = NAMES.index(attribute)
    much, little = composed(**{trait: 1.0})[at], composed(**{trait: -1.0})[at]
    assert sign * (much - little) > 0


def test_without_weight_nothing_moves(composed):
    assert np.array_equal(composed(weight=0.0, height=1.0), composed(weight=0.0, height=-1.0), equal_nan=True)


def test_warm_pictures_prefer_warm_players():
    values = np.full((2, len(NAMES)), -1.0)
    values[0, NAMES.index("guitar")] = values[1, NAMES.index("pad")] = 1.0
    warm = PictureBias(replace(PLAIN, warmth=1.0)).of_sections(values)
    cool = PictureBias(replace(PLAIN, warmth=-1.0)).of_sections(values)
    assert warm[0] > warm[1] and cool[1] > cool[0]


def test_the_opening_follows_the_skyline():
    heard = PictureBias(replace(PLAIN, skyline=RISING))
    first, last = heard.motif(0, 0.0), heard.motif(1, 0.95)
    pitches = slice(bars.note_id(1, bars.MIN_PITCH), bars.note_id(2, bars.MIN_PITCH))
    assert last[pitches].argmax() > first[pitches].argmax()
    drums = slice(bars.note_id(bars.DRUMS, bars.MIN_PITCH), bars.note_id(bars.DRUMS, bars.MAX_PITCH))
    assert not first[drums].any() and heard.motif(2, 0.0) is None and PictureBias(PLAIN).motif(0, 0.0) is None


def test_the_bar_before_is_known_place_by_place():
    one, two = bars.note_id(1, 60), bars.note_id(2, 64)
    seen = LastBar()
    for token in (bars.BAR_0, bars.POSITION_0, one, bars.POSITION_0 + 12, two, bars.BAR_0, bars.POSITION_0):
        seen.read(token)
    assert seen.again() == ([one], [bars.POSITION_0 + 12])


def test_reasons_say_what_is_heard_and_no_more():
    voice = Voice(replace(PLAIN, height=0.9, warmth=-0.8, skyline=RISING), 0)
    said = voice_reasons(voice, Settings())
    assert said[0].endswith("lifts the register") and "cool" in said[1] and "rises" in said[2] and len(said) == 3
    assert not any("cool" in line for line in voice_reasons(voice, Settings(instruments=("piano",))))
    assert voice_reasons(voice, Settings(picture_weight=0.0)) == ()
    assert voice_reasons(Voice(PLAIN, 0), Settings()) == ()
