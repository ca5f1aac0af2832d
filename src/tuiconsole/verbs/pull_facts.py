"""The part of data pull that is no bars: reports, insiders, the economy, movers, news, transcripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import UsageError

if TYPE_CHECKING:
    from tuiconsole.market.point_in_time_store import Fact, PointInTimeStore, Text
    from tuiconsole.market.providers.alpha_vantage_http import AlphaVantageClient
    from tuiconsole.market.providers.contract import Fault
    from tuiconsole.market.providers.news import AlphaVantageTexts
    from tuiconsole.market.providers.pull import Wanted
    from tuiconsole.market.providers.registry import Workshop

    Ask = tuple[str, str, Callable[[], list[Fact] | list[Text] | Fault]]


def pull_facts(
    body: dict[str, Any],
    what: Sequence[str],
    wanted: Wanted,
    quarter: str,
    shop: Workshop,
    root: Path,
    show: Callable[[int, int, str], None],
) -> None:
    """Ask for everything in ``what``, store each answer as it comes, and write the outcome into ``body``.

    The end of a quota stops it; a refused key stops the topic that it was refused for. What was stored stays.
    """
    from tuiconsole.market.point_in_time_store import TEXT_TOPICS, PointInTimeStore
    from tuiconsole.market.providers.contract import Fault, FaultKind

    if "transcripts" in what and not quarter:
        raise UsageError("Transcripts are asked for by fiscal quarter.", "Add --quarter 2024Q1.")
    store = PointInTimeStore(root, shop.clock)
    client = shop.alpha_vantage()
    refused: set[str] = set()
    body["facts"] = {topic: {"new": 0, "same": 0, "revisions": 0} for topic in what}
    try:
        total = sum(1 for _ in _asks(what, wanted, quarter, client, shop, root))
        for done, (topic, symbol, ask) in enumerate(_asks(what, wanted, quarter, client, shop, root)):
            if topic in refused:
                continue
            show(done, total, f"{topic} {symbol}")
            answer = ask()
            if isinstance(answer, Fault):
                body["faults"].append(_fault(symbol, answer))
                if answer.kind is FaultKind.QUOTA:
                    _stop(body, answer, done, total)
                    return
                if answer.kind is FaultKind.AUTHENTICATION:
                    refused.add(topic)
                continue
            _count(body["facts"][topic], _stored(store, topic, answer, is_text=topic in TEXT_TOPICS))
    finally:
        client.close()
    if body["faults"] and not body["sentence"]:
        body["sentence"] = (
            f"{len(body['faults'])} requests were not answered: {body['faults'][-1]['sentence']}"
        )


def _asks(
    what: Sequence[str], wanted: Wanted, quarter: str, client: AlphaVantageClient, shop: Workshop, root: Path
) -> Iterator[Ask]:
    """Every request: topic, symbol, and the question.

    About companies, those come first that were never asked, then those asked longest ago: with few requests a day
    every run gets on.
    """
    from tuiconsole.market.providers.alpha_vantage_facts import COMPANY, ECONOMY, INSIDER, AlphaVantageFacts
    from tuiconsole.market.providers.news import AlphaVantageTexts

    facts, texts = AlphaVantageFacts(client, shop.clock), AlphaVantageTexts(client, shop.clock)
    if "macro" in what:
        for one in ECONOMY:
            yield "macro", one.name, partial(facts.economy, one)
    if "movers" in what:
        yield "movers", "", facts.movers
    companies: list[tuple[int, Ask]] = []
    for symbol in wanted.symbols:
        if "fundamentals" in what:
            for name in COMPANY:
                ask = ("fundamentals", symbol, partial(facts.company, name, symbol))
                companies.append((facts.answered_ns(name, symbol), ask))
        if "insider" in what:
            companies.append(
                (facts.answered_ns(INSIDER, symbol), ("insider", symbol, partial(facts.insider, symbol)))
            )
        if "transcripts" in what:
            yield "transcripts", symbol, partial(texts.transcript, symbol, quarter)
    yield from (ask for _, ask in sorted(companies, key=lambda pair: pair[0]))
    if "news" in what:
        yield from _news(texts, wanted, root)


def _news(texts: AlphaVantageTexts, wanted: Wanted, root: Path) -> Iterator[Ask]:
    """The news of each symbol that the journal of news lacks."""
    from tuiconsole.market.providers.backfill_journal import BackfillJournal, DonePiece
    from tuiconsole.market.providers.contract import Fault
    from tuiconsole.market.providers.ranges import without

    journal = BackfillJournal(root / "pull" / "news.jsonl")

    def ask(symbol: str, start: int, end: int) -> list[Text] | Fault:
        answer = texts.news(symbol, start, end)
        if not isinstance(answer, Fault):
            finished[symbol] = DonePiece("alpha_vantage", symbol, 0, start, end, len(answer))
        return answer

    finished: dict[str, DonePiece] = {}
    for symbol in wanted.symbols:
        for start, end in without((wanted.start_ns, wanted.end_ns), journal.done(symbol, 0)):
            yield "news", symbol, partial(ask, symbol, start, end)
            # The answer was stored before the next question is asked for.
            journal.add([finished.pop(symbol)] if symbol in finished else [])


def _stored(store: PointInTimeStore, topic: str, answer: Any, *, is_text: bool) -> Any:
    return store.add_texts(topic, answer) if is_text else store.append(topic, answer)


def _count(counts: dict[str, int], added: Any) -> None:
    for name in counts:
        counts[name] += getattr(added, name)


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
