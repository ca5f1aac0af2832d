from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.drive import EXAMPLES
from tuiconsole import features as room
from tuiconsole.domain.errors import UsageError
from tuiconsole.features.catalogue import BANK_FILES, FEATURES, request


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_name_is_read_and_written_back(name: str) -> None:
    assert request(name).name == name


@pytest.mark.parametrize("family", FEATURES)
def test_every_entry_says_what_it_is(family: str) -> None:
    feature = FEATURES[family]
    assert feature.family == family
    assert feature.formula
    assert feature.unit
    assert feature.source
    assert len(feature.parameters) == len(feature.minimum) == len(feature.example)
    assert feature.window_bars(*feature.example) >= 1


def test_every_file_that_declares_features_is_registered() -> None:
    folder = Path(str(room.__file__)).parent
    declaring = {path.stem for path in folder.glob("*.py") if "\nFEATURES = (" in path.read_text()}
    assert declaring == set(BANK_FILES)


def test_names_with_several_parameters() -> None:
    assert request("momentum_252_21").parameters == (252, 21)
    assert request("momentum_63_0").window_bars == 64
    assert request("momentum_252_21").feature.pattern == "momentum_{long}_{skip}"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("realized_volatility_20", "Did you mean realised_volatility_{window}"),
        ("rsii_14", "Did you mean rsi_{period}"),
        ("qqqqqqq_3", "The verb features list names them all"),
        ("", "There is no feature ''"),
        ("RSI_14", "There is no feature"),
        ("rsi", "does not have the shape rsi_{period}"),
        ("rsi_14_2", "does not have the shape rsi_{period}"),
        ("rsi_-3", "There is no feature"),
        ("rsi_1", "needs a period of at least 2, was 1"),
        ("momentum_252", "does not have the shape momentum_{long}_{skip}"),
        ("momentum_21_21", "needs a long window above its skip"),
    ],
)
def test_a_wrong_name_is_refused_in_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        request(name)
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2
