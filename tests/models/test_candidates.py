"""Several candidates: the best is kept, the first of equals, and of a stopped run what was whole."""

from __future__ import annotations

import pytest

from klangbild.errors import Stopped
from klangbild.models.candidates import draw_candidates

SCORES = {"0": 0.1, "1": 0.9, "2": 0.9}


def drawn(
    stop_at: float = 99.0, *, empty: bool = False, lost: int | None = None, count: int = 3, length: int = 1, told=None
):
    """Three candidates that tell of their first half and, if they are longer than 1, of the second; "-" marks one that was cut."""

    def draw(number, tell):
        if number == lost:
            raise Stopped("of its own accord")
        for done in (0.5 * length, length)[: 1 + (length > 1)]:
            if tell(done) is False:
                if empty:
                    raise Stopped("nothing yet")
                return f"{number}-"
        return str(number)

    def on_progress(done, total):
        if told is not None:
            told.append((done, total))
        return done < stop_at

    return draw_candidates(
        count,
        draw,
        lambda made: [SCORES.get(one, 0.0) for one in made],
        rank=float,
        on_progress=on_progress,
        length=length,
    )


def test_the_first_of_the_best_is_chosen_and_progress_reaches_its_end():
    told = []
    found = drawn(told=told)
    assert (found.made, found.chosen, found.best, found.stopped) == (("0", "1", "2"), 1, "1", False)
    assert found.scores == (0.1, 0.9, 0.9)
    assert told == [(0.5, 3), (1.5, 3), (2.5, 3), (3, 3)]
    told.clear()
    drawn(told=told, count=2, length=10)
    assert told == [(5, 20), (10, 20), (15, 20), (20, 20)]


def test_half_a_candidate_is_kept_only_where_there_is_no_whole_one():
    assert (drawn(0.5).made, drawn(0.5).stopped) == (("0-",), True)
    assert (drawn(1.5).made, drawn(1.5).stopped) == (("0",), True)
    found = drawn(2.5)
    assert (found.made, found.best, found.stopped) == (("0", "1"), "1", True)
    assert drawn(2.5, empty=True) == found


def test_nothing_to_keep_is_said():
    with pytest.raises(Stopped, match="nothing yet"):
        drawn(0.5, empty=True)
    with pytest.raises(Stopped, match="own accord"):  # nobody asked to stop: that is no half-done run
        drawn(lost=1)


def test_where_they_cannot_be_compared_the_first_is_kept():
    for weigh in (lambda made: [], lambda made: [1.0]):
        found = draw_candidates(2, lambda number, tell: number, weigh, rank=float, on_progress=None)
        assert found.chosen == 0 and found.made == (0, 1) and not found.stopped
