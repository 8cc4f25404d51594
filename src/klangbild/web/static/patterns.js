// How a family looks on the roll: its colour, and a pattern for those who do not tell colours apart.

const KINDS = ["solid", "up", "dots", "level", "down", "upright", "cross"];

function mixed(hex, other, share) {
  const parts = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
  return `rgb(${parts.map((part, i) => Math.round(part * (1 - share) + other[i] * share)).join(",")})`;
}

const looks = new Map();

// {tile, edge, fill} of a lane: a small canvas to be repeated, the colour of its lines, and of its ground
export function look(lane, index, dark) {
  const key = `${lane.colour} ${index} ${dark}`;
  if (!looks.has(key)) looks.set(key, made(lane, index, dark));
  return looks.get(key);
}

function made(lane, index, dark) {
  const fill = dark ? mixed(lane.colour, [255, 255, 255], 0.35) : lane.colour;
  const edge = dark ? mixed(lane.colour, [255, 255, 255], 0.6) : mixed(lane.colour, [0, 0, 0], 0.35);
  return { fill, edge, tile: tiled(KINDS[index % KINDS.length], fill, edge) };
}

function tiled(kind, fill, edge) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const c = tile.getContext("2d");
  c.fillStyle = fill;
  c.fillRect(0, 0, 8, 8);
  c.strokeStyle = c.fillStyle = edge;
  c.lineWidth = 1.4;
  const draw = (...points) => {
    c.beginPath();
    for (let i = 0; i < points.length; i += 4) {
      c.moveTo(points[i], points[i + 1]);
      c.lineTo(points[i + 2], points[i + 3]);
    }
    c.stroke();
  };
  if (kind === "up") draw(-1, 9, 9, -1, -1, 1, 1, -1, 7, 9, 9, 7);
  else if (kind === "down") draw(-1, -1, 9, 9, 7, -1, 9, 1, -1, 7, 1, 9);
  else if (kind === "level") draw(0, 2, 8, 2, 0, 6, 8, 6);
  else if (kind === "upright") draw(2, 0, 2, 8, 6, 0, 6, 8);
  else if (kind === "cross") draw(0, 4, 8, 4, 4, 0, 4, 8);
  else if (kind === "dots") {
    c.beginPath();
    c.arc(2, 2, 1.2, 0, 7);
    c.arc(6, 6, 1.2, 0, 7);
    c.fill();
  }
  return tile;
}
