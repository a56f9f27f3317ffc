"""The small file beside a transfer's own that remembers how far it came."""

import json
import os
import time
from pathlib import Path
from typing import Any

from cli.errors import OpsError

State = dict[str, Any]
# More often would cost more than what a killed transfer has to do again.
_SECONDS = 0.5


class StateFile:
    """A state under ``path``: there as a whole or not at all, also after a kill."""

    def __init__(self, path: Path, clock: Any = time) -> None:
        self.path, self._clock = path, clock
        self._saved = clock.monotonic()

    def load(self) -> State | None:
        """What was saved; None when nothing was. Raises OpsError for what is no state."""
        try:
            state = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError:
            state = None
        if not isinstance(state, dict):
            raise OpsError(f"{self.path} is not readable; delete it to begin anew")
        return state

    def is_due(self) -> bool:
        """Whether it is time to save again."""
        return bool(self._clock.monotonic() - self._saved >= _SECONDS)

    def save(self, state: State) -> None:
        """Replace what was saved."""
        draft = self.path.with_name(self.path.name + ".new")
        with draft.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        self._saved = self._clock.monotonic()

    def remove(self) -> None:
        """Forget what was saved, if anything was."""
        self.path.unlink(missing_ok=True)
