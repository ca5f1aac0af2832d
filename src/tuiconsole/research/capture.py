"""Turns a finished backtest into a :class:`~tuiconsole.reports.run.Run` that can be reported, stored and compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tuiconsole import __version__
from tuiconsole.analytics.measures import measures, plain_figures
from tuiconsole.analytics.named_periods import Period
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.track import FillTable
from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.costs import COST_NAMES
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.records import Filled
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.tape import Tape
from tuiconsole.reports.run import Outcome, Provenance, Run, Stop
from tuiconsole.research.attributing import attributed
from tuiconsole.research.backtests import Backtest
from tuiconsole.research.executions import executions
from tuiconsole.research.order_choices import sentences
from tuiconsole.research.tripwires import survivorship
from tuiconsole.research.unpaid_moves import unpaid_moves, unpaid_sentence


def capture(
    finished: Backtest,
    clock: Clock,
    *,
    name: str = "",
    verb: str = "backtest",
    arguments: Mapping[str, Any] | None = None,
    sample: Sample = Sample.IN,
    notes: Sequence[str] = (),
    periods: Sequence[Period] = (),
    benchmark: str = "",
) -> Run:
    """Everything ``finished`` left behind, as one value.

    Parameters
    ----------
    clock
        Says when it was made; nothing else depends on it.
    name
        Of the run; empty lets the store choose one.
    arguments
        What the verb was given, plain JSON values: with them and the settings the run can be made again.
    sample
        In-sample unless the period was declared out-of-sample before anything was chosen.
    notes
        Sentences to print under every figure, besides those of the tape.
    periods
        Named periods, by which the report splits the results.
    benchmark
        Symbol of the universe to compare with; empty: equal parts of all.

    Raises
    ------
    UsageError
        The universe has no such symbol, or it has no price at the first bar.
    """
    chosen, result = finished.plan, finished.result
    settings, tape = chosen.settings, finished.tape
    universe, order_rows = tape.universe, result.order_rows
    capital = chosen.opened.capital / MONEY_SCALE
    held = held_by(tape, chosen.start, result.bars, benchmark)
    fills = fill_table(result.filled, universe)
    return Run(
        name=name,
        sample=sample,
        provenance=Provenance(
            verb=verb,
            arguments=dict(arguments or {}),
            settings=json.loads(json.dumps(asdict(settings))),
            configuration=chosen.opened.configuration,
            tape=tape.name,
            source=tape.source,
            tape_digest=tape.digest,
            binding=chosen.opened.tape,
            policy=settings.policy.name,
            policy_digest=settings.policy.digest(),
            version=__version__,
            made=iso(clock.now_ns()),
        ),
        outcome=Outcome(
            order_hash=result.order_hash,
            journal_head=result.journal_head,
            bars=result.bars,
            orders=result.orders,
            fills=result.fills,
            refused=result.refused,
            last_tenth_orders=result.last_tenth_orders,
            halts=result.halts,
            rearmed=result.rearmed,
            cool_down_bars=settings.risk.cool_down_bars,
            borrow=result.borrow,
            seconds=result.seconds,
            failed=result.failed,
            refusals=dict(result.refusals),
        ),
        symbols=universe.symbols,
        capital=capital,
        currency=universe.instruments[0].currency.code,
        bars_per_year=settings.engine.bars_per_year,
        track=result.track,
        fills=fills,
        stops=tuple(Stop(row.ts, row.before, row.level, row.cause, row.text) for row in result.levels),
        benchmark=buy_and_hold(tape, chosen.start, result.bars, capital, held),
        notes=(
            *_unpaid(tape, chosen.start, result.bars, fills),
            *said_of(tape),
            *sentences(order_rows),
            *notes,
        ),
        periods=tuple(periods),
        executions=executions(order_rows, result.filled, tape, chosen.start + result.bars - 1),
        sectors=attributed(tape, chosen.start, result.track.ts, result.track.equity, capital, fills, held),
        benchmark_name=benchmark,
    )


def _unpaid(tape: Tape, start: int, bars: int, fills: FillTable) -> tuple[str, ...]:
    return unpaid_sentence(unpaid_moves(tape, start, bars, fills), tape.universe.instruments[0].currency.code)


def said_of(tape: Tape) -> tuple[str, ...]:
    """What the tape says about every run on it."""
    return (*tape.notes, survivorship(tape).text, *_only_looked_at(tape.universe))


def _only_looked_at(universe: Universe) -> tuple[str, ...]:
    """A sentence about the indices of a universe, if there are any."""
    names = [item.symbol for item in universe.instruments if not item.can_be_held]
    if not names:
        return ()
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (f"Indices cannot be bought: {shown} fed the features and was not traded.",)


def metrics(finished: Backtest) -> dict[str, float | None]:
    """All figures of a backtest by name; None where the data do not carry one."""
    result, settings = finished.result, finished.plan.settings
    fills = fill_table(result.filled, finished.plan.tape.universe)
    capital = finished.plan.opened.capital / MONEY_SCALE
    return plain_figures(
        measures(result.track, fills, capital, settings.engine.bars_per_year, borrow=result.borrow)
    )


def fill_table(records: Sequence[Filled], universe: Universe) -> FillTable:
    """The journalled fills as columns in currency units."""

    def column(name: str) -> Any:
        parts = [getattr(record, name) for record in records]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)

    def money(name: str) -> FloatArray:
        return np.asarray(column(name) / MONEY_SCALE)

    symbol = column("symbol")
    quantity = column("quantity") / universe.quantity_scale[symbol]
    price = column("price") / universe.price_scale[symbol]
    multiplier = np.array([item.multiplier for item in universe.instruments])[symbol]
    parts = (
        np.concatenate([record.costs for record in records], axis=1)
        if records
        else np.zeros((len(COST_NAMES), 0))
    )
    parts = parts / MONEY_SCALE
    repeats = [len(record.number) for record in records]
    return FillTable(
        ts=np.repeat(np.array([record.ts for record in records], dtype=np.int64), repeats),
        order=column("number"),
        symbol=symbol,
        quantity=quantity,
        price=price,
        value=quantity * price * multiplier,
        realised=money("realised"),
        forced=np.repeat(np.array([record.forced for record in records], dtype=np.bool_), repeats),
        fee=money("fee"),
        costs=dict(zip(COST_NAMES, parts, strict=True)),
    )


def held_by(tape: Tape, start: int, bars: int, benchmark: str = "") -> IntArray:
    """Columns that the benchmark holds: all with a price at the first traded bar, or ``benchmark`` alone.

    Raises :class:`UsageError` when ``benchmark`` is no symbol of the tape or has no price then.
    """
    priced = tape.close[start] > 0.0 if bars else np.zeros(len(tape.universe), dtype=np.bool_)
    if not benchmark:
        return np.flatnonzero(priced)
    if benchmark not in tape.universe.symbols:
        raise UsageError(
            f"The benchmark {benchmark} is not among the symbols of {tape.name}.",
            "Add it to the universe, or leave --benchmark out.",
        )
    column = tape.universe.symbols.index(benchmark)
    if bars and not priced[column]:
        raise UsageError(
            f"The benchmark {benchmark} has no price at the first bar.", "Choose a later --start."
        )
    return np.flatnonzero(priced & (np.arange(len(priced)) == column))


def buy_and_hold(tape: Tape, start: int, bars: int, capital: float, held: IntArray) -> FloatArray | None:
    """``capital`` in equal parts in the columns ``held`` at the first traded bar, kept to the end without costs.

    A symbol that stops having bars keeps its last price. None when there is no bar or nothing to hold.
    """
    close = tape.close[start : start + bars]
    if not len(held) or not bars:
        return None
    growth = close[:, held] / close[0, held]
    known = np.where(np.isfinite(growth), np.arange(bars)[:, None], 0)
    rows = np.maximum.accumulate(known, axis=0)
    return np.asarray(capital * np.take_along_axis(growth, rows, axis=0).mean(axis=1))
