"""A variation changes more the more is asked, and by whole bars; what is kept stays note for note and gets new company."""

from band_pieces import band_piece
from edited_events import engine

from klangbild.editing.make import edited
from klangbild.editing.parts import Opened, opened, parts_named
from klangbild.editing.rewrite import Writer
from klangbild.editing.source import source_of
from klangbild.editing.vary import alike, units_alike, units_to_vary, varied
from klangbild.editing.wish import Wish
from klangbild.models.bars.bars_window import BarLines
from klangbild.music.midi import to_midi_bytes

BAND = to_midi_bytes(band_piece(bars=6))


def bars(file: Opened) -> list[set]:
    lines = BarLines.of(file.piece)
    found: list[set] = [set() for _ in range(len(lines))]
    for part in file.parts:
        for note in part.notes:
            found[int(lines.bar_of([note.begin / file.events.division])[0])].add((note.channel, note.begin, note.pitch))
    return found


def test_more_variation_is_more_bars_and_none_is_none():
    file = opened(BAND, "band")
    assert varied(file, 0.0, Writer(engine(), None, 3)) == file.events
    little, more = (opened(varied(file, share, Writer(engine(), None, 3)).write(), "made") for share in (0.3, 1.0))
    changed = [
        {i for i, (a, b) in enumerate(zip(bars(file), bars(made), strict=True)) if a != b} for made in (little, more)
    ]
    assert len(changed[0]) == 2 and changed[0] < changed[1] and len(changed[1]) >= 5
    assert all(bars(little)[i] == bars(more)[i] for i in changed[0])  # more is the same and some
    assert len(more.piece.bar_starts()) == 6


def test_pairs_are_drawn_nested_and_like_ones_together():
    units = units_alike([0, 1, 2, 3, 0, 1, 6, 7, 8])
    assert units == [[(0, 2), (4, 6)], [(2, 4)], [(6, 8)], [(8, 9)]]
    before: list = []
    for share in (0.0, 0.05, 0.3, 0.6, 0.8, 1.0):
        now = units_to_vary(units, 9, share, 5)
        assert now[: len(before)] == before and bool(now) == bool(share)
        before = now
    assert sorted(number for _, number in before) == [0, 1, 2, 3] and before[-1][0] == 1.0


def test_the_form_stays_what_came_back_comes_back():
    piece = band_piece(bars=4)
    twice = piece.between(0.0, 16.0)
    tracks = []
    for track in twice.tracks:
        again = track.notes.copy()
        again["onset"] += 16.0
        tracks.append(type(track)(track.family, track.program, __import__("numpy").concatenate([track.notes, again])))
    file = opened(to_midi_bytes(type(twice)(tuple(tracks), twice.tempos, length_beats=32.0)), "twice")
    groups = alike(file, BarLines.of(file.piece))
    assert groups == [0, 1, 2, 3, 0, 1, 2, 3]
    made = opened(varied(file, 0.5, Writer(engine(), None, 2)).write(), "made")
    assert alike(made, BarLines.of(made.piece))[4:] == groups[4:] and bars(made) != bars(file)


def test_a_kept_part_stays_note_for_note_and_the_others_are_new():
    file = opened(BAND, "band")
    wish = Wish(keep="melody", bars="1-4", seed=2)
    made = opened(edited(source_of(BAND, "band", "b.mid"), wish, seed=2).midi, "made")
    (kept,) = parts_named(file, "melody", "--keep")
    for number, (before, after) in enumerate(zip(file.parts, made.parts, strict=True)):
        same = [(n.begin, n.end, n.pitch, n.velocity) for n in before.notes] == [
            (n.begin, n.end, n.pitch, n.velocity) for n in after.notes
        ]
        assert same == (number == kept), before.family


def test_a_kept_part_gets_other_players():
    wish = Wish(keep="drums", players=("organ", "cello"), bars="3-4", seed=2)
    result = edited(source_of(BAND, "band", "b.mid"), wish, seed=2)
    made, file = opened(result.midi, "made"), opened(BAND, "band")
    drums = [[(n.begin, n.pitch) for p in f.parts if p.family == "drums" for n in p.notes] for f in (file, made)]
    assert drums[0] == drums[1]
    early = {
        p.program for p in made.parts if p.family != "drums" and any(2 * 1920 <= n.begin < 4 * 1920 for n in p.notes)
    }
    assert early and early <= {16, 42}
    # behind the bars everybody plays as before
    later = [
        sorted((p.program, n.begin, n.pitch) for p in f.parts for n in p.notes if n.begin >= 4 * 1920)
        for f in (file, made)
    ]
    assert later[0] == later[1]
