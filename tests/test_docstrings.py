"""Every public function that takes or gives arrays says in its docstring what shape they have."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "klangbild"
# how many do not, today. It may only fall: write the shapes and lower it
MISSING = 137
ARRAYS = re.compile(r"\b(ndarray|NDArray|ArrayLike|Tensor|Audio|LongAudio)\b")
BY_NAME = re.compile(r"(?:dict|Mapping)\[str, [\w.]+\]")
# (n,), (rows, columns), (2, frames), (..., 3), (): names and numbers in brackets, with a comma where there is an axis
_AXIS = r"(?:\.\.\.|[A-Za-z_]\w*(?: ?[-+*/] ?\w+)*|\d+(?: ?[-+*/] ?\w+)*)"
SHAPE = re.compile(rf"\({_AXIS},\)|\({_AXIS}(?:, {_AXIS})+,?\)")
# a call or a list of words in a sentence is no shape
CALL = re.compile(r"[\w\]]$")
AUDIO = re.compile(r"\b(mono|stereo|channels?)\b")


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions and methods without an underscore in front of them or of their class."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                waiting.append(node)
            elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                yield node


def handles_arrays(function: ast.FunctionDef) -> bool:
    """Whether an argument or the answer is an array by its annotation. Weights by name have each a shape of their own."""
    arguments = function.args
    hints = [a.annotation for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)] + [
        function.returns
    ]
    return any(ARRAYS.search(BY_NAME.sub("", ast.unparse(hint))) for hint in hints if hint)


def states_a_shape(text: str) -> bool:
    """Whether a docstring names the shape of an array; `Audio`, whose shape its class states, wants its channels told at least.

    >>> states_a_shape("Rows (n, 3) -> (n,)"), states_a_shape("calls f(a, b)"), states_a_shape("as heard (see there, too)")
    (True, False, False)
    """
    return any(not CALL.search(text[: found.start()]) for found in SHAPE.finditer(text)) or bool(AUDIO.search(text))


def without_a_shape() -> tuple[int, Counter]:
    """(functions that handle arrays, {file: how many of its do not state a shape})."""
    handling, missing = 0, Counter()
    for path in sorted(SOURCE.rglob("*.py")):
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            if handles_arrays(function):
                handling += 1
                if not states_a_shape(ast.get_docstring(function) or ""):
                    missing[str(path.relative_to(SOURCE))] += 1
    return handling, missing


def test_shapes_are_stated():
    handling, missing = without_a_shape()
    worst = ", ".join(f"{file} {count}" for file, count in missing.most_common(12))
    assert sum(missing.values()) <= MISSING, f"{sum(missing.values())} of {handling} state no shape: {worst}"


def test_what_counts_as_a_shape():
    for text in (
        "Rows (n, 3) float32 -> (n,).",
        "maps (batch, 4, h, w)",
        "(..., 2) in seconds",
        "(frames - 1,)",
        "scalar () or (n,)",
    ):
        assert states_a_shape(text), text
    for text in ("calls f(a, b)", "as heard (see there)", "valence [-1, 1]", "in Hz", "list[str, int]", ""):
        assert not states_a_shape(text), text


if __name__ == "__main__":
    for path in sorted(SOURCE.rglob("*.py")):
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            if handles_arrays(function) and not states_a_shape(ast.get_docstring(function) or ""):
                print(f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}")
