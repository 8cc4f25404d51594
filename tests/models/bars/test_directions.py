"""Which way each thing moves the music: not only that it does."""

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.models.bars import language as bars
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.weights import load_notes_model, shipped_conditionings
from klangbild.music.fit import score_piece
from klangbild.settings import Settings

LANGUAGE = BarsLanguage()
HEARD = [name for name in shipped_conditionings() if name != "none"]


class Clueless:
    """A note model for which every id is as likely as any other: what its music follows comes from the sampler alone."""

    context, conditioning = 4096, "continuous_concat"

    def start(self, rows: int) -> None:
        self.rows, self.fill = rows, 0

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        self.fill += ids.shape[1]
        return np.zeros((self.rows, LANGUAGE.size), np.float32)

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        return np.empty((len(condition), 0), np.int64)


class Listening:
    """The shipped model, noting what it is told beside the ids."""

    def __init__(self, model) -> None:
        self._model, self.told = model, []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def step(self, ids, condition):
        self.told.append(np.array(condition[0, :, :3]))
        return self._model.step(ids, condition)


@pytest.fixture(scope="module")
def model():
    return load_notes_model(None, "continuous_concat").model


def odds_of_the_opening(model, valence: float, arousal: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the first Bar id, and after a major one of its tempo."""
    condition = np.array([valence, arousal, 1.0], np.float32)
    model.start(1)
    prefix = [int(i) for i in model.prefix(condition[None])[0]]
    first = np.array([[bars.BOS, *prefix]], np.int64)
    rows = np.tile(condition, (1, first.shape[1], 1))
    opening = model.step(first, rows)[0]
    bar = bars.BAR_0 + 2 * bars.METERS.index((4, 4))
    after = model.step(np.array([[bar]], np.int64), rows[:, :1])[0]
    return _chances(opening[bars.BAR_0 : bars.TEMPO_0]), _chances(after[bars.TEMPO_0 : bars.POSITION_0])


def _chances(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max())
    return odds / odds.sum()


@pytest.mark.parametrize("conditioning", HEARD)
def test_the_model_hears_valence_as_mode_and_arousal_as_tempo(conditioning):
    heard = load_notes_model(None, conditioning).model

    def major(valence: float, arousal: float) -> float:
        return float(odds_of_the_opening(heard, valence, arousal)[0][0::2].sum())

    def log_bpm(valence: float, arousal: float) -> float:
        return float(odds_of_the_opening(heard, valence, arousal)[1] @ np.log(bars.TEMPI_BPM))

    assert major(0.9, 0.0) > major(-0.9, 0.0) + 0.1
    assert log_bpm(0.0, 0.9) > log_bpm(0.0, -0.9) + 0.05
    assert major(0.9, 0.0) - major(-0.9, 0.0) > major(0.0, 0.9) - major(0.0, -0.9)
    assert log_bpm(0.0, 0.9) - log_bpm(0.0, -0.9) > log_bpm(0.9, 0.0) - log_bpm(-0.9, 0.0)


def test_the_model_is_told_the_asked_valence_first_and_the_asked_arousal_second(model):
    listening = Listening(model)
    compose_notes(Emotion(0.7, -0.4), Settings(bars=2), 1, model=listening)
    for told in listening.told:
        np.testing.assert_allclose(told, np.tile([0.7, -0.4, 1.0], (len(told), 1)), atol=1e-6)


def test_a_path_is_followed_from_calm_to_excited_and_back(model):
    def rates(path: str) -> tuple[float, float]:
        settings = Settings(seconds=32, path=path, drafts=0)
        piece = compose_notes(Emotion(0.0, 0.0), settings, 1, model=model).piece
        onsets = np.concatenate([piece.beats_to_seconds(track.notes["onset"]) for track in piece.tracks])
        middle = piece.seconds / 2
        return (onsets < middle).sum(), (onsets >= middle).sum()

    rising = rates("0:0,-0.9 12:0,-0.9 16:0,0.9")
    falling = rates("0:0,0.9 12:0,0.9 16:0,-0.9")
    assert rising[1] > 1.5 * rising[0]
    assert falling[0] > 1.5 * falling[1]


def test_what_is_asked_tilts_a_model_that_knows_nothing():
    """Arousal up: faster, louder, shorter notes; valence up: major. All from the bias on the emotion."""

    def made(valence: float, arousal: float, n_bars: int = 4, n_seeds: int = 4):
        rows = []
        for seed in range(n_seeds):
            settings = Settings(bars=n_bars, instruments=("piano",), drafts=0)
            piece = compose_notes(Emotion(valence, arousal), settings, seed, model=Clueless()).piece
            notes = np.concatenate([track.notes for track in piece.tracks])
            major = piece.key is not None and piece.key.mode == "major"
            rows.append((piece.tempos[0][1], notes["velocity"].mean(), notes["duration"].mean(), major))
        return np.mean(rows, axis=0)

    excited, calm = made(0.0, 0.9), made(0.0, -0.9)
    assert excited[0] > 1.5 * calm[0] and excited[1] > calm[1] + 3 and excited[2] < 0.8 * calm[2]
    assert made(0.9, 0.0, 8, 8)[3] > made(-0.9, 0.0, 8, 8)[3] + 0.2  # the key is the one that is heard


def test_the_seed_draws_the_notes_also_where_all_else_is_given():
    """With key, tempo, meter and players given and no section plan, only the generator of the ids is left to differ."""
    settings = Settings(bars=2, instruments=("piano",), key="C", tempo=100, meter="4/4")
    one, again, other = (compose_notes(Emotion(0, 0), settings, s, model=Clueless()).piece for s in (1, 1, 2))
    assert all((a.notes == b.notes).all() for a, b in zip(one.tracks, again.tracks, strict=True))
    assert [t.notes["pitch"].tolist() for t in one.tracks] != [t.notes["pitch"].tolist() for t in other.tracks]


def test_of_several_candidates_the_best_is_kept(model):
    asked = Emotion(-0.6, -0.6)
    composition = compose_notes(asked, Settings(bars=4, candidates=4, drafts=0), 3, model=model)
    totals = [score.total for score in composition.scores]
    assert len(set(totals)) == 4
    assert composition.chosen == int(np.argmax(totals))
    assert score_piece(composition.piece, asked).total == pytest.approx(max(totals))
