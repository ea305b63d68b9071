// The dashboard's two charts, drawn by uPlot from what the page itself holds; drawn again when it looked again.
"use strict";

(() => {
  const language = document.body.dataset.language;
  const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const tone = (name) => colour(name === "teal" ? "--color-accent" : `--state-${name}`);

  function axes() {
    const text = colour("--color-base-content");
    const grid = { stroke: colour("--color-base-300"), width: 1 };
    const font = "12px system-ui, sans-serif";
    return [
      { stroke: text, font, grid: { show: false }, ticks: grid, values: (_, marks) => marks.map((mark) => days.format(mark * 1000)), space: 60 },
      { stroke: text, font, grid, ticks: { show: false }, size: 40, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000] },
    ];
  }

  // Stacked bars: each series is drawn from zero to the sum of itself and those before it, the tallest first.
  function stacked(series, length) {
    const sums = new Array(length).fill(0);
    return series.map((one) => one.values.map((value, at) => (sums[at] += value))).reverse();
  }

  function draw(figure) {
    const box = figure.querySelector(".chart");
    const series = JSON.parse(figure.dataset.series);
    const at = JSON.parse(figure.dataset.days).map((day) => Date.parse(`${day}T00:00:00Z`) / 1000);
    const bars = figure.dataset.chart === "bars";
    const shown = bars ? [...series].reverse() : series;
    const values = bars ? stacked(series, at.length) : series.map((one) => one.values);
    const own = (index) => (_, __, ___, row) => (row == null ? "–" : shown[index].values[row]);
    const most = Math.max(4, ...values.flat());
    box.replaceChildren();
    figure.chart?.destroy();
    figure.chart = new uPlot({
      width: Math.max(260, box.clientWidth), height: 220, tzDate: (stamp) => uPlot.tzDate(new Date(stamp * 1000), "Etc/UTC"),
      scales: { x: { time: true, range: [at[0] - 43200, at.at(-1) + 43200] }, y: { range: [0, most * 1.1] } },
      axes: axes(), cursor: { y: false, points: { show: !bars } }, legend: { live: true },
      series: [
        { value: (_, stamp) => (stamp == null ? "–" : days.format(stamp * 1000)), label: figure.dataset.label },
        ...shown.map((one, index) => ({
          label: one.name, stroke: tone(one.tone), width: bars ? 0 : 2, fill: bars ? tone(one.tone) : undefined,
          paths: bars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined, points: { show: !bars, size: 6, fill: tone(one.tone) },
          value: own(index),
        })),
      ],
    }, [at, ...values], box);
  }

  const all = () => { for (const figure of document.querySelectorAll("[data-chart]")) draw(figure); };
  let later = 0;
  const soon = () => { clearTimeout(later); later = setTimeout(all, 150); };
  addEventListener("resize", soon);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "traffic" || event.target.id === "traffic") soon(); });
  all();
})();
