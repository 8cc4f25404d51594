"""Why klangbild plays SoundFonts itself: symusic's player and ours on the same notes and the same font.

    python benchmarks/soundfont_players.py

Three questions: does loudness follow velocity, does a held piano note die away, is there sound after the last note ends?
"""

from __future__ import annotations

import math

import numpy as np
import symusic

from klangbild.music.midi import piece_to_score
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.sound.fonts import find_soundfont
from klangbild.sound.synth import synthesize_stems

RATE = 44100


def one_note(velocity: int, beats: float) -> Piece:
    """A piano C4 at 120 bpm."""
    return Piece((Track("piano", 0, make_notes([0], [beats], [60], [velocity])),), length_beats=beats)


def by_symusic(piece: Piece, font: str) -> np.ndarray:
    synth = symusic.Synthesizer(sf_path=font, sample_rate=RATE, quality=4)
    return np.asarray(synth.render(piece_to_score(piece), stereo=True))


def by_ours(piece: Piece, font: str) -> np.ndarray:
    return sum(audio.samples for _, audio in synthesize_stems(piece, soundfont=font, rate=RATE))


def level_db(samples: np.ndarray, start_s: float, end_s: float) -> float:
    part = samples[:, int(start_s * RATE) : int(end_s * RATE)]
    power = float((part.astype(np.float64) ** 2).mean()) if part.size else 0.0
    return 10 * math.log10(power) if power > 0 else -math.inf


def main() -> None:
    font = find_soundfont()
    print(f"{'':34} {'symusic ' + symusic.__version__:>16} {'klangbild':>16}")
    rows: dict[str, list[float]] = {}
    for render in (by_symusic, by_ours):
        loud, soft = (render(one_note(v, 2), font) for v in (127, 20))
        held = render(one_note(100, 16), font)
        short = render(one_note(100, 1), font)
        rows.setdefault("velocity 127 against 20, dB", []).append(level_db(loud, 0, 1) - level_db(soft, 0, 1))
        rows.setdefault("held note, 7-8 s against 0-1 s, dB", []).append(level_db(held, 7, 8) - level_db(held, 0, 1))
        rows.setdefault("seconds rendered after the note", []).append(short.shape[1] / RATE - 0.5)
    for name, (theirs, ours) in rows.items():
        print(f"{name:34} {theirs:16.1f} {ours:16.1f}")


if __name__ == "__main__":
    main()
