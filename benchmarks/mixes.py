"""How finished mixes measure: loudness, range, spectrum, balance between families, correlation.

    python benchmarks/mixes.py DIR [--soundfont FILE]

DIR holds MIDI files of ours (`klangbild compose PICTURES -f mid -o DIR`). Each is played and mixed as `compose` does. Shown of each, and
the median of all:

    lufs, dbtp    integrated loudness and true peak
    range         loudness range in LU: the 95th less the 10th percentile of 3 s windows above the gates (EBU Tech 3342)
    dc            dBFS of the mean of a channel
    20-40         % of the energy that lies between 20 and 40 Hz
    8-16k         dB that the octaves above 8 kHz lie below the whole
    slope         dB per octave from 63 Hz to 8 kHz
    corr          correlation of left and right
    softest       dB that the softest pitched family lies below the loudest one; tune, bass, drums: those (K-weighted, where they sound)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from klangbild.music.midi import read_midi
from klangbild.sound.loudness import measure_loudness
from klangbild.sound.master import play

try:
    from klangbild.sound.balance import active_level_db, tune_of
except ImportError:  # a klangbild from before; its tune is found by the code beside this file's house
    from klangbild.sound.synth import active_level_db

    sys.path.insert(0, str(Path(__file__).parent))
    from tune_before import tune_of

COLUMNS = ("lufs", "dbtp", "range", "dc", "20-40", "8-16k", "slope", "corr", "softest", "tune", "bass", "drums")


def loudness_range(samples: np.ndarray, rate: int) -> float:
    """LU between the soft and the loud of stereo sound (2, n)."""
    from klangbild.sound.audio import Audio

    size, hop = 3 * rate, rate
    windows = [
        measure_loudness(Audio(samples[:, at : at + size], rate)).lufs for at in range(0, samples.shape[1] - size, hop)
    ]
    levels = np.array([level for level in windows if level is not None and level > -70])
    if not len(levels):
        return 0.0
    mean = 10 * np.log10(np.mean(10 ** (levels / 10)))
    low, high = np.percentile(levels[levels > mean - 20], [10, 95])
    return float(high - low)


def octaves_db(samples: np.ndarray, rate: int) -> dict[float, float]:
    """Power of each octave, in dB below the whole: {middle in Hz: dB}; and of "low" (20 to 40 Hz), of stereo sound (2, n)."""
    power = np.zeros(1 << 13)
    for at in range(0, samples.shape[1] - (1 << 14), 1 << 14):
        part = samples[:, at : at + (1 << 14)] * np.hanning(1 << 14)
        power += (np.abs(np.fft.rfft(part, axis=1)) ** 2).sum(axis=0)[:-1]
    hz = np.arange(1 << 13) * rate / (1 << 14)

    def share(low: float, high: float) -> float:
        return float(power[(hz >= low) & (hz < high)].sum() / power[hz >= 5].sum())

    bands = {middle: share(middle / 2**0.5, middle * 2**0.5) for middle in 1000 * 2.0 ** np.arange(-4, 4)}
    found = {middle: 10 * float(np.log10(max(value, 1e-12))) for middle, value in bands.items()}
    return found | {"low": 100 * share(20, 40), "high": 10 * float(np.log10(max(share(8000, 16000), 1e-12)))}


def measured(file: Path, soundfont: str | None) -> list[float]:
    piece = read_midi(file)
    made = play(piece, soundfont=soundfont)
    samples, rate = made.audio.samples, made.audio.rate
    bands = octaves_db(samples, rate)
    middles = [middle for middle in bands if not isinstance(middle, str)]
    slope = np.polyfit(np.log2(middles), [bands[middle] for middle in middles], 1)[0]
    levels = {name: level for name, stem in made.stems if (level := active_level_db(stem.samples, rate)) is not None}
    loudest = max(levels.values())
    pitched = [level - loudest for name, level in levels.items() if name != "drums"]
    return [
        made.facts["lufs"], made.facts["true_peak_dbtp"], loudness_range(samples, rate),
        20 * float(np.log10(np.abs(samples.mean(axis=1)).max() + 1e-9)), bands["low"], bands["high"], float(slope),
        float(np.corrcoef(samples)[0, 1]), min(pitched, default=np.nan), levels.get(tune_of(piece), np.nan) - loudest,
        levels.get("bass", np.nan) - loudest, levels.get("drums", np.nan) - loudest,
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--soundfont")
    options = parser.parse_args()
    print(f"{'':24}" + "".join(f"{name:>8}" for name in COLUMNS))
    rows = []
    for file in sorted(options.folder.glob("*.mid")):
        rows.append(measured(file, options.soundfont))
        print(f"{file.stem[:24]:24}" + "".join(f"{value:8.2f}" for value in rows[-1]), flush=True)
    print(f"{'median':24}" + "".join(f"{value:8.2f}" for value in np.nanmedian(np.array(rows), axis=0)))


if __name__ == "__main__":
    main()
