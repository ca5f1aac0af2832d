"""The few errors of the house, each written for the trader: what happened, what it means, what to do."""

from __future__ import annotations


class DeskError(Exception):
    """Base of every error a user may see as one sentence.

    Parameters
    ----------
    what
        What is wrong, with the value found and the value expected.
    remedy
        What to do about it; may be empty when ``what`` says it.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}".strip()


class UsageError(DeskError):
    """A wrong word, key, symbol, agent, theme or file named by the user; exit code 2."""

    exit_code = 2


class ConfigError(UsageError):
    """A key of ``config.toml`` is unknown or its value is out of range."""


class DataError(UsageError):
    """A data file is missing, empty, unsorted, ragged or otherwise unusable."""


class StoreError(DeskError):
    """``state.db`` cannot be trusted or written; the desk must not trade."""


class StoreBindingError(StoreError):
    """``state.db`` belongs to another mode, tape or version; opening it is refused."""

    exit_code = 2


class JournalDivergence(StoreError):
    """Replaying the inputs did not reproduce the journal."""


class TapeDamaged(StoreError):
    """A recorded tape was changed, cut or lost; what was traded on it can no longer be driven again."""


class FeedError(DeskError):
    """A live feed is unreachable, refuses, is too slow or answers what cannot be understood."""


class EngineError(DeskError):
    """The engine is not running, already running, or did not answer."""


class ProtocolError(DeskError):
    """The other end of the socket speaks another version or sent something malformed."""


class Interrupted(DeskError):
    """The user stopped a command with Ctrl-C; says what was kept and how to go on. Exit code 130."""

    exit_code = 130


class MoneyOverflow(DeskError):
    """A scaled-integer product would leave the range of int64."""


class IllegalTransition(DeskError):
    """An order event that the transition table does not allow in the order's state."""


class NotApproved(DeskError):
    """Something other than the gate tried to hand an order to a broker."""


class MalformedBook(FeedError):
    """A message of an order book's feed cannot be understood, or says what cannot be."""
