"use strict";
// Methods: press to hide or show, in all figures and cards at once.
for (const button of document.querySelectorAll("[data-method]")) {
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    document.getElementById("main").classList.toggle(`hide-${button.dataset.method}`, !shown);
  });
}

// Tables: a button in each heading sorts; rows of real data stay at the end.
const valueOf = (text) => {
  const found = text.replaceAll(",", "").match(/^[-−]?(\d+\.?\d*|\.\d+|∞)(?=$|\s)/);
  return found && Number(found[0].replace("−", "-").replace("∞", "Infinity"));
};
const missing = (text) => text === "" || text === "–";
function compareCells(one, other, numeric) {
  if (missing(one) || missing(other)) return missing(one) - missing(other);
  return numeric ? valueOf(one) - valueOf(other) : one.localeCompare(other, "en", { numeric: true });
}
for (const table of document.querySelectorAll(".sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = "⇅";
    button.setAttribute("aria-label", `sort by ${heading.textContent}`);
    heading.append(" ", button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      const text = (row) => row.cells[column].textContent;
      const rows = [...body.rows];
      const numeric = rows.every((row) => missing(text(row)) || valueOf(text(row)) !== null);
      for (const each of headings) each.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      for (const each of headings) each.querySelector(".sort").textContent = each === heading ? (down ? "↓" : "↑") : "⇅";
      rows.sort((one, other) => {
        const [first, second] = [text(one), text(other)];
        const order = compareCells(first, second, numeric);
        return down && !missing(first) && !missing(second) ? -order : order;
      });
      body.append(...rows);
    });
  });
}

// Sentences of marks: Escape hides the one that is shown.
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.activeElement?.classList.contains("mark")) document.activeElement.blur();
});

// Cards: a slider through the sample grids of all of its seeds.
for (const card of document.querySelectorAll(".card")) {
  const slider = card.querySelector("input[type=range]");
  if (!slider) continue;
  const steps = JSON.parse(slider.dataset.steps);
  const show = () => {
    card.querySelector("output").textContent = steps[slider.value].toLocaleString("en");
    for (const frames of card.querySelectorAll(".frames"))
      [...frames.children].forEach((frame, place) => frame.classList.toggle("now", place === Number(slider.value)));
  };
  slider.addEventListener("input", show);
  const play = card.querySelector(".play");
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; play.textContent = "play"; };
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    show();
    play.textContent = "stop";
    timer = setInterval(() => {
      slider.value = Number(slider.value) + 1;
      show();
      if (slider.value === slider.max) stop();
    }, 700);
  });
}

// Figures: the nearest point says which seed it is, and its value.
const tip = document.getElementById("tip");
const NEAR = 14; // pixels
const numeral = (value) => value === null ? "–" : Number(value.toPrecision(4)).toLocaleString("en", { maximumSignificantDigits: 4 });
function pointsOf(svg) {
  const found = [];
  for (const group of svg.querySelectorAll("[data-words]")) {
    const values = JSON.parse(group.dataset.points);
    const path = group.querySelector(":scope > path");
    const places = path
      ? [...path.getAttribute("d").matchAll(/[ML] (\S+) (\S+)/g)].map((each) => [Number(each[1]), Number(each[2])])
      : [...group.querySelectorAll("use")].map((use) => [Number(use.getAttribute("x")), Number(use.getAttribute("y"))]);
    places.forEach((place, number) => {
      // A line in steps has more corners than points.
      const nearest = places.length > 1 ? Math.round(number * (values.length - 1) / (places.length - 1)) : 0;
      found.push({ group, place, value: values[nearest] });
    });
  }
  return found;
}
const known = new WeakMap();
let lit = null;
function leave() {
  lit?.classList.remove("lit");
  lit = null;
  tip.hidden = true;
}
for (const svg of document.querySelectorAll(".figures svg")) {
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointermove", (event) => {
    if (!known.has(svg)) known.set(svg, pointsOf(svg));
    const matrix = svg.getScreenCTM();
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    let best = null, distance = NEAR / matrix.a;
    for (const point of known.get(svg)) {
      const away = Math.hypot(point.place[0] - at.x, point.place[1] - at.y);
      if (away < distance && getComputedStyle(point.group).display !== "none") { best = point; distance = away; }
    }
    leave();
    if (!best) return;
    lit = best.group;
    lit.classList.add("lit");
    const [first, second] = best.value;
    tip.textContent = `${lit.dataset.words}: ${second === undefined ? numeral(first) : `${numeral(second)} at ${numeral(first)}`}`;
    tip.hidden = false;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.max(event.clientY - 36, 4)}px`;
  });
}

// On paper everything is open.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
