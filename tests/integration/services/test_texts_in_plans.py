"""Which words a greeting has: by locale, years, day and name, composed where it is planned."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heyday.db import plan_texts
from heyday.domain.dates import YEAR_UNKNOWN
from heyday.domain.delivery import Outcome, OutcomeKind
from heyday.domain.message_types import MESSAGE_TYPES, get_message_type
from heyday.domain.models import PlanRules
from heyday.domain.seed_texts import SeedShelf
from heyday.domain.text_choice import TextNeeds, choose, usual_years
from heyday.domain.text_ports import YEARS_UNKNOWN, Person
from heyday.domain.timezone import Window
from tests.books import BOOK, PERSONAL, BookOf, Language
from tests.factories import Pipeline, PipelineConfig, open_pipeline, person
from tests.fakes import FakeClock, RecordingSender

EVE = datetime(2027, 1, 14, 20, tzinfo=UTC)
NINE = datetime(2027, 1, 15, 9, tzinfo=UTC)
SECONDS = timedelta(seconds=1)
UNCLEAR = Outcome(OutcomeKind.AMBIGUOUS, error="timeout")
TEXT = "message_subject", "message_content", "message_html", "language"


@pytest.fixture
def book() -> BookOf:
    return BookOf(BOOK)


@pytest.fixture
async def spoken(
    database_url: str, clock: FakeClock, sender: RecordingSender, book: BookOf
) -> AsyncIterator[Pipeline]:
    """A pipeline whose planner has the book, on the eve of 15 January."""
    clock.set(EVE)
    config = PipelineConfig(shelf=SeedShelf(book))
    async with open_pipeline(database_url, clock=clock, sender=sender, config=config) as pipeline:
        yield pipeline


async def born(pipeline: Pipeline, locale: str | None, **fields: object) -> UUID:
    """Store somebody by SQL whose birthday is tomorrow."""
    return await pipeline.insert(**{"birthday_date": "1990-01-15", "locale": locale, **fields})


async def words(pipeline: Pipeline, user_id: UUID) -> tuple[Any, ...]:
    row = await pipeline.message(user_id)
    return tuple(row[column] for column in TEXT)


def expected(book: BookOf, row: asyncpg.Record) -> tuple[Any, ...]:
    """What the book itself would compose for a row that has its person's columns as well."""
    kind = get_message_type(row["message_type"])
    occasion = row[kind.date_column]
    years = YEARS_UNKNOWN
    if occasion.year != YEAR_UNKNOWN:
        years = row["delivery_date"].year - occasion.year
    language = book.language_for(row["locale"])
    who = Person(row["first_name"], row["last_name"], years)
    text = book.compose(kind.name, language, row["delivery_date"], who)
    return text.subject, text.text, text.html, language


WITH_PEOPLE = """
SELECT m.message_type, m.delivery_date, m.message_subject, m.message_content, m.message_html,
       m.language, u.first_name, u.last_name, u.locale, u.birthday_date, u.anniversary_date
FROM message_logs m JOIN users u ON u.id = m.user_id
"""


async def compare(pipeline: Pipeline, book: BookOf, greetings: int) -> None:
    """Every row says what the book would."""
    rows = await pipeline.rows(WITH_PEOPLE)
    assert len(rows) == greetings
    assert [tuple(row[c] for c in TEXT) for row in rows] == [expected(book, row) for row in rows]


async def test_everybody_is_greeted_in_their_language(spoken: Pipeline) -> None:
    names = {"first_name": "<Ada> & %1$s", "last_name": "O'Neil"}
    people = {locale: await born(spoken, locale, **names) for locale in (None, "de-AT", "ja", "xx")}
    assert (await spoken.daily.run_once())["planned"] == 4
    assert await words(spoken, people[None]) == (
        "For <Ada> & %1$s", "Hey, <Ada> & %1$s O'Neil", None, "en",
    )  # fmt: skip
    assert await words(spoken, people["xx"]) == await words(spoken, people[None])
    assert await words(spoken, people["de-AT"]) == (
        "37!",
        "<Ada> & %1$s O'Neil: 37 J. 100 % %s",
        "<b>&lt;Ada&gt; &amp; %1$s</b> 37 %%",
        "de",
    )
    assert await words(spoken, people["ja"]) == (
        "2027-01-15",
        "O'Neil <Ada> & %1$s",
        "<i title='&lt;Ada&gt; &amp; %1$s'>O&#39;Neil</i> 37 2027-01-15",
        "ja",
    )


YEARS = ["1990-01-15", "2027-01-15", "1900-01-15", "1899-01-15", "1700-01-15", "1604-01-15"]
YEARS += ["1603-01-15", "0001-01-15", "1066-01-15"]


@pytest.mark.parametrize("by_id", [False, True], ids=["for everybody", "for some"])
@pytest.mark.parametrize("locale", ["de", "ja", "fr"])
async def test_any_number_of_years_is_counted(
    spoken: Pipeline, book: BookOf, locale: str, *, by_id: bool
) -> None:
    ids = [await born(spoken, locale, birthday_date=on) for on in YEARS]
    if by_id:
        now = spoken.clock.now()
        await spoken.planner.prepare(spoken.database, now)
        zones = ["Europe/London"]
        await spoken.database.in_transaction(
            lambda session: spoken.planner.plan_new(session, ids, zones, now)
        )
    else:
        await spoken.daily.run_once()
    await compare(spoken, book, len(YEARS))
    assert "-1" in " ".join([row["message_html"] + row["message_content"]
                             for row in await spoken.messages()])  # fmt: skip


# Everything that means something to format(), to HTML or to a template, and other letters.
HOSTILE = st.text(
    st.sampled_from("%1$s&<>'\"{}\\n#;aé字\u202e\ufeff\ufdd0🎂 "), min_size=1, max_size=12
)
NAMES = HOSTILE | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30
)
PERSON = st.fixed_dictionaries(
    {
        "first_name": NAMES,
        "last_name": NAMES,
        "locale": st.sampled_from([None, "en", "de", "de-CH", "ja", "fr-CA", "xx"]),
        "birthday_date": st.integers(1, 2027).map(lambda year: f"{year:04}-01-15"),
        "anniversary_date": st.integers(1900, 2026).map(lambda year: f"{year}-01-15"),
    }
)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all examples of a test."""
    with asyncio.Runner() as runner:
        yield runner


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(people=st.lists(PERSON, min_size=1, max_size=6))
def test_postgres_composes_what_the_book_does(
    database_url: str, runner: asyncio.Runner, people: list[dict[str, str]]
) -> None:
    async def check() -> None:
        book = BookOf(BOOK)
        config, clock = PipelineConfig(shelf=SeedShelf(book)), FakeClock(EVE)
        opened = open_pipeline(database_url, clock=clock, sender=RecordingSender(), config=config)
        async with opened as pipeline:
            await pipeline.execute("DELETE FROM users; DELETE FROM idempotency_keys")
            for each in people:
                row = {**person(), "eligible_since": EVE, **each}
                places = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                values = [date.fromisoformat(str(v)) if k.endswith("_date") else v
                          for k, v in row.items()]  # fmt: skip
                await pipeline.execute(
                    f"INSERT INTO users ({', '.join(row)}) VALUES ({places})",  # noqa: S608
                    *values,
                )
            await pipeline.daily.run_once()
            await compare(pipeline, book, 2 * len(people))

    runner.run(check())


# --- Texts that ask something about names -----------------------------------------------------


async def test_personal_texts_are_composed_in_portions_for_each_person(
    spoken: Pipeline, book: BookOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_texts, "_PORTION", 2)
    for number in range(5):
        await born(spoken, "fr", first_name=f"Zoé{number}")
    await born(spoken, "de")
    assert (await spoken.daily.run_once())["planned"] == 6
    assert len(book.composed) == 5
    await compare(spoken, book, 6)


async def test_what_is_planned_is_not_composed_again(spoken: Pipeline, book: BookOf) -> None:
    await born(spoken, "fr")
    await spoken.daily.run_once()
    book.composed.clear()
    assert (await spoken.daily.run_once())["planned"] == 0
    assert (await spoken.recovery.run_once())["planned"] == 0
    assert book.composed == []


async def test_whom_no_text_was_composed_for_waits(
    spoken: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody came after those whom texts are composed for were listed."""
    await born(spoken, "fr")
    compose, still_to_come = plan_texts.compose, ["fr"]

    async def compose_then_store(*parts: Any) -> None:
        await compose(*parts)
        # Anniversaries are planned at the same time.
        if "BIRTHDAY" in parts[-1] and still_to_come:
            await born(spoken, still_to_come.pop())

    monkeypatch.setattr(plan_texts, "compose", compose_then_store)
    assert (await spoken.daily.run_once())["planned"] == 1
    assert (await spoken.daily.run_once())["planned"] == 1


async def test_nothing_is_left_of_composed_texts(spoken: Pipeline) -> None:
    await born(spoken, "fr")
    await spoken.daily.run_once()
    left = "SELECT count(*) FROM pg_class WHERE relname = 'composed_texts'"
    assert await spoken.value(left) == 0


# --- Texts that fail --------------------------------------------------------------------------


@pytest.mark.parametrize("is_personal", [False, True])
async def test_whose_text_fails_is_greeted_in_english(
    spoken: Pipeline, book: BookOf, *, is_personal: bool
) -> None:
    broken = Language("x", "x", is_personal=is_personal, is_broken=True)
    book.languages = {**BOOK, "de": broken}
    german, other = await born(spoken, "de"), await born(spoken, "ja")
    assert (await spoken.daily.run_once())["planned"] == 2
    english = ("For Ada", "Hey, Ada Lovelace", None, "en")
    if is_personal:
        english = ("", "Hey, Ada Lovelace it's your birthday", None, "en")
    assert await words(spoken, german) == english
    assert (await words(spoken, other))[-1] == "ja"


# --- Changes ----------------------------------------------------------------------------------

CHANGES = [
    ("de", {"locale": "ja"}),
    ("de", {"locale": None}),
    ("de", {"locale": "fr"}),
    ("fr", {"locale": "de"}),
    ("fr", {"first_name": "Zoé"}),
    ("ja", {"last_name": "<b>"}),
]


@pytest.mark.parametrize(("locale", "change"), CHANGES)
@pytest.mark.parametrize("by_bulk", [False, True], ids=["by patch", "by bulk"])
async def test_an_edit_before_the_claim_composes_anew(
    spoken: Pipeline, book: BookOf, locale: str, change: dict[str, object], *, by_bulk: bool
) -> None:
    fields = person(birthday_date="1990-01-15", locale=locale)
    user = await spoken.users.create(fields)
    before = await words(spoken, user.id)
    if by_bulk:
        await spoken.bulk.upsert({"people": [{**fields, **change}]})
    else:
        await spoken.users.patch(user.id, change)
    assert await words(spoken, user.id) != before
    await compare(spoken, book, 1)


async def test_an_edit_that_changes_no_words_leaves_the_row_alone(spoken: Pipeline) -> None:
    user = await spoken.users.create(person(birthday_date="1990-01-15", locale="de"))
    before = await spoken.message(user.id)
    await spoken.users.patch(user.id, {"locale": "de-AT", "location_city": "Wien"})
    assert await spoken.message(user.id) == before


async def test_an_edit_that_changes_the_language_alone_is_seen(
    spoken: Pipeline, book: BookOf
) -> None:
    book.languages = {**BOOK, "de": BOOK["en"]}
    user = await spoken.users.create(person(birthday_date="1990-01-15", locale="de"))
    await spoken.users.patch(user.id, {"locale": "en"})
    assert (await words(spoken, user.id))[-1] == "en"


async def test_what_may_have_been_sent_keeps_all_of_its_words(
    spoken: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await spoken.users.create(person(birthday_date="1990-01-15", locale="de"))
    sender.script(f"{user.id}:BIRTHDAY:2027-01-15", UNCLEAR)
    clock.set(NINE)
    await spoken.send_due()
    before = await words(spoken, user.id)
    await spoken.users.patch(user.id, {"locale": "ja", "first_name": "Grace"})
    clock.advance(60 * SECONDS)
    await spoken.send_due()
    assert await words(spoken, user.id) == before
    first, second = sender.sent
    assert (first.subject, first.text, first.html, first.language) == before
    assert (second.subject, second.text, second.html, second.language) == before


async def test_a_locale_that_sql_changed_counts_for_later_greetings_as_names_do(
    spoken: Pipeline, clock: FakeClock, sender: RecordingSender
) -> None:
    user = await spoken.users.create(person(birthday_date="1990-01-15", locale="de"))
    before = await words(spoken, user.id)
    await spoken.execute("UPDATE users SET locale = 'ja', first_name = 'Grace'")
    await spoken.recovery.run_once()
    clock.set(NINE)
    await spoken.send_due()
    assert await words(spoken, user.id) == before
    assert [message.language for message in sender.sent] == ["de"]
    clock.set(NINE.replace(year=2028) - 24 * 3600 * SECONDS)
    await spoken.daily.run_once()
    assert [row["language"] for row in await spoken.messages(user.id)] == ["de", "ja"]


async def test_who_speaks_what_nobody_spoke_when_texts_were_chosen_is_planned_next(
    spoken: Pipeline, book: BookOf
) -> None:
    """A row that came between the choice and the statement is lost to neither."""
    user_id = await born(spoken, "ja")
    zone_days = list(
        spoken.timezones.zone_days(["Europe/London"], Window(EVE, NINE + SECONDS), EVE)
    )
    rules = PlanRules(EVE, EVE, late_join=True, tzdb_version="test")
    (birthday, *_) = MESSAGE_TYPES
    needs = TextNeeds(frozenset({None, "de"}), {birthday.name: usual_years(2027)})
    choice = choose(book, birthday, needs, [day.delivery_on for day in zone_days], print)
    async with spoken.database.session() as session:
        await session.plans.ensure_partitions(Window(EVE, NINE))
    planned = await spoken.database.in_transaction(
        lambda session: session.plans.plan(birthday, zone_days, rules, choice)
    )
    assert planned == 0
    assert await spoken.value("SELECT count(*) FROM idempotency_keys") == 0
    assert (await spoken.daily.run_once())["planned"] == 1
    assert (await words(spoken, user_id))[-1] == "ja"


# --- Texts that a company writes --------------------------------------------------------------


async def test_a_new_text_is_in_the_next_plan_and_leaves_rows_as_they_are(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    frozen = await born(pipeline, "de")
    await pipeline.daily.run_once()
    source = {"subject": "Alles Gute", "text": "Alles Gute, {first_name}!", "html": "<p>x</p>"}
    await pipeline.texts.put("birthday", "DE", source)
    assert (await words(pipeline, frozen))[-1] == "en"
    later = await born(pipeline, "de-AT")
    await pipeline.daily.run_once()
    assert (await words(pipeline, frozen))[-1] == "en"
    assert await words(pipeline, later) == ("Alles Gute", "Alles Gute, Ada!", "<p>x</p>", "de")
    await pipeline.texts.delete("BIRTHDAY", "de")
    last = await born(pipeline, "de")
    await pipeline.daily.run_once()
    assert (await words(pipeline, last))[-1] == "en"


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO message_texts VALUES ('BIRTHDAY', 'fr', 'x', 'x')",
        "UPDATE message_texts SET subject = 'Viel Freude'",
        "DELETE FROM message_texts",
    ],
)
async def test_a_text_that_sql_changed_is_in_the_next_plan(
    pipeline: Pipeline, clock: FakeClock, change: str
) -> None:
    clock.set(EVE)
    await pipeline.texts.put("BIRTHDAY", "de", {"subject": "Alles Gute", "text": "Hallo"})
    await pipeline.daily.run_once()
    before = [await born(pipeline, locale) for locale in ("de", "fr")]
    await pipeline.daily.run_once()
    old = [await words(pipeline, each) for each in before]
    await pipeline.execute(change)
    after = [await born(pipeline, locale) for locale in ("de", "fr")]
    await pipeline.daily.run_once()
    assert [await words(pipeline, each) for each in after] != old


async def test_a_text_of_sql_that_no_plan_can_use_is_left_out(
    pipeline: Pipeline, clock: FakeClock
) -> None:
    clock.set(EVE)
    unusable = "INSERT INTO message_texts VALUES ('BIRTHDAY', $1, 'x', '{nickname}')"
    await pipeline.execute(unusable, "de")
    await pipeline.texts.put("BIRTHDAY", "fr", {"subject": "Bravo", "text": "Salut"})
    german, french = await born(pipeline, "de"), await born(pipeline, "fr")
    assert (await pipeline.daily.run_once())["planned"] == 2
    assert (await words(pipeline, german))[-1] == "en"
    assert await words(pipeline, french) == ("Bravo", "Salut", None, "fr")


async def test_an_edit_in_another_process_follows_within_seconds(
    pipeline: Pipeline, clock: FakeClock, database_url: str, sender: RecordingSender
) -> None:
    clock.set(EVE)
    await pipeline.create(birthday_date="1990-01-15", locale="de")
    async with open_pipeline(database_url, clock=clock, sender=sender) as other:
        await other.texts.put("BIRTHDAY", "de", {"subject": "Alles Gute", "text": "Hallo"})
    clock.advance(5 * SECONDS)
    user = await pipeline.create(birthday_date="1990-01-15", locale="de")
    assert (await words(pipeline, user.id))[-1] == "de"


def test_the_book_has_texts_of_every_kind() -> None:
    kinds = {(text.is_personal, "{years}" in text.all_parts, "{on}" in text.all_parts)
             for text in BOOK.values()}  # fmt: skip
    assert len(kinds) == len(BOOK)
    assert PERSONAL.is_personal
