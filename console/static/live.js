// The live page: a hint by server-sent events, then the whole (small, bounded) state is read again and drawn.
"use strict";

const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
};
const byId = (id) => document.getElementById(id);
const known = { messages: new Set(), tickets: new Set(), alerts: new Set(), runs: new Set() };
let first = true;
let skew = 0;

const time = (iso) => new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function fresh(kind, key, node) {
  if (!known[kind].has(key)) {
    known[kind].add(key);
    if (!first) node.classList.add("fresh");
  }
  return node;
}

function fill(id, nodes, empty) {
  byId(id).replaceChildren(...(nodes.length ? nodes : [el("li", { class: "empty" }, empty)]));
}

function message(m) {
  const out = m.direction === "outbound";
  const tags = [el("span", {}, time(m.at)), el("span", {}, out ? `→ ${m.channel}` : `${m.name || (m.channel === "web" ? "web visitor " + m.sender.slice(0, 4) : m.sender)}`)];
  if (m.category) tags.push(el("span", { class: "tag cat" }, `${m.category} ${Math.round(m.confidence * 100)} %`));
  if (m.urgency && m.urgency !== "normal") tags.push(el("span", { class: `tag ${m.urgency}` }, m.urgency));
  if (m.state === "needs_review") tags.push(el("span", { class: "tag warn" }, "needs review"));
  if (m.language) tags.push(el("span", {}, m.language));
  if (out && m.delivery) tags.push(el("span", { class: m.delivery === "dead" ? "bad" : "" }, m.delivery + (m.repeated ? " (repeated)" : "")));
  const text = m.text || (m.kind === "location" ? "◎ location" : m.kind === "media" ? "📎 media" : "…");
  return fresh("messages", m.id, el("li", { class: "row" + (out ? " out" : "") }, el("div", { class: "meta" }, ...tags), el("p", {}, text)));
}

function tile(c) {
  const fault = c.connectors.find((k) => k.error_code && k.error_code !== "NoError");
  const energy = c.energy_wh === null ? "" : `${(c.energy_wh / 1000).toFixed(2)} kWh`;
  return el("li", { class: `tile ${c.state}`, title: c.name || "" },
    el("div", { class: "top" }, el("b", {}, c.id), el("small", {}, c.current_type + (c.ocpp_version ? ` · ${c.ocpp_version}` : ""))),
    el("span", { class: "what" }, c.state), el("small", {}, fault ? fault.error_code : energy || c.name || "\u00a0"));
}

const GOOD = ["CLEARED", "ALREADY_CLEAR", "REBOOTED", "OUT_OF_SERVICE"];

function run(r) {
  const tone = r.result ? (GOOD.includes(r.result) ? "good" : "bad") : "warn";
  const steps = r.steps.slice(-7).filter((s) => s.step !== "end")
    .map((s) => el("li", {}, `${time(s.at)} ${s.step}${s.outcome ? ": " + s.outcome : ""}`));
  return fresh("runs", r.id, el("li", { class: "row" },
    el("div", { class: "meta" }, el("span", {}, time(r.at)), el("b", {}, r.charger_id), el("span", {}, r.kind.replaceAll("_", " ")),
      el("span", { class: `tag ${tone}` }, (r.result || r.step).replaceAll("_", " ").toLowerCase()), el("span", {}, r.by)),
    steps.length ? el("ul", { class: "steps" }, ...steps) : null));
}

function left(due) {
  const s = Math.round((new Date(due) - Date.now() - skew) / 1000);
  const a = Math.abs(s);
  const text = `${Math.floor(a / 3600)}:${String(Math.floor(a / 60) % 60).padStart(2, "0")}:${String(a % 60).padStart(2, "0")}`;
  return s < 0 ? `−${text}` : text;
}

function clock(c) {
  const name = c.kind === "first_response" ? "response" : "solution";
  const node = el("span", { class: "clock" + (c.breached ? " bad" : "") }, "");
  if (c.due_at) { node.dataset.due = c.due_at; node.dataset.name = name; node.textContent = `${name} ${left(c.due_at)}`; }
  else node.textContent = `${name} ${c.state}`;
  return node;
}

function ticket(t) {
  return fresh("tickets", t.ref, el("li", { class: "row" },
    el("div", { class: "meta" }, el("b", {}, t.ref), el("span", { class: "tag" }, t.status), el("span", { class: `tag ${t.priority}` }, t.priority),
      el("span", {}, t.department), t.charger_id ? el("span", {}, t.charger_id) : null),
    el("p", {}, t.summary), el("div", { class: "meta" }, ...t.clocks.map(clock))));
}

function alertLine(a) {
  return fresh("alerts", a.id, el("li", { class: "row" + (a.urgent ? " urgent-row" : "") },
    el("div", { class: "meta" }, el("span", {}, time(a.at)), el("span", { class: `tag ${a.urgent ? "critical" : ""}` }, a.kind.replaceAll("_", " "))),
    el("p", {}, a.text)));
}

function draw(state) {
  skew = new Date(state.at) - Date.now();
  fill("messages", state.messages.map(message), "No message yet. Write one in the chat.");
  fill("chargers", state.chargers.map(tile), "No charger yet. Add one with: chargehand charger add 100001");
  fill("runs", state.runs.map(run), "No remedy has been needed yet.");
  fill("tickets", state.tickets.map(ticket), "No ticket yet. A fault that cannot be healed becomes one.");
  fill("alerts", state.alerts.map(alertLine), "Nothing wants the team now.");
  const online = state.chargers.filter((c) => c.online).length;
  const error = state.chargers.filter((c) => c.state === "Faulted" || c.state === "Offline").length;
  const figures = { "Chargers online": `${online} / ${state.chargers.length}`, "In error": error, "Open tickets": `${state.counts.live} / ${state.counts.total}` };
  byId("counts").replaceChildren(...Object.entries(figures).map(([k, v]) => el("div", {}, el("dt", {}, k), el("dd", {}, String(v)))));
  first = false;
}

let busy = false;
let again = false;
async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch("/live/state", { cache: "no-store" });
    if (answer.ok) { draw(await answer.json()); byId("state").textContent = "Live"; }
    else byId("state").textContent = (await answer.json()).error.text;
  } catch { byId("state").textContent = "Connection lost. Trying again…"; }
  setTimeout(() => { busy = false; if (again) { again = false; refresh(); } }, 250);
}

const events = new EventSource("/live/events");
events.addEventListener("hello", refresh);
events.addEventListener("change", refresh);
events.addEventListener("error", () => { byId("state").textContent = "Connection lost. Trying again…"; });
setInterval(refresh, 10000);
setInterval(() => { for (const node of document.querySelectorAll(".clock[data-due]")) node.textContent = `${node.dataset.name} ${left(node.dataset.due)}`; }, 1000);
for (const button of document.querySelectorAll(".try")) {
  button.addEventListener("click", () => {
    const inner = byId("chat").contentDocument;
    const box = inner && inner.getElementById("text");
    if (box) { box.value = button.textContent; box.focus(); }
  });
}
