"""The settings of the pipelines' access, read from the CDK context."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.names import STAGE
from stacks.setting_fields import SettingsError
from stacks.settings import is_plain, settings_from_context

# https://docs.github.com/en/actions/reference/security/oidc: since July 2026 a new repository's
# subject carries its ids too, owner@123/name@456.
_REPOSITORY = {
    "github": re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:@[0-9]+)?/[A-Za-z0-9._-]{1,100}(?:@[0-9]+)?"),
    "gitlab": re.compile(r"[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255}){1,20}"),
}
_KEYS = ("repository", "host", "environments", "existing_provider", "previews")
# Keys of app.py and of the CDK CLI.
_OTHER_KEYS = ("stage", "stages", "cli-telemetry", "acknowledged-issue-numbers")


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which repository's pipelines get access.

    Each of ``environments`` deploys with its own role. ``existing_provider``: the account has the
    host's OIDC provider, of which there can be only one. ``previews``: add a role for the stacks of
    pull requests. ``regions``: of each environment's stage; default: the region of the access.
    """

    repository: str
    host: str = "github"
    environments: tuple[str, ...] = ("prod",)
    existing_provider: bool = False
    previews: bool = True
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def from_context(context: Mapping[str, Any]) -> Access:
    """The access that the context describes. Raises SettingsError."""
    for key in context:
        if is_plain(key) and key not in _KEYS + _OTHER_KEYS:
            raise SettingsError(f"unknown setting {key!r} after -c; known are {', '.join(_KEYS)}")
    host = str(context.get("host", "github"))
    if host not in _REPOSITORY:
        raise SettingsError(f"host is {host!r}; must be github or gitlab: -c host=gitlab")
    repository = str(context.get("repository") or "")
    if not _REPOSITORY[host].fullmatch(repository):
        raise SettingsError(
            f"repository is {repository!r}; must be OWNER/NAME as the host spells it, with ids where its tokens "
            "have them (OWNER@1/NAME@2): make pipeline-access REPOSITORY=OWNER/NAME"
        )
    environments = _environments(str(context.get("environments", "prod")))
    return Access(
        repository=repository,
        host=host,
        environments=environments,
        existing_provider=_boolean(context, "existing_provider", default=False),
        previews=_boolean(context, "previews", default=True),
        regions={name: _regions(context, name) for name in environments},
    )


def _environments(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not STAGE.fullmatch(name) or name == "pr":
            raise SettingsError(
                f"environments is {text!r}; must be names of {STAGE.pattern} with commas "
                "between them, and not pr: -c environments=prod,staging"
            )
    if len(set(names)) < len(names):
        raise SettingsError(f"environments is {text!r}; must name each environment once")
    return names


def _regions(context: Mapping[str, Any], stage: str) -> tuple[str, ...]:
    """The regions in which ``stage`` has stacks according to cdk.json; replicas are not stacks."""
    settings = settings_from_context({"stages": context.get("stages", {}), "stage": stage})
    return tuple(filter(None, (settings.region, settings.copy_region)))


def _boolean(context: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = str(context.get(key, default)).lower()
    if value not in ("true", "false"):
        raise SettingsError(f"{key} is {context[key]!r}; must be true or false: -c {key}=true")
    return value == "true"
