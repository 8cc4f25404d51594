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
# files that everybody may import; of models and formats only the tables, which import nothing of theirs
GROUND = {
    "errors", "file_names", "hub", "hub_quiet", "hub_weights_torch", "input_file", "interrupt", "settings", "shipped", "slips",
    "whole_files", "models.registry", "formats.table",
}  # fmt: skip
ROOMS = (
    "picture", "emotion", "music", "sound", "score", "show", "metrics", "training", "models", "editing", "measure", "gallery", "batch", "cli", "web",
)  # fmt: skip
# what a room may look into beside itself and the ground; the sentence picture -> emotion -> music -> sound comes first
MAY = {
    "picture": set(),
    "emotion": {"picture"},
    "music": {"emotion"},
    "sound": {"music"},
    "score": {"music"},
    "show": {"picture", "emotion", "music", "sound"},
    "metrics": {"emotion", "music", "sound"},
    "training": set(),
    "models": {"picture", "emotion", "music", "sound", "metrics", "contract"},
    "editing": {"picture", "emotion", "music", "models", "record", "contract"},
    "measure": set(ROOMS) - {"cli", "web"} | {"composer", "result", "record", "contract"},
    "gallery": {"picture", "record"},
    "batch": {"picture", "composer", "record", "variations"},
    "front": {"contract", "record", "formats", "result", "unheard", "variations", *ROOMS}
    - {"metrics", "training", "measure", "gallery", "batch", "cli", "web"},
}
# what trains, prepares or compares a model lies in drawers of its folder, and nothing that composes opens one
DRAWERS = {"data", "training"}
DRAWER_FILES = ("parity", "commands", "train")
OF_DRAWERS = {"metrics", "training"}
MODELS = ("bars", "aria", "plan", "published.art2mus", "published.melfusion", "published.imagebind", "published")
# one model imports another only where it is said here
KNOWS = {
    "aria": {"bars"},  # both speak through `bars.sampler` and `bars.engine`
    "plan": {"bars"},  # which plays what it plans
    "published": {"published.imagebind"},  # whose ear ranks candidates
    "published.art2mus": {"published", "published.imagebind"},
    "published.melfusion": {"published"},
    "published.imagebind": {"published"},
}
# the same for drawers: data of one model that another is trained on, and all that the model itself knows
DRAWERS_KNOW = {
    "aria": {"bars"},
    "plan": {"bars"},
    "published.art2mus": {"plan"},  # our plan model is trained in its way where it is not named itself
    "published.melfusion": {"published.art2mus", "plan"},  # the same; triplets are made from its pairs
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


def model_of(module: str) -> str:
    """Which of `MODELS` "models.published.art2mus.engine" belongs to; "" for what the models share."""
    inside = module.removeprefix("models.") + "."
    return next((name for name in MODELS if inside.startswith(f"{name}.") and inside != f"{name}."), "")


def in_drawer(module: str) -> bool:
    inside = module.split(".")
    return bool(DRAWERS & set(inside[:-1])) or (inside[0] == "models" and inside[-1].startswith(DRAWER_FILES))


def modules_in(path: Path) -> set[str]:
    """The modules of ours that a file imports, as "music.midi"."""
    names = {name.removeprefix("klangbild.") for name in imports(path) if name.startswith("klangbild.")}
    return {name for name in names if (SOURCE / f"{name.replace('.', '/')}.py").is_file()}


def wrong_arrows(module: str, imported: set[str]) -> set[str]:
    """Which of the imported modules a module may not look into."""
    room = module.split(".")[0]
    if room in ("cli", "web", "__main__", "__init__"):
        return set()
    drawer = in_drawer(module)
    allowed = MAY.get(room, MAY["front"]) | {room} | (OF_DRAWERS if drawer else set())
    wrong = {name for name in imported - GROUND if name.split(".")[0] not in allowed}
    if not drawer and room != "measure":
        wrong |= {name for name in imported if in_drawer(name)}
    if room == "models" and (own := model_of(module)):
        known = KNOWS.get(own, set()) | (DRAWERS_KNOW.get(own, set()) if drawer else set()) | {own, ""}
        wrong |= {name for name in imported if name.startswith("models.") and model_of(name) not in known}
    return wrong


def test_arrows():
    modules = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in FILES}
    wrong = {module: wrong_arrows(module, modules_in(path)) for module, path in modules.items()}
    assert not {module: sorted(names) for module, names in wrong.items() if names}


def test_what_is_no_arrow():
    for module, imported in (
        ("picture.load", "emotion.read"),
        ("music.midi", "sound.audio"),
        ("emotion.read", "emotion.training.ridge"),
        ("models.bars.engine", "models.aria.language"),
        ("models.bars.engine", "models.bars.data.prepare"),
        ("models.bars.engine", "models.bars.training.train"),
        ("models.aria.engine", "models.aria.parity"),
        ("models.aria.engine", "models.plan.model"),
        ("metrics.kid", "models.bars.engine"),
        ("composer", "measure.fit"),
        ("settings", "composer"),
    ):
        assert wrong_arrows(module, {imported}) == {imported}, module


def test_no_circles():
    """No module comes back to itself through what it imports: at its top, inside functions, or for its types alone.

    Left out are the front (`klangbild/__init__.py`, which fetches names when they are asked for) and the places that
    `models/registry.py` names as text: by them the table at the bottom finds the engines at the top.
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
        module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if any(name.split(".")[0] == "torch" for name in imports(path)):
            at_home = module.startswith(("training.", "measure.", "models.published."))
            assert at_home or in_drawer(module) or module.endswith("_torch"), path


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
    """Nor do `train` and `data`, which ask every model for its commands."""
    code = (
        "import sys; from klangbild.cli.main import main; main(['--help']); main(['train', '--help']); "
        "main(['data', 'prepare', '--help']); print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "klangbild.models.bars.commands" in done.stderr.split()
    assert not {"numpy", "torch"} & set(done.stderr.split())


def test_the_page_is_there_before_statistics_are():
    """scipy.stats takes most of a second to load, and nothing that the page is made of needs it."""
    code = "import sys; from klangbild.web.page import page_html; page_html(); print('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


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
