"""What DynamoDB takes as the value of an attribute: digits, range, levels. Pure.

Standard library only: Lambda functions import this module.
"""

from decimal import Decimal

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DIGITS, _EXPONENTS = 38, range(-130, 126)
RANGE = "1E-130 to 9.99E+125"
# 32 levels, of which the innermost value is the last: it lies in at most 31 lists and maps
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
LEVELS = 31
_SHOWN = 40


def number_problem(number: Decimal) -> str | None:
    """Why DynamoDB cannot keep the number; None when it can."""
    if not number.is_finite():
        return f"{number} is not a number of DynamoDB"
    if (digits := significant_digits(number)) > DIGITS:
        return f"the number has {digits} digits; DynamoDB keeps {DIGITS}"
    if not is_in_range(number):
        return f"{short(str(number))} is beyond {RANGE}, DynamoDB's range"
    return None


def is_in_range(number: Decimal) -> bool:
    """Whether a finite number is one that DynamoDB can keep, if it has not too many digits."""
    return not number or number.adjusted() in _EXPONENTS


def significant_digits(number: Decimal) -> int:
    """How many digits DynamoDB counts: without the zeros at both ends."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def within(levels: int) -> int:
    """How many lists and maps may lie in one another in a list or map, itself one of ``levels``.

    Raises ValueError if it is one too many.
    """
    if levels < 1:
        raise ValueError(f"is nested deeper than the {LEVELS + 1} levels of DynamoDB")
    return levels - 1


def short(text: str) -> str:
    """``text``, or its beginning, for an error message of one line."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
