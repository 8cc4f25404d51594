"""Models in folders: find one by name, check it, write one. Ours ship inside the package; those of others are added.

A model folder holds `config.json` (kind, sizes, licence, origin, and size and sha256 of every file), `README.md` (its card in
words), and weights as safetensors and ONNX: never a pickle. Added models live in `models_home()`. Foreign checkpoints are
converted by `hub_*.py`, one file per system.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klangbild.errors import InputError, KlangbildError, NotAvailableError, UsageError
from klangbild.shipped import weights_folder
from klangbild.whole_files import give_plain_mode, output_error, part_name, sweep

HOME_VARIABLE = "KLANGBILD_HOME"
OFFLINE_VARIABLES = ("KLANGBILD_OFFLINE", "HF_HUB_OFFLINE")
OUR_NAME = "klangbild"
CONFIG, CARD = "config.json", "README.md"
FORMAT = 1
WEIGHTS = weights_folder()
_NOT_MODELS = ("sentence-encoder",)
"""What may lie among the added models without being one (`emotion/sentence_encoder.py`)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class ModelFolder:
    """A checked model folder. `config`: its `config.json`."""

    path: Path
    config: dict[str, Any]

    @property
    def name(self) -> str:
        """What `--model` calls it: an added model goes by its folder, whatever its config says."""
        if self.path.parent == models_home():
            return self.path.name
        return str(self.config.get("name", self.path.name))

    @property
    def kind(self) -> str:
        return str(self.config["kind"])

    @property
    def licence(self) -> str:
        return str(self.config.get("licence", "not stated"))

    @property
    def allows_commercial_use(self) -> bool:
        """True only if the licence says so."""
        return bool(self.config.get("commercial", False))

    @property
    def sha256(self) -> str:
        """One number for all its files: the hash of their names and hashes."""
        rows = sorted(f"{name} {entry['sha256']}\n" for name, entry in self.config["files"].items())
        return hashlib.sha256("".join(rows).encode()).hexdigest()

    def verify(self) -> None:
        """Read every file and compare it with its sha256. Raises InputError: one is missing or another."""
        for name, entry in self.config["files"].items():
            if sha256_of(self.path / name) != entry["sha256"]:
                raise InputError(f"{self.path / name}: is not the file that {CONFIG} describes; add the model again")


@dataclass(frozen=True)
class DamagedModel:
    """Something among the added models that cannot be used. `why` names no folder of this machine."""

    name: str
    path: Path
    why: str

    @property
    def remedy(self) -> str:
        return (
            f"add it again (klangbild models add KIND --from DIR --name {self.name} --overwrite), or delete {self.path}"
        )


def models_home() -> Path:
    """Where added models live: $KLANGBILD_HOME/models, else the user's data folder."""
    if os.environ.get(HOME_VARIABLE):
        return Path(os.environ[HOME_VARIABLE]).expanduser() / "models"
    import platformdirs

    return platformdirs.user_data_path("klangbild") / "models"


def is_offline() -> bool:
    """True if $KLANGBILD_OFFLINE or $HF_HUB_OFFLINE is set (to something else than 0)."""
    return any(os.environ.get(name, "0").lower() not in ("", "0", "false", "no") for name in OFFLINE_VARIABLES)


def snapshot_in(folder: Path) -> Path:
    """A model's files in a hub's cache, given its repository's folder there (models--owner--name); any other folder as it is."""
    snapshots = folder / "snapshots"
    if not snapshots.is_dir() or not (folder / "blobs").is_dir():
        return folder
    try:
        named = snapshots / (folder / "refs" / "main").read_text(encoding="utf-8").strip()
        if named.is_dir():
            return named
    except (OSError, ValueError):
        pass
    found = sorted((p for p in snapshots.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    return found[-1] if found else folder


def is_hub_id(text: str) -> bool:
    """True for "owner/name" that is no folder here."""
    return bool(_HUB_ID.fullmatch(text)) and not Path(text).exists()


def is_added(name: str) -> bool:
    """True if something of that name lies among the added models, whole or not."""
    return bool(_NAME.fullmatch(name)) and name not in _NOT_MODELS and os.path.lexists(models_home() / name)


def shipped() -> list[dict[str, Any]]:
    """The cards of the models inside the package, by name."""
    cards = []
    for path in sorted(WEIGHTS.rglob("*.json")):
        try:
            card = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: the card is damaged ({error}); install klangbild again") from None
        if isinstance(card, dict) and "name" in card:
            files = sorted(str(p.relative_to(WEIGHTS)) for p in path.parent.glob(f"{path.stem}.*"))
            cards.append({**card, "files": files, "path": str(path)})
    return cards


def added() -> list[ModelFolder]:
    """The models in `models_home()` that are whole, by name."""
    return _look_through_home()[0]


def damaged() -> list[DamagedModel]:
    """What lies in `models_home()` and is no whole model, by name: one of these stops nobody else."""
    return _look_through_home()[1]


def _look_through_home() -> tuple[list[ModelFolder], list[DamagedModel]]:
    home = models_home()
    try:
        entries = sorted(p for p in home.iterdir() if not p.name.startswith(".") and p.name not in _NOT_MODELS)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [DamagedModel(home.name, home, f"the folder of added models cannot be read ({error.strerror})")]
    whole, broken = [], []
    for path in entries:
        try:
            whole.append(_checked(path))
        except KlangbildError as error:
            why = str(error).replace(f"{path}/", "").replace(f"{path}: ", "").replace(str(path), path.name)
            broken.append(DamagedModel(_printable(path.name), path, why))
    return whole, broken


def from_pretrained(model: str | Path, *, kind: str | None = None) -> ModelFolder:
    """A model by name (added before) or folder, its files checked for presence and size.

    A plain name means the added model, even where a folder of that name lies here: write ./NAME for the folder.

    Raises:
        NotAvailableError: there is no such model on this machine. InputError: it is damaged.
        UsageError: it is of another kind than the one asked for.
    """
    path = models_home() / str(model)
    if isinstance(model, Path) or not _NAME.fullmatch(model) or not os.path.lexists(path):
        path = Path(model)
        if not _is_folder(path):
            raise NotAvailableError(f"{model}: there is no such model here; {_how_to_get(str(model))}")
    folder = _checked(path)
    if kind is not None and folder.kind != kind:
        raise UsageError(f"{model}: is a model of kind {folder.kind}, not {kind}; see 'klangbild models list'")
    return folder


def _checked(path: Path) -> ModelFolder:
    """The model in a folder, its config read, its files there and of the size told. Raises InputError."""
    try:
        if not path.is_dir():
            raise InputError(f"{path}: is not a folder; a model is one: delete it, or add the model again")
        config = _read_config(path)
        for name, entry in config["files"].items():
            file = path / name
            if ".." in Path(name).parts or Path(name).is_absolute():
                raise InputError(f"{path / CONFIG}: names a file outside its folder ({name}); do not use this model")
            if not file.is_file() or file.stat().st_size != entry["bytes"]:
                raise InputError(f"{file}: is missing or cut off; add the model again")
    except (OSError, ValueError) as error:  # ValueError: a NUL in a file's name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return ModelFolder(path, config)


def save_pretrained(
    folder: Path,
    config: dict[str, Any],
    card: Callable[[], str] | str,
    write: Callable[[Path], None],
    *,
    overwrite: bool = False,
) -> ModelFolder:
    """Make a model folder: `write(path)` fills it, then config and card join. Whole, or not there at all.

    config: at least "kind"; "format" and "files" are added here. card: Markdown, or what makes it once `write` has run.

    Raises:
        UsageError: the folder exists and `overwrite` is not set. OutputError: it cannot be written.
    """
    former: Path | None = None
    if os.path.lexists(folder) and not overwrite:
        raise UsageError(f"{folder}: is there already; give --overwrite to replace it, or --name for another name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep(folder.parent)
        temporary = part_name(folder.parent)
        temporary.mkdir()
    except OSError as error:
        raise output_error(folder, error) from error
    try:
        write(temporary)
        (temporary / CARD).write_text(card if isinstance(card, str) else card(), encoding="utf-8")
        files = sorted(p for p in temporary.rglob("*") if p.is_file())
        entries = {
            p.relative_to(temporary).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256_of(p)} for p in files
        }
        whole = {"format": FORMAT, **config, "files": entries}
        (temporary / CONFIG).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for made in (temporary, *temporary.rglob("*")):
            if made.is_dir() or made.stat().st_nlink == 1:  # a second name of somebody's file keeps its permissions
                give_plain_mode(made)
        if os.path.lexists(folder):
            former = part_name(folder.parent)
            folder.rename(former)
        temporary.rename(folder)
    except OSError as error:
        raise output_error(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if former is not None and os.path.lexists(former):
            if os.path.lexists(folder):
                _remove(former)
            else:  # stopped between the two renames
                former.rename(folder)
    return from_pretrained(folder)


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes. Raises InputError: it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); add the model again") from None
    return digest.hexdigest()


def check_name(name: str) -> str:
    """The name itself if it can be an added model's. Raises UsageError: it cannot be a folder's, or is one of ours."""
    if name in (OUR_NAME, *(card["name"] for card in shipped())):
        raise UsageError(f"--name '{name}' is a model of klangbild's own; choose another name")
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name '{name}' cannot be a folder's name; use letters, digits, '.', '_' and '-'")
    return name


def _read_config(path: Path) -> dict[str, Any]:
    where = path / CONFIG
    try:
        if where.exists() and not where.is_file():  # a pipe would be waited at for ever
            raise InputError(f"{where}: is not an ordinary file; add the model again")
        config = json.loads(where.read_text(encoding="utf-8"))
        json.dumps(config, ensure_ascii=False).encode("utf-8")  # lone surrogates could not be told to anybody
    except FileNotFoundError:
        raise InputError(
            f"{path}: has no {CONFIG}; it is not a model folder (foreign ones: klangbild models add)"
        ) from None
    except OSError as error:
        raise InputError(f"{where}: cannot be read ({error.strerror}); add the model again") from None
    except (ValueError, RecursionError) as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else _printable(str(error))
        raise InputError(f"{where}: is damaged ({why}); add the model again") from None
    if (
        not isinstance(config, dict)
        or not isinstance(config.get("kind"), str)
        or config.get("format", FORMAT) != FORMAT
    ):
        raise InputError(f"{where}: is not a model of this version of klangbild; add the model again")
    wrong = _wrong_entry(config)
    if wrong:
        raise InputError(f"{where}: is damaged ({wrong}); add the model again")
    return config


def _wrong_entry(config: dict[str, Any]) -> str | None:
    """What of a config is not as this program writes it, in words; None: nothing."""
    files = config.get("files")
    if not isinstance(files, dict) or not files:
        return "it lists no files"
    for name, entry in files.items():
        if not (isinstance(entry, dict) and isinstance(entry.get("bytes"), int) and _is_sha256(entry.get("sha256"))):
            return f"it tells no size and hash of {_printable(name)}"
    for key in ("kind", "name", "licence", "output_use", "origin"):
        value = config.get(key, "")
        if not isinstance(value, str) or value != _printable(value):
            return f"its {key} is no text"
    parts = config.get("conditionings", {})
    if not isinstance(parts, dict) or not all(
        isinstance(part, dict) and isinstance(part.get("sizes"), dict) and isinstance(part.get("parameters"), int)
        for part in parts.values()
    ):
        return "its conditionings have no sizes"
    for part in parts:
        if not any(name.startswith(f"{part}/") for name in files):
            return f"it lists no files of {_printable(part)}"
    encoder = config.get("image_encoder")
    if encoder is not None and not (isinstance(encoder, dict) and isinstance(encoder.get("clip"), dict)):
        return "its image_encoder has no sizes"
    return None


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None


def _remove(path: Path) -> None:
    """A folder with all that is in it, a file, or a link (not what it leads to)."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _printable(text: str) -> str:
    """Text that any terminal and JSON takes: names of files may hold anything."""
    return "".join(c if c.isprintable() else "?" for c in text.encode("utf-8", "replace").decode("utf-8"))[:300]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # no permission; a NUL in the name
        return False


def _how_to_get(model: str) -> str:
    if is_hub_id(model):
        return f"fetch it with 'klangbild models pull {model}', which also says what it is for"
    if model == "aria":
        return "add it with: klangbild models add aria --from vincentamato/ARIA (or --from FOLDER)"
    return "see 'klangbild models list' for what is there, or add one: klangbild models add aria --from DIR|HUB_ID"
