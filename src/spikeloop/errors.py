"""The errors that spikeloop raises on purpose.

Every message says what was got, what was wanted, and what to do::

    SpikeloopError
    ├── InvalidInputError (also a ValueError)   an argument, an array or a setting cannot be right
    ├── BadFileError                            a file is missing, damaged, or not what it claims
    │   ├── MissingVariableError                the file lacks a name that was asked for
    │   └── UnsafeFileError                     reading the file could run code or fill the disk
    ├── ResultsFolderError                      a results folder is in the way, or unfinished
    ├── FetchError                              a data set could not be had
    └── MissingExtraError (also an ImportError) an optional package is not installed

    SpikeloopWarning (a UserWarning)            the input was mended, and this says how
"""


class SpikeloopError(Exception):
    """Anything that spikeloop refuses or could not do."""


class InvalidInputError(SpikeloopError, ValueError):
    """An argument, an array or a setting cannot be right."""


class BadFileError(SpikeloopError):
    """A file is missing, damaged, or not what it claims to be."""


class MissingVariableError(BadFileError):
    """The file does not hold the variable that was asked for."""


class UnsafeFileError(BadFileError):
    """Reading the file could run code or fill the memory."""


class ResultsFolderError(SpikeloopError):
    """A results folder is in the way, unfinished, or of another run."""


class FetchError(SpikeloopError):
    """A data set could not be fetched."""


class MissingExtraError(SpikeloopError, ImportError):
    """An optional package is needed and not installed."""

    @classmethod
    def of(cls, package: str, extra: str) -> "MissingExtraError":
        """Return the error for a `package` that comes with the extra named `extra`."""
        return cls(f"{package} is not installed. Run: pip install 'spikeloop[{extra}]'.")


class SpikeloopWarning(UserWarning):
    """The input was mended; the message says how."""
