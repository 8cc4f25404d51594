"""Our SoundFont player beside FluidSynth: the same notes, the same font, before room and mix.

    python benchmarks/soundfont_players.py [--font FILE ...] [--presets N] [--worst 10]

Every preset of a font x 5 keys x 4 velocities: the level in steps of 0.2 s through attack, hold (0.8 s) and release (0.8 s), where
FluidSynth's is within 60 dB of the note's loudest step; a constant gain is taken off. Then the pitch (a shift of the spectrum; of
instruments that have one), and controllers: sustain pedal, bend, volume, expression, pan, a choked hi-hat. Fonts: TimGM6mb, FluidR3Mono_GM.sf3 and
MuseScore_General_Lite.sf3, those that are found. FluidSynth's library is used where the system has it (Debian: libfluidsynth3);
without it nothing is measured, and that is said. `--symusic` compares with symusic's own player instead (docs/decisions/0001).
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from klangbild.music.midi import piece_to_score
from klangbild.music.midi_performance import read_performance
from klangbild.music.midi_track import variable_length
from klangbild.music.performance import Performance
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.sound.fonts import find_soundfont, list_soundfonts
from klangbild.sound.soundfont import DRUM_BANK, SoundFont
from klangbild.sound.synth import synthesize_stems

RATE = 44100
KEYS, DRUM_KEYS = (36, 48, 60, 72, 84), (36, 38, 42, 46, 51)
VELOCITIES = (31, 63, 95, 127)
HELD_S, AFTER_S, STEP_S = 0.8, 0.8, 0.2
HEARD_DB = 60.0
UNPITCHED = 112
"""From this program on: bells, drums, breath, surf, applause."""
FONTS = ("TimGM6mb.sf2", "FluidR3Mono_GM.sf3", "MuseScore_General_Lite.sf3")
EVENT = tuple[float, bytes]


class FluidSynth:
    """The system's library, playing one font dry at full gain."""

    def __init__(self, library: ctypes.CDLL, font: Path) -> None:
        self._lib = library
        for name in ("new_fluid_settings", "new_fluid_synth"):
            getattr(library, name).restype = ctypes.c_void_p
        self._settings = ctypes.c_void_p(library.new_fluid_settings())
        for name, value in (
            ("synth.reverb.active", 0),
            ("synth.chorus.active", 0),
            ("synth.polyphony", 1024),
            ("synth.dynamic-sample-loading", 1),
        ):
            library.fluid_settings_setint(self._settings, name.encode(), value)
        library.fluid_settings_setnum(self._settings, b"synth.gain", ctypes.c_double(0.2))
        self._synth = ctypes.c_void_p(library.new_fluid_synth(self._settings))
        if library.fluid_synth_sfload(self._synth, str(font).encode(), 1) < 0:
            raise SystemExit(f"{font}: FluidSynth cannot open it")

    def send(self, message: bytes) -> None:
        """One channel message."""
        lib, synth, channel = self._lib, self._synth, message[0] & 0xF
        kind, first, second = message[0] >> 4, message[1], message[2] if len(message) > 2 else 0
        if kind == 0x9 and second:
            lib.fluid_synth_noteon(synth, channel, first, second)
        elif kind in (0x8, 0x9):
            lib.fluid_synth_noteoff(synth, channel, first)
        elif kind == 0xB:
            lib.fluid_synth_cc(synth, channel, first, second)
        elif kind == 0xC:
            lib.fluid_synth_program_change(synth, channel, first)
        elif kind == 0xD:
            lib.fluid_synth_channel_pressure(synth, channel, first)
        elif kind == 0xE:
            lib.fluid_synth_pitch_bend(synth, channel, second << 7 | first)

    def select(self, channel: int, bank: int, program: int) -> None:
        self._lib.fluid_synth_bank_select(self._synth, channel, bank)
        self._lib.fluid_synth_program_change(self._synth, channel, program)
        self._lib.fluid_synth_set_interp_method(self._synth, -1, 7)  # its best; the default loses treble of low samples

    def write(self, n: int) -> np.ndarray:
        """The next n samples: float32 (2, n)."""
        out = np.zeros((2, n), np.float32)
        left, right = (row.ctypes.data_as(ctypes.c_void_p) for row in out)
        self._lib.fluid_synth_write_float(self._synth, n, left, 0, 1, right, 0, 1)
        return out

    def silence(self) -> None:
        self._lib.fluid_synth_system_reset(self._synth)
        for _ in range(100):
            if np.abs(self.write(4096)).max() < 1e-8:
                break

    def play(self, events: list[EVENT], seconds: float) -> np.ndarray:
        """Messages at seconds, in order: float32 (2, n)."""
        self.silence()
        self._lib.fluid_synth_set_interp_method(self._synth, -1, 7)
        parts, at = [], 0
        for when, message in events:
            place = round(when * RATE / 64) * 64
            if place > at:
                parts.append(self.write(place - at))
                at = place
            self.send(message)
        parts.append(self.write(round(seconds * RATE) - at))
        return np.concatenate(parts, axis=1)


def fluidsynth_library() -> ctypes.CDLL | None:
    name = ctypes.util.find_library("fluidsynth")
    return ctypes.CDLL(name) if name else None


def note_of_theirs(synth: FluidSynth, preset: tuple[int, int], key: int, velocity: int) -> np.ndarray:
    channel = 9 if preset[0] == DRUM_BANK else 0
    synth.silence()
    synth.select(channel, *preset)
    synth.send(bytes([0x90 | channel, key, velocity]))
    held = synth.write(round(HELD_S * RATE))
    synth.send(bytes([0x80 | channel, key, 0]))
    return np.concatenate([held, synth.write(round(AFTER_S * RATE))], axis=1)


def note_of_ours(font: Path, preset: tuple[int, int], key: int, velocity: int) -> np.ndarray:
    is_drum = preset[0] == DRUM_BANK
    notes = make_notes([0.0], [HELD_S * 2], [key], [velocity])
    nothing = np.zeros(0)
    performance = Performance(9 if is_drum else 0, preset[0], nothing, nothing.astype(int), nothing, notes["onset"], notes["pitch"])  # fmt: skip
    track = Track("drums" if is_drum else "piano", preset[1], notes, performance)
    return only_stem(Piece((track,)), font)


def only_stem(piece: Piece, font: Path) -> np.ndarray:
    stems = synthesize_stems(piece, soundfont=font, rate=RATE, mixed=True)
    return sum((audio.samples for _, audio in stems), np.zeros((2, 1), np.float32))


def levels_db(sound: np.ndarray, step_s: float = STEP_S, seconds: float = HELD_S + AFTER_S) -> np.ndarray:
    """Level of each step, both channels together; -200 where nothing sounds."""
    size = round(step_s * RATE)
    n = round(seconds / step_s)
    whole = np.zeros((2, n * size))
    whole[:, : min(sound.shape[1], n * size)] = sound[:, : n * size]
    power = (whole.reshape(2, n, size) ** 2).mean(axis=2).sum(axis=0)
    return 10 * np.log10(np.maximum(power, 1e-20))


def spectrum_by_pitch(sound: np.ndarray) -> np.ndarray:
    """Spectrum of the held note on a scale of 2.5 cents, from 40 Hz to 12 kHz."""
    part = sound.sum(axis=0)[: round(HELD_S * RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 18))
    hz = 40 * 2 ** (np.arange(0, 1200 * math.log2(300), 2.5) / 1200)
    return np.sqrt(np.interp(hz, np.fft.rfftfreq(1 << 18, 1 / RATE), spectrum))


def shift_cents(theirs: np.ndarray, ours: np.ndarray) -> float:
    """How far ours is above theirs."""
    a, b = spectrum_by_pitch(theirs), spectrum_by_pitch(ours)
    shifts = np.arange(-60, 61)
    match = [float((a[60:-60] * b[60 + s : len(b) - 60 + s]).sum()) for s in shifts]
    return 2.5 * float(shifts[int(np.argmax(match))])


def whole_font(library: ctypes.CDLL, font: Path, presets: int | None, worst: int) -> None:
    synth, opened = FluidSynth(library, font), SoundFont.open(font)
    chosen = opened.presets
    if presets:
        chosen = [chosen[k] for k in sorted(set(np.linspace(0, len(chosen) - 1, presets).astype(int).tolist()))]
    rows, pitches, silent, ours_s = [], [], 0, 0.0
    for preset in chosen:
        for key in DRUM_KEYS if preset[0] == DRUM_BANK else KEYS:
            for velocity in VELOCITIES:
                theirs = note_of_theirs(synth, preset, key, velocity)
                started = time.process_time()
                ours = note_of_ours(font, preset, key, velocity)
                ours_s += time.process_time() - started
                a, b = levels_db(theirs), levels_db(ours)
                heard = a > max(a.max() - HEARD_DB, -110)
                if not heard.any():
                    silent += 1
                    continue
                rows += [
                    ((preset, key, velocity), step, float(b[step] - a[step])) for step in np.flatnonzero(heard).tolist()
                ]
                if velocity == VELOCITIES[-1] and preset[0] != DRUM_BANK and preset[1] < UNPITCHED:
                    pitches.append(((preset, key), shift_cents(theirs, ours)))
    differences = np.array([row[2] for row in rows])
    gain = float(np.median(differences))
    away = np.abs(differences - gain)
    equal = np.mean([abs(shift) <= 5 for _, shift in pitches])
    held = np.array([row[1] < HELD_S / STEP_S for row in rows])
    print(
        f"{font.name}: {len(chosen)} presets, {len(chosen) * 20 - silent} notes that sound, {len(rows)} steps; gain {gain:.1f} dB taken off"
    )
    print(f"  level: median difference {np.median(away):.2f} dB, 95 % within {np.percentile(away, 95):.2f} dB "
          f"(held {np.percentile(away[held], 95):.2f}, let go {np.percentile(away[~held], 95):.2f}), within 2 dB {100 * np.mean(away <= 2):.1f} %")  # fmt: skip
    print(f"  pitch equal within 5 cents: {100 * equal:.1f} % of {len(pitches)}; ours took {ours_s:.0f} s")
    by_preset: dict[tuple, list[float]] = {}
    for (preset, _, _), _, difference in rows:
        by_preset.setdefault(preset, []).append(difference - gain)
    for preset in sorted(by_preset, key=lambda p: -np.percentile(np.abs(by_preset[p]), 75))[:worst]:
        values = by_preset[preset]
        print(
            f"    preset {preset}: median {np.median(values):+.1f}, from {np.percentile(values, 5):+.1f} to {np.percentile(values, 95):+.1f} dB"
        )
    for (preset, key), shift in [row for row in pitches if abs(row[1]) > 5][:worst]:
        print(f"    pitch of preset {preset}, key {key}: {shift:+.1f} cents")


# --- controllers -------------------------------------------------------------------------------------------------------


def cases() -> Iterator[tuple[str, list[EVENT]]]:
    """Messages at seconds, in order."""
    on, off = bytes([0x90, 60, 100]), bytes([0x80, 60, 0])
    clarinet = bytes([0xC0, 71])  # a clarinet: one layer, whose phase does not beat with another
    yield "sustain pedal", [(0, b"\xb0\x40\x7f"), (0, on), (0.3, off), (2.0, b"\xb0\x40\x00")]
    yield (
        "pedal, struck again",
        [(0, b"\xb0\x40\x7f"), (0, on), (0.3, off), (1.0, on), (1.3, off), (2.2, b"\xb0\x40\x00")],
    )
    yield "sostenuto", [(0, on), (0.2, b"\xb0\x42\x7f"), (0.4, off), (0.6, bytes([0x90, 67, 100])), (0.8, bytes([0x80, 67, 0])), (2.0, b"\xb0\x42\x00")]  # fmt: skip
    yield "volume 127, then 32", [(0, b"\xb0\x07\x7f"), (0, clarinet), (0, on), (1.0, b"\xb0\x07\x20"), (2.0, off)]
    yield "expression swell", [(0, clarinet), (0, b"\xb0\x0b\x0a"), (0, on), *[(k / 50, bytes([0xB0, 11, 10 + k])) for k in range(1, 100)], (2.2, off)]  # fmt: skip
    yield "pan left", [(0, b"\xb0\x0a\x00"), (0, clarinet), (0, on), (1.5, off)]
    yield "pan moving", [(0, clarinet), (0, on), *[(k / 40, bytes([0xB0, 10, k])) for k in range(1, 80)], (2.2, off)]
    yield "bend up by two", [(0, clarinet), (0, on), (0.7, b"\xe0\x7f\x7f"), (2.0, off)]
    yield "bend of an octave", [(0, b"\xb0\x65\x00"), (0, b"\xb0\x64\x00"), (0, b"\xb0\x06\x0c"), (0, clarinet), (0, on), *[(0.5 + k / 60, bytes([0xE0, 0, 64 + k])) for k in range(0, 64)], (2.2, off)]  # fmt: skip
    yield "modulation wheel", [(0, clarinet), (0, on), (0.5, b"\xb0\x01\x7f"), (2.2, off)]
    yield "open hat, choked", [(0, bytes([0x99, 46, 110])), (0.05, bytes([0x89, 46, 0])), (0.3, bytes([0x99, 42, 30])), (0.35, bytes([0x89, 42, 0]))]  # fmt: skip
    yield "programs in a track", [(0, bytes([0xC0, 0])), (0, on), (0.5, off), (1.0, bytes([0xC0, 73])), (1.0, on), (1.5, off), (2.0, bytes([0xC0, 116])), (2.0, on), (2.4, off)]  # fmt: skip


def as_midi(events: list[EVENT]) -> bytes:
    body, before = bytearray(), 0
    for when, message in sorted(events, key=lambda event: event[0]):
        tick = round(when * 960)  # 120 bpm, 480 ticks a beat
        body += variable_length(tick - before) + message
        before = tick
    body += variable_length(0) + b"\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4, "big") + bytes(body)


def controllers(library: ctypes.CDLL, font: Path, gain_db: float) -> None:
    synth = FluidSynth(library, font)
    print(f"{font.name}: controllers, largest difference in steps of 0.1 s that are heard (each channel)")
    with tempfile.TemporaryDirectory() as folder:
        for name, events in cases():
            path = Path(folder, "case.mid")
            path.write_bytes(as_midi(events))
            theirs, ours = synth.play(events, 3.0), only_stem(read_performance(path), font)
            off = []
            for channel in range(2):
                a, b = (levels_db(np.stack([sound[channel]] * 2), 0.1, 3.0) for sound in (theirs, ours))
                heard = a > max(levels_db(theirs, 0.1, 3.0).max() - 40, -90)
                off += (b - a - gain_db)[heard].tolist()
            off = np.array(off)
            print(
                f"  {name:22} median {np.median(off):+5.2f} dB, largest {off[np.abs(off).argmax()]:+6.2f} dB, 90 % within {np.percentile(np.abs(off), 90):.2f} dB"
            )


def one_gain(library: ctypes.CDLL, font: Path) -> float:
    """The constant gain between the two players: of a few notes of the strings."""
    synth = FluidSynth(library, font)
    pairs = [
        (
            levels_db(note_of_theirs(synth, (0, 48), key, 127))[1:4],
            levels_db(note_of_ours(font, (0, 48), key, 127))[1:4],
        )
        for key in KEYS
    ]
    return float(np.median([b - a for a, b in pairs]))


# --- symusic -----------------------------------------------------------------------------------------------------------


def beside_symusic(font: Path) -> None:
    """Does loudness follow velocity, does a held piano note die away, is there sound after the last note ends?"""
    import symusic

    def one_note(velocity: int, beats: float) -> Piece:
        return Piece((Track("piano", 0, make_notes([0], [beats], [60], [velocity])),), length_beats=beats)

    def by_symusic(piece: Piece) -> np.ndarray:
        synth = symusic.Synthesizer(sf_path=str(font), sample_rate=RATE, quality=4)
        return np.asarray(synth.render(piece_to_score(piece), stereo=True))

    def level(samples: np.ndarray, start_s: float, end_s: float) -> float:
        return float(levels_db(samples[:, int(start_s * RATE) :], end_s - start_s, end_s - start_s)[0])

    print(f"{'':34} {'symusic ' + symusic.__version__:>16} {'klangbild':>16}")
    rows: dict[str, list[float]] = {}
    for render in (by_symusic, lambda piece: only_stem(piece, font)):
        loud, soft = (render(one_note(v, 2)) for v in (127, 20))
        held, short = render(one_note(100, 16)), render(one_note(100, 1))
        rows.setdefault("velocity 127 against 20, dB", []).append(level(loud, 0, 1) - level(soft, 0, 1))
        rows.setdefault("held note, 7-8 s against 0-1 s, dB", []).append(level(held, 7, 8) - level(held, 0, 1))
        rows.setdefault("seconds rendered after the note", []).append(short.shape[1] / RATE - 0.5)
    for name, (theirs, ours) in rows.items():
        print(f"{name:34} {theirs:16.1f} {ours:16.1f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--font", action="append", help="a SoundFont (default: the three of Debian that are found)")
    parser.add_argument("--presets", type=int, help="so many of each font's presets (default: all)")
    parser.add_argument("--worst", type=int, default=6)
    parser.add_argument("--controllers", action="store_true", help="only the controllers")
    parser.add_argument("--symusic", action="store_true", help="compare with symusic's player instead")
    options = parser.parse_args()
    if options.symusic:
        beside_symusic(find_soundfont())
        return
    library = fluidsynth_library()
    if library is None:
        sys.exit("skipped: FluidSynth's library is not installed (Debian: apt install libfluidsynth3)")
    found = {font.name: font for font in list_soundfonts()}
    fonts = [Path(font) for font in options.font] if options.font else [found[name] for name in FONTS if name in found]
    for font in fonts:
        if not options.controllers:
            whole_font(library, font, options.presets, options.worst)
        controllers(library, font, one_gain(library, font))


if __name__ == "__main__":
    main()
