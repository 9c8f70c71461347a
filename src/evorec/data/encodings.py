"""Text files of any common encoding: recognised from their bytes and rewritten as UTF-8."""

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 22

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def recognise(path: Path) -> str:
    """The encoding of a text file: "utf-8", "utf-8-sig", "utf-16", "gb18030" or "cp1252" (Western European).

    A byte order mark decides, then strict UTF-8. What is left is GB18030 where it decodes to everyday Chinese
    characters, and cp1252 otherwise: single accented letters among ASCII also pass as GB18030, but only as rare ones.
    """
    with _open(path) as file:
        start = file.read(4)
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    if _foreign_characters(path, "utf-8") is not None:
        return "utf-8"
    characters = _foreign_characters(path, "gb18030")
    if characters and 2 * sum(_is_everyday_chinese(c) for c in characters) >= len(characters):
        return "gb18030"
    return "cp1252"


def as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """A plain UTF-8 copy of `path` in `folder`; `path` itself where it already is one."""
    if encoding == "utf-8" and path.suffix != ".gz":
        return path
    copy = folder / path.name.removesuffix(".gz")
    # cp1252 leaves five bytes undefined; Latin-1 names them, so that one stray byte does not refuse a whole file
    errors = "latin-1-bytes" if encoding == "cp1252" else "strict"
    with copy.open("wb") as out:
        for text in _decoded(path, encoding, errors):
            out.write(text.encode())
    return copy


def _latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1-bytes", _latin_1)


def _open(path: Path) -> BinaryIO | gzip.GzipFile:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _decoded(path: Path, encoding: str, errors: str = "strict") -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    with _open(path) as file:
        while chunk := file.read(CHUNK):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _foreign_characters(path: Path, encoding: str) -> set[str] | None:
    """The distinct characters beyond ASCII, or None where the file is not of this encoding."""
    found: set[str] = set()
    try:
        for text in _decoded(path, encoding):
            if not text.isascii():
                found.update(text)
    except UnicodeDecodeError:
        return None
    return {c for c in found if not c.isascii()}


def _is_everyday_chinese(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) == 2  # both bytes high: no ASCII letter hides in it
    except UnicodeEncodeError:
        return False
