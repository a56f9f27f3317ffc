"""Modules that run when something in them is first used, and not when they are imported."""

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

_LOCK = RLock()  # the module's own code may reach back to it while it runs
_SPEC = "_deferred_spec"


class _Deferred(ModuleType):
    def __getattr__(self, name: str) -> Any:
        """Called only for what the module lacks."""
        with _LOCK:
            if spec := vars(self).pop(_SPEC, None):
                spec.loader.exec_module(self)
        return super().__getattribute__(name)


def defer(name: str) -> None:
    """Let imports of the module ``name`` get it without running it. Raises ValueError if there is none."""
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None:
        raise ValueError(f"there is no module {name}")
    module = module_from_spec(spec)
    module.__class__ = _Deferred
    vars(module)[_SPEC] = spec
    sys.modules[name] = module
