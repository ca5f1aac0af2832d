"""News with sentiment and transcripts of earnings calls, from Alpha Vantage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tuiconsole.domain.clock import Clock, parse_iso
from tuiconsole.market.point_in_time_store import RETRIEVED, VENDOR_TIME, Text
from tuiconsole.market.providers.alpha_vantage_http import DATA_KEYS, NAME, NEWS_KEYS, AlphaVantageClient
from tuiconsole.market.providers.contract import Fault, FaultKind
from tuiconsole.market.vendor_symbols import house_symbol_of, vendor_symbol

_LIMIT = "1000"
_NEWS_AGE_S, _TRANSCRIPT_AGE_S = 900.0, 365 * 86_400.0
_NAN = float("nan")


@dataclass
class AlphaVantageTexts:
    """Asks Alpha Vantage for texts.

    Attributes
    ----------
    client
        Where requests go through.
    """

    client: AlphaVantageClient
    clock: Clock

    def news(self, symbol: str, start_ns: int, end_ns: int) -> list[Text] | Fault:
        """Articles about ``symbol`` published in the range (ns UTC), each with the sentiment toward every symbol in it.

        The vendor gives at most 1,000 per request; when it gives as many, the range goes on from the last one.
        """
        written = vendor_symbol(symbol, NAME)
        if written is None:
            return Fault(FaultKind.NOT_FOUND, NAME, f"Alpha Vantage does not carry {symbol}.", symbol)
        found: dict[tuple[str, str], Text] = {}
        while True:
            params = {
                "tickers": f"CRYPTO:{written.partition('-')[0]}" if "-USD" in written else written,
                "time_from": _minute(start_ns),
                "time_to": _minute(end_ns),
                "sort": "EARLIEST",
                "limit": _LIMIT,
            }
            body = self.client.query("NEWS_SENTIMENT", params, NEWS_KEYS, _NEWS_AGE_S)
            if isinstance(body, Fault):
                return body.about(symbol)
            try:
                feed = body["feed"]
                texts = [text for article in feed for text in _articles(article)]
            except (KeyError, ValueError, TypeError, AttributeError):
                return Fault(FaultKind.MALFORMED, NAME, "Alpha Vantage's news cannot be read.", symbol)
            found |= {(text.key, text.entity): text for text in texts}
            last = max((text.release for text in texts), default=0)
            if len(feed) < int(_LIMIT) or last <= start_ns:
                return list(found.values())
            start_ns = last

    def transcript(self, symbol: str, quarter: str) -> list[Text] | Fault:
        """What was said in one earnings call, speaker by speaker.

        Parameters
        ----------
        quarter
            Fiscal quarter such as "2024Q1". The vendor dates calls by no more than that, so a transcript counts from
            its retrieval: never early, and of no use for the past.
        """
        written = vendor_symbol(symbol, NAME)
        params = {"symbol": written or symbol, "quarter": quarter}
        body = self.client.query("EARNINGS_CALL_TRANSCRIPT", params, DATA_KEYS, _TRANSCRIPT_AGE_S)
        if isinstance(body, Fault):
            return body.about(symbol)
        now = self.clock.now_ns()
        try:
            return [
                Text(
                    key=f"{quarter}#{i:04d}",
                    entity=symbol,
                    reference=now,
                    release=now,
                    title=f"{part['speaker']}, {part['title']}",
                    body=str(part["content"]),
                    url="",
                    source=NAME,
                    sentiment=_number(part.get("sentiment")),
                    relevance=1.0,
                    basis=RETRIEVED,
                )
                for i, part in enumerate(body["transcript"])
            ]
        except (KeyError, ValueError, TypeError, AttributeError):
            return Fault(FaultKind.MALFORMED, NAME, "Alpha Vantage's transcript cannot be read.", symbol)


def _articles(article: Mapping[str, Any]) -> list[Text]:
    """One article as a text for each symbol it speaks of."""
    moment = parse_iso(str(article["time_published"]))
    return [
        Text(
            key=str(article["url"]),
            entity=_entity(str(tone["ticker"])),
            reference=moment,
            release=moment,
            title=str(article["title"]),
            body=str(article.get("summary", "")),
            url=str(article["url"]),
            source=f"{NAME}: {article.get('source', '')}",
            sentiment=_number(tone.get("ticker_sentiment_score")),
            relevance=_number(tone.get("relevance_score")),
            basis=VENDOR_TIME,
        )
        for tone in article["ticker_sentiment"]
    ]


def _entity(ticker: str) -> str:
    """The house symbol of a ticker in the news; coins are taken against the dollar.

    >>> _entity("CRYPTO:BTC"), _entity("BRK-B")
    ('BTC-USD', 'BRK.B')
    """
    market, colon, name = ticker.partition(":")
    return f"{name}-USD" if colon and market == "CRYPTO" else house_symbol_of(name or market, NAME)


def _minute(ts: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts // 1_000)
    return moment.strftime("%Y%m%dT%H%M")


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return _NAN
