"""One line of JSON, read strictly: UTF-8, no key twice, no number that JSON lacks. Pure."""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn


def parsed(line: bytes, *, parse_int: Callable[[str], Any] = int) -> Any:
    """The value of a line, fractions as Decimal. Raises ValueError: what is wrong, and where."""
    try:
        return json.loads(
            line.decode(),
            parse_int=parse_int,
            parse_float=Decimal,
            parse_constant=_refuse,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
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
