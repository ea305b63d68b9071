// A charger's page. Its frame log: what comes is put on top while somebody watches, and the page holds a bounded number of rows.
"use strict";

(() => {
  const MOST = 400;
  const EVERY_MS = 2000;
  const log = document.getElementById("log");
  let paused = false;
  let busy = false;

  const part = (id) => document.getElementById(id);

  function add(html) {
    const list = part("frames");
    const holder = document.createElement("ol");
    holder.innerHTML = html;
    const newest = holder.querySelector("li[data-newest]");
    if (newest) list.dataset.newest = newest.dataset.newest;
    const rows = [...holder.querySelectorAll("li[data-frame]")].filter((row) => !part(row.id));
    for (const row of rows) row.classList.add("fresh");
    list.prepend(...rows);
    if (rows.length) part("no-frames")?.remove();
    const all = list.querySelectorAll("li[data-frame]");
    for (let at = all.length - 1; at >= MOST; at -= 1) all[at].remove();
  }

  async function look() {
    const list = part("frames");
    const box = part("frames-box");
    if (!list || paused || busy || document.hidden) return;
    if (box.scrollTop > 40 || box.contains(document.getSelection()?.focusNode) && String(document.getSelection())) return;
    busy = true;
    try {
      const asked = new URLSearchParams({ since: list.dataset.newest, action: list.dataset.action, direction: list.dataset.direction });
      const answer = await fetch(`${log.dataset.frames}?${asked}`, { headers: { "HX-Request": "true", "X-Live": "1" }, cache: "no-store" });
      if (answer.ok && list.isConnected) add(await answer.text());
    } catch {
      // the line is away; the next look tries again
    } finally {
      busy = false;
    }
  }

  function pause(button) {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? button.dataset.goOn : button.dataset.pause;
    if (!paused) look();
  }

  async function copy(button) {
    const rows = [...part("frames").querySelectorAll("li[data-frame]")];
    const text = rows.map((row) => `${row.querySelector("time").dateTime} ${row.querySelector("p").innerText.replace(/\s+/g, " ")} ${row.querySelector("pre").textContent}`).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      document.body.dispatchEvent(new CustomEvent("toast", { detail: { text: button.dataset.copied, tone: "success" } }));
    } catch {
      document.getSelection().selectAllChildren(part("frames"));
    }
  }

  log?.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.id === "log-pause") pause(button);
    if (button?.id === "log-copy") copy(button);
  });
  log?.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target === log) paused = false; });
  // What somebody has unfolded stays so when its part of the page is drawn anew.
  const unfolded = new Set();
  document.addEventListener("toggle", (event) => {
    if (event.target.tagName !== "DETAILS" || !event.target.id || !event.target.isConnected) return;
    if (event.target.open) unfolded.add(event.target.id);
    else unfolded.delete(event.target.id);
  }, true);
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const one of event.detail.target.querySelectorAll("details[id]")) one.open = one.open || unfolded.has(one.id);
  });

  // An answer to a command shows in its dialog; a procedure goes on below when that is closed.
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = part("answer-box");
    if (event.detail.target?.id === "answer" && !box.open) box.showModal();
  });
  setInterval(look, EVERY_MS);
})();
