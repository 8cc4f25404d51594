"""How fast the page is, and whether it holds with many visitors. Run on a quiet machine, and quote the machine with the numbers.

python benchmarks/page.py ready                 seconds from `klangbild serve` to the page, and click to notes and to sound
python benchmarks/page.py crowd --minutes 5     20 clients at once through the API: nothing lost or mixed, memory, the line
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
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
                while not page.evaluate("document.getElementById('player').readyState >= 3"):
                    time.sleep(0.02)
                sound.append(time.perf_counter() - started)
                page.wait_for_selector("#status", state="hidden", timeout=120_000)
                page.close()
            browser.close()
    return {"page_ready_s": round(page_s, 2), "first_notes_s": spread(notes), "sound_s": spread(sound)}


def crowd(clients: int, minutes: float, seconds: float) -> dict[str, Any]:
    """Each client asks, waits in line, fetches its MIDI and checks that it is its own: its seed, its picture, its instrument."""
    faults: list[str] = []
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

    with serving() as (url, process, _):
        time.sleep(12)
        memory = [resident_mb(process.pid)]
        threads = [threading.Thread(target=client, args=(number, url)) for number in range(clients)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(5)
            memory.append(resident_mb(process.pid))
        for thread in threads:
            thread.join()
    third = len(memory) // 3
    return {
        "clients": clients, "minutes": minutes, "pieces": len(done), "seconds_each": seconds, "faults": faults,
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


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB (Linux)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found.group(1)) / 1000, 1) if found else 0.0


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2), "n": len(values),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("ready", "crowd"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="length of each piece in the crowd")
    given = parser.parse_args()
    found = ready(given.repeats) if given.what == "ready" else crowd(given.clients, given.minutes, given.seconds)
    load = os.getloadavg()[0]
    print(json.dumps({**found, "cores": os.cpu_count(), "load_average": round(load, 1)}, indent=1))


if __name__ == "__main__":
    main()
