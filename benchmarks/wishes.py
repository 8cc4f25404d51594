"""200 pieces over random pictures, emotions and wishes: is every one valid, and does every wish hold?

    python benchmarks/wishes.py [--pieces 200] [--seed 1] [--notes-only]

Each piece is written, read back with mido (another reader than the one that wrote it) and with soundfile. Counted: files that
do not open, wishes broken (instruments, minimum, key, tempo, meter, length within one bar), stuck notes, silence, peaks over
-1 dBTP. Exit 1 if anything is. --notes-only leaves the sound out (and with it silence and peaks): the same pieces, as MIDI.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import mido
import numpy as np

from klangbild import Composer
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.models.bars.weights import load_notes_model
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.piece import Key, Piece
from klangbild.settings import INSTRUMENTS, METERS, Settings
from klangbild.sound.files import read_audio
from klangbild.sound.loudness import measure_loudness


def random_picture(rng: np.random.Generator) -> np.ndarray:
    """A gradient between random colours with random blots: no picture of anybody."""
    height, width = (int(n) for n in rng.integers(20, 200, 2))
    a, b = rng.integers(0, 256, (2, 3))
    ramp = np.linspace(0, 1, height)[:, None, None]
    rgb = (a * (1 - ramp) + b * ramp) * np.ones((1, width, 1))
    for _ in range(int(rng.integers(0, 12))):
        y, x, size = int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(2, 40))
        rgb[y : y + size, x : x + size] = rng.integers(0, 256, 3)
    return np.clip(rgb + rng.normal(0, rng.uniform(0, 30), rgb.shape), 0, 255).astype(np.uint8)


def random_wishes(rng: np.random.Generator) -> dict:
    """Some of everything that can be wished for, never contradictory."""
    wishes: dict = {"seed": int(rng.integers(2**31))}
    wishes |= (
        {"bars": int(rng.integers(1, 25))} if rng.random() < 0.3 else {"seconds": float(round(rng.uniform(2, 40), 1))}
    )
    allowed = list(INSTRUMENTS)
    if rng.random() < 0.4:
        allowed = [str(f) for f in rng.permutation(INSTRUMENTS)[: rng.integers(1, 7)]]
        wishes["instruments"] = tuple(allowed)
    elif rng.random() < 0.4:
        without = [str(f) for f in rng.permutation(INSTRUMENTS)[: rng.integers(1, 8)]]
        allowed = [f for f in INSTRUMENTS if f not in without]
        wishes["without"] = tuple(without)
    options = {
        "min_instruments": lambda: int(rng.integers(1, len(allowed) + 1)),
        "key": lambda: str(rng.choice(["C", "D", "Eb", "F# minor", "Am", "Bbm", "G# minor", "Ab"])),
        "tempo": lambda: float(rng.integers(40, 241)),
        "meter": lambda: str(rng.choice(METERS)),
        "valence": lambda: float(rng.uniform(-1, 1)),
        "arousal": lambda: float(rng.uniform(-1, 1)),
        "note_temperature": lambda: float(rng.uniform(0.3, 2.0)),
        "rest_temperature": lambda: float(rng.uniform(0.3, 2.0)),
        "top_p": lambda: float(rng.uniform(0.3, 1.0)),
        "top_k": lambda: int(rng.integers(0, 60)),
        "repetition_penalty": lambda: float(rng.uniform(1, 2)),
        "guidance": lambda: float(rng.uniform(1, 4)),
    }
    return wishes | {name: draw() for name, draw in options.items() if rng.random() < 0.35}


def complaints_about_notes(path: Path, composed: Piece, wishes: dict) -> list[str]:
    """What is wrong with one piece's MIDI file: empty when all is well. composed: the piece before it was written."""
    found = []
    midi = mido.MidiFile(path)
    sounding: Counter = Counter()
    for number, track in enumerate(midi.tracks):
        for message in track:
            if message.type == "note_on" and message.velocity > 0:
                sounding[number, message.channel, message.note] += 1
            elif message.type in ("note_on", "note_off"):
                sounding[number, message.channel, message.note] -= 1
    if any(sounding.values()):
        found.append("stuck or doubled note")
    piece = read_midi(path)
    if piece.n_notes != composed.n_notes or piece.n_notes == 0:
        found.append(f"{piece.n_notes} notes read, {composed.n_notes} written")
    if "instruments" in wishes and set(piece.families) != set(wishes["instruments"]):
        found.append(f"instruments {piece.families} for {wishes['instruments']}")
    if set(piece.families) & set(wishes.get("without", ())):
        found.append("an excluded instrument plays")
    if len(piece.families) < wishes.get("min_instruments", 1):
        found.append(f"{len(piece.families)} instruments, at least {wishes['min_instruments']} wished")
    if "key" in wishes and piece.key != Key.parse(wishes["key"]):
        found.append(f"key {piece.key} for {wishes['key']}")
    if "tempo" in wishes and (len(piece.tempos) != 1 or abs(piece.tempos[0][1] - wishes["tempo"]) > 0.01):
        found.append(f"tempo {piece.tempos} for {wishes['tempo']}")
    _, numerator, denominator = piece.meters[0]
    if len(piece.meters) != 1 or wishes.get("meter", f"{numerator}/{denominator}") != f"{numerator}/{denominator}":
        found.append(f"meter {piece.meters} for {wishes.get('meter')}")
    bar_beats = 4 * numerator / denominator
    bars = round(composed.length_beats / bar_beats)
    if "bars" in wishes and bars != wishes["bars"]:
        found.append(f"{bars} bars for {wishes['bars']}")
    bar_s = bar_beats * 60 / piece.tempos[0][1]
    if "seconds" in wishes and abs(composed.seconds - wishes["seconds"]) > bar_s + 0.01:
        found.append(f"{composed.seconds:.1f} s for {wishes['seconds']}")
    return found


def complaints_about_sound(path: Path) -> list[str]:
    """Silence, or peaks over -1 dBTP."""
    found = []
    loudness = measure_loudness(read_audio(path))
    if loudness.lufs is None or loudness.lufs < -40:
        found.append(f"silent ({loudness.lufs} LUFS)")
    elif loudness.true_peak_dbtp > -1.0:
        found.append(f"true peak {loudness.true_peak_dbtp:.2f} dBTP")
    return found


def compose_only_notes(composer: Composer, loaded: NotesEngine, picture: np.ndarray, wishes: dict) -> Piece:
    """What `composer.compose` would play, before it is played."""
    request = composer.read(picture, Settings(**wishes))
    return compose_notes(
        request.asked, request.settings, request.seed, model=loaded.model, language=loaded.language
    ).piece


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--notes-only", action="store_true", help="MIDI only, no sound: two thirds of the time")
    arguments = parser.parse_args()
    composer, bad, music_s, loudness = Composer(), 0, 0.0, []
    loaded = load_notes_model(None, Settings().conditioning)
    started, cpu_started = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.pieces):
            rng = np.random.default_rng([arguments.seed, number])
            wishes = random_wishes(rng)
            picture = random_picture(rng)
            if arguments.notes_only:
                piece, paths = (
                    compose_only_notes(composer, loaded, picture, wishes),
                    {"mid": Path(folder) / "piece.mid"},
                )
                paths["mid"].write_bytes(to_midi_bytes(piece))
                found = complaints_about_notes(paths["mid"], piece, wishes)
            else:
                result = composer.compose(picture, **wishes)
                piece, paths = result.piece, result.save(Path(folder), ("mid", "wav"), overwrite=True)
                loudness.append(result.record["sound"]["lufs"])
                found = complaints_about_notes(paths["mid"], piece, wishes) + complaints_about_sound(paths["wav"])
            music_s += piece.seconds
            for complaint in found:
                bad += 1
                print(f"piece {number} {wishes}: {complaint}", flush=True)
            if (number + 1) % 100 == 0:
                print(f"{number + 1} pieces, {bad} complaints", file=sys.stderr, flush=True)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    summary = f"{arguments.pieces} pieces, {music_s:.0f} s of music in {wall:.0f} s ({cpu:.0f} CPU s): {bad} complaints"
    if loudness:
        low, middle, high = np.percentile(loudness, [5, 50, 95])
        summary += f"; LUFS 5/50/95 %: {low:.1f} {middle:.1f} {high:.1f}"
    print(summary)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
