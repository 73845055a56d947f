// What every page does by itself. Pages work without it.

// A form or button with data-confirm asks first: <button data-confirm="dialog-id">.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-confirm]");
  if (!button) return;
  const dialog = document.getElementById(button.dataset.confirm);
  if (!dialog) return;
  event.preventDefault();
  dialog.showModal();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
});

// The menu of who is signed in closes when the focus leaves it, and by Escape.
for (const menu of document.querySelectorAll("details.who")) {
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.getElementById("problems")?.focus();

// A browser marks no frame that the keyboard is in; one that can be scrolled is to be seen.
window.addEventListener("blur", () => {
  if (document.activeElement?.tagName === "IFRAME") document.activeElement.classList.add("in-focus");
});
window.addEventListener("focus", () => {
  for (const frame of document.querySelectorAll("iframe.in-focus")) frame.classList.remove("in-focus");
});
