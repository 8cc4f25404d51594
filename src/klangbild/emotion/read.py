"""The one question that the rest asks: what does this picture (and do these words) feel like, and what music does it ask for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klangbild.emotion.predict import open_predictor
from klangbild.emotion.prediction import Prediction
from klangbild.emotion.space import Emotion
from klangbild.emotion.words import WordsReading, read_words
from klangbild.errors import UsageError
from klangbild.picture.content import listed
from klangbild.picture.picture import Picture

TEXT_WEIGHT = 0.6
"""What a person asks for in words counts more than what a model sees: its interval is wide."""
# the half-width that a word's place has on the music's plane; our own guess, about one octant of the ring
_WORD_SPREAD = 0.25


@dataclass(frozen=True)
class Reading:
    """What was read.

    emotion: on the raters' scale ((x - 4) / 3 of ratings 1..7), spreads are 80 % half-widths. asked: the same point on the
    music's plane, where percentiles match: this is what the music is made from. reasons: plain sentences. kind: "painting"
    or "photo" (as taken, or as told), "words" without a picture. source: "picture", "text" or "mixed". weights: of
    "picture" and "text", summing to 1. unknown: words that were not understood and so not used. model: its name.
    painting: how much of a painting it was read as, 0..1, None without a picture. seen: words for what is surely to be seen.
    """

    emotion: Emotion
    asked: Emotion
    reasons: tuple[str, ...]
    kind: str
    source: str
    weights: dict[str, float]
    unknown: tuple[str, ...] = ()
    model: str = ""
    painting: float | None = None
    seen: tuple[tuple[str, float], ...] = ()

    @property
    def kind_facts(self) -> dict[str, Any] | None:
        """For a record: what the picture was taken for and how sure (0.5..1; 1 when told); None without a picture."""
        if self.painting is None:
            return None
        return {"taken_for": self.kind, "sure": round(max(self.painting, 1 - self.painting), 3)}


def read_emotion(
    picture: Picture | None,
    *,
    text: str | WordsReading | None = None,
    model: str = "klangbild",
    kind: str = "auto",
    text_weight: float = TEXT_WEIGHT,
) -> Reading:
    """Read a picture, words, or both.

    text: words, or what was read of them (`music.words.feelings_in`, which knows instruments and tempos from feelings); default the
    picture's own words. model: "klangbild", "features", "aria" or a folder. kind: "auto", "painting",
    "photo". text_weight: share of the words when there are both, 0..1.

    Raises:
        UsageError: nothing to read, no word of a text without picture is known, unknown kind or model name.
        NotAvailableError: the model is not on this machine.
    """
    if picture is None:
        return read_emotions([None], text=text, model=model, kind=kind, text_weight=text_weight)[0]
    text = picture.words if text is None else text
    return read_emotions([picture], text=text, model=model, kind=kind, text_weight=text_weight)[0]


def read_emotions(
    pictures: Sequence[Picture | None],
    *,
    text: str | WordsReading | None = None,
    model: str = "klangbild",
    kind: str = "auto",
    text_weight: float = TEXT_WEIGHT,
) -> list[Reading]:
    """`read_emotion` for many pictures with the same words, encoded together."""
    if not 0 <= text_weight <= 1:
        raise UsageError(f"text_weight {text_weight} is out of range; give a number from 0 to 1")
    predictor = open_predictor(model)
    told = kind != "auto"
    words = text if isinstance(text, WordsReading) else read_words(text) if text and text.strip() else None
    seen = iter(predictor.predict([p for p in pictures if p is not None], kind=kind))
    return [_reading(None if p is None else next(seen), words, predictor, text_weight, told) for p in pictures]


def _reading(
    prediction: Prediction | None, words: WordsReading | None, predictor, text_weight: float, told: bool
) -> Reading:
    plane = predictor.plane
    unknown = words.unknown if words else ()
    said = _words_reasons(words) if words else ()
    if prediction is None:
        if words is None:
            raise UsageError("there is nothing to read; give a picture, or words like 'stormy, heroic'")
        if not words.matches and not words.beside:
            raise UsageError(
                f"none of the words in '{words.text}' is known; use words for feelings or weather, like 'calm' or 'stormy'"
            )
        asked = Emotion(words.valence, words.arousal, _WORD_SPREAD, _WORD_SPREAD)
        return Reading(
            plane.seen(asked), asked, said, "words", "text", {"picture": 0.0, "text": 1.0}, unknown, predictor.name
        )
    kind = "painting" if prediction.painting >= 0.5 else "photo"
    why = prediction.reasons + _picture_reasons(prediction, told=told)
    about = {"painting": round(prediction.painting, 4), "seen": prediction.seen}
    asked = plane.asked(prediction.emotion)
    if words is None or not words.matches:
        return Reading(
            prediction.emotion, asked, why + said, kind, "picture", {"picture": 1.0, "text": 0.0}, unknown, predictor.name,
            **about,
        )  # fmt: skip
    share = text_weight
    mixed = Emotion(
        round((1 - share) * asked.valence + share * words.valence, 6),
        round((1 - share) * asked.arousal + share * words.arousal, 6),
        round((1 - share) * asked.valence_spread + share * _WORD_SPREAD, 6),
        round((1 - share) * asked.arousal_spread + share * _WORD_SPREAD, 6),
    )
    weights = {"picture": round(1 - share, 4), "text": round(share, 4)}
    return Reading(plane.seen(mixed), mixed, said + why, kind, "mixed", weights, unknown, predictor.name, **about)


def _picture_reasons(prediction: Prediction, *, told: bool) -> tuple[str, ...]:
    """What it shows, where that is sure, and what it was taken for, where nobody said it."""
    lines = []
    if prediction.seen:
        lines.append(f"to be seen: {listed([word for word, _ in prediction.seen])}")
    if not told:
        share = prediction.painting
        kind, sure = ("painting", share) if share >= 0.5 else ("photograph", 1 - share)
        lines.append(
            f"taken for a {kind} ({sure:.0%} sure); --kind says which it is"
            if sure >= 0.75
            else f"read as {share:.0%} a painting and {1 - share:.0%} a photograph; --kind says which it is"
        )
    return tuple(lines)


def _words_reasons(words: WordsReading) -> tuple[str, ...]:
    reasons = []
    for match in words.matches[:6]:
        what = f'"not {match.written}"' if match.negated else f'the word "{match.written}"'
        if match.near:
            what += f', which is near "{match.word}",'
        reasons.append(f"{what} asks for {Emotion(match.valence, match.arousal).name} music")
    reasons += words.beside[:6]
    for word in words.unknown:
        hint = f'; did you mean "{words.nearest[word]}"?' if word in words.nearest else ""
        reasons.append(f'the word "{word}" is not known and was left aside{hint}')
    return tuple(reasons)
