from __future__ import annotations

import json

import numpy as np
import pytest

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.features.schema import Column, FeatureSchema, ObservationAdapter

NAMES = ("rsi_14", "momentum_252_21", "weekday")
DIGEST = "fdfe9f98a667270c5820166587139219e748809a4a0ecbdc491973fdc9068e66"


def test_the_hash_is_the_same_in_every_run() -> None:
    schema = FeatureSchema.of(NAMES)
    assert schema.digest == DIGEST
    assert schema.canonical.startswith(b'{"columns":[{"family":"rsi","name":"rsi_14","parameters":[14],')


def test_order_version_and_unit_are_part_of_it() -> None:
    column = Column("rsi_14", "rsi", (14,), 1, "0 to 100")
    others = (
        FeatureSchema.of(NAMES[::-1]),
        FeatureSchema((Column("rsi_14", "rsi", (14,), 2, "0 to 100"),)),
        FeatureSchema((Column("rsi_14", "rsi", (14,), 1, "0 to 1"),)),
        FeatureSchema((column,)),
        FeatureSchema.of(NAMES),
    )
    assert len({schema.digest for schema in others}) == len(others)


def test_a_file_is_read_back() -> None:
    schema = FeatureSchema.of(NAMES)
    assert FeatureSchema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda text: text.replace("rsi_14", "rsi_15"), "changed after it was written"),
        (lambda text: text.replace('"format": 1', '"format": 9'), "has format 9, this version reads 1"),
        (lambda text: text[:40], "is no feature schema"),
        (lambda text: json.dumps({"columns": [{"name": "x"}]}), "is no feature schema"),
        (lambda text: "[]", "is no feature schema"),
    ],
)
def test_a_spoilt_file_is_refused(spoil: object, sentence: str) -> None:
    text = FeatureSchema.of(NAMES).to_json()
    with pytest.raises(UsageError, match=sentence):
        FeatureSchema.from_json(spoil(text))  # type: ignore[operator]


def test_an_adapter_reorders_and_drops() -> None:
    now = FeatureSchema.of(["ema_20", "weekday", "rsi_14", "rsi_5", "momentum_252_21"])
    adapter = ObservationAdapter(FeatureSchema.of(NAMES), now)
    values = generator(1, "adapter").normal(size=(7, 5, 3))
    np.testing.assert_array_equal(adapter.adapt(values), values[:, [2, 4, 1]])
    np.testing.assert_array_equal(adapter.adapt(values[0]), values[0, [2, 4, 1]])


def test_an_adapter_refuses_missing_features_and_names_them() -> None:
    changed = Column("weekday", "weekday", (), 3, "0 to 6")
    recorded = FeatureSchema((*FeatureSchema.of(["rsi_14", "ema_20"]).columns, changed))
    with pytest.raises(UsageError) as caught:
        ObservationAdapter(recorded, FeatureSchema.of(["rsi_14", "weekday", "rsi_5"]))
    assert str(caught.value).startswith(
        "The model needs 2 features that this desk does not compute: ema_20, weekday (formula 3, now 1)."
    )


def test_what_this_version_does_not_know_is_left_out() -> None:
    assert FeatureSchema.of_known(["rsi_14", "moonphase_3", "weekday"]).names == ("rsi_14", "weekday")
