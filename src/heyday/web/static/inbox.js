"use strict";

// Everything about people is written with textContent, so nothing in a name can become markup.

const POLL_MS = 2000;
const SHOWN = 100;
// Below this, a letter counts as on time: nobody would call it late.
const ON_TIME_SECONDS = 5;

const byId = (id) => document.getElementById(id);

let latestId = 0;
let isFirstReply = true;
let nextAt = null;
// How far the server's clock is ahead of this machine's.
let aheadMs = 0;
let received = 0;

const occasions = { BIRTHDAY: "Birthday", ANNIVERSARY: "Work anniversary" };

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts = [];
  if (days) parts.push(plural(days, "day"));
  if (days || hours) parts.push(`${hours} h`);
  if (days || hours || minutes) parts.push(`${minutes} min`);
  if (!days) parts.push(`${whole % 60} s`);
  return parts.join(" ");
}

function describeLateness(seconds) {
  if (seconds === null) return { text: "Arrived", isLate: false };
  const exact = `${Math.abs(seconds).toFixed(2)} s`;
  if (seconds < 0) return { text: `${exact} early`, isLate: true };
  if (seconds < ON_TIME_SECONDS) return { text: `On time, ${exact} after it was due`, isLate: false };
  return { text: `${duration(seconds)} after it was due`, isLate: true };
}

function renderLetter(letter, isFresh) {
  const item = byId("letter").content.firstElementChild.cloneNode(true);
  const write = (selector, text) => { item.querySelector(selector).textContent = text; };
  const lateness = describeLateness(letter.late_seconds);
  write(".message", letter.message);
  write(".email", letter.email);
  write(".zone", letter.timezone ?? "no longer known, shown in UTC");
  write(".due", letter.scheduled_local ?? "not known");
  write(".arrived", letter.received_local);
  write(".lateness", lateness.text);
  const leave = item.querySelector(".leave");
  if (letter.unsubscribe) leave.setAttribute("href", letter.unsubscribe);
  else leave.remove();
  item.querySelector(".lateness").toggleAttribute("data-late", lateness.isLate);
  item.classList.toggle("fresh", isFresh);
  return item;
}

function showLetters(reply) {
  const list = byId("letters");
  if (reply.latest_id < latestId) {
    list.replaceChildren();
    latestId = 0;
    return;
  }
  latestId = reply.latest_id;
  list.prepend(...reply.letters.map((letter) => renderLetter(letter, !isFirstReply)));
  while (list.children.length > SHOWN) list.lastElementChild.remove();
  received = list.children.length;
  byId("empty").hidden = received > 0;
}

function showNext(next) {
  nextAt = next ? Date.parse(next.scheduled_at) : null;
  byId("next-name").textContent = next ? next.name : "Nobody in the next two days";
  const occasion = next && (occasions[next.message_type] ?? next.message_type);
  byId("next-when").textContent = next
    ? `${occasion}, ${next.scheduled_local} in ${next.timezone}`
    : "Greetings are planned 48 hours ahead. People come in by the API, a CSV file or SQL.";
  showCountdown();
}

function showCountdown() {
  if (nextAt === null) {
    byId("countdown").textContent = "";
    return;
  }
  const seconds = (nextAt - Date.now() - aheadMs) / 1000;
  byId("countdown").textContent = seconds > 0.5 ? `in ${duration(seconds)}` : "any moment now";
}

function showSender(sender) {
  const note = byId("elsewhere");
  note.hidden = sender === "inbox";
  note.textContent =
    `Greetings are going out through the sender “${sender}” at present, so no new ones arrive ` +
    "here. To try Heyday without writing to anybody, set SENDER=inbox.";
}

function showState(text, isLost) {
  const state = byId("state");
  // A status that is written again is read out again.
  if (state.textContent !== text) state.textContent = text;
  state.toggleAttribute("data-lost", isLost);
}

async function poll() {
  try {
    const response = await fetch(`/inbox/messages?after=${latestId}`, { cache: "no-store" });
    if (!response.ok) throw new Error(response.statusText);
    const reply = await response.json();
    aheadMs = Date.parse(reply.now) - Date.now();
    showSender(reply.sender);
    showNext(reply.next);
    showLetters(reply);
    // From now on new letters are read out; the first hundred at once would be too many.
    byId("letters").setAttribute("aria-live", "polite");
    isFirstReply = false;
    const count = received < SHOWN ? plural(received, "letter") : `the latest ${SHOWN}`;
    showState(`${count}, newest first`, false);
  } catch {
    showState("Heyday does not answer; trying again", true);
  } finally {
    setTimeout(poll, POLL_MS);
  }
}

setInterval(showCountdown, 1000);
poll();
