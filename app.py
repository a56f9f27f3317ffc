"""The CDK app: the stacks of the stage that the context names."""

import gc
import os
import sys
from pathlib import Path

from stacks import node

if __name__ == "__main__":
    # Almost all objects belong to the CDK's modules and live to the end: a search for garbage finds nothing.
    # Python searches while they load, and once more at exit, which the freeze below prevents.
    gc.disable()
    os.environ["NODE_OPTIONS"] = node.options(os.environ.get("NODE_OPTIONS", ""))

from aws_cdk import App

from seed.dataset_file import check
from seed.document import SeedError
from seed.templates import load_items
from stacks.function import CodeError, let_lambda_read
from stacks.messages_stack import add_stacks
from stacks.setting_fields import PROJECT, SettingsError
from stacks.settings import settings_from_context


def main() -> None:
    """Synthesize; a wrong setting or seed ends in one line and status 1."""
    app = App()
    try:
        settings = settings_from_context(app.node.get_all_context())
        items = load_items(PROJECT / "seed" / "messages.yaml")
        if settings.dataset_file:
            check(settings.dataset_file)
        add_stacks(app, settings=settings, items=items)
    except (SettingsError, SeedError, CodeError) as error:
        sys.exit(f"error: {error}")
    let_lambda_read(Path(app.synth().directory))


if __name__ == "__main__":
    main()
    gc.freeze()
