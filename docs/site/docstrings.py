"""Docstrings as the site shows them: doctests become code, and the parts of a metric's docstring ("Conventions", "Metrics") headings.

An extension of griffe, which reads the docstrings for mkdocs. In the source they stay as a reader of the source wants them.
"""

from __future__ import annotations

import re

import griffe

# a name, two blanks or more, and what it means: a row of the table in "Metrics"
_ROW = re.compile(r"^ {4}(\w[\w, ]*?) {2,}(\S.*)$")
_PART = re.compile(r"^[A-Z][a-z]+$")


class AsMarkdown(griffe.Extension):
    """Rewrites each docstring as it is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: object) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """A docstring's text, without its indentation, as Markdown with the sections that griffe knows.

    >>> as_markdown("Metrics\\n    pulse  how steady it is.")
    '**Metrics**\\n\\n* `pulse`: how steady it is.'
    """
    out: list[str] = []
    code = headed = False
    for line, following in zip((lines := text.split("\n")), [*lines[1:], ""], strict=True):
        if code and not line:
            out.append("```")
            code = False
        elif line.startswith(">>>") and not code:
            out.append("```python")
            code = True
        if line and not line.startswith(" "):
            headed = bool(_PART.match(line)) and following.startswith("    ")
            out += [f"**{line}**", ""] if headed else [line]
        elif headed and (row := _ROW.match(line)):
            out += ["", f"* `{row[1]}`: {row[2]}"] if out[-1] else [f"* `{row[1]}`: {row[2]}"]
        else:
            out.append(line.strip() if headed else line)
    return "\n".join([*out, "```"] if code else out)
