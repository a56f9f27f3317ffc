"""The app, but its seeding function lacks the grant named by WITHOUT_GRANT."""

import os

import app
from stacks import messages_table

if __name__ == "__main__":
    messages_table.SEEDING_ACTIONS = tuple(
        action for action in messages_table.SEEDING_ACTIONS if action != os.environ["WITHOUT_GRANT"]
    )
    app.main()
