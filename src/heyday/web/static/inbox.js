// Makes the inbox lively. Its list and its links work without it.

const MOST_LETTERS = 100;

function inWords(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts = [];
  if (days) parts.push(`${days} d`);
  if (days || hours) parts.push(`${hours} h`);
  if (days || hours || minutes) parts.push(`${minutes} min`);
  if (!days) parts.push(`${whole % 60} s`);
  return parts.join(" ");
}

// How far the server's clock is ahead of this machine's, as of the newest countdown.
let aheadMs = 0;

function meet(root) {
  const timer = root.querySelector("[data-until]");
  if (timer) aheadMs = Date.parse(timer.dataset.now) - Date.now();
  count();
}

function count() {
  const timer = document.querySelector("[data-until]");
  if (!timer) return;
  const seconds = (Date.parse(timer.dataset.until) - Date.now() - aheadMs) / 1000;
  timer.textContent =
    seconds > 0.5 ? timer.dataset.in.replace("{time}", inWords(seconds)) : timer.dataset.soon;
}

document.addEventListener("htmx:oobAfterSwap", () => {
  const list = document.getElementById("letters");
  while (list && list.children.length > MOST_LETTERS) list.lastElementChild.remove();
  document.body.dispatchEvent(new Event("letters-came"));
});

document.addEventListener("htmx:afterSettle", () => meet(document));

function tell(isLost) {
  const note = document.getElementById("inbox-lost");
  if (!note || note.hidden === !isLost) return;
  note.textContent = isLost ? note.dataset.lost : "";
  note.hidden = !isLost;
}
document.addEventListener("htmx:sendError", () => tell(true));
document.addEventListener("htmx:responseError", (event) => tell(event.detail.xhr.status >= 400));
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr?.status ?? 0;
  if (status >= 200 && status < 400) tell(false);
});

setInterval(count, 1000);
meet(document);
