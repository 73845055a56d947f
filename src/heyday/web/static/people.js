// On the pages of people: each instant also as the clock of this very computer shows it.
const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

function written(at) {
  const part = Object.fromEntries(clock.formatToParts(at).map((each) => [each.type, each.value]));
  return `${part.weekday} ${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}:${part.second}`;
}

function showHere() {
  for (const place of document.querySelectorAll("[data-here]")) {
    place.textContent = `${written(new Date(place.dataset.here))} (${here})`;
    place.hidden = false;
    place.previousElementSibling.hidden = false;
  }
}

// What had the focus may have gone with what was replaced: then its heading gets it.
document.addEventListener("htmx:afterSettle", (event) => {
  showHere();
  if (document.activeElement === document.body) event.target.querySelector("h2[tabindex]")?.focus();
});
showHere();
