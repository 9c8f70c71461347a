"""Saved folders: JSON, safetensors and text with a checksum for every file; written whole or not at all."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from evorec.core.errors import ArtifactError, InputError

FORMAT_VERSION = 2  # 2: contexts of the blend are pairs of silence and length
MANIFEST = "manifest.json"
_MEND = "copy or train the model again; a saved model is never edited in place"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write `value` as readable JSON; keeps Chinese as it is and refuses NaN."""
    path.write_text(_dump(value), encoding="utf-8")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as safetensors."""
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def _kind_in(folder: Path) -> Any:
    """The kind of artifact that a folder says it holds; None where it says nothing of the sort."""
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_target(target: Path, *, kind: str) -> None:
    """Refuse a place that no artifact of `kind` may be written to: a file, or a folder with something else in it."""
    for path in (target, *target.parents):
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is not a folder", mend="choose an empty or a new folder")
    if target.exists() and any(target.iterdir()) and _kind_in(target) != kind:
        raise InputError(f"{target} exists and is not a saved {kind}", mend="choose an empty or a new folder")


@contextmanager
def writing(target: Path, *, kind: str) -> Iterator[Path]:
    """A temporary folder that becomes `target`, with checksums, when the block ends well.

    An artifact is immutable: an existing one at `target` is replaced only once the new one is complete, and any other
    folder there is refused.
    """
    with writing_together([(target, kind)]) as (draft,):
        yield draft


@contextmanager
def writing_together(targets: Sequence[tuple[Path, str]]) -> Iterator[list[Path]]:
    """As `writing`, for folders (place, kind) that belong together: all of them are put in place, or none.

    A draft that another one names by its checksum is sealed by the block itself, with `seal`.
    """
    places = [(target.resolve(), kind) for target, kind in targets]
    for place, kind in places:
        check_target(place, kind=kind)
    drafts: list[Path] = []
    try:
        for place, _ in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            drafts.append(Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent)))
        yield drafts
        for draft, (_, kind) in zip(drafts, places, strict=True):
            if not (draft / MANIFEST).exists():
                seal(draft, kind=kind)
        _put_in_place(drafts, [place for place, _ in places])
    finally:
        for draft in drafts:
            shutil.rmtree(draft, ignore_errors=True)


def seal(draft: Path, *, kind: str) -> str:
    """Write the manifest, with the checksum of every file; returns its own checksum, which names the artifact."""
    files = sorted(p.relative_to(draft).as_posix() for p in draft.rglob("*") if p.is_file())
    write_json(
        draft / MANIFEST,
        {"kind": kind, "format": FORMAT_VERSION, "sha256": {name: _digest(draft / name) for name in files}},
    )
    return identity(draft)


def identity(folder: Path) -> str:
    """The checksum that names the artifact in `folder`: that of its manifest."""
    return _digest(folder / MANIFEST)


def _put_in_place(drafts: Sequence[Path], targets: Sequence[Path]) -> None:
    """Move drafts to their targets; whatever interrupts that, those that stood there before are put back."""
    moved: list[tuple[Path, Path, Path]] = []  # draft, target, and where what stood there is kept meanwhile
    complete = False
    try:
        for draft, target in zip(drafts, targets, strict=True):
            draft.chmod(0o755)
            kept = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent)) / "previous"
            moved.append((draft, target, kept))
            if target.exists():
                target.replace(kept)
            draft.replace(target)
        complete = True
    finally:
        for draft, target, kept in moved:
            if not complete and not draft.exists():
                shutil.rmtree(target, ignore_errors=True)
            if not complete and kept.exists():
                kept.replace(target)
            shutil.rmtree(kept.parent, ignore_errors=True)


class Reader:
    """A saved folder whose every file was checked against its checksum before anything was read from it."""

    def __init__(self, root: Path, *, kind: str) -> None:
        if not (root / MANIFEST).is_file():
            raise ArtifactError(f"{root} is not a saved {kind}: it has no {MANIFEST}", mend="check the path")
        self.root = root
        try:
            written = (root / MANIFEST).read_bytes().decode()  # as text, a carriage return would pass for a line feed
            manifest = json.loads(written)
            found_kind, version, sums = manifest["kind"], manifest["format"], dict(manifest["sha256"])
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{root / MANIFEST} is damaged ({error})", mend=_MEND) from None
        if _dump(manifest) != written:  # no byte of the manifest may differ, white space included
            raise ArtifactError(f"{root / MANIFEST} is damaged", mend=_MEND)
        if version != FORMAT_VERSION:
            raise ArtifactError(
                f"{root} has format {version}, this evorec reads {FORMAT_VERSION}",
                mend="train again, or use the evorec that wrote it",
            )
        if found_kind != kind:
            raise ArtifactError(f"{root} holds a {found_kind}, not a {kind}", mend="check the path")
        for name, expected in sums.items():
            path = root / name
            if "\0" in name or not path.resolve().is_relative_to(root.resolve()):
                raise ArtifactError(f"{root / MANIFEST} names a file outside the folder: {name}", mend=_MEND)
            if not path.is_file():
                raise ArtifactError(f"{root / name} is missing", mend=_MEND)
            if _digest(path) != expected:
                raise ArtifactError(f"{root / name} is damaged: its checksum differs", mend=_MEND)
        self.names = frozenset(sums)

    def _path(self, name: str) -> Path:
        if name not in self.names:
            raise ArtifactError(f"{self.root} lacks {name}", mend=_MEND)
        return self.root / name

    def json(self, name: str) -> Any:
        """The value of a JSON file."""
        return json.loads(self._path(name).read_text(encoding="utf-8"))

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The named arrays of a safetensors file."""
        try:
            return dict(load(self._path(name).read_bytes()))
        except SafetensorError as error:
            raise ArtifactError(f"{self.root / name} cannot be read ({error})", mend=_MEND) from None
