"""How old the newest backup may be before a pipeline hears of it."""

from datetime import UTC, datetime, timedelta

import pytest

from ops.backups import Row, is_recent

NOW = datetime(2026, 1, 2, 5, tzinfo=UTC)


def row(hours, kind="RECOVERY_POINT", state="COMPLETED"):
    return Row(
        kind=kind,
        arn="arn",
        vault="v",
        state=state,
        created=NOW - timedelta(hours=hours),
        expires=None,
        bytes=0,
        monthly=0.0,
    )


@pytest.mark.parametrize(
    ("rows", "recent"),
    [
        ([], False),
        ([row(25)], True),
        ([row(27)], False),
        ([row(50), row(2)], True),
        ([row(2, state="PARTIAL"), row(50)], False),
        ([row(2, state="EXPIRED")], False),
        ([row(2, kind="USER", state="AVAILABLE")], True),
        ([row(2, kind="SYSTEM", state="AVAILABLE")], False),
    ],
)
def test_a_usable_backup_that_is_young_enough(rows, recent):
    assert is_recent(rows, NOW - timedelta(hours=26)) is recent
