"""Circuit breakers: losses that stop the desk by themselves. Compared as integers; reaching a limit trips it.

A breaker speaks at every bar at which its limit is reached, not only at the first: whoever resumes without
re-arming is stopped again at the next bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.types import IntArray
from tuiconsole.risk.settings import PARTS, RiskSettings, parts

_NO_KEY = -(2**62)
_HALTED = "the desk is halted and working orders are cancelled. To go on: re-arm with a reason, then resume."
_PAUSED = (
    "the desk is paused and only closes positions until the next session, when it goes on by itself. "
    "To go on at once is not possible: the same loss would pause it again."
)


@dataclass(frozen=True, slots=True)
class Trip:
    """A limit was reached.

    Attributes
    ----------
    level
        How far the desk must stop.
    cause
        Name of the breaker.
    value, limit
        Percentages as text: measured, allowed.
    text
        What happened, what the desk did, how to go on.
    until_next_session
        True when the next session releases it.
    """

    level: DeskLevel
    cause: str
    value: str
    limit: str
    text: str
    until_next_session: bool = False


class Breakers:
    """Watches the equity, bar by bar.

    Parameters
    ----------
    settings
        The limits.
    capital
        Equity before the first bar, money.

    Attributes
    ----------
    session_start
        Equity at the end of the session before, money: what the session's loss is measured from.
    session_peak, month_peak, peak
        Highest equity since the end of the session before, of the month before, and ever (or since the last
        re-arming).
    equity
        Equity last told, money.

    Examples
    --------
    >>> breakers = Breakers(RiskSettings(), 100_000)
    >>> [trip.cause for trip in breakers.update(0, 0, 0, 97_400)]
    ['session loss']
    """

    def __init__(self, settings: RiskSettings, capital: int) -> None:
        self._settings = settings
        self._loss_limit = parts(settings.daily_loss)
        self._session_limit = parts(settings.session_drawdown)
        self._month_limit = parts(settings.month_drawdown)
        self._peak_limit = parts(settings.drawdown)
        self._session: int | None = None
        self._month: int | None = None
        self.equity = capital
        self.session_start = capital
        self.session_peak = capital
        self.month_peak = capital
        self.peak = capital

    def update(self, ts: int, session: int, month: int, equity: int) -> tuple[Trip, ...]:
        """Take in the equity at a bar.

        Parameters
        ----------
        ts
            Time of the bar, ns UTC.
        session, month
            Keys of the exchange session and of the month; a change starts a new one.
        equity
            Money.

        Returns
        -------
        Every limit that is reached now, the most severe first.
        """
        if session != self._session:
            self._session = session
            self.session_start = self.session_peak = self.equity
        if month != self._month:
            self._month = month
            self.month_peak = self.equity
        self.equity = equity
        self.session_peak = max(self.session_peak, equity)
        self.month_peak = max(self.month_peak, equity)
        self.peak = max(self.peak, equity)
        if equity > 0 and not (
            _reached(self.peak, equity, self._peak_limit)
            or _reached(self.month_peak, equity, self._month_limit)
            or _reached(self.session_peak, equity, self._session_limit)
            or _reached(self.session_start, equity, self._loss_limit)
        ):
            return ()
        return self._trips()

    def _trips(self) -> tuple[Trip, ...]:
        settings, equity = self._settings, self.equity
        trips = []
        for cause, words, peak, limit, share in (
            ("drawdown", "from the all-time peak", self.peak, self._peak_limit, settings.drawdown),
            (
                "month drawdown",
                "from the month's peak",
                self.month_peak,
                self._month_limit,
                settings.month_drawdown,
            ),
            (
                "session drawdown",
                "from the session's peak",
                self.session_peak,
                self._session_limit,
                settings.session_drawdown,
            ),
        ):
            if _reached(peak, equity, limit) or equity <= 0:
                value, allowed = _percent(_fall(peak, equity)), f"{100 * share:g} %"
                text = f"Drawdown {value} {words} reached the {allowed} limit: {_HALTED}"
                trips.append(Trip(DeskLevel.HALTED, cause, value, allowed, text))
        if _reached(self.session_start, equity, self._loss_limit):
            value, allowed = _percent(self.session_loss), f"{100 * settings.daily_loss:g} %"
            text = f"Loss {value} since the session's start reached the {allowed} limit: {_PAUSED}"
            trips.append(Trip(DeskLevel.PAUSED, "session loss", value, allowed, text, True))
        return tuple(trips)

    def rearm(self, equity: int) -> None:
        """Measure everything from ``equity`` (money) on.

        A halt by drawdown ends only by a person's decision (or a backtest's declared cool-down). Kept as they
        were, the old peaks would halt the desk again at its next bar, for ever; moving them says that the
        loss is accepted and the whole allowance starts anew. The curve on the screen and the reports keep the
        true peak.
        """
        self.equity = equity
        self.session_start = self.session_peak = self.month_peak = self.peak = equity

    @property
    def session_loss(self) -> float:
        """Loss since the session's start, as a share of the equity then; 0 in profit."""
        return _fall(self.session_start, self.equity)

    @property
    def session_drawdown(self) -> float:
        """Fall from the session's peak, as a share of it."""
        return _fall(self.session_peak, self.equity)

    @property
    def month_drawdown(self) -> float:
        """Fall from the month's peak, as a share of it."""
        return _fall(self.month_peak, self.equity)

    @property
    def drawdown(self) -> float:
        """Fall from the highest equity ever (since the last re-arming), as a share of it."""
        return _fall(self.peak, self.equity)

    def limits(self) -> list[tuple[str, float, float, str]]:
        """``(name, used, allowed, what happens at the limit)`` of every breaker; shares."""
        settings = self._settings
        return [
            ("session loss", self.session_loss, settings.daily_loss, "pause"),
            ("session drawdown", self.session_drawdown, settings.session_drawdown, "halt"),
            ("month drawdown", self.month_drawdown, settings.month_drawdown, "halt"),
            ("drawdown", self.drawdown, settings.drawdown, "halt"),
        ]

    def lend(self) -> IntArray:
        """The references for a kernel ``[7]``; see :mod:`tuiconsole.risk.compiled_ordinary`."""
        keys = [_NO_KEY if key is None else key for key in (self._session, self._month)]
        peaks = (self.session_start, self.session_peak, self.month_peak, self.peak)
        return np.array((*peaks, self.equity, *keys), dtype=np.int64)

    def take_back(self, references: IntArray) -> None:
        """Go on from what a kernel made of :meth:`lend`, after one bar at least."""
        self.session_start, self.session_peak, self.month_peak, self.peak, *rest = references.tolist()
        self.equity, self._session, self._month = rest

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "session": self._session,
            "month": self._month,
            "equity": self.equity,
            "session_start": self.session_start,
            "session_peak": self.session_peak,
            "month_peak": self.month_peak,
            "peak": self.peak,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._session, self._month = state["session"], state["month"]
        self.equity = state["equity"]
        self.session_start, self.session_peak = state["session_start"], state["session_peak"]
        self.month_peak, self.peak = state["month_peak"], state["peak"]


def _reached(reference: int, equity: int, limit: int) -> bool:
    """Whether the fall from ``reference`` is at least ``limit`` parts per million of it."""
    return (reference - equity) * PARTS >= limit * reference


def _fall(reference: int, equity: int) -> float:
    if equity >= reference:
        return 0.0
    return (reference - equity) / reference if reference > 0 else 1.0


def _percent(share: float) -> str:
    """A percentage rounded down to two decimals: a limit that was missed never reads as reached."""
    return f"{int(share * 10_000 + 1e-6) / 100:g} %"
