"""The proofs at their full size, by name: what ``make soak`` runs. Each tells how much it did, and what was wrong."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from benchmarks.book_fuzz import FEEDS, fuzz
from benchmarks.venue_runs import venue_runs
from tests.engine import rig as core
from tests.execution.test_replacing import Replacing
from tests.reliability.archive_losses import lose_power_while_archiving
from tests.reliability.desk_losses import lose_power_while_latching, trade
from tests.reliability.faults import strike, template
from tests.reliability.faulty_disk import Fault
from tests.reliability.kills import kill_again_and_again
from tests.reliability.power_loss import lose_power
from tests.reliability.tampering import WAYS, unnoticed
from tests.reliability.worked_orders import work
from tests.risk.hostile_terms import judge_hostile
from tests.simulation import runs
from tests.store.desk import filled_store
from tests.system import rig
from tuiconsole.domain.rng import generator
from tuiconsole.store.audit import verify_chain


@dataclass(frozen=True, slots=True)
class Outcome:
    """``done`` trials, a ``figure`` in words, and every broken promise."""

    done: int
    figure: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """``run`` makes so many trials; ``full`` is its whole size."""

    full: int
    run: Callable[[int], Outcome]


def power_loss(count: int) -> Outcome:
    """Lost power under the store."""
    found = [lose_power(seed) for seed in range(count)]
    losses, lost = sum(each.losses for each in found), sum(each.acknowledged_lost for each in found)
    wrong = tuple(f"seed {each.seed}: {text}" for each in found for text in each.wrong)
    return Outcome(count, f"{count:,} seeds, {losses:,} power losses: {lost} acknowledged rows lost", wrong)


def desk_power_loss(count: int) -> Outcome:
    """Lost power under a trading desk."""
    chosen = core.planned(core.market())
    undisturbed = trade(chosen, None)
    losses, wrong = 0, []
    for seed in range(1, count + 1):
        found = trade(chosen, seed)
        losses += found.losses
        wrong += [f"seed {seed}: {text}" for text in found.wrong]
        if (found.head, found.orders) != (undisturbed.head, undisturbed.orders):
            wrong.append(f"seed {seed}: another head or other orders than without power losses")
    text = f"{count:,} seeds, {losses:,} power losses: the journal head of an undisturbed desk every time"
    return Outcome(count, text, tuple(wrong))


def latch_power_loss(count: int) -> Outcome:
    """Lost power while the latch is written."""
    wrong = tuple(text for seed in range(count) for text in lose_power_while_latching(seed))
    return Outcome(count, f"{count:,} power losses: never lower than asked for", wrong)


def archive_power_loss(count: int) -> Outcome:
    """Lost power while rows move to the archive."""
    wrong = tuple(text for seed in range(count) for text in lose_power_while_archiving(seed))
    return Outcome(count, f"{count:,} power losses: every row in the store or in the archive", wrong)


def disk_faults(count: int) -> Outcome:
    """A fault at every write, sync and read of a stretch of trading."""
    return asyncio.run(_disk_faults(count))


async def _disk_faults(count: int) -> Outcome:
    chosen = core.planned(core.market())
    done, wrong = 0, []
    with template(chosen) as home:
        places = (await strike(chosen, home, Fault.SYNC, 10**9)).operations
        rng = generator(1, "disk faults")
        for fault in Fault:
            every = range(1, places + 1)
            some = sorted(rng.choice(every, min(places, max(1, count // len(Fault))), replace=False).tolist())
            for at in some:
                found = await strike(chosen, home, fault, at)
                done += found.struck
                wrong += [f"{fault.value} at operation {at}: {text}" for text in found.wrong]
    text = f"{done:,} faults of {len(Fault)} kinds over {places} writes and syncs: 0 orders after the fault"
    return Outcome(done, text, tuple(wrong))


def kills(count: int) -> Outcome:
    """SIGKILL of real engines."""
    done, wrong, seed = 0, [], 0
    with _system_market() as (tape, data, home):
        (home / "whole").mkdir()
        whole = rig.undisturbed(home / "whole", tape, data)
        while done < count:
            seed += 1
            mine = home / str(seed)
            mine.mkdir()
            desk = rig.make_desk(mine, tape, data)
            try:
                found = kill_again_and_again(desk, whole, seed, min(10, count - done))
            finally:
                desk.close()
            done += found.kills
            wrong += [f"seed {seed}: {text}" for text in found.wrong]
    text = f"{done:,} kills in {seed} lives of a desk: 0 fills lost, 0 orders doubled, the journal of an undisturbed desk"
    return Outcome(done, text, tuple(wrong))


@contextmanager
def _system_market() -> Iterator[tuple[core.Tape, Path, Path]]:
    tape = core.market(core.WARMUP + 300)
    with tempfile.TemporaryDirectory(prefix="tc-kills-") as place:
        home = Path(place)
        yield tape, rig.write_csv(home / "six.csv", tape), home


def tampering(count: int) -> Outcome:
    """Journals that were changed."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="tc-tamper-") as place:
        sound, copy = Path(place) / "sound", Path(place) / "copy"
        sound.mkdir()
        copy.mkdir()
        filled_store(sound / "state.db", 20)
        rows = verify_chain(sound / "state.db").rows
        for seed in range(count):
            wrong.append(unnoticed(sound / "state.db", copy, WAYS[seed % len(WAYS)], seed, rows))
    missed = tuple(filter(None, wrong))
    return Outcome(count, f"{count:,} changes of {len(WAYS)} kinds: {count - len(missed):,} found", missed)


def hostile_books(count: int) -> Outcome:
    """Hostile messages for the feeds of order books."""
    found = fuzz(count)
    text = f"{count:,} payloads for {len(FEEDS)} feeds: {found.refused:,} refused in a sentence, {found.events:,} events"
    return Outcome(count, text, tuple(found.escaped))


def book_venue(count: int) -> Outcome:
    """Seeded markets with orders of every kind against the venue on books."""
    fills, wrong = venue_runs(range(1, count + 1))
    text = (
        f"{count:,} seeds, {fills:,} fills: none doubled, beyond its order, past its limit or after its end"
    )
    return Outcome(count, text, tuple(wrong))


def worked_orders(count: int) -> Outcome:
    """Desks that work their orders over several bars."""
    found = [work(seed) for seed in range(count)]
    parents, children, restarts, stops = (
        sum(getattr(each, name) for each in found) for name in ("parents", "children", "restarts", "stops")
    )
    text = (
        f"{count:,} desks, {parents:,} parents, {children:,} children, {restarts:,} restarts, {stops:,} stops: "
        "no sum of children above its parent"
    )
    return Outcome(count, text, tuple(each.wrong for each in found if each.wrong))


def hostile_orders(count: int) -> Outcome:
    """Hostile orders with terms before the gate."""
    found = judge_hostile(count)
    text = f"{found.judged:,} orders, {found.approved:,} passed: {len(found.wrong)} that must not have"
    return Outcome(found.judged, text, tuple(found.wrong))


def order_lives(count: int) -> Outcome:
    """Steps of random lives of orders: fills, busts, cancels, replacements, silence and restarts, in any order."""
    steps = 50
    size = settings(max_examples=max(count // steps, 1), stateful_step_count=steps, deadline=None)
    try:
        run_state_machine_as_test(Replacing, settings=size)
    except AssertionError as error:
        return Outcome(count, "a sum that must hold did not", (str(error),))
    text = f"{count:,} steps: position is the sum of fills, pending exact, no end left but by the documented rows"
    return Outcome(count, text, ())


def simulations(count: int) -> Outcome:
    """Simulated stretches of trading with every fault, each run twice; what fails joins the corpus."""
    wrong, orders, crashes = [], 0, 0
    for seed in range(10_000, 10_000 + count):
        found = runs.simulated(seed)
        orders, crashes = orders + found.orders, crashes + found.crashes
        if found.broken:
            runs.remember(seed, 100, 6, "all")
            wrong.append(f"{found.broken}: {found.what}; {runs.again(seed, 'all', 100)}")
        if runs.simulated(seed).head != found.head:
            wrong.append(f"seed {seed}: another journal head when it is run again")
    text = f"{count:,} seeds twice, {orders:,} orders, {crashes:,} crashes: every invariant after every event, equal heads"
    return Outcome(count, text, tuple(wrong))


def trips(count: int) -> Outcome:
    """Stops between any two effects, with orders in flight, a broker that does not answer and engines that hang."""
    wrong: list[str] = []
    done, kills, seed = 0, 0, 20_000
    while done < count:
        found = runs.simulated(seed, runs.TRIPS, 120)
        done, kills = done + found.trips, kills + found.kills
        if found.broken:
            runs.remember(seed, 120, 6, runs.TRIPS)
            wrong.append(f"{found.broken}: {found.what}; {runs.again(seed, runs.TRIPS, 120)}")
        seed += 1
    text = f"{done:,} stops, {kills:,} of them kills: 0 orders after the latch, flat or said so"
    return Outcome(done, text, tuple(wrong))


CAMPAIGNS = {
    "power-loss": Campaign(1_000, power_loss),
    "desk-power-loss": Campaign(300, desk_power_loss),
    "latch-power-loss": Campaign(10_000, latch_power_loss),
    "archive-power-loss": Campaign(1_000, archive_power_loss),
    "disk-faults": Campaign(5_000, disk_faults),
    "kills": Campaign(500, kills),
    "tampering": Campaign(10_000, tampering),
    "simulations": Campaign(1_000, simulations),
    "trips": Campaign(1_000, trips),
    "hostile-books": Campaign(100_000, hostile_books),
    "book-venue": Campaign(1_000, book_venue),
    "hostile-orders": Campaign(100_000, hostile_orders),
    "order-lives": Campaign(10_000, order_lives),
    "worked-orders": Campaign(300, worked_orders),
}
