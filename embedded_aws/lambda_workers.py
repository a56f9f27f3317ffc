"""Lambda ends execution environments that nobody uses any more; the engine keeps one for ever.

Of every function that was ever called a process of 50 MB stayed, a hundred after some stacks.
Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle"
(environments are ended every few hours even for functions that are called all the time).
"""

import time

import ministack.core.lambda_runtime as runtime
import ministack.services.lambda_svc as engine

from embedded_aws.settings import CURRENT


def install() -> None:
    """Let the engine's reaper, which looks every 30 seconds, end every idle worker."""
    engine.reap_idle_workers = end_idle
    engine._ensure_reaper_thread()


def end_idle() -> int:
    """End the workers that were idle for ``function_idle_seconds``; how many."""
    now, ended = time.time(), []
    with runtime._lock:
        for key, workers in list(runtime._workers.items()):
            idle = [one for one in workers if _is_idle(one, now)]
            ended += idle
            runtime._workers[key] = [one for one in workers if one not in idle]
            if not runtime._workers[key]:
                del runtime._workers[key]
    runtime.kill_workers(ended)
    return len(ended)


def _is_idle(worker: runtime.Worker, now: float) -> bool:
    unused = now - getattr(worker, "last_used", now)
    return not worker.in_use and unused > CURRENT.function_idle_seconds
