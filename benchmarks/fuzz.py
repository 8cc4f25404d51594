"""Damaged and foreign inputs, thousands of them, through the doors that users have: nothing may hurt.

    python benchmarks/fuzz.py                          10,000 cases: pictures, MIDI, SoundFonts, records, checkpoints, REST bodies
    python benchmarks/fuzz.py --cases 600 --seed 3 --kinds midi rest

Each case is one input that was whole and has been wounded (`fuzz_cases.py`), given to the command line's own `main` or to the
REST application, in a process of its own kind. A complaint is: a traceback, an exit code that is none of 0 1 2 4, a refusal that
is not told in a line, more than 20 s, more than 1 GB (peak), something left behind after a refusal, a 5xx answer. A case is made
again by its number: `--kinds midi --only 1234`. Prints one JSON line a complaint, then a table. Exit code 1 when there is any.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import queue
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fuzz_cases as cases

SHARES = {"pictures": 0.4, "midi": 0.25, "soundfonts": 0.1, "records": 0.1, "checkpoints": 0.05, "rest": 0.1}
LIMIT_S, LIMIT_MB = 20.0, 1000.0
Attempt = Callable[[int], str | None]
"""Makes and tries one case; gives what is wrong with how it was met, or None."""


# --- in the child ------------------------------------------------------------------------------------------------------


def run_command(argv: list[str]) -> tuple[str | None, int]:
    """One command line in this process -> (what is wrong with how it ended, exit code)."""
    from klangbild.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(argv)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - whatever escapes is the complaint
        return f"{type(error).__name__}: {str(error)[:200]}", -1
    told = [line for line in err.getvalue().splitlines() if line.strip()]
    if any("Traceback" in line for line in told):
        return "a traceback: " + told[-1][:200], code
    if code not in (0, 1, 2, 4):
        return f"exit code {code}", code
    if code and not any(line.startswith(("Error", "klangbild")) for line in told) and '"error"' not in out.getvalue():
        return f"exit code {code} without a line that says why: {' / '.join(told)[:200]}", code
    return None, code


def left_behind(folder: Path, expected: set[str]) -> str | None:
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} - expected
    return f"left behind: {', '.join(sorted(found))[:200]}" if found else None


def pictures(folder: Path, seed: int) -> Attempt:
    whole = cases.pictures()

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-pictures-{number}")
        suffix, data = rng.choice(whole)
        others = [other for _, other in whole]
        name = f"a.{suffix if rng.random() < 0.9 else rng.choice(whole)[0]}"
        (folder / name).write_bytes(cases.mutate(data, rng, others=others))
        wrong, _ = run_command(["emotion", str(folder / name)])
        wrong = wrong or left_behind(folder, {name})
        (folder / name).unlink()
        return wrong

    return attempt


def midi(folder: Path, seed: int) -> Attempt:
    from PIL import Image

    whole = cases.midi_files()
    picture = folder / "picture.png"
    Image.new("RGB", (32, 24), (90, 120, 200)).save(picture)

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-midi-{number}")
        (folder / "in.mid").write_bytes(cases.mutate(rng.choice(whole), rng, others=whole))
        way, out = rng.random(), folder / "out"
        if way < 0.6:
            argv = ["measure", "notes", str(folder / "in.mid")]
        elif way < 0.9:
            argv = ["render", str(folder / "in.mid"), "-o", str(out / "a.wav")]
        else:
            argv = [
                "compose",
                str(picture),
                "--continue",
                str(folder / "in.mid"),
                "--bars",
                "1",
                "--seed",
                "1",
                "-f",
                "mid",
            ]
            argv += ["-o", str(out)]
        out.mkdir(exist_ok=True)
        wrong, code = run_command(argv)
        made = left_behind(folder, {"in.mid", "picture.png"}) if code else None
        shutil.rmtree(out, ignore_errors=True)
        return wrong or made

    return attempt


def soundfonts(folder: Path, seed: int) -> Attempt:
    whole = cases.soundfont()
    (folder / "in.mid").write_bytes(cases.midi_files()[1])

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-soundfonts-{number}")
        (folder / "a.sf2").write_bytes(cases.mutate(whole, rng, others=[whole]))
        out = folder / "out.wav"
        wrong, code = run_command(
            ["render", str(folder / "in.mid"), "--soundfont", str(folder / "a.sf2"), "-o", str(out), "--overwrite"]
        )
        made = left_behind(folder, {"in.mid", "a.sf2"}) if code else None
        out.unlink(missing_ok=True)
        return wrong or made

    return attempt


def records(folder: Path, seed: int) -> Attempt:
    from PIL import Image

    from klangbild import compose

    Image.new("RGB", (32, 24), (90, 120, 200)).save(folder / "picture.png")
    whole: list[tuple[str, bytes]] = []
    for engine in ("notes", "art2mus", "melfusion"):
        made = compose(folder / "picture.png", seconds=1, seed=1, engine=engine).save(
            folder / engine, ("json", "mid", "png", "wav")
        )
        whole += [(path.suffix, path.read_bytes()) for path in made.values()]
        shutil.rmtree(folder / engine)
    (folder / "picture.png").unlink()

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-records-{number}")
        suffix, data = rng.choice([one for one in whole if one[0] == ".json"] if rng.random() < 0.7 else whole)
        if suffix == ".json" and rng.random() < 0.9:
            wounded = cases.mutate_json(json.loads(data), rng)
            data = json.dumps(wounded).encode("utf-8", "surrogatepass")
        else:
            data = cases.mutate(data, rng, others=[data])
        name = f"a{suffix}"
        (folder / name).write_bytes(data)
        wrong, code = run_command(["replay", str(folder / name), "-o", str(folder / "out"), "-f", "mid"])
        made = left_behind(folder, {name}) if code else None
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / name).unlink()
        return wrong or made

    return attempt


def checkpoints(folder: Path, seed: int) -> Attempt:
    home = folder / "home"
    os.environ["KLANGBILD_HOME"] = str(home)
    cases.checkpoint(folder / "whole")
    files = {path.name: path.read_bytes() for path in (folder / "whole").iterdir()}
    source = folder / "run"

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-checkpoints-{number}")
        source.mkdir(exist_ok=True)
        wounded = rng.choice(sorted(files))
        for name, data in files.items():
            (source / name).write_bytes(
                cases.mutate(data, rng, others=list(files.values())) if name == wounded else data
            )
        wrong, code = run_command(["models", "add", "aria", "--from", str(source), "--name", "wounded"])
        kept = [str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()] if home.exists() else []
        shutil.rmtree(home, ignore_errors=True)
        return wrong or (f"left behind: {', '.join(kept)[:200]}" if code and kept else None)

    return attempt


def rest(folder: Path, seed: int) -> Attempt:
    from starlette.testclient import TestClient

    from klangbild.web.app import Options, make_app

    client = TestClient(make_app(Options(warm=False, local=False, folder=folder)), raise_server_exceptions=False)
    client.__enter__()  # its end comes with the process
    picture = cases.pictures()[4][1]
    whole = {
        "seconds": 1,
        "seed": 1,
        "text": "calm",
        "instruments": ["piano"],
        "valence": 0.5,
        "key": "D",
        "candidates": 1,
    }
    routes = [
        ("GET", p)
        for p in ("/v1/runs/{}", "/v1/runs/{}/roll", "/v1/runs/{}/files/{}", "/v1/pictures/{}", "/static/{}", "/{}")
    ]
    routes += [
        ("DELETE", "/v1/runs/{}"),
        ("GET", "/v1/emotion?text={}&picture={}"),
        ("PUT", "/v1/compose"),
        ("HEAD", "/v1/{}"),
    ]
    names = [
        "..",
        "%2e%2e%2fetc%2fpasswd",
        "/etc/passwd",
        "x" * 300,
        "%00",
        "a/../../b",
        "\\..\\",
        "%ff",
        "models",
        "ä",
        "",
    ]

    def attempt(number: int) -> str | None:
        rng = random.Random(f"{seed}-rest-{number}")
        way = rng.random()
        if way < 0.25:
            method, route = rng.choice(routes)
            answer = client.request(method, route.format(*(rng.choice(names) for _ in range(route.count("{}")))))
        elif way < 0.6:
            body = json.dumps(cases.mutate_json(whole, rng)).encode("utf-8", "surrogatepass")
            if rng.random() < 0.3:
                body = cases.mutate(body, rng, others=[b"[" * 500, b'{"a":' * 99])
            path = rng.choice(("/v1/compose", "/v1/compose", "/v1/emotion", "/v1/settings"))
            answer = client.post(path, content=body, headers={"content-type": "application/json"})
        else:
            data = cases.mutate_json(whole, rng)
            fields = {str(k)[:50]: str(v)[:5000] for k, v in data.items()} if isinstance(data, dict) else {}
            fields = {
                k.encode("utf-8", "replace").decode(): v.encode("utf-8", "replace").decode() for k, v in fields.items()
            }
            sent = cases.mutate(picture, rng, others=[picture]) if rng.random() < 0.7 else picture
            name = rng.choice(("a.png", "../../a.png", "", "a\0b.png", "ä" * 200, "con.png"))
            part = rng.choice(("picture", "picture", "picture", "files", "continue_from", "file"))
            answer = client.post(rng.choice(("/v1/compose", "/v1/emotion")), data=fields, files={part: (name, sent)})
        if answer.status_code == 202:
            client.delete(answer.headers["location"])
        if answer.status_code >= 500:
            return f"answer {answer.status_code}: {answer.text[:200]}"
        if answer.status_code >= 400 and answer.request.method != "HEAD":
            told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            if not isinstance(told.get("error"), str):
                return f"answer {answer.status_code} without a sentence: {answer.text[:200]}"
            if str(folder) in answer.text or "/site-packages/" in answer.text:
                return f"tells a path of the server: {answer.text[:200]}"
        return None

    return attempt


def child(kind: str, seed: int, numbers: list[int], folder: Path) -> None:
    """Try the numbered cases, telling before and after each on what was standard output."""
    speech = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    attempt = globals()[kind](folder, seed)
    for number in numbers:
        print(json.dumps({"begin": number}), file=speech)
        try:
            wrong = attempt(number)
        except Exception as error:  # noqa: BLE001 - met on the way to us, or in this file
            wrong = f"outside of the door: {type(error).__name__}: {str(error)[:200]}"
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"end": number, "wrong": wrong, "peak_mb": peak_mb}), file=speech)


# --- in the parent -----------------------------------------------------------------------------------------------------


def watch(kind: str, seed: int, numbers: list[int]) -> Iterator[tuple[int, str | None]]:
    """(number, complaint or None) of each case; a child that hangs, dies or grows is ended and another goes on."""
    left = list(numbers)
    while left:
        with tempfile.TemporaryDirectory(prefix=f"fuzz-{kind}-") as folder:
            command = [sys.executable, __file__, "--child", kind, "--seed", str(seed), "--folder", folder]
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            process.stdin.write(json.dumps(left))
            process.stdin.close()
            heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
            threading.Thread(target=_hear, args=(process.stdout, heard), daemon=True).start()
            current, patience_s = None, 120.0  # the first inputs are made, libraries loaded
            while left:
                try:
                    message = heard.get(timeout=patience_s)
                except queue.Empty:
                    yield left.pop(0), f"no end after {patience_s:.0f} s"
                    break
                if message is None:
                    died = left.pop(0) if current is not None else None
                    process.wait()
                    if died is None:
                        raise SystemExit(
                            f"the child for {kind} ends before its first case; run it alone: {' '.join(command)}"
                        )
                    yield died, f"the process died ({process.returncode})"
                    break
                if "begin" in message:
                    current, patience_s = message["begin"], LIMIT_S
                else:
                    left.pop(0)
                    grew = message["peak_mb"] > LIMIT_MB
                    yield current, message["wrong"] or (f"{message['peak_mb']:.0f} MB" if grew else None)
                    if grew:
                        break
            process.kill()
            process.wait()


def _hear(lines: Any, heard: queue.Queue) -> None:
    for line in lines:
        heard.put(json.loads(line))
    heard.put(None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=cases.KINDS, default=list(cases.KINDS))
    parser.add_argument("--only", type=int, nargs="+", help="these numbers of one kind")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.seed, json.load(sys.stdin), arguments.folder)
        return 0
    total = sum(SHARES[kind] for kind in arguments.kinds)
    complaints: Counter[str] = Counter()
    print(f"{'kind':12} {'cases':>6} {'complaints':>10} {'seconds':>8}")
    for kind in arguments.kinds:
        count = round(arguments.cases * SHARES[kind] / total)
        started = time.monotonic()
        for number, wrong in watch(kind, arguments.seed, arguments.only or list(range(count))):
            if wrong:
                complaints[kind] += 1
                print(json.dumps({"kind": kind, "case": number, "wrong": wrong}), flush=True)
        print(
            f"{kind:12} {len(arguments.only or range(count)):6} {complaints[kind]:10} {time.monotonic() - started:8.1f}",
            flush=True,
        )
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
