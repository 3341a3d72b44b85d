"""Every error that a user of the library can meet.

Each is also the builtin that a Python programmer would catch, so ``except ValueError`` keeps working::

    CondensersError
    ├── ColumnError            (ValueError)         a column is missing, ambiguous or of the wrong kind
    ├── RowError               (ValueError)         rows are empty, missing or not numbers
    ├── BudgetError            (ValueError)         the number of rows asked for cannot be met
    ├── SettingError           (ValueError)         an argument has a value that is not allowed
    ├── NotFittedError         (RuntimeError)       a condenser is asked for rows before it has seen any
    ├── SourceNotFoundError    (FileNotFoundError)  a dataset, split, model or condenser is not where it should be
    ├── OutputExistsError      (FileExistsError)    an output folder is not empty
    ├── StorageError           (OSError)            a result cannot be written
    ├── LeakError              (ValueError)         rows hold what should not be published
    ├── AccessError            (PermissionError)    the Hub does not know who asks, or does not allow it
    ├── ConflictError          (RuntimeError)       somebody else changed a repository meanwhile
    ├── ServiceError           (ConnectionError)    a remote service cannot be reached or refuses
    └── MissingDependencyError (ImportError)        an optional package is not installed

A message names the constraint, the value that broke it, and the remedy. Every leaf takes that message as its one
argument, so errors cross process boundaries (``Dataset.map(num_proc=...)``) unharmed.
"""

__all__ = [
    "AccessError",
    "BudgetError",
    "ColumnError",
    "CondensersError",
    "ConflictError",
    "LeakError",
    "MissingDependencyError",
    "NotFittedError",
    "OutputExistsError",
    "RowError",
    "ServiceError",
    "SettingError",
    "SourceNotFoundError",
    "StorageError",
]


class CondensersError(Exception):
    """Base of every error that the library raises on purpose."""


class ColumnError(CondensersError, ValueError):
    """A column is missing, ambiguous or of the wrong kind."""


class RowError(CondensersError, ValueError):
    """Rows are empty, missing or not numbers."""


class BudgetError(CondensersError, ValueError):
    """The number of rows asked for cannot be met."""


class SettingError(CondensersError, ValueError):
    """An argument has a value that is not allowed."""


class NotFittedError(CondensersError, RuntimeError):
    """A condenser is asked for rows before it has seen any."""


class SourceNotFoundError(CondensersError, FileNotFoundError):
    """A dataset, split, model or condenser is not where it should be."""


class OutputExistsError(CondensersError, FileExistsError):
    """An output folder is not empty."""


class StorageError(CondensersError, OSError):
    """A result cannot be written."""


class LeakError(CondensersError, ValueError):
    """Rows repeat the source, or hold personal data or keys."""


class AccessError(CondensersError, PermissionError):
    """The Hub does not know who asks, or does not allow it."""


class ConflictError(CondensersError, RuntimeError):
    """Somebody else changed a repository meanwhile."""


class ServiceError(CondensersError, ConnectionError):
    """A remote service cannot be reached or refuses."""


class MissingDependencyError(CondensersError, ImportError):
    """An optional package is not installed; the message holds the line that installs it."""
