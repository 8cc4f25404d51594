"""All records of a gallery as tables, and a playlist: CSV, Parquet where pyarrow is installed, M3U."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from urllib.parse import quote

from klangbild.errors import NotAvailableError
from klangbild.gallery.exhibits import Exhibit

COLUMNS = (
    "name", "seed", "words", "seconds", "valence", "arousal", "mood", "asked_valence", "asked_arousal", "key", "tempo",
    "instruments", "engine", "model", "licence", "soundfont", "text", "picture_sha256", "klangbild", "ai_generated", "json",
    "sound", "mid", "png",
)  # fmt: skip


def row_of(exhibit: Exhibit) -> dict[str, str | float | int | bool | None]:
    """One piece as plain values, by `COLUMNS`; None where something is not known."""
    record, facts = exhibit.record, exhibit.record.music.facts
    own, asked, sound = record.emotion.own, record.emotion.asked, record.sound
    return {
        "name": record.name,
        "seed": record.seed,
        "words": record.music.words or None,
        "seconds": round(exhibit.seconds, 3),
        "valence": round(own.valence, 4),
        "arousal": round(own.arousal, 4),
        "mood": own.name,
        "asked_valence": round(asked.valence, 4),
        "asked_arousal": round(asked.arousal, 4),
        "key": record.music.key or None,
        "tempo": float(facts["tempo"]) if facts.get("tempo") else None,
        "instruments": " ".join(facts.get("instruments", ())) or None,
        "engine": record.engine,
        "model": record.model.name,
        "licence": record.model.licence,
        "soundfont": sound.soundfont.name if sound and sound.soundfont else None,
        "text": record.settings.text,
        "picture_sha256": record.picture.sha256 if record.picture else None,
        "klangbild": record.klangbild,
        "ai_generated": True,
        "json": exhibit.files.get("json"),
        "sound": exhibit.sound,
        "mid": exhibit.files.get("mid"),
        "png": exhibit.files.get("png"),
    }


def csv_of(exhibits: Iterable[Exhibit]) -> bytes:
    """UTF-8 with its mark, so that spreadsheets read it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for exhibit in exhibits:
        writer.writerow({name: _safe(value) for name, value in row_of(exhibit).items()})
    return text.getvalue().encode("utf-8-sig")


def _safe(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, whatever a picture is called."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def parquet_of(exhibits: Iterable[Exhibit]) -> bytes:
    """The same typed. Raises NotAvailableError: pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise NotAvailableError(
            "--parquet needs pyarrow, which is not installed; run: pip install 'klangbild[museum]'"
        ) from None
    types = {
        **dict.fromkeys(
            ("seconds", "valence", "arousal", "asked_valence", "asked_arousal", "tempo"), pyarrow.float64()
        ),
        "seed": pyarrow.int64(),
        "ai_generated": pyarrow.bool_(),
    }
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in COLUMNS])
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([row_of(e) for e in exhibits], schema=schema), buffer)
    return buffer.getvalue()


def playlist_of(exhibits: Iterable[Exhibit]) -> bytes:
    """An M3U playlist (UTF-8) of all that has sound, by addresses relative to it."""
    lines = ["#EXTM3U"]
    for exhibit in exhibits:
        if (sound := exhibit.sound) is not None:
            title = " ".join(exhibit.title.split())
            lines += [f"#EXTINF:{round(exhibit.seconds)},klangbild - {title}", quote(sound)]
    return ("\n".join(lines) + "\n").encode()
