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

  // Whoever is in the middle of a part stays there: the same element by its id, and what is open.
  function put(id, html) {
    const place = document.getElementById(id);
    if (!place || place.dataset.shown === html) return;
    place.dataset.shown = html;
    const open = [...place.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    if (place.contains(document.activeElement) && !focused) return;
    place.innerHTML = html;
    for (const each of open) document.getElementById(each)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
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
  if (!document.hidden) connect();
})();
