"""What the site has beyond docs/: the root folder's pages, and a reference page for each module, made from the docstrings.

A hook of mkdocs. Links are written for a reader of the repository; here they are turned so that they lead to the same thing on the
site. What is not on the site (source files, configurations) is named without a link.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
OF_ROOT = {"README.md": "index.md"} | {
    name: name for name in ("CONTRIBUTING.md", "SECURITY.md", "LICENSES.md", "CHANGELOG.md")
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[\w-]+)?\)")
_IMAGE = re.compile(r'(<img src=")([^":]+)(")')


def on_files(files, config):
    """Adds the root folder's pages, the pictures that they show, and the reference."""
    for source, target in OF_ROOT.items():
        files.append(File.generated(config, target, content=(ROOT / source).read_text(encoding="utf-8")))
    for picture in sorted((ROOT / "examples" / "pictures").glob("*.jpg")):
        files.append(File.generated(config, f"examples/pictures/{picture.name}", abs_src_path=str(picture)))
    files.append(File.generated(config, "assets/wide.css", content=".md-grid { max-width: 76rem; }\n"))
    for target, text in reference().items():
        files.append(File.generated(config, target, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turns the links of a page that is also read in the repository; indented code stays as it is."""
    target = page.file.src_uri
    if target.startswith("reference/"):
        return markdown
    at = next((ROOT / source for source, name in OF_ROOT.items() if name == target), ROOT / "docs" / target)

    def turned(link: str) -> str | None:
        file = (at.parent / link).resolve()
        if not file.is_relative_to(ROOT):
            return None
        inside = file.relative_to(ROOT).as_posix()
        name = OF_ROOT.get(inside, inside.removeprefix("docs/"))
        if files.get_file_from_path(name) is None:
            return None
        return os.path.relpath(name, Path(target).parent).replace(os.sep, "/")

    def link(found: re.Match) -> str:
        to = turned(found[3])
        return f"{found[1]}[{found[2]}]({to}{found[4] or ''})" if to else f"{found[2]} (`{found[3]}`)"

    def image(found: re.Match) -> str:
        return found[1] + (turned(found[2]) or found[2]) + found[3]

    return "\n".join(
        line if line.startswith("    ") else _IMAGE.sub(image, _LINK.sub(link, line)) for line in markdown.split("\n")
    )


def reference() -> dict[str, str]:
    """{path on the site: Markdown}: the public names, a list of all modules, and a page for each folder of them."""
    from_package = ast.parse((SOURCE / "klangbild" / "__init__.py").read_text(encoding="utf-8"))
    public = next(
        ast.literal_eval(node.value)
        for node in from_package.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_PUBLIC"
    )
    said = (ast.get_docstring(from_package) or "").split("\n\n")[0]
    pages = {
        "reference/klangbild.md": f"# klangbild\n\n{said}\n\n" + "\n\n".join(f"::: {m}.{n}" for n, m in public.items())
    }
    rooms: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name not in ("__main__.py",):
            folder = path.relative_to(SOURCE / "klangbild").parent.as_posix()
            rooms.setdefault("the top folder" if folder == "." else folder, []).append(path)
    lines = ["# Every module", ""]
    for room, paths in rooms.items():
        page = f"reference/{room.replace('/', '-').replace(' ', '-')}.md"
        pages[page] = f"# {room}\n\n" + "\n\n".join(f"::: {dotted(path)}" for path in paths)
        lines += [f"## [{room}]({Path(page).name})", ""]
        for path in paths:
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            first = " ".join(text.split("\n\n")[0].split()).replace("[", "\\[")
            lines.append(f"* `{dotted(path).removeprefix('klangbild.')}`: {first}")
        lines.append("")
    pages["reference/index.md"] = "\n".join(lines)
    return pages


def dotted(path: Path) -> str:
    """A source file's name in Python: .../klangbild/sound/mix.py -> klangbild.sound.mix."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
