"""What the README and the guide tell people to type does what they say, in the checkout as it stands; every other command that
the docs, the messages and the configurations name is one that the command line knows."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from klangbild.cli import main as cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / name for name in ("README.md", "LICENSES.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    ROOT.glob("docs/*.md")
)
BINARY = re.compile(r"^(?:\.venv/bin/)?klangbild\b")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """The checkout's files by their own names, in a folder that may be written to."""
    for path in ROOT.iterdir():
        if path.name not in (".git", "out", "album", "calmer", "again", "runs"):
            (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def blocks(page: Path) -> list[tuple[str, str]]:
    """("sh" or "python", text) of the page's code blocks, indented or fenced, in order."""
    found, fence, lines = [], None, []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("```"):
            if fence is not None:
                found.append((fence, "\n".join(lines)))
                fence, lines = None, []
            else:
                fence = line[3:].strip() or "sh"
        elif fence is not None:
            lines.append(line)
        elif line.startswith("    "):
            found.append(("sh", line.strip()))
    return found


def words_of(line: str) -> list[str]:
    return shlex.split(line, comments=True)


def run_line(line: str, capsys) -> None:
    """A line of a shell block; what makes environments, or never ends, is left to `make demo` and the page's own tests."""
    words = words_of(line)
    if (
        not words
        or words[0] in ("make", "python", "pip", "source")
        or "pip" in words[0]
        or words[:2] == ["klangbild", "serve"]
    ):
        return
    if ">" in words:
        words = words[: words.index(">")]
    # as a shell does
    words = [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    if words[0] == "cp":
        shutil.copy(words[1], words[2])
        return
    assert BINARY.match(words[0]), line
    code = cli.main(words[1:])
    said = capsys.readouterr()
    assert code == 0, f"{line}\n{said.err}"
    if words[1] not in ("emotion", "doctor", "models") and "--json" not in words:
        written = said.out.split()
        assert written and all(Path(name).stat().st_size for name in written), line


@pytest.mark.parametrize("page", ["README.md", "docs/using.md"])
def test_a_pages_commands_run_as_they_stand(checkout, page, capsys, monkeypatch):
    if shutil.which("cp") is None:
        pytest.skip("the guide copies a picture with cp")
    for kind, text in blocks(ROOT / page):
        if kind == "python":
            exec(compile(text, page, "exec"), {})
        else:
            for line in text.splitlines():
                run_line(line, capsys)


def named_commands(text: str) -> list[tuple[str, bool]]:
    """(command, whether it is meant to be typed as it stands): lines of a block are, mentions in a sentence may be short."""
    lines = re.findall(r"^(?: {2,}|# |\$ )((?:\.venv/bin/)?klangbild .*)$", text, re.MULTILINE)
    mentions = re.findall(r"`((?:\.venv/bin/)?klangbild [^`\n]+)`", text) + re.findall(
        r"'(klangbild [a-z][^'\n]*)'", text
    )
    found = []
    for said, typed in [*((line, True) for line in lines), *((mention, False) for mention in mentions)]:
        for command in re.split(r"; | && | then (?=klangbild)", re.split(r" {3,}|\s# | \d?> ", said)[0]):
            if BINARY.match(command.strip()):
                found.append((BINARY.sub("", command.strip()).strip(), typed))
    return found


def check(command: str, typed: bool, capsys) -> str | None:
    """What is wrong with a command that somebody is told to type; None when argparse takes it."""
    try:
        words = [word.strip("[]") for word in words_of(command) if word.strip("[]")]
    except ValueError:
        return None  # cut out of a sentence
    short = next((i for i, word in enumerate(words) if re.search(r"\.\.\.|[{}]|^[A-Z]+$|\|", word)), len(words))
    if "..." in words:
        words, short = words[: words.index("...")], 0
    if not words or words[0] in ("--help", "--version", "COMMAND"):
        return None
    try:
        name, rest = cli._command(words)
        parser, rest = cli._deepest(cli._parser(name), rest)
        unknown = [w for w in rest if w.startswith("--") and w.split("=")[0] not in parser._option_string_actions]
        if unknown and not parser._subparsers:
            return f"{unknown[0]} is not an option of {parser.prog}"
        if not unknown and "--help" not in rest and (rest or typed):
            cli._parse(parser, rest)
    except cli.UsageError as error:
        return str(error)
    except SystemExit:
        said = capsys.readouterr().err
        if (typed and short == len(words)) or not re.search("is missing|needs a value|choose from|did you mean", said):
            return said
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_in_the_docs_is_one_that_exists(checkout, page, capsys):
    wrong = {}
    for command, typed in named_commands(page.read_text(encoding="utf-8")):
        if complaint := check(command, typed, capsys):
            wrong[command] = complaint
    assert not wrong, "\n".join(f"{command}: {why}" for command, why in wrong.items())


def test_every_command_in_a_message_or_a_configuration_exists(checkout, capsys):
    wrong = {}
    sources = (
        sorted((ROOT / "src").rglob("*.py")) + sorted(ROOT.glob("configs/*")) + sorted(ROOT.glob("benchmarks/*.py"))
    )
    for path in sources:
        if path.is_file() and path.suffix in (".py", ".toml"):
            for command, _ in named_commands(path.read_text(encoding="utf-8")):
                if complaint := check(command, False, capsys):
                    wrong[f"{path.relative_to(ROOT)}: {command}"] = complaint
    assert not wrong, "\n".join(f"{command}: {why}" for command, why in wrong.items())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_file_of_ours_that_the_docs_name_is_there(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.-])((?:src|examples|benchmarks|tests|configs|docs|checkpoints)/[\w./-]*[\w/])", text)
    named += [
        str(Path(page.parent.relative_to(ROOT), link))
        for link in re.findall(r"\]\(([\w./-]+\.\w+)(?:#[\w-]*)?\)", text)
    ]
    missing = [name for name in named if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))]
    assert not missing


def test_the_measures_that_need_prepared_data_stand_in_the_docs():
    from klangbild.cli.measure import MEASURES

    text = (ROOT / "docs" / "measure.md").read_text(encoding="utf-8")
    table = text[text.index("| measure | needs |") :].split("\n\n")[0]
    named = {name for row in table.splitlines()[2:-2] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}
    assert named == {name for name, measure in MEASURES.items() if measure.prepared}


@pytest.mark.parametrize(
    "line",
    ["nll x.onnx", "nearness", "controls", "judge", "reference", "synapse", "ways"],
)
def test_without_prepared_data_the_refusal_names_the_command_that_makes_it(
    klangbild, tmp_path, monkeypatch, capsys, line
):
    monkeypatch.chdir(tmp_path)
    Path("x.onnx").write_bytes(b"")
    code, _, err = klangbild("measure", *line.split())
    assert code == 1 and err.count("\n") == 1 and "data/prepared/" in err
    command = re.search(r"make (?:it|them) with 'klangbild ([^']*)'", err)
    assert command and check(command[1], True, capsys) is None, err
