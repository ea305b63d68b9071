// The command bar: a combobox over what the server offers, commands run where they stand, answers below the box.
"use strict";

(() => {
  const dialog = document.getElementById("bar");
  const [box, form, input, list, outcome, status] = ["bar-box", "bar-form", "bar-input", "bar-list", "bar-outcome", "bar-status"].map((id) => document.getElementById(id));
  const RECENT = "chargehand.bar.recent";
  const MOST_RECENT = 8;
  let asked = 0;
  let waiting = 0;
  let active = null;
  let offered = null; // the text that the list answers to
  let chosen = ""; // what the arrows went to, so that a list that comes late does not take it away

  // What was run lately is kept for this tab alone: commands name people, and machines are shared.
  const recent = () => {
    try { return JSON.parse(sessionStorage.getItem(RECENT)) || []; } catch { return []; }
  };
  const remember = (line) => {
    const lines = [line, ...recent().filter((one) => one !== line)].slice(0, MOST_RECENT);
    try { sessionStorage.setItem(RECENT, JSON.stringify(lines)); } catch { /* a browser that keeps nothing */ }
  };

  const goal = (option) => option.dataset.path || option.dataset.line;
  const options = () => [...list.querySelectorAll('[role="option"]')];

  function choose(option) {
    if (active) active.setAttribute("aria-selected", "false");
    active = option || null;
    if (active) {
      active.setAttribute("aria-selected", "true");
      active.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", active.id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function offer() {
    const found = options();
    input.setAttribute("aria-expanded", String(found.length > 0));
    choose(found.find((option) => chosen && goal(option) === chosen) || (input.value.trim() ? found[0] : null));
    const count = list.querySelector("[data-count]");
    status.textContent = count ? count.textContent : "";
  }

  function offerRecent() {
    const lines = recent();
    if (!lines.length) return;
    const group = document.createElement("div");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", box.dataset.recent);
    const title = document.createElement("p");
    title.className = "quiet px-2 pt-2 pb-1 text-[0.8rem] font-medium";
    title.textContent = box.dataset.recent;
    group.append(title);
    lines.forEach((line, index) => {
      const hit = document.createElement("div");
      hit.className = "hit font-mono text-[0.9rem]";
      hit.id = `bar-recent-${index}`;
      hit.setAttribute("role", "option");
      hit.setAttribute("aria-selected", "false");
      hit.dataset.line = line;
      hit.textContent = line;
      group.append(hit);
    });
    list.prepend(group);
  }

  async function look() {
    const mine = ++asked;
    const typed = input.value.trimStart();
    try {
      const answer = await fetch(`/console/bar?q=${encodeURIComponent(typed)}`, { headers: { "HX-Request": "true" }, cache: "no-store" });
      if (mine !== asked) return;
      if (answer.status === 401) { location.reload(); return; }
      if (!answer.ok) return;
      const html = await answer.text();
      if (mine !== asked) return;
      list.innerHTML = html;
      offered = typed;
    } catch {
      return;
    }
    if (!typed) offerRecent();
    offer();
  }

  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(look, 120);
  }

  function insert(line) {
    chosen = "";
    input.value = line;
    outcome.hidden = true;
    input.focus();
    input.setSelectionRange(line.length, line.length);
    look();
  }

  async function run(line) {
    remember(line);
    asked += 1;
    clearTimeout(waiting);
    list.replaceChildren();
    offered = null;
    choose(null);
    input.setAttribute("aria-expanded", "false");
    input.value = "";
    outcome.hidden = false;
    outcome.setAttribute("aria-busy", "true");
    await htmx.ajax("POST", "/console/bar/run", { source: form, target: outcome, swap: "innerHTML", values: { text: line } });
    outcome.removeAttribute("aria-busy");
  }

  function take(option) {
    const { path, line } = option.dataset;
    if (path) location.assign(path);
    else if ("run" in option.dataset) run(line.trim());
    else insert(line);
  }

  // What is chosen counts for the text that stands there: whoever types fast is not given an older text's choice.
  async function enter() {
    if (offered !== input.value.trimStart()) {
      clearTimeout(waiting);
      await look();
    }
    const line = input.value.trim();
    if (active && offered === input.value.trimStart()) take(active);
    else if (line.startsWith("/")) run(line);
  }

  input.addEventListener("input", () => {
    chosen = "";
    outcome.hidden = input.value.trim() !== ""; // an earlier answer makes room for what is being typed
    later();
  });
  input.addEventListener("keydown", (event) => {
    const found = options();
    const at = found.indexOf(active);
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!found.length) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(found[at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length]);
      chosen = goal(active);
    } else if (event.key === "Tab" && !event.shiftKey && active && active.dataset.line && active.dataset.line !== input.value) {
      event.preventDefault();
      insert(active.dataset.line);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (event.repeat) return;
      enter();
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    enter();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) take(option);
  });

  // A question gets the focus on its words, not on its button: a key still held down must not answer it.
  document.addEventListener("htmx:afterSwap", (event) => {
    const asks = event.detail.elt.querySelector?.('.outcome[data-outcome="confirm"]') || event.detail.elt.closest?.('.outcome[data-outcome="confirm"]');
    if (asks) asks.focus();
    else if (outcome.contains(event.detail.elt) && dialog.open && !outcome.contains(document.activeElement)) input.focus();
  });
  for (const name of ["htmx:sendError", "htmx:responseError"]) {
    outcome.addEventListener(name, () => { status.textContent = box.dataset.failed; });
    form.addEventListener(name, () => { status.textContent = box.dataset.failed; });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-download]");
    if (!button) return;
    const text = button.closest("[data-file]").querySelector("pre").textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: button.dataset.type }));
    link.download = button.dataset.download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  dialog.addEventListener("opened", () => { input.select(); look(); });
})();
