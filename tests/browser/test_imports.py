"""People are imported by the page: dropped or chosen, mapped, started by keyboard, followed."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from heyday.domain.access import Scope
from heyday.domain.imports import ImportState
from tests.browser.conftest import OpenPage
from tests.browser.looking import MAX_BYTES, axe, evaluate, screenshot, tab_to
from tests.browser.watching import Watch
from tests.factories import Pipeline

GERMAN = (
    "Vorname;Nachname;E-Mail;Zeitzone;Geburtstag;Schuhgröße\n"
    "Jürgen;Groß;juergen@example.com;Europe/Berlin;03/04/1990;44\n"
    "さくら;佐藤;sakura@example.com;Asia/Tokyo;05/01/1991;38\n"
    "ليلى;الحسن;layla@example.com;Africa/Cairo;07/08/1988;37\n"
    "Zoë 🎉;van den Wijngaard-Oosterhuis;zoe@example.com;Europe/Amsterdam;;39\n"
    "Bad;Row;nobody;Europe/Berlin;01/02/1990;40\n"
    "Adam;Smith;adam@example.com;Mars/Olympus;99/99/1990;41\n"
)
_DROP = """
(() => {
  const data = new DataTransfer();
  data.items.add(new File([%s], "people.csv", {type: "text/csv"}));
  for (const kind of ["dragover", "drop"])
    document.getElementById("drop").dispatchEvent(
      new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
})()
"""


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A file as a company has it."""
    path = tmp_path / "Mitarbeiterinnen und Mitarbeiter.csv"
    path.write_text(GERMAN, "utf-8")
    return path


async def choose(page: Page, path: Path) -> None:
    """Choose a file, and come to how it is read."""
    await page.goto("/people/import")
    await page.get_by_label("A CSV file").set_input_files(path)
    await page.get_by_role("button", name="Look at the file").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(path.name)
    # Scripts come last; what is chosen before that is sent with the form.
    await page.wait_for_load_state()


async def test_a_file_is_looked_at_started_and_followed(
    page: Page, pipeline: Pipeline, people: Path
) -> None:
    await choose(page, people)
    await expect(page.get_by_text("may be read in two ways")).to_be_visible()
    await axe(page)
    await screenshot(page, "import-preview")
    # Pictures leave empty style attributes behind, which htmx would carry over.
    await page.reload()
    await page.get_by_label("Dates are written").select_option("month_first")
    await expect(page.get_by_role("cell", name="4 Mar 1990")).to_be_visible()
    assert await pipeline.value("SELECT count(*) FROM users") == 0
    await page.get_by_role("button", name="Start the import").click()
    await expect(page.get_by_text("It begins in a moment")).to_be_visible()
    await axe(page)
    await screenshot(page, "import-waiting")
    await pipeline.import_runner.run_once()
    await expect(page.get_by_text("All 6 rows are done")).to_be_visible()
    await expect(page.get_by_role("cell", name="is not an email address")).to_be_visible()
    await axe(page)
    await screenshot(page, "import-done")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download all of them").click()
    report = Path(await (await download.value).path()).read_text("utf-8")
    assert (
        report.splitlines()[0]
        == "Vorname;Nachname;E-Mail;Zeitzone;Geburtstag;Schuhgröße;line;reason"
    )
    assert report.splitlines()[1].startswith("Bad;Row;nobody;")
    born = "SELECT birthday_date::text FROM users WHERE email = 'juergen@example.com'"
    assert await pipeline.value(born) == "1990-03-04"


async def test_a_file_is_started_by_keyboard_alone(
    page: Page, pipeline: Pipeline, people: Path
) -> None:
    await choose(page, people)
    await tab_to(page, "Dates are written")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("cell", name="4 Mar 1990")).to_be_visible()
    # The page came anew around the selection, which kept the focus.
    await expect(page.get_by_label("Dates are written")).to_be_focused()
    await tab_to(page, "Start the import")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("It begins in a moment")).to_be_visible()
    assert await pipeline.import_runner.run_once()
    assert await pipeline.value("SELECT count(*) FROM users") == 4


async def test_a_file_may_be_dropped(page: Page, pipeline: Pipeline) -> None:
    await page.goto("/people/import")
    await expect(page.get_by_text("Drop it here")).to_be_visible()
    await axe(page)
    await screenshot(page, "import-empty")
    await evaluate(page, _DROP % repr(GERMAN.encode("ascii", "ignore").decode()))
    await expect(page.get_by_role("heading", level=1)).to_have_text("people.csv")
    (job,) = await pipeline.imports.list_page(None, 10)
    assert job.state is ImportState.UPLOADED


async def test_what_is_no_csv_file_is_refused_on_the_page(
    page: Page, watch: Watch, tmp_path: Path
) -> None:
    watch.allowed.add(422)
    path = tmp_path / "people.xlsx.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(200_000))
    await page.goto("/people/import")
    await page.get_by_label("A CSV file").set_input_files(path)
    await page.get_by_role("button", name="Look at the file").click()
    problem = page.get_by_role("alert")
    await expect(problem).to_contain_text("is an Excel workbook")
    await expect(problem).to_be_focused()
    await axe(page)
    await screenshot(page, "import-refused")


async def test_a_file_over_the_limit_is_not_even_sent(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(b"x" * ((1 << 20) + 1))
    await page.goto("/people/import")
    await page.get_by_label("A CSV file").set_input_files(path)
    await page.get_by_role("button", name="Look at the file").click()
    await expect(page.get_by_role("alert")).to_contain_text("too long")


async def test_without_scripts_forms_do_it(
    open_page: OpenPage, pipeline: Pipeline, people: Path
) -> None:
    page = await open_page(javascript=False)
    await choose(page, people)
    await page.get_by_label("Dates are written").select_option("month_first")
    await page.get_by_role("button", name="Look at it again").click()
    await expect(page.get_by_role("cell", name="4 Mar 1990")).to_be_visible()
    await page.get_by_role("button", name="Start the import").click()
    await pipeline.import_runner.run_once()
    await page.get_by_role("link", name="See how it goes now").click()
    await expect(page.get_by_text("All 6 rows are done")).to_be_visible()


async def test_what_is_missing_is_said_where_it_is_missing(
    page: Page, watch: Watch, people: Path
) -> None:
    watch.allowed.add(422)
    await choose(page, people)
    await page.get_by_label("Email address").select_option("")
    await expect(page.get_by_text("Nobody can be imported like this yet")).to_be_visible()
    await page.get_by_role("button", name="Start the import").click()
    await expect(page.get_by_role("alert")).to_contain_text("The import was not started")
    await axe(page)
    await screenshot(page, "import-not-started")
    await page.get_by_role("alert").get_by_role("link", name="Email address").click()
    await expect(page.get_by_label("Email address")).to_be_in_viewport()


async def test_a_file_is_thrown_away_after_a_question(
    page: Page, pipeline: Pipeline, people: Path
) -> None:
    await choose(page, people)
    await page.get_by_role("button", name="Throw the file away").click()
    await axe(page)
    await page.get_by_role("button", name="Keep it").click()
    assert await pipeline.imports.list_page(None, 1)
    await page.get_by_role("button", name="Throw the file away").click()
    await page.get_by_role("button", name="Throw it away").click()
    await expect(page.get_by_text("The import was deleted")).to_be_visible()
    assert not await pipeline.imports.list_page(None, 1)


async def test_the_list_of_imports(
    page: Page, open_page: OpenPage, pipeline: Pipeline, people: Path
) -> None:
    await choose(page, people)
    await page.get_by_role("button", name="Start the import").click()
    await expect(page.get_by_text("It begins in a moment")).to_be_visible()
    await pipeline.import_runner.run_once()
    await choose(page, people)
    await page.goto("/people/import")
    await axe(page)
    await screenshot(page, "imports")
    reader = await open_page(Scope.USERS_READ)
    await reader.goto("/people/import")
    await expect(reader.get_by_text("users:write")).to_be_visible()
    await expect(reader.get_by_label("A CSV file")).to_have_count(0)
    await axe(reader)


async def test_a_preview_is_light_enough(page: Page, watch: Watch, people: Path) -> None:
    await choose(page, people)
    assert await watch.weight(page) <= MAX_BYTES
