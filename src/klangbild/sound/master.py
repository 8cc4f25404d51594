"""The last step of every engine: notes or stems to the finished sound, and what the record says of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from klangbild.errors import KlangbildError
from klangbild.music.piece import Piece
from klangbild.sound.audio import Audio, LongAudio
from klangbild.sound.mix import Mix, mix

HEARD_LU = 0.5
"""A difference in loudness that a listener may notice."""
_SILENT = "the music came out silent; try another seed, other instruments or another SoundFont"


@dataclass(frozen=True)
class Master:
    """facts: the record's "sound": {"rate", "seconds", "lufs", "true_peak_dbtp"}, the last two measured on `audio`. told: that the
    loudness asked for is not met, where peaks would have had to pass the ceiling. silent: what of the notes the SoundFont has no sound
    for. soundfont: what played the notes, its name and its hash. timings_s: seconds by step."""

    audio: Audio | LongAudio
    facts: dict[str, Any]
    mixed: Mix
    told: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    soundfont: dict[str, str] | None = None
    timings_s: dict[str, float] = field(default_factory=dict)

    @property
    def stems(self) -> tuple[tuple[str, Audio | LongAudio], ...]:
        """Family and stereo sound (2, n) of each, summing to `audio`; worked out when asked for."""
        return self.mixed.stems


def play(
    piece: Piece,
    *,
    soundfont: str | None = None,
    loudness_lufs: float | None = -14.0,
    length_s: float | None = None,
    trim_start: bool = False,
    loops: bool = False,
) -> Master:
    """Notes to the finished sound, by the SoundFont of `fonts.find_soundfont`; the other arguments are those of `master`.

    Raises:
        NotAvailableError, InputError: there is no such SoundFont, or it is none, or it has no sound for any of the notes.
        KlangbildError: there is nothing to hear.
    """
    from klangbild.sound.fonts import about_soundfont, find_soundfont
    from klangbild.sound.synth import not_played, synthesize_stems

    started = time.perf_counter()
    font = find_soundfont(soundfont)
    silent = not_played(piece, font)
    stems = synthesize_stems(piece, soundfont=font)
    about, synthesis_s = about_soundfont(font), time.perf_counter() - started
    made = master(stems, loudness_lufs=loudness_lufs, length_s=length_s, trim_start=trim_start, loops=loops)
    return replace(
        made, silent=silent, soundfont=about, timings_s={"synthesis": round(synthesis_s, 3), **made.timings_s}
    )


def master(
    stems: list[tuple[str, Audio | LongAudio]],
    *,
    loudness_lufs: float | None = -14.0,
    finished: bool = False,
    length_s: float | None = None,
    trim_start: bool = False,
    loops: bool = False,
) -> Master:
    """Mix and level stems, each (channels, n), to stereo sound. loudness_lufs None leaves the level alone (peaks are
    still held under -1 dBTP).

    finished: the stems are sound as it should be (a sound engine's): no room is added and nothing is trimmed.
    length_s: the sound is to be just so long, its end faded (or where it loops: laid over its start); None: silence at the end is cut, and with `trim_start` at the front too.

    Raises:
        KlangbildError: there is nothing to hear.
    """
    started = time.perf_counter()
    if not stems:
        raise KlangbildError(_SILENT)
    if finished:
        mixed = mix(stems, target_lufs=loudness_lufs, reverb=0.0, trim=False, rumble=True)
    else:
        mixed = mix(stems, target_lufs=loudness_lufs, length_s=length_s, trim_start=trim_start, loops=loops)
    measured = mixed.loudness
    if measured.lufs is None or measured.true_peak_dbtp is None:
        raise KlangbildError(_SILENT)
    facts = {
        "rate": mixed.audio.rate,
        "seconds": round(mixed.audio.seconds, 3),
        "lufs": round(measured.lufs, 2),
        "true_peak_dbtp": round(measured.true_peak_dbtp, 2),
    }
    told: tuple[str, ...] = ()
    if loudness_lufs is not None and abs(measured.lufs - loudness_lufs) > HEARD_LU:
        told = (
            f"--loudness {loudness_lufs:g}: the sound comes to {measured.lufs:.1f} LUFS, its peaks held under -1 dBTP",
        )
    return Master(mixed.audio, facts, mixed, told, timings_s={"mix": round(time.perf_counter() - started, 3)})
