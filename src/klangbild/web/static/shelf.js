// The visitor's own shelf: pieces with their records, MIDI files and pictures, kept in this browser (IndexedDB) and nowhere else. A
// browser that keeps nothing (a private window) has one that lasts as long as the page.

const NAME = "klangbild";
const PIECES = "pieces";
const passing = new Map();

const opened = new Promise((resolve) => {
  let request;
  try {
    request = indexedDB.open(NAME, 1);
  } catch {
    resolve(null);
    return;
  }
  request.onupgradeneeded = () => request.result.createObjectStore(PIECES, { keyPath: "id" });
  request.onsuccess = () => resolve(request.result);
  request.onerror = request.onblocked = () => resolve(null);
});

async function store(mode, act) {
  const base = await opened;
  if (!base) return undefined;
  return new Promise((resolve, reject) => {
    const request = act(base.transaction(PIECES, mode).objectStore(PIECES));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// a piece: {id, created, status, seed, wishes, point, alt, picture_id, picture: Blob, thumbnail: Blob, record, source (the record as text),
// roll, midi: Blob, command, python, title, star}; all of them, the newest first
export async function pieces() {
  const found = (await store("readonly", (all) => all.getAll()).catch(() => null)) ?? [...passing.values()];
  return found.sort((a, b) => b.created - a.created);
}

export async function keep(piece) {
  passing.set(piece.id, piece);
  // a full disk must not cost the music that is on the page
  await store("readwrite", (all) => all.put(piece)).catch(() => null);
}

export async function drop(id) {
  passing.delete(id);
  await store("readwrite", (all) => all.delete(id)).catch(() => null);
}
