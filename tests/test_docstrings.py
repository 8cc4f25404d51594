"""Every public function that takes or gives arrays says in its docstring what shape they have."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "klangbild"
ARRAYS = re.compile(r"\b(ndarray|NDArray|ArrayLike|Tensor|Audio|LongAudio)\b")
BY_NAME = re.compile(r"(?:dict|Mapping)\[str, [\w.]+\]")
# (n,), (rows, columns), (2, frames), (..., 3), (): names and numbers in brackets, with a comma where there is an axis
_SIZE = r"(?:`?[A-Za-z_][\w.]*`?|len\(\w+\)|\d+(?: [a-z]+)?)"
_AXIS = rf"(?:\.\.\.|{_SIZE}(?: ?(?:[-+*/]|//) ?{_SIZE})*)"
SHAPE = re.compile(rf"\({_AXIS},\)|\({_AXIS}(?:, {_AXIS})+,?\)")
# a call or a list of words in a sentence is no shape
CALL = re.compile(r"[\w\]]$")
IN_WORDS = re.compile(r"\b(mono|stereo|scalar)\b")


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
    """Whether a docstring names the shape of an array; words that are a shape count, too.

    >>> states_a_shape("Rows (n, 3) -> (n,)"), states_a_shape("calls f(a, b)"), states_a_shape("as heard (see there, too)")
    (True, False, False)
    """
    return any(not CALL.search(text[: found.start()]) for found in SHAPE.finditer(text)) or bool(IN_WORDS.search(text))


def without_a_shape() -> list[str]:
    """Every function that handles arrays and does not say their shape, as FILE:LINE NAME."""
    return [
        f"{path.relative_to(SOURCE)}:{function.lineno} {function.name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for function in public_functions(ast.parse(path.read_text(encoding="utf-8")))
        if handles_arrays(function) and not states_a_shape(ast.get_docstring(function) or "")
    ]


def test_every_function_of_arrays_states_their_shape():
    missing = without_a_shape()
    assert not missing, "say the shape, like (rows, columns) or (n,), in the docstring of\n" + "\n".join(missing)


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
