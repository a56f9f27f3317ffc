"""Grade the embedded AWS with the judges that need no network: ``make grades``.

A judge is a source that others maintain, from which the tests in these files were made or taken.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

JUDGES = {
    "botocore's models: answers": ["answer_shapes"],
    "botocore's models: requests": ["request_validation"],
    "LocalStack's snapshots, recorded on AWS": ["recorded_*"],
    "Service Authorization Reference, IAM's documents": ["authorization", "policies"],
    "CloudFormation registry's schemas": ["cloudformation_properties", "cloudformation_replacements"],
}
OUTCOMES = ("passed", "failed", "skipped")


class Counts:
    """A pytest plugin that counts the outcomes of each test file."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a test once: by its own outcome, or by its set-up or clean-up if that failed."""
        if report.when == "call" or report.outcome != "passed":
            self.seen[Path(report.nodeid.split("::")[0]).name, report.outcome] += 1


def main() -> None:
    """Run the tests of all judges and print the grades; end with pytest's status."""
    files = {judge: found(names) for judge, names in JUDGES.items()}
    counts = Counts()
    status = pytest.main(["-n", "2", *(str(file) for found in files.values() for file in found)], plugins=[counts])
    print(table(files, counts.seen))
    sys.exit(int(status))


def found(names: list[str]) -> list[Path]:
    """The test files of these names, which may be patterns."""
    folder = Path(__file__).parent
    return [file for name in names for file in sorted(folder.glob(f"test_{name}.py"))]


def table(files: dict[str, list[Path]], seen: Counter[tuple[str, str]]) -> str:
    """The number of tests by judge and outcome."""
    width = max(map(len, files))
    lines = [f"{'judge':{width}}{''.join(f'{outcome:>9}' for outcome in OUTCOMES)}"]
    for judge, tested in files.items():
        numbers = (sum(seen[file.name, outcome] for file in tested) for outcome in OUTCOMES)
        lines.append(f"{judge:{width}}{''.join(f'{number:9}' for number in numbers)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
