"""What is measured of the sounds of one case of `measure synapse`: scores of a case, and paired differences of two.

Conventions: see `small_synapse`. Everything is first a number for each triplet (`Heard.rows`, NaN where its sound is silent); scores
are means of it over all triplets and over those of a genre, and differences are means of the difference of two.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from klangbild.errors import InputError
from klangbild.measure import fit
from klangbild.measure.judges.sound_judge import LIMITS, load_sound_judge
from klangbild.measure.roll.by_genre import again, by_genre, frechet, frechet_by_genre, genre_note, large_genres
from klangbild.measure.roll.held_pairs import Chosen, genres
from klangbild.measure.roll.kept_sounds import Sounds
from klangbild.measure.roll.word_reader import WordReader, word_scores
from klangbild.metrics import retrieval
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.intervals import Estimate, bootstrap, bootstrap_spearman
from klangbild.metrics.similarity import cosine_rows
from klangbild.metrics.sound_embedding import load_axes, raw_features

JUDGES = ("emopia", "vgmidi")
RESAMPLES = 200
_MAIN = ("emotion_error_emopia", "right_picture_emopia_mean_rank", "right_words_mean_rank", "right_clip_mean_rank")
"""Scores that each genre has too."""


@dataclass(frozen=True)
class Heard:
    """The sounds of n triplets as they are measured, NaN for silent ones.

    vectors (n, 48); read: judge -> (n, 2) valence and arousal; words (n, W): readings of the reader; tables: name -> (m, m) score
    of picture, caption or clip i with sound j, over the m that sound; rows: score -> (n,).
    """

    vectors: np.ndarray
    read: dict[str, np.ndarray]
    words: np.ndarray
    tables: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]

    @property
    def sounding(self) -> np.ndarray:
        """(n,) bool."""
        return np.isfinite(self.vectors).all(axis=1)


class Listener:
    """Triplets, the judges and the reader. Raises InputError: fewer than four of the clips sound."""

    def __init__(self, chosen: Chosen, reader: WordReader, clips: Sounds, *, seed: int = 0) -> None:
        self.chosen, self.reader, self.seed = chosen, reader, seed
        self.asked, self.genre = chosen.asked, chosen.genre
        self.captions = [chosen.caption(row, seed=seed) for row in chosen.rows.tolist()]
        self.axes = load_axes()
        self.judges = {name: load_sound_judge(name) for name in JUDGES}
        self.real = self._vectors(_raw(clips))
        self.clips = self.hear(clips)

    def hear(self, sounds: Sounds) -> Heard:
        """Measure a sound for each triplet, in their order. Raises InputError: fewer than four are not silent."""
        raw = _raw(sounds)
        known = np.array([r is not None for r in raw])
        if known.sum() < 4:
            raise InputError(f"{int((~known).sum())} of {len(known)} sounds are silent; train the model longer")
        there = [r for r in raw if r is not None]
        vectors = self._vectors(raw)
        read = {name: _spread(np.array([judge.read(r) for r in there]), known) for name, judge in self.judges.items()}
        words = _spread(np.stack([self.reader.read(r) for r in there]), known)
        tables = {
            f"right_picture_{name}": fit.emotion_scores(self.asked[known], own[known])["emotion_ranked"]
            for name, own in read.items()
        }
        said = [text for text, sounds_ in zip(self.captions, known, strict=True) if sounds_]
        tables["right_words"] = word_scores(self.reader, words[known], said)
        tables["right_clip"] = _likeness(self.real[known], vectors[known])
        rows = {f"emotion_error_{name}": np.linalg.norm(own - self.asked, axis=1) for name, own in read.items()}
        rows |= {f"{name}_mean_rank": _spread(retrieval.ranks(table), known) for name, table in tables.items()}
        return Heard(vectors, read, words, tables, rows)

    def scores(self, heard: Heard) -> OrderedDict[str, Estimate]:
        """All scores of a case by name."""
        out: OrderedDict[str, Estimate] = OrderedDict(frechet=frechet(heard.vectors, self.real, seed=self.seed))
        out["silent"] = bootstrap((~heard.sounding).astype(float), seed=self.seed)
        for name, own in heard.read.items():
            out[f"emotion_error_{name}"] = bootstrap(heard.rows[f"emotion_error_{name}"], seed=self.seed)
            for axis, part in enumerate(("valence", "arousal")):
                out[f"{part}_{name}"] = bootstrap_spearman(self.asked[:, axis], own[:, axis], seed=self.seed)
        for name, table in heard.tables.items():
            found = retrieval.evaluate(table, shuffles=1999, seed=self.seed)
            out |= {
                f"{name}_{k}": found[k]
                for k in ("top1", "top5", "mean_rank", "mean_rank_p", "advantage", "advantage_p")
            }
        main = {name: heard.rows[name] for name in _MAIN}
        out |= frechet_by_genre(heard.vectors, self.genre, self.real, self.genre, seed=self.seed)
        return OrderedDict(out | by_genre(main, self.genre, seed=self.seed))

    def differences(self, one: Heard, other: Heard) -> OrderedDict[str, Estimate]:
        """`one` minus `other`, paired over triplets, by the names of `scores`; all of them are better below 0."""
        both = one.sounding & other.sounding
        out = OrderedDict(frechet=self._nearer(one, other, both))
        rows = {name: own - other.rows[name] for name, own in one.rows.items()}
        out |= {name: bootstrap(own, seed=self.seed) for name, own in rows.items()}
        for name in large_genres(self.genre):
            out[f"{name}: frechet"] = self._nearer(one, other, both & (self.genre == name), self.genre == name)
        return OrderedDict(out | by_genre({name: rows[name] for name in _MAIN}, self.genre, seed=self.seed))

    def floor(self, others: Sounds, clips: np.ndarray) -> OrderedDict[str, Estimate]:
        """The distance of other clips (n,), by number in the prepared file, to those of the triplets: what different music of the same
        genres has."""
        vectors, genre = self._vectors(_raw(others)), genres(self.chosen.data, clips)
        out = OrderedDict(frechet=frechet(vectors, self.real, seed=self.seed))
        kept = np.isin(genre, large_genres(self.genre))
        return OrderedDict(out | frechet_by_genre(vectors[kept], genre[kept], self.real, self.genre, seed=self.seed))

    def notes(self) -> list[str]:
        """What must be read beside the numbers."""
        n = len(self.asked)
        return [
            *(judge.accuracy for judge in self.judges.values()), LIMITS,
            f"{n} triplets; chance: top1 {1 / n:.3f}, top5 {min(5 / n, 1):.3f}, mean rank {(n + 1) / 2:.1f}",
            genre_note(self.genre), "words are read by a linear reader of our own; the clips show how well",
        ]  # fmt: skip

    def _vectors(self, raw: list[np.ndarray | None]) -> np.ndarray:
        nothing = np.full(self.axes.axes.shape[1], np.nan)
        return np.stack([nothing if r is None else self.axes.turn(r).mean(axis=0) for r in raw])

    def _nearer(self, one: Heard, other: Heard, both: np.ndarray, real: np.ndarray | None = None) -> Estimate:
        """Difference of two distances to the same clips; triplets are drawn for both sides at once."""
        clips = self.real if real is None else self.real[real]
        a, b = one.vectors[both], other.vectors[both]
        missing = int((~both if real is None else real & ~both).sum())
        if min(len(a), len(clips)) < 2:
            return Estimate(np.nan, np.nan, np.nan, len(a), missing)

        def difference(rows: np.ndarray, theirs: np.ndarray) -> float:
            return frechet_distance(a[rows], theirs) - frechet_distance(b[rows], theirs)

        rng = np.random.default_rng(self.seed)
        every = np.arange(len(a))
        value = difference(every, clips)
        drawn = [difference(again(every, rng), again(clips, rng)) for _ in range(RESAMPLES)]
        # resamples repeat items, which moves distances: the interval is centred on the value
        low, middle, high = np.percentile(drawn, [2.5, 50, 97.5])
        return Estimate(value, float(value + low - middle), float(value + high - middle), len(a), missing)


def _raw(sounds: Sounds) -> list[np.ndarray | None]:
    found: list[np.ndarray | None] = []
    for _, audio in sounds:
        try:
            found.append(raw_features(audio))
        except InputError:
            found.append(None)
    return found


def _spread(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows of those that are known, NaN for the others."""
    out = np.full((len(known), *values.shape[1:]), np.nan)
    out[known] = values
    return out


def _likeness(real: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """(clips, sounds) cosine, what each set has in common taken out."""
    n = len(mine)
    pairs = cosine_rows(np.repeat(real - real.mean(axis=0), n, axis=0), np.tile(mine - mine.mean(axis=0), (n, 1)))
    return pairs.reshape(n, n)
