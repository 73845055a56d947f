"""Show people what went wrong: what it is, and what to do.

The API has a problem document for each kind of refusal; its words are for who writes programs.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from litestar.response import Response

from heyday.web.shell import PageRequest, Shell


def _(text: str) -> str:
    """Mark a text for translation; the template translates it."""
    return text


_FAULT = (
    _("Something went wrong here"),
    _(
        "The fault is Heyday's, not yours. Try again; if it stays, give whoever runs Heyday the "
        "number below."
    ),
)
# By the kind of a problem: what it is, and what to do. Of others the API's own words are shown.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "no-such-path": (
        _("There is no such page"),
        _("The address may be incomplete, or what was here is gone."),
    ),
    "not-found": (
        _("There is no such person"),
        _("They may have been deleted, or erased. Look for them by name."),
    ),
    "no-such-message": (
        _("There is no such message"),
        _("Its month may have been dropped, as old months are."),
    ),
    "no-such-text": (
        _("There is no such text"),
        _("It may have been removed; the list of texts shows those there are."),
    ),
    "no-such-import": (
        _("There is no such import"),
        _("It may have been deleted."),
    ),
    "forbidden": (
        _("Your key does not reach so far"),
        _("Sign in with a key that does, or ask whoever gave you yours."),
    ),
    "not-from-here": (
        _("This was not sent by a page of Heyday"),
        _("Nothing was done. Open the page again, and repeat it there."),
    ),
    "invalid-input": (
        _("A value cannot be taken"),
        _("Nothing was done. Go back, correct it, and send it again."),
    ),
    "bad-request": (
        _("This cannot be understood"),
        _("Nothing was done. Go back to the page, and try again from there."),
    ),
    "body-too-large": (
        _("This is too large"),
        _("Nothing was taken. Send less at once; a file of people can be cut in parts."),
    ),
    "email-taken": (
        _("This address belongs to somebody already"),
        _("One address is one person's. Look for it among the people, deleted ones too."),
    ),
    "changed": (
        _("Somebody else changed this meanwhile"),
        _("Nothing was done. Open the page again to see how it is now, then decide anew."),
    ),
    "text-changed": (
        _("Somebody else changed this text meanwhile"),
        _("Nothing was done. Open the page again to see how it is now, then decide anew."),
    ),
    "illegal-move": (
        _("The message is no longer where it was"),
        _("Nothing was done. Open it again to see what can be done with it now."),
    ),
    "conflict": (
        _("What is stored has moved on"),
        _("Nothing was done. Open the page again, and decide anew."),
    ),
    "too-many-requests": (
        _("Too many tries"),
        _("Wait a minute, then try again."),
    ),
    "unavailable": (
        _("The database cannot be reached"),
        _(
            "Nothing was changed, or not surely. Heyday goes on by itself once it is back; reload "
            "this page in a moment."
        ),
    ),
    "queue-unavailable": (
        _("The queue cannot be reached"),
        _(
            "Nothing was changed. Heyday goes on by itself once it is back; reload this page in a "
            "moment."
        ),
    ),
    "internal-error": _FAULT,
}
# Kinds whose own words name what matters, such as the scope that a key lacks.
_TELLING = frozenset({"forbidden", "email-taken", "illegal-move", "conflict", "not-found"})


class ProblemPages:
    """Show problems as pages, or as parts of pages (api/page_answers.py)."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def __call__(  # noqa: PLR0913 - one argument for each part of what went wrong
        self,
        request: PageRequest,
        *,
        status: int,
        kind: str,
        detail: str,
        errors: Sequence[tuple[str, str]],
        request_id: str,
        headers: Mapping[str, str],
    ) -> Response[str]:
        """Return the page; where a script of ours asked, what it puts into the page there is."""
        title, advice = _WORDS.get(kind, (_("This did not work"), ""))
        values = {
            "detail": detail if kind in _TELLING or not advice else None,
            "advice": advice,
            "errors": errors,
            "request_id": request_id,
        }
        if request.headers.get("hx-request") == "true":
            response = self._shell.part(
                request, "problem_part.html", title=title, status_code=status, **values
            )
            response.headers["HX-Retarget"] = "#fault"
            response.headers["HX-Reswap"] = "innerHTML show:top"
        else:
            response = self._shell.page(
                request, "problem.html", title, status_code=status, **values
            )
        response.headers.update(headers)
        return response
