"""Notes to sound: each family of a piece played by a SoundFont, one stereo stem a family.

Written here rather than taken from symusic, whose built-in player (0.5.9) ignores velocity, holds decaying notes like an
organ and cuts releases: nothing of a piece's dynamics would reach the ear. A key's sound is rendered once (`voices`) and
placed once a note, so that a minute of band music takes a fraction of a second. Nothing is random: equal pieces give
equal samples. What is longer than `audio.HELD_S` is played block by block, where it is read, and never held as a whole.

Levels: a note's amplitude is (velocity / 127)^2, SoundFont's default; each stem is then moved towards its family's place
in a balanced mix (`balance_db`). Softer notes are also duller.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from klangbild.errors import Stopped
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.midi_held import MAX_NOTE_S
from klangbild.music.piece import Piece, Track
from klangbild.sound.audio import HELD_S, Audio, LongAudio
from klangbild.sound.soundfont import SoundFont, Zone
from klangbild.sound.voices import SILENT_DB, KeptVoices, VoiceMaker, darker, decay

_MAX_RELEASE_S = 4.0
_MIN_NOTE_S = 0.02
_CUT_S = 0.008
# (velocities from, treble in dB)
_BRIGHTNESS = ((88, 0.0), (64, -2.5), (40, -5.5), (0, -9.0))
_TARGET_DB = {
    "drums": -1.0, "piano": 0.0, "mallet": -2.0, "organ": -4.0, "guitar": -1.0, "bass": -1.5,
    "strings": -2.0, "brass": -2.0, "winds": -1.0, "lead": -2.5, "pad": -5.0,
}  # fmt: skip
_BALANCE_LIMIT_DB = 9.0
_WINDOW = 4096
_BLOCK = 85 * 3 * _WINDOW
_LEVEL_BLOCKS = 6
"""Of a long stem so many blocks, spread over where it plays, say how loud it is: two minutes and a half."""


def synthesize_stems(
    piece: Piece,
    *,
    soundfont: Path,
    rate: int = 44100,
    progress: Callable[[float], object] | None = None,
) -> list[tuple[str, Audio | LongAudio]]:
    """The playing families of `piece` as stems: [(family, stereo audio)], all from beat 0 and of one length.

    The length covers every release, so no tail is cut. `progress` is called with 0..1 and may return False to stop.

    Raises:
        InputError: the SoundFont is not usable.
        Stopped: `progress` returned False.
    """
    voices = VoiceMaker(SoundFont.open(soundfont), rate)
    families, kept = piece.families, KeptVoices(voices)
    n = math.ceil((piece.seconds + _MAX_RELEASE_S) * rate)
    stems: list[tuple[str, Audio | LongAudio]] = []
    for done, family in enumerate(families):
        if progress and progress(done / len(families)) is False:
            raise Stopped("stopped while the notes were being played")
        player = _StemPlayer(family, piece, voices, n)
        stems.append((family, player.held() if n <= HELD_S * rate else player.long(kept)))
    if progress:
        progress(1.0)
    return stems


class _StemPlayer:
    """One family's notes, ready to be played from any place to any other."""

    def __init__(self, family: str, piece: Piece, voices: VoiceMaker, n: int) -> None:
        tracks = _kits_joined([track for track in piece.tracks if track.family == family and len(track.notes)])
        self._family, self._rate, self._n = family, voices.rate, n
        self._parts = [_Part(track, piece, voices) for track in tracks]
        velocities = np.concatenate([track.notes["velocity"] for track in tracks]).astype(float)
        self._played_db = 10 * math.log10(np.mean((velocities / 100) ** 4))
        self._gains = np.ones((2, 1), np.float32)
        self._kept: KeptVoices | None = None
        self._window: tuple[int, int, np.ndarray] | None = None

    def held(self) -> Audio:
        """All of it, in memory."""
        stem = self._dry(0, self._n)
        stem *= self._balanced(active_level_db(stem, self._rate))
        return Audio(stem, self._rate)

    def long(self, kept: KeptVoices) -> LongAudio:
        """To be read block by block; its level is that of some blocks."""
        self._kept = kept
        playing = np.unique(np.concatenate([part.onset // _BLOCK for part in self._parts]))
        chosen = playing[np.unique(np.linspace(0, len(playing) - 1, min(len(playing), _LEVEL_BLOCKS)).astype(int))]
        power = [
            _window_power(self._dry(first, min(first + _BLOCK, self._n)), self._rate)
            for first in (chosen * _BLOCK).tolist()
        ]
        self._gains = self._balanced(_gated_db(np.concatenate(power)))
        return LongAudio(self._read, self._n, self._rate)

    def _dry(self, first: int, last: int) -> np.ndarray:
        stem = np.zeros((2, last - first), np.float32)
        for part in self._parts:
            part.play(stem, first, self._kept)
        return stem

    def _balanced(self, level_db: float | None) -> np.ndarray:
        """Gains of left and right (2, 1): the family's place, and its level."""
        gain = 10 ** (balance_db(level_db, family=self._family, played_db=self._played_db) / 20)
        angle = (FAMILIES[FAMILY_INDEX[self._family]].pan + 1) * math.pi / 4
        return np.array([[math.cos(angle)], [math.sin(angle)]], np.float32) * np.float32(math.sqrt(2) * gain)

    def _read(self, first: int, last: int) -> np.ndarray:
        if last - first >= _BLOCK // 2:
            return self._dry(first, last) * self._gains
        window = self._window
        if window is None or not (window[0] <= first and last <= window[1]):
            end = min(first + _BLOCK, self._n)
            window = self._window = first, end, self._dry(first, end) * self._gains
        return window[2][:, first - window[0] : last - window[0]]


def balance_db(level_db: float | None, *, family: str, played_db: float) -> float:
    """How far to move a stem of an active level (None: silent) so that it sits where its family belongs, within +-9 dB.

    played_db: how loud its velocities ask it to be (0 = all at 100), which is kept.
    """
    if level_db is None:
        return 0.0
    wanted = -20.0 + _TARGET_DB[family] + played_db
    return float(np.clip(wanted - level_db, -_BALANCE_LIMIT_DB, _BALANCE_LIMIT_DB))


def active_level_db(stem: np.ndarray, rate: int) -> float | None:
    """Level of the sounding parts of stereo sound (2, n), K-weighted as in BS.1770, from every third 93 ms; None if silent.

    A quarter of the work of a full measurement, and within a decibel of it.
    """
    return _gated_db(_window_power(stem, rate))


def _window_power(stem: np.ndarray, rate: int) -> np.ndarray:
    """K-weighted power of the windows: (windows,)."""
    size = _WINDOW
    starts = np.arange(0, stem.shape[1] - size, 3 * size)
    if len(starts) == 0:
        starts, size = np.array([0]), stem.shape[1]
    mono = np.stack([stem[0, s : s + size] + stem[1, s : s + size] for s in starts]) * np.float32(math.sqrt(0.5))
    power = np.abs(np.fft.rfft(mono * np.hanning(size).astype(np.float32))) ** 2 @ _k_weight(size, rate)
    return power / (size * size * 3 / 16)  # Parseval, both sides of the spectrum and the window's power


def _gated_db(power: np.ndarray) -> float | None:
    sounding = power[power > 1e-7]
    if len(sounding) == 0:
        return None
    # BS.1770's relative gate
    return float(10 * np.log10(sounding[sounding > sounding.mean() / 10].mean()))


def _k_weight(size: int, rate: int) -> np.ndarray:
    """Power response of the K-weighting at the bins of an rfft: a fourth-order-ish high-pass at 38 Hz and a 4 dB shelf."""
    hz = np.fft.rfftfreq(size, 1 / rate)
    high_pass = hz**4 / (hz**4 + 38.0**4)
    shelf = 1 + (10**0.4 - 1) * hz**4 / (hz**4 + 1500.0**4)
    return high_pass * shelf


def _kits_joined(tracks: list[Track]) -> list[Track]:
    """Tracks that play one kit as one track: a drum is one drum, whichever track strikes it, and a closed hi-hat ends an open one."""
    kits: dict[int, list[Track]] = {}
    for track in tracks:
        if track.plays_kit:
            kits.setdefault(track.program, []).append(track)
    joined = [
        Track(
            parts[0].family,
            program,
            np.sort(np.concatenate([part.notes for part in parts]), order=("onset", "pitch"), kind="stable"),
        )
        for program, parts in kits.items()
    ]
    return [track for track in tracks if not track.plays_kit] + joined


class _Part:
    """The notes of one track in samples, by the layers that they play."""

    def __init__(self, track: Track, piece: Piece, voices: VoiceMaker) -> None:
        rate, notes = voices.rate, track.notes
        self._voices, self._velocity = voices, notes["velocity"].astype(int)
        preset = voices.font.find_preset(track.program, is_drum=track.plays_kit)
        self.onset = np.rint(piece.beats_to_seconds(notes["onset"]) * rate).astype(int)
        end = np.rint(piece.beats_to_seconds(notes["onset"] + notes["duration"]) * rate).astype(int)
        self._held = np.clip(end - self.onset, round(_MIN_NOTE_S * rate), round(MAX_NOTE_S * rate))
        zones = _zones_of_notes(voices.font, preset, notes)
        self._cut = _cuts(self.onset, zones)
        groups: dict[Zone, list[int]] = {}
        for index, layers in enumerate(zones):
            for zone in layers:
                groups.setdefault(zone, []).append(index)
        self._groups = {zone: np.array(members) for zone, members in groups.items()}

    def play(self, stem: np.ndarray, first: int, kept: KeptVoices | None = None) -> None:
        """Add to `stem` (2, n) what sounds from sample `first` of the piece on. kept: voices to use and to keep."""
        rate, last = self._voices.rate, first + stem.shape[1]
        mono = np.zeros(stem.shape[1], np.float32)
        scratch = np.empty(int(self._held.max()) + int(_MAX_RELEASE_S * rate) + 1, np.float32)
        for zone, members in self._groups.items():
            slope = 100.0 / (max(zone.release_s, 0.01) * rate)
            fading = decay(min(math.ceil(SILENT_DB / slope), int(_MAX_RELEASE_S * rate)), slope)
            # the last 10 ms go to nothing, where a long release was shortened
            fading[-rate // 100 :] *= np.linspace(1, 0, len(fading[-rate // 100 :]), dtype=np.float32)
            onset = self.onset[members]
            members = members[(onset < last) & (onset + self._held[members] + len(fading) > first)]
            if not len(members):
                continue
            plain = (kept or self._voices).voice(zone, int(self._held[members].max()) + len(fading))
            targets = _targets(zone.pan, mono, stem)
            by_brightness: dict[float, list[int]] = {}
            for index in members.tolist():
                by_brightness.setdefault(_brightness(int(self._velocity[index])), []).append(index)
            for brightness, alike in by_brightness.items():
                voice = darker(plain[: int(self._held[alike].max()) + len(fading)], brightness, rate)
                for index in alike:
                    at, stop = int(self.onset[index]) - first, int(self._held[index])
                    n = min(len(voice), stop + len(fading), stem.shape[1] - at)
                    stop = min(stop, n)
                    gain = 10 ** (-zone.attenuation_db / 20) * (int(self._velocity[index]) / 127) ** 2
                    # held: the voice itself; then its release, unless another note of its class cuts it before
                    tail = np.multiply(voice[stop:n], fading[: n - stop], out=scratch[: n - stop])
                    cut = self._cut[index]
                    if cut is not None and cut < n:
                        n = max(cut, 1)
                        whole = np.concatenate([voice[:stop], tail])[:n]
                        k = min(round(_CUT_S * rate), n)
                        whole[n - k :] *= np.linspace(1, 0, k, dtype=np.float32)
                        stop, tail = 0, whole
                    for channel, share in targets:
                        _add(voice[:stop], channel, at, gain * share)
                        _add(tail, channel, at + stop, gain * share)
        mono *= np.float32(math.sqrt(0.5))
        stem += mono


def _add(sound: np.ndarray, channel: np.ndarray, at: int, gain: float) -> None:
    """Add sound to a channel from sample `at` on; what comes before its first sample has been heard already."""
    # y += a x in one pass over memory and in place, for float32 that lies in a row: this is where the time goes
    from scipy.linalg.blas import saxpy

    if at < 0:
        sound, at = sound[-at:], 0
    if len(sound):
        saxpy(sound, channel[at : at + len(sound)], a=gain)


def _targets(pan: float, mono: np.ndarray, stem: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Where a layer goes, with its share: the mono bus, or left and right by the equal-power law."""
    if abs(pan) < 0.02:
        return [(mono, 1.0)]
    angle = (pan + 1) * math.pi / 4
    shares = (math.cos(angle), math.sin(angle))
    return [(channel, share) for channel, share in zip(stem, shares, strict=True) if share > 0.001]


def _brightness(velocity: int) -> float:
    return next(db for lowest, db in _BRIGHTNESS if velocity >= lowest)


def _zones_of_notes(font: SoundFont, preset: tuple[int, int], notes: np.ndarray) -> list[list[Zone]]:
    """The layers of each note."""
    known: dict[tuple[int, int], list[Zone]] = {}
    out = []
    for pitch, velocity in zip(notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True):
        if (pitch, velocity) not in known:
            known[pitch, velocity] = font.zones(preset, pitch, velocity)
        out.append(known[pitch, velocity])
    return out


def _cuts(onset: np.ndarray, zones: list[list[Zone]]) -> list[int | None]:
    """After how many samples a note is cut by the next of its exclusive class (an open hi-hat by a closed one)."""
    cut: list[int | None] = [None] * len(zones)
    last: dict[int, list[int]] = {}
    for index, layers in enumerate(zones):
        for group in {zone.exclusive_class for zone in layers} - {0}:
            before = last.get(group, [])
            if before and onset[before[0]] == onset[index]:
                before.append(index)
                continue
            for earlier in before:
                cut[earlier] = int(onset[index] - onset[earlier])
            last[group] = [index]
    return cut
