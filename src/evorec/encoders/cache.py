"""Disk cache of embeddings: one SQLite file per encoder, keyed by the content of the text."""

import hashlib
import os
import sqlite3
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from evorec.core.errors import EvorecError
from evorec.core.types import F32, I64

_T = TypeVar("_T")
_KEYS_PER_QUERY: Final = 500  # SQLite takes at least 999 parameters
_WAIT: Final = 60.0  # seconds to wait for another run that is writing


class _DamagedError(Exception):
    """The file can be opened but does not hold what was written."""


def default_folder() -> Path:
    """`$EVOREC_CACHE`, else `~/.cache/evorec`."""
    return Path(os.environ.get("EVOREC_CACHE") or Path.home() / ".cache" / "evorec").expanduser()


class EmbeddingCache:
    """Embeddings already computed, kept in `folder` across runs; may be deleted at any time.

    A row is found by the encoder's fingerprint and the SHA-256 of the text, so that neither a changed text nor a
    changed model ever meets an old vector. Every `store` is one transaction: a killed run leaves whole rows, and
    several runs may share the folder. A damaged file is replaced by an empty one, with a warning.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = EmbeddingCache(folder)
    ...     cache.store("model-a", ["tea"], np.ones((1, 2), np.float32))
    ...     cache.load("model-a", ["mug", "tea"]), cache.load("model-b", ["tea"])[0]
    ((array([1]), array([[1., 1.]], dtype=float32)), array([], dtype=int64))
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = default_folder() if folder is None else Path(folder)

    def load(self, fingerprint: str, texts: Sequence[str]) -> tuple[I64, F32]:
        """Positions `int64[found]` of those of the distinct `texts` that are held, and vectors `float32[found, d]`."""
        position = {_key(text): i for i, text in enumerate(texts)}
        keys = list(position)

        def read(connection: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
            rows: list[tuple[bytes, bytes]] = []
            for start in range(0, len(keys), _KEYS_PER_QUERY):
                part = keys[start : start + _KEYS_PER_QUERY]
                marks = ",".join("?" * len(part))
                rows += connection.execute(f"SELECT text, vector FROM embedding WHERE text IN ({marks})", part)
            if len({len(vector) for _, vector in rows}) > 1:
                raise _DamagedError("its vectors differ in length")
            return rows

        if not self._path(fingerprint).exists():
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        rows = self._run(fingerprint, read)
        found = np.fromiter((position[key] for key, _ in rows), np.int64, len(rows))
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), "<f4").astype(np.float32)
        return found, vectors.reshape(len(rows), -1 if len(rows) else 0)

    def store(self, fingerprint: str, texts: Sequence[str], vectors: F32) -> None:
        """Keep the `vectors` `float32[n, d]` of `texts`, all or none."""
        rows = [(_key(text), row.tobytes()) for text, row in zip(texts, vectors.astype("<f4"), strict=True)]

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")  # wait for the lock before the first change: no deadlock
            connection.executemany("INSERT OR REPLACE INTO embedding VALUES (?, ?)", rows)
            connection.execute("COMMIT")

        self._run(fingerprint, write)

    def _path(self, fingerprint: str) -> Path:
        return self.folder / "embeddings" / f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:32]}.sqlite"

    def _run(self, fingerprint: str, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do `work` on the file of this encoder; replace the file and do it again where it is damaged."""
        path = self._path(fingerprint)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                return _connected(path, work)
            except (sqlite3.DatabaseError, _DamagedError) as error:
                if isinstance(
                    error, sqlite3.OperationalError
                ):  # full, locked, read-only: nothing is wrong with the rows
                    raise
                warnings.warn(
                    f"the embedding cache {path} is damaged ({error}); it was emptied, and texts are encoded again",
                    stacklevel=4,
                )
                for suffix in ("", "-journal"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
                return _connected(path, work)
        except (OSError, sqlite3.OperationalError) as error:
            raise EvorecError(
                f"the embedding cache {path} cannot be used ({error})",
                mend="free some disk space or set EVOREC_CACHE to a folder that can be written; "
                "what is stored there already is kept and used again",
            ) from None


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _connected(path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
    with closing(sqlite3.connect(path, timeout=_WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'embedding'").fetchone():
            connection.execute("PRAGMA page_size = 16384")  # a row is 1-4 kB: smaller pages would stay half empty
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE IF NOT EXISTS embedding (text BLOB PRIMARY KEY, vector BLOB NOT NULL)")
            connection.execute("COMMIT")
        return work(connection)
