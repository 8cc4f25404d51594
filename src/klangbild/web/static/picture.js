// The picture: dropped, pasted, chosen or fetched, and shown. Several at once wait behind the first.

import { post } from "./api.js";
import { withoutOurs } from "./dropped.js";
import { fields } from "./fields.js";
import { forget, mood, read, unheard, wordsAndReader } from "./mood.js";
import { $, live } from "./place.js";
import { list } from "./result.js";
import { t } from "./words.js";

const MOST = 20; // pictures at once

// file: the picture as it was given; more: those that wait behind it
export const given = {
  file: null,
  more: [],
  clear() {
    this.more = [];
    queue();
  },
};

export async function take(file) {
  fields.clear();
  // a file that is no picture must not cost the one that was there
  const before = { file: given.file, picture: mood.picture, url: $("preview").src, alt: $("alt").value, shown: !$("preview").hidden };
  const marked = document.querySelector(".example[aria-current]");
  marked?.removeAttribute("aria-current");
  forget();
  unheard();
  const url = URL.createObjectURL(file);
  preview(url);
  $("alt").value = "";
  const request = () => post("/v1/emotion", wordsAndReader(), { picture: file }, sending);
  sending(0);
  const good = await read(request, "picture");
  if (good !== undefined) sending(null);
  if (good === false) {
    URL.revokeObjectURL(url);
    if (!before.shown) return noPicture();
    mood.picture = before.picture;
    $("alt").value = before.alt;
    marked?.setAttribute("aria-current", "true");
    preview(before.url);
    return undefined;
  }
  if (good) given.file = file;
  return undefined;
}

// the first is seen at once, the others stand behind it
export async function takeAll(files) {
  const [first, ...more] = files.slice(0, MOST);
  given.more = more;
  queue();
  await take(first);
  if (!mood.picture) given.clear();
  else if (more.length) live(t("pictures_wait", { number: more.length + 1 }));
}

function queue() {
  $("queue").hidden = !given.more.length;
  for (const image of $("queue-list").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  list($("queue-list"), given.more, (file, index) => {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = URL.createObjectURL(file);
    image.alt = file.name;
    image.title = file.name;
    const out = document.createElement("button");
    out.type = "button";
    out.className = "quiet";
    out.textContent = "×";
    out.setAttribute("aria-label", t("take_out", { name: file.name }));
    out.addEventListener("click", () => {
      given.more = given.more.filter((_, other) => other !== index);
      queue();
    });
    item.append(image, out);
    return item;
  });
  document.dispatchEvent(new Event("pictures"));
}

// how much of the picture has gone out, 0..1; null: it is there
function sending(share) {
  $("sending").hidden = share === null;
  if (share === null) return;
  $("sending-words").textContent = share < 1 ? t("sending", { percent: Math.round(share * 100) }) : t("looking");
  if (share < 1) $("sending-bar").value = share;
  else $("sending-bar").removeAttribute("value");
}

let kept = ""; // the address that the preview shows, given back when another comes

export function preview(url) {
  const image = $("preview");
  if (kept !== url && kept.startsWith("blob:") && !document.querySelector(`img[src="${kept}"]:not(#preview)`)) stale.push(kept);
  kept = url;
  image.onerror = () => (image.hidden = true);
  image.onload = () => {
    image.hidden = false;
    while (stale.length > 2) URL.revokeObjectURL(stale.shift());
  };
  image.src = url;
  image.alt = t("your_picture");
  $("drop").classList.add("has");
  document.body.dataset.picture = "true";
  $("drop").querySelector(".drop-words span").textContent = t("drop_another");
}
const stale = []; // the last two may be wanted again

export function noPicture() {
  forget();
  given.file = null;
  $("preview").hidden = true;
  $("drop").classList.remove("has");
  $("alt-field").hidden = true;
  delete document.body.dataset.picture;
}

$("file").addEventListener("change", (event) => {
  const files = [...event.target.files];
  if (files.length) takeAll(files);
  event.target.value = "";
});
addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])].filter((one) => one.type.startsWith("image/"));
  if (!files.length) return;
  event.preventDefault();
  takeAll(files);
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
  // the list of files is empty once the event is over
  withoutOurs([...event.dataTransfer.files]).then((files) => files.length && takeAll(files));
});
$("fetch")?.addEventListener("click", async () => {
  fields.clear();
  $("alt").value = "";
  unheard();
  given.file = null;
  await read(() => post("/v1/emotion", { ...wordsAndReader(), picture_url: $("url").value }), "picture");
  if (mood.picture) preview(`/v1/pictures/${mood.picture.id}`);
});
$("alt").addEventListener("input", () => ($("preview").alt = $("alt").value || t("your_picture")));
