"""What all tests share: the repository's folders, reproducible property tests, charts without a screen."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# No deadline: a busy machine is no failure. Derandomised: the same commit gives the same verdict.
settings.register_profile("evorec", deadline=None, derandomize=True)
settings.load_profile("evorec")


@pytest.fixture(scope="session")
def root():
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def manual(root):
    """Every page that a person wrote for people, by path from the root."""
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md")]
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in pages}
