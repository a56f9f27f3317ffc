"""A headless Chromium with a profile of its own that talks to this machine alone."""

import base64
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO, Any, cast

from local.pictures.devtools import DevTools, DevToolsError

COMMAND = "chromium"  # as Debian names it
PAGE_SECONDS = 60
QUIET_SECONDS = 0.5
STOP_SECONDS = 5
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-crash-reporter",
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    # The same pixels on every screen.
    "--disable-lcd-text",
    "--disable-partial-raster",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)
# The protocol's pipes are the descriptors 3 and 4.
_WITH_PIPES = 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2'
_RENDERED = """new Promise(done => document.fonts.ready.then(
    () => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))"""


@dataclass(frozen=True, kw_only=True)
class Box:
    """A part of a page's window, in pixels."""

    x: float
    y: float
    width: float
    height: float


class Page:
    """A page of a browser, light, in English and UTC wherever it runs."""

    def __init__(self, devtools: DevTools, width: int, height: int) -> None:
        self._devtools = devtools
        target = devtools.call("Target.createTarget", url="about:blank")["targetId"]
        attached = devtools.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Network.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._call("Emulation.setTimezoneOverride", timezoneId="UTC")
        self._call("Emulation.setLocaleOverride", locale="en-US")
        light = {"name": "prefers-color-scheme", "value": "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self._call("Emulation.setEmulatedMedia", features=[light, still])

    @property
    def requested(self) -> list[str]:
        """The addresses that were asked for so far, by the page or by its scripts."""
        return self._devtools.requested

    def open(self, address: str) -> None:
        """Go to ``address``. Raises DevToolsError when nothing answers there."""
        answer = self._call("Page.navigate", url=address)
        if "errorText" in answer:
            raise DevToolsError(f"{address}: {answer['errorText']}")
        self.wait("document.readyState == 'complete'")

    def value(self, expression: str) -> Any:
        """What the JavaScript ``expression`` is in the page, or what it promises.

        Raises DevToolsError for a mistake in it.
        """
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"].get("exception", {}).get("description", "")
            raise DevToolsError(f"{expression}: {thrown}")
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Return when the JavaScript ``condition`` holds and no answer is awaited for a while.

        Without the second a page may show it, ask again and begin anew. Raises
        DevToolsError when it never comes to that.
        """
        begun = quiet = time.monotonic()
        while time.monotonic() - quiet < QUIET_SECONDS:
            if not self.value(f"Boolean({condition})") or self._devtools.open:
                quiet = time.monotonic()
            if time.monotonic() - begun > PAGE_SECONDS:
                raise DevToolsError(f"not within {PAGE_SECONDS} s: {condition}")
            time.sleep(0.05)

    def type(self, text: str) -> None:
        """Type ``text`` where the cursor is."""
        self._call("Input.insertText", text=text)

    def picture(self, box: Box) -> bytes:
        """A PNG of that part of the page, once its fonts are loaded and it is drawn."""
        self.value(_RENDERED)
        # Beyond the viewport it would lay the page out again, for a window of the box's size.
        taken = self._call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=False, clip=asdict(box) | {"scale": 1}
        )
        return base64.b64decode(taken["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._devtools.call(method, self._session, **parameters)


def installed() -> bool:
    """Whether there is a Chromium on this machine."""
    return shutil.which(COMMAND) is not None


@contextlib.contextmanager
def page(width: int, height: int) -> Iterator[Page]:
    """An empty page of that size in pixels, in a browser for the length of a ``with`` block."""
    with tempfile.TemporaryDirectory(prefix="chromium-") as home:
        process = subprocess.Popen(
            ["sh", "-c", _WITH_PIPES, "sh", COMMAND, *_OPTIONS, f"--user-data-dir={home}/profile"],
            env=_environment(home),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            pipes = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            yield Page(DevTools(*pipes), width, height)
        finally:
            _stop(process)


def _environment(home: str) -> dict[str, str]:
    own = ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"} | dict.fromkeys(own, home)


def _stop(process: subprocess.Popen[bytes]) -> None:
    # It ends when the pipes do; it would also when this process were killed.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
