"""A recovery that is killed at any moment: running it again finishes it, and undoes no edit made since."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from embedded_aws.tests.support.steps import listed
from ops.__main__ import main
from tests.support.killed import killed
from tests.support.ops_deployment import Deployment
from tests.support.recoveries import KEYS, RECOVERABLE, content, note, put

KILLS = 20
LANES = 4  # at once: a recovery mostly waits
GOOD = [note(number, "good") for number in range(40)]
RIGHT = {item["pk"]["S"]: "good" for item in GOOD}


class Accident:
    """A stage whose table is damaged, recovered, killed and recovered again."""

    def __init__(self, aws, client, stage, folder):
        self._aws, self._errors = aws, folder / stage
        self.stage = Deployment(client, stage).deploy(**KEYS, **RECOVERABLE)
        self.dynamodb, self.table = client("dynamodb"), self.stage.table
        put(self.dynamodb, self.table, *GOOD)
        self.stage.start_job()
        time.sleep(1 - time.time() % 1)
        self._second = datetime.now(UTC).replace(microsecond=0).isoformat()

    def damage(self):
        put(self.dynamodb, self.table, *GOOD)
        put(self.dynamodb, self.table, *[note(number, "poison") for number in range(0, len(GOOD), 2)])
        for number in range(1, len(GOOD), 4):
            self._delete(GOOD[number]["pk"]["S"])

    def run(self, number, seconds):
        """Recover from the backup or to the time, and kill that after some seconds; its exit code, what it said."""
        options = ("--to-time", self._second) if number % 2 else ()
        command = ["recover", "--yes", "--rate", "50", "--stage", self.stage.stage, *options]
        return killed(main, self._aws.environment(), command, self._errors, lambda child: child.join(seconds))

    def edit(self, before):
        """Delete an item that was recovered already, edit one that was not; the content that must result."""
        now = self.content()
        recovered = [key for key in RIGHT if now.get(key) == "good" and before.get(key) != "good"]
        waiting = [key for key in RIGHT if now.get(key) == "poison"]
        if not recovered or not waiting:
            return RIGHT
        self._delete(recovered[0])
        put(self.dynamodb, self.table, note(waiting[-1], "by hand"))
        return {key: body for key, body in RIGHT.items() if key != recovered[0]} | {waiting[-1]: "by hand"}

    def content(self):
        return content(self.dynamodb, self.table)

    def _delete(self, pk):
        self.dynamodb.delete_item(TableName=self.table, Key={"pk": {"S": pk}, "sk": {"S": "note"}})

    def temporary_tables(self):
        return [one for one in listed(self.dynamodb, "list_tables") if one.startswith(f"{self.table}.")]


def test_killed_at_random_moments_and_run_again(aws, client, quick_stage, setting, tmp_path):
    setting("recovery_delay_seconds", 0)
    moments = random.Random(20261126)

    def some_kills(lane):
        """For each kill: whether the process was killed, and whether it had written something."""
        accident, found = Accident(aws, client, f"{quick_stage.stage}k{lane}", tmp_path), []
        accident.damage()
        began = time.monotonic()
        status, said = accident.run(0, 300)
        assert (status, accident.content()) == (0, RIGHT), said
        whole = time.monotonic() - began
        for number in range(KILLS // LANES):
            accident.damage()
            before, began = accident.content(), time.monotonic()
            status, said = accident.run(number, moments.uniform(0.1, 1) * whole)
            assert status in (0, -9), said
            whole = whole if status else time.monotonic() - began  # a machine is not always as busy
            wanted = accident.edit(before) if status else RIGHT
            again, said = accident.run(number, 300)
            assert (again, accident.content()) == (0, wanted), said
            assert accident.temporary_tables() == [], said
            found.append((status == -9, wanted != RIGHT))
        return found

    with ThreadPoolExecutor(LANES) as lanes:
        results = [one for found in lanes.map(some_kills, range(LANES)) for one in found]
    assert sum(killed for killed, _ in results) >= KILLS / 2
    assert sum(edited for _, edited in results) >= KILLS / 5
