"""Every command of ``python -m ops``, and what each needs."""

from ops import backup, backups, orphans
from ops.cleanup import command as cleanup
from ops.cost import command as cost
from ops.inventory import command as holdings
from ops.restore import command as restore
from ops.review import command as review

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
