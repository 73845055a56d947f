// Shows the letter as somebody types, and leads to lines. The page works without it, by buttons.

const form = document.getElementById("text-form");

// The frame is new each time, so that the way back leads past it.
function showLetter() {
  const button = document.querySelector("[data-show-letter]");
  if (!button || !form) return;
  form.requestSubmit(button);
  button.hidden = true;
}

document.addEventListener("htmx:afterSettle", (event) => {
  const shown = document.getElementById("shown");
  if (shown && (event.target === shown || event.target.contains?.(shown))) showLetter();
});

// Enter looks for a person, or sends a test, where one is typed in: not the first button's work.
for (const [field, button] of [["find", "find-button"], ["address", "try-button"]]) {
  document.getElementById(field)?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    document.getElementById(button).click();
  });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.flaw-line");
  const field = link && document.getElementById(link.dataset.field);
  if (!field) return;
  event.preventDefault();
  const before = field.value.split("\n").slice(0, Number(link.dataset.line) - 1);
  const start = before.join("\n").length + (before.length ? 1 : 0);
  const end = field.value.indexOf("\n", start);
  field.closest("details")?.setAttribute("open", "");
  field.focus();
  field.setSelectionRange(start, end < 0 ? field.value.length : end);
});

showLetter();
