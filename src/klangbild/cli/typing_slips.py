"""Slips of typing on a command line, found before it is parsed, each answered with what to type instead.

argparse sees words and options; a person who wrote `--key D minor` meant one value. Everything here looks at the words as they
came, beside the options that the command knows.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klangbild.errors import UsageError
from klangbild.formats.table import FORMATS
from klangbild.slips import nearest, number_meant

# what other tools call it
_ELSEWHERE = {
    "length": "seconds", "duration": "seconds", "time": "seconds", "bpm": "tempo", "speed": "tempo", "prompt": "text",
    "words": "text", "mood": "text", "style": "text", "scale": "key", "time-signature": "meter", "signature": "meter",
    "temperature": "note-temperature", "temp": "note-temperature", "cfg": "guidance", "guidance-scale": "guidance",
    "negative-prompt": "negative", "num-inference-steps": "steps", "gpu": "device", "cuda": "device", "sf2": "soundfont",
    "font": "soundfont", "force": "overwrite", "yes": "overwrite", "silent": "quiet", "out-dir": "output", "output-dir": "output",
    "dir": "output", "outdir": "output", "name": "filename", "lufs": "loudness", "volume": "loudness", "exclude": "without",
    "random-seed": "seed", "continue-from": "continue", "emotion": "valence", "energy": "arousal", "happiness": "valence",
    "formats": "format", "type": "format", "max-length": "seconds",
}  # fmt: skip
_UNITS = {"s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "bpm", "lufs", "db", "bars", "bar",
          "percent", "%", "steps", "tokens", "beats"}  # fmt: skip
_WRITTEN = {f".{name}" for name in FORMATS if name != "png"}  # a PNG may be a picture
_FILES = {"PICTURE", "FILE.mid", "FILE"}


@dataclass(frozen=True)
class Word:
    """One word of the command line and what it is: "option", "unknown", "value" (of `option`) or "word" (a positional)."""

    text: str
    role: str
    option: argparse.Action | None = None


def read_words(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[Word]:
    """The words as the parser will take them, near enough: an option's values follow it."""
    found: list[Word] = []
    waiting, option = 0.0, None
    for place, text in enumerate(words):
        if text == "--":
            return found + [Word(rest, "word") for rest in words[place + 1 :]]
        is_negative = waiting > 0 and re.match(r"[-−][\d.]", text)
        if text.startswith("-") and text != "-" and not is_negative:
            waiting, option = 0.0, _action(parser, text)
            found.append(Word(text, "option" if option else "unknown", option))
            if option is not None and not _carries_value(parser, text):
                many = {None: 1.0, "?": 1.0, "*": float("inf"), "+": float("inf")}
                waiting = float(option.nargs) if isinstance(option.nargs, int) else many.get(option.nargs, 1.0)
        elif waiting > 0:
            waiting -= 1
            found.append(Word(text, "value", option))
        else:
            found.append(Word(text, "word"))
    return found


def _action(parser: argparse.ArgumentParser, text: str) -> argparse.Action | None:
    known = parser._option_string_actions
    name = text.split("=", 1)[0]
    if name in known:
        return known[name]
    if text.startswith("--"):
        begun = {id(action): action for flag, action in known.items() if flag.startswith(name)}
        return next(iter(begun.values())) if len(begun) == 1 else None
    return known.get(text[:2])


def _carries_value(parser: argparse.ArgumentParser, text: str) -> bool:
    return "=" in text or (not text.startswith("--") and text not in parser._option_string_actions)


def mended(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """The same command line with negative values joined to their options, which argparse takes for options otherwise:
    `--valence -0,5` becomes `--valence=-0,5`.

    Raises:
        UsageError: what was typed is one of the slips that can be told from the words alone.
    """
    read = read_words(parser, words)
    prog = parser.prog
    for word in read:
        _check_word(parser, word)
    _check_spaces(parser, read)
    _check_output(parser, read)
    if unknown := [word for word in read if word.role == "unknown"]:
        raise UsageError(unknown_option(parser, unknown[0].text, prog))
    joined: list[str] = []
    for place, text in enumerate(words):
        word = read[place] if place < len(read) and read[place].text == text else None
        if word and word.role == "value" and re.match(r"[-−][\d.]", text) and joined and joined[-1].startswith("-"):
            joined[-1] = f"{joined[-1]}={text}" if joined[-1].startswith("--") else f"{joined[-1]}{text}"
        else:
            joined.append(text)
    return joined


def _check_word(parser: argparse.ArgumentParser, word: Word) -> None:
    text, known = word.text, parser._option_string_actions
    if not text.strip():
        if word.role == "word":
            raise UsageError("a file name is empty, as of a variable that is not set; leave it out")
        if word.option is not None and word.option.dest not in ("text", "negative"):
            raise UsageError(f"{word.option.option_strings[-1]} is empty; give a value, or leave it out")
    if re.match(r"[–—−]{1,2}[A-Za-z]", text) and not os.path.exists(text):  # noqa: PTH110 - pathlib is slower to import
        name = "--" + text.lstrip("–—−-")
        option = name if _action(parser, name) else "-" + text.lstrip("–—−-") if len(text) == 2 else name
        raise UsageError(f"'{text}' begins with a long dash, as text programs make of two hyphens; write {option}")
    if text[:1] in ("“", "”", "„", "«") and word.role != "word":
        raise UsageError(
            f'{text}: these are not the quotes that a shell knows; write straight ones, like "{text.strip("“”„«»")} ..."'
        )
    single = re.fullmatch(r"-([A-Za-z][\w-]+)(=.*)?", text)
    if single and word.role in ("option", "unknown") and f"--{single[1]}" in known:
        raise UsageError(f"'{text}' needs two hyphens; write --{single[1]}{single[2] or ''}")


def unknown_option(parser: argparse.ArgumentParser, text: str, prog: str) -> str:
    """One line about an option that the command does not have."""
    flags = [flag for flag in parser._option_string_actions if flag.startswith("--")]
    name, _, _value = text.partition("=")
    plain = name.lstrip("-").casefold().replace("_", "-")
    begun = [flag for flag in flags if flag.startswith(name)] if len(name) > 2 else []
    if len(begun) > 1:
        return f"{name} may be {' or '.join(begun)}; write which"
    meant = f"--{plain}" if f"--{plain}" in flags else None
    if elsewhere := _ELSEWHERE.get(plain):
        meant = meant or (f"--{elsewhere}" if f"--{elsewhere}" in flags else None)
    if near := nearest(plain, [flag[2:] for flag in flags], cutoff=0.7):
        meant = meant or f"--{near}"
    if meant:
        return f"{name} is not an option of '{prog}'; did you mean {meant}?"
    if owner := _owner(f"--{plain}", but=prog):
        return f"{name} is an option of '{owner}', not of '{prog}'; leave it out"
    return f"{name} is not an option of '{prog}'; leave it out"


def _owner(flag: str, *, but: str) -> str | None:
    """Which other command has an option of this name, among those made from settings and output."""
    from klangbild.settings import Settings, flag_of

    flags = {flag_of(name) for name in Settings.__dataclass_fields__} | {
        "--format",
        "--filename",
        "--output",
        "--overwrite",
    }
    return "klangbild compose" if flag in flags and but != "klangbild compose" else None


def _check_spaces(parser: argparse.ArgumentParser, read: list[Word]) -> None:
    """A value or a file name that the shell parted at its spaces."""
    if not any(action.metavar in _FILES and not action.option_strings for action in parser._actions):
        return
    for start, end in _runs(read):
        words = [word.text for word in read[start:end]]
        for first in range(len(words)):
            for last in range(first + 1, min(len(words), first + 8)):
                whole = " ".join(words[first : last + 1])
                if not all(map(_there, words[first : last + 1])) and _there(whole):
                    raise UsageError(f"the shell parts words at spaces; write {_quoted(whole)}")
        before = read[start - 1] if start else None
        if before is None or before.role != "value" or before.option is None:
            continue
        loose: list[str] = []
        for text in words:
            if _there(text) or text == "-" or re.search(r"://|[*?/\\]|\.[A-Za-z]\w{1,4}$", text):
                break
            loose.append(text)
        if loose:
            _say_quotes(before, loose)


def _runs(read: list[Word]) -> Iterator[tuple[int, int]]:
    start = None
    for place, word in enumerate([*read, Word("", "end")]):
        if word.role == "word" and start is None:
            start = place
        elif word.role != "word" and start is not None:
            yield start, place
            start = None


def _say_quotes(before: Word, loose: list[str]) -> None:
    """Raises UsageError: words after a value that are no files, and may belong to it."""
    option, value = before.option, before.text
    flag = option.option_strings[-1]
    if option.dest in ("instruments", "without", "format"):
        parts = [part for text in (value, *loose) for part in text.split(",") if part]
        raise UsageError(f"the shell parts words at spaces; write {flag} {','.join(parts)} (no spaces)")
    if number_meant(value) is not None:
        if loose[0].casefold().rstrip(".") in _UNITS:
            meant = number_meant(f"{value} {loose[0]}", seconds=option.dest == "seconds")
            raise UsageError(f"{flag} {value} {loose[0]}: numbers have no unit here; write {flag} {meant or value}")
        return
    if option.choices is None:
        whole = " ".join((value, *loose)).strip("“”„'\"")
        raise UsageError(
            f"'{loose[0]}' is no file; if it belongs to {flag}, write {flag} \"{whole}\" (the shell parts words at spaces)"
        )


def _check_output(parser: argparse.ArgumentParser, read: list[Word]) -> None:
    """A file to write that was named without -o, after the file to read."""
    if "-o" not in parser._option_string_actions or any(word.option and word.option.dest == "output" for word in read):
        return
    given = [word.text for word in read if word.role == "word"]
    for text in given[1:]:
        if (
            not _there(text)
            and (Path(text).suffix.lower() in _WRITTEN or text.endswith(("/", "\\")))
            and _there(given[0])
        ):
            raise UsageError(
                f"{text}: there is no such file; if it is what to write, put -o before it: -o {_quoted(text, bare=True)}"
            )


def _there(text: str) -> bool:
    try:
        return os.path.exists(text)  # noqa: PTH110 - pathlib is slower to import
    except ValueError:
        return False


def _quoted(text: str, *, bare: bool = False) -> str:
    return text if bare and " " not in text else f'"{text}"'


def command_after_options(parser: argparse.ArgumentParser, words: Sequence[str], commands: Any) -> str | None:
    """What to type where the command stands behind options: 'klangbild --seed 7 compose lake.jpg'."""
    for place, word in enumerate(read_words(parser, words)):
        if word.role == "word" and word.text in commands and not _there(word.text):
            rest = [text for at, text in enumerate(words) if at != place]
            return f"the command comes first; write klangbild {shlex.join([word.text, *rest])}"
    return None


# words that people try, and the command they mean
_COMMAND_WORDS = {
    "generate": "compose", "create": "compose", "make": "compose", "music": "compose", "new": "compose", "run": "compose",
    "analyse": "emotion", "analyze": "emotion", "feel": "emotion", "mood": "emotion", "look": "emotion", "see": "emotion",
    "play": "render", "convert": "render", "synth": "render", "repeat": "replay", "again": "replay", "redo": "replay",
    "web": "serve", "page": "serve", "ui": "serve", "gui": "serve", "server": "serve", "start": "serve", "app": "serve",
    "list": "models list", "licence": "models show", "license": "models show", "licences": "models show", "check": "doctor",
    "licenses": "models show", "info": "doctor", "test": "doctor", "version": "--version", "prepare": "data prepare",
    "soundfonts": "fonts", "soundfont": "fonts", "sf2": "fonts", "export": "train export", "score": "measure", "evaluate": "measure", "eval": "measure", "pull": "models pull",
}  # fmt: skip


def first_word(words: Sequence[str], commands: Any) -> str | None:
    """What to say of a first word that is neither a command nor a file nor an option; None where it may be a file's name."""
    word = words[0]
    if word in commands or word.startswith(("-", "–", "—")) or _there(word) or not word.strip():
        return None
    for last in range(2, min(len(words), 8) + 1):
        if _there(" ".join(words[:last])):
            return f"the shell parts words at spaces; write {_quoted(' '.join(words[:last]))}"
    if " " in word.strip() and not re.search(r"[/\\*?]|\.\w{1,5}$", word):
        return f"'{word}' is neither a command nor a file; words to go by are given with --text \"{word}\""
    if not re.fullmatch(r"[^\W\d][\w-]*", word):
        return None
    if meant := _COMMAND_WORDS.get(word.casefold()) or nearest(word, commands, cutoff=0.7):
        return f"'{word}' is neither a command nor a file; did you mean 'klangbild {meant}'?"
    beside = sorted(path.name for path in Path().glob(f"{word}.*"))[:1] if len(word) < 100 else []
    if beside:
        return f"'{word}' is neither a command nor a file; did you mean '{beside[0]}'?"
    return f"'{word}' is neither a command nor a file; give a picture, or one of {', '.join(commands)}"


def plainer(message: str, parser: argparse.ArgumentParser) -> str:
    """argparse's complaint with the next step in it."""
    if found := re.fullmatch(r"argument ([^:]+): expected (?:one|at least one) argument", message):
        flag = found[1].split("/")[-1]
        action = parser._option_string_actions.get(flag)
        example = f", like {flag} {_example(action)}" if action else ""
        return f"{flag} needs a value{example}"
    if found := re.fullmatch(r"argument ([^:]+): ignored explicit argument '?(.*?)'?", message):
        return f"{found[1].split('/')[-1]} takes no value; leave '{found[2]}' out"
    if found := re.fullmatch(r"argument ([^:]+): invalid (int|float) value: '(.*)'", message, re.DOTALL):
        whole = found[2] == "int"
        meant = number_meant(found[3], whole=whole)
        hint = f"write {meant}" if meant else f"give {'a whole number' if whole else 'a number'}"
        return f"{found[1].split('/')[-1]} '{found[3]}' is not {'a whole number' if whole else 'a number'}; {hint}"
    if found := re.fullmatch(r"argument ([^:]+): invalid choice: '(.*)' \(choose from (.*)\)", message, re.DOTALL):
        known = [choice.strip("' ") for choice in found[3].split(",")]
        close = nearest(found[2], known)
        hint = f"did you mean '{close}'?" if close else f"choose from {', '.join(known)}"
        return f"{found[1].split('/')[-1]} '{found[2]}' is not known; {hint}"
    if found := re.fullmatch(r"the following arguments are required: (.*)", message):
        inner = next(
            (a for a in parser._actions if isinstance(a, argparse._SubParsersAction) and a.metavar == found[1]), None
        )
        if inner is not None:
            return f"{found[1]} is missing; choose from {', '.join(inner.choices)}"
        return f"{found[1]} is missing; give it after '{parser.prog}'"
    return message


def _example(action: argparse.Action) -> str:
    if action.choices:
        return str(next(iter(action.choices)))
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    return metavar.split("|")[0]
