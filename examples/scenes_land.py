"""Scenes of fields, forests and roads."""

from __future__ import annotations

import math

import numpy as np
from brush import HEIGHT, WIDTH, Sheet, color, glow, grid, mix, noise, paint, ramp, shade, step
from PIL import Image

ASPECT = HEIGHT / WIDTH


def sunflower_field(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon = 0.36
    clouds = noise(rng, 4, octaves=5, stretch=1.4)
    sky = ramp(y / horizon, (0, "#1f78c8"), (0.6, "#63b4e6"), (1, "#cfeaf2"))
    sky = mix(sky, color("#fffdf2"), 0.95 * step(clouds + 0.8 * (y / horizon - 0.5), 0.38, 0.6))
    sky = mix(sky, color("#fff2b0"), 0.9 * glow(x, y, 0.80, 0.10, 0.075))
    hills = horizon - 0.045 * (0.6 + 0.6 * noise(rng, 3, octaves=3)[20][None, :])
    picture = mix(sky, mix(color("#3f7f5a"), color("#7fae5e"), step(noise(rng, 8), 0, 1)), step(y, hills, 0.008))
    depth = np.clip((y - horizon) / (1 - horizon), 0, 1)
    rows = np.sin((x - 0.5) / (0.06 + depth) * 12)
    field = ramp(
        np.clip(0.5 + 0.35 * rows + 0.3 * noise(rng, 30), 0, 1),
        (0, "#244d1a"),
        (0.5, "#4b7a22"),
        (0.8, "#7d9a24"),
        (1, "#d9b21c"),
    )
    field = mix(
        ramp(np.clip(0.5 + 0.4 * noise(rng, 60, octaves=2, stretch=2), 0, 1), (0, "#c99a14"), (1, "#f4cf3a")),
        field,
        step(depth, 0.10, 0.2),
    )
    picture = mix(picture, field, step(y, horizon, 0.008))
    sheet = Sheet(picture)
    flowers = []
    for _ in range(250):
        near = rng.random() ** 1.7
        flowers.append((horizon + 0.05 + 0.62 * near, rng.uniform(-0.04, 1.04), near))
    flowers += [(0.80, 0.16, 1.25), (0.72, 0.46, 1.05), (0.86, 0.74, 1.35), (0.66, 0.90, 0.95)]
    for fy, fx, near in sorted(flowers):
        radius = 0.006 + 0.060 * near**1.6
        if near > 0.25:
            stem = [(fx, fy), (fx + 0.012 * near, fy + 0.09 + 0.2 * near), (fx + 0.008, fy + 0.5 * near + 0.1)]
            sheet.line(stem, shade("#3f7423", rng, 0.03), 1.5 + 6 * near)
            for side in (-1, 1):
                lx, ly = fx + 0.008, fy + 0.10 + 0.17 * near
                tip = lx + side * 0.085 * near, ly - 0.03 + 0.06 * rng.random()
                sheet.shape(
                    [
                        (lx, ly),
                        (lx + side * 0.045 * near, ly - 0.075 * near),
                        tip,
                        (lx + side * 0.03 * near, ly + 0.05 * near),
                    ],
                    shade("#4f8a2a", rng, 0.06),
                )
        petals = max(7, int(10 + 16 * near))
        turn = rng.uniform(0, 6.3)
        for ring, (reach, tone) in enumerate(((1.08, "#c9780a"), (0.90, "#ffd02a"))):
            for k in range(petals):
                angle = turn + 6.283 * (k + 0.5 * ring) / petals + rng.normal(0, 0.06)
                out = radius * reach * rng.uniform(0.88, 1.1)
                half = 2.4 / petals
                tip = (fx + out * math.cos(angle), fy + out * math.sin(angle) / ASPECT * 0.94)
                sides = [
                    (fx + 0.62 * out * math.cos(angle + s), fy + 0.62 * out * math.sin(angle + s) / ASPECT * 0.94)
                    for s in (-half, half)
                ]
                sheet.shape([(fx, fy), sides[0], tip, sides[1]], shade(tone, rng, 0.055))
        sheet.disc(fx, fy, radius * 0.44, shade("#4a2a12", rng, 0.02), radius * 0.42)
        sheet.disc(fx - radius * 0.05, fy - radius * 0.08, radius * 0.27, shade("#7a4a1c", rng, 0.03))
    cloud_flow = 0.6 * noise(rng, 3)
    flow = np.where(y < horizon, cloud_flow, 1.57 - (x - 0.5) * 1.2 + 0.7 * noise(rng, 12))
    focus = 0.9 + 1.1 * step(y, 0.45, 0.3)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#c89a2a", thickness=0.7)


def burning_forest(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    rise = noise(rng, 4, octaves=4, stretch=0.6)
    warped = noise(rng, 7, octaves=5, stretch=0.5)
    heat = np.clip(0.30 + 0.75 * (y - 0.25) + 0.28 * rise + 0.22 * warped + 0.35 * glow(x, y, 0.58, 0.72, 0.3), 0, 1)
    picture = ramp(
        heat,
        (0, "#120a0c"),
        (0.22, "#2d1413"),
        (0.42, "#6e1c10"),
        (0.58, "#b9320c"),
        (0.74, "#ee6a0e"),
        (0.88, "#fdb32c"),
        (1, "#fff0a6"),
    )
    smoke = step(noise(rng, 4, octaves=5) - 1.5 * (y - 0.22), 0.2, 1.0)
    picture = mix(picture, mix(color("#2a2226"), color("#5b4640"), step(noise(rng, 7), 0, 1.5)), 0.85 * smoke)
    flames = np.zeros_like(x)
    for _ in range(75):
        cx, foot, tall, wide = rng.random(), rng.uniform(0.72, 1.02), rng.uniform(0.12, 0.42), rng.uniform(0.012, 0.04)
        t = np.clip((foot - y) / tall, 0, 1)
        bend = cx + 0.035 * np.sin(7 * t + 9 * cx) * t + 0.03 * t
        inside = 1 - np.abs(x - bend) / (wide * (1 - t) ** 0.8 * (0.35 + t) * 1.8 + 1e-4)
        flames = np.maximum(flames, np.clip(inside, 0, 1) * ((foot - y) > 0) * ((foot - y) < tall) * (1.15 - 0.5 * t))
    picture = mix(
        picture, ramp(np.clip(flames, 0, 1), (0, "#d8480c"), (0.5, "#ff9a1e"), (1, "#fff6bf")), step(flames, 0.25, 0.4)
    )
    sheet = Sheet(picture)

    def tree(px: float, foot: float, tall: float, wide: float, tone: str) -> None:
        lean = rng.normal(0, 0.03)
        trunk = [(px + lean * t + 0.006 * math.sin(9 * t + px * 40), foot - tall * t) for t in np.linspace(0, 1, 12)]
        left = [(a - wide * (1 - 0.8 * k / 11), b) for k, (a, b) in enumerate(trunk)]
        right = [(a + wide * (1 - 0.8 * k / 11), b) for k, (a, b) in enumerate(trunk)]
        sheet.shape(left + right[::-1], tone)
        for k in range(3, 12):
            if rng.random() < 0.85:
                side, (bx, by) = rng.choice([-1, 1]), trunk[k]
                reach = rng.uniform(0.03, 0.10) * (tall / 0.8)
                mid = (bx + side * reach * 0.55, by - reach * 0.55)
                end = (bx + side * reach, by - reach * rng.uniform(0.9, 1.9))
                sheet.line([(bx, by), mid, end], tone, max(1.2, wide * WIDTH * 0.55))
                sheet.line(
                    [mid, (mid[0] + side * reach * 0.5, mid[1] - reach * 0.2)], tone, max(1.0, wide * WIDTH * 0.3)
                )

    for _ in range(16):
        tree(
            rng.random(),
            rng.uniform(0.74, 0.84),
            rng.uniform(0.45, 0.65),
            rng.uniform(0.003, 0.005),
            shade("#5e1c10", rng, 0.02),
        )
    for px in np.linspace(0.03, 0.97, 9) + rng.normal(0, 0.025, 9):
        tree(
            float(px),
            rng.uniform(0.86, 0.95),
            rng.uniform(0.7, 0.95),
            rng.uniform(0.007, 0.011),
            shade("#26100c", rng, 0.012),
        )
    for px, wide in ((0.115, 0.021), (0.865, 0.024), (0.40, 0.014)):
        tree(px, 1.03, 1.12, wide, "#0f0807")
    sheet.shape(
        [
            (-0.01, 1.01),
            (-0.01, 0.93),
            *[(t, 0.945 + 0.03 * rng.random()) for t in np.linspace(0, 1, 24)],
            (1.01, 1.01),
        ],
        "#160a08",
    )
    for _ in range(170):
        ex, ey = rng.random(), rng.random() ** 1.2
        sheet.disc(ex, ey, rng.uniform(0.0008, 0.0026), rng.choice(["#ffd46a", "#ff8a2a", "#fff0b0"]))
    flow = np.where(y > 0.05, 1.57 + 0.75 * warped + 0.3 * rise, 0.5 * rise)
    flow = np.where(smoke > 0.5, 0.7 * warped - 0.4, flow)
    return paint(sheet.picture(), flow, rng, focus=1 + 0.5 * step(y, 0.3, 0.4), ground="#4a1710", thickness=0.65)


def autumn_rain(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon, vx = 0.52, 0.47
    dusk = ramp(
        np.clip(y / horizon + 0.10 * noise(rng, 4), 0, 1),
        (0, "#39424f"),
        (0.5, "#626a70"),
        (0.85, "#a49b86"),
        (1, "#c9b48c"),
    )
    picture = mix(dusk, color("#f0d9a0"), 0.6 * glow(x, y, vx, 0.49, 0.10))
    picture = np.where((y > horizon)[..., None], mix(color("#4b4a4c"), color("#2d2f36"), (y - horizon) * 2), picture)
    sheet = Sheet(picture)
    leaf = ["#8f3d1c", "#b8641f", "#6b2f1c", "#c98a2c", "#5a4526", "#9a5524"]
    for k in range(8):  # avenue: far trees first
        t = k / 7
        for side in (-1, 1):
            foot = vx + side * (0.030 + 0.56 * t**1.55)
            base, tall, wide = horizon + 0.005 + 0.20 * t**1.5, 0.15 + 0.85 * t**1.2, 2 + 24 * t**1.6
            top = base - tall
            bend = -side * 0.04 * t
            trunk = [(foot + bend * s * s, base - (base - top) * s) for s in np.linspace(0, 1, 8)]
            sheet.line(trunk, shade("#2a2321", rng, 0.015), wide)
            for _ in range(int(60 + 90 * t)):
                s = rng.uniform(0.38, 1.15)
                lx = foot + bend * s * s + rng.normal(0, 0.030 + 0.095 * t)
                ly = base - (base - top) * s + rng.normal(0, 0.02 + 0.05 * t)
                if ly < base - 0.07 * (1 + t):
                    sheet.disc(
                        lx,
                        ly,
                        rng.uniform(0.004, 0.009) + 0.012 * t,
                        shade(str(rng.choice(leaf)), rng, 0.04),
                        rng.uniform(0.003, 0.006) + 0.008 * t,
                    )
    for k in range(5):
        t = k / 4
        px, py = vx + 0.05 + 0.24 * t**1.5, horizon - 0.02 - 0.12 * t
        sheet.line([(px, horizon + 0.04 + 0.12 * t), (px, py)], "#1d1d22", 1.5 + 2 * t)
        sheet.disc(px, py, 0.004 + 0.006 * t, "#ffe2a0")
    picture = sheet.picture()
    for k in range(5):
        t = k / 4
        picture = mix(
            picture,
            color("#ffd98a"),
            0.5 * glow(x, y, vx + 0.05 + 0.24 * t**1.5, horizon - 0.02 - 0.12 * t, 0.02 + 0.022 * t),
        )
    line = int((horizon + 0.02) * HEIGHT)
    rows = np.arange(HEIGHT)[:, None]
    wobble = noise(rng, 34, octaves=3, stretch=5) * np.clip((y - horizon) * 40, 0, 13)
    wet = picture[
        np.clip(line - (rows - line) * 1.05 + wobble, 0, line - 1).astype(int),
        np.clip(np.arange(WIDTH)[None] + wobble * 0.4, 0, WIDTH - 1).astype(int),
    ]
    road = step(-np.abs(x - vx) + 0.04 + 0.95 * np.clip(y - horizon, 0, 1), 0, 0.05)
    verge = ramp(
        np.clip(0.5 + 0.45 * noise(rng, 26, stretch=2), 0, 1), (0, "#3d2a1e"), (0.5, "#7a4a22"), (1, "#b9782e")
    )
    below = np.where(
        (y > horizon + 0.03)[..., None], mix(mix(verge, picture, 0.15), mix(color("#3a3d45"), wet, 0.62), road), picture
    )
    trunks = (picture.mean(axis=2) < 0.22)[..., None] & (y < horizon + 0.21)[..., None]
    picture = np.where(trunks, picture, below)
    sheet = Sheet(picture)
    wx, wy = 0.455, 0.735  # someone with an umbrella, going away
    sheet.shape([(wx - 0.017, wy), (wx - 0.014, wy - 0.095), (wx + 0.014, wy - 0.095), (wx + 0.018, wy)], "#23222a")
    sheet.line([(wx - 0.007, wy), (wx - 0.008, wy + 0.032)], "#17161b", 4)
    sheet.line([(wx + 0.007, wy), (wx + 0.009, wy + 0.028)], "#17161b", 4)
    umbrella = [(wx + 0.045 * math.cos(a), wy - 0.105 - 0.062 * math.sin(a)) for a in np.linspace(0, math.pi, 20)]
    sheet.shape(umbrella, "#7c2a2a")
    sheet.shape([(wx, wy - 0.168), (wx + 0.045, wy - 0.105), (wx + 0.012, wy - 0.105)], "#571a1e")
    sheet.shape(
        [(wx - 0.014, wy + 0.04), (wx + 0.016, wy + 0.04), (wx + 0.020, wy + 0.15), (wx - 0.02, wy + 0.15)], "#33333a"
    )
    for _ in range(420):
        px, py = rng.random(), rng.random()
        sheet.line([(px, py), (px - 0.003, py + 0.022)], shade("#9aa0a0", rng, 0.04), 1)
    flow = np.where(y > horizon + 0.02, np.where(road > 0.5, 1.57, 0.4), 1.2 + 0.9 * noise(rng, 7))
    focus = 1 + 3 * glow(x, y, wx, wy - 0.05, 0.07)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#4a443f", thickness=0.6)
