"""How fast the page is, and whether it holds with many visitors. Run on a quiet machine, and quote the machine with the numbers.

python benchmarks/page.py ready                 seconds from `klangbild serve` to the page, and click to notes and to sound
python benchmarks/page.py crowd --minutes 4     30 clients at once through the API, three of them sending damaged pictures and wishes,
                                                the worker killed every half minute: nothing lost or mixed, memory flat
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CHROMIUM = os.environ.get("KLANGBILD_CHROMIUM", "/usr/bin/chromium")


@contextlib.contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen, float]]:
    """(url, process, seconds until the page answered) of a `klangbild serve` of its own."""
    command = [str(Path(sys.executable).parent / "klangbild"), "serve", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        url = process.stderr.readline().split()[3]
        while True:
            try:
                urllib.request.urlopen(url, timeout=10).read()
                break
            except OSError:
                time.sleep(0.02)
        yield url, process, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=60)


def ready(repeats: int) -> dict[str, Any]:
    """Start, then in the browser: click to the first notes on the roll and to sound that can be played, 30 s of music."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, serving() as (url, _, page_s):
        picture = Path(folder) / "dusk.png"
        picture.write_bytes(painting(0))
        time.sleep(12)  # the models are loaded beside the page
        notes, sound = [], []
        with sync_playwright() as manager:
            browser = manager.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for _ in range(repeats):
                page = browser.new_page()
                page.goto(url)
                page.set_input_files("#file", str(picture))
                page.wait_for_selector("#see-full:not([hidden])")
                started = time.perf_counter()
                page.click("#make")
                page.wait_for_selector("canvas[data-notes]:not([data-notes='0'])")
                notes.append(time.perf_counter() - started)
                page.wait_for_selector("#finished:not([hidden])", timeout=120_000)
                while not page.evaluate("document.getElementById('sound').readyState >= 3"):
                    time.sleep(0.02)
                sound.append(time.perf_counter() - started)
                page.wait_for_selector("#status", state="hidden", timeout=120_000)
                page.close()
            browser.close()
    return {"page_ready_s": round(page_s, 2), "first_notes_s": spread(notes), "sound_s": spread(sound)}


def crowd(clients: int, minutes: float, seconds: float, *, bad_share: float, kill_every_s: float) -> dict[str, Any]:
    """Each client asks, waits in line, fetches its MIDI and checks that it is its own: its seed, its picture, its instrument.

    bad_share: of the clients so many send what is damaged and must be refused in a sentence. kill_every_s: so often the process
    that composes is killed (0: never); its piece must come all the same.
    """
    faults: list[str] = []
    refused: list[int] = []
    kills: list[int] = []
    done: list[float] = []
    lock = threading.Lock()
    end = time.monotonic() + 60 * minutes
    families = ("piano", "strings", "guitar", "organ", "winds")

    def client(number: int, url: str) -> None:
        picture = painting(number)
        turn = 0
        while time.monotonic() < end:
            turn += 1
            seed, family = number * 1000 + turn, families[(number + turn) % len(families)]
            started = time.monotonic()
            try:
                fields = {"seconds": str(seconds), "seed": str(seed), "instruments": family}
                run = send(f"{url}/v1/compose", fields, f"picture{number}.png", picture)
                places = [run["place"]]
                while (state := read(f"{url}/v1/runs/{run['id']}"))["status"] in ("queued", "running"):
                    places.append(state["place"])
                    time.sleep(0.5)
                record = state["record"] or {}
                wrong = []
                if state["status"] != "done":
                    wrong.append(f"{state['status']}: {state['error']}")
                elif (record["seed"], record["music"]["instruments"]) != (seed, [family]):
                    wrong.append("another's seed or instruments")
                elif record["picture"]["sha256"] != hashlib.sha256(picture).hexdigest():
                    wrong.append("another's picture")
                elif b'"seed":%d' % seed not in urllib.request.urlopen(url + state["files"]["mid"], timeout=60).read():
                    wrong.append("another's file")
                if any(b > a for a, b in itertools.pairwise(places)):
                    wrong.append(f"the place in line grew: {places}")
            except (OSError, KeyError, TypeError) as error:
                wrong = [repr(error)]
            with lock:
                faults.extend(f"client {number}, seed {seed}: {text}" for text in wrong)
                done.append(time.monotonic() - started)

    def vandal(number: int, url: str) -> None:
        rng = random.Random(number)
        picture = painting(number)
        while time.monotonic() < end:
            cut, field = (
                bytearray(picture),
                rng.choice(({"seconds": "x"}, {"key": "H#"}, {"instruments": "kazooo"}, {})),
            )
            del cut[rng.randrange(len(cut) // 2) :]
            try:
                run = send(f"{url}/v1/compose", {"seconds": "1", **field}, "bad.png", bytes(cut))
                wrong = f"vandal {number}: not refused: {run['id']}"
            except urllib.error.HTTPError as error:
                wrong = (
                    None if error.code == 422 and json.load(error)["error"] else f"vandal {number}: answer {error.code}"
                )
            except OSError as error:
                wrong = f"vandal {number}: {error!r}"
            with lock:
                faults.extend([wrong] if wrong else [])
                refused.append(number)
            time.sleep(rng.random())

    n_bad = round(clients * bad_share)
    with serving() as (url, process, _):
        time.sleep(12)
        memory = [resident_mb(process.pid)]
        threads = [
            threading.Thread(target=vandal if number < n_bad else client, args=(number, url))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        next_kill = time.monotonic() + kill_every_s
        while any(thread.is_alive() for thread in threads):
            time.sleep(5)
            memory.append(resident_mb(process.pid))
            if kill_every_s and next_kill < time.monotonic() < end:
                next_kill = time.monotonic() + kill_every_s
                for worker in workers_of(process.pid):
                    os.kill(worker, signal.SIGKILL)
                    kills.append(worker)
        for thread in threads:
            thread.join()
    third = len(memory) // 3
    return {
        "clients": clients, "refused": len(refused), "workers_killed": len(kills), "minutes": minutes, "pieces": len(done), "seconds_each": seconds, "faults": faults,
        "wait_s": spread(done), "memory_mb": {
            "start": memory[0], "first_third_max": max(memory[: third + 1]), "last_third_max": max(memory[-third - 1 :]),
            # one reading each 5 s: the middle one of each minute
            "each_minute": [statistics.median(memory[i : i + 12]) for i in range(1, len(memory), 12)],
        },
    }  # fmt: skip


def painting(number: int) -> bytes:
    """A PNG of its own for each number."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(number)
    ramp = np.linspace(rng.integers(0, 255, 3), rng.integers(0, 255, 3), 96)[:, None, :] * np.ones((1, 128, 1))
    stream = io.BytesIO()
    Image.fromarray(np.clip(ramp + rng.normal(0, 8, ramp.shape), 0, 255).astype(np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def send(url: str, fields: dict[str, str], name: str, content: bytes) -> Any:
    """POST a form with one picture, as curl does."""
    border = "----klangbild"
    parts = [
        f'--{border}\r\ncontent-disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()
    ]
    head = f'--{border}\r\ncontent-disposition: form-data; name="picture"; filename="{name}"\r\n\r\n'.encode()
    body = b"".join(parts) + head + content + f"\r\n--{border}--\r\n".encode()
    request = urllib.request.Request(url, body, {"content-type": f"multipart/form-data; boundary={border}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def workers_of(pid: int) -> list[int]:
    """Those that compose: of a server's children the ones that load their models beforehand."""
    return [child for child in children_of(pid) if b"--warm" in Path(f"/proc/{child}/cmdline").read_bytes()]


def resident_mb(pid: int) -> float:
    """Resident memory of a process and of its children together, MB."""
    total = 0
    for one in (pid, *children_of(pid)):
        with contextlib.suppress(OSError):  # it ended meanwhile
            total += int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text())[1])
    return round(total / 1024, 1)


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2), "n": len(values),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ready", "crowd"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clients", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--bad-share", type=float, default=0.1, help="of the crowd, who send damaged input")
    parser.add_argument(
        "--kill-every", type=float, default=30.0, metavar="S", help="kill the worker so often; 0: never"
    )
    parser.add_argument("--seconds", type=float, default=8, help="length of each piece in the crowd")
    given = parser.parse_args()
    if given.what == "ready":
        found = ready(given.repeats)
    else:
        found = crowd(
            given.clients, given.minutes, given.seconds, bad_share=given.bad_share, kill_every_s=given.kill_every
        )
    load = os.getloadavg()[0]
    print(json.dumps({**found, "cores": os.cpu_count(), "load_average": round(load, 1)}, indent=1))


if __name__ == "__main__":
    main()
