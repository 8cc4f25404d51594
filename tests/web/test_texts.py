"""Every word of the page stands in `texts.py`: the scripts and the HTML have none of their own, and each name they use is there."""

import re
from pathlib import Path

import pytest

from klangbild.web import texts

STATIC = Path(texts.__file__).parent / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
_PLACE = re.compile(r"\{(\w+)\}")


def literals(script: str) -> list[str]:
    """What stands in quotes in a script, without its comments."""
    bare = re.sub(r"^\s*//.*$|\s// .*$", "", script, flags=re.MULTILINE)
    return [a or b or c for a, b, c in re.findall(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`([^`]*)`', bare)]


def is_prose(text: str) -> bool:
    """Two words in a row, a capital and small letters, or a word before a place: what people read, not what programs do."""
    text = re.sub(r"<[^>]*>|\$\{[^}]*\}", "#", text)
    drawing = re.fullmatch(r"[MLHV\d\s.,#%-]*|rgb\(#\)|url\(.*\)|(rotate|translate)\(.*", text)
    selector = re.search(r"[\[\].=:]|^#[\w-]+", text) and not text.endswith(".")
    return (
        not drawing and not selector and bool(re.search(r"[A-Za-z]{2,},? [A-Za-z]{2,}|^[A-Z][a-z]+|[a-z]{3,} #", text))
    )


# names of events, attributes and keys that begin with a capital or have a space
NO_PROSE = {"NotAllowedError", "ArrowLeft", "ArrowRight", "Files", "Home", "AbortError", "Enter", "Escape"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_says_words_of_its_own(path):
    found = [text for text in literals(path.read_text(encoding="utf-8")) if is_prose(text) and text not in NO_PROSE]
    assert not [text for text in found if "system-ui" not in text and "notes loading" not in text]


def test_prose_is_known_from_programs():
    assert all(
        map(is_prose, ("Your picture", "Copied", "You are number ${place} in line", "The server answered ${a}; try"))
    )
    assert not any(
        map(is_prose, ("M-100 0H100", "drop-words", "e-${name}", ".drop-words span", "aria-label", "rgb(${a})"))
    )


def test_names_and_places_of_the_scripts_are_those_of_the_texts():
    script = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    facts = {name for name in texts.SCRIPT if name.startswith("fact_")}
    assert {name for name in texts.SCRIPT if f'"{name}"' in script} == set(texts.SCRIPT) - facts
    assert set(re.findall(r'\bt\("(\w+)"', script)) <= set(texts.SCRIPT)
    for name, values in re.findall(r'\bt\("(\w+)", \{([^}]*)\}', script):
        bare = re.sub(r'"[^"]*"|\([^()]*\)', "", values)
        places = set(re.findall(r"(?:^|,)\s*(\w+)", bare))
        assert places == set(_PLACE.findall(texts.SCRIPT[name])), name
    factory = (STATIC / "result.js").read_text(encoding="utf-8")
    listed = re.search(r"return \{\n    length: .*?\n  \};", factory, re.DOTALL)[0]
    assert {f"fact_{name}" for name in re.findall(r"^    (\w+):", listed, re.MULTILINE)} == facts


def test_the_html_has_words_from_the_texts_only():
    page = (STATIC / "page.html").read_text(encoding="utf-8")
    between = re.findall(r">([^<>]*[A-Za-z][^<>]*)<", page.split("<body>")[1])
    labels = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]+)"', page)
    left = [re.sub(r"\$\w+", "", text).strip() for text in between + labels]
    assert set(left) - {""} <= {"◐", "Python", "klangbild  ·"}
    assert '<html lang="$language">' in page
