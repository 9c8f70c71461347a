"""The house stands: a room imports only rooms below it, and only some rooms touch some packages."""

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports


def test_contracts_of_the_house(root, capsys):
    status = lint_imports(config_filename=str(root / "pyproject.toml"), cache_dir=None)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out
