// Send a file as it is, with its progress, and let it be dropped. Without this the form does it.
(() => {
  const form = document.getElementById("upload");
  if (!form) return;
  const part = (name) => document.getElementById(`upload-${name}`);
  const [send, stop, progress, problem, said] = ["send", "stop", "progress", "problem", "said"].map(part);
  const drop = document.getElementById("drop");
  let request = null;

  const tell = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
    if (text) problem.focus();
  };
  const show = (isSending) => {
    send.disabled = form.file.disabled = isSending;
    progress.hidden = stop.hidden = !isSending;
    if (!isSending) progress.value = 0;
  };
  const end = (text) => {
    request = null;
    show(false);
    said.textContent = "";
    tell(text);
  };

  const upload = (file) => {
    if (request) return;
    if (file.size > Number(form.dataset.limit)) return tell(said.dataset.long);
    tell("");
    show(true);
    said.textContent = said.dataset.sending;
    request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("X-CSRF-Token", form.csrf_token.value);
    request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) progress.value = (100 * event.loaded) / event.total;
    };
    request.onload = () => {
      if (request.status === 201) return window.location.assign(request.responseText);
      // The session has ended meanwhile: the reply is the page where one begins.
      const path = new URL(request.responseURL || window.location).pathname;
      if (path === "/sign-in") return window.location.assign(request.responseURL);
      const isOurs = request.getResponseHeader("Content-Type")?.startsWith("text/plain");
      end(isOurs ? request.responseText : said.dataset.broken);
    };
    request.onerror = () => end(said.dataset.broken);
    request.onabort = () => end(said.dataset.stopped);
    request.send(file);
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (form.file.files.length) upload(form.file.files[0]);
  });
  stop.addEventListener("click", () => request?.abort());
  // A page that comes back from the browser's memory is as it was left.
  window.addEventListener("pageshow", () => request || show(false));

  drop.querySelector(".drop-hint").hidden = false;
  // Anywhere on the page: a browser would open what is dropped beside.
  const mark = (isOver) => drop.classList.toggle("over", isOver);
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || mark(false));
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    mark(false);
    if (event.dataTransfer.files.length) upload(event.dataTransfer.files[0]);
  });
})();
