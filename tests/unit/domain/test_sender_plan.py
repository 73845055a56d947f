import math
from collections import Counter
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heyday.domain.sender_plan import Assigned, SenderPlan, Share, parse_plan

IDS = [uuid5(UUID(int=0), str(number)) for number in range(100_000)]
WELL = math.inf


def room(plan: SenderPlan, **other: float) -> dict[str, float]:
    """All are well, but for others."""
    return dict.fromkeys(plan.senders, WELL) | other


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("smtp", [Share("smtp")]),
        ("ses:3,smtp", [Share("ses", 3), Share("smtp")]),
        ("ses:3,smtp:1>sendgrid", [Share("ses", 3), Share("smtp"), Share("sendgrid", 1, 1)]),
        (" ses : 3".replace(" : ", ":"), [Share("ses", 3)]),
        ("a > b > c", [Share("a"), Share("b", 1, 1), Share("c", 1, 2)]),
    ],
)
def test_a_plan_is_read_as_it_is_written(text: str, shares: list[Share]):
    assert parse_plan(text) == SenderPlan(tuple(shares))


@pytest.mark.parametrize(
    "text",
    [
        *("", ">", "ses>", ",ses", "ses,,smtp", "ses:", "ses:-1", "ses:1.5", "ses:99999", "SES"),
        *("ses:0", "ses smtp", "ses,ses", "ses>smtp,ses", "s\u00e9s", "ses:\u0663"),
    ],
)
def test_what_names_nobody_or_somebody_twice_is_no_plan(text: str):
    with pytest.raises(ValueError, match="expected"):
        parse_plan(text)


@given(
    st.lists(st.tuples(st.integers(1, 9999), st.booleans()), min_size=1, max_size=8),
)
def test_every_plan_is_written_as_it_is_read(given_shares: list[tuple[int, bool]]):
    shares, tier = [], 0
    for place, (weight, is_next) in enumerate(given_shares):
        tier += is_next and place > 0
        shares.append(Share("abcdefgh"[place], weight, tier))
    plan = SenderPlan(tuple(shares))
    assert parse_plan(str(plan)) == plan


@pytest.mark.parametrize("text", ["a:1,b:1", "a:3,b:1", "a:90,b:9,c:1", "a:5,b:3,c:2>d:7"])
def test_shares_are_those_of_the_plan_within_one_in_a_hundred(text: str):
    plan = parse_plan(text)
    counts = Counter(plan.assign(IDS, room(plan)).senders)
    whole = sum(share.weight for share in plan.shares if share.tier == 0)
    for share in plan.shares:
        expected = share.weight / whole if share.tier == 0 else 0
        assert abs(counts[share.sender] / len(IDS) - expected) < 0.01


def test_a_greeting_finds_the_same_sender_again_whoever_it_is_with():
    plan = parse_plan("a:3,b:2,c>d")
    together = plan.assign(IDS[:500], room(plan)).senders
    assert [plan.assign([i], room(plan)).senders[0] for i in IDS[:500]] == list(together)
    # Else processes of another version, or a restart, would move what is being tried again.
    assert [plan.rank(i)[0] for i in IDS[:12]] == list("aaaabaababaa")


def test_only_greetings_of_a_sender_that_is_away_move_and_they_move_by_weight():
    plan = parse_plan("a:2,b:1,c:1")
    before = plan.assign(IDS, room(plan)).senders
    away = plan.assign(IDS, room(plan, a=0)).senders
    assert all(was == now for was, now in zip(before, away, strict=True) if was != "a")
    moved = Counter(now for was, now in zip(before, away, strict=True) if was == "a")
    assert abs(moved["b"] / moved.total() - 0.5) < 0.01
    assert set(moved) == {"b", "c"}
    assert plan.assign(IDS, room(plan)).senders == before


def test_the_next_tier_takes_over_only_when_nobody_before_it_can():
    plan = parse_plan("a,b>c>d")
    ids = IDS[:1000]
    assert set(plan.assign(ids, room(plan, a=0)).senders) == {"b"}
    assert set(plan.assign(ids, room(plan, a=0, b=0)).senders) == {"c"}
    assert set(plan.assign(ids, room(plan, a=0, b=0, c=0)).senders) == {"d"}


def test_where_all_are_away_the_plan_stands():
    plan = parse_plan("a:3,b>c")
    away = dict.fromkeys("abc", 0.0)
    assert plan.assign(IDS[:1000], away) == plan.assign(IDS[:1000], room(plan))


def test_a_sender_that_is_tried_again_gets_as_many_as_it_has_room_for():
    plan = parse_plan("a>b")
    senders = plan.assign(IDS[:100], room(plan, a=1)).senders
    assert Counter(senders) == {"a": 1, "b": 99}


def test_the_spare_is_the_next_that_is_well():
    plan = parse_plan("a>b>c")
    assert plan.assign(IDS[:1], room(plan)) == Assigned(["a"], ["b"])
    assert plan.assign(IDS[:1], room(plan, b=0)) == Assigned(["a"], ["c"])
    assert plan.assign(IDS[:1], room(plan, b=0, c=0)) == Assigned(["a"], [None])


def test_one_alone_takes_all_and_nobody_is_asked():
    assert parse_plan("smtp").assign(IDS[:3], {}) == Assigned(("smtp",) * 3)
