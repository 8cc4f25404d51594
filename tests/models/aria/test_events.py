import json
from pathlib import Path

import numpy as np
import pytest

from klangbild.errors import InputError, UsageError
from klangbild.models.aria.decode_clean import decode_clean, encode_clean
from klangbild.models.aria.decode_strict import TimedNote, count_instruments, decode_strict, encode_strict, transpose
from klangbild.models.aria.language import EventsLanguage, timed_notes
from klangbild.models.aria.notes_from_file import notes_from_file, to_strict_midi_bytes
from klangbild.models.aria.vocabulary import (
    BASE_SIZE,
    EventsVocabulary,
    base_symbols,
    from_mappings,
    is_shift,
    note_id,
    shift_id,
    with_emotion_tokens,
)
from klangbild.music.midi import read_midi, to_midi_bytes
from klangbild.music.rules import Rules

GOLDEN = Path(__file__).parents[3].parent / "shared" / "golden" / "midi-emotion"
needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="the recorded data is not on this machine")


def mappings_of(symbols):
    events = [f"{s}_{i}" for i in ("DRUMS", "GUITAR", "BASS", "PIANO", "STRINGS") for s in ("OFF", "ON")] + [
        "TIMESHIFT"
    ]

    def symbol(name):
        event, _, value = name.rpartition("_")
        return name if name.startswith("<") else (events.index(event), int(value))

    tuples = [symbol(name) for name in symbols]
    return {
        "event2idx": {name: i for i, name in enumerate(events)},
        "idx2event": dict(enumerate(events)),
        "tuple2idx": {t: i for i, t in enumerate(tuples)},
        "idx2tuple": dict(enumerate(tuples)),
        "transposable_event_inds": list(range(2, 10)),
    }


def random_notes(rng, n=200):
    names = ("drums", "guitar", "bass", "piano", "strings")
    start = np.round(rng.integers(0, 1500, n) * 0.008, 6)
    length = rng.integers(1, 200, n) * 0.008
    rows = zip(rng.integers(0, 5, n), rng.integers(40, 70, n), start, np.round(start + length, 6), strict=True)
    return [TimedNote(names[i], int(p), float(s), float(e)) for i, p, s, e in rows]


def test_the_vocabulary():
    assert len(base_symbols()) == BASE_SIZE == 1007
    assert with_emotion_tokens().size == 1017
    assert with_emotion_tokens().extra[0] == "<A-1>" and with_emotion_tokens().extra[5] == "<V-1>"
    assert base_symbols()[note_id(0, 36, on=False)] == "OFF_DRUMS_36"
    assert base_symbols()[shift_id(1000)] == "TIMESHIFT_1000"


def test_mappings_are_read_and_checked(tmp_path):
    assert from_mappings(mappings_of(base_symbols())) == EventsVocabulary()
    other_order = (*base_symbols(), "<V0>", "<A0>")
    assert from_mappings(mappings_of(other_order)).ids["<A0>"] == 1008
    swapped = base_symbols()
    swapped[2], swapped[3] = swapped[3], swapped[2]
    for bad in ({}, {"idx2event": 1}, mappings_of(swapped), mappings_of(base_symbols()[:-1])):
        with pytest.raises(InputError, match=r"mappings\.pt"):
            from_mappings(bad)
    path = tmp_path / "vocabulary.json"
    with_emotion_tokens().save(path)
    assert EventsVocabulary.load(path) == with_emotion_tokens()
    path.write_text("[1")
    with pytest.raises(InputError, match="vocabulary"):
        EventsVocabulary.load(path)


@needs_golden
def test_recorded_vocabulary_and_codec():
    assert list(with_emotion_tokens().symbols) == json.loads((GOLDEN / "vocab_discrete.json").read_text())
    codec = json.loads((GOLDEN / "codec.json").read_text())
    for case in codec["decode"]:
        notes = decode_strict(case["ids"])
        assert [[n.instrument, n.pitch, n.start_s, n.end_s] for n in notes] == [[r[0], *r[4:]] for r in case["notes"]]
        read = notes_from_file(notes)
        assert [[n.pitch, n.start_s, n.end_s] for n in read] == [r[4:] for r in case["notes_from_file"]]
        assert count_instruments(case["ids"]) == case["n_instruments"]
    for case in codec["encode"]:
        notes = [TimedNote(r[0].lower(), *r[1:4]) for r in case["notes"]]
        ids = np.concatenate(encode_strict(notes, case["downbeats"]))
        assert ids.tolist() == case["ids"], case["name"]
        for semitones, moved in case["transposed"].items():
            assert transpose(ids, int(semitones)).tolist() == moved


def test_the_strict_file_is_read_back_as_predicted():
    import io

    import pretty_midi

    notes = random_notes(np.random.default_rng(1))
    song = pretty_midi.PrettyMIDI(io.BytesIO(to_strict_midi_bytes(notes)))
    names = {i.name: i for i in song.instruments}
    for name, instrument in names.items():
        ours = [(n.pitch, n.start_s, n.end_s) for n in notes_from_file(notes) if n.instrument == name]
        assert ours == [(n.pitch, n.start, n.end) for n in instrument.notes]


def test_strict_keeps_the_oddities():
    piano = lambda p, s, e: TimedNote("piano", p, s, e)  # noqa: E731
    on, off, half = note_id(3, 60, on=True), note_id(3, 60, on=False), shift_id(496)
    assert [n.end_s for n in decode_strict([on, half, off, half, off])] == [0.496, 0.992]
    assert decode_strict([on, half]) == []
    ids = np.concatenate(encode_strict([piano(60, 0, 0.5), piano(60, 0.5, 1.0), piano(40, 4, 4.5)], [0.0, 2.0, 4.0]))
    assert [(n.start_s, n.end_s) for n in decode_strict(ids)] == [(0.496, 0.496), (0.496, 0.992)]
    with pytest.raises(ValueError, match="downbeats"):
        encode_strict([], [0.0])
    with pytest.raises(ValueError, match="after the last bar"):
        encode_strict([piano(60, 0, 60.0)], [0.0, 2.0])


def test_clean_does_them_right():
    on, off, half = note_id(3, 60, on=True), note_id(3, 60, on=False), shift_id(496)
    spans = lambda ids: [(n.start_s, n.end_s) for n in decode_clean(ids)[0]]  # noqa: E731
    assert spans([on, half, off, half, off]) == [(0.0, 0.496)]
    assert spans([on, half, on, half, off]) == [(0.0, 0.496), (0.496, 0.992)]
    assert spans([on, half]) == [(0.0, 0.496)]
    assert spans([off, on, off, half, on]) == [(0.0, 0.008)]


def test_clean_round_trip_is_exact_and_strict_reads_the_same():
    rng = np.random.default_rng(3)
    for _ in range(5):
        ids = encode_clean(random_notes(rng), length_s=20.0)
        notes, length_s = decode_clean(ids)
        assert encode_clean(notes, length_s=length_s).tolist() == ids.tolist()
        key = lambda n: (n.instrument, n.pitch, round(n.start_s, 6), round(n.end_s, 6))  # noqa: E731
        assert sorted(map(key, notes)) == sorted(map(key, decode_strict(ids)))


def test_piece_and_file_round_trip():
    language = EventsLanguage()
    piece = language.decode(encode_clean(random_notes(np.random.default_rng(4)), length_s=16.0))
    again = read_midi(to_midi_bytes(piece))
    ids, ids_again = language.encode(piece).tolist(), language.encode(again).tolist()
    assert ids[: len(ids_again)] == ids_again  # a MIDI file does not keep the silence after the last note
    assert all(is_shift(token) for token in ids[len(ids_again) :])
    assert piece.seconds == pytest.approx(16.0)
    assert {n.instrument for n in timed_notes(piece)} == set(piece.families)
    slower = EventsLanguage(tempo_bpm=90.0).decode(language.encode(piece))
    assert slower.seconds == pytest.approx(16.0) and slower.tempos == ((0.0, 90.0),)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(seconds=6.0, min_instruments=5),
        Rules(seconds=6.0, required=("strings", "bass"), families=("strings", "bass", "piano")),
        Rules(bars=2, min_instruments=3, max_notes_at_once=1),
        Rules(seconds=0.004, min_instruments=2),
    ],
)
@pytest.mark.parametrize("habit", ["any", "notes", "shifts"])
def test_every_sample_ends_and_obeys(rules, habit):
    rng = np.random.default_rng(5)
    language = EventsLanguage(with_emotion_tokens())
    state, ids = language.start(rules), [language.bos]
    for _ in range(20_000):
        mask = language.allowed(state, rules)
        assert mask.any()
        if state.done:
            break
        liked = mask & (language.is_rhythm if habit == "shifts" else ~language.is_rhythm)
        choices = np.flatnonzero(liked if habit != "any" and liked.any() else mask)
        ids.append(int(rng.choice(choices)))
        language.advance(state, ids[-1])
    assert state.done and mask.sum() == 1
    piece = language.decode(np.array(ids))
    assert len(state.heard.nonzero()[0]) >= rules.min_instruments
    assert set(piece.families) <= set(rules.families)
    if rules.seconds and rules.seconds > 1:
        assert set(rules.required) <= set(piece.families) and len(piece.families) >= rules.min_instruments
        assert piece.seconds == pytest.approx(rules.seconds)


def test_a_copy_stands_apart_and_finish_ends():
    state = EventsLanguage().start(Rules())
    other = state.copy()
    other.advance(note_id(3, 60, on=True))
    assert not state.sounding.any() and other.sounding.any()
    other.finish()
    for token in (shift_id(1000), note_id(3, 60, on=False)):
        assert other.allowed()[token]
        other.advance(token)
    assert other.done and not state.done


@pytest.mark.parametrize(
    "rules", [Rules(required=("brass",)), Rules(families=("brass", "winds")), Rules(min_instruments=6)]
)
def test_impossible_wishes(rules):
    with pytest.raises(UsageError):
        EventsLanguage().start(rules)
