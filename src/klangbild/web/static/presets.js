// Settings that go out as a file and come back, or back to their defaults.

import { ask } from "./api.js";
import { fields } from "./fields.js";
import { pad } from "./mood.js";
import { $, live } from "./place.js";
import { t } from "./words.js";

$("reset").addEventListener("click", () => {
  fields.clear();
  fields.write({});
  if (pad.predicted) pad.reset();
  else pad.moved = false;
  live(t("defaults"));
});
$("preset-save").addEventListener("click", () => {
  const values = fields.values();
  if (pad.moved) Object.assign(values, pad.point);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(values, null, 2)], { type: "application/json" }));
  link.download = "klangbild-settings.json";
  link.click();
  URL.revokeObjectURL(link.href);
});
$("preset-load").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  fields.clear();
  try {
    const body = await file.text();
    const values = await ask("/v1/settings", { method: "POST", headers: { "content-type": "application/json" }, body });
    fields.write(values);
    if (Number.isFinite(values.valence) || Number.isFinite(values.arousal))
      pad.move({ valence: values.valence ?? pad.point.valence, arousal: values.arousal ?? pad.point.arousal });
    live(t("loaded"));
  } catch (error) {
    fields.complain(error, "e-preset");
  }
});
