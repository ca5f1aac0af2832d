"""The ring of keys: limits per minute and day, midnight in New York, turns, restarts; and where keys come from."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market.providers.rig import SleepingClock, ring
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, iso, parse_iso
from tuiconsole.domain.errors import ConfigError
from tuiconsole.market.providers.key_ring import ApiKey, KeyRing, Purpose, Refusal, next_midnight, vendor_day
from tuiconsole.market.providers.key_source import load_keys
from tuiconsole.market.settings import ProviderSettings

FREE = ApiKey("free-secret", Purpose.MARKET_DATA, 5, 25)
PAID = ApiKey("paid-secret", Purpose.PREMIUM_DELAYED, 75, 0)
BACKUP = ApiKey("backup-secret", Purpose.BACKUP, 5, 25)
USES = (Purpose.MARKET_DATA, Purpose.BACKUP)


def secret(taken: ApiKey | Refusal) -> str:
    assert isinstance(taken, ApiKey)
    return taken.secret


def test_a_free_key_gives_25_requests_a_day_and_says_when_it_goes_on(tmp_path: Path) -> None:
    clock = SleepingClock(parse_iso("2025-07-01T12:00:00Z"))
    keys = ring(tmp_path, clock, FREE)
    for _ in range(25):
        assert secret(keys.take(USES)) == "free-secret"
    refused = keys.take(USES)
    assert isinstance(refused, Refusal)
    assert iso(refused.until_ns) == "2025-07-02T04:00:00Z"
    clock.advance_to(refused.until_ns)
    assert secret(keys.take(USES)) == "free-secret"
    assert keys.used_today(FREE) == 1


def test_a_premium_key_gives_75_in_a_minute_without_pause(tmp_path: Path) -> None:
    clock = SleepingClock()
    keys = ring(tmp_path, clock, PAID)
    for _ in range(75):
        keys.take((Purpose.PREMIUM_DELAYED,))
    assert clock.slept == []
    keys.take((Purpose.PREMIUM_DELAYED,))
    assert clock.slept == pytest.approx([60.0])


def test_a_slow_key_pauses_between_requests(tmp_path: Path) -> None:
    clock = SleepingClock()
    keys = ring(tmp_path, clock, FREE)
    for _ in range(3):
        keys.take(USES)
    assert clock.slept == pytest.approx([2.5, 2.5])


def test_turns_go_by_purpose_then_by_who_is_free_first(tmp_path: Path) -> None:
    """Two keys of one purpose share the minute; the backup is left alone until both have used up their day."""
    other = ApiKey("other-secret", Purpose.MARKET_DATA, 5, 25)
    clock = SleepingClock()
    keys = ring(tmp_path, clock, FREE, other, BACKUP)
    taken = [secret(keys.take(USES)) for _ in range(12)]
    assert taken == ["free-secret"] * 5 + ["other-secret"] * 5 + ["free-secret"] * 2
    rest = [secret(keys.take(USES)) for _ in range(39)]
    assert rest.count("backup-secret") == 1
    assert rest[-1] == "backup-secret"


def test_usage_survives_a_restart_in_a_private_file_without_secrets(tmp_path: Path) -> None:
    clock = SleepingClock()
    for _ in range(25):
        ring(tmp_path, clock, FREE).take(USES)
    assert isinstance(ring(tmp_path, clock, FREE).take(USES), Refusal)
    path = tmp_path / "usage.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "free-secret" not in path.read_text()
    assert json.loads(path.read_text())["keys"][FREE.fingerprint]["used"] == 25
    assert not list(tmp_path.glob("usage.json.*[0-9a-f]"))


@pytest.mark.parametrize("damage", ["", "{", '{"keys": 3}', "[]", '{"keys": {"a": {"nonsense": 1}}}'])
def test_a_damaged_usage_file_never_gives_requests_away(tmp_path: Path, damage: str) -> None:
    (tmp_path / "usage.json").write_text(damage)
    assert isinstance(ring(tmp_path, SleepingClock(), FREE).take(USES), Refusal)


def test_the_vendors_own_refusal_is_remembered(tmp_path: Path) -> None:
    clock = SleepingClock(parse_iso("2025-01-01T12:00:00Z"))
    until = ring(tmp_path, clock, FREE, BACKUP).bar(FREE, whole_day=True)
    assert iso(until) == "2025-01-02T05:00:00Z"
    assert secret(ring(tmp_path, clock, FREE, BACKUP).take(USES)) == "backup-secret"
    ring(tmp_path, clock, FREE, BACKUP).bar(BACKUP, whole_day=False)
    refused = ring(tmp_path, clock, FREE, BACKUP, patience_s=1.0).take(USES)
    assert refused == Refusal(clock.now_ns() + 60 * NANOSECONDS_PER_SECOND)


def test_no_key_for_a_purpose(tmp_path: Path) -> None:
    assert ring(tmp_path, SleepingClock(), FREE).take((Purpose.SENTIMENT,)) == Refusal(0)


@given(st.integers(0, 4_000_000_000))
def test_midnight_is_the_first_moment_of_the_next_day(seconds: int) -> None:
    ts = seconds * NANOSECONDS_PER_SECOND
    midnight = next_midnight(ts)
    assert ts < midnight <= ts + 25 * 3_600 * NANOSECONDS_PER_SECOND
    assert vendor_day(midnight - 1) == vendor_day(ts) != vendor_day(midnight)


@given(
    st.lists(st.sampled_from([0.0, 0.4, 3.0, 61.0, 7_000.0, 90_000.0]), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(1, 6),
)
def test_no_limit_is_ever_exceeded(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float], per_minute: int, per_day: int
) -> None:
    """Whatever the pace: at most ``per_minute`` in any 60 s, at most ``per_day`` in any New York day."""
    clock = SleepingClock(parse_iso("2025-03-08T23:00:00Z"))
    folder = tmp_path_factory.mktemp("ring")
    key = ApiKey("k", Purpose.MARKET_DATA, per_minute, per_day)
    keys = KeyRing((key,), folder / "usage.json", clock, clock.sleep, 0.5, 30.0)
    used: list[int] = []
    for pause in pauses:
        clock.sleep(pause)
        if isinstance(keys.take((Purpose.MARKET_DATA,)), ApiKey):
            used.append(clock.now_ns())
    for i, ts in enumerate(used):
        assert sum(ts <= other < ts + 60 * NANOSECONDS_PER_SECOND for other in used[i:]) <= per_minute
    days = [vendor_day(ts) for ts in used]
    assert max(days.count(day) for day in days) <= per_day


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_keys_of_a_file_and_of_the_environment(tmp_path: Path) -> None:
    path = write(
        tmp_path / "keys.toml",
        '[alpaca]\nkey_id = "id"\nsecret_key = "sec"\n'
        '[[alpha_vantage]]\nkey = "p"\npurpose = "premium_delayed"\nper_minute = 150\n'
        '[[alpha_vantage]]\nkey = "m"\n',
    )
    environment = {"ALPHAVANTAGE_API_KEYS": "sentiment:s, backup:b", "ALPHAVANTAGE_API_KEY": "m"}
    keys = load_keys(ProviderSettings(), path, environment)
    assert (keys.alpaca_id, keys.alpaca_secret) == ("id", "sec")
    found = [(k.secret, k.purpose.value, k.per_minute, k.per_day) for k in keys.alpha_vantage]
    assert found == [
        ("s", "sentiment", 5, 25),
        ("b", "backup", 5, 25),
        ("m", "market_data", 5, 25),
        ("p", "premium_delayed", 150, 0),
    ]
    assert "sec" not in repr(keys).replace("secret", "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "keys.toml", '[[alpha_vantage]]\nkey = "p"\n', mode)
    with pytest.raises(ConfigError) as refused:
        load_keys(ProviderSettings(), path, {})
    assert f"(mode {mode:04o})" in str(refused.value)
    assert str(refused.value).endswith(f"chmod 600 {path}")
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "key = ",
        "[other]\n",
        '[[alpha_vantage]]\npurpose = "backup"\n',
        '[[alpha_vantage]]\nkey = "SECRETWORD"\npurpose = "fun"\n',
        '[[alpha_vantage]]\nkey = "SECRETWORD"\nper_day = -1\n',
        "[[alpha_vantage]]\nkey = 5\n",
        '[alpha_vantage]\nkey = "SECRETWORD"\n',
        "[alpaca]\nkey_id = 3\n",
    ],
)
def test_a_malformed_key_file_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_keys(ProviderSettings(), write(tmp_path / "keys.toml", text), {})
    assert "SECRETWORD" not in str(refused.value)


def test_a_malformed_environment_is_refused_without_quoting_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="purpose:key") as refused:
        load_keys(ProviderSettings(), tmp_path / "none.toml", {"ALPHAVANTAGE_API_KEYS": "SECRETWORD"})
    assert "SECRETWORD" not in str(refused.value)
    assert os.environ.get("ALPHAVANTAGE_API_KEYS") is None
