"""Published and computed reference cases from outside, where they lie beside the repository."""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest

from tests.features.drive import REFERENCE, Series, drive

CASES = REFERENCE / "01_indicators.json"
PRICES = REFERENCE / "data" / "arch_sp500.csv"

pytestmark = pytest.mark.skipif(
    not (CASES.exists() and PRICES.exists()), reason=f"the reference cases are not at {REFERENCE}"
)

FEATURE_OF = {"SMA": "rolling_mean_20", "EMA": "ema_20", "RSI": "rsi_14", "ATR": "atr_14", "NATR": "natr_14"}
FEATURE_OF |= {
    "TRANGE": "atr_1",
    "ROC": "rate_of_change_10",
    "BB_mid": "rolling_mean_20",
    "BB_std": "rolling_std_20",
    "MACD": "macd_12_26",
    "MACD_signal": "macd_signal_12_26_9",
    "MACD_hist": "macd_histogram_12_26_9",
    "STOCH_slowK": "stochastic_k_14_3",
    "STOCH_slowD": "stochastic_d_14_3_3",
    "STOCHF_fastK": "stochastic_fast_k_14",
    "STOCHF_fastD": "stochastic_k_14_3",
    "WILLR": "williams_r_14",
    "OBV": "obv",
    "ADX": "adx_14",
    "PLUS_DI": "plus_di_14",
    "MINUS_DI": "minus_di_14",
    "CCI": "cci_20",
    "MFI": "mfi_14",
    "AROONOSC": "aroon_oscillator_14",
}
EARLIER = {"MACD", "STOCH_slowK", "STOCHF_fastK"}
"""TA-Lib holds these back until their slower sister is there; here each begins when it can."""


def case(name: str) -> dict[str, Any]:
    return next(found for found in json.loads(CASES.read_text())["cases"] if found["id"] == name)


@pytest.fixture(scope="module")
def index() -> tuple[list[str], dict[str, np.ndarray], np.ndarray]:
    with PRICES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    fields = ("Open", "High", "Low", "Close", "Volume")
    columns = [np.array([[float(row[field])] for row in rows]) for field in fields]
    values = drive(list(FEATURE_OF.values()), Series(*columns))[:, :, 0]
    found = {code: values[:, position] for position, code in enumerate(FEATURE_OF)}
    found["BB_upper"] = found["BB_mid"] + 2.0 * found["BB_std"]
    found["BB_lower"] = found["BB_mid"] - 2.0 * found["BB_std"]
    return [row["Date"] for row in rows], found, columns[3][:, 0]


@pytest.mark.parametrize("code", [*(code for code in FEATURE_OF if code != "BB_std"), "BB_upper", "BB_lower"])
def test_the_index_from_1999_to_2018(
    code: str, index: tuple[list[str], dict[str, np.ndarray], np.ndarray]
) -> None:
    dates, found, _ = index
    values, expected = found[code], case("sp500_talib")["expected"][code]
    first = expected["first_valid_row"]
    assert code in EARLIER or np.isnan(values[:first]).all()
    actual = [values[first], values[first + 5], *(values[dates.index(day)] for day in expected["at"])]
    actual.append(values[-250:].mean())
    wanted = [
        expected["first_valid_value"],
        expected["row_plus5"],
        *expected["at"].values(),
        expected["mean_last_250"],
    ]
    np.testing.assert_allclose(actual, wanted, rtol=1e-8)


def test_the_rsi_worksheet() -> None:
    worksheet = case("stockcharts_rsi14")
    close = np.array(worksheet["inputs"]["close"])[:, None]
    nothing = np.full(close.shape, np.nan)
    values = drive(["rsi_14"], Series(nothing, nothing, nothing, close))[14:, 0, 0]
    np.testing.assert_allclose(values, worksheet["expected"]["rsi_from_row14"], rtol=1e-6)


@pytest.mark.parametrize("family", ["parkinson", "garman_klass", "rogers_satchell", "yang_zhang"])
def test_range_volatility_of_2008(family: str) -> None:
    with PRICES.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Date"].startswith("2008")]
    columns = [np.array([[float(row[field])] for row in rows]) for field in ("Open", "High", "Low", "Close")]
    window = len(rows) - (family == "yang_zhang")
    value = drive([f"{family}_{window}"], Series(*columns))[-1, 0, 0]
    assert value == pytest.approx(case("range_vol_sp500_2008")["expected"][family], rel=1e-9)


def test_close_to_close_volatility_of_2008(
    index: tuple[list[str], dict[str, np.ndarray], np.ndarray],
) -> None:
    dates, _, close = index
    days = [row for row, day in enumerate(dates) if day.startswith("2008")]
    prices = close[days][:, None]
    nothing = np.full(prices.shape, np.nan)
    window = len(days) - 1
    value = drive([f"realised_volatility_{window}"], Series(nothing, nothing, nothing, prices))[-1, 0, 0]
    assert value == pytest.approx(case("range_vol_sp500_2008")["expected"]["close_to_close"], rel=1e-9)
