"""The disk cache: what is stored comes back; damage, a full disk and other runs are survived."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from evorec.core.errors import EvorecError
from evorec.encoders import cache as module
from evorec.encoders.cache import EmbeddingCache, default_folder


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(1200, 8)).astype(np.float32)


def _only_file(cache: EmbeddingCache) -> Path:
    (path,) = (cache.folder / "embeddings").glob("*.sqlite")
    return path


def test_what_is_stored_comes_back_bit_by_bit(tmp_path: Path, vectors: np.ndarray) -> None:
    texts = [f"text {i} 茶" for i in range(1200)]
    EmbeddingCache(tmp_path).store("model", texts, vectors)
    at, found = EmbeddingCache(tmp_path).load("model", ["unknown", *reversed(texts)])
    assert sorted(at.tolist()) == list(range(1, 1201))
    np.testing.assert_array_equal(found, vectors[::-1][at - 1])


def test_nothing_stored_nothing_written(tmp_path: Path) -> None:
    at, found = EmbeddingCache(tmp_path / "new").load("model", ["tea"])
    assert (at.shape, found.shape) == ((0,), (0, 0))
    assert not (tmp_path / "new").exists()


def test_a_text_stored_twice_keeps_the_later_vector(tmp_path: Path, vectors: np.ndarray) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.store("model", ["tea"], vectors[:1])
    cache.store("model", ["tea"], vectors[1:2])
    np.testing.assert_array_equal(cache.load("model", ["tea"])[1], vectors[1:2])


def _overwrite_all(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 300)


def _overwrite_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[16384:] = b"\xff" * (len(content) - 16384)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def _cut_a_vector(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE embedding SET vector = x'0000' WHERE rowid = 3")
    connection.close()


@pytest.mark.parametrize("damage", [_overwrite_all, _overwrite_the_middle, _cut, _cut_a_vector])
def test_a_damaged_file_is_replaced_and_it_is_said(
    tmp_path: Path, vectors: np.ndarray, damage: Callable[[Path], None]
) -> None:
    cache, texts = EmbeddingCache(tmp_path), [str(i) for i in range(1200)]
    cache.store("model", texts, vectors)
    damage(_only_file(cache))
    with pytest.warns(UserWarning, match="is damaged"):
        at, _ = cache.load("model", texts)
    assert not len(at)
    cache.store("model", texts, vectors)
    assert len(cache.load("model", texts)[0]) == 1200


def test_a_full_disk_is_a_clear_error_and_keeps_what_was_stored(
    tmp_path: Path, vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.store("model", ["tea"], vectors[:1])
    connect = sqlite3.connect

    def connect_small(*args: object, **options: object) -> sqlite3.Connection:
        connection = connect(*args, **options)  # type: ignore[call-overload]
        connection.execute("PRAGMA max_page_count = 4")
        return connection  # type: ignore[no-any-return]

    monkeypatch.setattr(module.sqlite3, "connect", connect_small)
    with pytest.raises(EvorecError, match="full") as caught:
        cache.store("model", [str(i) for i in range(1200)], np.repeat(vectors, 100, axis=1))
    assert "EVOREC_CACHE" in caught.value.mend
    monkeypatch.undo()
    np.testing.assert_array_equal(cache.load("model", ["tea"])[1], vectors[:1])


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, vectors: np.ndarray) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EvorecError, match="cannot be used") as caught:
        EmbeddingCache(tmp_path / "file").store("model", ["tea"], vectors[:1])
    assert "EVOREC_CACHE" in caught.value.mend


def test_runs_share_a_folder(tmp_path: Path, vectors: np.ndarray) -> None:
    texts = [str(i) for i in range(1200)]

    def run(start: int) -> int:
        cache = EmbeddingCache(tmp_path)
        for i in range(start, 1200, 60):
            cache.store("model", texts[i : i + 15], vectors[i : i + 15])
            cache.load("model", texts)
        return start

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, (0, 15, 30, 45))) == [0, 15, 30, 45]
    at, found = EmbeddingCache(tmp_path).load("model", texts)
    assert len(at) == 1200
    np.testing.assert_array_equal(found, vectors[at])


def test_the_folder_is_that_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVOREC_CACHE", str(tmp_path))
    assert default_folder() == EmbeddingCache().folder == tmp_path
    monkeypatch.setenv("EVOREC_CACHE", "")
    assert default_folder() == Path.home() / ".cache" / "evorec"
