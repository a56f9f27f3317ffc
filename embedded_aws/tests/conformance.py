"""Grade the embedded AWS with the public DynamoDB conformance suite: ``make conformance SUITE=folder``.

The suite, github.com/nubo-db/dynamodb-conformance (MIT), records what DynamoDB answered on AWS. With
``ONLY=tests/tier2/ttl`` the test files of this path run alone, and all must pass: for commits without a known grade.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from embedded_aws.process import running

COMMIT = "0ba4393"
PASSED = 596
# AWS has changed its answers in these since COMMIT: embedded_aws/README.md has the sources.
KNOWN = {
    "tier3/error-messages/batchGetItem.test.ts: empty RequestItems: full required-parameter error",
    "tier3/error-messages/putItem.test.ts: ExpressionAttributeValues without expression: full unused-EAV error",
    "tier3/error-messages/putItem.test.ts: duplicate values in SS: full duplicates error",
    "tier3/validation-ordering/batchOperations.test.ts: BatchGetItem rejects empty RequestItems",
    "tier3/validation-ordering/updateItem.test.ts: "
    "reports invalid ReturnValues and invalid ReturnConsumedCapacity together",
}
USAGE = (
    "error: SUITE must be a checkout of the conformance suite: git clone "
    "https://github.com/nubo-db/dynamodb-conformance, and in it git checkout {}, then npm ci"
)


def main() -> None:
    """Run the suite in the folder that the command names, and print the grade."""
    suite = Path(sys.argv[1] if len(sys.argv) > 1 else "").resolve()
    if not (suite / "tests/tier1").is_dir() or not (suite / "node_modules/.bin/vitest").exists():
        sys.exit(USAGE.format(COMMIT))
    only = sys.argv[2:]
    tests = outcomes(run(suite, only), suite)
    print(table(tests))
    unknown = [name for name, outcome in tests.items() if outcome == "failed" and name not in KNOWN]
    for name, outcome in tests.items():
        if outcome == "failed":
            print(f"failed, {'known' if name in KNOWN else 'unknown'}: {name}")
    passed = Counter(tests.values())["passed"]
    if only and (unknown or not passed):
        sys.exit(f"error: {passed} tests passed and {len(unknown)} unknown ones failed")
    if not only and (unknown or passed < PASSED):
        sys.exit(f"error: {passed} tests passed and {len(unknown)} unknown ones failed; {PASSED} pass at {COMMIT}")


def run(suite: Path, only: list[str]) -> dict[str, Any]:
    """Vitest's JSON report of the suite, or of these paths in it, run on an embedded AWS of its own."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as engine:
        report = Path(folder) / "report.json"
        settings = {
            "DYNAMODB_ENDPOINT": engine.endpoint,
            "NODE_EXTRA_CA_CERTS": engine.ca_file,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
        # None of the caller's own AWS settings, such as a session token.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(
            ["node_modules/.bin/vitest", "run", "--reporter=json", f"--outputFile={report}", *only],
            cwd=suite,
            env=kept | settings,
            capture_output=True,
            text=True,
        )
        if not report.exists():
            sys.exit(f"error: the suite did not run\n{done.stdout}{done.stderr}")
        found: dict[str, Any] = json.loads(report.read_text())
        return found


def outcomes(report: dict[str, Any], suite: Path) -> dict[str, str]:
    """Of each test, named by its file and title: passed, failed or skipped."""
    return {
        f"{Path(file['name']).relative_to(suite / 'tests')}: {test['title']}": _outcome(test["status"])
        for file in report["testResults"]
        for test in file["assertionResults"]
    }


def _outcome(status: str) -> str:
    return status if status in ("passed", "failed") else "skipped"


def table(tests: dict[str, str]) -> str:
    """The number of tests by tier and outcome."""
    counts = Counter((name.partition("/")[0], outcome) for name, outcome in tests.items())
    lines = [f"{'tier':7}{'passed':>8}{'failed':>8}{'skipped':>9}"]
    for tier in [*sorted({tier for tier, _ in counts}), "all"]:
        passed, failed, skipped = (
            sum(count for (part, outcome), count in counts.items() if outcome == wanted and tier in (part, "all"))
            for wanted in ("passed", "failed", "skipped")
        )
        lines.append(f"{tier:7}{passed:8}{failed:8}{skipped:9}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
