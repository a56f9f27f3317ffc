"""One stage's settings, validated, and how they are read from the CDK context.

They live in cdk.json under ``context.stages.<stage>``; a plain context key
(``cdk -c pitr_days=1``) overrides one for a run and arrives as text.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from model.dataset import parsed
from model.names import PREVIEW_LIMITS, table_name
from stacks.setting_fields import SettingFields, SettingsError, check, shown

_TYPES = get_type_hints(SettingFields)
_NAMES = [field.name for field in dataclasses.fields(SettingFields) if field.name != "stage"]
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    str: "text",
    tuple: "a list of strings, on the command line separated by commas",
    Mapping: 'an object of strings or its JSON, such as {"team": "chat"}, each key once',
}
_INTEGER = re.compile(r"-?[0-9]{1,18}")
# Plain context keys that are not settings: which stage, and what the CDK CLI itself stores.
OTHER_KEYS = ("stage", "stages", "cli-telemetry", "acknowledged-issue-numbers")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(SettingFields):
    """One stage's settings, validated on construction. Raises SettingsError."""

    def __post_init__(self) -> None:
        if not self.table_name:
            object.__setattr__(self, "table_name", table_name(self.stage))
        check(self)


def settings_from_context(context: Mapping[str, Any]) -> Settings:
    """The settings of the stage in ``context``, by default dev; one not in cdk.json is like dev with its own table.

    Raises SettingsError, also for a key that is not a setting.
    """
    if "stages" not in context:
        raise SettingsError("the context has no 'stages'; run this app through the CDK CLI, which reads cdk.json")
    stages = _object(context["stages"], "context.stages")
    stage = str(context.get("stage", "dev"))
    source = stage if stage in stages else "dev"
    listed = dict(_object(stages.get(source, {}), f"context.stages.{source}"))
    if source != stage:
        listed.pop("table_name", None)
    overrides = {key: value for key, value in context.items() if is_plain(key) and key not in OTHER_KEYS}
    _refuse_unknown(listed, f"cdk.json under context.stages.{source}")
    _refuse_unknown(overrides, "the context (cdk.json, -c or ~/.cdk.json)")
    values = {name: _typed(name, value) for name, value in {**listed, **overrides}.items()}
    settings = Settings(**values, stage=stage)
    boundary = context.get("@aws-cdk/core:permissionsBoundary")
    limited = isinstance(boundary, Mapping) and boundary.get("name") == PREVIEW_LIMITS
    # A role that reaches the restore tests of a pull request would reach those of production too.
    if limited and settings.restore_testing:
        raise SettingsError(
            f"setting 'restore_testing' is true; must be false under {PREVIEW_LIMITS}, because tables of restore "
            "tests have the same name prefix in every stage. "
            f"Set it to false in cdk.json under context.stages.{stage}, or with -c restore_testing=false"
        )
    return settings


def is_plain(key: str) -> bool:
    """Whether a context key is not one of the CDK or its lookups: those have a colon, a slash or an at sign."""
    return not set(key) & set(":/@")


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} is {shown(value)}; it must be an object. Fix it in cdk.json")
    return value


def _refuse_unknown(keys: Mapping[str, Any], where: str) -> None:
    for key in keys:
        if key not in _NAMES:
            close = difflib.get_close_matches(key, _NAMES, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(_NAMES)}"
            raise SettingsError(f"unknown setting {key!r} in {where}; {hint}")


def _typed(name: str, value: Any) -> Any:
    """``value`` as the type of setting ``name``; text from the command line is converted."""
    wanted = _TYPES[name]
    kinds = get_args(wanted) if type(None) in get_args(wanted) else (wanted,)
    if value is None and type(None) in kinds:
        return None
    kind = get_origin(kinds[0]) or kinds[0]
    try:
        return _converted(kind, value)
    except ValueError:
        raise SettingsError(
            f"setting {name!r} is {shown(value)}; must be {_KINDS[kind]}. Fix it in cdk.json, or with -c"
        ) from None


def _converted(kind: Any, value: Any) -> Any:
    """``value`` as ``kind``. Raises ValueError."""
    if kind is bool and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if kind is int and not isinstance(value, bool):
        # jsii turns every JSON number into a float.
        text = f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value).strip()
        if _INTEGER.fullmatch(text):
            return int(text)
    if kind is str and isinstance(value, str):
        return value
    if kind is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")] if value.strip() else []
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
    if kind is Mapping:
        members = parsed(value) if isinstance(value, str) else value
        if isinstance(members, Mapping) and all(isinstance(each, str) for each in members.values()):
            return dict(members)
    raise ValueError
