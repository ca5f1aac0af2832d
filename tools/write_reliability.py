"""Write ``docs/reliability.md``: every promise, the tests that prove it, and the last figures at full size.

The rows stand here; the figures come from ``docs/reliability.json``, which ``make soak ARGS=--record`` writes. Run
``python tools/write_reliability.py`` after a row was changed; a test compares, and looks whether the named tests exist.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = REPOSITORY / "docs" / "reliability.md"
FIGURES = REPOSITORY / "docs" / "reliability.json"


@dataclass(frozen=True)
class Promise:
    """One row.

    Attributes
    ----------
    tests
        ``file::test`` below ``tests/``, run with every change.
    parts
        Parts of ``make soak`` that prove it at full size.
    open
        What of it is not proven yet; empty when all is.
    """

    number: int
    text: str
    tests: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    open: str = ""


_ELSEWHERE = "not proven at full size yet"

PROMISES = (
    Promise(
        1,
        "An acknowledged fill or order is never lost",
        (
            "reliability/test_power_loss.py::test_no_acknowledged_row_is_lost",
            "reliability/test_power_loss.py::test_a_store_that_does_not_wait_for_the_disk_is_convicted",
            "reliability/test_power_loss.py::test_a_desk_trades_on_as_if_the_power_had_stayed",
            "system/test_crash.py::test_sigkill_at_every_named_moment",
            "store/test_archive.py::test_power_lost_at_any_moment_of_archiving_loses_nothing",
        ),
        ("power-loss", "desk-power-loss", "archive-power-loss", "kills", "crashes"),
    ),
    Promise(
        2,
        "Never two orders for one intent",
        (
            "reliability/test_power_loss.py::test_a_desk_trades_on_as_if_the_power_had_stayed",
            "system/test_crash.py::test_sigkill_at_every_named_moment",
            "execution/test_fix_reference.py::test_sequences",
            "execution/test_replacing.py::test_races",
            "execution/test_replacing.py",
            "simulation/test_simulation.py::test_every_invariant_holds_on_25_seeds",
            "simulation/test_simulation.py::test_a_recovery_that_sends_again_is_convicted",
            "simulation/test_simulation.py::test_a_desk_that_never_asks_is_convicted",
            "execution/brokers/test_alpaca.py",
            "system/test_alpaca_desk.py::test_an_engine_trades_with_alpaca_and_loses_nothing",
        ),
        ("desk-power-loss", "kills", "order-lives", "simulations"),
        "Alpaca itself: its client was proven against a local server of its protocol",
    ),
    Promise(
        3,
        "One writer, one checkpointer; nobody opens the store but SQLite",
        (
            "reliability/test_one_way_in.py::test_no_verb_opens_the_store_itself",
            "store/test_state_store.py::test_a_second_writer_is_found_at_its_first_commit",
            "system/test_engine_life.py::test_a_second_engine_is_refused",
        ),
        (),
        "the safe version of SQLite itself: doctor says when this machine's is older than 3.51.3",
    ),
    Promise(
        4,
        "Disk full, input/output error, locked or damaged store: the desk halts before its next order, and stays halted",
        (
            "reliability/test_faults.py::test_a_fault_anywhere_halts",
            "reliability/test_faults.py::test_a_desk_that_forgets_its_latch_is_convicted",
            "reliability/test_faults.py::test_a_locked_store_halts",
            "reliability/test_faults.py::test_no_damaged_page_goes_unnoticed",
            "reliability/test_power_loss.py::test_a_latch_is_never_lowered_by_a_power_loss",
            "system/test_disk_full.py::test_full_disk_halts_latches_and_is_said",
        ),
        ("disk-faults", "latch-power-loss"),
        "a disk that takes nothing at all: the running desk is halted, but a later start cannot know of it",
    ),
    Promise(
        5,
        "The journal shows tampering",
        (
            "store/test_audit.py::test_tampering_is_found",
            "store/test_audit.py::test_a_verification_that_looks_away_is_convicted",
            "store/test_archive.py::test_a_change_anywhere_in_the_archive_is_found",
            "engine/test_backup.py::test_a_restore_never_lowers_the_latch",
        ),
        ("tampering", "million-rows"),
    ),
    Promise(
        6,
        "Same inputs, same journal head",
        (
            "system/test_determinism.py",
            "simulation/test_simulation.py::test_same_seed_same_journal_head_in_two_processes",
        ),
        ("simulations",),
    ),
    Promise(
        7,
        "No trading before orders, fills, cash and positions match the broker",
        (
            "execution/test_reconciliation.py::test_empty_exactly_when_equal",
            "execution/test_reconciliation.py::test_the_order_of_orders_does_not_matter",
            "execution/test_reconciliation.py::test_adopting_leaves_nothing_but_orders_that_are_not_ours",
            "engine/test_reconciling.py::test_nothing_new_is_traded_while_the_account_differs",
            "engine/test_reconciling.py::test_recovery_drives_checks_and_answers_again",
            "simulation/test_simulation.py::test_a_desk_that_trades_on_while_the_broker_differs_is_convicted",
            "system/test_alpaca_desk.py::test_an_engine_trades_with_alpaca_and_loses_nothing",
        ),
        ("simulations",),
        "cash at a broker elsewhere, which books fees and dividends of its own",
    ),
    Promise(
        8,
        "Nothing skips the gate",
        (
            "risk/test_gate.py::test_100_000_hostile_orders_never_escape",
            "risk/test_terms_gate.py::test_hostile_orders_never_escape",
            "risk/test_terms_gate.py::test_hostile_replacements_never_escape",
            "risk/test_approved.py",
        ),
        ("hostile-orders",),
    ),
    Promise(
        9,
        "Loss, drawdown, exposure and message limits stop orders by themselves",
        (
            "risk",
            "simulation/test_simulation.py::test_every_invariant_holds_on_25_seeds",
            "simulation/test_simulation.py::test_a_gate_without_a_name_cap_is_convicted",
        ),
        ("simulations",),
        "the month's and the all-time drawdown in simulations: their days are too short",
    ),
    Promise(
        10,
        "Children never exceed their parent",
        (
            "risk/test_children.py",
            "engine/test_parents.py::test_children_never_exceed_their_parent",
            "engine/test_parents.py::test_a_crash_at_every_named_moment_loses_no_parent",
            "engine/test_parents.py::test_a_stop_ends_every_parent_before_anything_else",
        ),
        ("worked-orders",),
        "a venue that fills after it confirmed a cancel can exceed a parent by that fill; no child follows it",
    ),
    Promise(
        11,
        "After the latch no new risk, ever, until it is re-armed",
        (
            "system/test_stops.py",
            "system/test_stop_signals.py::test_signals_halt_then_kill",
            "engine/test_stop_paths.py::test_a_file_stops_the_desk_once",
            "simulation/test_simulation.py::test_40_stops_and_no_order_after_the_latch",
            "simulation/test_simulation.py::test_a_session_that_ignores_stops_is_convicted",
            "system/test_alpaca_desk.py::test_a_hung_engine_is_killed_from_outside_and_alpaca_is_flat",
        ),
        ("trips",),
        "Alpaca itself: its client was proven against a local server of its protocol",
    ),
    Promise(
        12,
        "Bad data trades nothing",
        (
            "market/test_defence.py",
            "market/books/test_truth.py::test_a_live_book_is_the_true_book",
            "market/books/test_recorded.py::test_hostile_messages_are_read_or_refused_with_one_error",
            "execution/test_book_venue.py::test_a_broken_book_fills_nothing_until_its_snapshot",
            "simulation/test_simulation.py::test_every_invariant_holds_on_25_seeds",
        ),
        ("hostile-books", "book-venue", "simulations"),
        "feeds of bars and quotes at full size",
    ),
    Promise(13, "Remote input cannot trade", open="there is no remote input yet"),
    Promise(
        14,
        "Secrets stay secret",
        (
            "reliability/test_secrets.py::test_a_canary_shows_up_nowhere",
            "execution/brokers/test_alpaca.py::test_the_secret_is_in_no_log_and_no_message",
            "system/test_alpaca_desk.py::test_an_engine_trades_with_alpaca_and_loses_nothing",
        ),
    ),
    Promise(
        15,
        "Hang-ups and console crashes do not touch the engine",
        (
            "reliability/test_hang_ups.py::test_a_hundred_hang_ups",
            "system/test_engine_life.py::test_hang_up_does_not_touch_the_engine",
        ),
    ),
    Promise(
        16,
        "It runs for weeks",
        (
            "store/test_archive.py::test_the_desk_goes_on_and_archives_again",
            "benchmarks/test_smoke.py::test_files_that_grew_too_large_and_an_engine_that_complained_are_found",
        ),
        ("long-life", "million-rows"),
        "a week of real length",
    ),
)

_HEAD = """# What is promised, and how it is proven

Each row names the tests that run with every change (paths below `tests/`) and the last figure of `make soak`, which runs the
same proofs at their full size. What is not proven is said. Written by `tools/write_reliability.py`.

| # | promise | tests | last figure at full size | not proven |
|---|---|---|---|---|
"""


def figures() -> dict[str, Any]:
    """The figures by part of ``make soak``; none before the first recorded run."""
    found: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    return found


def document() -> str:
    """The whole page."""
    known = figures()
    return _HEAD + "".join(_row(promise, known) for promise in PROMISES)


def _row(promise: Promise, known: dict[str, Any]) -> str:
    tests = "<br>".join(f"`{name}`" for name in promise.tests) or "none"
    last = "<br>".join(_figure(part, known.get(part)) for part in promise.parts) or "—"
    return f"| {promise.number} | {promise.text} | {tests} | {last} | {promise.open or '—'} |\n"


def _figure(part: str, found: dict[str, Any] | None) -> str:
    if found is None:
        return f"{part}: not run yet"
    failed = f", **{found['failures']} FAILURES**" if found["failures"] else ""
    return f"{part}: {found['figure']}{failed} ({found['day']})"


def write() -> None:
    """Write the page."""
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    write()
