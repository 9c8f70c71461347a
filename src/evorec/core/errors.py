"""Errors that a user can act on: each says what is wrong and how to mend it."""


class EvorecError(Exception):
    """Base of all errors that evorec raises on purpose.

    `what` states the fault, `mend` the way out. The command line prints both and exits with `exit_code`.

    >>> print(EvorecError("no such file: a.csv", mend="check the path"))
    no such file: a.csv
      mend: check the path
    """

    exit_code = 1

    def __init__(self, what: str, *, mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.what}\n  mend: {self.mend}" if self.mend else self.what


class InputError(EvorecError):
    """Data, a setting or a command-line value that cannot be used as it is."""

    exit_code = 2


class MissingExtraError(EvorecError):
    """An optional package is not installed."""


class UnreachableError(EvorecError):
    """A model, data set or server could not be reached."""


class ArtifactError(EvorecError):
    """A saved model that is damaged, incomplete or of another format version."""
