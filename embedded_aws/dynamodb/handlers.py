"""The form of a DynamoDB handler in the engine, and how one is replaced."""

from collections.abc import Callable

import ministack.services.dynamodb as engine

from embedded_aws.replies import ApiError, Json, Reply

Handler = Callable[[Json], Reply]


def replace(name: str, make: Callable[[Handler], Handler]) -> None:
    """Put ``make(original)`` in place of the engine's handler ``name``.

    An ApiError the new handler raises becomes the error answer.
    """
    handler = make(getattr(engine, name))

    def replying(data: Json) -> Reply:
        try:
            return handler(data)
        except ApiError as error:
            return error.reply()

    setattr(engine, name, replying)


def table_name(data: Json, key: str = "TableName") -> str:
    """The table a request names, by name or by ARN."""
    return str(engine._normalize_table_name(data.get(key) or ""))
