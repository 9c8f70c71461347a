"""Optional packages: imported on use, with an error that names the extra to install."""

import importlib
from types import ModuleType

from evorec.core.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional `module`, or say which extra of evorec brings it.

    >>> require("json", extra="text").__name__
    'json'
    >>> require("no_such_module", extra="text")
    Traceback (most recent call last):
    ...
    evorec.core.errors.MissingExtraError: the package 'no_such_module' is not installed
      mend: pip install 'evorec[text]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise MissingExtraError(
            f"the package {module.partition('.')[0]!r} is not installed", mend=f"pip install 'evorec[{extra}]'"
        ) from None
