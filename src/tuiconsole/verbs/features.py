"""The verbs of features: the catalogue, and a choice from it on a tape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.verbs.columns import paragraph, table
from tuiconsole.verbs.common import Place

if TYPE_CHECKING:
    from tuiconsole.domain.types import FloatArray, IntArray
    from tuiconsole.engine.build import Plan
    from tuiconsole.features.selection import Sample, SelectionRules
    from tuiconsole.market.tape import Tape


def list_features(family: str | None, schema: Path | None) -> dict[str, Any]:
    """The standard list, or a schema's features, if their families have ``family`` in their name; the verb's stable keys.

    A schema that this version cannot compute is refused.
    """
    from tuiconsole.features.catalogue import listed, request
    from tuiconsole.features.schema import FeatureSchema

    chosen = [request(name) for name in (listed() if schema is None else _names_of(schema))]
    if family is not None:
        chosen = [each for each in chosen if family in each.feature.family]
        if not chosen:
            raise UsageError(
                f"No listed feature's family holds {family!r}.", "Leave --family out to see all."
            )
    return {
        "count": len(chosen),
        "digest": FeatureSchema.of([each.name for each in chosen]).digest,
        "features": [
            {
                "name": each.name,
                "family": each.feature.family,
                "parameters": dict(zip(each.feature.parameters, each.parameters, strict=True)),
                "formula": each.feature.formula,
                "version": each.feature.version,
                "unit": each.feature.unit,
                "warmup_bars": each.window_bars,
                "needs": list(each.feature.needs),
                "source": each.feature.source,
            }
            for each in chosen
        ],
    }


def _names_of(path: Path) -> tuple[str, ...]:
    from tuiconsole.features.schema import FeatureSchema, ObservationAdapter

    try:
        recorded = FeatureSchema.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The feature schema {path} cannot be read.", "Check its path.") from error
    return ObservationAdapter(recorded, FeatureSchema.of_known(recorded.names)).schema.names


def list_text(body: dict[str, Any], width: int) -> str:
    """The list for people: for each family its windows, and the formula below."""
    rows: dict[str, dict[str, Any]] = {}
    for each in body["features"]:
        row = rows.setdefault(each["family"], each | {"numbers": []})
        row["numbers"].append("_".join(map(str, each["parameters"].values())))
    lines = []
    for family, row in rows.items():
        numbers = ", ".join(number for number in row["numbers"] if number)
        lines += paragraph(f"{family}  {numbers}".rstrip(), width, 4)
        lines += paragraph(f"    {row['formula']} [{row['unit']}]", width, 4)
    return "\n".join([*lines, f"{body['count']} features, schema {body['digest'][:16]}…"])


def select_features(
    place: Place, end: str | None, horizon: int, rules: SelectionRules, samples: int, seed: int, out: Path
) -> dict[str, Any]:
    """Choose features on the tape and write the schema of the chosen ones to ``out``; the verb's stable keys."""
    from tuiconsole.domain.clock import iso
    from tuiconsole.engine.build import load_tape, plan
    from tuiconsole.features.schema import FeatureSchema
    from tuiconsole.features.selection import select
    from tuiconsole.research.backtests import end_index

    settings = place.config.desk
    tape = load_tape(settings)
    chosen = plan(settings, tape, "backtest")
    last = len(tape) if end is None else end_index(end, tape, chosen.start)
    sample = _sample(chosen, tape, last, horizon, rules, samples, seed)
    found = select(sample, rules)
    names = [each.name for each in found if each.chosen]
    schema = FeatureSchema.of(names)
    out.write_text(schema.to_json(), encoding="utf-8")
    return {
        "schema": str(out),
        "digest": schema.digest,
        "chosen": names,
        "clusters": max(each.cluster for each in found),
        "observations": len(sample.outcome),
        "horizon_bars": horizon,
        "first": iso(int(tape.ts[chosen.start]))[:10],
        "last": iso(int(tape.ts[last - 1]))[:10],
        "features": [
            {
                "name": each.name,
                "coverage": each.coverage,
                "information": each.information,
                "rank_correlation": each.rank_correlation,
                "stability": each.stability,
                "cluster": each.cluster,
                "chosen": each.chosen,
            }
            for each in found
        ],
    }


def _sample(
    chosen: Plan, tape: Tape, last: int, horizon: int, rules: SelectionRules, samples: int, seed: int
) -> Sample:
    """Features at some bars of ``[start, last - horizon)`` and the log-returns over the ``horizon`` bars that followed."""
    from tuiconsole.features.catalogue import listed
    from tuiconsole.features.selection import Sample, sampled_bars

    if last - horizon <= chosen.start:
        raise UsageError(
            f"No bar between the start and the end has {horizon} bars after it.",
            "Choose a shorter --horizon.",
        )
    names = listed()
    bars = sampled_bars(chosen.start, last - horizon, max(1, samples // len(tape.universe)), seed)
    values, log_close = _features_at(chosen, tape, names, bars, last)
    outcome = log_close[bars + horizon] - log_close[bars]
    block = np.repeat(np.arange(len(bars)) * rules.blocks // len(bars), len(tape.universe))
    good = np.isfinite(outcome).ravel()
    flat = values.swapaxes(1, 2).reshape(-1, len(names))
    return Sample(names, flat[good], outcome.ravel()[good], block[good])


def _features_at(
    chosen: Plan, tape: Tape, names: tuple[str, ...], bars: IntArray, last: int
) -> tuple[FloatArray, FloatArray]:
    """The features at ``bars``, ``[n, k, n_symbols]``, and the good log closes of all bars up to ``last``."""
    from tuiconsole.engine.market_side import MarketSide
    from tuiconsole.market.defence import Defence

    settings = chosen.settings
    side = MarketSide(tape.universe, names, settings.regimes, settings.engine.bars_per_year)
    defence = Defence(len(tape.universe), settings.defence)
    log_close = np.full((last, len(tape.universe)), np.nan)
    found = []
    cursor = 0
    while cursor < last:
        screened = defence.screen_block(tape.block(cursor, min(last, cursor + side.block_bars)))
        done = cursor + len(screened)
        good = np.where(screened.quality == 0, tape.close[cursor:done], np.nan)
        np.log(good, out=log_close[cursor:done])
        seen = side.observe_block(screened).features
        here = bars[(bars >= cursor) & (bars < done)] - cursor
        found.append(seen[here].copy())
        cursor = done
    return np.concatenate(found), log_close


def select_text(body: dict[str, Any], width: int) -> str:
    """The choice for people."""
    rows = [
        [
            each["name"],
            f"{each['information']:.4f}",
            f"{each['rank_correlation']:.3f}",
            f"{each['stability']:.0%}",
            str(each["cluster"]),
        ]
        for each in body["features"]
        if each["chosen"]
    ]
    head = ["feature", "nats", "rank corr", "stable", "cluster"]
    return "\n".join(
        [
            f"{body['observations']:,} observations from {body['first']} to {body['last']}, outcome: return over "
            f"{body['horizon_bars']} bars. In sample: judge what is chosen on later bars.",
            *table(head, rows, width),
            f"{len(body['chosen'])} of {len(body['features'])} features, {body['clusters']} clusters; schema "
            f"{body['digest'][:16]}… in {body['schema']}",
        ]
    )
