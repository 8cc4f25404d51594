"""What may be done with the weights of others, said before they are first used.

None of these weights ship with klangbild. A model whose licence is not known here, and that does not state one in its
folder (`license:` in the head of README.md), counts as "unknown" and is refused for commercial use like a
non-commercial one: silence is no permission.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from klangbild.errors import UsageError

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Licence:
    """Licence of one set of weights. `commercial` is None when it is not known."""

    weights: str
    name: str
    commercial: bool | None
    note: str = ""

    @property
    def line(self) -> str:
        """One line for a person."""
        return f"{self.weights}: {self.name} ({self.use}){'; ' + self.note if self.note else ''}"

    @property
    def use(self) -> str:
        """What may be done, in a few words."""
        return {True: "commercial use allowed", False: "no commercial use", None: "commercial use not known"}[
            self.commercial
        ]


KNOWN: dict[str, Licence] = {
    licence.weights: licence
    for licence in (
        Licence("cvssp/audioldm2", "CC BY-NC-SA 4.0", False),
        Licence("cvssp/audioldm2-music", "CC BY-NC-SA 4.0", False),
        Licence("cvssp/audioldm2-large", "CC BY-NC-SA 4.0", False),
        Licence("cvssp/audioldm-s-full-v2", "CC BY-NC-SA 4.0", False),
        Licence("imagebind_huge", "CC BY-NC-SA 4.0", False),
        Licence("art2mus_img_proj_layer", "not stated by its authors", None, "trained on ArtGraph and FMA"),
        *(
            Licence(f"declare-lab/{name}", "CC BY-NC-SA 4.0", False)
            for name in (
                "tango-full-ft-audio-music-caps",
                "tango-full-ft-audiocaps",
                "tango-full",
                "tango",
                "tango2",
                "tango2-full",
            )
        ),
        *(
            Licence(f"{owner}/stable-diffusion-2-1", "CreativeML Open RAIL++-M", True, "with use restrictions")
            for owner in ("stabilityai", "sd2-community")
        ),
        Licence("google/flan-t5-large", "Apache-2.0", True),
        Licence("laion/clap-htsat-unfused", "Apache-2.0", True),
    )
}

_FREE = re.compile(r"^(mit|apache|bsd|cc0|cc-by-4|cc-by-sa-4|openrail|creativeml-openrail)", re.IGNORECASE)
_FORBIDDEN = re.compile(r"(-nc\b|-nc-|noncommercial|non-commercial|research)", re.IGNORECASE)


def licence_of(name: str, folder: Path | None = None) -> Licence:
    """The licence of weights called `name`, known here or stated in their folder."""
    if name in KNOWN:
        return KNOWN[name]
    if folder is not None and (added := _stated_by_us(name, folder)) is not None:
        return added
    stated = _stated_in(folder) if folder is not None else None
    if stated is None:
        return Licence(name, "licence not stated", None)
    commercial = False if _FORBIDDEN.search(stated) else True if _FREE.search(stated) else None
    return Licence(name, stated, commercial)


def show_licences(licences: Iterable[Licence], *, commercial: bool = False, announce: Announce | None = None) -> None:
    """Say each licence, one line each; to stderr unless `announce` takes them.

    Raises:
        UsageError: `commercial` is wished and a licence forbids it or is not known.
    """
    say = announce or _to_stderr
    licences = list(licences)
    for licence in licences:
        say(licence.line)
    refused = [licence for licence in licences if not licence.commercial]
    if commercial and refused:
        raise UsageError(
            f"--commercial: commercial use refused: {refused[0].weights} is under {refused[0].name!r}; "
            "use the shipped engine 'notes' or weights that allow it"
        )


def _stated_by_us(name: str, folder: Path) -> Licence | None:
    """What the config of an added model says of it, or of the part that a folder in it is."""
    for config, part in ((folder / "config.json", None), (folder.parent / "config.json", folder.name)):
        try:
            told = json.loads(config.read_text(encoding="utf-8"))
            told = told if part is None else told["downloads"][part]
            called = name if part is None else f"{folder.parent.name}/{part}"
            return Licence(called, str(told["licence"]), told["commercial"] is True)
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _stated_in(folder: Path) -> str | None:
    """The `license:` of a model card's head."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    match = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL)
    found = match and re.search(r"^license:\s*[\"']?([^\s\"']+)", match.group(1), flags=re.MULTILINE)
    return found.group(1) if found else None


def _to_stderr(line: str) -> None:
    print(f"Licence of {line}", file=sys.stderr)
