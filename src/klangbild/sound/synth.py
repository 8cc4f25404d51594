"""Notes to sound: each family of a piece played by a SoundFont, one stereo stem a family.

Written here rather than taken from symusic, whose built-in player (0.5.9) ignores velocity, holds decaying notes like an
organ and cuts releases: nothing of a piece's dynamics would reach the ear. A key's sound is rendered once (`voices`) and
placed once a note, so that a minute of band music takes a fraction of a second. Nothing is random: equal pieces give
equal samples.

Levels: a note's amplitude is (velocity / 127)^2, SoundFont's default; each stem is then moved towards its family's place
in a balanced mix (`balance_db`). Softer notes are also duller.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from klangbild.errors import Stopped
from klangbild.notes.families import FAMILIES, FAMILY_INDEX
from klangbild.notes.piece import Piece, Track
from klangbild.sound.audio import Audio
from klangbild.sound.soundfont import SoundFont, Zone
from klangbild.sound.voices import SILENT_DB, VoiceMaker, darker, decay

_LONGEST_RELEASE_S = 4.0
_SHORTEST_NOTE_S = 0.02
_CUT_S = 0.008
# (velocities from, treble in dB)
_BRIGHTNESS = ((88, 0.0), (64, -2.5), (40, -5.5), (0, -9.0))
_TARGET_DB = {
    "drums": -1.0, "piano": 0.0, "mallet": -2.0, "organ": -4.0, "guitar": -1.0, "bass": -1.5,
    "strings": -2.0, "brass": -2.0, "winds": -1.0, "lead": -2.5, "pad": -5.0,
}  # fmt: skip
_BALANCE_LIMIT_DB = 9.0


def synthesize_stems(
    piece: Piece,
    *,
    soundfont: Path,
    rate: int = 44100,
    progress: Callable[[float], object] | None = None,
) -> list[tuple[str, Audio]]:
    """The playing families of `piece` as stems: [(family, stereo audio)], all from beat 0 and of one length.

    The length covers every release, so no tail is cut. `progress` is called with 0..1 and may return False to stop.

    Raises:
        InputError: the SoundFont is not usable.
        Stopped: `progress` returned False.
    """
    voices = VoiceMaker(SoundFont.open(soundfont), rate)
    families = piece.families
    n = math.ceil((piece.seconds + _LONGEST_RELEASE_S) * rate)
    stems = []
    for done, family in enumerate(families):
        if progress and progress(done / len(families)) is False:
            raise Stopped("stopped while the notes were being played")
        tracks = [track for track in piece.tracks if track.family == family and len(track.notes)]
        stem = np.zeros((2, n), np.float32)
        for track in tracks:
            _play(track, piece, voices, stem)
        velocities = np.concatenate([track.notes["velocity"] for track in tracks]).astype(float)
        played_db = 10 * math.log10(np.mean((velocities / 100) ** 4))
        gain = 10 ** (balance_db(stem, rate, family=family, played_db=played_db) / 20)
        angle = (FAMILIES[FAMILY_INDEX[family]].pan + 1) * math.pi / 4
        stem *= np.array([[math.cos(angle)], [math.sin(angle)]], np.float32) * np.float32(math.sqrt(2) * gain)
        stems.append((family, Audio(stem, rate)))
    if progress:
        progress(1.0)
    return stems


def balance_db(stem: np.ndarray, rate: int, *, family: str, played_db: float) -> float:
    """How far to move a stem (2, n) so that it sits where its family belongs, within +-9 dB.

    played_db: how loud its velocities ask it to be (0 = all at 100), which is kept.
    """
    level = active_level_db(stem, rate)
    if level is None:
        return 0.0
    wanted = -20.0 + _TARGET_DB[family] + played_db
    return float(np.clip(wanted - level, -_BALANCE_LIMIT_DB, _BALANCE_LIMIT_DB))


def active_level_db(stem: np.ndarray, rate: int) -> float | None:
    """Level of the sounding parts of stereo sound (2, n), K-weighted as in BS.1770, from every third 93 ms; None if silent.

    A quarter of the work of a full measurement, and within a decibel of it.
    """
    size = 4096
    starts = np.arange(0, stem.shape[1] - size, 3 * size)
    if len(starts) == 0:
        starts, size = np.array([0]), stem.shape[1]
    mono = np.stack([stem[0, s : s + size] + stem[1, s : s + size] for s in starts]) * np.float32(math.sqrt(0.5))
    power = np.abs(np.fft.rfft(mono * np.hanning(size).astype(np.float32))) ** 2 @ _k_weight(size, rate)
    power = power / (size * size * 3 / 16)  # Parseval, both sides of the spectrum and the window's power
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


def _play(track: Track, piece: Piece, voices: VoiceMaker, stem: np.ndarray) -> None:
    """Add all notes of a track to `stem` (2, n)."""
    # y += a x in one pass over memory and in place, for float32 that lies in a row: this is where the time goes
    from scipy.linalg.blas import saxpy as axpy

    rate, notes = voices.rate, track.notes
    preset = voices.font.find_preset(track.program, is_drum=track.plays_kit)
    onset = np.rint(piece.beats_to_seconds(notes["onset"]) * rate).astype(int)
    end = np.rint(piece.beats_to_seconds(notes["onset"] + notes["duration"]) * rate).astype(int)
    held = np.maximum(end - onset, round(_SHORTEST_NOTE_S * rate))
    zones = _zones_of_notes(voices.font, preset, notes)
    cut = _cuts(onset, zones)
    mono = np.zeros(stem.shape[1], np.float32)
    groups: dict[Zone, list[int]] = {}
    for index, layers in enumerate(zones):
        for zone in layers:
            groups.setdefault(zone, []).append(index)
    scratch = np.empty(stem.shape[1], np.float32)
    for zone, members in groups.items():
        slope = 100.0 / (max(zone.release_s, 0.01) * rate)
        fading = decay(min(math.ceil(SILENT_DB / slope), int(_LONGEST_RELEASE_S * rate)), slope)
        # the last 10 ms go to nothing, where a long release was shortened
        fading[-rate // 100 :] *= np.linspace(1, 0, len(fading[-rate // 100 :]), dtype=np.float32)
        plain = voices.voice(zone, int(held[members].max()) + len(fading))
        targets = _targets(zone.pan, mono, stem)
        by_brightness: dict[float, list[int]] = {}
        for index in members:
            by_brightness.setdefault(_brightness(int(notes["velocity"][index])), []).append(index)
        for brightness, alike in by_brightness.items():
            voice = darker(plain[: int(held[alike].max()) + len(fading)], brightness, rate)
            for index in alike:
                at, stop = int(onset[index]), int(held[index])
                n = min(len(voice), stop + len(fading), stem.shape[1] - at)
                stop = min(stop, n)
                gain = 10 ** (-zone.attenuation_db / 20) * (int(notes["velocity"][index]) / 127) ** 2
                # held: the voice itself; then its release, unless another note of its class cuts it before
                tail = np.multiply(voice[stop:n], fading[: n - stop], out=scratch[: n - stop])
                if cut[index] is not None and cut[index] < n:
                    n = max(cut[index], 1)
                    whole = np.concatenate([voice[:stop], tail])[:n]
                    k = min(round(_CUT_S * rate), n)
                    whole[n - k :] *= np.linspace(1, 0, k, dtype=np.float32)
                    stop, tail = 0, whole
                for channel, share in targets:
                    if stop:
                        axpy(voice[:stop], channel[at : at + stop], a=gain * share)
                    if len(tail):
                        axpy(tail, channel[at + stop : at + n], a=gain * share)
    mono *= np.float32(math.sqrt(0.5))
    stem += mono


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
