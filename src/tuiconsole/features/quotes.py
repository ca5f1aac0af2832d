"""What the quotes at the end of a bar say: spreads, imbalances, the microprice. NaN without quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Feature, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


def touch(panel: Panel) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bid, ask and mid of the newest bar; NaN where a side is missing, not positive, or crossed."""
    bid, ask = panel.latest("bid"), panel.latest("ask")
    good = (bid > 0.0) & (ask >= bid)
    middle = np.where(good, 0.5 * (bid + ask), np.nan)
    return bid, ask, middle


def imbalance(one: FloatArray, other: FloatArray) -> FloatArray:
    """``(one - other) / (one + other)``, NaN where both are 0 or one is missing."""
    total = one + other
    return (one - other) / np.where(total > 0.0, total, np.nan)


class QuotesBank(Bank):
    """Features of the newest quotes alone."""

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self._families = [request.feature.family for request in requests]

    def update(self, panel: Panel) -> None:
        """Read the newest quotes."""
        if not panel.has_quotes:
            return
        with np.errstate(invalid="ignore", divide="ignore"):
            bid, ask, middle = touch(panel)
            bid_size, ask_size = panel.latest("bid_size"), panel.latest("ask_size")
            bid_depth, ask_depth = panel.latest("bid_depth"), panel.latest("ask_depth")
            size, depth = bid_size + ask_size, bid_depth + ask_depth
            leaning = imbalance(bid_size, ask_size) + 0.0 * middle
            found = {
                "quoted_spread": (ask - bid) / middle,
                "effective_spread": 2.0 * np.abs(panel.latest("close") - middle) / middle,
                "touch_imbalance": leaning,
                "depth_imbalance": imbalance(bid_depth, ask_depth),
                "microprice_distance": 0.5 * leaning * (ask - bid) / middle,
                "touch_share": size / np.where(depth > 0.0, depth, np.nan),
            }
        shown = 0.0 * panel.latest("close")
        for row, family in enumerate(self._families):
            np.add(found[family], shown, out=self.values[row])

    def state(self) -> dict[str, Any]:
        """Nothing: the panel says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to continue from."""


_TOUCH = ("close", "bid", "ask")
_SIZES = ("bid_size", "ask_size")
_DEPTHS = ("bid_depth", "ask_depth")
_ENTRIES = (
    (
        "quoted_spread",
        "(ask - bid) / mid; mid = (bid + ask) / 2",
        "fraction of the mid",
        "Harris (2003), Trading and Exchanges, ch. 21",
        _TOUCH,
    ),
    (
        "effective_spread",
        "2 |C - mid| / mid",
        "fraction of the mid",
        "Huang, Stoll (1996), Journal of Financial Economics 41(3)",
        _TOUCH,
    ),
    (
        "touch_imbalance",
        "(bid size - ask size) / (bid size + ask size)",
        "-1 to 1",
        "Cartea, Jaimungal, Penalva (2015), Algorithmic and High-Frequency Trading, ch. 12",
        (*_TOUCH, *_SIZES),
    ),
    (
        "depth_imbalance",
        "(bid depth - ask depth) / (bid depth + ask depth) over the visible levels",
        "-1 to 1",
        "Cao, Hansch, Wang (2009), Journal of Futures Markets 29(1)",
        ("close", *_DEPTHS),
    ),
    (
        "microprice_distance",
        "(microprice - mid) / mid; microprice = (bid * ask size + ask * bid size) / (bid size + ask size)",
        "fraction of the mid",
        "Gatheral, Oomen (2010), Finance and Stochastics 14(2); Stoikov (2018), Quantitative Finance 18(12)",
        (*_TOUCH, *_SIZES),
    ),
    (
        "touch_share",
        "(bid size + ask size) / (bid depth + ask depth)",
        "0 to 1",
        "Biais, Hillion, Spatt (1995), Journal of Finance 50(5)",
        ("close", *_SIZES, *_DEPTHS, "bid", "ask"),
    ),
)

FEATURES = (
    *(
        Feature(
            family=family,
            parameters=(),
            minimum=(),
            formula=formula,
            unit=unit,
            source=source,
            needs=needs,
            window_bars=lambda: 1,
            bank=QuotesBank,
            example=(),
            listed=((),),
        )
        for family, formula, unit, source, needs in _ENTRIES
    ),
)
