"""Several candidates, of which the best is kept: drawn one after the other, so that those that are whole outlive a stop.

The published systems denoise theirs all at once and rank them by ear (`models/published/ranking.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from klangbild.contract import OnProgress
from klangbild.errors import Stopped

Made = TypeVar("Made")
Weighed = TypeVar("Weighed")
Tell = Callable[[float], "bool | None"]
"""Called with how much of a candidate is done; False means: stop, and give what exists of it."""


@dataclass(frozen=True)
class Candidates(Generic[Made, Weighed]):
    """What was made, in the order drawn, and the scores beside, empty where nothing was weighed. chosen: which is the best.

    stopped: the caller stopped, and the last one is what existed of it by then, or was left away.
    """

    made: tuple[Made, ...]
    scores: tuple[Weighed, ...]
    chosen: int
    stopped: bool

    @property
    def best(self) -> Made:
        return self.made[self.chosen]


def draw_candidates(
    count: int,
    draw: Callable[[int, Tell], Made],
    weigh: Callable[[Sequence[Made]], Sequence[Weighed]],
    *,
    rank: Callable[[Weighed], float],
    on_progress: OnProgress | None,
    length: int = 1,
) -> Candidates[Made, Weighed]:
    """Draw candidates 0 to count - 1, weigh them, choose the first of the best.

    Args:
        count: how many.
        draw: (number of the candidate, tell) -> the candidate. It tells how far it is, up to `length`; told False, it gives
            what exists by then, or raises Stopped.
        weigh: their scores; none at all, or not one for each, where they cannot be compared: then the first is chosen.
        rank: what a score comes to; higher is better.
        on_progress: called with (done, total) over all of them, at last with (total, total); False stops. A whole candidate is
            better than a piece of one: the one in hand is kept only if it is the first.
        length: steps of a candidate, so that `on_progress` counts steps.

    Raises:
        Stopped: nothing was made by then.

    >>> draw_candidates(3, lambda number, tell: "abc"[number], lambda made: [1, 3, 2], rank=float, on_progress=None).best
    'b'
    """
    total = count * length
    made: list[Made] = []
    stopped, told = False, 0.0
    for number in range(count):

        def tell(done: float, before: int = number * length) -> bool | None:
            nonlocal stopped, told
            told = before + done
            go_on = None if on_progress is None else on_progress(told, total)
            stopped = stopped or go_on is False
            return go_on

        try:
            one = draw(number, tell)
        except Stopped:
            if not (stopped and made):
                raise
            break
        if not (stopped and made):
            made.append(one)
        if stopped:
            break
    scores = tuple(weigh(made))
    chosen = max(range(len(made)), key=lambda number: rank(scores[number])) if len(scores) == len(made) else 0
    if on_progress and not stopped and told < total:
        on_progress(total, total)
    return Candidates(tuple(made), scores, chosen, stopped)
