"""The sampler at its extremes: cold, hot, narrow, penalised; and a model that is sure of what is not allowed."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.sampler import Sampler, Sampling
from klangbild.models.bars.weights import load_notes_model, shipped_conditionings
from klangbild.music.rules import Rules
from klangbild.settings import Settings

LANGUAGE = BarsLanguage()


@pytest.fixture(scope="module")
def model():
    return load_notes_model(None, "continuous_concat").model


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(note_temperature=0.1, rest_temperature=0.1, guidance=4.0, repetition_penalty=2.0),
        Sampling(note_temperature=2.0, rest_temperature=2.0, top_p=1.0, guidance=1.0),
        Sampling(top_k=1),
        Sampling(top_p=0.05, guidance=10.0),
    ],
)
def test_extremes_give_whole_pieces(model, sampling):
    # wishes that the model would never have had
    rules = Rules(families=("mallet", "lead"), required=("mallet", "lead"), meter=(7, 8), tempo_bpm=233, bars=6)
    for seed in range(3):
        sampler = Sampler(
            model, LANGUAGE, rules, sampling, rng=np.random.default_rng(seed), emotion_at=lambda _s: Emotion(-0.9, 0.9)
        )
        take = sampler.run()
        piece = LANGUAGE.decode(np.array(take.ids))
        assert take.ids[-1] == bars.EOS and set(piece.families) == {"mallet", "lead"}
        assert len(piece.bar_starts()) == 6


def test_top_k_one_is_greedy_and_repeatable(model, monkeypatch):
    monkeypatch.setattr(model, "sections", None)  # else the seed draws what each section is told to be like
    settings = Settings(bars=4, top_k=1, instruments=("piano", "bass"))
    one, two = (compose_notes(Emotion(0.1, 0.1), settings, seed, model=model).piece for seed in (1, 2))
    assert [len(t.notes) for t in one.tracks] == [len(t.notes) for t in two.tracks]


def test_guidance_one_is_the_model_alone(model):
    """Without guidance one row is read, with it two."""
    compose_notes(Emotion(0.1, 0.1), Settings(bars=1, guidance=1.0), 1, model=model)
    assert model.rows == 1
    compose_notes(Emotion(0.1, 0.1), Settings(bars=1, guidance=1.5), 1, model=model)
    assert model.rows == 2


def test_gen_len_ends_properly(model):
    for gen_len in (64, 200, 700):
        composition = compose_notes(Emotion(0.3, 0.3), Settings(gen_len=gen_len, drafts=0), 3, model=model)
        assert composition.piece.n_notes > 0 and composition.n_tokens <= gen_len


@pytest.mark.parametrize("conditioning", shipped_conditionings())
def test_every_conditioning_that_ships_composes(conditioning):
    model = load_notes_model(None, conditioning).model
    piece = compose_notes(Emotion(0.6, 0.6), Settings(bars=9, conditioning=conditioning), 3, model=model).piece
    assert piece.n_notes > 0 and len(piece.bar_starts()) == 9
