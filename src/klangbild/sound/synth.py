"""Notes to sound: each family of a piece played by a SoundFont, one stereo stem a family.

Written here rather than taken from symusic, whose built-in player (0.5.9) ignores velocity, holds decaying notes like an
organ and cuts releases: nothing of a piece's dynamics would reach the ear. A key's sound is rendered once (`voices`) and
placed once a note, so that a minute of band music takes a fraction of a second. Nothing is random: equal pieces give
equal samples. What is longer than `audio.HELD_S` is played block by block, where it is read, and never held as a whole.

Each stem is moved towards its family's place in a balanced mix (`balance`), and softer notes are also duller: unless the music brings a
mix of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from klangbild.errors import InputError, Stopped
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.performance import performances_mixed
from klangbild.music.piece import Piece, Track
from klangbild.sound.audio import HELD_S, Audio, LongAudio
from klangbild.sound.balance import WINDOW, active_level_db, gains_db, gated_db, tune_of, window_power
from klangbild.sound.parts import Part
from klangbild.sound.soundfont import SoundFont
from klangbild.sound.voices import KeptVoices, VoiceMaker

_BLOCK = 85 * 3 * WINDOW
_LEVEL_BLOCKS = 6
"""Of a long stem so many blocks, spread over where it plays, say how loud it is: two minutes and a half."""


def synthesize_stems(
    piece: Piece,
    *,
    soundfont: Path,
    rate: int = 44100,
    progress: Callable[[float], object] | None = None,
    mixed: bool | None = None,
) -> list[tuple[str, Audio | LongAudio]]:
    """The playing families of `piece` as stems: [(family, stereo audio)], all from beat 0 and of one length.

    The length covers every release, so no tail is cut. `progress` is called with 0..1 and may return False to stop.
    mixed: the music has a mix of its own, and is left as the font and its controllers have it (default: where it sets any volume,
    expression or pan).

    Raises:
        InputError: the SoundFont is not usable.
        Stopped: `progress` returned False.
    """
    voices = VoiceMaker(SoundFont.open(soundfont), rate)
    if mixed is None:
        mixed = performances_mixed(track.performance for track in piece.tracks)
    kept, players = KeptVoices(voices), []
    for done, family in enumerate(piece.families):
        if progress and progress(done / len(piece.families)) is False:
            raise Stopped("stopped while the notes were being played")
        players.append(_StemPlayer(family, piece, voices, mixed=mixed))
    n = max([math.ceil(piece.seconds * rate), *(player.end for player in players)], default=0) + rate // 20
    levels = {}
    for done, player in enumerate(players):
        if progress and progress(done / len(players)) is False:
            raise Stopped("stopped while the notes were being played")
        levels[player.family] = player.level(n, kept)
    gains = gains_db(levels, {player.family: player.played_db for player in players}, tune_of(piece))
    stems = [(player.family, player.stem(0.0 if mixed else gains[player.family])) for player in players]
    if progress:
        progress(1.0)
    return stems


def not_played(piece: Piece, soundfont: Path) -> tuple[str, ...]:
    """What of a piece a SoundFont has no sound for, in words. Raises InputError: the SoundFont is not usable, or has none for any of it."""
    font = SoundFont.open(soundfont)
    told = []
    if piece.n_notes and all(_preset(font, track) is None for track in piece.tracks if len(track.notes)):
        raise InputError(f"{font.path}: has no sound for any of the notes; give another with --soundfont")
    for is_drum, what, has_no in ((True, "drums", "drum kit"), (False, "instruments", "instrument")):
        tracks = [track for track in piece.tracks if track.plays_kit == is_drum and len(track.notes)]
        if any(_preset(font, track) is None for track in tracks):
            told.append(f"{font.path.name} has no {has_no}: the {what} are silent")
    return tuple(told)


def _preset(font: SoundFont, track: Track) -> tuple[int, int] | None:
    bank = track.performance.bank if track.performance else 0
    return font.find_preset(track.program, is_drum=track.plays_kit, bank=bank)


class _StemPlayer:
    """One family's notes, ready to be played from any place to any other."""

    def __init__(self, family: str, piece: Piece, voices: VoiceMaker, *, mixed: bool) -> None:
        tracks = [track for track in piece.tracks if track.family == family and len(track.notes)]
        self.family, self._rate, self._mixed = family, voices.rate, mixed
        playing = [(track, preset) for track in tracks if (preset := _preset(voices.font, track)) is not None]
        self._parts = [Part(track, preset, piece, voices, soften=not mixed) for track, preset in playing]
        kit = [part for part, (track, _) in zip(self._parts, playing, strict=True) if track.plays_kit]
        _choke_each_other(kit)
        for part in self._parts:
            if part not in kit:
                _choke_each_other([part])
        velocities = np.concatenate([track.notes["velocity"] for track in tracks]).astype(float)
        self.played_db = 10 * math.log10(np.mean((velocities / 100) ** 4))
        self._gains = np.ones((2, 1), np.float32)
        self._kept: KeptVoices | None = None
        self._window: tuple[int, int, np.ndarray] | None = None
        self._held: np.ndarray | None = None

    @property
    def end(self) -> int:
        """The sample at which the last tail has ended."""
        return max((part.end for part in self._parts), default=0)

    def level(self, n: int, kept: KeptVoices) -> float | None:
        """How loud it is where it sounds; None: it does not. n: samples of the stem. Of a long stem some blocks tell."""
        self._n = n
        if n <= HELD_S * self._rate:
            self._held = self._dry(0, n)
            return active_level_db(self._held, self._rate)
        self._kept = kept
        playing = [part.onset // _BLOCK for part in self._parts]
        if not playing:
            return None
        blocks = np.unique(np.concatenate(playing))
        chosen = blocks[np.unique(np.linspace(0, len(blocks) - 1, min(len(blocks), _LEVEL_BLOCKS)).astype(int))]
        power = [
            window_power(self._dry(first, min(first + _BLOCK, n)), self._rate) for first in (chosen * _BLOCK).tolist()
        ]
        return gated_db(np.concatenate(power))

    def stem(self, gain_db: float) -> Audio | LongAudio:
        """Its sound, moved by a gain and to its family's place: in memory if it is short, else to be read block by block."""
        pan = 0.0 if self._mixed else FAMILIES[FAMILY_INDEX[self.family]].pan
        angle, gain = (pan + 1) * math.pi / 4, 10 ** (gain_db / 20)
        self._gains = np.array([[math.cos(angle)], [math.sin(angle)]], np.float32) * np.float32(math.sqrt(2) * gain)
        if self._held is None:
            return LongAudio(self._read, self._n, self._rate)
        stem, self._held = self._held, None
        stem *= self._gains
        return Audio(stem, self._rate)

    def _dry(self, first: int, last: int) -> np.ndarray:
        stem = np.zeros((2, last - first), np.float32)
        for part in self._parts:
            part.play(stem, first, self._kept)
        return stem

    def _read(self, first: int, last: int) -> np.ndarray:
        if last - first >= _BLOCK // 2:
            return self._dry(first, last) * self._gains
        window = self._window
        if window is None or not (window[0] <= first and last <= window[1]):
            end = min(first + _BLOCK, self._n)
            window = self._window = first, end, self._dry(first, end) * self._gains
        return window[2][:, first - window[0] : last - window[0]]


def _choke_each_other(parts: list[Part]) -> None:
    """A note chokes the one before it of its exclusive class (an open hi-hat, by a closed one), whichever track plays it."""
    struck = sorted(
        (int(onset), number, index, frozenset(classes))
        for number, part in enumerate(parts)
        for index, (onset, classes) in enumerate(zip(part.onset, part.classes, strict=True))
        if classes
    )
    last: dict[int, list[tuple[int, int, int]]] = {}
    for onset, number, index, classes in struck:
        for group in classes:
            before = last.get(group, [])
            if before and before[0][0] == onset:
                before.append((onset, number, index))
                continue
            for earlier, its_number, its_index in before:
                parts[its_number].choke(its_index, onset - earlier)
            last[group] = [(onset, number, index)]
