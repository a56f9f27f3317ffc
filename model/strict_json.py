"""JSON, read strictly: UTF-8, no key twice, no number that JSON lacks. Pure."""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

# What may stand around a JSON text (https://www.rfc-editor.org/rfc/rfc8259#section-2); at its
# end it is no line of its own.
_WHITE_SPACE = " \t\n\r"
# Some editors put it before what they save as UTF-8.
_MARK = "\ufeff"


def parsed(source: bytes | str, *, parse_int: Callable[[str], Any] = int) -> Any:
    """The value of a JSON text, mostly of one line; fractions as Decimal.

    Raises ValueError: what is wrong, and where.
    """
    try:
        text = source if isinstance(source, str) else source.decode()
        if text.startswith(_MARK):
            raise ValueError("begins with a byte order mark; save it without one")
        return json.loads(
            text.rstrip(_WHITE_SPACE),
            parse_int=parse_int,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at {_place(error)}") from None
    except RecursionError:
        raise ValueError("is nested too deeply; DynamoDB has 32 levels") from None
    except InvalidOperation:
        raise ValueError("a number has an exponent of too many digits") from None


def _place(error: json.JSONDecodeError) -> str:
    line = f"line {error.lineno}, " if "\n" in error.doc else ""
    return f"{line}column {error.colno}"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} appears twice")
        found[key] = value
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
