// The console's own script: dialogs, toasts, keys, and one stream of events that tells parts of a page to look again.
"use strict";

const body = document.body;
const byId = (id) => document.getElementById(id);

// Toasts ---------------------------------------------------------------------------------------------------------
function toast(text, tone = "info") {
  const box = document.createElement("div");
  const words = document.createElement("p");
  const close = document.createElement("button");
  box.dataset.tone = tone;
  words.className = "min-w-0 flex-1";
  words.textContent = text;
  close.className = "btn btn-ghost btn-xs";
  close.type = "button";
  close.textContent = "✕";
  close.setAttribute("aria-label", body.dataset.close);
  close.addEventListener("click", () => box.remove());
  box.append(words, close);
  byId("toasts").append(box);
  setTimeout(() => box.remove(), tone === "error" ? 12000 : 6000);
}
for (const note of document.querySelectorAll("#toasts > *")) setTimeout(() => note.remove(), 6000);
body.addEventListener("toast", (event) => toast(event.detail.text, event.detail.tone));
body.addEventListener("htmx:responseError", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Trigger")) toast(body.dataset.failed, "error");
});
body.addEventListener("htmx:sendError", () => toast(body.dataset.failed, "error"));

// Dialogs --------------------------------------------------------------------------------------------------------
function openDialog(id) {
  const dialog = byId(id);
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("[autofocus], input:not([type=hidden]), textarea, select")?.focus();
  dialog.dispatchEvent(new CustomEvent("opened"));
}
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) openDialog(opener.dataset.opens);
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement) event.target.close();
  const slims = event.target.closest("[data-slims]");
  if (slims) slim(document.documentElement.dataset.sidebar !== "slim");
  const copies = event.target.closest("[data-copies]");
  if (copies) navigator.clipboard?.writeText(byId(copies.dataset.copies).textContent.trim());
  const row = event.target.closest("[data-href]");
  if (row && !event.target.closest("a, button, input, select, textarea, label")) location.assign(row.dataset.href);
});
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.target.method === "dialog" || event.target.matches("[hx-post], [data-again]")) return;
  setTimeout(() => { button.disabled = true; });
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]:not([data-off])")) button.disabled = false;
});

// The sidebar, narrow or wide ------------------------------------------------------------------------------------
function slim(on) {
  if (on) document.documentElement.dataset.sidebar = "slim";
  else delete document.documentElement.dataset.sidebar;
  try { localStorage.setItem("sidebar", on ? "slim" : "wide"); } catch { /* a private window */ }
}
try { if (localStorage.getItem("sidebar") === "slim") slim(true); } catch { /* a private window */ }

// Keys -----------------------------------------------------------------------------------------------------------
const GOES = { d: "/console/", r: "/console/requests", t: "/console/tickets", c: "/console/chargers", p: "/console/contacts" };
let going = 0;
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const row = all[Math.max(0, Math.min(all.length - 1, at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step))];
  for (const other of all) other.toggleAttribute("data-here", other === row);
  (row.querySelector("a, button") || row).focus();
  row.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openDialog("bar");
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (going && Date.now() - going < 1200 && GOES[event.key]) {
    going = 0;
    const link = document.querySelector(`#sidebar a[href="${GOES[event.key]}"]`);
    if (link) link.click();
    return;
  }
  going = 0;
  if (event.key === "g") going = Date.now();
  else if (event.key === "?") openDialog("keys");
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/") {
    const search = document.querySelector("[data-search], main input[type=search]");
    if (!search) { openDialog("bar"); }
    else { search.focus(); search.select?.(); }
    event.preventDefault();
  }
});

// Times that pass ------------------------------------------------------------------------------------------------
const relative = new Intl.RelativeTimeFormat(body.dataset.language, { numeric: "always" });
const UNITS = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
setInterval(() => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || UNITS.at(-1);
    time.textContent = relative.format(Math.round(seconds / size), unit);
  }
}, 30000);

// What changed: `<div data-live="live.ticket.,live.alert." hx-get="…" hx-trigger="live">` looks again; one that costs
// more waits longer for what else is said (`data-live-wait`, in ms) ----------------------------------------------------
const waiting = new Map();
const WAIT_MS = 300;

function tell(topic) {
  document.dispatchEvent(new CustomEvent("topic", { detail: topic }));
  for (const part of document.querySelectorAll("[data-live]")) {
    if (!part.dataset.live.split(",").some((prefix) => topic.startsWith(prefix.trim()))) continue;
    if (waiting.has(part)) continue;
    waiting.set(part, setTimeout(() => look(part, topic), Number(part.dataset.liveWait) || WAIT_MS));
  }
}
function look(part, topic) {
  waiting.delete(part);
  if (!part.isConnected) return;
  const busy = part.contains(document.activeElement) && typing(document.activeElement);
  if (busy && !part.hasAttribute("data-live-always")) { waiting.set(part, setTimeout(() => look(part, topic), 2000)); return; }
  part.dispatchEvent(new CustomEvent("live", { detail: { topic }, bubbles: false }));
}
body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.triggeringEvent?.type === "live") event.detail.headers["X-Live"] = "1";
  if (!event.target.matches?.("form[data-tidy]")) return;
  for (const [name, value] of [...event.detail.formData]) if (value === "") event.detail.formData.delete(name);
});

function show(state) {
  const dot = byId("live");
  if (!dot || dot.dataset.state === state) return;
  dot.dataset.state = state;
  dot.firstElementChild.textContent = body.dataset[`live${state[0].toUpperCase()}${state.slice(1)}`];
  if (state === "on" && stream.lost) { stream.lost = false; tellAll(); }
  if (state !== "on") stream.lost = true;
}
function tellAll() {
  for (const part of document.querySelectorAll("[data-live]")) look(part, "live.");
}

// One window of this browser holds the stream and passes on what it hears; the others listen to it. Browsers open only
// six connections to a server.
const stream = { source: null, lost: false };
const channel = "BroadcastChannel" in window ? new BroadcastChannel("chargehand") : null;

function hear(said) {
  if (said.topic) tell(said.topic);
  if (said.state) show(said.state);
  if (said.over) location.assign(`/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
  if (said.ask && stream.source) pass({ state: stream.source.readyState === 1 ? "on" : "waiting" });
}
function pass(said) {
  channel?.postMessage(said);
  hear(said);
}
function open() {
  const source = stream.source = new EventSource(body.dataset.events);
  source.addEventListener("hello", () => pass({ state: "on" }));
  source.addEventListener("change", (event) => pass({ topic: JSON.parse(event.data) }));
  source.addEventListener("over", () => { source.close(); pass({ over: true }); });
  source.addEventListener("error", () => {
    pass({ state: source.readyState === 2 ? "off" : "waiting" });
    if (source.readyState === 2) setTimeout(open, 15000);
  });
}
if (body.dataset.events) {
  channel?.addEventListener("message", (event) => hear(event.data));
  if (channel && navigator.locks) {
    navigator.locks.request("chargehand-stream", () => new Promise(() => open()));
    channel.postMessage({ ask: true });
  } else open();
}
