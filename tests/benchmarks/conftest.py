"""The folder of benchmarks, whose modules are no package."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def benchmarks(root, monkeypatch):
    """The folder of benchmarks: its modules can be imported by name, and are forgotten afterwards."""
    folder = root / "benchmarks"
    for place in (folder, folder / "peers"):
        monkeypatch.syspath_prepend(str(place))
    yield folder
    for name, module in list(sys.modules.items()):
        if folder in Path(getattr(module, "__file__", None) or "").parents:
            del sys.modules[name]
