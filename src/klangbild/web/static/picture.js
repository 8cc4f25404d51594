// The picture: dropped, pasted, chosen or fetched, and shown.

import { post } from "./api.js";
import { fields } from "./fields.js";
import { forget, mood, read, unheard, wordsAndReader } from "./mood.js";
import { $ } from "./place.js";
import { t } from "./words.js";

export async function take(file) {
  fields.clear();
  for (const card of document.querySelectorAll(".example")) card.removeAttribute("aria-current");
  forget();
  unheard();
  preview(URL.createObjectURL(file));
  $("alt").value = "";
  if ((await read(() => post("/v1/emotion", wordsAndReader(), { picture: file }), "picture")) === false) noPicture();
}

export function preview(url) {
  const image = $("preview");
  if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
  image.onerror = () => (image.hidden = true);
  image.onload = () => (image.hidden = false);
  image.src = url;
  image.alt = t("your_picture");
  $("drop").classList.add("has");
  $("drop").querySelector(".drop-words span").textContent = t("drop_another");
}

export function noPicture() {
  forget();
  $("preview").hidden = true;
  $("drop").classList.remove("has");
  $("alt-field").hidden = true;
}

$("file").addEventListener("change", (event) => event.target.files[0] && take(event.target.files[0]));
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
  if (file) {
    event.preventDefault();
    take(file);
  }
});
for (const name of ["dragenter", "dragover"])
  addEventListener(name, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    $("drop").classList.add("over");
  });
addEventListener("dragleave", (event) => event.relatedTarget || $("drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) take(file);
});
$("fetch")?.addEventListener("click", async () => {
  fields.clear();
  $("alt").value = "";
  unheard();
  await read(() => post("/v1/emotion", { ...wordsAndReader(), picture_url: $("url").value }), "picture");
  if (mood.picture) preview(`/v1/pictures/${mood.picture.id}`);
});
$("alt").addEventListener("input", () => ($("preview").alt = $("alt").value || t("your_picture")));
