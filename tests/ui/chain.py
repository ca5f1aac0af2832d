"""The chain behind one order, in the shape in which the engine sends it."""

from __future__ import annotations

from typing import Any

COST_PARTS = {
    "commission_fixed": 0.5,
    "commission_proportional": 0.21,
    "spread": 0.413721,
    "temporary": 0.081,
    "permanent": 0.012654,
    "capacity": 0.0,
    "adverse_selection": 0.0,
    "borrow": 0.0,
}
"""What the order's cost consists of, in currency units."""

CHAIN: dict[str, Any] = {
    "order": {
        "id": "00ff00ff-20",
        "number": 20,
        "ts": 1170968400000000000,
        "time": "2007-02-08T21:00:00Z",
        "symbol": "MSFT",
        "side": "sell",
        "quantity": -99.0,
        "state": "filled",
        "filled": -99.0,
        "average_price": 20.8869,
        "fee": 0.71,
        "spread_cost": 0.413721,
        "impact_cost": 0.093654,
        "cost": 1.21738,
        "cost_parts": COST_PARTS,
        "realised_pnl": -60.2721,
        "forced": False,
        "purpose": "policy",
    },
    "decision": {
        "seq": 26,
        "bar_seq": 4312,
        "ts": 1170968400000000000,
        "time": "2007-02-08T21:00:00Z",
        "journal_row": 69,
        "journal_hash": "8da29d4f54b227b28c424878813d085d5bb151fe326f25cdcfddc7118cc1ce96",
        "orders_wanted": 1,
        "orders_approved": 1,
    },
    "symbol": "MSFT",
    "bar": {
        "seq": 4312,
        "ts": 1170968400000000000,
        "time": "2007-02-08T21:00:00Z",
        "journal_row": 68,
        "digest": "247e38317add9c219403d41c7a44947b",
        "quality": "good",
        "equity": 99961.4,
        "cash": 8259.03,
        "level": 0,
    },
    "prices": {"price": 21.093},
    "features": {
        "momentum_252_0": 0.0969519,
        "momentum_63_0": 0.0178418,
        "momentum_252_21": 0.120611,
        "zscore_20": -2.08255,
        "rsi_14": 35.5391,
        "donchian_high_55": 22.499,
        "donchian_low_55": 20.798,
        "beta_252": 0.733034,
        "residual_volatility_252": 0.151653,
        "realised_volatility_63": 0.148571,
        "beta_63": 0.857483,
        "residual_volatility_63": 0.13518,
    },
    "regime": {
        "volatility_low": 0.999988,
        "volatility_medium": 1.16529e-05,
        "volatility_high": 1.35593e-07,
        "trend": 0.226646,
        "range": 0.773354,
    },
    "agents": {
        "ts_momentum": {
            "weight": 0.219324,
            "slope": 0.981058,
            "information_coefficient": 0.0196011,
            "horizon": 20.0,
            "mean": 0.00106844,
            "sigma": 0.0478725,
            "calibrated": 0.0010482,
        },
        "xs_momentum": {
            "weight": 0.152072,
            "slope": 0.93531,
            "information_coefficient": -0.0463495,
            "horizon": 20.0,
            "mean": 0.000358354,
            "sigma": 0.0485439,
            "calibrated": 0.000335172,
        },
        "mean_reversion": {
            "weight": 0.195767,
            "slope": 0.866817,
            "information_coefficient": 0.0191738,
            "horizon": 5.0,
            "mean": 0.00200018,
            "sigma": 0.0246981,
            "calibrated": 0.00173379,
        },
        "breakout": {
            "weight": 0.181075,
            "slope": 0.909269,
            "information_coefficient": 0.00536846,
            "horizon": 10.0,
            "mean": -0.0016374,
            "sigma": 0.0334259,
            "calibrated": -0.00148883,
        },
        "low_volatility": {
            "weight": 0.251763,
            "slope": 1.00359,
            "information_coefficient": 0.0514119,
            "horizon": 20.0,
            "mean": 0.00097659,
            "sigma": 0.0477865,
            "calibrated": 0.000980098,
        },
    },
    "blend": {"blend_horizon": 15.0, "blend_mean": 0.000442298, "blend_sigma": 0.0416915},
    "sizing": {
        "equity": 99961.4,
        "cash": 8259.03,
        "volatility_target": 0.15,
        "kelly_volatility": 0.0874843,
        "volatility_scale": 1.71459,
        "gross_scale": 0.52075,
        "gross": 0.9025,
        "predicted_volatility": 0.0580244,
        "kelly_fraction": 0.25,
        "name_limit": 0.1425,
        "gross_limit": 0.9025,
        "tradable": 1.0,
        "lot": 1.0,
        "lot_value": 21.093,
        "weight": 0.0776522,
        "kelly_weight": 0.0636151,
        "target_weight": 0.0568002,
        "target_lots": 269.0,
        "acting": 1.0,
    },
    "intent": {
        "position": 368.0,
        "target": 269.0,
        "quantity": -99.0,
        "reference_price": 21.093,
        "purpose": "policy",
        "scaled": {"position": 368, "target": 269, "quantity": -99, "reference_price": 21093000},
        "quantity_decimals": 0,
        "price_decimals": 6,
    },
    "gate": {"approved": True, "rule": 0, "rule_name": "", "value": 0.0, "limit": 0.0},
    "updates": [
        {
            "journal_row": 70,
            "ts": 1170968400000000000,
            "time": "2007-02-08T21:00:00Z",
            "event": "acknowledged",
            "state": "new",
            "text": "",
        }
    ],
    "fills": [
        {
            "journal_row": 71,
            "ts": 1171054800000000000,
            "time": "2007-02-09T21:00:00Z",
            "bar_seq": 4313,
            "quantity": -99.0,
            "price": 20.8869,
            "fee": 0.71,
            "spread_cost": 0.413721,
            "impact_cost": 0.093654,
            "cost": 1.21738,
            "cost_parts": COST_PARTS,
            "slippage_bps": 97.722,
            "realised_pnl": -60.2721,
            "execution": 20,
            "state": "filled",
            "forced": False,
        }
    ],
}

TEXT = """\
Order 00ff00ff-20: sell 99 MSFT, filled at 20.8869, cost 1.22

bar       2007-02-08T21:00:00Z (#4312), price good, equity 99,961.39
gate      approved"""


def refused() -> dict[str, Any]:
    """The chain behind an order that the gate refused."""
    gate = {"approved": False, "rule": 8, "rule_name": "concentration", "value": 0.1512, "limit": 0.15}
    return {**CHAIN, "order": None, "gate": gate, "updates": [], "fills": []}
