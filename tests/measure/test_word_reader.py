"""Words are read from sound, and scores are told genre by genre: worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from klangbild.errors import InputError
from klangbild.measure.roll.by_genre import by_genre, frechet, frechet_by_genre, genre_note
from klangbild.measure.roll.held_pairs import MIN_PAIRS, filled
from klangbild.measure.roll.word_reader import WordReader, fit_reader, readable, word_scores
from klangbild.metrics import retrieval


class Facts:
    """What captions are made of, for clips that are slow and major, or fast and minor."""

    def __init__(self, n: int) -> None:
        fast = np.arange(n) % 2
        self.valence = self.arousal = np.zeros(n)
        self.tempo, self.mode, self.tonic = np.where(fast, 150, 75), 1 - fast, np.zeros(n, int)
        self.meter, self.families, self.rate = np.full(n, 44), np.full(n, 2), np.full(n, 5.0)
        self.pool, self.about = np.zeros(n, int), {"pools": ["pop909"]}


def sounds(n: int) -> list[np.ndarray]:
    """Raw numbers of which thirty tell fast from slow, and the others nothing."""
    raw = np.random.default_rng(0).standard_normal((n, 1, 120))
    raw[:, 0, :30] += 3.0 * (np.arange(n) % 2)[:, None]
    return list(raw)


def test_words_that_sound_tells_are_read_and_others_are_not():
    reader = fit_reader(Facts(80), np.arange(60), sounds(60))
    assert {"slow", "fast", "minor", "major"} <= set(reader.words)
    assert not {"flowing", "pop"} & set(reader.words)  # true of all, so they tell nothing
    read = np.stack([reader.read(raw) for raw in sounds(80)[60:]])
    minor = read[:, reader.words.index("minor")]
    assert minor[1::2].min() > minor[::2].max()
    table = word_scores(reader, read[:2], ["slow piece in C major", "music in C minor"])
    assert retrieval.ranks(table).tolist() == [1, 1]
    with pytest.raises(InputError, match="no word"):
        fit_reader(Facts(8), np.arange(8), sounds(8))


def test_long_captions_are_not_nearer_and_unread_words_say_nothing():
    reader = WordReader(("fast", "minor"), np.zeros((120, 2)), np.zeros((2, 121)))
    read = np.array([[1.0, 1.0], [-1.0, -1.0]])
    table = word_scores(reader, read, ["fast, minor", "fast", "waltz in D"])
    assert table[:, 0] == pytest.approx([np.sqrt(2), 1.0, 0.0]) and table[:, 1] == pytest.approx(-table[:, 0])
    assert readable("sad waltz in E flat minor") >= {"minor", "triple"} and "key-e-flat" not in readable("E flat minor")


def test_genres_with_enough_items_have_scores_and_the_others_a_number():
    genre = np.array(["pop"] * MIN_PAIRS + ["game"] * 3)
    values = np.r_[np.full(MIN_PAIRS, 2.0), np.zeros(3)]
    values[0] = np.nan
    found = by_genre({"rank": values}, genre)
    assert list(found) == ["pop: rank"] and found["pop: rank"].value == 2 and found["pop: rank"].missing == 1
    assert "pop 8" in genre_note(genre) and "game 3" in genre_note(genre)
    rng = np.random.default_rng(0)
    mine, theirs = rng.standard_normal((11, 4)), rng.standard_normal((11, 4))
    mine[0] = np.nan
    per = frechet_by_genre(mine, genre, theirs, genre)
    assert list(per) == ["pop: frechet"] and per["pop: frechet"].n == MIN_PAIRS - 1 and per["pop: frechet"].missing == 1
    assert frechet(theirs, theirs).value == pytest.approx(0, abs=1e-9)


def test_rare_genres_are_filled_up_where_there_is_room():
    genre = np.random.default_rng(0).permutation(["pop"] * 60 + ["folk"] * 12 + ["game"] * 3)
    taken = filled(genre, 20)
    names, counts = np.unique(genre[taken], return_counts=True)
    assert len(taken) == len(set(taken.tolist())) == 20 and dict(zip(names, counts, strict=True))["folk"] == MIN_PAIRS
    assert filled(genre, 10).tolist() == list(range(10))  # no room for eight of each
