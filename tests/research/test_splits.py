"""Splits against the reference cases and by enumeration: no bar is both chosen on and judged on, no label reaches across."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analytics.test_significance import leakage_case
from tuiconsole.domain.errors import UsageError
from tuiconsole.research.splits import combinatorial, counts, label_purged, walk_forward


def test_counts_of_the_book() -> None:
    case = leakage_case("cpcv_counts")
    found = [counts(*each) for each in case["inputs"]["cases"]]
    assert [splits for splits, _ in found] == case["expected"]["splits"]
    assert [paths for _, paths in found] == case["expected"]["paths"]


def test_purged_and_embargoed_rows_of_24() -> None:
    case = leakage_case("cpcv_indices_24")
    asked, expected = case["inputs"], case["expected"]
    splits = combinatorial(
        asked["n"], asked["n_folds"], asked["n_test_folds"], asked["purged_size"], asked["embargo_size"]
    )
    assert [len(split.train) for split in splits] == expected["train_sizes"]
    for i, name in ((0, "first_split"), (3, "fourth_split")):
        assert splits[i].train.tolist() == expected[name]["train"]
        assert [test.tolist() for test in splits[i].tests] == expected[name]["test"]


def test_labels_that_overlap() -> None:
    case = leakage_case("label_overlap_purge")
    asked, expected = case["inputs"], case["expected"]
    train = label_purged(asked["n"], *asked["test"], asked["label_horizon"], asked["embargo"])
    assert len(train) == expected["train_n"]
    assert train[train < 40].max() == expected["last_train_before"]
    assert train[train > 59].min() == expected["first_train_after"]


@given(
    n=st.integers(1, 120),
    first=st.integers(0, 119),
    length=st.integers(1, 40),
    horizon=st.integers(0, 10),
    embargo=st.integers(0, 9),
)
def test_no_trained_label_meets_a_judged_one(
    n: int, first: int, length: int, horizon: int, embargo: int
) -> None:
    last = min(first + length - 1, n - 1)
    judged = {row for i in range(first, last + 1) for row in range(i, i + horizon + 1)}
    expected = [
        i
        for i in range(n)
        if not judged & set(range(i, i + horizon + 1)) and not last + horizon < i <= last + horizon + embargo
    ]
    if first <= last:
        assert label_purged(n, first, last, horizon, embargo).tolist() == expected


@settings(max_examples=25)
@given(
    folds=st.integers(3, 7),
    judged=st.integers(2, 6),
    size=st.integers(8, 15),
    rest=st.integers(0, 2),
    purge=st.integers(0, 3),
    embargo=st.integers(0, 3),
)
def test_combinatorial_splits(
    folds: int, judged: int, size: int, rest: int, purge: int, embargo: int
) -> None:
    if judged >= folds:
        return
    n = folds * size + rest
    splits = combinatorial(n, folds, judged, purge, embargo)
    n_splits, n_paths = counts(folds, judged)
    assert len(splits) == n_splits
    covered: dict[int, list[int]] = {}
    for split in splits:
        tested = set(np.concatenate(split.tests).tolist())
        trained = set(split.train.tolist())
        assert not tested & trained
        for row in trained:
            assert not tested & set(range(row + 1, row + purge + 1))
            assert not tested & set(range(row - purge - embargo, row))
        for block, path in zip(split.tests, split.paths, strict=True):
            covered.setdefault(path, []).extend(block.tolist())
    assert sorted(covered) == list(range(n_paths))
    assert all(sorted(rows) == list(range(n)) for rows in covered.values())


@given(
    n=st.integers(30, 200),
    train=st.integers(5, 60),
    test=st.integers(1, 30),
    purge=st.integers(0, 5),
    expanding=st.booleans(),
)
def test_walking_forward_never_looks_ahead(
    n: int, train: int, test: int, purge: int, expanding: bool
) -> None:
    if n <= train + purge:
        with pytest.raises(UsageError, match="too few"):
            walk_forward(n, train, test, purge, expanding)
        return
    splits = walk_forward(n, train, test, purge, expanding)
    judged = np.concatenate([split.tests[0] for split in splits])
    assert judged.tolist() == list(range(train + purge, n))
    for split in splits:
        assert split.train[-1] + purge + 1 == split.tests[0][0]
        assert len(split.train) == (split.train[-1] + 1 if expanding else train)
        assert 1 <= len(split.tests[0]) <= test


def test_numbers_that_do_not_go_together() -> None:
    for folds, judged in ((2, 1), (4, 1), (4, 4)):
        with pytest.raises(UsageError, match="do not go together"):
            combinatorial(100, folds, judged)
    with pytest.raises(UsageError, match="leave nothing"):
        combinatorial(40, 4, 2, purge=5, embargo=4)
