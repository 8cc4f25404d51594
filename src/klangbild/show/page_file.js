"use strict";
(() => {
  const audio = document.querySelector("audio"), svg = document.querySelector("svg");
  if (!svg) return;
  const track = document.querySelector(".track"), box = svg.viewBox.baseVal, per = box.width / Number(svg.dataset.seconds);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const path = (className, like) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
    made.setAttribute("class", className);
    if (like) made.setAttribute("stroke-width", like.getAttribute("stroke-width"));
    return svg.appendChild(made);
  };
  // the drawn lines are the notes: begin, height, length
  const families = new Map();
  for (const drawn of svg.querySelectorAll("path:not(.bars)")) {
    const name = drawn.getAttribute("class").split(" ")[0];
    if (!families.has(name)) families.set(name, { notes: [], like: drawn, name: document.querySelector(`.players .${name}`) });
    for (const [, x, y, wide] of drawn.getAttribute("d").matchAll(/M([\d.]+) ([\d.]+)h([\d.]+)/g)) families.get(name).notes.push([+x, +y, +wide]);
  }
  for (const family of families.values()) family.lit = path("lit", family.like);
  const cursor = path("cursor");
  const draw = () => {
    const x = audio.currentTime * per;
    cursor.setAttribute("d", `M${x.toFixed(1)} 0v${box.height}`);
    for (const { notes, lit, name } of families.values()) {
      const sounding = audio.paused ? [] : notes.filter(([at, , wide]) => at <= x && x < at + wide);
      lit.setAttribute("d", sounding.map(([at, y, wide]) => `M${at} ${y}h${wide}`).join(""));
      name.classList.toggle("sounds", sounding.length > 0);
    }
    const shown = x / box.width * svg.clientWidth;
    if (!audio.paused && (shown < track.scrollLeft || shown > track.scrollLeft + track.clientWidth * 0.9)) {
      track.scrollTo({ left: shown - track.clientWidth * 0.15, behavior: still.matches ? "auto" : "smooth" });
    }
  };
  const run = () => { draw(); if (!audio.paused) requestAnimationFrame(run); };
  audio.addEventListener("play", run);
  for (const event of ["pause", "seeked", "ended"]) audio.addEventListener(event, draw);
  svg.addEventListener("click", (event) => {
    const place = svg.getBoundingClientRect();
    audio.currentTime = (event.clientX - place.left) / place.width * Number(svg.dataset.seconds);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target === document.body) { event.preventDefault(); audio.paused ? audio.play() : audio.pause(); }
  });
  draw();
})();
