"""Our sound model, `klangbild-roll`: beats of music as latents, by onnxruntime and numpy. Latents -> notes -> our player -> sound.

Beat and key hold by construction: there is one tempo for the piece, notes stand on its grid, and they are written in C major or
A minor and moved to a key at the end. How many beats a length in seconds has depends on the tempo, so that is settled first: as
asked for, or as a first, short draft says (`DRAFT_STEPS` steps of one window from the same noise). From then on the tempo's
channel is held; so are, from the draft on, those that say which families play, where instruments are asked for.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.errors import InputError, KlangbildError, NotAvailableError, Stopped, UsageError
from klangbild.models.roll.base import (
    BASE,
    GONE,
    NAME,
    WORDS,
    Rendered,
    SoundRequest,
    read_card,
    refuse_if_gone,
    shipped_folder,
)
from klangbild.models.roll.caption_words import CARD, TONICS, CaptionWords, Vocabulary, caption_mask
from klangbild.models.roll.condition import Condition, words_only
from klangbild.models.roll.dry_sound import MAX_SHIFT, RATE, leveled, played
from klangbild.models.roll.english import in_english
from klangbild.models.roll.grid import BAR_BEATS, GROUPS
from klangbild.models.roll.latent import FAMILIES_FROM, FILE, TEMPO, open_roll_latent, tempo_number, tempo_of
from klangbild.models.roll.near_words import nearest_meanings
from klangbild.models.roll.sampler import OnStep, sample
from klangbild.music.describe import music_facts
from klangbild.music.families import FAMILY_INDEX, FAMILY_NAMES
from klangbild.music.orchestrate import in_key, orchestrate
from klangbild.music.piece import Key, Piece
from klangbild.settings import Settings
from klangbild.shipped import open_session
from klangbild.sound.fonts import find_soundfont

DRAFT_STEPS = 8
_KEY_WORD = re.compile(r"key-(.+)")


class RollSound:
    """Words, network and latent of a folder. `layers`, `width`, `channels`: the network's; `card`: of the base.

    Raises:
        NotAvailableError: a file is not there. InputError: one is damaged, or they do not belong together.
    """

    files = (WORDS, BASE, FILE)
    window, fewest, grid = 64, 32, 16
    guidance = 2.5
    """How strongly it is steered where nobody says."""

    def __init__(self, folder: Path) -> None:
        if (folder / CARD).is_file() and read_card(folder).get("latent", "mel") == "mel":
            refuse_if_gone(GONE, source=str(folder))
        for name in (*self.files, CARD):
            if not (folder / name).is_file():
                raise NotAvailableError(
                    f"{folder / name}: the sound model is not in this installation; use --engine notes, or make it "
                    "with 'klangbild train sound'"
                )
        self.folder = folder
        self.card = read_card(folder)
        self._words, self._base = (open_graph(folder / name) for name in (WORDS, BASE))
        try:
            self.vocabulary = Vocabulary(self.card["vocabulary"])
            shapes = {entry.name: entry.shape for entry in self._base.get_inputs()}
            self.channels = int(shapes["x"][2])
            self.layers, self.width = int(shapes["image_k"][1]), int(shapes["image_k"][3])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / CARD}: is not the card of a sound model ({error})") from None
        self.latent = open_roll_latent(folder / FILE)

    @property
    def name(self) -> str:
        return str(self.card.get("name", NAME))

    @property
    def licence(self) -> str:
        return str(self.card.get("licence", "unstated"))

    def sha256(self, *others: str) -> str:
        """One hash for all files, and whatever else (a picture part's hash) makes the sound."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(hashlib.sha256((self.folder / name).read_bytes()).digest())
        for other in others:
            digest.update(other.encode())
        return digest.hexdigest()

    def read(self, text: str | None, *, translate: bool = True) -> CaptionWords:
        """Which words of a text the model knows, in which language ever, and what others stand for where a sentence encoder is
        installed. A key is heard, but not by the network, which knows C major and A minor only. translate: False, only English."""
        text, translated = in_english(text, self.vocabulary) if translate else (text, {})
        found = self.vocabulary.read(text, partial(nearest_meanings, self.vocabulary.meanings()))
        ids = [self.vocabulary.number[word] for word in found.known if not _KEY_WORD.fullmatch(word)]
        return replace(found, ids=(*ids, *[0] * (len(found.ids) - len(ids))), translated=translated)

    def tokens(self, ids: tuple[int, ...] | list[int]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of words (12) -> (tokens (12, D), mask (12,)); without a word the one that means "nothing said"."""
        tokens = self._words.run(["tokens"], {"words": np.array([ids], np.int64)})[0][0]
        return tokens, np.array(caption_mask(list(ids)), np.float32)

    def words(self, ids: tuple[int, ...] | list[int]) -> Condition:
        """A condition of words alone."""
        return words_only(*self.tokens(ids), layers=self.layers)

    def velocity(self, x: np.ndarray, t: np.ndarray, conditions: dict[str, np.ndarray]) -> np.ndarray:
        """x (B, T, C), t (B,) -> (B, T, C); see `small_sampler.Velocity`."""
        return self._base.run(["velocity"], {"x": x, "t": t, **conditions})[0]

    def make(
        self, positive: Condition, negative: Condition, rng: np.random.Generator, asked: SoundRequest, *, steps: int, guidance: float,
        on_step: OnStep | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Latents (n, 92) of as much music as is asked for, a row a beat, in whole bars; the last may be more than `play` needs.

        Raises:
            Stopped: `on_step` said so.
        """
        seed = int(rng.integers(2**62))
        bpm, players = asked.tempo, players_of(asked)
        if bpm is None:
            if on_step is not None and on_step(0) is False:
                raise Stopped("stopped at the first draft; nothing was written")
            draft = sample(
                self, positive, negative, np.random.default_rng(seed), n_latents=self.window, channels=self.channels,
                steps=min(DRAFT_STEPS, steps), guidance=guidance, held=players,
            )  # fmt: skip
            bpm = tempo_of(draft)
        n_bars, bpm = bars_of(asked, bpm)
        return sample(
            self, positive, negative, np.random.default_rng(seed), n_latents=n_bars * BAR_BEATS, channels=self.channels,
            steps=steps, guidance=guidance, on_step=on_step, held={TEMPO: float(tempo_number(bpm)), **players},
        )  # fmt: skip

    def sound(self, latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Latents (n, 92) -> mono float32 (samples,) at 16 kHz: dry, as loud as the clips of `data.clips`, moved by a few semitones."""
        piece = self.latent.piece(latents).transposed(int(rng.integers(-MAX_SHIFT, MAX_SHIFT + 1)))
        n = round(piece.seconds * RATE)
        if not piece.n_notes:
            return np.zeros(n, np.float32)
        return leveled(played(piece, find_soundfont(None)))[0][:n]

    def play(self, latents: np.ndarray, rng: np.random.Generator, asked: SoundRequest) -> Rendered:
        """Latents (T, C) that `make` made for the same `asked` -> notes, which are played when somebody asks for their
        sound.

        Raises:
            KlangbildError: not one note came out.
        """
        n_bars, bpm = bars_of(asked, asked.tempo or tempo_of(latents))
        n_beats = float(n_bars * BAR_BEATS)
        if asked.seconds is not None and asked.tempo is not None:
            n_beats = min(n_beats, asked.seconds * bpm / 60)
        piece = self.latent.piece(
            latents[: n_bars * BAR_BEATS], bpm=bpm, n_beats=n_beats, allowed=allowed_of(asked),
            required=asked.instruments or (),
        )  # fmt: skip
        if not piece.n_notes:
            raise KlangbildError("the music came out silent; try another seed, or other words")
        wish = Key.parse(asked.key) if asked.key else key_said(asked.words)
        piece = orchestrate(in_key(ended(piece), wish, rng), asked.feeling, rng)
        seconds = piece.seconds if asked.seconds is None else asked.seconds
        return Rendered(seconds, piece=piece, facts={**music_facts(piece), "seconds": round(seconds, 3)})


@lru_cache(maxsize=4)
def open_roll(folder: Path | None = None) -> RollSound:
    """A folder's model, opened once; without one the model that ships."""
    return RollSound(folder or shipped_folder())


def open_graph(path: Path) -> Any:
    """A graph in onnxruntime, on one thread: the same bytes on every machine. Raises InputError: it is damaged."""
    try:
        return open_session(path)
    except Exception as error:  # onnxruntime raises its own kinds for every damaged file
        first = str(error).splitlines()[0]
        raise InputError(f"{path}: is not a part of the sound model ({first}); install it again") from error


def allowed_of(asked: SoundRequest) -> tuple[str, ...]:
    """The families that may play.

    Raises:
        UsageError: two that must play share a group, of which one plays at a time.
    """
    for group in GROUPS:
        both = [name for name in asked.instruments or () if name in group.families]
        if len(both) > 1:
            raise UsageError(
                f"--instruments: of {', '.join(both)} the model klangbild-roll plays one at a time; name one of them, or use "
                "--engine notes"
            )
    return tuple(name for name in asked.instruments or FAMILY_NAMES if name not in (asked.without or ()))


def refuse_instruments(settings: Settings) -> None:
    """Raises UsageError: of the instruments asked for two cannot play at once."""
    allowed_of(SoundRequest(None, Emotion(0, 0), instruments=settings.instruments))


def players_of(asked: SoundRequest) -> dict[int, float]:
    """Channels of the latent that say what must and what must not play -> the numbers that they are held at."""
    allowed, required = allowed_of(asked), asked.instruments or ()
    held = {name: -1.0 for name in FAMILY_NAMES if name not in allowed} | dict.fromkeys(required, 1.0)
    return {FAMILIES_FROM + FAMILY_INDEX[name]: value for name, value in held.items()}


def bars_of(asked: SoundRequest, bpm: float) -> tuple[int, float]:
    """How many bars are asked for, and their tempo."""
    if asked.seconds is None:
        return int(asked.bars or 1), bpm
    return bars_in(asked.seconds, bpm, exact=asked.tempo is not None)


def bars_in(seconds: float, bpm: float, *, exact: bool) -> tuple[int, float]:
    """Bars of 4/4 in so many seconds, and the tempo at which the last one ends with them (exact: the tempo stays, the last bar is
    cut).

    >>> bars_in(10, 100, exact=False), bars_in(10, 100, exact=True)
    ((4, 96.0), (5, 100))
    """
    bars = seconds * bpm / 60 / BAR_BEATS
    if exact:
        return max(math.ceil(bars - 1e-9), 1), bpm
    n = max(round(bars), 1)
    return n, n * BAR_BEATS * 60 / seconds


def key_said(words: tuple[str, ...]) -> Key | None:
    """The key that words name: its tonic; the mode is the music's own.

    >>> str(key_said(("slow", "key-e-flat"))), key_said(("slow",))
    ('Eb major', None)
    """
    tonics = [match[1] for word in words if (match := _KEY_WORD.fullmatch(word))]
    return Key(TONICS.index(tonics[0]), "major") if tonics else None


def ended(piece: Piece) -> Piece:
    """The piece with a last bar that comes to rest: what opens it is held to the end, and nothing starts after it. Pieces of less
    than eight bars, and last bars that no pitched note opens, are left alone."""
    starts = piece.bar_starts()
    opens = any(not t.is_drum and (np.abs(t.notes["onset"] - starts[-1]) < 1e-6).any() for t in piece.tracks)
    if len(starts) < 8 or not opens:
        return piece
    tracks = []
    for track in piece.tracks:
        notes = track.notes[track.notes["onset"] < starts[-1] + 1e-6].copy()
        last = notes["onset"] > starts[-1] - 1e-6
        if not track.is_drum:
            notes["duration"][last] = piece.length_beats - starts[-1]
        tracks.append(replace(track, notes=notes))
    return replace(piece, tracks=tuple(tracks))
