"""Tells answers of AWS from those of something on the way, such as a proxy's page to log in."""

from typing import Any

from ops.errors import OpsError


def check_answers(client: Any) -> None:
    """Have every request of a client, of a service that answers in JSON, refuse another answer.

    botocore takes what is not JSON for an answer in which nothing is. The
    request then raises OpsError.
    """
    client.meta.events.register_first("after-call", _check)


def _check(http_response: Any, model: Any, **_: object) -> None:
    # An answer with another status is an error already.
    if http_response.status_code != 200 or http_response.content[:1] == b"{":
        return
    kind = http_response.headers.get("Content-Type") or "of no type"
    raise OpsError(
        f"{model.name}: what answered is not AWS: its answer is no JSON but {kind}; check "
        "AWS_ENDPOINT_URL, and whether a proxy or a log-in page is on the way"
    )
