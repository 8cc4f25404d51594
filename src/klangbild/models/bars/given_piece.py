"""A piece that another goes on from: what the model reads of it, and how its bars come back unchanged in front of the new ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from klangbild.errors import UsageError
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.going_on import end_of_bars, going_on, key_heard
from klangbild.music.midi import read_continued
from klangbild.music.piece import Key, Piece
from klangbild.music.rules import Rules
from klangbild.music.timing import without_ritardando
from klangbild.settings import Settings


@dataclass(frozen=True)
class Given:
    """The piece that another goes on from. ids: of its bars (n,), in the language, which end at the beat `read`; until: the
    beat where they end in truth, when the last note has sounded; key: what it is in; shift:
    semitones from C major or A minor to the key of the new bars; bpm: their tempo; seconds: how long the given bars last."""

    piece: Piece
    ids: np.ndarray
    read: float
    until: float
    key: Key
    shift: int
    bpm: float
    seconds: float

    def with_more(self, made: Piece) -> Piece:
        """The given bars, and behind them what of `made`, in its key, comes after them."""
        made = replace(made, tempos=((0.0, self.bpm),))
        return replace(going_on(self.piece, made, made_from=self.read, given_until=self.until), key=self.key)


def given_piece(rules: Rules, settings: Settings, language: BarsLanguage) -> tuple[Rules, Given | None]:
    """What a piece goes on from, and the rules with its bars in front of the length asked; None where it starts by itself.

    Raises:
        UsageError: a key of the other mode is asked for.
    """
    if settings.continue_from is None:
        return rules, None
    piece = read_continued(settings.continue_from)
    key, before_its_end = key_heard(piece), without_ritardando(piece)
    if rules.mode not in (None, key.mode):
        raise UsageError(
            f"--key {settings.key}: {Path(settings.continue_from).name} is in {key}, and a piece keeps its mode; give a {key.mode} "
            "key, or leave --key out"
        )
    ids = language.encode(replace(piece, key=key))[1:-1]
    read = language.decode(ids)
    bars, until = len(read.bar_starts()), max(read.length_beats, end_of_bars(piece))
    seconds = float(piece.beats_to_seconds(until))
    bpm, meter = rules.tempo_bpm or before_its_end.tempos[-1][1], rules.meter or read.meters[-1][1:]
    bar_s = 4.0 * meter[0] / meter[1] * 60.0 / bpm
    more = rules.bars or (max(round(rules.seconds / bar_s), 1) if rules.seconds else None)
    wish = Key.parse(settings.key) if settings.key else key
    goal = 0 if key.mode == "major" else 9
    return replace(
        rules,
        changes_s=tuple(change_s for change_s in rules.changes_s if change_s > seconds),
        families=rules.families if settings.instruments else _own_players(rules, piece),
        meter=meter,
        tempo_bpm=bpm,
        bars=bars + more if more else None,
        seconds=None,
    ), Given(piece, ids, read.length_beats, until, key, (wish.tonic - goal + 5) % 12 - 5, bpm, seconds)


def _own_players(rules: Rules, piece: Piece) -> tuple[str, ...]:
    """The players of a piece that goes on are its own, where these are allowed and enough."""
    own = tuple(family for family in rules.families if family in piece.families)
    return own if len(own) >= max(rules.min_instruments, 1) else rules.families
