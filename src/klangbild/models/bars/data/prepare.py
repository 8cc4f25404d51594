"""`klangbild data prepare notes`: folders of MIDI to one compact file that the notes model is trained from.

Each file is read, its tempo map mended (`repair`), off-grid performances put back on a beat (`regrid`) or dropped with the
reason, near copies kept on one side of the split (`near_duplicates`), cut into 8-bar sections of note ids (`notes.bars`),
measured (`section_features`) and pseudo-labelled (`emotion_labels`). Out come

    NAME.npz           ids, sections, features, labels, split: all that `klangbild train notes` needs
    NAME-manifest.csv  a row a file: set, licence, origin, sha256, split, what labelled it, why it was mended or dropped
    NAME-labels.npz    where people rated enough pieces: the fitted labelling, to label others by (`labelling`)
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.data.attributes import with_attributes
from klangbild.models.bars.data.choose_labels import labels_in_words, labels_of_pieces, relabelled
from klangbild.models.bars.data.dynamics import is_flat, with_dynamics
from klangbild.models.bars.data.labelling import Labelling, write_card
from klangbild.models.bars.data.licence_names import admitted, kind_of
from klangbild.models.bars.data.near_duplicates import clusters, minhash
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.data.raw_sets import RawFile, read_sets
from klangbild.models.bars.data.regrid import regrid
from klangbild.models.bars.data.repair_tempo import mend, on_grid
from klangbild.models.bars.data.split import choose_split, fixed_heldout, sets_of, with_both_sides
from klangbild.models.bars.data.work_names import work_names
from klangbild.models.bars.language import DURATION_0, NOTE_0, BarsLanguage
from klangbild.music.midi import read_midi
from klangbild.music.piece import Piece
from klangbild.music.section_features import FEATURES, NoteTable
from klangbild.training.manifest import DROPPED, HELD_OUT, LEFT_OUT, TRAINED, Row, sha256_of, write_manifest

MIN_NOTES, MAX_S = 40, 1800.0


@dataclass
class _Prepared:
    """A file on its way: what it became, or why it was dropped."""

    raw: RawFile
    note: str = ""
    dropped: bool = False
    sections: list[np.ndarray] = None
    spans: list[tuple[float, float, float, int]] = None  # start beat, end beat, seconds, bars
    features: np.ndarray = None
    print_: np.ndarray | None = None


def prepare_piece(piece: Piece) -> tuple[Piece | None, str]:
    """A piece as read -> (on a true grid of beats, what was mended) or (None, why not)."""
    if piece.n_notes < MIN_NOTES:
        return None, f"fewer than {MIN_NOTES} notes"
    # what files say of their key is mostly a default; the notes know better
    repair = mend(replace(piece, key=None, record=None))
    notes = []
    if repair.beat_factor != 1.0:
        notes.append(f"beats x{repair.beat_factor:g}")
    if repair.meters_replaced:
        notes.append(f"{repair.meters_replaced} odd meters")
    piece = repair.piece
    if piece.seconds > MAX_S:
        return None, f"longer than {MAX_S:.0f} s"
    if not on_grid(piece):
        found = regrid(piece)
        if found.piece is None:
            return None, f"off the grid: {found.why}"
        piece = found.piece
        notes.append(f"regridded: {found.why}")
    return piece, "; ".join(notes)


def _prepare_one(raw: RawFile, language: BarsLanguage, *, dynamics: bool = False) -> _Prepared:
    out = _Prepared(raw, sections=[], spans=[], features=np.zeros((0, len(FEATURES)), np.float32))
    try:
        original = read_midi(raw.data)
    except InputError as error:
        out.note, out.dropped = str(error).removeprefix("the MIDI data: ").split(";")[0], True
        return out
    piece, out.note = prepare_piece(original)
    if piece is None:
        out.dropped = True
        rated = raw.quadrant or raw.valence is not None
        if rated and original.n_notes >= MIN_NOTES:  # its ids are of no use, but what people said of it is
            beats = np.arange(0.0, original.end_beats, 32.0)
            out.spans = [(b, b + 32.0, _seconds(original, b, b + 32.0), 0) for b in beats.tolist()]
            out.sections = [np.zeros(0, np.uint16) for _ in out.spans]
            out.features = _features(original, out.spans)
        return out
    out.print_ = minhash(piece)
    if dynamics and is_flat(piece):
        piece = with_dynamics(piece, raw.data)
        out.note = "; ".join(filter(None, (out.note, "loudness by rule")))
    sections = language.encode_sections(piece)
    # bars of rest at the end of a file are no music
    while sections and not ((sections[-1].ids >= NOTE_0) & (sections[-1].ids < DURATION_0)).any():
        sections.pop()
    out.sections = [s.ids.astype(np.uint16) for s in sections]
    out.spans = [(s.start_beat, s.end_beat, _seconds(piece, s.start_beat, s.end_beat), s.n_bars) for s in sections]
    out.features = _features(piece, out.spans)
    return out


def _seconds(piece: Piece, start: float, end: float) -> float:
    return float(np.diff(piece.beats_to_seconds([start, end]))[0])


def _features(piece: Piece, spans: list[tuple[float, float, float, int]]) -> np.ndarray:
    table = NoteTable(piece)
    return np.stack([table.features(start, end) for start, end, *_ in spans])


def prepare_notes(
    raw: Path | Sequence[Path],
    out: Path,
    *,
    licence: str = "all",
    without: Iterable[str] = (),
    dynamics: bool = False,
    exclude_labels: Iterable[str] = (),
    labels: Path | None = None,
    progress: bool = True,
) -> NoteData:
    """Prepare every MIDI file below the folder, or folders, `raw` and write `out` (.npz) and its manifest.

    Args:
        licence: "all"; "open" for CC0, public domain, CC BY, MIT, BSD and the like only; "share-alike" for these and CC BY-SA.
            What is left out is counted and stands in the manifest.
        without: sets that are left out whole.
        dynamics: give loudness by rule to music of one velocity (`dynamics`).
        exclude_labels: sets whose human ratings are not used at all (for a judge that must not be circular).
        labels: a fitted labelling to use where too few pieces are rated, instead of the one that ships.
    Raises:
        InputError: nothing usable in the folders, or two of their sets have one name.
    """
    folders = [raw] if isinstance(raw, Path) else list(raw)
    language = BarsLanguage()
    prepared: list[_Prepared] = []
    left_out: list[Row] = []
    for file in _files(folders):
        if why := _why_left_out(file, licence, without):
            left_out.append(_row(file, LEFT_OUT, why))
            continue
        prepared.append(_prepare_one(file, language, dynamics=dynamics))
        if progress and len(prepared) % 250 == 0:
            print(f"{len(prepared)} files, last {file.name}", file=sys.stderr, flush=True)
    if progress and left_out:
        print(left_out_in_words(left_out), file=sys.stderr)
    usable = np.array([bool(p.sections) and not p.dropped for p in prepared])
    if not usable.any():
        raise InputError(_why_nothing(folders, prepared, licence, left_out))
    fixed = fixed_heldout()
    cluster = clusters([p.print_ for p in prepared], works=_works(prepared, sets_of(fixed)))
    names = [p.raw.name for p in prepared]
    heldout = choose_split(names, [p.raw.split for p in prepared], cluster, fixed)
    heldout = with_both_sides(heldout, names, cluster, usable)
    fitted = Labelling.load(labels) if labels else None
    data = relabelled(
        _assemble(prepared, heldout, cluster, language),
        exclude_labels=exclude_labels,
        open_only=licence != "all",
        labelling=fitted,
    )
    data = with_attributes(data)
    data.save(out)
    if data.about["labels"]["from"] == "ratings":
        beside = out.with_name(out.stem + "-labels.npz")
        Labelling.fit(data).save(beside)
        write_card(data, beside, f"klangbild data prepare notes {' '.join(folder.name for folder in folders)}")
    write_manifest(out.with_name(out.stem + "-manifest.csv"), [*_rows(prepared, data), *left_out])
    if progress:
        print(summary(prepared, data), file=sys.stderr)
        print(labels_in_words(data), file=sys.stderr)
    return data


def _files(folders: Sequence[Path]) -> Iterator[RawFile]:
    """The files of all folders. Raises InputError: two folders hold a set of one name."""
    of_set: dict[str, Path] = {}
    for folder in folders:
        for file in read_sets(folder):
            if of_set.setdefault(file.set, folder) != folder:
                raise InputError(
                    f"{folder}: its set '{file.set}' is called as one of {of_set[file.set]}; rename one of them"
                )
            yield file


def _works(prepared: Sequence[_Prepared], listed: set[str]) -> list[frozenset[str]]:
    """Names of the works of each file; none in sets whose held-out files are listed, which stay those that they were."""
    return [
        frozenset()
        if (raw := p.raw).set in listed
        else work_names(title=raw.title, composer=raw.composer, origin=raw.origin, file=raw.file)
        for p in prepared
    ]


def _why_left_out(file: RawFile, licence: str, without: Iterable[str]) -> str:
    """Why a file is not looked at; "" where it is."""
    if file.set in without:
        return "its set was left out by wish"
    return "" if admitted(file.licence, licence) else f"licence: {kind_of(file.licence)}"


def left_out_in_words(rows: Sequence[Row]) -> str:
    """How many files were left out, by the reason and by the licence they name, the most first."""
    counts = Counter((row.note, row.licence) for row in rows)
    told = ", ".join(f"{n} {licence or 'without'} ({why})" for (why, licence), n in counts.most_common())
    return f"left out: {len(rows)} files: {told}"


def _why_nothing(folders: Sequence[Path], prepared: list[_Prepared], licence: str, left_out: Sequence[Row]) -> str:
    """One line: what is wrong with the folders and what to do."""
    where = ", ".join(map(str, folders))
    if not prepared:
        told = left_out_in_words(left_out)
        what = "of an open licence" if licence != "all" else "to prepare"
        return f"{where}: holds no MIDI file {what} ({told}); name licences in its CSV, or ask for less"
    first = prepared[0]
    files = "its one MIDI file cannot" if len(prepared) == 1 else f"none of its {len(prepared)} MIDI files can"
    why = first.note.removeprefix("the MIDI data: ").split(";")[0]
    return f"{where}: {files} be used ({first.raw.file}: {why}); give whole MIDI files of {MIN_NOTES} notes or more"


def _assemble(prepared: list[_Prepared], heldout: np.ndarray, cluster: np.ndarray, language: BarsLanguage) -> NoteData:
    pools = sorted({p.raw.set for p in prepared})
    piece = np.concatenate([np.full(len(p.sections), i) for i, p in enumerate(prepared)])
    ids = [s for p in prepared for s in p.sections]
    spans = np.array([span for p in prepared for span in p.spans])
    features = np.concatenate([p.features for p in prepared])
    pool = np.array([pools.index(p.raw.set) for p in prepared])
    rating = [
        [np.nan if r.valence is None else r.valence, np.nan if r.arousal is None else r.arousal, r.quadrant or 0]
        for r in (p.raw for p in prepared)
    ]
    nothing = np.zeros(len(ids), np.float32)
    return NoteData(
        ids=np.concatenate(ids),
        section_start=np.concatenate([[0], np.cumsum([len(s) for s in ids])]).astype(np.int64),
        section_piece=piece.astype(np.int32),
        section_seconds=spans[:, 2].astype(np.float32),
        features=features,
        valence=nothing,
        arousal=nothing,
        label_source=nothing.astype(np.uint8),
        piece_name=np.array([p.raw.name for p in prepared]),
        piece_pool=pool.astype(np.uint8),
        piece_heldout=heldout,
        piece_cluster=cluster.astype(np.int32),
        piece_rating=np.array(rating, np.float32),
        about={
            "language": language.name,
            "language_version": language.version,
            "vocabulary": language.size,
            "note_ids": [NOTE_0, DURATION_0],
            "features": list(FEATURES),
            "pools": pools,
            "licences": {
                pool: sorted({p.raw.licence for p in prepared if p.raw.set == pool and not p.dropped}) for pool in pools
            },
        },
    )


def _rows(prepared: list[_Prepared], data: NoteData) -> Iterable[Row]:
    for p, held, labels in zip(prepared, data.piece_heldout, labels_of_pieces(data), strict=True):
        split = DROPPED if p.dropped else HELD_OUT if held else TRAINED
        yield _row(p.raw, split, p.note, "" if p.dropped else labels)


def _row(raw: RawFile, split: str, note: str, labels: str = "") -> Row:
    return Row(
        raw.file, raw.set, raw.licence, raw.origin, sha256_of(raw.data), split, note, labels, raw.title, raw.composer
    )


def summary(prepared: list[_Prepared], data: NoteData) -> str:
    """One line a set: files kept, dropped and held out, hours, ids."""
    lines = []
    for number, pool in enumerate(data.about["pools"]):
        mine = [p for p in prepared if p.raw.set == pool]
        here = data.piece_pool[data.section_piece] == number
        sized = here & (np.diff(data.section_start) > 0)
        held = data.piece_heldout & (data.piece_pool == number) & np.array([not p.dropped for p in prepared])
        why = Counter(p.note.split(":")[0] for p in mine if p.dropped)
        lines.append(
            f"{pool}: {sum(not p.dropped for p in mine)} of {len(mine)} files, {held.sum()} held out, "
            f"{data.section_seconds[sized].sum() / 3600:.1f} h, {np.diff(data.section_start)[sized].sum() / 1e6:.2f} M ids"
            + (f"; dropped: {', '.join(f'{n} {w}' for w, n in why.most_common(4))}" if why else "")
        )
    return "\n".join(lines)
