"""Functions of the engine, replaced by others that may call the original."""

import functools
from collections.abc import Callable
from typing import Any

from embedded_aws.replies import ApiError, Reply

Handler = Callable[..., Reply]  # of the calls of an API


def wrap(module: Any, name: str, function: Callable[..., Any]) -> None:
    """Put ``function``, which gets the original as its first argument, in its place."""
    setattr(module, name, functools.partial(function, getattr(module, name)))


def wrap_handler(module: Any, name: str, handler: Handler) -> None:
    """As ``wrap``, for a handler of API calls: an ApiError that it raises is the answer."""

    def replying(original: Handler, *arguments: Any) -> Reply:
        try:
            return handler(original, *arguments)
        except ApiError as error:
            return error.reply()

    wrap(module, name, replying)
