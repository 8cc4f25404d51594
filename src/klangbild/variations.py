"""Takes of one picture: their seeds follow on from each other, and they share what is asked to be the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from klangbild.errors import UsageError
from klangbild.models.engines import player_of
from klangbild.settings import Settings
from klangbild.slips import nearest

if TYPE_CHECKING:
    from klangbild.result import Result

SAME = {"key": "key", "tempo": "tempo", "players": "instruments"}
"""What takes may share -> the setting that makes them."""
MOST_TAKES = 100
_LAST_SEED = 2**32 - 1


class Variations:
    """The takes of one picture, by number from 0 on: what each is asked for beside what all of them are.

    The first take that comes about is as free as a piece by itself; the others are then asked for its key, its tempo or its players.

    Raises:
        UsageError: too many or too few takes, a name that is none of `SAME`, or one that the engine does not hear.
    """

    def __init__(self, settings: Settings, seed: int, n: int, same: Iterable[str] = ()) -> None:
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_TAKES:
            raise UsageError(f"--variations {str(n)[:60]} is out of range; give a whole number from 1 to {MOST_TAKES}")
        if seed + n - 1 > _LAST_SEED:
            raise UsageError(f"--seed {seed} is too high for {n} variations; give {_LAST_SEED - n + 1} at most")
        self.n, self.same = n, names_of(same)
        self._seed, self._shared = seed, dict[str, Any]()
        player = player_of(settings)
        for name in self.same:
            if SAME[name] not in player.hears:
                raise UsageError(f"--same {name} is not heard by {player.called}; leave it out, or use --engine notes")

    def settings(self, number: int) -> dict[str, Any]:
        """The settings of a take that are its own."""
        return {"seed": self._seed + number, **self._shared}

    def keep(self, result: Result) -> None:
        """Take what is to be the same from the first result."""
        if self._shared or not self.same or result.piece is None:
            return
        facts = result.record.music.facts
        found = {"key": facts["key"], "tempo": facts["tempo"], "players": result.piece.families}
        self._shared = {SAME[name]: found[name] for name in self.same if found[name]}


def names_of(same: Iterable[str]) -> tuple[str, ...]:
    """`SAME` names of "key,tempo" or of a list of them. Raises UsageError: another name."""
    words = same.split(",") if isinstance(same, str) else list(same)
    names = tuple(dict.fromkeys(str(word).strip().lower() for word in words))
    for name in names:
        if name not in SAME:
            close = nearest(name, SAME)
            hint = f"did you mean '{close}'?" if close else f"choose from {', '.join(SAME)}"
            raise UsageError(f"--same '{name[:60]}' is not known; {hint}")
    return names
