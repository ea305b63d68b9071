// The chat page. Unsent messages and the last line seen are kept in the browser, so that a broken connection
// or a closed tab loses nothing and repeats nothing: what we send carries an id of its own, what we get a number.
"use strict";

const WORDS = {
  en: { title: "Charging support", write: "Write a message", send: "Send", place: "Share my location",
        away: "Connection lost. Trying again…", hello: "Hello! Tell us what is wrong or what you need.", here: "My location" },
  si: { title: "ආරෝපණ සහාය", write: "පණිවිඩයක් ලියන්න", send: "යවන්න", place: "මගේ ස්ථානය බෙදාගන්න",
        away: "සම්බන්ධතාව බිඳ වැටුණි. නැවත උත්සාහ කරමින්…", hello: "ආයුබෝවන්! ඔබට අවශ්‍ය දේ හෝ ගැටලුව කියන්න.", here: "මගේ ස්ථානය" },
  ta: { title: "சார்ஜிங் உதவி", write: "செய்தி எழுதுங்கள்", send: "அனுப்பு", place: "என் இடத்தைப் பகிர்",
        away: "இணைப்பு துண்டிக்கப்பட்டது. மீண்டும் முயல்கிறது…", hello: "வணக்கம்! என்ன பிரச்சனை, என்ன தேவை என்று சொல்லுங்கள்.", here: "என் இடம்" },
  es: { title: "Ayuda de recarga", write: "Escriba un mensaje", send: "Enviar", place: "Compartir mi ubicación",
        away: "Conexión perdida. Reintentando…", hello: "¡Hola! Cuéntenos qué ocurre o qué necesita.", here: "Mi ubicación" },
};

const element = (id) => document.getElementById(id);
const lines = element("lines");
const store = {
  get(key, fallback) { try { const v = localStorage.getItem("chargehand." + key); return v === null ? fallback : JSON.parse(v); } catch { return fallback; } },
  set(key, value) { try { localStorage.setItem("chargehand." + key, JSON.stringify(value)); } catch { /* private mode: this tab only */ } },
};
const preset = new URLSearchParams(location.search).get("lang");
let language = preset && WORDS[preset] ? preset : store.get("language", (navigator.language || "en").slice(0, 2));
if (!WORDS[language]) language = "en";
let waiting = store.get("waiting", []);
let seen = 0;
let socket = null;
let pause = 500;
const shown = new Set();
const bubbles = new Map();

function words() { return WORDS[language]; }

function dress() {
  document.documentElement.lang = language;
  document.title = words().title;
  document.querySelector("h1").textContent = words().title;
  element("text").placeholder = words().write;
  element("text-label").textContent = words().write;
  element("send").textContent = words().send;
  element("place").title = words().place;
  element("place").setAttribute("aria-label", words().place);
  element("language").value = language;
}

function atEnd() { return lines.scrollHeight - lines.scrollTop - lines.clientHeight < 80; }

function bubble(text, { own = false, note = false, at = null, choices = [] } = {}) {
  const stay = atEnd();
  const box = document.createElement("div");
  box.className = "line" + (own ? " own" : "") + (note ? " note" : "");
  box.append(document.createTextNode(text));
  if (at) {
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
    box.append(time);
  }
  if (choices.length) {
    const row = document.createElement("div");
    row.className = "choices";
    for (const choice of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = choice.label;
      button.addEventListener("click", () => {
        for (const other of row.children) other.disabled = true;
        queue({ type: "press", choice: choice.id, label: choice.label }, choice.label);
      });
      row.append(button);
    }
    box.append(row);
  }
  lines.append(box);
  if (stay || own) lines.scrollTop = lines.scrollHeight;
  return box;
}

function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function queue(frame, text) {
  frame.id = freshId();
  waiting.push({ frame, text });
  store.set("waiting", waiting);
  showWaiting(waiting[waiting.length - 1]);
  flush();
}

function showWaiting(entry) {
  const box = bubble(entry.text, { own: true });
  box.classList.add("waiting");
  bubbles.set(entry.frame.id, box);
  shown.add(entry.frame.id);
}

function flush() {
  if (!socket || socket.readyState !== WebSocket.OPEN || !socket.ready) return;
  for (const entry of waiting) socket.send(JSON.stringify(entry.frame));
}

function settled(id) {
  waiting = waiting.filter((entry) => entry.frame.id !== id);
  store.set("waiting", waiting);
  const box = bubbles.get(id);
  if (box) box.classList.remove("waiting");
}

function line(data) {
  if (data.own) {
    if (data.id && shown.has(data.id)) return;
    if (data.id) shown.add(data.id);
    if (data.text) bubble(data.text, { own: true, at: data.at });
    return;
  }
  if (data.number <= seen) return;
  seen = data.number;
  bubble(data.text, { at: data.at, choices: data.choices });
}

function receive(event) {
  const data = JSON.parse(event.data);
  if (data.type === "welcome") {
    store.set("session", data.session);
    if (!data.resumed) {
      lines.replaceChildren();
      shown.clear();
      bubbles.clear();
      seen = 0;
    }
    data.lines.forEach(line);
    if (!lines.children.length) bubble(words().hello, { note: true });
    for (const entry of waiting) if (!shown.has(entry.frame.id)) showWaiting(entry);
    socket.ready = true;
    pause = 500;
    element("state").textContent = "";
    flush();
  } else if (data.type === "line") {
    line(data);
  } else if (data.type === "stored") {
    settled(data.id);
  } else if (data.type === "refused") {
    bubble(data.text, { note: true });
    if (data.again) setTimeout(flush, 20000);
    else if (data.id) settled(data.id);
  }
}

let everOpen = false;
function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}/chat/ws`);
  socket.addEventListener("open", () => {
    const hello = { type: "hello", session: store.get("session", null), after: everOpen ? seen : null, language };
    everOpen = true;
    socket.send(JSON.stringify(hello));
  });
  socket.addEventListener("message", receive);
  socket.addEventListener("close", () => {
    element("state").textContent = words().away;
    setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, 15000);
  });
}

element("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (!text) return;
  element("text").value = "";
  queue({ type: "say", text }, text);
});
element("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    element("form").requestSubmit();
  }
});
element("place").addEventListener("click", () => {
  navigator.geolocation?.getCurrentPosition((found) => {
    const { latitude, longitude } = found.coords;
    queue({ type: "location", latitude, longitude }, `◎ ${words().here}`);
  });
});
element("language").addEventListener("change", (event) => {
  language = event.target.value;
  store.set("language", language);
  dress();
  socket.close();
});
setInterval(() => { if (socket.readyState === WebSocket.OPEN && socket.ready) socket.send('{"type":"ping"}'); }, 25000);
dress();
connect();
