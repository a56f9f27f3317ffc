"""Finds two lines that stand for one item, in flat memory however many lines there are.

Standard library only: a function that loads a dataset imports this module too.
"""

import hashlib
import sqlite3
from types import TracebackType

# Half of a SHA-256: two different keys out of a billion share one with a chance of 1 in 10^20.
_DIGEST_BYTES = 16
_CACHE_KIB = 16 * 1024


class RepeatedKeys:
    """The keys of numbered lines, on disk; a context manager, because it has a temporary file.

    SQLite sorts outside of memory: a table of digests and line numbers without
    an index is written in one go and grouped once, when it is asked.
    """

    def __init__(self) -> None:
        # The empty name is a private database on disk that ends with the connection
        # (https://www.sqlite.org/inmemorydb.html#temp_db).
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._database.execute("PRAGMA temp_store = FILE")
        self._database.execute("CREATE TABLE keys (digest BLOB, line INTEGER)")
        self._database.execute("BEGIN")

    def __enter__(self) -> "RepeatedKeys":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.close()

    def add(self, line: int, pk: str, sk: str) -> None:
        """Note that the item of ``line`` has the key ``pk``, ``sk``."""
        # The length keeps "a" + "bc" apart from "ab" + "c".
        text = f"{len(pk)}:{pk}{sk}".encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(text).digest()[:_DIGEST_BYTES]
        self._database.execute("INSERT INTO keys VALUES (?, ?)", (digest, line))

    def first(self, most: int = 1) -> list[tuple[int, int]]:
        """Up to ``most`` pairs of an earlier and a later line with one key, by the later line."""
        rows = self._database.execute(
            "SELECT earlier.line, later FROM ("
            "  SELECT digest, min(line) AS line, max(line) AS later, count(*) AS lines"
            "  FROM keys GROUP BY digest HAVING lines > 1"
            ") AS earlier ORDER BY later LIMIT ?",
            (most,),
        )
        return [(int(earlier), int(later)) for earlier, later in rows]

    def count(self) -> int:
        """How many lines have the key of an earlier line."""
        ((number,),) = self._database.execute(
            "SELECT coalesce(sum(lines - 1), 0) FROM"
            " (SELECT count(*) AS lines FROM keys GROUP BY digest HAVING lines > 1)"
        )
        return int(number)
