// Keeps a page up to date: <main> holds an element with data-live, the path of its events. Each event
// is named after the element that it fills. Without it the page is as it was when it came.
(() => {
  const root = document.querySelector("[data-live]");
  if (!root || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const SHORTEST = 1000, LONGEST = 60000, TRIES = 4;
  let source = null, timer = 0, wait = SHORTEST, refused = 0;

  const say = (name) => {
    if (state) state.textContent = state.dataset[name] || "";
  };

  // Whoever is in the middle of a part stays there: what is open stays open, and the focus stays on
  // the same link, or on what stands in its place.
  function put(id, html) {
    const place = document.getElementById(id);
    if (!place || place.dataset.shown === html) return;
    const stops = () => [...place.querySelectorAll("a, button, summary, [tabindex]")];
    const open = [...place.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = document.activeElement;
    const at = stops().indexOf(focused), href = focused?.getAttribute("href");
    place.innerHTML = html;
    place.dataset.shown = html;
    for (const each of open) document.getElementById(each)?.setAttribute("open", "");
    if (at < 0) return;
    const now = stops();
    const same = href && now.find((each) => each.getAttribute("href") === href);
    (same || now[Math.min(at, now.length - 1)])?.focus({ preventScroll: true });
  }

  function connect() {
    stop();
    source = new EventSource(root.dataset.live);
    source.onopen = () => { wait = SHORTEST; refused = 0; say("on"); };
    source.addEventListener("again", () => connect());
    for (const place of root.querySelectorAll("[data-part]"))
      source.addEventListener(place.id, (event) => put(place.id, event.data));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) refused += 1;
      stop();
      if (refused >= TRIES) return say("ended");
      say("off");
      // Each waits for a time of its own: those who were cut off together do not come together.
      timer = setTimeout(connect, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LONGEST);
    };
  }

  function stop() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : connect()));
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => event.persisted && connect());
  if (!document.hidden) connect();
})();
