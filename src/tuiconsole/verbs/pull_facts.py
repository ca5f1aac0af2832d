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

    Stops at the first fault that every further request would meet; what was stored stays.
    """
    from tuiconsole.market.point_in_time_store import TEXT_TOPICS, PointInTimeStore
    from tuiconsole.market.providers.contract import Fault

    if "transcripts" in what and not quarter:
        raise UsageError("Transcripts are asked for by fiscal quarter.", "Add --quarter 2024Q1.")
    store = PointInTimeStore(root, shop.clock)
    client = shop.alpha_vantage()
    body["facts"] = {topic: {"new": 0, "same": 0, "revisions": 0} for topic in what}
    try:
        asks = list(_asks(what, wanted, quarter, client, shop))
        for done, (topic, symbol, ask) in enumerate(asks):
            show(done, len(asks), f"{topic} {symbol}")
            answer = ask()
            if isinstance(answer, Fault):
                body["faults"].append(_fault(symbol, answer))
                if answer.stops_provider:
                    _stop(body, answer, done, len(asks))
                    return
                continue
            _count(body["facts"][topic], _stored(store, topic, answer, is_text=topic in TEXT_TOPICS))
    finally:
        client.close()
    if body["faults"] and not body["sentence"]:
        body["sentence"] = (
            f"{len(body['faults'])} requests were not answered: {body['faults'][-1]['sentence']}"
        )


def _asks(
    what: Sequence[str], wanted: Wanted, quarter: str, client: AlphaVantageClient, shop: Workshop
) -> Iterator[Ask]:
    """Every request: topic, symbol, and the question."""
    from tuiconsole.market.providers.alpha_vantage_facts import ECONOMY, AlphaVantageFacts
    from tuiconsole.market.providers.news import AlphaVantageTexts

    facts, texts = AlphaVantageFacts(client, shop.clock), AlphaVantageTexts(client, shop.clock)
    if "macro" in what:
        for one in ECONOMY:
            yield "macro", one.name, partial(facts.economy, one)
    if "movers" in what:
        yield "movers", "", facts.movers
    start, end = wanted.start_ns, wanted.end_ns
    for symbol in wanted.symbols:
        questions: dict[str, list[Callable[[], Any]]] = {
            "fundamentals": [partial(facts.company, symbol), partial(facts.overview, symbol)],
            "insider": [partial(facts.insider, symbol)],
            "news": [partial(texts.news, symbol, start, end)],
            "transcripts": [partial(texts.transcript, symbol, quarter)],
        }
        for topic in what:
            for question in questions.get(topic, ()):
                yield topic, symbol, question


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
    body["goes_on"] = iso(fault.until_ns) if fault.until_ns else None
    again = (
        f"run the same command again after {iso(fault.until_ns)}" if fault.until_ns else "then run it again"
    )
    body["sentence"] = (
        f"{fault.sentence} {done} of {total} requests were answered and stay stored, {total - done} are left; {again}."
    )
