"""From the CDK context to one stage's Settings.

Settings live in cdk.json under ``context.stages.<stage>``; a plain context key
(``cdk -c pitr_days=1``) overrides one for a run and arrives as text.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from model.names import PREVIEW_LIMITS
from model.strict_json import parsed
from stacks.settings import Settings, SettingsError, shown

_TYPES = get_type_hints(Settings)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_SELECTORS = ("stage", "stages")
# What the CDK CLI itself stores in the context under a plain key.
_CDK_KEYS = ("cli-telemetry", "acknowledged-issue-numbers")


def settings_from_context(context: Mapping[str, Any]) -> Settings:
    """The settings of the stage that ``context`` names, ``dev`` unless it does.

    A stage that cdk.json does not list is like dev, under its own table name.
    Raises SettingsError, also for a key that is no setting.
    """
    if "stages" not in context:
        raise SettingsError(
            "the context has no 'stages'; run this app through the CDK CLI, which reads cdk.json: cdk synth"
        )
    stages = _object(context["stages"], "context.stages")
    stage = str(context.get("stage", "dev"))
    if stage in stages:
        listed = _object(stages[stage], f"context.stages.{stage}")
    else:
        dev = _object(stages.get("dev", {}), "context.stages.dev")
        listed = {key: value for key, value in dev.items() if key != "table_name"}
    overrides = {key: value for key, value in context.items() if _is_ours(key)}
    _refuse_unknown(listed, f"cdk.json under context.stages.{stage}")
    _refuse_unknown(overrides, "the context (cdk.json, -c or ~/.cdk.json)")
    values = {name: _typed(name, value) for name, value in {**listed, **overrides}.items()}
    settings = Settings(**values, stage=stage)
    _refuse_beyond_limits(settings, context)
    return settings


def _refuse_beyond_limits(settings: Settings, context: Mapping[str, Any]) -> None:
    """Raise SettingsError for what no stage under the limits of pull requests can have.

    AWS Backup names the tables of restore tests alike for every stage: whoever may reach the
    tests of a pull request may read those of production.
    """
    boundary = context.get("@aws-cdk/core:permissionsBoundary")
    limited = isinstance(boundary, Mapping) and boundary.get("name") == PREVIEW_LIMITS
    if limited and settings.restore_testing:
        raise SettingsError(
            f"setting 'restore_testing' is true; must be false under {PREVIEW_LIMITS}, because "
            "restore tests share their tables' names with other stages. Set it to false in "
            f"cdk.json under context.stages.{settings.stage}, or with -c restore_testing=false"
        )


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{where} is {shown(value)}; it must be an object. Mend it in cdk.json")
    return value


def _is_ours(key: str) -> bool:
    # Keys of the CDK and of its lookups carry a colon, a slash or an at sign.
    return not set(key) & set(":/@") and key not in _SELECTORS + _CDK_KEYS


def _refuse_unknown(keys: Mapping[str, Any], where: str) -> None:
    known = [f.name for f in dataclasses.fields(Settings) if f.name != "stage"]
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise SettingsError(f"unknown setting {key!r} in {where}; {hint}")


def _typed(name: str, value: Any) -> Any:
    """``value`` as the type of setting ``name``; text from the command line is converted."""
    wanted = _TYPES[name]
    kinds = get_args(wanted) if type(None) in get_args(wanted) else (wanted,)
    if value is None and type(None) in kinds:
        return None
    kind = kinds[0]
    if kind is bool:
        return _boolean(name, value)
    if kind is int:
        return _integer(name, value)
    if kind is str:
        if not isinstance(value, str):
            raise _wrong(name, value, "text")
        return value
    if get_origin(kind) is tuple:
        return _texts(name, value)
    return _tags(name, value)


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _integer(name: str, value: Any) -> int:
    # jsii hands every JSON number over as a float.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(name, value, "a whole number")
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):  # of the command line: a comma cannot be part of a name
        value = [part.strip() for part in value.split(",")] if value.strip() else []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise _wrong(name, value, "a list of texts, on the command line separated by commas")
    return tuple(value)


def _tags(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, str):
        try:
            value = parsed(value)
        except ValueError:
            raise _wrong(name, value, 'JSON such as {"team": "chat"}, each key once') from None
    if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
        raise _wrong(name, value, 'an object of texts such as {"team": "chat"}')
    return dict(value)


def _wrong(name: str, value: Any, rule: str) -> SettingsError:
    return SettingsError(f"setting {name!r} is {shown(value)}; must be {rule}. Mend it in cdk.json, or after -c")
