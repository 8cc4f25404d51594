"""What is read from finished notes: feeling (two judges), traits, and the words that are true of them; and how well each fits.

Conventions
    Judges are no part of any model (`measure.judges`), and stand beside their own accuracy; what has too few notes to be read (under 20) counts as neutral. Readings are compared in ranks over the set, as in
    `measure fit`.
    traits      what goes with each trait of a picture (`models.plan.traits_of_music`), of the piece's own attributes.
    words       tempo, density, mode, meter and players, each a word of the vocabulary; a tempo beside the one said counts half.

Metrics
    valence, arousal      rank correlation of what the pictures ask for with what a judge reads.
    emotion_*             retrieval on minus the distance of ranks: right against shuffled, rank among all.
    traits_in_cell        mean place (0 best, 1 last, .5 chance) of the right picture among those of its own cell of feeling (`CELLS` cells), by the distance of the traits' ranks;
                          p by permutation within cells.
    right_words           mean rank of a piece's own words among all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from klangbild.measure.fit import emotion_scores
from klangbild.metrics import retrieval
from klangbild.metrics.emotion_judge import JUDGES, load_judge, read_piece
from klangbild.metrics.intervals import Estimate, bootstrap, bootstrap_spearman
from klangbild.models.bars.language import BarsLanguage
from klangbild.models.bars.section_attributes import raw_attributes, to_values
from klangbild.models.plan.caption_words import TEMPOS, Vocabulary, density_word, tempo_word
from klangbild.models.plan.traits_of_music import raw_traits
from klangbild.music.describe import main_tempo
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.key import estimate_key
from klangbild.music.piece import Piece

CELLS = (2, 3)
"""Halves by arousal, each in thirds by valence."""
_KINDS = frozenset(["band", "pop", "folk", "orchestral", "classical", "game", "ensemble"])
_SPEEDS = [word for word, _ in TEMPOS]


@dataclass(frozen=True)
class Readings:
    """Of n pieces: felt {judge: (n, 2)}, traits (n, 6), words."""

    felt: dict[str, np.ndarray]
    traits: np.ndarray
    words: tuple[frozenset[str], ...]


def read(pieces: Sequence[Piece], knots: np.ndarray) -> Readings:
    """knots (attributes, k): what places attributes."""
    felt = {name: np.nan_to_num([read_piece(load_judge(name), piece) for piece in pieces]) for name in JUDGES}
    language = BarsLanguage()
    values = [to_values(raw_attributes(language.encode(piece)[1:-1]), knots) for piece in pieces]
    return Readings(felt, raw_traits(np.array(values)), tuple(true_words(piece) for piece in pieces))


def true_words(piece: Piece) -> frozenset[str]:
    """Words of the vocabulary that are true of a piece."""
    _, numerator, denominator = piece.meters[0]
    mode = (piece.key or estimate_key(piece)).mode
    meter = {(3, 4): "triple", (6, 8): "compound", (12, 8): "compound"}.get((numerator, denominator))
    found = [
        tempo_word(main_tempo(piece)),
        density_word(piece.n_notes / max(piece.seconds, 1.0)),
        mode,
        meter,
        *piece.families,
    ]
    return frozenset(word for word in found if word)


def word_scores(captions: Sequence[str], words: Sequence[frozenset[str]]) -> np.ndarray:
    """(captions, pieces): the share of a caption's words (kinds and feelings aside) that are true of a piece, less what others would say."""
    vocabulary = Vocabulary()
    readable = {*_SPEEDS, "sparse", "flowing", "full", "dense", "major", "minor", "triple", "compound", *FAMILY_NAMES}
    rows = []
    for text in captions:
        said = [word for word in vocabulary.read(text).known if word in readable and word not in _KINDS]
        rows.append([sum(_true(word, own) for word in said) / np.sqrt(max(len(said), 1)) for own in words])
    scores = np.array(rows)
    return scores - scores.mean(axis=1, keepdims=True)


def _true(word: str, own: frozenset[str]) -> float:
    if word in own or word not in _SPEEDS:
        return float(word in own)
    here = next(_SPEEDS.index(speed) for speed in own if speed in _SPEEDS)
    return 0.5 if abs(here - _SPEEDS.index(word)) == 1 else 0.0


def emotion_errors(asked: np.ndarray, readings: Readings) -> dict[str, np.ndarray]:
    """{judge: (n,)}: distance of ranks, of what a picture asks for (n, 2) and what is read."""
    return {name: -np.diagonal(emotion_scores(asked, felt)["emotion_ranked"]) for name, felt in readings.felt.items()}


def trait_distances(asked: np.ndarray, readings: Readings) -> np.ndarray:
    """(pictures, pieces): distance of the six traits' ranks. asked (n, 6)."""
    a, b = (np.stack([(rankdata(c) - 0.5) / len(c) for c in side.T], axis=1) for side in (asked, readings.traits))
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=2))


def cells(felt: np.ndarray) -> np.ndarray:
    """(n,) number of the cell of feeling of each (n, 2)."""
    halves = np.minimum((rankdata(felt[:, 1], method="ordinal") - 1) * CELLS[0] // len(felt), CELLS[0] - 1).astype(int)
    found = np.zeros(len(felt), int)
    for half in range(CELLS[0]):
        mine = np.flatnonzero(halves == half)
        thirds = (rankdata(felt[mine, 0], method="ordinal") - 1) * CELLS[1] // max(len(mine), 1)
        found[mine] = half * CELLS[1] + thirds.astype(int)
    return found


def rank_in_cell(
    distance: np.ndarray, cell: np.ndarray, *, shuffles: int = 9999, seed: int = 0
) -> tuple[np.ndarray, float]:
    """(pieces,) place 0 .. 1 of the own picture among its cell's by distance (pictures, pieces), and p of their mean: how often pictures shuffled within
    cells do as well."""
    n = len(cell)
    place = np.zeros((n, n))
    for number in np.unique(cell):
        mine = np.flatnonzero(cell == number)
        part = distance[np.ix_(mine, mine)]
        ranks = np.apply_along_axis(rankdata, 0, part) - 1.0
        place[np.ix_(mine, mine)] = ranks / max(len(mine) - 1, 1)
    own = np.diagonal(place).copy()
    rng, better = np.random.default_rng(seed), 0
    for _ in range(shuffles):
        other = np.arange(n)
        for number in np.unique(cell):
            mine = np.flatnonzero(cell == number)
            other[mine] = rng.permutation(mine)
        better += place[other, np.arange(n)].mean() <= own.mean() + 1e-12
    return own, (better + 1) / (shuffles + 1)


def scores(asked: np.ndarray, readings: Readings, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """All scores of one way: asked (n, 8) of the pictures."""
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name, felt in readings.felt.items():
        for axis, what in enumerate(("valence", "arousal")):
            out[f"{what}_{name}"] = bootstrap_spearman(asked[:, axis], felt[:, axis], seed=seed)
        found = retrieval.evaluate(emotion_scores(asked[:, :2], felt)["emotion_ranked"], seed=seed)
        for what in ("mean_rank", "advantage", "advantage_p"):
            out[f"emotion_{name}_{what}"] = found[what]
    places, p = rank_in_cell(trait_distances(asked[:, 2:], readings), cells(asked[:, :2]), seed=seed)
    out["traits_in_cell"] = bootstrap(places, seed=seed)
    out["traits_in_cell_p"] = Estimate(p, np.nan, np.nan, len(places))
    return out


def right_words(captions: Sequence[str], readings: Readings) -> np.ndarray:
    """(pieces,) rank of each piece's own words among all."""
    return retrieval.ranks(word_scores(captions, readings.words))
