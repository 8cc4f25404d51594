"""The examples in docs/api.md, run as they stand (address and ids filled in)."""

import json
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from running import read_json

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"
ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture
def beside_lake(tmp_path, monkeypatch, paintings):
    shutil.copy(paintings[0], tmp_path / "lake.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_examples(server, beside_lake):
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    assert len(blocks) == 1
    for block in blocks:
        space: dict = {}
        exec(
            block.replace(ADDRESS, server.url)
            .replace("seconds=20", "seconds=3")
            .replace('"seconds": 20', '"seconds": 3'),
            space,
        )
    assert (beside_lake / "lake.mid").read_bytes()[:4] == b"MThd"
    assert space["run"]["record"]["seed"] == 7


def test_curl_examples(server, beside_lake):
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    lines = re.findall(r"^    (curl .*?)(?:\s+#.*)?$", DOCS.read_text(), re.M)
    assert len(lines) == 9
    run = None
    for line in lines:
        line = (
            line.replace(ADDRESS, server.url)
            .replace("seconds=20", "seconds=3")
            .replace('"seconds": 20', '"seconds": 3')
        )
        if run:
            line = line.replace("/ID", f"/{run['id']}").replace("=ID", f"={run['id']}")
        done = subprocess.run(
            ["curl", "-sS", "--fail", *shlex.split(line)[1:]], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (line, done.stderr)
        if "seed=7" in line:
            run = json.loads(done.stdout)
            while read_json(server.url + run["links"]["self"])["status"] in ("queued", "running"):
                time.sleep(0.1)
    assert (beside_lake / "lake-7.mid").read_bytes()[:4] == b"MThd"
