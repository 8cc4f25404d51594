"""What a rater hears and is asked, in which order: the design of the listening test.

Questions
    rate     one picture, one piece of music: quality 1-5 (Art2Mus; also MOS), pertinence 1-5 (Art2Mus), OVL and REL 0-100
             (MeLFusion), whichever are asked for.
    pair     one picture, two pieces of two engines: which fits better? (Art2Mus's third question, A/B)
    which    one piece of music, four pictures: which is it for? Chance 1/4.

Conventions
    Engines are never named: a stimulus is known by an id made from the study's key. Orders, sides and distractors are drawn
    for each rater from (study seed, rater's number), so a plan can be made again. About one rating in eight is asked again
    later (`again`), to see whether the rater agrees with him- or herself; duplicates are left out of the scores.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from klangbild.errors import UsageError

QUESTIONS: dict[str, tuple[str, int, int]] = {
    "quality": ("How good does this music sound?", 1, 5),
    "pertinence": ("How well does the music fit the picture?", 1, 5),
    "ovl": ("Overall quality of the music", 0, 100),
    "rel": ("Relevance of the music to the picture", 0, 100),
}
SETS = {"art2mus": ("quality", "pertinence"), "melfusion": ("ovl", "rel"), "mos": ("quality",)}
SETS["all"] = ("quality", "pertinence", "ovl", "rel")
DUPLICATES = 8
N_CHOICES = 4


@dataclass(frozen=True)
class Trial:
    """One page: kind, the pictures' names, the stimuli's (picture, engine), and the questions that are rated."""

    number: int
    kind: str
    pictures: tuple[str, ...]
    stimuli: tuple[tuple[str, str], ...]
    questions: tuple[str, ...]
    right: int = -1
    again: int = -1
    """Number of the trial that this one repeats, or -1."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def stimulus_id(key: str, picture: str, engine: str) -> str:
    """A name that does not tell the engine."""
    return hashlib.sha256(f"{key}/{picture}/{engine}".encode()).hexdigest()[:16]


def plan(
    pictures: list[str],
    engines: list[str],
    *,
    rater: int,
    seed: int = 0,
    questions: str = "all",
    trials: int = 24,
) -> list[Trial]:
    """The pages of one rater: half ratings, a quarter pairs, a quarter "which picture", then shuffled.

    With one engine there are no pairs, with fewer than four pictures no "which". Over raters every stimulus is rated about
    equally often.

    Raises:
        UsageError: no picture, no engine, an unknown question set, fewer than 4 trials.
    """
    if not pictures or not engines:
        raise UsageError("a listening test needs a picture and an engine at least")
    if questions not in SETS:
        raise UsageError(f"--questions {questions}: choose from {', '.join(SETS)}")
    if trials < 4:
        raise UsageError(f"--trials {trials}: give 4 or more")
    rng = np.random.default_rng([seed, rater])
    n_pairs = trials // 4 if len(engines) > 1 else 0
    n_which = trials // 4 if len(pictures) >= N_CHOICES else 0
    found: list[Trial] = []
    stimuli = [(p, e) for p in pictures for e in engines]
    # raters take turns through all stimuli, so that each is heard equally often
    turn = np.random.default_rng([seed, 7]).permutation(len(stimuli))
    n_rate = trials - n_pairs - n_which
    n_again = max(n_rate // DUPLICATES, 1)
    begin = rater * (n_rate - n_again)
    for i in range(n_rate - n_again):
        picture, engine = stimuli[turn[(begin + i) % len(stimuli)]]
        found.append(Trial(0, "rate", (picture,), ((picture, engine),), SETS[questions]))
    for _ in range(n_pairs):
        picture = pictures[rng.integers(len(pictures))]
        a, b = rng.permutation(len(engines))[:2]
        found.append(Trial(0, "pair", (picture,), ((picture, engines[a]), (picture, engines[b])), ("fits_better",)))
    for _ in range(n_which):
        chosen = rng.permutation(len(pictures))[:N_CHOICES]
        right = int(rng.integers(N_CHOICES))
        names = tuple(pictures[i] for i in chosen)
        engine = engines[rng.integers(len(engines))]
        found.append(Trial(0, "which", names, ((names[right], engine),), ("which_picture",), right=right))
    order = rng.permutation(len(found))
    ordered = [_numbered(found[i], n) for n, i in enumerate(order)]
    return _with_duplicates(ordered, n_again)


def _numbered(trial: Trial, number: int) -> Trial:
    return Trial(**{**asdict(trial), "number": number, "stimuli": trial.stimuli})


def _with_duplicates(trials: list[Trial], n: int) -> list[Trial]:
    """The first n ratings once more at the end, where they are least remembered."""
    rated = [t for t in trials if t.kind == "rate"][:n]
    again = [
        Trial(len(trials) + i, "rate", t.pictures, t.stimuli, t.questions, again=t.number) for i, t in enumerate(rated)
    ]
    return trials + again
