// Places of the page by their id, and what is said aloud to those who cannot see it.

export const $ = (id) => document.getElementById(id);
export const live = (words) => ($("live").textContent = words);
