// A ticket's page: its clocks count down, and a form that opens knows which state of the ticket its reader saw.
"use strict";

(() => {
  const language = document.body.dataset.language;
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const words = new Map(UNITS.map(([unit]) => [unit, new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" })]));

  // The two largest units that say something, as the server words it.
  function span(seconds) {
    const said = [];
    let rest = Math.abs(seconds);
    for (const [unit, size] of UNITS) {
      const count = Math.floor(rest / size);
      rest %= size;
      if (count || (unit === "second" && !said.length)) said.push(words.get(unit).format(count));
      if (said.length === 2 || (said.length && unit === "minute")) break;
    }
    return said.join(" ");
  }

  function tick() {
    for (const clock of document.querySelectorAll("[data-due]")) {
      const left = Math.floor((new Date(clock.dataset.due) - Date.now()) / 1000);
      const text = (left >= 0 ? clock.dataset.left : clock.dataset.late).replace("{time}", span(left));
      if (clock.textContent !== text) clock.textContent = text;
      if (left < 0) clock.classList.add("text-error");
    }
  }

  document.addEventListener("opened", (event) => {
    for (const field of event.target.querySelectorAll("input[name=seen]")) field.value = document.getElementById("seen").value;
  }, true);

  const talk = () => { const box = document.getElementById("talk"); if (box) box.scrollTop = box.scrollHeight; };
  document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "talk") talk(); });
  setInterval(tick, 1000);
  talk();
})();
