"""A user's own strategy: the README's example, parameters, failures, and what the desk makes of weights."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from tests.engine.rig import market, settings
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import DecisionInputs
from tuiconsole.engine.build import configuration_digest, plan
from tuiconsole.engine.policies import PolicySettings, literal, load_strategy, with_source
from tuiconsole.features.schema import FeatureSchema
from tuiconsole.research.backtests import backtest
from tuiconsole.strategy import Strategy

README = Path(__file__).parent.parent / "README.md"


def example() -> str:
    """The strategy that the README shows."""
    found = re.search(r"```python\n(# my\.py\n.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def chosen(tmp_path: Path) -> PolicySettings:
    (tmp_path / "my.py").write_text(example(), encoding="utf-8")
    return PolicySettings(strategy="my.py:SmaCross")


def test_the_example_has_ten_lines() -> None:
    lines = [line for line in example().splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 10


def test_the_example_trades_its_crossings_and_nothing_else(tmp_path: Path, chosen: PolicySettings) -> None:
    tape = market(420)
    asked = replace(settings(tape, 120), policy=with_source(chosen, tmp_path))
    result = backtest(asked, tape, EventClock()).result
    fast, slow = (
        np.array([tape.close[t - w + 1 : t + 1].mean(axis=0) for t in range(120, 420)]) for w in (20, 100)
    )
    above = fast > slow
    before = np.vstack((np.zeros((1, 6), dtype=bool), above[:-1]))
    assert result.failed == ()
    assert result.refused == 0
    assert result.orders == np.count_nonzero(above != before)
    assert result.orders >= 6


def test_the_same_strategy_twice_gives_the_same_journal(tmp_path: Path, chosen: PolicySettings) -> None:
    tape = market(300)
    asked = replace(settings(tape, 120), policy=with_source(chosen, tmp_path))
    first, second = (backtest(asked, tape, EventClock()).result for _ in range(2))
    assert (first.journal_head, first.order_hash) == (second.journal_head, second.order_hash)


def test_the_source_is_part_of_what_a_store_is_bound_to(tmp_path: Path, chosen: PolicySettings) -> None:
    base = settings(market(300))
    one = replace(base, policy=with_source(chosen, tmp_path))
    (tmp_path / "my.py").write_text(example().replace("0.9", "0.8"), encoding="utf-8")
    other = replace(base, policy=with_source(chosen, tmp_path))
    digests = {configuration_digest(base), configuration_digest(one), configuration_digest(other)}
    assert len(digests) == 3


def test_a_plan_keeps_the_text_so_that_the_file_is_needed_no_more(
    tmp_path: Path, chosen: PolicySettings
) -> None:
    tape = market(300)
    kept = plan(replace(settings(tape), policy=with_source(chosen, tmp_path)), tape, "replay").settings
    (tmp_path / "my.py").unlink()
    assert plan(kept, tape, "replay").policy.agent_names == ("SmaCross",)


TUNED = """
from tuiconsole.strategy import Strategy
class Hold(Strategy):
    share = 0.1
    window = 5
    name = "x"
    def weights(self, bar):
        return bar.price * 0.0 + self.share
"""


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        (("size=1",), "Hold has no parameter 'size'. It has: share, window, name."),
        (("window=0.5",), "The parameter window of Hold must be of type int, was 0.5."),
        (("share",), "The parameter 'share' is not NAME=VALUE. Write it as fast=10."),
    ],
)
def test_a_wrong_parameter_is_one_sentence(
    tmp_path: Path, parameters: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "hold.py").write_text(TUNED, encoding="utf-8")
    asked = with_source(PolicySettings("hold.py:Hold", parameters), tmp_path)
    with pytest.raises(UsageError) as error:
        load_strategy(asked, Universe.of(("AAA",)))
    assert str(error.value) == complaint


def test_a_whole_number_stands_for_a_float(tmp_path: Path) -> None:
    (tmp_path / "hold.py").write_text(TUNED, encoding="utf-8")
    asked = with_source(PolicySettings("hold.py:Hold", ("share=0", "name=abc")), tmp_path)
    policy: Any = load_strategy(asked, Universe.of(("AAA",)))
    assert (policy.share, policy.name, policy.window) == (0.0, "abc", 5)


@pytest.mark.parametrize(
    ("text", "strategy", "complaint"),
    [
        (TUNED, "hold.py", "The strategy 'hold.py' is not FILE:CLASS. Write it as my.py:SmaCross."),
        (TUNED, "hold.py:Held", "hold.py has no class Held. It has: Hold."),
        ("raise SystemExit(5)", "hold.py:X", "hold.py does not run: SystemExit: 5 (line 1)."),
        (
            TUNED + "    needs = 'log_return_1'\n",
            "hold.py:Hold",
            "needs of Hold must be a tuple of names, was the text 'log_return_1'.",
        ),
        ("1 +", "hold.py:Hold", "hold.py does not run: SyntaxError: invalid syntax (line 1)."),
        ("\nx = 1 / 0", "hold.py:X", "hold.py does not run: ZeroDivisionError: division by zero (line 2)."),
        (
            "class X:\n  def __init__(self, u): pass",
            "hold.py:X",
            "X of hold.py is no policy: it has no needs, no agent_names, no sheet_names, no scalar_names, "
            "no initial_state, no decide. Derive it from tuiconsole.strategy.Strategy.",
        ),
    ],
)
def test_a_file_that_is_no_strategy_is_one_sentence(
    tmp_path: Path, text: str, strategy: str, complaint: str
) -> None:
    (tmp_path / "hold.py").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        load_strategy(with_source(PolicySettings(strategy), tmp_path), Universe.of(("AAA",)))
    assert str(error.value) == complaint


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.py cannot be read: No such file or directory\. Check"):
        with_source(PolicySettings("none.py:X"), tmp_path)


FAILING = """
from tuiconsole.strategy import Strategy
class Bad(Strategy):
    def weights(self, bar):
        if bar.seq >= 130:
            return [1.0][len(bar.price)]
        return bar.price * 0.0 + 0.1
"""


def test_a_strategy_that_raises_is_switched_off_and_its_positions_stay(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(FAILING, encoding="utf-8")
    tape = market(200)
    asked = replace(settings(tape, 120), policy=with_source(PolicySettings("bad.py:Bad"), tmp_path))
    result = backtest(asked, tape, EventClock()).result
    assert result.orders == result.fills == 6
    [text] = result.failed
    assert text.endswith(
        "Agent Bad failed and is switched off: IndexError: list index out of range (line 6 of bad.py)"
    )


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [
        ("bar.price[:2]", "weights must have the shape [6], was [2]"),
        ("bar.price / 0", "was inf"),
        ("-1e300 + 0 * bar.price", "at most 1,000, or NaN, was -1e+300"),
        ("1j * bar.price", "TypeError: weights must be real numbers, were complex"),
        ("exit(3)", "SystemExit: 3 (line"),
        ("super().weights(bar)", "NotImplementedError: Bad has no method weights(self, bar)"),
    ],
)
def test_malformed_weights_are_told_apart(tmp_path: Path, weights: str, complaint: str) -> None:
    text = FAILING.replace("[1.0][len(bar.price)]", weights)
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    tape = market(150)
    asked = replace(settings(tape, 120), policy=with_source(PolicySettings("bad.py:Bad"), tmp_path))
    assert complaint in backtest(asked, tape, EventClock()).result.failed[0]


def test_every_refusal_is_counted_by_its_rule(tmp_path: Path) -> None:
    text = FAILING.replace("0.0 + 0.1", "0.0 + 0.5")
    (tmp_path / "bad.py").write_text(text, encoding="utf-8")
    tape = market(129)
    asked = replace(settings(tape, 120), policy=with_source(PolicySettings("bad.py:Bad"), tmp_path))
    result = backtest(asked, tape, EventClock()).result
    assert (result.orders, result.refused) == (0, 54)
    assert result.refusals == {"The order is worth more than one order may be.": 54}


class Fixed(Strategy):
    """Wants what it is told."""

    def __init__(self, universe: Universe, wanted: list[float]) -> None:
        super().__init__(universe)
        self._wanted = np.array(wanted)

    def weights(self, bar: DecisionInputs) -> Any:
        return self._wanted


def inputs(n: int, price: float = 10.0, held: int = 0) -> DecisionInputs:
    """One bar."""
    zeros = np.zeros(n, dtype=np.int64)
    return DecisionInputs(
        ts=0,
        seq=0,
        price=np.full(n, price),
        price_scaled=zeros,
        tradable=np.ones(n, dtype=np.bool_),
        features=np.empty((0, n)),
        regime=np.empty(0),
        position=zeros + held,
        pending=zeros,
        equity=1_000.0,
        cash=1_000.0,
        enabled=frozenset({"Fixed"}),
    )


@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-1.0, 1.0)), min_size=1, max_size=8))
def test_targets_never_exceed_the_weights_and_nan_leaves_alone(wanted: list[float]) -> None:
    universe = Universe.of(tuple(f"S{i}" for i in range(len(wanted))))
    policy = Fixed(universe, wanted)
    decision, state = policy.decide(inputs(len(wanted)), policy.initial_state(len(wanted)))
    units = decision.target / universe.quantity_scale
    weight = np.array(wanted)
    spoken = ~np.isnan(weight)
    assert (np.abs(units[spoken]) * 10.0 <= np.abs(weight[spoken]) * 1_000.0 + 1e-9).all()
    assert (np.abs(units[spoken]) * 10.0 > np.abs(weight[spoken]) * 1_000.0 - 10.0 - 1e-9).all()
    assert not decision.acting[~spoken].any()
    assert state["failed"] == {}


def test_on_change_trades_once_and_again_only_while_not_there() -> None:
    universe = Universe.of(("AAA",))
    policy = Fixed(universe, [0.5])
    scale = int(universe.quantity_scale[0])
    first, state = policy.decide(inputs(1), policy.initial_state(1))
    assert first.acting.all()
    assert first.target.tolist() == [50 * scale]
    again, _ = policy.decide(inputs(1), state)
    there, _ = policy.decide(inputs(1, price=20.0, held=50 * scale), state)
    assert again.acting.all(), "the order was refused or lost: it is asked for again"
    assert not there.acting.any(), "prices drift, the position stays"


def test_what_cannot_be_traded_now_is_wanted_again_when_it_can() -> None:
    universe = Universe.of(("AAA",))
    held = 20 * int(universe.quantity_scale[0])
    bar = inputs(1, held=held)
    closed = structs.replace(bar, tradable=np.zeros(1, dtype=np.bool_))
    policy = Fixed(universe, [0.5])
    nothing, state = policy.decide(closed, {**policy.initial_state(1), "wanted": np.array([0.2])})
    later, _ = policy.decide(bar, state)
    assert not nothing.acting.any()
    assert later.acting.all()


def test_a_price_next_to_nothing_still_gives_an_integer() -> None:
    policy = Fixed(Universe.of(("AAA",)), [1.0])
    decision, _ = policy.decide(inputs(1, price=1e-30), policy.initial_state(1))
    assert decision.target[0] == 2**40


def test_every_bar_trades_what_prices_moved() -> None:
    class Steady(Fixed):
        rebalance = "every bar"

    universe = Universe.of(("AAA",))
    scale = int(universe.quantity_scale[0])
    policy = Steady(universe, [0.5])
    policy_inputs = structs.replace(inputs(1, price=20.0, held=50 * scale), enabled=frozenset({"Steady"}))
    decision, _ = policy.decide(policy_inputs, {**policy.initial_state(1), "wanted": np.array([0.5])})
    assert decision.target.tolist() == [25 * scale]


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("0.5", 0.5), ("True", True), ("a b", "a b"), ("[1]", "[1]")]
)
def test_literals(text: str, value: object) -> None:
    assert literal(text) == value


MODEL = """
import numpy as np
from tuiconsole.strategy import Strategy
class Model(Strategy):
    schema = "kept/model.json"
    def weights(self, bar):
        slow, fast, one = bar.features
        return np.where(fast > slow, 0.9 / len(fast), 0.0) + 0.0 * np.nan_to_num(one)
"""
RECORDED = ("rolling_mean_100", "rolling_mean_20", "log_return_1")


def with_model(folder: Path, schema: str, text: str = MODEL) -> PolicySettings:
    (folder / "kept").mkdir(exist_ok=True)
    (folder / "kept" / "model.json").write_text(schema, encoding="utf-8")
    (folder / "model.py").write_text(text, encoding="utf-8")
    return with_source(PolicySettings("model.py:Model"), folder)


def test_a_schema_gives_its_features_in_its_order(tmp_path: Path, chosen: PolicySettings) -> None:
    tape = market(420)
    recorded = FeatureSchema.of(RECORDED)
    asked = replace(settings(tape, 120), policy=with_model(tmp_path, recorded.to_json()))
    done = backtest(asked, tape, EventClock())
    same = backtest(replace(asked, policy=with_source(chosen, tmp_path)), tape, EventClock())
    assert tuple(done.plan.policy.needs) == RECORDED
    assert list(done.plan.policy.sheet_names)[:3] == [f"feature:{name}" for name in RECORDED]
    assert done.result.failed == ()
    assert done.result.order_hash == same.result.order_hash


def test_a_plan_keeps_the_schema_and_is_bound_to_it(tmp_path: Path) -> None:
    tape = market(300)
    asked = replace(settings(tape), policy=with_model(tmp_path, FeatureSchema.of(RECORDED).to_json()))
    kept = plan(asked, tape, "replay")
    (tmp_path / "kept" / "model.json").unlink()
    again = plan(kept.settings, tape, "replay")
    assert (again.policy.needs, again.opened) == (RECORDED, kept.opened)
    other = FeatureSchema.of((*RECORDED[:2], "momentum_20_0")).to_json()
    changed = plan(replace(asked, policy=with_model(tmp_path, other)), tape, "replay")
    assert changed.opened.configuration != kept.opened.configuration
    assert changed.settings.policy.digest() != kept.settings.policy.digest()


def older(name: str, version: int) -> str:
    """A schema that another version of the program recorded."""
    column = replace(FeatureSchema.of(["rolling_mean_20"]).columns[0], name=name, version=version)
    return FeatureSchema((column,)).to_json()


@pytest.mark.parametrize(
    ("schema", "text", "complaint"),
    [
        (older("gone_7", 1), MODEL, "The model needs 1 feature that this desk does not compute: gone_7."),
        (older("rolling_mean_20", 99), MODEL, r"compute: rolling_mean_20 \(formula 99, now \d+\)\."),
        ("{}", MODEL, "The file is no feature schema."),
        (
            older("rolling_mean_20", 1),
            MODEL + "    needs = ('log_return_1',)\n",
            "Model declares both needs and a schema. Leave one of them out",
        ),
        ("{}", MODEL.replace("model.json", "none.json"), r"none\.json of Model cannot be read: No such file"),
        ("{}", MODEL.replace('"kept/model.json"', "5"), "schema of Model must be the path of a file, was 5."),
    ],
)
def test_a_schema_that_cannot_be_kept_is_one_sentence(
    tmp_path: Path, schema: str, text: str, complaint: str
) -> None:
    tape = market(300)
    with pytest.raises(UsageError, match=complaint):
        plan(replace(settings(tape), policy=with_model(tmp_path, schema, text)), tape, "replay")
