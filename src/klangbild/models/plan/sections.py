"""A plan as the notes model is told it: who plays a piece, what each of its sections is like, how fast it goes.

What `bars.section_plan.SectionPlan` takes from runs of real sections, this takes from the flow; both have the same manners, so whatever
arranges, repeats or closes a piece works on either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.models.bars.engine import with_plan
from klangbild.models.bars.section_attributes import jittered
from klangbild.models.bars.section_plan import HARMONY, MOVED, calmed
from klangbild.models.plan.channels import N_FAMILIES, to_plan
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.rules import Rules

RESTS_BELOW = -0.35
"""A player whose number in a section is lower than this rests there; between it and 0 the flow is not sure, and players change less than it thinks."""


Draw = Callable[["Emotion | None"], np.ndarray]
"""A feeling that is held (None: the flow's own) -> rows of a plan (n, channels)."""


class FlowSections:
    """One piece's plan. Cast: those whose number is above 0 in the mean over the sections, `wished` exactly where anybody is wished for; never
    fewer than `fewest` of `allowed`, never without harmony where it is allowed."""

    def __init__(
        self, draw: Draw, rng: np.random.Generator, *, course: Emotion | None, allowed: Sequence[str],
        wished: Sequence[str] = (), fewest: int = 1,
    ) -> None:  # fmt: skip
        """course: what is asked at the start where a course of feelings is; then feelings are held, and one that moves begins another plan."""
        self._draw, self._rng, self._on_course = draw, rng, course is not None
        self._allowed, self._wished, self._fewest = allowed, tuple(wished), fewest
        self._follow(course)

    @property
    def families(self) -> tuple[str, ...]:
        """Who plays, in the order of `FAMILY_NAMES`."""
        return self._families

    @property
    def feeling(self) -> Emotion:
        """Of the whole piece, as planned."""
        valence, arousal = self._plan.emotion.mean(axis=0)
        return Emotion(round(float(valence), 4), round(float(arousal), 4))

    def section(self, number: int, emotion: Emotion | None) -> np.ndarray:
        """(`N_VALUES`,) float32: what section `number` of the piece is like, where this emotion is asked."""
        if self._on_course and emotion is not None and self._held is not None:
            off = max(abs(emotion.valence - self._held.valence), abs(emotion.arousal - self._held.arousal))
            if off > MOVED:
                self._follow(emotion, number)
        if number not in self._told:
            at = (number - self._first) % len(self._plan)
            mine = np.isin(FAMILY_NAMES, self._families)
            plays = mine & (self._likely[at] > RESTS_BELOW) if number > self._first else mine
            values = self._plan.values[at].copy()
            values[:N_FAMILIES] = np.where(plays if plays.any() else mine, 1.0, -1.0)
            self._told[number] = jittered(values, self._rng)
        return self._told[number]

    def tempo(self, number: int) -> float | None:
        """Beats per minute of section `number`."""
        return calmed(float(self._plan.bpm[(number - self._first) % len(self._plan)]), self.feeling)

    def rules(self, rules: Rules) -> Rules:
        """The rules with the plan's players, mode and meter, where nobody asked for others."""
        rules = with_plan(rules, self)
        if self._on_course:  # mode and meter go along with what is felt
            return rules
        meter = None if rules.hits_s else self._plan.meter  # the tempo was drawn so that some meter meets the hits
        return replace(
            rules,
            mode=rules.mode or ("major" if self._plan.major else "minor"),
            meter=rules.meter or meter,
        )

    def _follow(self, held: Emotion | None, number: int = 0) -> None:
        """The plan from section `number` on."""
        rows = self._draw(held)
        self._plan, self._likely, self._held, self._first = to_plan(rows), rows[:, :N_FAMILIES], held, number
        self._families = self._wished or self._cast(self._allowed, self._fewest)
        self._told: dict[int, np.ndarray] = {}

    def _cast(self, allowed: Sequence[str], fewest: int) -> tuple[str, ...]:
        middle = self._likely.mean(axis=0)
        by_likeness = sorted(allowed, key=lambda name: -middle[FAMILY_INDEX[name]])
        cast = [name for name in by_likeness if middle[FAMILY_INDEX[name]] > 0.0] or by_likeness[:1]
        harmony = [name for name in by_likeness if name in HARMONY]
        pitched = [name for name in by_likeness if name != "drums"]
        if harmony and not set(cast) & set(harmony):
            cast.append(harmony[0])
        if cast == ["drums"] and pitched:
            cast.append(pitched[0])
        cast += [name for name in by_likeness if name not in cast][: max(fewest - len(cast), 0)]
        return tuple(name for name in FAMILY_NAMES if name in cast)
