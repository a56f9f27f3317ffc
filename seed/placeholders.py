"""The two placeholders of a message template: {from} and {to}. Pure."""

from collections.abc import Mapping
from string import Formatter


def render(template: str, values: Mapping[str, str]) -> str:
    """``template`` with each ``{name}`` replaced; ``{{`` and ``}}`` are literal braces.

    Nothing but a plain name is allowed between braces: unlike str.format, no
    attribute, index, conversion or format, so that a data file cannot reach
    into objects. Raises ValueError that says what is wrong.
    """
    known = ", ".join(f"{{{name}}}" for name in values)
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(
            f"malformed placeholder ({error}); known are {known}; a literal brace is written twice"
        ) from None
    rendered = ""
    for literal, field, spec, conversion in parts:
        rendered += literal
        if field is None:
            continue
        if field not in values or spec or conversion:
            shown = field + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise ValueError(f"unknown placeholder {{{shown}}}; known are {known}")
        rendered += values[field]
    return rendered
