"""The plan model behind the house's one door: a picture, words, or both -> a plan -> notes, without torch.

    picture -> PicturePart (Art2Mus's projection or MeLFusion's synapse) \
                                                                          -> what is listened to -> plan -> the notes model
    words -> tokens; words to keep away from -> the other side of guidance /

What words say by name (players, tempo, key, meter) is a setting by now (`music.word_wishes`), and held; what they say of mood, density and
kind is heard by the flow alone. The notes model is told each section's plan and feeling, and nothing else of picture and words.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from klangbild.contract import EngineOutput, OnBar, OnProgress, Request
from klangbild.emotion.space import Emotion
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.bars.engine import Planner
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.models.bars.weights import load_notes_model
from klangbild.models.plan.base import VARIANT_OF, model_folder
from klangbild.models.plan.caption_words import MAX_WORDS, CaptionWords
from klangbild.models.plan.condition import Condition, PicturePart
from klangbild.models.plan.describe_emotion import emotion_words
from klangbild.models.plan.model import PlanFlow, PlanRequest, open_plan
from klangbild.models.plan.projection import open_projection
from klangbild.models.plan.sections import FlowSections
from klangbild.models.plan.synapse import open_synapse
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.piece import Key
from klangbild.music.rules import Rules
from klangbild.settings import Settings
from klangbild.shipped import refuse_if_noncommercial

DEFAULT_STEPS = 25
DECODER = "continuous_concat"
"""The notes model that plays the plans."""
_ONLY_FEELING = (
    "a piece that goes on keeps to what its bars are like: picture and words are heard in it by their feeling alone"
)


@dataclass(frozen=True)
class GuidancePair:
    """Both sides of the guidance, and what was understood of the words; heard_as, translated: of both sides' words, see
    `CaptionWords`.

    told: what the asker should know of words to keep away from that were not heard as they were written.
    """

    positive: Condition
    negative: Condition
    words: CaptionWords
    denied: tuple[str, ...]
    heard_as: dict[str, str]
    translated: dict[str, str]
    told: tuple[str, ...]


class PlanEngine:
    """The model that the settings name, the picture part that they name, and the notes model that plays."""

    def __init__(self, settings: Settings, model: PlanFlow, notes: NotesEngine) -> None:
        self.name, self.model, self.notes = settings.engine, model, notes
        refuse_if_noncommercial(model.name, model.licence, settings.commercial)

    def play(self, request: Request, *, on_progress: OnProgress | None, on_bar: OnBar | None) -> EngineOutput:
        """A `Request` -> the notes of one piece, the best of the candidates.

        Raises:
            UsageError: not one word that is known and no picture. Stopped: before the first bar was complete.
        """
        settings, started = request.settings, time.perf_counter()
        part = self.part(settings) if request.picture is not None else None
        wish = self.wish(request, part)
        loaded = time.perf_counter()
        planner = self.planner(request, wish)
        # the flow is guided as asked; the notes model then plays what is planned as it always does
        out = self.notes.play(
            replace(request, settings=replace(settings, guidance=None), voice=None, seed=request.draw_seed),
            on_progress=on_progress, on_bar=on_bar, planned=planner,
        )  # fmt: skip
        facts: dict[str, Any] = {
            **out.facts,
            "solver": "euler",
            "steps": settings.steps or DEFAULT_STEPS,
            "guidance": settings.guidance or self.model.guidance,
            "words_heard": list(wish.words.known),
            "words_unknown": list(wish.words.unknown),
            "words_avoided": list(wish.denied),
            **({"words_translated": wish.translated} if request.translate else {}),
            **({"words_heard_as": wish.heard_as} if wish.heard_as else {}),
            **(part.facts() if part else {}),
        }
        given = (_ONLY_FEELING,) if settings.continue_from is not None else ()
        return replace(
            out,
            model=self.facts(part),
            facts=facts,
            told=(*wish.told, *given, *out.told),
            timings_s={"load": loaded - started, **out.timings_s},
        )

    def planner(self, request: Request, wish: GuidancePair) -> Planner:
        """What draws the plan of each candidate."""
        settings = request.settings
        steps, guidance = settings.steps or DEFAULT_STEPS, settings.guidance or self.model.guidance

        def planned(candidate: int, rules: Rules) -> FlowSections:
            asked = PlanRequest(
                settings.length_seconds, settings.bars, settings.tempo,
                Key.parse(settings.key).mode == "major" if settings.key else None,
                rules.meter, tuple(settings.instruments or ()),
                tuple(name for name in FAMILY_NAMES if name not in rules.families),
                (settings.valence, settings.arousal),
            )  # fmt: skip

            def draw(held: Emotion | None) -> np.ndarray:
                feeling = asked.feeling if held is None else (held.valence, held.arousal)
                return self.model.make(
                    wish.positive, wish.negative, np.random.default_rng([request.draw_seed, candidate, 7]),
                    replace(asked, feeling=feeling), steps=steps, guidance=guidance,
                )  # fmt: skip

            return FlowSections(
                draw, np.random.default_rng([request.draw_seed, candidate, 8]),
                course=request.asked if settings.path is not None else None, allowed=rules.families,
                wished=settings.instruments or (), fewest=rules.min_instruments,
            )  # fmt: skip

        return planned

    def part(self, settings: Settings) -> PicturePart:
        """What turns the picture into something that the model hears.

        Raises:
            NotAvailableError: the model has no such part.
        """
        try:
            if self.name == "melfusion":
                return open_synapse(folder=self.model.folder)
            return open_projection(VARIANT_OF[settings.image_tokens], self.model.folder)
        except NotAvailableError as error:
            asked = "" if settings.image_tokens is None else f"--image-tokens {settings.image_tokens}: "
            way_out = "" if settings.model in (None, "klangbild") else f", or leave --model {settings.model} out"
            raise NotAvailableError(f"{asked}{error}{way_out}") from None

    def wish(self, request: Request, part: PicturePart | None) -> GuidancePair:
        """Picture, words and negative words -> what is listened to.

        Raises:
            UsageError: there is nothing to listen to.
        """
        settings = request.settings
        text = settings.text or ""
        if request.source == "override":
            # the asked feeling first: a caption holds twelve words
            text = ", ".join([*emotion_words(request.asked), text])
        words = self.model.read(text, translate=request.translate)
        avoided = self.model.read(settings.negative, translate=request.translate)
        held = (settings.instruments, settings.tempo, settings.key, settings.meter, settings.path)
        if part is None and not words.known and not any(held):
            raise UsageError(
                f"none of the words in '{text}' is known to the plan model; give words like 'slow', 'sad', 'piano' or 'major'"
            )
        denied = tuple(dict.fromkeys([*avoided.known, *words.denied]))[:MAX_WORDS]
        heard_as, translated = {**avoided.heard_as, **words.heard_as}, {**avoided.translated, **words.translated}
        numbers = [self.model.vocabulary.number[word] for word in denied]
        negative = self.model.words([*numbers, *[0] * (MAX_WORDS - len(numbers))])
        positive = self.model.words(words.ids)
        if part is not None and request.picture is not None:
            tokens, mask = self.model.tokens(words.ids)
            strength = settings.synapse if self.name == "melfusion" else 1.0
            positive = part.condition(request.picture, tokens, mask, layers=self.model.layers, strength=strength)
        return GuidancePair(positive, negative, words, denied, heard_as, translated, told_of_avoided(words, avoided))

    def facts(self, part: PicturePart | None) -> dict[str, Any]:
        """The record's "model"."""
        others = [str(self.notes.facts["sha256"]), *([] if part is None else [part.sha256])]
        return {"name": self.model.name, "sha256": self.model.sha256(*others), "licence": self.model.licence}


def load(settings: Settings) -> PlanEngine:
    """The engine with the model that the settings name, and the notes model that ships.

    Raises:
        NotAvailableError: a file of either is not here. UsageError: a licence forbids commercial use.
    """
    model = open_plan(model_folder(settings.model))
    return PlanEngine(settings, model, load_notes_model(None, DECODER, commercial=settings.commercial))


def told_of_avoided(words: CaptionWords, avoided: CaptionWords) -> tuple[str, ...]:
    """What the asker should know of words in --negative, and of too many words in either.

    >>> read = Vocabulary().read
    >>> told_of_avoided(read("slow"), read("qwxz, no drums"))
    ('--negative: not understood, left aside: qwxz', '--negative says "no drums", which was left aside; say "drums" in --text')
    """
    lines = [
        f'--negative: "{written}" is heard as "{word}"'
        for written, word in {**avoided.translated, **avoided.heard_as}.items()
    ]
    if avoided.unknown:
        lines.append(f"--negative: not understood, left aside: {', '.join(avoided.unknown)}")
    lines += [f'--negative says "no {word}", which was left aside; say "{word}" in --text' for word in avoided.denied]
    too_many = [*words.left_out, *[*avoided.known, *avoided.left_out, *words.denied][MAX_WORDS:]]
    if too_many:
        lines.append(f"more than {MAX_WORDS} words, left aside: {', '.join(dict.fromkeys(too_many))}")
    return tuple(lines)
