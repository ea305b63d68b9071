"""Who counts as one, where it is counted how often somebody asks."""

from __future__ import annotations

import pytest

from models.address import household


@pytest.mark.parametrize(
    ("peer", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", ""),
        ("testclient", "testclient"), ("x" * 80, "x" * 45),
    ],
)  # fmt: skip
def test_a_household_is_one(peer: str, counted_as: str) -> None:
    assert household(peer) == counted_as
    assert len(household(peer)) <= 45
