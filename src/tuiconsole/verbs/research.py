"""Verbs that drive history through the desk: backtest and verify."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.analytics.samples import Sample
from tuiconsole.domain.clock import WallClock, iso
from tuiconsole.domain.errors import JournalDivergence, TapeDamaged, UsageError
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.interrupting import interruptible

if TYPE_CHECKING:
    from tuiconsole.analytics.named_periods import Period
    from tuiconsole.engine.backtest import BacktestResult
    from tuiconsole.engine.settings import Settings
    from tuiconsole.market.tape import Tape
    from tuiconsole.research.keeping import Kept


def run_backtest_verb(
    place: Place,
    end: str | None,
    agents: str | None,
    journal: Path | None,
    progress: bool,
    runs: Path,
    name: str = "",
    period: str | None = None,
    benchmark: str = "",
) -> tuple[dict[str, Any], Kept]:
    """Run a backtest, count it as a trial, store it in ``runs``; the verb's stable keys, and the stored run."""
    from tuiconsole.engine.build import load_tape, plan
    from tuiconsole.research.backtests import backtest
    from tuiconsole.research.capture import held_by
    from tuiconsole.research.keeping import keep
    from tuiconsole.research.runs import RunStore

    if name:
        RunStore(runs).require_free(name)
    RunStore(runs).require_writable()
    settings = place.config.desk
    tape = load_tape(settings)
    sample = Sample.IN
    if period is not None:
        settings, end, sample = _within(place, period, end, tape)
    if agents is not None:
        names = tuple(name.strip() for name in agents.split(",") if name.strip())
        settings = replace(settings, agents=replace(settings.agents, enabled=names))
    if benchmark:  # one that cannot be held is found before the run, not after it
        held_by(tape, plan(settings, tape, "backtest").start, 1, benchmark)
    clock, reached = WallClock(), _Reached(progress)
    with interruptible(reached.sentence), _written_whole(journal) as beside:
        finished = backtest(settings, tape, clock, end=end, journal=beside, progress=reached.tell)
    if progress:
        sys.stderr.write("\r\x1b[K")
    with interruptible(lambda: "the backtest was over; tuiconsole runs list shows whether it was stored."):
        kept = keep(
            finished,
            clock,
            runs,
            name=name,
            arguments={"end": end, "agents": agents, "period": period, "benchmark": benchmark or None},
            sample=sample,
            periods=place.config.periods,
            benchmark=benchmark,
        )
    return _answer(finished.result, kept), kept


class _Reached:
    """How far a backtest is: shown, and told when it is interrupted."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._done = self._total = 0

    def tell(self, done: int, total: int) -> None:
        self._done, self._total = done, total
        if self._shown:
            sys.stderr.write(f"\r{done:,} of {total:,} bars ({100 * done / max(total, 1):.0f} %)")
            sys.stderr.flush()

    def sentence(self) -> str:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
        where = f" after {self._done:,} of {self._total:,} bars" if self._done else ""
        return f"the backtest stopped{where}; no run was stored and no trial counted. Start it again."


@contextmanager
def _written_whole(path: Path | None) -> Iterator[Path | None]:
    """A file beside ``path`` that takes its place when the block ends well, and is removed otherwise."""
    if path is None:
        yield None
        return
    beside = path.with_name(f"{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _answer(result: BacktestResult, kept: Kept) -> dict[str, Any]:
    """The verb's stable keys."""
    return {
        "run": kept.run.name,
        "sample": kept.run.sample.value,
        "trials": kept.trials.count,
        "journal_head": result.journal_head,
        "order_hash": result.order_hash,
        "symbols": result.symbols,
        "bars": result.bars,
        "orders": result.orders,
        "fills": result.fills,
        "refused": result.refused,
        "refusals": dict(result.refusals),
        "seconds": result.seconds,
        "symbol_bars_per_s": result.symbol_bars_per_s,
        "final_equity": result.final_equity,
        "fees": result.fees,
        "halts": result.halts,
        "rearmed": result.rearmed,
        "failed": list(result.failed),
        "cool_down_bars": kept.run.outcome.cool_down_bars,
        "orders_in_last_tenth": result.last_tenth_orders,
        "first": iso(int(result.ts[0]))[:10] if result.bars else None,
        "last": iso(int(result.ts[-1]))[:10] if result.bars else None,
        "metrics": kept.metrics,
    }


def _within(place: Place, name: str, end: str | None, tape: Tape) -> tuple[Settings, str, Sample]:
    """Settings, end and sample of the named period; the days of a period are not to be chosen again."""
    known = {period.name: period for period in place.config.periods}
    if name not in known:
        raise UsageError(
            f"There is no period {name!r}.", f"[periods] of the configuration has: {', '.join(known)}."
        )
    if end is not None or "--start" in place.arguments:
        raise UsageError(f"The period {name} says when to start and end.", "Leave out --start and --end.")
    period = known[name]
    settings = place.config.desk
    _require_bars(tape, period)
    settings = replace(settings, feed=replace(settings.feed, start=iso(period.start)))
    return settings, iso(period.end), Sample.OUT if period.kind == "out-of-sample" else Sample.IN


def _require_bars(tape: Tape, period: Period) -> None:
    """Refuse with :class:`UsageError` a period of which ``tape`` has no bar."""
    rows = period.rows(tape.ts)
    if rows.stop <= rows.start:
        raise UsageError(
            f"{tape.name} has no bars of the period {period.name} ({iso(period.start)[:10]} to {iso(period.end - 1)[:10]}): "
            f"it runs from {iso(int(tape.ts[0]))[:10]} to {iso(int(tape.ts[-1]))[:10]}.",
            "Choose another period, or change its days in [periods].",
        )


def backtest_text(body: dict[str, Any], kept: Kept) -> str:
    """The report for people, how fast it was, and where it is kept."""
    from tuiconsole.reports.terminal import render

    width = shutil.get_terminal_size((80, 24)).columns
    report = render(kept.run, width, kept.trials, colour=sys.stdout.isatty())
    return (
        f"{report}\n{body['seconds']:.2f} s, {body['symbol_bars_per_s']:,.0f} symbol-bars/s\n"
        f"stored as {kept.run.name}; tuiconsole report {kept.run.name} --html FILE draws it"
    )


def run_tripwires(place: Place, end: str | None, cuts: int, progress: bool) -> dict[str, Any]:
    """Every tripwire on the desk of ``place``; ``ok`` False when look-ahead, recursion or same-bar fills were found.

    Survivorship is reported and does not fail: it is a fact of the data, not a fault of the desk.
    """
    from tuiconsole.engine.build import load_tape
    from tuiconsole.research.backtests import end_index
    from tuiconsole.research.tripwires import trip_all

    settings = place.config.desk
    tape = load_tape(settings)

    def tell(name: str) -> None:
        if progress:
            sys.stderr.write(f"\r\x1b[Kchecking {name} ...")
            sys.stderr.flush()

    index = None if end is None else end_index(end, tape, 0)
    found = trip_all(settings, tape, WallClock(), cuts, index, tell)
    if progress:
        sys.stderr.write("\r\x1b[K")
    return {
        "ok": all(finding.ok for finding in found if finding.name != "survivorship"),
        "tape": tape.name,
        "policy": settings.policy.name,
        "findings": [finding.as_json() for finding in found],
    }


def tripwires_text(body: dict[str, Any]) -> str:
    """The verdicts for people."""
    lines = [f"{body['policy']} on {body['tape']}"]
    for finding in body["findings"]:
        mark = "ok" if finding["ok"] else ("NOTE" if finding["name"] == "survivorship" else "TRIPPED")
        lines += textwrap.wrap(
            finding["text"], 78, initial_indent=f"{mark:<8}{finding['name']}: ", subsequent_indent=" " * 8
        )
    return "\n".join(lines)


def verify_desk(place: Place, chain_only: bool, head: Path | None = None) -> dict[str, Any]:
    """Check the chain, and against a ``head`` kept elsewhere; then drive the session's inputs again and compare every row."""
    from tuiconsole.engine.launch import load_launch
    from tuiconsole.store.audit import against_head, verify_chain

    report = verify_chain(place.paths.state)
    body: dict[str, Any] = {
        "ok": report.ok,
        "rows": report.rows,
        "head": report.head,
        "first_bad": report.first_bad,
        "text": report.text,
        "replayed": 0,
    }
    launch = load_launch(place.paths.state)
    if report.ok and head is not None:
        text, row = against_head(place.paths.state, head)
        if text:
            return body | {"ok": False, "text": text, "first_bad": row}
    if not report.ok or launch is None or not report.rows:
        return body
    from tuiconsole.engine.verify import check_recorded, replay_journal

    try:
        check_recorded(place.paths.state, launch)
        if not chain_only:
            body["replayed"] = replay_journal(place.paths.state, launch)
    except (JournalDivergence, TapeDamaged) as error:
        body.update(ok=False, text=str(error), first_bad=getattr(error, "row", None))
    return body


def verify_text(body: dict[str, Any]) -> str:
    """The verdict for people."""
    if not body["ok"]:
        return f"NOT OK: {body['text']}"
    again = f", {body['replayed']} rows replayed and equal" if body["replayed"] else ""
    return f"ok: {body['rows']} rows, hash chain sound{again}; head {body['head'][:16]}…"
