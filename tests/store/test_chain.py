from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.store.chain import GENESIS, Chain, link


def test_first_row_by_hand() -> None:
    expected = sha256(bytes(32) + b"\x01\x00\x00\x00\x00\x00\x00\x00" + b"payload").digest()
    assert Chain().push(b"payload") == expected == link(GENESIS, 1, b"payload")


@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(0, 20))
def test_going_on_from_any_head_gives_the_same_head(payloads: list[bytes], cut: int) -> None:
    whole = Chain()
    for payload in payloads:
        whole.push(payload)
    first = Chain()
    for payload in payloads[:cut]:
        first.push(payload)
    second = Chain(first.head, first.rows)
    for payload in payloads[cut:]:
        second.push(payload)
    assert (second.head, second.rows) == (whole.head, whole.rows)
    assert whole.rows == len(payloads)


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=8, unique=True), st.data())
def test_swapping_two_rows_changes_the_head(payloads: list[bytes], data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(payloads) - 2))
    swapped = [*payloads]
    swapped[i], swapped[i + 1] = swapped[i + 1], swapped[i]
    one, two = Chain(), Chain()
    for a, b in zip(payloads, swapped, strict=True):
        one.push(a)
        two.push(b)
    assert one.head != two.head


def test_a_short_head_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Chain(b"short")
