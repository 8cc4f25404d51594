"""The house keeps its rules: which room may import which, where torch may be, how long a file may get."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "klangbild"
FILES = sorted(p for p in SOURCE.rglob("*.py"))
ROOMS = ("picture", "emotion", "notes", "sound", "diffusion", "show")
TOP = {"errors", "registry", "settings", "atomic", "file_names", "input_file", "interrupt", "__init__"}
DOOR = {
    "contract",
    "composer",
    "engines",
    "result",
    "record",
    "record_shape",
    "recorded",
    "save_files",
    "hub",
    "unheard",
}
# which rooms a room may look into: the sentence picture -> emotion -> notes -> sound, and what shows or mixes them
MAY = {
    "picture": {"picture"},
    "emotion": {"emotion", "picture"},
    "notes": {"notes", "emotion"},
    "sound": {"sound", "notes"},
    "diffusion": {"diffusion", "picture", "emotion", "notes", "sound"},
    "show": {"show", "picture", "emotion", "notes", "sound"},
}
LONGEST = 400
LONG_FOR_A_REASON: dict[str, str] = {}


def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0] if len(parts) > 1 else path.stem


def test_arrows():
    for path in FILES:
        check_arrows(path)


def check_arrows(path: Path) -> None:
    room = room_of(path)
    inside = {name.split(".")[1] for name in imports(path) if name.startswith("klangbild.")}
    inside = {name for name in inside if (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").exists()} - TOP
    inside = {"hub" if name.startswith("hub_") else name for name in inside}
    if room in ROOMS:
        # engines and models keep the contract; models are found by the hub
        allowed = MAY[room] | {"hub"} | ({"contract"} if room in ("diffusion", "notes") else set())
        assert inside <= allowed, f"{path.name} in {room}/ imports {inside - allowed}"
    elif room in DOOR | TOP:
        assert not inside & {"train", "measure", "cli", "web", "data"}, f"{path.name} imports {inside}"
    elif room == "data":
        assert not inside & {"train", "measure", "cli", "web"}
    elif room in ("train", "measure"):
        assert not inside & {"cli", "web"}


def test_no_circles():
    """No module comes back to itself through what it imports: at its top, inside functions, or for its types alone.

    Left out are the front (`klangbild/__init__.py`, which fetches names when they are asked for) and the places that
    `registry.py` names as text: by them the table at the bottom finds the engines at the top.
    """
    modules = {".".join(p.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    del modules["klangbild"]
    graph = {name: {other for other in imports(path) if other in modules} - {name} for name, path in modules.items()}
    assert len(graph) > 300 and any(graph.values())
    assert circle_in(graph) is None
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def circle_in(graph: dict[str, set[str]]) -> list[str] | None:
    """One circle, its first node again at its end; None where there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str] | None:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return None
        found = next((circle for other in sorted(graph[node]) if (circle := walk(other, [*way, node]))), None)
        done.add(node)
        return found

    return next((circle for node in sorted(graph) if (circle := walk(node, []))), None)


def test_torch_stays_in_its_rooms():
    for path in FILES:
        if any(name.split(".")[0] == "torch" for name in imports(path)):
            assert room_of(path) in ("train", "diffusion", "measure") or path.stem.endswith("_torch"), path


def test_files_stay_readable():
    for path in FILES:
        lines = path.read_text(encoding="utf-8").count("\n")
        assert lines <= LONGEST or str(path.relative_to(SOURCE)) in LONG_FOR_A_REASON, f"{path}: {lines} lines"
        assert path.stem not in ("utils", "common", "core", "helpers"), path
        if path.name != "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} does not say what it is for"


def test_importing_klangbild_loads_nothing_heavy():
    code = "import sys, klangbild; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "PIL", "torch", "scipy", "onnxruntime", "symusic"} & set(loaded)


def test_help_loads_no_numpy():
    code = "import sys; from klangbild.cli.main import main; main(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "numpy" not in done.stderr.split()


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_tracked_files_stay_small():
    sizes = {p: p.stat().st_size for p in tracked()}
    assert sum(sizes.values()) <= 60e6
    weights = sum(size for path, size in sizes.items() if path.is_relative_to(SOURCE / "weights"))
    assert weights <= 32e6
    checkpoints = sum(size for path, size in sizes.items() if path.is_relative_to(ROOT / "checkpoints"))
    assert checkpoints <= 26e6


def test_no_media_of_others_and_no_names_of_hosts():
    media = {".jpg", ".png", ".mid", ".wav", ".mp3", ".flac", ".ogg", ".sf2"}
    ours = (ROOT / "examples", ROOT / "docs", SOURCE / "web")
    host = re.compile("|".join(["py" + "pi\\.org", "python" + "hosted", "npm" + "js\\.", "debian" + "\\.org"]))
    for path in tracked():
        if path.suffix.lower() in media:
            assert any(path.is_relative_to(folder) for folder in ours), f"{path} is media outside our own folders"
        if path.suffix in (".py", ".md", ".toml", ".json", ".cff", ".yml", "") and path.stat().st_size < 1e6:
            text = path.read_text(encoding="utf-8", errors="ignore")
            assert not host.search(text), f"{path} names a package registry's host"
            assert "/work" + "/" not in text, f"{path} names a path of somebody's machine"
