"""A folder of a company's own texts: what is read, and how faults are told."""

from pathlib import Path

import pytest

from heyday.domain.errors import ConfigurationError
from heyday.domain.text_ports import TextSource
from heyday.texts.folder import load_folder


def write(folder: Path, **texts: str | bytes) -> Path:
    """Write files; in their names _ stands for a dot."""
    for name, text in texts.items():
        data = text if isinstance(text, bytes) else text.encode()
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        load_folder(folder)
    first, *lines = str(raised.value).splitlines()
    assert first == f"the texts in HEYDAY_TEXTS={folder} are wrong:"
    return [line.strip() for line in lines]


def test_files_make_texts(tmp_path: Path):
    write(tmp_path, birthday_de_txt="\ufeffHallo\r\n", birthday_de_subject_txt="S\n")
    write(tmp_path, birthday_de_html="<p>Hallo</p>")
    (tmp_path / "anniversary.PT_br.txt").write_text("Oi", "utf-8")
    assert load_folder(tmp_path) == {
        ("BIRTHDAY", "de"): TextSource("S\n", "Hallo\r\n", "<p>Hallo</p>"),
        ("ANNIVERSARY", "pt-BR"): TextSource(None, "Oi", None),
    }


def test_what_editors_and_people_leave_is_no_text(tmp_path: Path):
    (tmp_path / "birthday.de.txt~").touch()
    (tmp_path / ".birthday.de.txt.swp").touch()
    (tmp_path / "README.md").touch()
    assert load_folder(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("birthday.de.txt", "a\n\n{{ vorname }}", "birthday.de.txt: line 3: found vorname, which"),
        ("birthdy.de.txt", "a", "birthdy.de.txt: birthdy is no message type; known: birthday, a"),
        ("birthday.txt", "a", "birthday.txt: is named like no text; expected such as birthday.de"),
        ("birthday.german.txt", "a", "birthday.german.txt: german is no known language; expected"),
        ("birthday.de.txt", b"a\n\xff", "birthday.de.txt: line 2: is not UTF-8; save it as UTF-8"),
        ("birthday.de.txt", b"x" * 65537, "birthday.de.txt: has 65537 bytes; at most 65536 are"),
        ("birthday.fi.txt", "a", "birthday.fi.txt: is needed, for Heyday has none in fi"),
        ("birthday.de.html", "a", "birthday.de.html: birthday.de.txt is missing, which says it"),
    ],
)
def test_a_fault_names_its_file(tmp_path: Path, name: str, text: str | bytes, said: str):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (told,) = faults(tmp_path)
    assert told.startswith(said)


def test_each_part_is_told_by_its_own_file(tmp_path: Path):
    write(tmp_path, birthday_de_txt="{{ a }}", birthday_de_subject_txt="S\nT", birthday_en_txt="x")
    write(tmp_path, birthday_de_html="\n<p {{ first_name }}>", anniversary_de_txt="{{ b }}")
    assert [line.partition(": found")[0] for line in faults(tmp_path)] == [
        "anniversary.de.txt: line 1",
        "birthday.de.subject.txt: line 2",
        "birthday.de.txt: line 1",
        "birthday.de.html: line 2",
    ]


def test_two_names_for_one_text_are_a_fault(tmp_path: Path):
    (tmp_path / "birthday.pt-BR.txt").write_text("a", "utf-8")
    (tmp_path / "birthday.pt_br.txt").write_text("b", "utf-8")
    assert faults(tmp_path) == ["birthday.pt_br.txt: birthday.pt-BR.txt is the same text"]


def test_a_folder_that_is_none_is_a_fault(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="is no folder"):
        load_folder(tmp_path / "nowhere")


def test_a_folder_with_the_name_of_a_text_is_a_fault(tmp_path: Path):
    (tmp_path / "birthday.de.txt").mkdir()
    assert faults(tmp_path) == ["birthday.de.txt: Is a directory"]
