"""The catalogue: every feature by its name.

A new feature is one new file that declares ``FEATURES`` and one line in :data:`BANK_FILES`; then run
``python tools/write_features.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from tuiconsole.domain.errors import UsageError
from tuiconsole.features.contract import Feature, Request

BANK_FILES = (
    "log_return",
    "ema",
    "rolling_moments",
    "donchian",
    "rsi",
    "atr",
    "realised_volatility",
    "market_beta",
    "price_means",
    "regression",
    "exponential",
    "price_range",
    "stochastic",
    "aroon",
    "adaptive",
    "true_strength",
    "commodity_channel",
    "envelope",
    "price_change",
    "bar_shape",
    "volume_relations",
    "volume_force",
    "corwin_schultz",
    "parabolic_sar",
    "volume_level",
    "volume_flow",
    "directional",
    "true_range_sums",
    "range_volatility",
    "return_parts",
    "ewma_volatility",
    "volatility_of_volatility",
    "moments",
    "serial",
    "signs",
    "rescaled_range",
    "fractional",
    "drawdown",
    "quantiles",
    "cross_section",
    "sector",
    "breadth",
    "market_model",
    "principal",
    "session_time",
    "macro",
    "macro_beta",
    "quotes",
    "order_flow",
)
"""Files of this room whose ``FEATURES`` are in the catalogue."""


def _collect() -> Mapping[str, Feature]:
    found: dict[str, Feature] = {}
    for file in BANK_FILES:
        features: tuple[Feature, ...] = import_module(f"tuiconsole.features.{file}").FEATURES
        for feature in features:
            if feature.family in found:
                raise ValueError(f"two features are called {feature.family}")
            found[feature.family] = feature
    return MappingProxyType(found)


FEATURES: Mapping[str, Feature] = _collect()
"""Family → entry, in the order of :data:`BANK_FILES`."""


def listed() -> tuple[str, ...]:
    """Names of the standard list, in the order of the catalogue: what datasets and selection begin with."""
    return tuple(
        Request(feature, parameters).name for feature in FEATURES.values() for parameters in feature.listed
    )


def request(name: str) -> Request:
    """The row that ``name`` asks for.

    Parameters
    ----------
    name
        Family and parameters joined by underscores, e.g. ``realised_volatility_20``.

    Raises
    ------
    UsageError
        When there is no such feature, or a parameter is missing or too small.

    Examples
    --------
    >>> request("momentum_252_21").parameters
    (252, 21)
    """
    match = re.fullmatch(r"([a-z]\w*?)((?:_\d+)*)", name, re.ASCII)
    family = match.group(1) if match else name
    feature = FEATURES.get(family)
    if match is None or feature is None:
        raise UsageError(f"There is no feature {name!r}.", _near(family))
    parameters = tuple(int(number) for number in match.group(2).split("_")[1:])
    if len(parameters) != len(feature.parameters):
        raise UsageError(
            f"The feature {name!r} does not have the shape {feature.pattern}.",
            f"Example: {_example(feature)}.",
        )
    for value, least, meaning in zip(parameters, feature.minimum, feature.parameters, strict=True):
        if value < least:
            raise UsageError(f"The feature {name!r} needs a {meaning} of at least {least}, was {value}.")
    if feature.parameters == ("long", "skip") and parameters[0] <= parameters[1]:
        raise UsageError(f"The feature {name!r} needs a long window above its skip, was {parameters}.")
    if feature.parameters[:2] == ("fast", "slow") and parameters[0] >= parameters[1]:
        raise UsageError(f"The feature {name!r} needs a fast window below its slow one, was {parameters}.")
    return Request(feature, parameters)


def _example(feature: Feature) -> str:
    return Request(feature, feature.example).name


def _near(family: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(family, FEATURES, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(FEATURES[word].pattern for word in close)}?"
    return "The verb features list names them all."
