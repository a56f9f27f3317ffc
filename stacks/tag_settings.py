"""What the tags of a stage may be."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stacks.settings import Settings

# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
_KEY = re.compile(r"[\w .:/=+@-]{1,128}")
_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
_RESERVED = ("aws:", "messages:")
# A resource may have 50; the stack's own and those of what AWS adds need room.
MAX_TAGS = 40


def check_tags(settings: "Settings") -> None:
    """Raise SettingsError for tags that AWS would refuse, or that are AWS's or the project's."""
    tags = settings.tags
    if len(tags) > MAX_TAGS:
        raise settings.error("tags", f"has {len(tags)} tags; at most {MAX_TAGS}")
    # IAM, unlike the other services, takes two spellings of a key for one.
    if len({key.casefold() for key in tags}) < len(tags):
        raise settings.error("tags", "has a key twice, but for upper and lower case")
    for key, value in tags.items():
        if not _KEY.fullmatch(key) or key.casefold().startswith(_RESERVED):
            raise settings.error(
                "tags",
                f"key {shown(key)}: 1 to 128 letters, digits, spaces and _.:/=+@-, not starting with aws: or messages:",
            )
        if not _VALUE.fullmatch(value):
            raise settings.error("tags", f"value {shown(value)}: up to 256 letters, digits, spaces and _.:/=+@-")


def shown(value: object) -> str:
    """A value for an error message: as Python spells it, cut to one short line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
