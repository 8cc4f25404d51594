"""Scenes of water and weather: a storm, a lake, a pond, snow."""

from __future__ import annotations

import math

import numpy as np
from brush import HEIGHT, WIDTH, Sheet, color, glow, grid, lean, mix, noise, paint, ramp, shade, step
from PIL import Image

ASPECT = HEIGHT / WIDTH
STORM_LEAN = 14.0  # degrees
DUSK = np.array([0.62, 0.57, 0.51], np.float32)


def storm_at_sea(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon = 0.46
    swirl, clouds = noise(rng, 3, octaves=3), noise(rng, 6, octaves=5, stretch=1.6)
    gleam = glow(x, y, 0.66, 0.36, 0.20)
    sky = ramp(
        np.clip(0.34 + 0.26 * clouds + 0.16 * swirl + 0.62 * gleam - 0.25 * (0.3 - y), 0, 1),
        (0, "#0d141d"), (0.3, "#26333f"), (0.55, "#4c5a64"), (0.78, "#93987f"), (1, "#f0e2b0"),
    )  # fmt: skip
    flow = 0.9 * swirl + 1.1 * np.cos(5 * x + 2 * swirl) * (0.5 - y)
    picture = sky
    # waves: rows of crests, larger and steeper towards us
    for row in range(11):
        t = row / 10
        base = horizon + 0.02 + 0.62 * t**1.5
        size = 0.012 + 0.085 * t
        lift = noise(rng, 3 + 5 * (1 - t), octaves=3)[HEIGHT // 2][None, :]
        phase = rng.uniform(0, 6.3)
        sharp = np.abs(np.sin(x * (22 - 16 * t) + phase + 1.5 * lift)) ** 0.75
        crest = base - size * (1.25 - sharp * 1.25) * (0.7 + 0.6 * lift) - size * 0.4 * lift
        depth = (y - crest) / (size * 2.4)
        water = ramp(
            np.clip(0.9 - depth + 0.22 * noise(rng, 14, octaves=3, stretch=2), 0, 1),
            (0, "#0b1a22"), (0.4, "#173541"), (0.72, "#2f5d63"), (0.9, "#6f9a90"), (1, "#b9cbbb"),
        )  # fmt: skip
        water = mix(water, color("#d9d2a4"), 0.35 * gleam * (1 - t))
        foam = step(-np.abs(depth - 0.05) + 0.10 * noise(rng, 30, octaves=3), 0.0, 0.06) * step(
            lift + 0 * x, -0.15, 0.5
        )
        picture = mix(picture, mix(water, color("#e9eee6"), foam * (0.45 + 0.5 * t)), step(y, crest, 0.006))
        slope = np.gradient(crest, axis=1) * HEIGHT
        flow = np.where(y > crest, np.arctan(slope) + 0.25 * swirl, flow)
    spray = step(noise(rng, 90, octaves=2), 1.5, 0.3) * step(y, horizon + 0.08, 0.2) * 0.7
    picture = mix(picture, color("#f2f4ec"), spray)
    sheet = Sheet(picture)
    tilt = -0.30

    def at(px: float, py: float) -> tuple[float, float]:
        c, s = math.cos(tilt), math.sin(tilt)
        return 0.385 + (px * c - py * s) * 0.085, 0.535 + (px * s + py * c) * 0.085 / ASPECT

    for mast, high in ((-0.45, -1.35), (0.25, -1.7)):
        sheet.line([at(mast, 0), at(mast + 0.05, high)], "#15110f", 3)
        sheet.shape([at(mast + 0.05, high + 0.15), at(mast + 0.62, -0.35), at(mast + 0.02, -0.3)], "#cfc7ac")
        sheet.shape([at(mast - 0.02, high + 0.35), at(mast - 0.42, -0.3), at(mast - 0.02, -0.28)], "#8d8a7a")
    sheet.shape([at(-1.1, -0.22), at(1.15, -0.3), at(0.85, 0.18), at(-0.8, 0.2)], "#1c1411")
    sheet.line([at(-1.05, -0.14), at(1.1, -0.22)], "#7a4a2c", 2.5)
    points = [(0.815, 0.02)]
    while points[-1][1] < horizon - 0.03:
        points.append((points[-1][0] + rng.normal(-0.002, 0.016), points[-1][1] + rng.uniform(0.025, 0.05)))
    sheet.line(points, "#fdf6d8", 2.6)
    sheet.line(
        [points[4], (points[4][0] + 0.03, points[4][1] + 0.06), (points[4][0] + 0.042, points[4][1] + 0.13)],
        "#f3e9c4",
        1.6,
    )
    picture = sheet.picture()
    picture = mix(picture, color("#f6edc8"), 0.30 * glow(x, y, 0.80, 0.2, 0.06))
    # we are at sea ourselves: nothing is level
    picture, flow = lean(picture, np.broadcast_to(flow, (HEIGHT, WIDTH)), STORM_LEAN)
    focus = 1 + 2.2 * glow(x, y, 0.36, 0.52, 0.13) + 1.2 * glow(x, y, 0.88, 0.15, 0.09)
    return paint(picture, flow, rng, focus=focus, ground="#26323a", thickness=0.75)


def lake_at_dawn(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    shore = 0.50
    light = ramp(
        np.clip(y / shore, 0, 1), (0, "#8fb2cf"), (0.35, "#c3cfda"), (0.65, "#f2d9c4"), (0.9, "#f8c9a0"), (1, "#f6b98b")
    )
    light = mix(light, color("#fff3d6"), 0.85 * glow(x, y, 0.60, 0.44, 0.10))
    thin = noise(rng, 3, octaves=4, stretch=2.86)
    light = mix(light, color("#f7e3df"), 0.45 * step(thin, 0.35, 0.9) * step(-y, -0.40, 0.3))
    picture = light
    for index, (height, tone, cells) in enumerate(
        ((0.30, "#a9a8c4", 3), (0.20, "#8792b2", 4), (0.11, "#62799a", 6), (0.045, "#3f6072", 11))
    ):
        ridge = shore - height * (0.55 + 0.42 * noise(rng, cells, octaves=4)[10 + 90 * index][None, :])
        mist = np.clip((y - ridge) / max(height, 0.05), 0, 1) ** 1.5
        picture = mix(picture, mix(color(tone), color("#f3d8c6"), 0.62 * mist), step(y, ridge, 0.006))
    # the water mirrors what is above, a little darker, broken by level ripples
    rows = np.arange(HEIGHT)
    line = int(shore * HEIGHT)
    ripple = noise(rng, 46, octaves=3, stretch=10) * np.clip((y - shore) * 26, 0.5, 9)
    source = np.clip(2 * line - rows[:, None] + ripple, 0, line - 1).astype(int)
    mirrored = picture[source, np.broadcast_to(np.arange(WIDTH), source.shape)]
    water = mix(
        mirrored,
        ramp((y - shore) / (1 - shore), (0, "#f0d9cc"), (1, "#6d93b0")),
        0.22 + 0.35 * np.clip(y - shore, 0, 1),
    )
    glints = step(noise(rng, 70, octaves=2, stretch=7.14), 0.75, 0.4) * glow(x, y, 0.60, 0.66, 0.13)
    water = mix(water, color("#fff4da"), 0.85 * glints)
    picture = np.where((y > shore)[..., None], water, picture)
    picture = mix(picture, color("#fbeadd"), 0.5 * np.exp(-(((y - shore) / 0.022) ** 2)))
    sheet = Sheet(picture)
    boat = 0.665
    sheet.shape([(0.255, boat), (0.375, boat - 0.004), (0.358, boat + 0.024), (0.272, boat + 0.025)], "#3b4450")
    sheet.shape([(0.262, boat + 0.029), (0.366, boat + 0.029), (0.352, boat + 0.048), (0.276, boat + 0.048)], "#7e8b98")
    sheet.disc(0.318, boat - 0.052, 0.0065, "#39424e")
    sheet.shape([(0.309, boat - 0.002), (0.312, boat - 0.042), (0.325, boat - 0.042), (0.329, boat - 0.002)], "#4a4a55")
    sheet.line([(0.300, boat - 0.018), (0.362, boat + 0.05)], "#55606a", 1.8)
    for _ in range(95):  # reeds in the near corner
        foot = 1.0 - abs(rng.normal(0, 0.11))
        tall = rng.uniform(0.12, 0.42) * (0.5 + foot) * 0.8
        lean = rng.normal(0.012, 0.02)
        if foot < 0.78:
            continue
        points = [(foot + lean * t * t, 1.02 - tall * t) for t in np.linspace(0, 1, 6)]
        sheet.line(points, shade("#3c5a4c", rng, 0.06), rng.uniform(1.4, 3.2))
        if rng.random() < 0.2:
            sheet.line(points[-2:], "#5b4636", 6)
    focus = (
        0.85
        + 0.7 * np.exp(-(((y - 0.42) / 0.13) ** 2))
        + 2.5 * glow(x, y, 0.315, 0.65, 0.07)
        + 1.6 * step(x, 0.82, 0.1) * step(y, 0.5, 0.3)
    )
    flow = np.where(y < shore, 0.18 * thin, 0.02 * thin)
    flow = np.where((x > 0.84) & (y > 0.6), flow + 1.35 * step(x, 0.9, 0.1), flow)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#d9c7bb", thickness=0.3)


def water_lilies(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    depth = noise(rng, 3, octaves=4, stretch=2)
    picture = ramp(
        np.clip(0.48 + 0.30 * depth + 0.16 * noise(rng, 9, stretch=4) - 0.25 * (y - 0.5), 0, 1),
        (0, "#1f5a66"),
        (0.3, "#357f86"),
        (0.55, "#5aa39a"),
        (0.75, "#8fc6b6"),
        (1, "#d3e6d8"),
    )
    willow = step(
        np.sin(x * 60 + 4 * noise(rng, 6, stretch=0.33)) * 0.4 + noise(rng, 5, stretch=0.33), 0.35, 0.7
    ) * step(-np.abs(x - 0.12), -0.16, 0.2)
    picture = mix(picture, color("#3f7d4a"), 0.6 * willow)
    rosy = step(noise(rng, 3, octaves=3, stretch=2.5), 0.35, 0.8)
    picture = mix(picture, color("#c9a9d4"), 0.42 * rosy)
    picture = mix(picture, color("#fbe2c0"), 0.55 * glow(x, y, 0.64, 0.22, 0.17))
    sheet = Sheet(picture)
    pads = []
    for cluster in range(15):
        t = (cluster + rng.random()) / 15
        py = 0.12 + 0.86 * t
        px = rng.uniform(0.02, 0.98)
        for _ in range(int(rng.integers(5, 10))):
            pads.append((py + rng.normal(0, 0.020 + 0.02 * t), px + rng.normal(0, 0.05 + 0.06 * t)))
    for py, px in sorted(pads):
        size = 0.012 + 0.042 * np.clip(py, 0, 1) ** 1.3
        flat = 0.36
        sheet.disc(px + 0.004, py + 0.010, size, "#1c4a50", size * flat)
        sheet.disc(px, py, size, shade("#4f9450", rng, 0.07), size * flat)
        sheet.disc(px - size * 0.15, py - size * 0.12, size * 0.66, shade("#86bb63", rng, 0.06), size * flat * 0.55)
        if rng.random() < 0.34:
            tone = str(rng.choice(["#f6b3c9", "#fbe9ee", "#f28aae", "#fff6dd"]))
            for ring, reach in ((0, 0.62), (1, 0.42)):
                for k in range(9):
                    a = 6.283 * (k + 0.5 * ring) / 9
                    tip = (
                        px + size * reach * math.cos(a),
                        py - 0.012 - 0.006 * ring + size * reach * 0.62 * (math.sin(a) - 0.7),
                    )
                    side = 0.16 * size
                    sheet.shape([(px - side, py - 0.008), tip, (px + side, py - 0.012)], shade(tone, rng, 0.05))
            sheet.disc(px, py - 0.018, size * 0.13, "#f7c93a")
    flow = np.where(willow > 0.5, 1.5, 0.05 + 0.22 * depth)
    return paint(sheet.picture(), flow, rng, focus=1.1 + 0 * x, ground="#5f9a92", thickness=0.6)


def winter_solitude(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon = 0.57
    haze = noise(rng, 3, octaves=4, stretch=2)
    picture = ramp(
        np.clip(y / horizon + 0.06 * haze, 0, 1), (0, "#8b97a6"), (0.5, "#a9b3bd"), (0.85, "#c7ccd0"), (1, "#d5d6d4")
    )
    woods = horizon - 0.035 * np.clip(0.6 + 0.7 * noise(rng, 24, octaves=3)[40][None, :], 0.1, 2) * step(
        np.abs(x - 0.30), 0.12, 0.3
    )
    picture = mix(picture, color("#8d99a5"), 0.75 * step(y, woods, 0.01))
    drift = noise(rng, 3, octaves=3, stretch=2.5)
    ground = horizon + 0.018 * noise(rng, 2, octaves=2)[5][None, :]
    snow = ramp(
        np.clip(0.62 + 0.26 * drift - 0.30 * (y - horizon) + 0.08 * noise(rng, 18, stretch=3.33), 0, 1),
        (0, "#8596ab"),
        (0.45, "#b4c0cd"),
        (0.8, "#dde2e6"),
        (1, "#f1f2f1"),
    )
    picture = mix(picture, snow, step(y, ground, 0.008))
    sheet = Sheet(picture)
    foot, base = 0.69, 0.70
    shadow = [(foot - 0.01, base), (foot + 0.012, base), (foot + 0.25, base + 0.085), (foot + 0.23, base + 0.09)]
    sheet.shape(shadow, "#a3b0c0")

    def branch(px: float, py: float, angle: float, long: float, wide: float, depth: int) -> None:
        points = [(px, py)]
        for _ in range(4):
            angle += rng.normal(0, 0.13)
            px, py = px + long / 4 * math.cos(angle), py - long / 4 * math.sin(angle) / ASPECT
            points.append((px, py))
        sheet.line(points, shade("#2c2a2d", rng, 0.015), wide)
        if wide > 3:
            sheet.line([(a - wide * 0.0003, b - 0.002) for a, b in points], "#4b4a4e", wide * 0.35)
        if depth:
            for _ in range(3 if depth > 2 else 2):
                k = rng.integers(2, 5)
                branch(*points[k], angle + rng.normal(0, 0.62), long * rng.uniform(0.58, 0.80), wide * 0.60, depth - 1)
            branch(*points[-1], angle + rng.normal(0, 0.2), long * 0.74, wide * 0.66, depth - 1)

    branch(foot, base, 1.62, 0.115, 13, 5)
    walker = 0.285, 0.765
    for k in range(22):  # footsteps leading up to a small figure
        t = k / 21
        sx = walker[0] + 0.008 + (0.12 + 0.03 * math.sin(5 * t)) * t**1.3
        sheet.disc(
            sx + 0.004 * (-1) ** k * (0.4 + t),
            walker[1] + 0.24 * t**1.25,
            0.0024 + 0.0036 * t,
            "#7286a0",
            0.0010 + 0.0016 * t,
        )
    wx, wy = walker
    sheet.shape(
        [(wx + 0.004, wy), (wx + 0.07, wy + 0.024), (wx + 0.062, wy + 0.03), (wx - 0.004, wy + 0.005)], "#a3b0c0"
    )
    sheet.shape(
        [(wx - 0.010, wy - 0.010), (wx - 0.007, wy - 0.060), (wx + 0.006, wy - 0.060), (wx + 0.010, wy - 0.010)],
        "#3a3238",
    )
    sheet.line([(wx - 0.004, wy - 0.015), (wx - 0.005, wy + 0.003)], "#29262b", 3)
    sheet.line([(wx + 0.004, wy - 0.015), (wx + 0.005, wy + 0.003)], "#29262b", 3)
    sheet.disc(wx, wy - 0.067, 0.0055, "#5a4a46")
    sheet.line([(wx - 0.006, wy - 0.052), (wx + 0.007, wy - 0.050)], "#7c3d3a", 3)
    flakes = step(noise(rng, 200, octaves=1), 1.9, 0.4)
    picture = mix(sheet.picture(soft=0.6), color("#f4f5f6"), 0.55 * flakes)
    picture = picture * DUSK
    flow = np.where(y < horizon, 0.10 + 0.35 * haze, 0.30 * drift)
    near_tree = glow(x, y, foot + 0.01, 0.46, 0.17)
    flow = np.where((picture.mean(axis=2) < 0.23) & (y < base), 1.45, flow)
    return paint(
        picture,
        flow,
        rng,
        focus=0.8 + 2.0 * near_tree + 3 * glow(x, y, wx, wy - 0.02, 0.05) + 1.2 * glow(x, y, 0.35, 0.88, 0.11),
        ground="#6f6a63",
        thickness=0.3,
    )
