"""Errors, each in one line that says what to do."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from dynamo.throttling import THROTTLED

ACCESS_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset(
    "InvalidClientTokenId UnrecognizedClientException SignatureDoesNotMatch InvalidSignatureException "
    "AuthFailure IncompleteSignature".split()
)


_REMEDIES = {
    (NoCredentialsError, PartialCredentialsError): "no AWS credentials ({}); log in, or name a profile with --profile",
    (NoRegionError,): "no AWS region is set; name one with --region or AWS_REGION",
    (ProfileNotFound,): "{}; `aws configure list-profiles` lists the existing ones",
    (EndpointConnectionError, ConnectTimeoutError): "{}; check the network, --region and AWS_ENDPOINT_URL",
    (SSLError,): "{}; check AWS_CA_BUNDLE",
    (TokenRetrievalError, SSOTokenLoadError, UnauthorizedSSOTokenError): "{}; log in again with `aws sso login`",
}


class OpsError(Exception):
    """Something failed; the text names the value, the rule and the remedy."""


class NotFromAws(OpsError, BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """The response did not come from AWS.

    Also one of botocore's errors: code that goes on after a failed request goes on
    after this one.
    """

    def __init__(self, text: str) -> None:
        Exception.__init__(self, text)


class UsageError(OpsError):
    """The command line, or a setting that it depends on, is wrong: exit status 2."""


def code(error: ClientError) -> str:
    """The error code that AWS returned, for example ``AccessDeniedException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """The error message that AWS returned, on one line."""
    return _one_line(error.response.get("Error", {}).get("Message") or code(error))


def is_denied(error: ClientError) -> bool:
    """Whether AWS refused for lack of permission."""
    return code(error) in ACCESS_DENIED


def explain(error: ClientError | BotoCoreError) -> str:
    """What happened and what to do about it, for an error that no command handles."""
    if isinstance(error, ClientError):
        return _explain_answer(error)
    if isinstance(error, NotFromAws):
        return str(error)
    for kinds, text in _REMEDIES.items():
        if isinstance(error, kinds):
            return text.format(_one_line(error))
    return f"{type(error).__name__}: {_one_line(error)}"


def _explain_answer(error: ClientError) -> str:
    text = f"{error.operation_name}: {code(error)}: {message(error)}"
    if code(error) in _EXPIRED:
        return f"{text}; the credentials have expired: log in again"
    if code(error) in _UNKNOWN_KEY:
        return f"{text}; AWS does not know these credentials: check --profile and the AWS_* variables"
    if code(error) in THROTTLED:
        return f"{text}; AWS throttled the request {_attempts(error)}: try again later, or raise the limit"
    if code(error).startswith("KMS") or "KMS key" in message(error):
        return f"{text}; the KMS key must be enabled, and the caller needs permission to use it"
    if is_denied(error):
        return f"{text}; the caller needs permission for {error.operation_name}"
    return text


def _attempts(error: ClientError) -> str:
    retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
    return f"{retries + 1} times" if retries else "once"


def _one_line(what: object) -> str:
    return " ".join(str(what).split())
