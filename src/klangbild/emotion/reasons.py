"""Why, in plain words: the signs in a picture that really move the prediction.

The words come from a short list of signs whose direction was the same in two rated sets (a study of 849 rated pictures:
bright, varied, blue, green and sky raise valence; dark and warm-brown area lower it; edges, contrast and sharpness raise
arousal in paintings). For each kind of picture a ridge with those signs held fixed imitates the shipped model, and its two or
three largest terms are said. How much of the model it explains (`reason_share`, R squared on pictures it did not see) is in
the model's card. Where that is little (photographs, whose content decides), nothing is said of light and color. Photographs are
never explained by their texture: in the rated photographs blur went with excitement, which is an accident of that collection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.heads import EmotionHeads
from klangbild.emotion.space import Emotion
from klangbild.picture.features import FEATURE_NAMES, PictureFeatures


@dataclass(frozen=True)
class Sign:
    """One sign: its feature, its direction per (kind, axis) (+1, -1, or 0: not used), and how it is said when high or low."""

    feature: str
    photo_valence: int
    photo_arousal: int
    painting_valence: int
    painting_arousal: int
    high: str
    low: str

    def direction(self, kind: int, axis: int) -> int:
        """kind 0 photo, 1 painting; axis 0 valence, 1 arousal."""
        return ((self.photo_valence, self.photo_arousal), (self.painting_valence, self.painting_arousal))[kind][axis]


SIGNS: tuple[Sign, ...] = (
    Sign("brightness", 1, 0, 1, 0, "the bright, light colors", "the dim, low light"),
    Sign("light_area", 1, 0, 1, 0, "the large light areas", "the lack of light areas"),
    Sign("dark_area", 0, 0, -1, 0, "the {dark}", ""),
    Sign("hue_variety", 1, 0, 1, 0, "the many different colors", "the narrow range of color"),
    Sign("palette_dominance", 0, 0, -1, 0, "the one color that rules, {main},", "the evenly shared palette"),
    Sign("palette_variety", 1, 0, 1, 0, "the varied palette", "the few, close colors"),
    Sign("blue", 1, 0, 1, 0, "the blues", ""),
    Sign("cyan", 1, 0, 1, 0, "the blue-greens", ""),
    Sign("green", 1, 0, 1, 0, "the greens", ""),
    Sign("greenery_low", 0, 0, 1, 0, "the green ground", ""),
    Sign("sky", 1, 0, 1, 0, "the light sky", ""),
    Sign("purple", 1, 0, 1, 0, "the pinks and purples", ""),
    Sign("yellow_blue_spread", 1, 0, 1, 0, "the play of yellow against blue", "the muted yellows and blues"),
    Sign("warm_brown", 0, 0, -1, 0, "the heavy browns", ""),
    Sign("top_light", 0, 0, 1, 0, "the light from above", "the weight of a dark upper part"),
    Sign("colorfulness", 1, 0, 0, 0, "the strong colors", "the pale, washed-out colors"),
    Sign("gray_area", -1, 0, 0, 0, "the wide grays", ""),
    Sign("edge_density", 0, 0, 0, 1, "the many busy strokes and edges", "the few, soft edges"),
    Sign("local_contrast", 0, 0, 0, 1, "the hard contrasts", "the gentle contrasts"),
    Sign("detail_fine", 0, 0, 0, 1, "the fine, restless detail", "the lack of fine detail"),
    Sign("smooth_area", 0, 0, 0, -1, "the wide smooth areas", ""),
    Sign("red", 0, 0, 0, 1, "the reds", ""),
    Sign("dark_red", 0, 1, 0, 1, "the dark reds", ""),
    Sign("warmth", 0, 0, 0, 1, "the warm colors", "the cool colors"),
    Sign("diagonals", 0, 0, 0, 1, "the diagonal strokes", ""),
    Sign("horizontals", 0, 0, 0, -1, "the level lines", ""),
    Sign("line_variety", 0, 0, 0, 1, "the lines in all directions", "the lines all in one direction"),
)

_VERBS = (("pulls the mood down", "pull the mood down", "lifts the mood", "lift the mood"),
          ("calms it", "calm it", "raises the energy", "raise the energy"))  # fmt: skip
_IN_ITSELF: dict[str, tuple[float, float]] = {
    "brightness": (0.5, 0.45), "light_area": (0.08, 0.05), "dark_area": (0.15, 0.0), "top_light": (0.05, -0.05),
    "warmth": (0.05, 0.0), "red": (0.05, 0.0), "dark_red": (0.05, 0.0), "blue": (0.05, 0.0), "cyan": (0.05, 0.0),
    "green": (0.05, 0.0), "greenery_low": (0.05, 0.0), "purple": (0.03, 0.0), "sky": (0.1, 0.0), "warm_brown": (0.12, 0.0),
    "gray_area": (0.2, 0.0), "smooth_area": (0.3, 0.0), "horizontals": (0.25, 0.0), "diagonals": (0.45, 0.0),
    "palette_dominance": (0.35, 0.3),
}  # fmt: skip
"""From where a sign is called high, and up to where low, whatever other pictures have: a light wall is no "dark upper part" because most
paintings have a sky there."""
_CAUSAL_SHARE = 0.15
_MIN_SHARE = 0.02
_ALIKE = (
    {"brightness", "light_area", "dark_area", "top_light"},
    {"hue_variety", "palette_dominance", "palette_variety", "yellow_blue_spread", "colorfulness", "gray_area"},
    {"blue", "cyan", "sky"}, {"green", "greenery_low"}, {"red", "dark_red", "warmth"},
    {"edge_density", "local_contrast", "detail_fine", "smooth_area"}, {"diagonals", "horizontals", "line_variety"},
)  # fmt: skip
"""Signs of one group say about the same: not both in one sentence."""
_NEITHER = 0.08
"""A place nearer to the middle than this is called neither pleasant nor unpleasant."""


def sign_table(kind: int, axis: int) -> np.ndarray:
    """(len(SIGNS),) of +1, -1 and 0."""
    return np.array([sign.direction(kind, axis) for sign in SIGNS])


def sign_inputs(vector: np.ndarray) -> np.ndarray:
    """Features (..., d) -> the signs' features (..., len(SIGNS))."""
    return vector[..., [FEATURE_NAMES.index(sign.feature) for sign in SIGNS]]


@dataclass(frozen=True)
class Term:
    """One sign in one picture: which (index into SIGNS), on which axis (0 valence, 1 arousal), its pull, whether high."""

    sign: int
    axis: int
    pull: float
    high: bool


def said_terms(
    heads: EmotionHeads, features: PictureFeatures, *, painting: float, toward: tuple[float, float] | None = None
) -> list[tuple[Term, ...]]:
    """The terms behind each sentence of `reasons_for`, in its order: one sentence says one term, or two that agree.

    painting: the gate's share, 0..1; the nearer kind's signs are used. toward: which way valence and arousal were read (0: neither);
    what pulls against them did not help this prediction, and is not said. Where all signs together pull against them it was not light
    or color that decided, and nothing is said. None: all terms, whichever way they pull.
    """
    kind = int(painting >= 0.5)
    z = (sign_inputs(features.vector) - heads.reason_mean[kind]) / heads.reason_scale[kind]
    pull = heads.reason_coef[kind] * np.clip(z, -3, 3)
    said: list[tuple[Term, ...]] = []
    for axis in range(2):
        terms = [
            Term(int(index), axis, float(pull[axis, index]), bool(z[index] > 0))
            for index in np.argsort(-np.abs(pull[axis]), kind="stable")
            if abs(pull[axis, index]) >= _MIN_SHARE
            and abs(z[index]) >= 0.4
            and (SIGNS[index].high if z[index] > 0 else SIGNS[index].low)
            and holds_in_itself(SIGNS[index].feature, features, high=bool(z[index] > 0))
            and (toward is None or pull[axis, index] * toward[axis] > 0)
        ]
        if not is_causal(heads, kind, axis) or (toward is not None and pull[axis].sum() * toward[axis] <= 0):
            continue
        if terms:
            # the largest, joined with another thing that pushes the same way; what pushes against it stands alone
            with_it = [term for term in terms[1:4] if term.pull * terms[0].pull > 0 and not _alike(term, terms[0])]
            said.append((terms[0], *with_it[:1]))
            said += [(term,) for term in terms[:3] if term.pull * terms[0].pull < 0][:1]
    return sorted(said, key=lambda group: -abs(sum(term.pull for term in group)))


def read_toward(emotion: Emotion, asked: Emotion) -> tuple[float, float]:
    """Which way valence and arousal were read: 0 for an axis read as neither, or on which the raters' scale and the music's plane
    do not agree."""
    pairs = ((emotion.valence, asked.valence), (emotion.arousal, asked.arousal))
    agree = ((here * there > 0 or abs(here) < _NEITHER) and abs(there) >= _NEITHER for here, there in pairs)
    return tuple(there * same for (_, there), same in zip(pairs, agree, strict=True))


def holds_in_itself(feature: str, features: PictureFeatures, *, high: bool) -> bool:
    """Whether a sign may be called high (or low) of this picture alone, not only beside other pictures."""
    least, most = _IN_ITSELF.get(feature, (-np.inf, np.inf))
    return features[feature] >= least if high else features[feature] <= most


def is_causal(heads: EmotionHeads, kind: int, axis: int) -> bool:
    """Whether the signs explain enough of the model to be called causes (kind 0 photo, 1 painting; axis 0 valence)."""
    return float(heads.reason_share[kind, axis]) >= _CAUSAL_SHARE


def reasons_for(
    heads: EmotionHeads, features: PictureFeatures, *, painting: float, toward: tuple[float, float], most: int = 4
) -> tuple[str, ...]:
    """Up to `most` sentences, the strongest first, none of them about texture where the picture is a photograph, and none that
    pulls away from the valence or arousal that was read (`toward`, see `read_toward`)."""
    sentences = []
    for group in said_terms(heads, features, painting=painting, toward=toward)[:most]:
        words = [_words(SIGNS[term.sign], term.high, features) for term in group]
        text = " and ".join(w.rstrip(",") for w in words) if len(words) > 1 else words[0]
        sentences.append(_sentence(text, sum(term.pull for term in group), group[0].axis))
    return tuple(sentences) or ("no single light or color decides it, but the picture as a whole",)


def _alike(one: Term, other: Term) -> bool:
    return any({SIGNS[one.sign].feature, SIGNS[other.sign].feature} <= group for group in _ALIKE)


def _sentence(words: str, strength: float, axis: int) -> str:
    plural = " and " in words or (words.rstrip(",").endswith("s") and not words.startswith("the lack"))
    return f"{words} {_VERBS[axis][2 * (strength > 0) + plural]}"


def _words(sign: Sign, high: bool, features: PictureFeatures) -> str:
    text = sign.high if high else sign.low
    if "{dark}" in text:
        dark = [swatch.name for swatch in features.palette if swatch.name.startswith("dark") or swatch.name == "black"]
        names = list(dict.fromkeys(dark))[:2] or ["shadow"]
        text = text.format(dark=" and ".join(name if name in ("shadow", "black") else name + "s" for name in names))
    return text.format(main=features.palette[0].name)
