// What the page knows when it opens, and its words: they stand in texts.py, none here.

export const known = JSON.parse(document.getElementById("data").textContent);

// the words by name, {places} in them filled in
export function t(name, values = {}) {
  return known.words[name].replace(/\{(\w+)\}/g, (_, place) => values[place]);
}

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);
