"""Every command of ``python -m ops``, and what each needs."""

from ops import backup, backups, cleanup, cost, holdings, orphans, restore, review

COMMANDS = {
    "backup": backup,
    "backups": backups,
    "restore": restore,
    "inventory": holdings,
    "orphans": orphans,
    "cleanup": cleanup,
    "cost": cost,
    "review": review,
}
# These need no account; what they say, they say about files.
WITHOUT_ACCOUNT = {"cost", "review"}
# These are about no stack of their own: to name one would have no effect.
EVERY_STACK = {"orphans"}
