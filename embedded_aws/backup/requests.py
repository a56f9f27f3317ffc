"""A request to AWS Backup as its handlers see it; pages and filters of lists; delays and rates.

botocore's model says which operation a request is, and what it may hold. AWS Backup's errors are documented (API
reference, "Common Errors" and each operation's errors): a missing member is MissingParameterValueException and a wrong
one InvalidParameterValueException. The texts are this module's own.

AWS Backup publishes no request rates and its model has no throttling error; the one that a test
switches on here is DynamoDB's beyond its quota (ACK: ThrottlingException, "Rate exceeded", 400).
"""

import asyncio
import base64
import binascii
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, TypeVar

from embedded_aws.constraints import NUMBERS, Fault, faults, parsed, rest_operation
from embedded_aws.replies import ApiError, Json, invalid
from embedded_aws.settings import CURRENT

LARGEST_PAGE = 1000
# The model's pattern of an account has no room for it, but the API reference of the lists names it.
ALL_ACCOUNTS = "*"
MISSING = "MissingParameterValueException"
Record = TypeVar("Record")


@dataclass(frozen=True)
class Request:
    """One call: its members under the model's names, and the access key of its caller."""

    members: Json
    caller: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.members[name]

    def get(self, name: str) -> Any:
        """The member ``name``, or None."""
        return self.members.get(name)

    def selects(self, **values: object) -> bool:
        """Whether every filter of the request that ``values`` knows has its value."""
        return all(self.get(name) in (None, "", ALL_ACCOUNTS, value) for name, value in values.items())

    def includes(self, moment: float, span: str) -> bool:
        """Whether ``moment`` lies between the members ``<span>After`` and ``<span>Before``, where given."""
        return self._time(f"{span}After", 0) <= moment <= self._time(f"{span}Before", float("inf"))

    def _time(self, name: str, default: float) -> float:
        text = self.get(name)
        if not text:
            return default
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            raise invalid(f"{name} is not a time") from None
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def read(method: str, path: str, query: Json, body: bytes) -> tuple[str, Json]:
    """The operation that a request is, empty for none, and its members.

    Raises ApiError for the first constraint of the model that it does not meet.
    """
    operation, named = rest_operation("backup", method, path)
    if not operation or not operation.input_shape:
        return operation.name if operation else "", {}
    members: Json = (json.loads(body) if body else {}) | named
    for name, member in operation.input_shape.members.items():
        place = member.serialization
        if place.get("location") == "querystring" and place["name"] in query:
            members[name] = parsed(member, query[place["name"]])
    _check(operation, members)
    return operation.name, members


def _check(operation: Any, members: Json) -> None:
    found = [
        fault
        for fault in faults(operation.input_shape, members, (operation.name,), missing=(None, ""))
        if (fault.name, fault.value) != ("ByAccountId", ALL_ACCOUNTS)
    ]
    if not found:
        return
    first = min(found, key=lambda fault: fault.rule != "required")
    documented = {shape.name for shape in operation.error_shapes}
    if first.rule == "required" and MISSING in documented:
        raise ApiError(MISSING, _text(first))
    raise invalid(_text(first))  # few operations lack the error for a missing member


def _text(fault: Fault) -> str:
    name, value, limits = fault.name, fault.value, fault.shape.metadata
    if fault.rule == "required":
        return f"{name} is required"
    if fault.rule == "type":
        return f"{name} must be of type {fault.shape.type_name}, got {value}"
    if fault.rule == "enum":
        return f"{name} must be one of {', '.join(limits['enum'])}, got {value}"
    if fault.rule == "pattern":
        return f"Invalid {name} '{value}'. Must satisfy the pattern {limits['pattern']}"
    size, unit = (value, "") if fault.shape.type_name in NUMBERS else (len(value), " long")
    bound = "at least" if fault.rule == "min" else "at most"
    return f"{name} must be {bound} {limits[fault.rule]}{unit}, got {size}"


def shaped(shape: Any, value: Any) -> Any:
    """What the model has of a value; AWS leaves members without a value out."""
    if shape.type_name == "structure":
        given = {name: value.get(name) for name in shape.members}
        return {name: shaped(shape.members[name], each) for name, each in given.items() if each not in (None, "")}
    return [shaped(shape.member, each) for each in value] if shape.type_name == "list" else value


def page(
    request: Request,
    name: str,
    records: Iterable[Record],
    key: Callable[[Record], tuple[float, str]],
    describe: Callable[[Record], Json],
) -> Json:
    """One page of ``records``, the newest first; the request says where it begins and how long it is.

    The token names the last record of the page, so that deleting records between two pages
    neither skips nor repeats one.
    """
    size = request.get("MaxResults") or LARGEST_PAGE
    positions = (
        (f"{moment:020.6f} {identifier}", record) for record in records for moment, identifier in [key(record)]
    )
    ordered = sorted(positions, key=itemgetter(0), reverse=True)
    last_seen = _decode(request.get("NextToken"))
    rest = [entry for entry in ordered if last_seen is None or entry[0] < last_seen]
    answer: Json = {name: [describe(record) for _, record in rest[:size]]}
    if len(rest) > size:
        answer["NextToken"] = base64.b64encode(rest[size - 1][0].encode()).decode()
    return answer


def find(records: Mapping[str, Record], identifier: str, kind: str) -> Record:
    """The record of that identifier; raises ApiError for a missing one."""
    found = records.get(identifier)
    if found is None:
        raise ApiError("ResourceNotFoundException", f"Cannot find {kind} {identifier}")
    return found


def _decode(token: str | None) -> str | None:
    try:
        return base64.b64decode(token, validate=True).decode() if token else None
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("NextToken is not valid") from None


_arrived: deque[float] = deque()  # of the deletions of the last second
_accepted: deque[float] = deque()


async def delay() -> None:
    """Let a call take as long as the setting ``latency_milliseconds`` says."""
    if CURRENT.latency_milliseconds:
        await asyncio.sleep(CURRENT.latency_milliseconds / 1000)


def note_deletion() -> None:
    """Count a call of DeleteRecoveryPoint, and keep the most that came within one second."""
    CURRENT.deletions_seen += 1
    most = max(CURRENT.deletions_seen_in_a_second, _within_a_second(_arrived))
    CURRENT.deletions_seen_in_a_second = most


def check_deletion_rate() -> None:
    """Raise ApiError for a deletion beyond the setting ``deletions_a_second``."""
    limit = CURRENT.deletions_a_second
    if limit and _within_a_second(_accepted) > limit:
        _accepted.pop()
        raise ApiError("ThrottlingException", "Rate exceeded")


def _within_a_second(moments: deque[float]) -> int:
    """Add this moment, drop those that are a second old, and count."""
    now = time.monotonic()
    moments.append(now)
    while moments[0] <= now - 1:
        moments.popleft()
    return len(moments)
