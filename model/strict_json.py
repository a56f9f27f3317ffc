"""JSON, read strictly: UTF-8, no key twice, no NaN or Infinity."""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn


def parsed(source: bytes | str, *, parse_int: Callable[[str], Any] = int) -> Any:
    """The value of a JSON text, mostly of one line; fractions as Decimal.

    Raises ValueError: what is wrong, and where.
    """
    try:
        text = source if isinstance(source, str) else source.decode()
        if text.startswith("\ufeff"):
            raise ValueError("begins with a byte order mark; save it without one")
        return json.loads(
            text.rstrip(" \t\n\r"),  # an error at the end is then on the last line
            parse_int=parse_int,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        line = f"line {error.lineno}, " if "\n" in error.doc else ""
        raise ValueError(f"is not valid JSON: {error.msg} at {line}column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deeply; DynamoDB has 32 levels") from None
    except InvalidOperation:
        raise ValueError("a number has an exponent of too many digits") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} appears twice")
        found[key] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
