// The map of sites: no tiles of anybody's, but a grid of degrees, a scale and what stands where.
"use strict";

(() => {
  const box = document.getElementById("map");
  if (!box) return;
  const sites = JSON.parse(box.dataset.sites);
  const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
  const ACROSS = 4;
  const ALONG = 4; // chargers of one site in a row of pins
  const PIN = 22;
  const map = L.map(box, { attributionControl: false, minZoom: 2, maxZoom: 18, zoomSnap: 0.5, worldCopyJump: true });
  const grid = L.layerGroup().addTo(map);
  const pins = L.layerGroup().addTo(map);
  const names = L.layerGroup().addTo(map);
  const markers = new Map();
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);

  const el = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };

  function label(at, text, kind) {
    return L.marker(at, { interactive: false, keyboard: false, icon: L.divIcon({ className: `grid-label ${kind}`, html: "", iconSize: [0, 0] }) })
      .on("add", (event) => { event.target.getElement().textContent = text; });
  }

  function drawGrid() {
    grid.clearLayers();
    const view = map.getBounds();
    const width = view.getEast() - view.getWest();
    const step = STEPS.find((one) => width / one >= ACROSS) || STEPS.at(-1);
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    const style = { className: "grid-line", weight: 1, interactive: false };
    const south = Math.max(view.getSouth(), -85);
    const north = Math.min(view.getNorth(), 85);
    for (let x = Math.ceil(view.getWest() / step) * step; x <= view.getEast(); x += step) {
      L.polyline([[south, x], [north, x]], style).addTo(grid);
      label([south, x], `${Math.abs(x).toFixed(digits)}°${x < 0 ? "W" : "E"}`, "below").addTo(grid);
    }
    for (let y = Math.ceil(south / step) * step; y <= north; y += step) {
      L.polyline([[y, view.getWest()], [y, view.getEast()]], style).addTo(grid);
      label([y, view.getEast()], `${Math.abs(y).toFixed(digits)}°${y < 0 ? "S" : "N"}`, "beside").addTo(grid);
    }
  }

  // A name where no other name or pin is in its way: near sites get theirs as one looks closer.
  function drawNames() {
    names.clearLayers();
    const taken = [];
    const free = (box) => taken.every((one) => box.right < one.left || one.right < box.left || box.bottom < one.top || one.bottom < box.top);
    const spots = sites.map((site) => [site, map.latLngToContainerPoint([site.latitude, site.longitude])]);
    for (const [site, at] of spots) {
      const half = Math.min(site.chargers.length, ALONG) * PIN / 2;
      taken.push({ left: at.x - half, right: at.x + half, top: at.y - PIN, bottom: at.y + 2 });
    }
    for (const [site, at] of spots) {
      const box = { left: at.x - 24, right: at.x - 24 + site.name.length * 7, top: at.y + 4, bottom: at.y + 20 };
      if (!free(box)) continue;
      taken.push(box);
      label([site.latitude, site.longitude], site.name, "site").addTo(names);
    }
  }

  function told(site) {
    const rows = site.chargers.map((one) => el("li", {},
      el("a", { href: `/console/chargers/${encodeURIComponent(one.id)}` }, one.id), ` ${one.type} · ${one.words}`));
    return el("div", { class: "map-told" }, el("strong", {}, site.name), el("p", {}, site.address || ""), el("ul", {}, ...rows));
  }

  function pin(site, one, index) {
    const column = index % ALONG;
    const row = Math.floor(index / ALONG);
    const columns = Math.min(site.chargers.length, ALONG);
    const icon = L.divIcon({
      className: `pin pin-${one.type} ${one.online ? "pin-on" : "pin-off"}`, html: "", iconSize: [PIN - 4, PIN - 4],
      iconAnchor: [columns * PIN / 2 - column * PIN, PIN - row * PIN],
    });
    const words = `${one.id} ${one.type} ${one.words}`;
    const marker = L.marker([site.latitude, site.longitude], { icon, title: words, alt: words, riseOnHover: true });
    marker.bindPopup(() => told(site));
    marker.on("add", () => marker.getElement().setAttribute("aria-label", `${site.name}: ${words}`));
    return marker;
  }

  function draw(places) {
    const open = [...markers].find(([, marker]) => marker.isPopupOpen());
    pins.clearLayers();
    markers.clear();
    for (const site of places) {
      site.chargers.forEach((one, index) => {
        const marker = pin(site, one, index).addTo(pins);
        if (!markers.has(site.id)) markers.set(site.id, marker);
      });
      for (const one of site.chargers) {
        const state = document.querySelector(`[data-state-of="${CSS.escape(one.id)}"] .state`);
        if (state) {
          state.textContent = one.words;
          state.className = `state ${TONES[one.state] || "state-grey"}`;
        }
      }
    }
    if (open && markers.has(open[0])) markers.get(open[0]).openPopup();
  }
  const TONES = {
    Available: "state-green", Preparing: "state-orange", Charging: "state-blue", SuspendedEV: "state-blue",
    SuspendedEVSE: "state-blue", Finishing: "state-blue", Reserved: "state-violet", Faulted: "state-red",
  };

  map.fitBounds(L.latLngBounds(sites.map((site) => [site.latitude, site.longitude])).pad(0.25), { maxZoom: 14, animate: false });
  map.on("moveend zoomend resize", () => { drawGrid(); drawNames(); });
  drawGrid();
  drawNames();
  draw(sites);

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-site]");
    const marker = button && markers.get(Number(button.dataset.site));
    if (!marker) return;
    map.setView(marker.getLatLng(), Math.max(map.getZoom(), 13));
    marker.openPopup();
    box.scrollIntoView({ block: "nearest" });
  });

  let later = 0;
  document.addEventListener("topic", (event) => {
    if (!event.detail.startsWith("live.charger.") || later) return;
    later = setTimeout(async () => {
      later = 0;
      const answer = await fetch(box.dataset.look, { headers: { "X-Live": "1" }, cache: "no-store" }).catch(() => null);
      if (answer?.ok) draw(await answer.json());
    }, 2000);
  });
})();
