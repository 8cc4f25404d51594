// Light, dark, or as the system has it; and the language, which the server fills the page in.

import { $ } from "./place.js";
import { roll } from "./result.js";
import { t } from "./words.js";

const THEMES = { "": "theme_system", light: "theme_light", dark: "theme_dark" };
function colours(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  localStorage.setItem("klangbild-theme", theme);
  $("theme").setAttribute("aria-label", t(THEMES[theme]));
  roll.draw();
  document.dispatchEvent(new Event("colours"));
}
const order = Object.keys(THEMES);
$("theme").addEventListener("click", () => {
  const now = localStorage.getItem("klangbild-theme") || "";
  colours(order[(order.indexOf(now) + 1) % order.length]);
});
colours(localStorage.getItem("klangbild-theme") || "");

$("language").addEventListener("change", (event) => {
  document.cookie = `klangbild-language=${event.target.value}; path=/; max-age=31536000; samesite=lax`;
  location.reload();
});
