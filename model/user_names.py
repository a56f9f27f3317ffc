"""Characters in users' names that do not show: two users would look the same. Pure.

Standard library only: Lambda functions import this module. Which characters
are assigned depends on the Unicode version of the Python that runs it
(``unicodedata.unidata_version``).
"""

import re
import unicodedata
from functools import lru_cache

_REFUSED = {
    "Cc": "a control character",
    "Cf": "a format character",
    "Co": "a private-use character",
    "Cs": "half of a surrogate pair",
    "Cn": f"which Unicode {unicodedata.unidata_version} does not have",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
_VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# What shows nothing though its category is a letter's, a mark's or a symbol's: fillers and
# variation selectors (Default_Ignorable_Code_Point of
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt), and a blank pattern.
_BLANK = re.compile(f"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0{_VARIATION}]")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
# Emoji and what may follow one: https://www.unicode.org/reports/tr51/#EBNF_and_Regex
_PRESENTATION, _KEYCAP = "\ufe0e\ufe0f", "\u20e3"
_TONES = "\U0001f3fb-\U0001f3ff"
_NO_SYMBOLS = "‼⁉ℹ↔◻◼◽◾⤴⤵〰"  # emoji that are no symbols by their category, So
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]+\U000e007f")
_VIRAMA = 9
# Arabic letters that do not join the next one: Joining_Type R and U in
# https://www.unicode.org/Public/UCD/latest/ucd/ArabicShaping.txt
_JOINS_NOTHING_AFTER = re.compile(
    "[\u0621-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb"
    "\u06cd\u06cf\u06d2-\u06d5\u06ee\u06ef\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779"
    "\u08aa-\u08ae\u08b1\u08b2\u08b9]"
)


@lru_cache(1000)  # of millions of messages, most have the same few users
def problem(name: str) -> str | None:
    """What is wrong with a user's name that is otherwise well formed; None when nothing is."""
    # As keys spell it, in which marks have one order.
    composed = unicodedata.normalize("NFC", name)
    if places := hidden(composed):
        return (
            f"user {name!r} contains {_named(composed[min(places)])}; a name has no control, "
            "format, private-use or unassigned character and no other that does not show, but "
            "joiners where a script or an emoji needs them: leave it out"
        )
    if not any(unicodedata.category(character)[0] in "LNPS" for character in composed):
        return f"user {name!r} has no visible character"
    return None


def hidden(name: str) -> frozenset[int]:
    """Where in ``name`` there are characters that do not show, and that nothing there needs."""
    flags = {place for flag in _FLAG.finditer(name) for place in range(*flag.span())}
    return frozenset(
        place
        for place, character in enumerate(name)
        if (unicodedata.category(character) in _REFUSED or _BLANK.match(character))
        and place not in flags
        and not _is_needed(character, name[:place], name[place + 1 :])
    )


def joins_the_next(letter: str) -> bool:
    """Whether a letter is one of the Arabic script that joins the one behind it."""
    return _is_arabic(letter) and not _JOINS_NOTHING_AFTER.match(letter)


def _is_needed(character: str, before: str, after: str) -> bool:
    """Whether a character that does not show changes what shows around it.

    Joiners as in domain names: https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1
    """
    if character in _PRESENTATION:
        is_keycap = before[-1:] in tuple("0123456789*") and after[:1] == _KEYCAP
        return _is_emoji(before[-1:]) or is_keycap
    if character not in (_JOINER, _NON_JOINER) or not before:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    if character == _JOINER:
        base = re.sub(f"[{_PRESENTATION}{_TONES}]+$", "", before)
        return _is_emoji(base[-1:]) and _is_emoji(after[:1])
    left, right = _without_marks(before), _without_marks(after)
    return joins_the_next(left[-1:]) and _is_arabic(right[:1]) and right[0] not in "\u0621\u0674"


def _is_emoji(character: str) -> bool:
    """Whether it is a symbol; the standard library does not know which of them are emoji."""
    return bool(character) and (unicodedata.category(character) == "So" or character in _NO_SYMBOLS)


def _is_arabic(letter: str) -> bool:
    return bool(letter) and unicodedata.name(letter, "").startswith("ARABIC LETTER")


def _without_marks(text: str) -> str:
    return "".join(one for one in text if unicodedata.category(one) != "Mn")


def _named(character: str) -> str:
    code, name = f"U+{ord(character):04X}", unicodedata.name(character, "")
    return f"{code} {name}" if name else f"{code}, {_REFUSED[unicodedata.category(character)]}"
