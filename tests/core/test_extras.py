"""Optional packages: the extra is named where the package is missing, and only there."""

import sys

import pytest

from evorec.core.errors import EvorecError, MissingExtraError
from evorec.core.extras import require


def test_an_installed_module_is_returned():
    assert require("json.decoder", extra="text") is sys.modules["json.decoder"]


@pytest.mark.parametrize("name", ["no_such_module", "no_such_module.part"])
def test_a_missing_package_names_its_extra(name):
    with pytest.raises(MissingExtraError, match="'no_such_module' is not installed") as raised:
        require(name, extra="plot")
    assert raised.value.mend == "pip install 'evorec[plot]'"
    assert isinstance(raised.value, EvorecError)


def test_a_fault_inside_a_package_is_not_blamed_on_the_extra(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import something_else_missing")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_else_missing"):
        require("broken_package", extra="text")
