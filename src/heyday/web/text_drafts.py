"""Read what somebody typed of a text, and say what is wrong with it, at its line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from heyday.domain.errors import FieldProblem
from heyday.domain.own_texts import HTML_LENGTH, SUBJECT_LENGTH, TEXT_LENGTH
from heyday.services.texts import ShownText
from heyday.texts.ready import dress

MOST_BYTES: Final = (SUBJECT_LENGTH + TEXT_LENGTH + HTML_LENGTH) * 12 + 64 * 1024
"""What a form may hold: each character is up to four bytes, and each byte is written as %XX."""

_AT_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)
# What a text may name stands beside it on the page.
_KNOWN = re.compile(r" \(known: .*\)$", re.DOTALL)
_MOST_SHOWN = 120


class Dress(StrEnum):
    """Say where the HTML of a letter comes from."""

    SAME = "same"
    """The words of the text, in the dress of the letters that come with Heyday."""
    OWN = "own"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Draft:
    """Hold a text as it stands in its form. html: what was typed, whatever the dress."""

    language: str
    subject: str
    text: str
    dress: Dress
    html: str

    @classmethod
    def of(cls, shown: ShownText, usual_subject: str | None) -> "Draft":
        """Return the draft that a stored text begins as. usual_subject: the ready one, if any."""
        source = shown.source
        same = dress(shown.language, source.subject or usual_subject or "", source.text)
        kind = Dress.NONE if source.html is None else Dress.OWN
        if source.html == same:
            kind = Dress.SAME
        subject = source.subject or usual_subject or ""
        return cls(shown.language, subject, source.text, kind, source.html or "")

    @classmethod
    def read(cls, language: str, form: Mapping[str, object]) -> "Draft":
        """Return the draft that a form holds. Browsers end lines with CR and LF."""
        subject, text, html, kind = (
            _typed(form.get(name)) for name in ("subject", "text", "html", "dress")
        )
        known = Dress(kind) if kind in set(Dress) else Dress.SAME
        return cls(language, subject.strip(), text, known, html)

    def given(self, usual_subject: str | None) -> dict[str, object]:
        """Return the text as the services take it; the ready subject is not kept as one's own."""
        subject = None if self.subject == usual_subject else self.subject or None
        if self.dress is Dress.SAME:
            html = dress(self.language, subject or usual_subject or "", self.text)
        else:
            html = self.html if self.dress is Dress.OWN and self.html.strip() else ""
        return {"subject": subject, "text": self.text, "html": html or None}


@dataclass(frozen=True, slots=True)
class Flaw:
    """Say what is wrong with a draft. line: None: with the whole.   source: what stands there."""

    field: str
    line: int | None
    detail: str
    source: str = ""


def find_flaws(draft: Draft, problems: Sequence[FieldProblem]) -> Sequence[Flaw]:
    """Return what is wrong, for a reader who has the draft before them.

    What is wrong with HTML that is made of the text is wrong with the text.
    """
    fields = {problem.field for problem in problems}
    made = draft.dress is Dress.SAME
    flaws = []
    for problem in problems:
        if made and problem.field == "html":
            if fields & {"subject", "text"}:
                continue
            detail = f"does not do as HTML: {_KNOWN.sub('', problem.detail)}"
            flaws.append(Flaw("text", None, detail))
            continue
        flaws.append(_flaw(draft, problem))
    return flaws


def empty_draft(language: str, usual_subject: str | None) -> Draft:
    """Return the draft of a text that is still to be written."""
    return Draft(language, usual_subject or "", "", Dress.SAME, "")


def _flaw(draft: Draft, problem: FieldProblem) -> Flaw:
    detail = _KNOWN.sub("", problem.detail)
    found = _AT_LINE.fullmatch(detail)
    if not found:
        return Flaw(problem.field, None, detail)
    line = int(found[1])
    lines = str(getattr(draft, problem.field, "")).split("\n")
    source = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Flaw(problem.field, line, found[2], source[:_MOST_SHOWN])


def _typed(value: object) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else ""
