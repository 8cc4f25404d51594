"""What a picture's own voice does in the notes, said in words: each influence of `picture_bias.py` that is strong enough to be heard.

"We let" stands before what is a composer's idea; what studies of listeners support is said plainly.
"""

from __future__ import annotations

from klangbild.picture.voice import TRAITS, Voice
from klangbild.settings import Settings

MIN_PLACE = 0.4
"""Traits nearer to the middle of pictures than this are not spoken of."""
_SAID = {
    "height": ("its weight hangs high and light, which lifts the register", "its weight lies low and dark, which lowers the register"),
    "fineness": ("its fine texture brings more and shorter notes", "its broad shapes bring fewer notes"),
    "smoothness": ("its smooth areas bring long notes", "its rough surface brings short notes"),
    "things": ("many things are in it: we let more players in", "few things are in it: we let few players in"),
    "symmetry": ("it is like itself from side to side: we let bars come back", "no part of it is like another: we let bars differ"),
    "warmth": (
        "its colors are warm: we prefer guitar, strings, brass and organ",
        "its colors are cool: we prefer mallets, winds, pads and leads",
    ),
}  # fmt: skip
_PLAYERS = ("things", "warmth")


def voice_reasons(voice: Voice, settings: Settings) -> tuple[str, ...]:
    """A line for each influence, the strongest first; none where the settings leave it without effect."""
    if settings.picture_weight <= 0.0 or settings.continue_from is not None:
        return ()
    traits = voice.traits
    places = {name: settings.picture_weight * getattr(traits, name) for name in TRAITS}
    if settings.instruments:
        places = {name: place for name, place in places.items() if name not in _PLAYERS}
    heard = sorted((name for name in places if abs(places[name]) >= MIN_PLACE), key=lambda name: -abs(places[name]))
    lines = [_SAID[name][places[name] < 0] for name in heard]
    swing = max(traits.skyline) - min(traits.skyline)
    if settings.picture_weight * swing >= 2 * MIN_PLACE:
        lines.append(f"its strongest contour {_course(traits.skyline)}: we let the opening go the same way")
    return tuple(lines)


def _course(skyline: tuple[float, ...]) -> str:
    """How a line of heights goes from left to right.

    >>> _course((-1, -0.5, 0, 0.2, 0.5, 0.7, 0.9, 1)), _course((-1, 0, 1, 1, 1, 0.5, 0, -1)), _course((1, 0, -1, -1, -1, -1, 0, 1))
    ('rises', 'arches', 'dips')
    """
    third = max(len(skyline) // 3, 1)
    left, right = sum(skyline[:third]) / third, sum(skyline[-third:]) / third
    inner = skyline[third:-third]
    middle = sum(inner) / len(inner)
    if middle > max(left, right) + 0.2:
        return "arches"
    if middle < min(left, right) - 0.2:
        return "dips"
    if abs(right - left) < 0.3:
        return "goes up and down"
    return "rises" if right > left else "falls"
