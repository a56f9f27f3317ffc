"""A synth takes as much memory with a large dataset as with a small one."""

import json
import os
import subprocess
import sys

from tests.conftest import PROJECT

# Starts the app as the CLI does; what it prints is the most memory that it and the construct
# library's own process had, in KiB.
MEASURED = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-B", "app.py"], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""

# The bytes of one line.
LINE = 1_000


def synth_memory(folder, size: int) -> int:
    """The memory of a synth with a dataset of ``size`` bytes, in bytes."""
    folder.mkdir()
    file = folder / "d.jsonl"
    with file.open("w") as lines:
        for number in range(size // LINE):
            message = {"from": "Tom", "to": "Jerry", "at": "2026-01-01T09:00:00Z", "id": f"{number:08}", "body": ""}
            message["body"] = "x" * (LINE - 1 - len(json.dumps(message)))
            lines.write(json.dumps(message) + "\n")
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    own = {"CDK_CONTEXT_JSON": json.dumps(context | {"seed_dataset": str(file)}), "CDK_OUTDIR": str(folder / "out")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURED],
        cwd=PROJECT,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=120,
    )
    assert [path.stat().st_size for path in (folder / "out").glob("asset.*.jsonl")] == [size]
    return int(done.stdout) * 1024


def test_the_memory_of_a_synth_does_not_grow_with_the_dataset(tmp_path):
    small, large = (synth_memory(tmp_path / f"{n}", n * 1_000_000) for n in (5, 60))
    assert large < small + 40_000_000, f"{small} bytes with 5 MB, {large} with 60 MB"
