"""Does an edit do what is asked, and nothing else? Each part prints its numbers; held-out band files come from RAW_DIR, the folder of raw sets.

    python benchmarks/edit.py identity RAW_DIR [--spans 200]   events outside random spans, read by mido: changed, lost, added
    python benchmarks/edit.py ways RAW_DIR [--pieces 40]       nats a note of the true bars after other contexts: before, behind, both
    python benchmarks/edit.py nearness RAW_DIR [--pieces 24]   how near filled bars are to the true ones, beside other bars; seams
    python benchmarks/edit.py vary [--seeds 4]                 distance of a variation against its number, rank correlation
    python benchmarks/edit.py players [--pieces 12]            pitch classes, ticks and players after --players
    python benchmarks/edit.py mood [--pieces 12]               how the judges hear calmer, livelier, brighter, darker
    python benchmarks/edit.py ears [--pieces 8]                a composer's measures of pieces, before and after an edit

Nearness of two bars, 0..1, is the mean of four: the overlap of their pitch-class histograms (by duration), of their onsets on sixteen
places, the smaller number of notes over the larger, and exp(-octaves between their median pitches).
"""

from __future__ import annotations

import argparse
import io
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import mido
import numpy as np
from scipy.stats import spearmanr

from klangbild.editing.midi_events import ticks_of
from klangbild.editing.parts import Opened, opened
from klangbild.editing.rewrite import TEMPERATURE, Writer, written_anew
from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.measure.ears import heldout_files
from klangbild.metrics import ears
from klangbild.metrics.emotion_judge import hear
from klangbild.metrics.intervals import bootstrap
from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.bars_window import BarLines, ids_by_bar, laid_on_grid
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.fill import Gap, fill_gap, seam_of
from klangbild.models.bars.section_attributes import inputs, raw_attributes, to_values
from klangbild.models.engines import load_notes_engine
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece
from klangbild.settings import Settings

ENGINE = load_notes_engine(Settings())
MOODS = [Emotion(v, a) for v in (-0.6, 0.0, 0.6) for a in (-0.6, 0.0, 0.6)]


# -- pieces ------------------------------------------------------------------------------------------------------------


def composed(n: int, seconds: float = 30.0) -> Iterator[Opened]:
    """Pieces of ours of nine moods."""
    for number in range(n):
        settings = Settings(seconds=seconds, drafts=0)
        piece = compose_notes(MOODS[number % len(MOODS)], settings, 700 + number, model=ENGINE.model).piece
        yield opened(to_midi_bytes(piece), f"ours-{number}")


def real(raw_dir: Path, n: int, *, least_bars: int = 40) -> Iterator[Piece]:
    """Held-out band pieces, not too dense to be quick."""
    fit = (
        p for p in heldout_files(raw_dir) if len(p.bar_starts()) >= least_bars and p.n_notes < 50 * len(p.bar_starts())
    )
    return islice(fit, n)


# -- byte identity -----------------------------------------------------------------------------------------------------


def events_outside(midi: bytes, begin: int, end: int, channels: set[int] | None) -> Counter:
    """Every message that is no note, by track and tick, and every note that begins outside of the ticks or on another channel."""
    found: Counter = Counter()
    for number, track in enumerate(mido.MidiFile(file=io.BytesIO(midi)).tracks):
        tick, held = 0, defaultdict(deque)
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                held[message.channel, message.note].append((tick, message.velocity))
            elif message.type in ("note_on", "note_off"):
                if held[message.channel, message.note]:
                    on, velocity = held[message.channel, message.note].popleft()
                    if not begin <= on < end or (channels is not None and message.channel not in channels):
                        found[number, message.channel, message.note, on, tick, velocity] += 1
            elif message.type != "end_of_track":
                found[number, tick, str(message.copy(time=0))] += 1
    return found


def identity(raw_dir: Path, spans: int) -> None:
    """Random spans of real files and of ours, half of them of one part."""
    rng = np.random.default_rng(1)
    files = [opened(to_midi_bytes(p), "real") for p in real(raw_dir, 12)] + list(composed(8))
    broken = done = new = 0
    while done < spans:
        file = files[int(rng.integers(len(files)))]
        lines = BarLines.of(file.piece)
        first = int(rng.integers(len(lines)))
        last = min(first + int(rng.integers(1, 4)), len(lines))
        chosen = {int(rng.integers(len(file.parts)))} if done % 2 else None
        try:
            made = written_anew(file, [(first, last)], chosen, Writer(ENGINE, None, done, fills=1)).write()
        except UsageError:  # that part rests there
            continue
        before = file.events.write()
        begin, end = (int(tick) for tick in ticks_of(lines.starts[[first, last]], file.events.division))
        channels = None if chosen is None else {file.parts[i].channel for i in chosen}
        broken += events_outside(before, begin, end, channels) != events_outside(made, begin, end, channels)
        new += made != before
        done += 1
    print(f"{done} spans: {broken} with an event changed, lost or added outside; {new} with other notes inside")


# -- which context -----------------------------------------------------------------------------------------------------


def nats_a_note(bars: list[list[int]], first: int, told: list[np.ndarray]) -> float:
    """How surprising the bars from `first` on are after those before them, in nats a note of theirs."""
    ids, rows, start = [b.PAD], [], 0
    for number, bar in enumerate(bars):
        row = np.concatenate([np.zeros(3, np.float32), inputs(told[number // b.SECTION_BARS])])
        rows += [row] * (len(bar) + (number == 0))
        start = len(ids) if number == first else start
        ids += bar
    model, nats, notes = ENGINE.model, 0.0, 0
    model.start(1)
    logits = model.step(np.array([ids[:start]], np.int64), np.stack(rows[:start])[None])[0]
    for place in range(start, len(ids)):
        token = ids[place]
        nats += float(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[token])
        notes += b.NOTE_0 <= token < b.DURATION_0
        logits = model.step(np.array([[token]], np.int64), rows[place][None, None])[0]
    return nats / max(notes, 1)


def ways(raw_dir: Path, pieces: int) -> None:
    """The true bars of a gap of four after what is before them, what is behind them, and both, where all of it has room."""
    rng, rows = np.random.default_rng(2), []
    table, language, room = ENGINE.model.sections, ENGINE.language, ENGINE.model.context
    for piece in real(raw_dir, 10 * pieces):
        lines = BarLines.of(piece)
        first = int(rng.integers(16, len(lines) - 12))
        head, last = first // 8 * 8, first + 4

        def ids(order: list[int], piece: Piece = piece, lines: BarLines = lines) -> list[list[int]]:
            return ids_by_bar(language, laid_on_grid(piece, lines, order))

        def like(bars: list[list[int]]) -> np.ndarray:
            return to_values(raw_attributes(np.array([i for bar in bars for i in bar])), table.knots)

        near = like(ids([*range(first - 4, first), *range(last, last + 4)]))
        own = ids(list(range(head, last)))
        before, behind = ids(list(range(head - 8, head))), ids(list(range(last, last + 8)))
        if sum(map(len, [*own, *before, *behind])) > room - 8:
            continue
        told = {"before": [like(before)], "behind": [like(behind)], "both": [like(behind), like(before)]}
        bars = {"before": before, "behind": behind, "both": [*behind, *before]}
        rows.append(
            {k: nats_a_note([*bars[k], *own], len(bars[k]) + first - head, [*told[k], near, near]) for k in bars}
        )
        if len(rows) == pieces:
            break
    for name in ("before", "behind", "both"):
        better = np.mean([row[name] < row["before"] - 0.005 for row in rows])
        print(f"{name:8} {_mean([row[name] for row in rows])} nats a note; better than before alone: {better:.0%}")
    print(f"both - before: {_mean([row['both'] - row['before'] for row in rows])} ({len(rows)} pieces)")


# -- nearness and seams ------------------------------------------------------------------------------------------------


def bar_like(tracks, lines: BarLines, bar: int) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Pitch classes (12,), onsets (16,), number of notes, median pitch of a bar."""
    begin, end = lines.starts[bar], lines.starts[bar + 1]
    classes, onsets, pitches, n = np.zeros(12), np.zeros(16), [], 0
    for track in tracks:
        notes = track.notes[(track.notes["onset"] >= begin - 1e-6) & (track.notes["onset"] < end - 1e-6)]
        np.add.at(onsets, np.clip(((notes["onset"] - begin) / (end - begin) * 16).astype(int), 0, 15), 1)
        n += len(notes)
        if not track.is_drum:
            np.add.at(classes, notes["pitch"] % 12, notes["duration"])
            pitches += notes["pitch"].tolist()
    return classes, onsets, n, float(np.median(pitches)) if pitches else np.nan


def nearness(one, other) -> float:
    """Of two bars (`bar_like`), 0..1."""
    found = []
    for mine, theirs in zip(one[:2], other[:2], strict=True):
        if mine.sum() and theirs.sum():
            found.append(1.0 - np.abs(mine / mine.sum() - theirs / theirs.sum()).sum() / 2.0)
        elif mine.sum() or theirs.sum():
            found.append(0.0)
    if max(one[2], other[2]):
        found.append(min(one[2], other[2]) / max(one[2], other[2]))
    if np.isfinite([one[3], other[3]]).all():
        found.append(float(np.exp(-abs(one[3] - other[3]) / 12.0)))
    return float(np.mean(found)) if found else 1.0


def near(raw_dir: Path, pieces: int, temperature: float) -> None:
    """Gaps of four bars in held-out pieces: as edits fill them, one draw alone, the bar before, a random other bar."""
    rng, rows = np.random.default_rng(3), defaultdict(list)
    for number, piece in enumerate(real(raw_dir, pieces)):
        lines = BarLines.of(piece)
        first = int(rng.integers(8, len(lines) - 8))
        gap = Gap(first, first + 4, piece.families)
        bar = [lines.bar_of(track.notes["onset"]) for track in piece.tracks]
        inside = [(at >= gap.first) & (at < gap.last) for at in bar]
        stays = replace(
            piece, tracks=tuple(replace(t, notes=t.notes[~m]) for t, m in zip(piece.tracks, inside, strict=True))
        )
        true = tuple(replace(t, notes=t.notes[m]) for t, m in zip(piece.tracks, inside, strict=True) if m.any())
        truth = [bar_like(piece.tracks, lines, k) for k in range(gap.first, gap.last)]

        def to_truth(tracks, lines=lines, truth=truth, gap=gap) -> float:
            return float(np.mean([nearness(bar_like(tracks, lines, gap.first + i), truth[i]) for i in range(4)]))

        fills = fill_gap(
            piece,
            gap,
            stays=stays,
            model=ENGINE.model,
            language=ENGINE.language,
            asked=None,
            seed=(5, number),
            fills=4,
            temperature=temperature,
        )
        rows["fill (the best of 4 by seam)"].append(to_truth(fills[0].tracks))
        rows["a fill at random"].append(float(np.mean([to_truth(fill.tracks) for fill in fills])))
        last_bar = bar_like(piece.tracks, lines, gap.first - 1)
        rows["the bar before"].append(float(np.mean([nearness(last_bar, one) for one in truth])))
        others = [k for k in range(len(lines)) if not gap.first <= k < gap.last]
        rows["a random other bar"].append(
            float(
                np.mean(
                    [
                        nearness(bar_like(piece.tracks, lines, int(rng.choice(others))), t)
                        for t in truth
                        for _ in range(4)
                    ]
                )
            )
        )
        rows["seam of the fill"].append(fills[0].seam)
        rows["seam of a fill at random"].append(float(np.mean([fill.seam for fill in fills])))
        rows["seam of the true bars"].append(seam_of(piece, lines, gap, true))
    for name, values in rows.items():
        print(f"{name:30} {_mean(values)}")


# -- what an edit obeys ------------------------------------------------------------------------------------------------


def made(file: Opened, **wishes):
    """An edited piece of a file: its notes opened, and the record."""
    from klangbild.editing.make import edited
    from klangbild.editing.source import Source
    from klangbild.editing.wish import Wish

    seed = wishes.pop("seed", 1)
    result = edited(Source("piece", file.events.write(), Settings()), Wish.from_dict(wishes), seed=seed)
    return opened(result.midi, "made"), result


def vary(seeds: int) -> None:
    """Distance: the share of notes (part, tick, pitch) that two pieces do not share."""
    shares, found = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), []
    for seed, file in enumerate(composed(seeds, seconds=24.0)):
        before = {(p.channel, n.begin, n.pitch) for p in file.parts for n in p.notes}
        distances = []
        for share in shares:
            after_file, result = made(file, vary=share, seed=seed)
            after = {(p.channel, n.begin, n.pitch) for p in after_file.parts for n in p.notes}
            distances.append(1.0 - len(before & after) / len(before | after))
        same = len(result.piece.bar_starts()) == len(file.piece.bar_starts())
        found.append(spearmanr(shares, distances)[0])
        print(
            f"rank correlation {found[-1]:.3f}; distances {np.round(distances, 2).tolist()}; same number of bars: {same}"
        )
    print(f"mean {np.mean(found):.3f}, lowest {min(found):.3f}")


def players(pieces: int) -> None:
    """Lists of players against what comes out."""
    lists = (
        ["strings", "bass"],
        ["piano"],
        ["violin", "cello", "flute"],
        ["organ", "brass", "bass", "drums"],
        ["guitar", "winds", "pad", "bass"],
    )
    lost = moved = heard = asked = 0
    for number, file in enumerate(composed(pieces)):
        names = lists[number % len(lists)]
        after, result = made(file, players=names)
        notes = [
            sorted((n.begin, n.end, n.pitch % 12, n.velocity) for n in f.events.notes() if n.channel != 9)
            for f in (file, after)
        ]
        lost += len(notes[0]) - len(notes[1])
        moved += sum(x != y for x, y in zip(*notes, strict=False))
        idle = sum("found nothing" in line or "nothing for drums" in line for line in result.record.told)
        asked += len(names)
        heard += len({(p.program, p.family) for p in after.parts})
        print(names, sorted({p.family for p in after.parts}), "told of idle" if idle else "")
    print(
        f"{pieces} pieces: {lost} pitched notes lost, {moved} with another tick, length, loudness or pitch class; {heard} of {asked} players heard"
    )


def mood(pieces: int) -> None:
    """How far the judges hear a piece move on the axis that was asked for."""
    moves = defaultdict(list)
    for file in composed(pieces):
        before = hear(file.piece)
        for name, axis, sign in (
            ("calmer", "arousal", -1),
            ("livelier", "arousal", 1),
            ("brighter", "valence", 1),
            ("darker", "valence", -1),
        ):
            after = hear(made(file, **{name: True})[0].piece)
            moves[name].append(sign * (getattr(after, axis) - getattr(before, axis)))
    for name, values in moves.items():
        print(f"{name:9} moves {_mean(values)} in its direction; right in {np.mean(np.array(values) > 0):.0%}")


def of_ears(pieces: int) -> None:
    """Means of the measures, of the same pieces before and after half of their bars were written anew."""
    before, after = [], []
    for number, file in enumerate(composed(pieces, seconds=40.0)):
        n = len(file.piece.bar_starts())
        before.append(ears.evaluate(file.piece))
        after.append(ears.evaluate(made(file, bars=f"{n // 4 + 1}-{n // 4 + n // 2}", seed=number)[0].piece))
    for name in before[0]:
        one, other = (np.array([row[name] for row in rows]) for rows in (before, after))
        if not np.isfinite(other - one).any():
            continue
        change = bootstrap(other - one)
        print(
            f"{name:28} {np.nanmean(one):7.3f} -> {np.nanmean(other):7.3f}   change {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
        )


def _mean(values: list[float]) -> str:
    found = bootstrap(np.array(values))
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("identity", "ways", "nearness", "vary", "players", "mood", "ears"))
    parser.add_argument("raw_dir", nargs="?", type=Path)
    parser.add_argument("--spans", type=int, default=200)
    parser.add_argument("--pieces", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--temperature", type=float, default=TEMPERATURE, help="of the fills, for nearness")
    asked = parser.parse_args()
    if asked.part == "identity":
        identity(asked.raw_dir, asked.spans)
    elif asked.part in ("ways", "nearness"):
        ways(asked.raw_dir, asked.pieces) if asked.part == "ways" else near(
            asked.raw_dir, asked.pieces, asked.temperature
        )
    elif asked.part == "vary":
        vary(asked.seeds)
    else:
        {"players": players, "mood": mood, "ears": of_ears}[asked.part](asked.pieces)


if __name__ == "__main__":
    main()
