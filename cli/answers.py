"""Tells responses of AWS from those of something on the way, such as a proxy's log-in page."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from cli.errors import NotFromAws

_JSON, _XML = frozenset({"json", "rest-json"}), frozenset({"query", "rest-xml", "ec2"})


def check_answers(client: Any) -> None:
    """Have every request of a boto3 client raise NotFromAws for what no service answers.

    botocore reads a page in place of JSON as a response without fields, and ends in a
    ResponseParserError, which is none of its own errors, for a page in place of XML. A
    gateway's page with status 500 or more becomes an error that the SDK tries again.
    """
    client.meta.events.register_first("before-parse", _check)


def _check(*, operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    protocol = operation_model.service_model.resolved_protocol
    if protocol not in _JSON | _XML or _is_payload(operation_model, response_dict):
        return
    known = _is_json if protocol in _JSON else _is_xml
    if known(operation_model, response_dict["status_code"], response_dict["body"].strip()):
        return
    if response_dict["status_code"] >= 500:
        response_dict["body"] = b""  # botocore then goes by the status
        return
    expected = "JSON" if protocol in _JSON else "XML"
    raise NotFromAws(
        f"{operation_model.name}: the response did not come from AWS: expected {expected}, got "
        f"{_kind(response_dict)}; check AWS_ENDPOINT_URL, and whether a proxy or a log-in page is "
        "on the way"
    )


def _is_payload(operation: Any, response: Mapping[str, Any]) -> bool:
    """Whether the body is data of a caller's own, such as an object of S3."""
    shape = operation.output_shape
    is_error = response["status_code"] >= 300
    return bool(shape and not is_error and "payload" in shape.serialization)


def _is_json(operation: Any, status: int, body: bytes) -> bool:
    if body:
        return body.startswith(b"{")
    if status >= 300:
        return status >= 400  # AWS redirects nobody here; a proxy does
    return not (operation.output_shape and operation.output_shape.members)


def _is_xml(operation: Any, _: int, body: bytes) -> bool:
    if not body:
        return bool(operation.service_model.resolved_protocol == "rest-xml")
    try:
        name = ElementTree.fromstring(body).tag.rpartition("}")[2]
    except ElementTree.ParseError:
        return False
    # A page may be XML too: of the protocol query every root is called so.
    if operation.service_model.resolved_protocol == "query":
        return name.endswith("Response")
    return name.lower() != "html"


def _kind(response: Mapping[str, Any]) -> str:
    kind = " ".join(str(response["headers"].get("Content-Type") or "no content type").split())
    empty = "an empty body, " if not response["body"] else ""
    return f"{empty}{kind}, status {response['status_code']}"
