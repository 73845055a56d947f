"""What is set for all greetings, and what for one type of them alone."""

import dataclasses
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from heyday.domain.day_cap import DayCap, WarmUp
from heyday.domain.domain_limits import DomainLimit
from heyday.domain.errors import ConfigurationError
from heyday.domain.message_types import MESSAGE_TYPES
from heyday.domain.policies import GapPolicy, OverlapPolicy, SkipPolicy, TimePolicies
from heyday.settings import Settings, load_settings
from heyday.settings.bursts import parse_limits
from heyday.settings.by_type import TypePolicies, load_own_policies, prefix_of

FIELDS = [field.name for field in dataclasses.fields(TimePolicies)]
# For each policy a value that is not the default, as it is written and as it is read.
VALUES = {
    "send_time": ("08:30:15", time(8, 30, 15)),
    "spread": ("90m", timedelta(minutes=90)),
    "leap_day": ("FORWARD", SkipPolicy.FORWARD),
    "missing_date": ("OMIT", SkipPolicy.OMIT),
    "gap": ("EDGE", GapPolicy.EDGE),
    "overlap": ("SECOND", OverlapPolicy.SECOND),
    "late_window": ("2h", timedelta(hours=2)),
    "late_join": ("false", False),
    "same_occasion": ("10d", timedelta(days=10)),
}


@pytest.fixture(autouse=True)
def _an_empty_folder_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [str(field.alias) for field in Settings.model_fields.values()]
    own = [f"{prefix_of(t.name)}{name.upper()}" for t in MESSAGE_TYPES for name in FIELDS]
    for name in (*names, *own):
        monkeypatch.delenv(name, raising=False)


def policies() -> tuple[TimePolicies, TimePolicies]:
    """Return those for birthdays and those for anniversaries."""
    settings = load_settings()
    return settings.policies("BIRTHDAY"), settings.policies("ANNIVERSARY")


def having(field: str, value: Any) -> TimePolicies:
    return dataclasses.replace(TimePolicies(), **{field: value})


def for_all(field: str) -> str:
    return str(Settings.model_fields[field].alias)


def test_every_policy_can_be_set_for_all_types_and_for_one():
    assert list(VALUES) == FIELDS
    assert {*FIELDS, "ambiguous"} == set(TypePolicies.model_fields)
    assert set(FIELDS) <= set(Settings.model_fields)


def test_without_settings_the_defaults_of_the_policies_are_in_force():
    assert policies() == (TimePolicies(), TimePolicies())


@pytest.mark.parametrize("field", FIELDS)
def test_what_is_set_for_all_holds_for_every_type(field: str, monkeypatch: pytest.MonkeyPatch):
    written, read = VALUES[field]
    monkeypatch.setenv(for_all(field), written)
    expected = having(field, read)
    assert expected != TimePolicies()
    assert policies() == (expected, expected)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("message_type", ["BIRTHDAY", "ANNIVERSARY"])
def test_what_is_set_for_one_type_holds_for_it_alone(
    message_type: str, field: str, monkeypatch: pytest.MonkeyPatch
):
    written, read = VALUES[field]
    monkeypatch.setenv(f"HEYDAY_{message_type}_{field.upper()}", written)
    own, plain = having(field, read), TimePolicies()
    assert policies() == ((own, plain) if message_type == "BIRTHDAY" else (plain, own))


@pytest.mark.parametrize(
    ("field", "for_everybody", "own", "read"),
    [
        ("send_time", "10:00", "07:15", time(7, 15)),
        ("leap_day", "OMIT", "BACKWARD", SkipPolicy.BACKWARD),
        # The default, set on purpose, is no less a choice; nor is "no".
        ("late_window", "2h", "24h", timedelta(hours=24)),
        ("late_join", "true", "false", False),
        ("spread", "2h", "0", timedelta()),
    ],
)
def test_the_choice_for_one_type_goes_before_that_for_all(
    field: str, for_everybody: str, own: str, read: object, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(for_all(field), for_everybody)
    monkeypatch.setenv(f"HEYDAY_ANNIVERSARY_{field.upper()}", own)
    birthday, anniversary = policies()
    assert getattr(anniversary, field) == read
    assert getattr(birthday, field) == getattr(load_settings(), field) != read


def test_the_file_env_can_set_one_type(monkeypatch: pytest.MonkeyPatch):
    Path(".env").write_text(
        "SEND_TIME=08:00\nHEYDAY_BIRTHDAY_SEND_TIME=07:30\nHEYDAY_ANNIVERSARY_LEAP_DAY=OMIT\n",
        "utf-8",
    )
    birthday, anniversary = policies()
    assert (birthday.send_time, anniversary.send_time) == (time(7, 30), time(8))
    assert (birthday.leap_day, anniversary.leap_day) == (SkipPolicy.BACKWARD, SkipPolicy.OMIT)
    # The environment goes before the file, as for every setting.
    monkeypatch.setenv("HEYDAY_BIRTHDAY_SEND_TIME", "06:00")
    assert policies()[0].send_time == time(6)


def test_only_what_is_set_for_a_type_is_its_own(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEYDAY_BIRTHDAY_GAP", "EDGE")
    monkeypatch.setenv("HEYDAY_GAP", "EDGE")
    assert load_own_policies("BIRTHDAY") == {"gap": GapPolicy.EDGE}
    assert load_own_policies("ANNIVERSARY") == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("HEYDAY_BIRTHDAY_SEND_TIME", "25:00", "a time of day, HH:MM or HH:MM:SS, such as 09:00"),
        ("HEYDAY_BIRTHDAY_SEND_TIME", "", "a time of day, HH:MM or HH:MM:SS, such as 09:00"),
        ("HEYDAY_ANNIVERSARY_LEAP_DAY", "never", "'BACKWARD', 'FORWARD' or 'OMIT'"),
        ("HEYDAY_ANNIVERSARY_MISSING_DATE", "omit", "'BACKWARD', 'FORWARD' or 'OMIT'"),
        ("HEYDAY_BIRTHDAY_GAP", "LATER", "'SHIFT' or 'EDGE'"),
        ("HEYDAY_BIRTHDAY_OVERLAP", "BOTH", "'FIRST' or 'SECOND'"),
        ("HEYDAY_BIRTHDAY_LATE_JOIN", "perhaps", "a valid boolean"),
        ("HEYDAY_ANNIVERSARY_LATE_WINDOW", "5", "a number and a unit"),
        ("HEYDAY_ANNIVERSARY_LATE_WINDOW", "0s", "more than nothing, and at most 366d"),
        ("HEYDAY_BIRTHDAY_SAME_OCCASION", "9999d", "more than nothing, and at most 366d"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert f"  {name}={value!r}: expected {expected}" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 2
    with pytest.raises(ConfigurationError, match=name):
        Settings().policies(name.split("_")[1])


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch):
    wrong = ("PORT", "HEYDAY_BIRTHDAY_GAP", "HEYDAY_BIRTHDAY_SEND_TIME", "HEYDAY_ANNIVERSARY_GAP")
    for name in wrong:
        monkeypatch.setenv(name, "abc")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    lines = str(refused.value).splitlines()[1:]
    assert sorted(line.split("=")[0].strip() for line in lines) == sorted(wrong)


def test_a_file_that_cannot_be_read_is_no_traceback():
    Path(".env").write_bytes(b"HEYDAY_BIRTHDAY_SEND_TIME=\xff\n")
    with pytest.raises(ConfigurationError, match=r"the file \.env cannot be read"):
        load_settings()


def test_proxies_are_networks_each_also_as_a_socket_for_ipv6_shows_it(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("HEYDAY_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32,")
    assert load_settings().trusted_networks == [
        *("10.0.0.0/8", "::ffff:10.0.0.0/104"),
        *("192.0.2.1/32", "::ffff:192.0.2.1/128"),
        "2001:db8::/32",
    ]
    monkeypatch.delenv("HEYDAY_TRUSTED_PROXIES")
    assert load_settings().trusted_networks == []


def test_origins_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().origins == []
    monkeypatch.setenv("HEYDAY_CORS_ORIGINS", "https://a.example.com, http://[::1]:8080")
    assert Settings().origins == ["https://a.example.com", "http://[::1]:8080"]


SECRET = "s" * 32


@pytest.mark.parametrize(
    ("written", "secrets"),
    [
        ("", ()),
        (SECRET, (SECRET.encode(),)),
        (f" {SECRET} , {'o' * 40},", (SECRET.encode(), b"o" * 40)),
        ("ß" * 16, ("ß".encode() * 16,)),
    ],
)
def test_secrets_are_listed_newest_first(
    monkeypatch: pytest.MonkeyPatch, written: str, secrets: tuple[bytes, ...]
):
    monkeypatch.setenv("HEYDAY_SECRET", written)
    assert load_settings().secrets == secrets


@pytest.mark.parametrize("written", ["guessable", f"{SECRET},short", "s" * 31])
def test_a_short_secret_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, written: str):
    monkeypatch.setenv("HEYDAY_SECRET", written)
    with pytest.raises(ConfigurationError, match="HEYDAY_SECRET: expected 32 bytes") as refused:
        load_settings()
    assert written not in str(refused.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", None),
        ("https://hey.example.com", "https://hey.example.com"),
        ("https://example.com/hey/", "https://example.com/hey"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_links_begin_with_an_address_without_a_slash_at_its_end(
    monkeypatch: pytest.MonkeyPatch, written: str, read: str | None
):
    monkeypatch.setenv("HEYDAY_PUBLIC_URL", written)
    assert load_settings().public_url == read


@pytest.mark.parametrize("written", ["hey.example.com", "ftp://x", "https://x/?a=b", "https://a b"])
def test_what_no_link_can_begin_with_is_refused(monkeypatch: pytest.MonkeyPatch, written: str):
    monkeypatch.setenv("HEYDAY_PUBLIC_URL", written)
    with pytest.raises(ConfigurationError, match="expected https://host"):
        load_settings()


@pytest.mark.parametrize(("late", "days"), [("24h", 8), ("25h", 9), ("1h", 8), ("30d", 37)])
def test_no_text_is_emptied_while_it_may_still_be_sent(
    monkeypatch: pytest.MonkeyPatch, late: str, days: int
):
    monkeypatch.setenv("HEYDAY_ANNIVERSARY_LATE_WINDOW", late)
    monkeypatch.setenv("HEYDAY_LATE_WINDOW", "1h")
    monkeypatch.setenv("HEYDAY_SCRUB_TEXTS_AFTER", str(days - 1))
    with pytest.raises(ConfigurationError, match=f"at least {days} days"):
        load_settings()
    for enough in (days, 0):
        monkeypatch.setenv("HEYDAY_SCRUB_TEXTS_AFTER", str(enough))
        assert load_settings().scrub_texts_after == enough


@pytest.mark.parametrize(
    ("written", "read"),
    [("0", 0), ("0s", 0), ("0h", 0), ("1s", 1), ("30m", 1800), ("1.5h", 5400), ("4h", 14400)],
)
def test_a_spread_is_of_up_to_four_hours_or_none(
    monkeypatch: pytest.MonkeyPatch, written: str, read: int
):
    monkeypatch.setenv("HEYDAY_SPREAD", written)
    assert load_settings().policies("BIRTHDAY").spread == timedelta(seconds=read)


@pytest.mark.parametrize("written", ["4.01h", "241m", "1.5s", "500ms", "2", "-1h", "1d"])
def test_another_spread_is_refused(monkeypatch: pytest.MonkeyPatch, written: str):
    monkeypatch.setenv("HEYDAY_SPREAD", written)
    with pytest.raises(ConfigurationError, match="HEYDAY_SPREAD"):
        load_settings()


def test_no_spread_runs_past_midnight(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEYDAY_SPREAD", "3h")
    monkeypatch.setenv("HEYDAY_BIRTHDAY_SEND_TIME", "21:00:01")
    with pytest.raises(ConfigurationError, match=r"past midnight for BIRTHDAY.*at most 10799s"):
        load_settings()
    monkeypatch.setenv("HEYDAY_BIRTHDAY_SEND_TIME", "21:00")
    assert load_settings().policies("BIRTHDAY").spread == timedelta(hours=3)


def test_a_wait_for_rabbitmq_may_have_no_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEYDAY_WITHOUT_BROKER_AFTER", "0s")
    assert load_settings().without_broker_after is None
    monkeypatch.setenv("HEYDAY_WITHOUT_BROKER_AFTER", "5s")
    assert load_settings().without_broker_after == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("in_queue", "in_call", "ids"),
    [("500", "0", 500), ("500", "1000", 1000), ("2000", "100", 2000)],
)
def test_a_batch_of_the_queue_fills_a_call(
    monkeypatch: pytest.MonkeyPatch, in_queue: str, in_call: str, ids: int
):
    monkeypatch.setenv("HEYDAY_BATCH_SIZE", in_queue)
    monkeypatch.setenv("HEYDAY_PROVIDER_BATCH", in_call)
    assert load_settings().ids_in_batch == ids


# --- Bursts ----------------------------------------------------------------------------------


def test_without_settings_nothing_is_capped_or_limited():
    settings = load_settings()
    assert settings.day_cap is None
    assert parse_limits(settings.domain_limits) == []


def test_a_cap_and_a_warm_up_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEYDAY_WARM_UP", "2027-01-01: 500, x2 a day")
    assert load_settings().day_cap == DayCap(None, WarmUp(date(2027, 1, 1), 500, times=2))
    monkeypatch.setenv("HEYDAY_DAILY_CAP", "50000")
    monkeypatch.setenv("HEYDAY_WARM_UP", "2027-01-01:500,+250")
    assert load_settings().day_cap == DayCap(50_000, WarmUp(date(2027, 1, 1), 500, plus=250))
    monkeypatch.setenv("HEYDAY_WARM_UP", "")
    assert load_settings().day_cap == DayCap(50_000)


def test_limits_of_domains_are_read_as_dns_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEYDAY_DOMAIN_LIMITS", "Gmail.com=20/s, bücher.de+web.de = 0.5/s")
    assert parse_limits(load_settings().domain_limits) == [
        DomainLimit(("gmail.com",), 20),
        DomainLimit(("xn--bcher-kva.de", "web.de"), 0.5),
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("HEYDAY_WARM_UP", "500, x2", "expected the first day"),
        ("HEYDAY_WARM_UP", "2027-02-30: 500, x2", "expected the first day"),
        ("HEYDAY_WARM_UP", "2027-01-01: 0, x2", "expected the first day"),
        ("HEYDAY_WARM_UP", "2027-01-01: 500, x0.5", "expected the first day"),
        ("HEYDAY_DOMAIN_LIMITS", "gmail.com", "expected domains and greetings a second"),
        ("HEYDAY_DOMAIN_LIMITS", "gmail.com=0/s", "expected domains and greetings a second"),
        ("HEYDAY_DOMAIN_LIMITS", "not a domain=5/s", "expected domains and greetings a second"),
        ("HEYDAY_DOMAIN_LIMITS", "@=5/s", "expected domains and greetings a second"),
        ("HEYDAY_DOMAIN_LIMITS", "a.com=5/s, b.com+A.com=1/s", "twice"),
        ("HEYDAY_DAILY_CAP", "-1", "HEYDAY_DAILY_CAP"),
    ],
)
def test_what_bounds_nothing_that_makes_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message) as refused:
        load_settings()
    assert name in str(refused.value)


def test_a_warm_up_that_begins_above_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEYDAY_DAILY_CAP", "100")
    monkeypatch.setenv("HEYDAY_WARM_UP", "2027-01-01: 500, x2")
    with pytest.raises(ConfigurationError, match=r"more than HEYDAY_DAILY_CAP=100"):
        load_settings()
