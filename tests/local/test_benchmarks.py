"""Every benchmark runs to its end at a small size. Speed is not tested: only that the figures are printed."""

import subprocess
import sys

import pytest

from bench.deployed import seconds_in_lambda
from tests.conftest import PROJECT

SMALL = {
    "seeding": ("--items", "20", "--rounds", "1", "--no-lambda"),
    "cleanup": ("--points", "2", "--rounds", "1", "--latency", "0", "--memory-points", "100"),
    "indexing": ("--messages", "2"),
    "engine": ("--items", "300", "--rounds", "1", "--before", "HEAD"),
    "recovery": ("--items", "200", "--rounds", "1"),
    "synth": ("--rounds", "1", "--stages", "dev"),
    "inventory": ("--stacks", "2", "--rounds", "1", "--before", "HEAD"),
    "up": ("--rounds", "1"),
}
FIGURES = {
    "seeding": ("this project ", "20 of 20", "one bare transaction: "),
    "cleanup": ("cleanup ", "2 deletions", "times faster", "bytes per point"),
    "indexing": ("the systems before ", "here, batches of 100, 100 conversations "),
    "engine": (
        "start to first answer, HEAD: ",
        "start to first answer, here: ",
        "Scan of a segment ",
        "Query of an index ",
    ),
    "recovery": ("2 of them deleted or changed", "recover ", "copy ", "ratio "),
    "synth": ("empty ", "dev "),
    "inventory": ("inventory --all, HEAD: ", "orphans, here: ", " calls", "ListBackupVaults "),
    "up": ("the seed: cdk deploy ", "the seed: make up ", "the function: make up "),
}


def test_no_benchmark_is_left_out():
    modules = {path.stem for path in (PROJECT / "bench").glob("*.py") if "__main__" in path.read_text()}
    assert modules == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_prints_its_figures_from_an_embedded_aws_of_its_own(name, hostile, elsewhere):
    done = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *SMALL[name]],
        cwd=PROJECT,
        env=hostile,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    assert [figure for figure in FIGURES[name] if figure not in done.stdout] == [], done.stdout
    assert elsewhere.seen == []


def test_the_time_of_the_deployed_function_is_that_of_its_log(aws):
    assert 0 < seconds_in_lambda(aws, 5) < 60
