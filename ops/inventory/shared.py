"""Clients that many stacks share: a request is made once, whichever stack asks. For reads, and for threads."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

from cli.clients import Clients

T = TypeVar("T")
LANES = 8  # requests at a time
# Only its own stack reads a vault, of which there may be a million points.
_NOT_KEPT = frozenset({"list_recovery_points_by_backup_vault"})


class SharedClients(Clients):
    """The clients of a command about many stacks."""

    def __init__(self, clients: Clients) -> None:
        vars(self).update(vars(clients))  # the same session and connections
        self._shared: dict[str, SharedClient] = {}
        self._lock = threading.Lock()

    def __call__(self, service: str) -> "SharedClient":
        with self._lock:
            if service not in self._shared:
                self._shared[service] = SharedClient(super().__call__(service))
            return self._shared[service]


class SharedClient:
    """A boto3 client that keeps every response, and every error, for the next who asks the same."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._kept: dict[str, Future[Any]] = {}
        self._lock = threading.Lock()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._client, operation)
        return lambda **request: self.once(f"{operation} {request}", partial(call, **request))

    def get_paginator(self, operation: str) -> Any:
        """The client's paginator, whose pages are kept."""

        def pages(**request: Any) -> Iterable[Any]:
            listed = partial(self._client.get_paginator(operation).paginate, **request)
            key = f"{operation} {request}"
            return listed() if operation in _NOT_KEPT else self.once(key, lambda: list(listed()))

        return SimpleNamespace(paginate=pages)

    def once(self, key: str, make: Callable[[], T]) -> T:
        """What ``make`` returns or raises, which runs for the first who asks for ``key``."""
        with self._lock:
            first, kept = key not in self._kept, self._kept.setdefault(key, Future())
        if first:
            try:
                kept.set_result(make())
            except BaseException as error:  # noqa: BLE001 (raised below)
                kept.set_exception(error)
        result: T = kept.result()
        return result


def once(client: Any, key: str, make: Callable[[], T]) -> T:
    """What ``make`` returns; where ``client`` is shared, it runs once."""
    return client.once(key, make) if isinstance(client, SharedClient) else make()
