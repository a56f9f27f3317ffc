"""Remembers of a request that the SDK repeats whether an earlier try may have been heard."""

from typing import Any

from botocore.exceptions import ClientError

_LOST = "EarlierTryWasLost"
_FAILED_INSIDE = 500


def note_lost_tries(client: Any) -> None:
    """Have the errors of a client's requests say whether a try before that answer was lost.

    A try that was throttled did nothing. One without an answer, or of which
    DynamoDB says that it failed inside, may have written
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).
    """
    client.meta.events.register_first("needs-retry", _note)


def was_lost(error: ClientError) -> bool:
    """Whether a try before the one with this answer may have been heard."""
    return bool(error.response.get("ResponseMetadata", {}).get(_LOST))


def _note(response: Any, request_dict: dict[str, Any], **_: object) -> None:
    """Handle botocore's event needs-retry, which comes after every try; decide nothing."""
    context = request_dict["context"]
    if response is None or response[0].status_code >= _FAILED_INSIDE:
        context[_LOST] = True
    elif context.get(_LOST):
        response[1].setdefault("ResponseMetadata", {})[_LOST] = True
