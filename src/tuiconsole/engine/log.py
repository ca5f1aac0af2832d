"""Structured log lines of the engine: what it did, one line per thing, for people or as JSON."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.domain.clock import iso
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.domain.money import to_float
from tuiconsole.domain.records import (
    AgentChanged,
    Alerted,
    BarSeen,
    Commanded,
    Decided,
    Filled,
    LevelChanged,
    Record,
    TapeEnded,
)

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

LOG_BYTES = 5_000_000
LOG_FILES = 3


def open_log(path: Path | None, as_json: bool) -> FilteringBoundLogger:
    """A structured logger on standard output, or on a rotating file of bounded size."""
    import structlog

    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stdout)
    else:
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.raiseExceptions = (
        False  # a log that nobody reads, or whose disk is full, does not concern the desk
    )
    root = logging.getLogger("tuiconsole")
    root.handlers[:] = [handler]
    root.propagate = False
    root.setLevel(logging.INFO)
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=path is None and sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    logger: FilteringBoundLogger = structlog.get_logger("tuiconsole")
    return logger


class RecordLog:
    """Turns journal records into log lines."""

    def __init__(self, logger: FilteringBoundLogger, symbols: tuple[str, ...], every_bar: bool) -> None:
        self._log = logger
        self._symbols = symbols
        self._every_bar = every_bar

    def tell(self, record: Record) -> None:
        """Write the lines of ``record``, if it is one that people want to read."""
        if isinstance(record, BarSeen):
            if self._every_bar or len(record.flagged):
                flagged = [self._symbols[i] for i in record.flagged.tolist()]
                self._log.info("bar", clock=iso(record.ts), equity=to_float(record.equity), flagged=flagged)
        elif isinstance(record, Decided):
            self._tell_orders(record)
        elif isinstance(record, Filled):
            for k, number in enumerate(record.number.tolist()):
                symbol = self._symbols[int(record.symbol[k])]
                fee, quantity = to_float(int(record.fee[k])), int(record.quantity[k])
                self._log.info(
                    "fill", clock=iso(record.ts), order=number, symbol=symbol, quantity=quantity, fee=fee
                )
        elif isinstance(record, LevelChanged):
            level = DeskLevel(record.level).name.lower()
            self._log.warning(
                "level", clock=iso(record.ts), state=level, cause=record.cause, text=record.text
            )
        elif isinstance(record, Alerted):
            severity = Severity(record.severity).name.lower()
            self._log.warning(
                "alert", clock=iso(record.ts), severity=severity, code=record.code, text=record.text
            )
        elif isinstance(record, Commanded):
            kind = CommandKind(record.kind).name.lower()
            self._log.info(
                "command", command=kind, accepted=record.accepted, source=record.source, text=record.text
            )
        elif isinstance(record, AgentChanged):
            self._log.info("agent", agent=record.agent, enabled=record.enabled, text=record.text)
        elif isinstance(record, TapeEnded):
            self._log.info("end of tape", clock=iso(record.ts))

    def _tell_orders(self, record: Decided) -> None:
        for k, number in enumerate(record.number.tolist()):
            symbol, quantity = self._symbols[int(record.columns[k])], int(record.quantity[k])
            if number:
                self._log.info("order", clock=iso(record.ts), order=number, symbol=symbol, quantity=quantity)
            else:
                rule, value, limit = int(record.rule[k]), float(record.value[k]), float(record.limit[k])
                self._log.warning(
                    "refused",
                    clock=iso(record.ts),
                    symbol=symbol,
                    quantity=quantity,
                    rule=rule,
                    value=value,
                    limit=limit,
                )
