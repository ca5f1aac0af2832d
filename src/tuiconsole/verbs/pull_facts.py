"""The part of data pull that is no bars: reports, insiders, the economy, movers, news, transcripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import UsageError

if TYPE_CHECKING:
    from tuiconsole.market.point_in_time_store import Appended, PointInTimeStore
    from tuiconsole.market.providers.alpha_vantage_http import AlphaVantageClient
    from tuiconsole.market.providers.backfill_journal import BackfillJournal
    from tuiconsole.market.providers.contract import Fault
    from tuiconsole.market.providers.pull import Wanted
    from tuiconsole.market.providers.ranges import Range
    from tuiconsole.market.providers.registry import Workshop

_HELD = 40
"""Answers held before they are written: a topic's file is not rewritten for each, and the kept answers outlast a crash."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """One request: for which topic and symbol, the question, and for news the range (ns UTC) that it covers."""

    topic: str
    symbol: str
    question: Callable[[], Any]
    stretch: Range | None = None


class _Answers:
    """Answers on their way into the store."""

    def __init__(self, store: PointInTimeStore, news: BackfillJournal, topics: Sequence[str]) -> None:
        self._store, self._news = store, news
        self._held: list[tuple[_Ask, list[Any]]] = []
        self.counts = {topic: {"new": 0, "same": 0, "revisions": 0} for topic in topics}

    def take(self, ask: _Ask, answer: list[Any]) -> None:
        self._held.append((ask, answer))
        if len(self._held) >= _HELD:
            self.flush()

    def flush(self) -> None:
        """Store what is held, then note the news that is stored."""
        from tuiconsole.market.providers.backfill_journal import DonePiece

        held, self._held = self._held, []
        for topic, counts in self.counts.items():
            rows = [row for ask, answer in held if ask.topic == topic for row in answer]
            added = self._add(topic, rows)
            for name in counts:
                counts[name] += getattr(added, name)
        self._news.add(
            DonePiece("alpha_vantage", ask.symbol, 0, *ask.stretch, len(answer))
            for ask, answer in held
            if ask.stretch is not None
        )

    def _add(self, topic: str, rows: list[Any]) -> Appended:
        from tuiconsole.market.point_in_time_store import TEXT_TOPICS

        return self._store.add_texts(topic, rows) if topic in TEXT_TOPICS else self._store.append(topic, rows)


def pull_facts(
    body: dict[str, Any],
    what: Sequence[str],
    wanted: Wanted,
    quarter: str,
    shop: Workshop,
    root: Path,
    show: Callable[[int, int, str], None],
) -> None:
    """Ask for everything in ``what``, store the answers, and write the outcome into ``body``.

    The end of a quota stops it; a refused key stops the topic that it was refused for. What was answered is stored
    in any case.
    """
    from tuiconsole.market.point_in_time_store import PointInTimeStore
    from tuiconsole.market.providers.backfill_journal import BackfillJournal
    from tuiconsole.market.providers.contract import Fault, FaultKind

    if "transcripts" in what and not quarter:
        raise UsageError("Transcripts are asked for by fiscal quarter.", "Add --quarter 2024Q1.")
    news = BackfillJournal(root / "pull" / "news.jsonl")
    answers = _Answers(PointInTimeStore(root, shop.clock), news, what)
    client = shop.alpha_vantage()
    refused: set[str] = set()
    asks = list(_asks(what, wanted, quarter, client, shop, news))
    body["facts"] = answers.counts
    try:
        for done, ask in enumerate(asks):
            if ask.topic in refused:
                continue
            show(done, len(asks), f"{ask.topic} {ask.symbol}")
            answer = ask.question()
            if not isinstance(answer, Fault):
                answers.take(ask, answer)
                continue
            body["faults"].append(_fault(ask.symbol, answer))
            if answer.kind is FaultKind.QUOTA:
                _stop(body, answer, done, len(asks))
                break
            if answer.kind is FaultKind.AUTHENTICATION:
                refused.add(ask.topic)
    finally:
        client.close()
        answers.flush()
    if body["faults"] and not body["sentence"]:
        last = body["faults"][-1]["sentence"]
        body["sentence"] = f"{len(body['faults'])} requests were not answered: {last}"


def _asks(
    what: Sequence[str],
    wanted: Wanted,
    quarter: str,
    client: AlphaVantageClient,
    shop: Workshop,
    news: BackfillJournal,
) -> Iterator[_Ask]:
    """Every request.

    About companies, those come first that were never asked, then those asked longest ago: with few requests a day
    every run gets on. News is asked for where the journal lacks it.
    """
    from tuiconsole.market.providers.alpha_vantage_facts import COMPANY, ECONOMY, INSIDER, AlphaVantageFacts
    from tuiconsole.market.providers.news import AlphaVantageTexts
    from tuiconsole.market.providers.ranges import without

    facts, texts = AlphaVantageFacts(client, shop.clock), AlphaVantageTexts(client, shop.clock)
    if "macro" in what:
        for one in ECONOMY:
            yield _Ask("macro", one.name, partial(facts.economy, one))
    if "movers" in what:
        yield _Ask("movers", "", facts.movers)
    companies: list[tuple[int, _Ask]] = []
    for symbol in wanted.symbols:
        for name in COMPANY if "fundamentals" in what else ():
            ask = _Ask("fundamentals", symbol, partial(facts.company, name, symbol))
            companies.append((facts.answered_ns(name, symbol), ask))
        if "insider" in what:
            ask = _Ask("insider", symbol, partial(facts.insider, symbol))
            companies.append((facts.answered_ns(INSIDER, symbol), ask))
        if "transcripts" in what:
            yield _Ask("transcripts", symbol, partial(texts.transcript, symbol, quarter))
    yield from (ask for _, ask in sorted(companies, key=lambda pair: pair[0]))
    for symbol in wanted.symbols if "news" in what else ():
        for start, end in without((wanted.start_ns, wanted.end_ns), news.done(symbol, 0)):
            yield _Ask("news", symbol, partial(texts.news, symbol, start, end), (start, end))


def _fault(symbol: str, fault: Fault) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "kind": fault.kind.value,
        "provider": fault.provider,
        "sentence": str(fault),
    }


def _stop(body: dict[str, Any], fault: Fault, done: int, total: int) -> None:
    body["goes_on"] = iso(fault.until_ns)
    body["sentence"] = (
        f"{fault.sentence} {done} of {total} requests were answered and stay stored, {total - done} are left; "
        f"run the same command again after {iso(fault.until_ns)}."
    )
