"""Our sound model behind the house's one door: a picture, words, or both -> notes, without torch.

    picture -> PicturePart (Art2Mus's projection or MeLFusion's synapse) \
                                                                          -> what is listened to -> latents -> notes
    words -> tokens; words to keep away from -> the other side of guidance /

A picture that comes without words, in no form that was asked for, is described in words as well: what measured best.
Candidates are ranked by how much better the wish explains them than its opposite does (`small_sampler.fit`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from klangbild.contract import EngineOutput, OnBar, OnProgress, Request
from klangbild.errors import NotAvailableError, UsageError
from klangbild.models.candidates import Candidates, Tell, draw_candidates
from klangbild.models.roll.base import VARIANT_OF, SoundRequest, model_folder
from klangbild.models.roll.caption_words import MAX_WORDS, TEMPOS, CaptionWords, tempo_word
from klangbild.models.roll.condition import Condition, PicturePart
from klangbild.models.roll.describe_emotion import description, emotion_words
from klangbild.models.roll.model import RollSound, open_roll
from klangbild.models.roll.projection import open_projection
from klangbild.models.roll.sampler import fit
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.length import of_length
from klangbild.music.piece import Piece
from klangbild.settings import Settings
from klangbild.shipped import refuse_if_noncommercial

DEFAULT_STEPS = 25


@dataclass(frozen=True)
class GuidancePair:
    """Both sides of the guidance, and what was understood of the words; heard_as, translated: of both sides' words, see
    `CaptionWords`.

    told: what the asker should know of words that were not heard as they were written.
    """

    positive: Condition
    negative: Condition
    words: CaptionWords
    denied: tuple[str, ...]
    heard_as: dict[str, str]
    translated: dict[str, str]
    told: tuple[str, ...]


class RollEngine:
    """The model that ships, and the picture part that the settings name."""

    def __init__(self, settings: Settings, model: RollSound) -> None:
        self.name, self.model = settings.engine, model
        refuse_if_noncommercial(self.model.name, self.model.licence, settings.commercial)

    def play(self, request: Request, *, on_progress: OnProgress | None, on_bar: OnBar | None) -> EngineOutput:
        """A `Request` -> the notes of one piece, the best of the candidates.

        Raises:
            UsageError: a length in tokens, or not one word that is known and no picture. Stopped: before one candidate was done.
        """
        settings = request.settings
        if settings.gen_len is not None:
            raise UsageError("--gen-len is a length of notes in tokens; give --seconds to a sound engine")
        started = time.perf_counter()
        part = self.part(settings) if request.picture is not None else None
        wish = self.wish(request, part)
        loaded = time.perf_counter()
        steps = settings.steps or DEFAULT_STEPS
        guidance = settings.guidance or self.model.guidance
        asked = SoundRequest(
            settings.length_seconds, request.asked, wish.words.known, settings.tempo, settings.key, settings.bars,
            settings.instruments, settings.without,
        )  # fmt: skip
        made = self._candidates(wish, request, asked, steps, guidance, on_progress)
        sampled = time.perf_counter()
        played = self.model.play(made.best, _generator(request.draw_seed, 2), asked)
        if settings.exact and settings.seconds:  # the notes, too, last until the end
            played = replace(played, piece=of_length(played.piece, settings.seconds)[0])
        told = wish.told + told_of_music(
            self.model.read(settings.text, translate=request.translate).known, wish.denied, played.piece, settings
        )
        facts: dict[str, Any] = {
            "seconds": round(played.seconds, 3),
            **played.facts,
            "solver": "euler",
            "steps": steps,
            "guidance": guidance,
            "words_heard": list(wish.words.known),
            "words_unknown": list(wish.words.unknown),
            "words_avoided": list(wish.denied),
            **({"words_translated": wish.translated} if request.translate else {}),
            **({"words_heard_as": wish.heard_as} if wish.heard_as else {}),
            **(part.facts() if part else {}),
        }
        if made.scores:
            facts["candidates"] = [round(score, 6) for score in made.scores]
            facts["chosen"] = made.chosen
        return EngineOutput(
            stems=None,
            piece=played.piece,
            model=self.facts(part),
            facts=facts,
            told=told,
            timings_s={
                "load": loaded - started,
                "sound": sampled - loaded,
                "notes": time.perf_counter() - sampled,
            },
            stopped=made.stopped,
            length_s=played.seconds,
        )

    def part(self, settings: Settings) -> PicturePart:
        """What turns the picture into something that the model hears.

        Raises:
            NotAvailableError: the model has no such part.
        """
        try:
            if self.name == "melfusion":
                from klangbild.models.roll.synapse import open_synapse

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
        if part is not None and self.name == "art2mus" and settings.image_tokens is None and not text:
            # measured best: the picture's tokens, and its feeling in words beside them
            text = description(request.asked)
        elif request.source == "override":
            # the asked feeling first: a caption holds twelve words
            text = ", ".join([*emotion_words(request.asked), text])
        words = self.model.read(text, translate=request.translate)
        avoided = self.model.read(settings.negative, translate=request.translate)
        if part is None and not words.known:
            raise UsageError(
                f"none of the words in '{text}' is known to the sound model; give words like 'slow', 'sad', 'piano' or 'major'"
            )
        denied = tuple(dict.fromkeys([*avoided.known, *words.denied]))[:MAX_WORDS]
        heard_as, translated = {**avoided.heard_as, **words.heard_as}, {**avoided.translated, **words.translated}
        told = told_of_words(words, avoided)
        numbers = [self.model.vocabulary.number[word] for word in denied]
        negative = self.model.words([*numbers, *[0] * (MAX_WORDS - len(numbers))])
        tokens, mask = self.model.tokens(words.ids)
        if part is None or request.picture is None:
            return GuidancePair(self.model.words(words.ids), negative, words, denied, heard_as, translated, told)
        if not words.known and self.name == "art2mus":
            mask = silent_mask(part, mask)
        strength = settings.synapse if self.name == "melfusion" else 1.0
        positive = part.condition(request.picture, tokens, mask, layers=self.model.layers, strength=strength)
        return GuidancePair(positive, negative, words, denied, heard_as, translated, told)

    def facts(self, part: PicturePart | None) -> dict[str, Any]:
        """The record's "model"."""
        others = () if part is None else (part.sha256,)
        return {"name": self.model.name, "sha256": self.model.sha256(*others), "licence": self.model.licence}

    def _candidates(
        self,
        wish: GuidancePair,
        request: Request,
        asked: SoundRequest,
        steps: int,
        guidance: float,
        on_progress: OnProgress | None,
    ) -> Candidates[np.ndarray, float]:
        """Latents of each candidate that was finished."""

        def draw(number: int, tell: Tell) -> np.ndarray:
            return self.model.make(
                wish.positive, wish.negative, _generator(request.draw_seed, 0, number), asked, steps=steps, guidance=guidance,
                on_step=tell,
            )  # fmt: skip

        def weigh(made: Sequence[np.ndarray]) -> list[float]:
            if len(made) < 2:
                return []
            # the same noise for all of them: they are compared on equal terms
            return [
                fit(self.model, one, wish.positive, wish.negative, _generator(request.draw_seed, 1)) for one in made
            ]

        return draw_candidates(
            request.settings.candidates, draw, weigh, rank=float, on_progress=on_progress, length=steps
        )


def load(settings: Settings) -> RollEngine:
    """The engine with the model that the settings name.

    Raises:
        NotAvailableError: a file of it is not here. UsageError: its licence forbids commercial use.
    """
    return RollEngine(settings, open_roll(model_folder(settings.model)))


def told_of_words(words: CaptionWords, avoided: CaptionWords) -> tuple[str, ...]:
    """What the asker should know of words in --text and --negative that were not heard as they were written.

    >>> read = Vocabulary().read
    >>> told_of_words(read("slow, qwxz"), read("no drums"))
    ('not understood, left aside: qwxz', '--negative says "no drums", which was left aside; say "drums" in --text')
    """
    heard = {**avoided.translated, **words.translated, **avoided.heard_as, **words.heard_as}
    lines = [f'"{written}" is heard as "{word}"' for written, word in heard.items()]
    if words.unknown:
        lines.append(f"not understood, left aside: {', '.join(words.unknown)}")
    if avoided.unknown:
        lines.append(f"--negative: not understood, left aside: {', '.join(avoided.unknown)}")
    lines += [f'--negative says "no {word}", which was left aside; say "{word}" in --text' for word in avoided.denied]
    too_many = [*words.left_out, *[*avoided.known, *avoided.left_out, *words.denied][MAX_WORDS:]]
    if too_many:
        lines.append(f"more than {MAX_WORDS} words, left aside: {', '.join(dict.fromkeys(too_many))}")
    return tuple(lines)


def told_of_music(said: tuple[str, ...], denied: tuple[str, ...], piece: Piece, settings: Settings) -> tuple[str, ...]:
    """Where finished notes are not what the words said, and what holds by construction. said: words of the vocabulary."""
    lines, (bpm, key) = [], (piece.tempos[0][1], piece.key)
    playing = ", ".join(piece.families)
    for word in said:
        if word in FAMILY_NAMES and word not in piece.families and settings.instruments is None:
            lines.append(f'"{word}" was said, but {playing} play; --instruments {word} makes sure')
    for word in denied:
        if word in piece.families:
            lines.append(f'"{word}" was to be kept away from, but plays; --without {word} makes sure')
    if key is not None and settings.key is None:
        for mode in ("major", "minor"):
            if mode in said and key.mode != mode:
                lines.append(
                    f'"{mode}" was said, but the music is in {key}; --key "{replace(key, mode=mode)}" makes sure'
                )
    speeds = [word for word, _ in TEMPOS]
    for word in said:
        # the next word's tempo passes for what was said: nobody hears where the one ends
        if word in speeds and settings.tempo is None and abs(speeds.index(word) - speeds.index(tempo_word(bpm))) > 1:
            lines.append(f'"{word}" was said, but the music goes at {bpm:.0f} bpm; --tempo makes sure')
        if word in ("triple", "compound"):
            lines.append(f'"{word}" was said, but this model plays in 4/4 only; --engine notes has --meter')
    return tuple(lines)


def silent_mask(part: PicturePart, mask: np.ndarray) -> np.ndarray:
    """The mask (places,) of the context: where only a picture speaks through the context, the words' places are empty;
    the direct form keeps "nothing said"."""
    return mask if part.facts().get("image_tokens") == "direct" else np.zeros_like(mask)


def _generator(seed: int, *use: int) -> np.random.Generator:
    return np.random.default_rng([seed, *use])
