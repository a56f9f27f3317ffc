"""Delete recovery points, and wait until they are really gone."""

from collections.abc import Iterable
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.command_line import Context
from cli.errors import code, explain
from cli.polling import DeadlineError, poll
from ops.cleanup.pace import CONNECTIONS, Pace, each
from ops.inventory import vaults
from ops.inventory.found import Point

# How long a point that was EXPIRED before gets to show that it is being deleted.
_EXPIRED_GRACE_SECONDS = 15
_BUSY = "InvalidResourceStateException"  # "already performing an action ... try again later"
_NOT_DELETED = (
    "EXPIRED: AWS Backup accepted the deletion and could not carry it out, and bills the point "
    "still; it deletes as the role that made it, which needs dynamodb:DeleteBackup, or else as its "
    "service-linked role, which the caller must be allowed to make (iam:CreateServiceLinkedRole); "
    "run this again with one of them"
)
_BY_POLICY = "resource-based policy"  # AWS's words for a vault's access policy


class PointDeletion:
    """The deletion of some recovery points; ``failures`` says what is in the way of which.

    An answer of 200 proves nothing: without permission AWS Backup answers it too
    and the point turns EXPIRED
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DeleteRecoveryPoint.html).
    So the vault's list decides.
    """

    def __init__(self, context: Context, pace: Pace, more_clients: Iterable[Any] = ()) -> None:
        """``more_clients`` of AWS Backup bring connections of their own."""
        self.failures: dict[str, str] = {}
        self._context, self._pace = context, pace
        self._backup = context.clients("backup")
        self._clients = [self._backup, *more_clients]
        self._free: SimpleQueue[Any] = SimpleQueue()  # every client, once for each connection
        for client in self._clients * CONNECTIONS:
            self._free.put(client)
        self._busy: list[Point] = []

    def run(self, points: Iterable[Point], *, seconds: float) -> None:
        """Delete ``points``; return when all are gone, have failed, or after ``seconds``."""
        self._points = {point.arn: point for point in points}
        self._began = self._context.clock.monotonic()
        self._shown = -1
        self._send(p for p in self._points.values() if p.status != "DELETING")
        self._waiting = set(self._points)
        try:
            poll(self._settled, seconds=seconds, clock=self._context.clock)
        except DeadlineError as late:
            for arn in self._waiting:
                self.failures[arn] = f"still there after {late}; run this again"

    def _send(self, points: Iterable[Point]) -> None:
        self._busy = []
        most = CONNECTIONS * len(self._clients)
        with ExitStack() as paced:
            for client in self._clients:
                paced.enter_context(self._pace.over(client, "DeleteRecoveryPoint"))
            for point, error in each(points, self._delete, self._pace, most=most):
                if error is None or _code(error) == "ResourceNotFoundException":
                    continue
                if _code(error) == _BUSY:
                    self._busy.append(point)
                else:
                    self.failures[point.arn] = _reason(error, point)

    def _delete(self, point: Point) -> dict[str, Any]:
        client = self._free.get()
        try:
            answer: dict[str, Any] = client.delete_recovery_point(
                BackupVaultName=point.vault, RecoveryPointArn=point.arn
            )
        finally:
            self._free.put(client)
        return answer

    def _settled(self) -> bool | None:
        if self._busy:
            self._send(self._busy)
        present = self._present()
        for arn, status in present.items():
            if status == "EXPIRED" and arn not in self.failures and self._is_final(arn):
                self.failures[arn] = _NOT_DELETED
        self._waiting = present.keys() - self.failures.keys()
        self._show(len(self._points) - len(present))
        return None if self._waiting else True

    def _present(self) -> dict[str, str]:
        listed = (
            found
            for vault in sorted({point.vault for point in self._points.values()})
            for found in vaults.stream(self._backup, vault)
        )
        # The ARNs of the plan, so that those just read can be forgotten.
        known = ((self._points.get(found.arn), found.status) for found in listed)
        return {point.arn: status for point, status in known if point}

    def _is_final(self, arn: str) -> bool:
        if any(point.arn == arn for point in self._busy):
            return False
        waited = self._context.clock.monotonic() - self._began
        return self._points[arn].status != "EXPIRED" or waited > _EXPIRED_GRACE_SECONDS

    def _show(self, gone: int) -> None:
        if gone != self._shown:
            self._context.say(f"recovery points: {gone} of {len(self._points)} gone")
            self._shown = gone


def _reason(error: ClientError | BotoCoreError, point: Point) -> str:
    text = explain(error)
    if _BY_POLICY in text:
        return f"{text}; that policy is the access policy of {point.vault}: change it first"
    return text


def _code(error: ClientError | BotoCoreError) -> str:
    return code(error) if isinstance(error, ClientError) else ""
