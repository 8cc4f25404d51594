"""Paint the example pictures: twelve originals, the same bytes' worth of paint every time.

    python examples/paint.py [NAME...] [--out examples/pictures]

Each scene makes a reference (colors), a flow (the run of the brush) and a focus (where to look closely), and `brush.paint`
paints it. numpy and Pillow only; about ten seconds a picture.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from brush import HEIGHT, LAYERS, WIDTH, Layer, Sheet, color, glow, grid, mix, noise, paint, ramp, shade, step
from PIL import Image

Scene = Callable[[np.random.Generator], Image.Image]
ASPECT = HEIGHT / WIDTH


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
        foam = step(-np.abs(depth - 0.05) + 0.10 * noise(rng, 30, octaves=3), 0.0, 0.06) * step(lift + 0 * x, -0.15, 0.5)
        picture = mix(picture, mix(water, color("#e9eee6"), foam * (0.45 + 0.5 * t)), step(y, crest, 0.006))
        slope = np.gradient(crest, axis=1) * HEIGHT
        flow = np.where(y > crest, np.arctan(slope) + 0.25 * swirl, flow)
    spray = step(noise(rng, 60, octaves=2), 1.15, 0.3) * step(y, horizon + 0.08, 0.2) * 0.7
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
    sheet.line([points[4], (points[4][0] + 0.03, points[4][1] + 0.06), (points[4][0] + 0.042, points[4][1] + 0.13)], "#f3e9c4", 1.6)
    picture = sheet.picture()
    picture = mix(picture, color("#f6edc8"), 0.30 * glow(x, y, 0.80, 0.2, 0.06))
    focus = 1 + 2.2 * glow(x, y, 0.385, 0.49, 0.10) + 1.2 * glow(x, y, 0.80, 0.22, 0.07)
    return paint(picture, flow, rng, focus=focus, ground="#26323a", thickness=0.75)


def lake_at_dawn(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    shore = 0.50
    light = ramp(
        np.clip(y / shore, 0, 1), (0, "#8fb2cf"), (0.35, "#c3cfda"), (0.65, "#f2d9c4"), (0.9, "#f8c9a0"), (1, "#f6b98b")
    )
    light = mix(light, color("#fff3d6"), 0.85 * glow(x, y, 0.60, 0.44, 0.10))
    thin = noise(rng, 3, octaves=4, stretch=0.35)
    light = mix(light, color("#f7e3df"), 0.45 * step(thin, 0.35, 0.9) * step(-y, -0.40, 0.3))
    picture = light
    for index, (height, tone, cells) in enumerate(
        ((0.20, "#b9b6c8", 3), (0.145, "#9aa3bb", 4), (0.085, "#75899f", 6), (0.040, "#4f6c78", 11))
    ):
        ridge = shore - height * (0.55 + 0.42 * noise(rng, cells, octaves=4)[10 + 90 * index][None, :])
        mist = np.clip((y - ridge) / max(height, 0.05), 0, 1) ** 1.5
        picture = mix(picture, mix(color(tone), color("#f3d8c6"), 0.75 * mist), step(y, ridge, 0.006))
    # the water mirrors what is above, a little darker, broken by level ripples
    rows = np.arange(HEIGHT)
    line = int(shore * HEIGHT)
    ripple = noise(rng, 46, octaves=3, stretch=0.10) * np.clip((y - shore) * 26, 0.5, 9)
    source = np.clip(2 * line - rows[:, None] + ripple, 0, line - 1).astype(int)
    mirrored = picture[source, np.broadcast_to(np.arange(WIDTH), source.shape)]
    water = mix(mirrored, ramp((y - shore) / (1 - shore), (0, "#f0d9cc"), (1, "#6d93b0")), 0.22 + 0.35 * np.clip(y - shore, 0, 1))
    glints = step(noise(rng, 70, octaves=2, stretch=0.14), 0.75, 0.4) * glow(x, y, 0.60, 0.66, 0.13)
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
    focus = 1 + 2.5 * glow(x, y, 0.315, 0.65, 0.07) + 1.6 * step(x, 0.82, 0.1) * step(y, 0.5, 0.3)
    flow = np.where(y < shore, 0.18 * thin, 0.02 * thin)
    flow = np.where((x > 0.84) & (y > 0.6), flow + 1.35 * step(x, 0.9, 0.1), flow)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#d9c7bb", thickness=0.4)


def night_city(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    street = 0.62
    sky = ramp(np.clip(y / street + 0.08 * noise(rng, 4), 0, 1), (0, "#070b20"), (0.45, "#141d48"), (0.8, "#3b2b63"), (1, "#8a4668"))
    sky = mix(sky, color("#fff2c8"), np.clip(1.25 * glow(x, y, 0.20, 0.17, 0.042) ** 0.6, 0, 1) * 0.55)
    sheet = Sheet(sky)
    sheet.disc(0.20, 0.17, 0.028, "#fbeebc")
    for _ in range(60):
        sheet.disc(rng.random(), rng.random() * 0.35, rng.uniform(0.0006, 0.0016), "#d8dcf4")
    for depth, tone in ((0, "#2b2656"), (1, "#191a3c"), (2, "#0c0f24")):
        left = -0.03
        while left < 1.0:
            wide = rng.uniform(0.05, 0.10) + 0.012 * depth
            middle = abs(left + wide / 2 - 0.52)
            top = street - rng.uniform(0.16, 0.40) * (1.25 - 0.38 * depth) * (0.62 + 0.9 * middle * (depth > 0) + 0.35 * (depth == 0))
            sheet.shape([(left, top), (left + wide, top), (left + wide, street + 0.02), (left, street + 0.02)], shade(tone, rng, 0.012))
            if rng.random() < 0.4:
                sheet.line([(left + wide / 2, top), (left + wide / 2, top - 0.05)], tone, 2)
            for wy in np.arange(top + 0.022, street - 0.03, 0.026):
                for wx in np.arange(left + 0.010, left + wide - 0.010, 0.0135):
                    if rng.random() < (0.22, 0.36, 0.48)[depth]:
                        lamp = rng.choice(["#ffd27a", "#ffb84e", "#ffe7b0", "#8fd3ff", "#ff8f6b"], p=[0.42, 0.25, 0.18, 0.09, 0.06])
                        sheet.shape([(wx, wy), (wx + 0.0075, wy), (wx + 0.0075, wy + 0.013), (wx, wy + 0.013)], shade(str(lamp), rng, 0.05))
            left += wide + rng.uniform(-0.012, 0.012)
    for sx, sy, sign in ((0.085, 0.40, "#ff3d7f"), (0.165, 0.47, "#37e0d8"), (0.83, 0.37, "#ff5340"), (0.92, 0.46, "#a06bff"), (0.765, 0.49, "#ffd23f")):
        sheet.shape([(sx, sy), (sx + 0.017, sy), (sx + 0.017, sy + 0.11), (sx, sy + 0.11)], sign)
    for k in range(9):  # lamps along the street, and cars
        t = k / 8
        for side in (-1, 1):
            px, py = 0.52 + side * (0.03 + 0.52 * t**1.4), street - 0.02 - 0.14 * t**1.3
            sheet.line([(px, street + 0.22 * t**1.6), (px, py)], "#0a0c18", 1 + 2.5 * t)
            sheet.disc(px, py, 0.0025 + 0.006 * t, "#fff0c4")
    for cx, cy, size in ((0.47, 0.655, 0.008), (0.435, 0.70, 0.014), (0.56, 0.665, 0.009), (0.615, 0.735, 0.018)):
        tail = cx > 0.52
        sheet.shape([(cx - size * 1.6, cy - size * 2.1), (cx + size * 1.6, cy - size * 2.1), (cx + size * 2, cy), (cx - size * 2, cy)], "#12131f")
        for side in (-1, 1):
            sheet.disc(cx + side * size * 1.5, cy - size * 0.5, size * 0.42, "#ff3326" if tail else "#fff6d6")
    picture = sheet.picture()
    lamps = np.clip((picture.max(axis=2) - 0.55) * 2.0, 0, 1)[..., None] * picture
    halo = np.stack([np.asarray(Image.fromarray((lamps[..., c] * 255).astype(np.uint8)).resize((45, 30), Image.Resampling.BOX).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32) / 255 for c in range(3)], axis=-1)
    picture = np.clip(picture + 0.85 * halo, 0, 1)
    line = int(street * HEIGHT)
    rows = np.arange(HEIGHT)[:, None]
    wobble = noise(rng, 40, octaves=3, stretch=0.2) * np.clip((y - street) * 60, 0, 16)
    source = np.clip(line - 1 - (rows - line) * 0.95 + wobble * 1.4, 0, line - 1).astype(int)
    columns = np.clip(np.arange(WIDTH)[None, :] + wobble * 0.5, 0, WIDTH - 1).astype(int)
    wet = picture[source, columns]
    tall = np.asarray(Image.fromarray((np.clip(wet, 0, 1) * 255).astype(np.uint8)).resize((WIDTH, 26), Image.Resampling.BOX).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32) / 255
    ground = mix(mix(color("#10132c"), 1.5 * wet, 0.42), 1.7 * tall, 0.38)
    keep = np.clip((picture.max(axis=2) - 0.5) * 3, 0, 1) * (y < 0.78)
    picture = np.where((y > street)[..., None], mix(ground, picture, np.maximum(keep, 0.12)), picture)
    flow = np.where(y > street, 1.57 + 0.12 * noise(rng, 5), np.where(picture.max(axis=2) > 0.5, 1.57, 0.5 * noise(rng, 3)))
    focus = 1 + 1.1 * step(y, 0.15, 0.2)
    return paint(picture, flow, rng, focus=focus, ground="#141838", thickness=0.45)


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
    field = ramp(np.clip(0.5 + 0.35 * rows + 0.3 * noise(rng, 30), 0, 1), (0, "#2e5a1e"), (0.45, "#5d8a24"), (0.75, "#d9a912"), (1, "#f7cf2b"))
    field = mix(ramp(np.clip(0.5 + 0.4 * noise(rng, 60, octaves=2, stretch=0.5), 0, 1), (0, "#c99a14"), (1, "#f4cf3a")), field, step(depth, 0.10, 0.2))
    picture = mix(picture, field, step(y, horizon, 0.008))
    sheet = Sheet(picture)
    flowers = []
    for _ in range(330):
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
                sheet.shape([(lx, ly), (lx + side * 0.045 * near, ly - 0.075 * near), tip, (lx + side * 0.03 * near, ly + 0.05 * near)], shade("#4f8a2a", rng, 0.06))
        petals = max(7, int(10 + 16 * near))
        turn = rng.uniform(0, 6.3)
        for ring, (reach, tone) in enumerate(((1.0, "#e8a00c"), (0.86, "#fbc81c"))):
            for k in range(petals):
                angle = turn + 6.283 * (k + 0.5 * ring) / petals + rng.normal(0, 0.06)
                out = radius * reach * rng.uniform(0.88, 1.1)
                half = 2.4 / petals
                tip = (fx + out * math.cos(angle), fy + out * math.sin(angle) / ASPECT * 0.94)
                sides = [(fx + 0.62 * out * math.cos(angle + s), fy + 0.62 * out * math.sin(angle + s) / ASPECT * 0.94) for s in (-half, half)]
                sheet.shape([(fx, fy), sides[0], tip, sides[1]], shade(tone, rng, 0.055))
        sheet.disc(fx, fy, radius * 0.44, shade("#4a2a12", rng, 0.02), radius * 0.42)
        sheet.disc(fx - radius * 0.05, fy - radius * 0.08, radius * 0.27, shade("#7a4a1c", rng, 0.03))
    cloud_flow = 0.6 * noise(rng, 3)
    flow = np.where(y < horizon, cloud_flow, 1.57 - (x - 0.5) * 1.2 + 0.7 * noise(rng, 12))
    focus = 0.9 + 0.8 * step(y, 0.5, 0.3)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#c89a2a", thickness=0.7)


def burning_forest(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    rise = noise(rng, 4, octaves=4, stretch=0.6)
    warped = noise(rng, 7, octaves=5, stretch=0.5)
    heat = np.clip(0.30 + 0.75 * (y - 0.25) + 0.28 * rise + 0.22 * warped + 0.35 * glow(x, y, 0.58, 0.72, 0.3), 0, 1)
    picture = ramp(heat, (0, "#120a0c"), (0.22, "#2d1413"), (0.42, "#6e1c10"), (0.58, "#b9320c"), (0.74, "#ee6a0e"), (0.88, "#fdb32c"), (1, "#fff0a6"))
    smoke = step(noise(rng, 4, octaves=5) - 1.5 * (y - 0.22), 0.2, 1.0)
    picture = mix(picture, mix(color("#2a2226"), color("#5b4640"), step(noise(rng, 7), 0, 1.5)), 0.85 * smoke)
    flames = np.zeros_like(x)
    for _ in range(75):
        cx, foot, tall, wide = rng.random(), rng.uniform(0.72, 1.02), rng.uniform(0.12, 0.42), rng.uniform(0.012, 0.04)
        t = np.clip((foot - y) / tall, 0, 1)
        bend = cx + 0.035 * np.sin(7 * t + 9 * cx) * t + 0.03 * t
        inside = 1 - np.abs(x - bend) / (wide * (1 - t) ** 0.8 * (0.35 + t) * 1.8 + 1e-4)
        flames = np.maximum(flames, np.clip(inside, 0, 1) * ((foot - y) > 0) * ((foot - y) < tall) * (1.15 - 0.5 * t))
    picture = mix(picture, ramp(np.clip(flames, 0, 1), (0, "#d8480c"), (0.5, "#ff9a1e"), (1, "#fff6bf")), step(flames, 0.25, 0.4))
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
                sheet.line([mid, (mid[0] + side * reach * 0.5, mid[1] - reach * 0.2)], tone, max(1.0, wide * WIDTH * 0.3))

    for _ in range(16):
        tree(rng.random(), rng.uniform(0.74, 0.84), rng.uniform(0.45, 0.65), rng.uniform(0.003, 0.005), shade("#5e1c10", rng, 0.02))
    for px in np.linspace(0.03, 0.97, 9) + rng.normal(0, 0.025, 9):
        tree(float(px), rng.uniform(0.86, 0.95), rng.uniform(0.7, 0.95), rng.uniform(0.007, 0.011), shade("#26100c", rng, 0.012))
    for px, wide in ((0.115, 0.021), (0.865, 0.024), (0.40, 0.014)):
        tree(px, 1.03, 1.12, wide, "#0f0807")
    sheet.shape([(-0.01, 1.01), (-0.01, 0.93), *[(t, 0.945 + 0.03 * rng.random()) for t in np.linspace(0, 1, 24)], (1.01, 1.01)], "#160a08")
    for _ in range(170):
        ex, ey = rng.random(), rng.random() ** 1.2
        sheet.disc(ex, ey, rng.uniform(0.0008, 0.0026), rng.choice(["#ffd46a", "#ff8a2a", "#fff0b0"]))
    flow = np.where(y > 0.05, 1.57 + 0.75 * warped + 0.3 * rise, 0.5 * rise)
    flow = np.where(smoke > 0.5, 0.7 * warped - 0.4, flow)
    return paint(sheet.picture(), flow, rng, focus=1 + 0.5 * step(y, 0.3, 0.4), ground="#4a1710", thickness=0.65)


def winter_solitude(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon = 0.57
    haze = noise(rng, 3, octaves=4, stretch=0.5)
    picture = ramp(np.clip(y / horizon + 0.06 * haze, 0, 1), (0, "#8b97a6"), (0.5, "#a9b3bd"), (0.85, "#c7ccd0"), (1, "#d5d6d4"))
    woods = horizon - 0.035 * np.clip(0.6 + 0.7 * noise(rng, 24, octaves=3)[40][None, :], 0.1, 2) * step(np.abs(x - 0.30), 0.12, 0.3)
    picture = mix(picture, color("#8d99a5"), 0.75 * step(y, woods, 0.01))
    drift = noise(rng, 3, octaves=3, stretch=0.4)
    ground = horizon + 0.018 * noise(rng, 2, octaves=2)[5][None, :]
    snow = ramp(np.clip(0.62 + 0.26 * drift - 0.30 * (y - horizon) + 0.08 * noise(rng, 18, stretch=0.3), 0, 1), (0, "#8596ab"), (0.45, "#b4c0cd"), (0.8, "#dde2e6"), (1, "#f1f2f1"))
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
        sheet.disc(sx + 0.004 * (-1) ** k * (0.4 + t), walker[1] + 0.24 * t**1.25, 0.0018 + 0.003 * t, "#8d9cb0", 0.0010 + 0.0016 * t)
    wx, wy = walker
    sheet.shape([(wx + 0.004, wy), (wx + 0.07, wy + 0.024), (wx + 0.062, wy + 0.03), (wx - 0.004, wy + 0.005)], "#a3b0c0")
    sheet.shape([(wx - 0.010, wy - 0.010), (wx - 0.007, wy - 0.060), (wx + 0.006, wy - 0.060), (wx + 0.010, wy - 0.010)], "#3a3238")
    sheet.line([(wx - 0.004, wy - 0.015), (wx - 0.005, wy + 0.003)], "#29262b", 3)
    sheet.line([(wx + 0.004, wy - 0.015), (wx + 0.005, wy + 0.003)], "#29262b", 3)
    sheet.disc(wx, wy - 0.067, 0.0055, "#5a4a46")
    sheet.line([(wx - 0.006, wy - 0.052), (wx + 0.007, wy - 0.050)], "#7c3d3a", 3)
    flakes = step(noise(rng, 200, octaves=1), 1.9, 0.4)
    picture = mix(sheet.picture(soft=0.6), color("#f4f5f6"), 0.55 * flakes)
    flow = np.where(y < horizon, 0.10 + 0.35 * haze, 0.30 * drift)
    near_tree = glow(x, y, foot + 0.01, 0.46, 0.17)
    flow = np.where((picture.mean(axis=2) < 0.4) & (y < base), 1.45, flow)
    return paint(picture, flow, rng, focus=1 + 2.4 * near_tree + 3 * glow(x, y, wx, wy, 0.06), ground="#b5bdc6", thickness=0.4)


def carnival(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    ground = 0.70
    sky = ramp(np.clip(y / ground + 0.10 * noise(rng, 4), 0, 1), (0, "#2a1e6e"), (0.4, "#7a2f9a"), (0.72, "#f0567c"), (1, "#ffc15a"))
    earth = ramp(np.clip(0.5 + 0.4 * noise(rng, 12, stretch=0.4), 0, 1), (0, "#7a2a4a"), (0.5, "#c7503c"), (1, "#f5a13c"))
    sheet = Sheet(np.where((y > ground)[..., None], earth, sky))
    bright = ["#ff3b3f", "#ffd21f", "#21c3e6", "#39d27a", "#ff7ac6", "#ff8a1f", "#ffffff", "#8a5bff"]
    for fx, fy, tone in ((0.50, 0.14, "#ffe25a"), (0.40, 0.25, "#6ff0ff"), (0.92, 0.10, "#ff9ad2")):  # fireworks
        for k in range(34):
            angle, reach = 6.283 * k / 34 + rng.normal(0, 0.05), rng.uniform(0.05, 0.105)
            tip = fx + reach * math.cos(angle), fy + reach * math.sin(angle) / ASPECT + 0.02
            sheet.line([(fx + 0.3 * (tip[0] - fx), fy + 0.3 * (tip[1] - fy)), tip], shade(tone, rng, 0.10), 2)
            sheet.disc(*tip, 0.0028, "#fffbe0")
    cx, cy, radius = 0.735, 0.40, 0.205  # the big wheel
    for leg in (-0.11, 0.11):
        sheet.line([(cx, cy), (cx + leg, ground + 0.02)], "#3a1a52", 7)
    for k in range(16):
        angle = 6.283 * k / 16 + 0.1
        rx, ry = cx + radius * math.cos(angle), cy + radius * math.sin(angle) / ASPECT
        sheet.line([(cx, cy), (rx, ry)], "#ffd9a0", 2)
    for ring in (radius, radius * 0.86):
        circle = [(cx + ring * math.cos(a), cy + ring * math.sin(a) / ASPECT) for a in np.linspace(0, 6.2832, 90)]
        sheet.line(circle, "#fff0c8", 3.2)
    for k in range(16):
        angle = 6.283 * k / 16 + 0.1
        rx, ry = cx + radius * math.cos(angle), cy + radius * math.sin(angle) / ASPECT
        tone = bright[k % len(bright)]
        sheet.shape([(rx - 0.016, ry + 0.01), (rx + 0.016, ry + 0.01), (rx + 0.012, ry + 0.047), (rx - 0.012, ry + 0.047)], tone)
        sheet.disc(rx, ry + 0.006, 0.014, shade(tone, rng, 0.08), 0.007)
    sheet.disc(cx, cy, 0.018, "#fff3b0")
    for tx, wide, top, one, two in ((0.17, 0.20, 0.33, "#f32c3c", "#fff4e0"), (0.43, 0.135, 0.45, "#1aa6d8", "#ffe14d"), (0.985, 0.12, 0.47, "#7a3fd0", "#ffb13c")):
        panels = 10
        for k in range(panels):
            a, b = k / panels * 2 - 1, (k + 1) / panels * 2 - 1
            tone = (one, two)[k % 2]
            eave = top + 0.16
            sheet.shape([(tx, top), (tx + a * wide * 0.75, eave), (tx + b * wide * 0.75, eave)], tone)
            sheet.shape([(tx + a * wide * 0.70, eave), (tx + b * wide * 0.70, eave), (tx + b * wide * 0.72, ground + 0.03), (tx + a * wide * 0.72, ground + 0.03)], shade(tone, rng, 0.06))
            sheet.disc(tx + (a + b) / 2 * wide * 0.75, eave, wide * 0.075, (two, one)[k % 2], wide * 0.05)
        sheet.line([(tx, top), (tx, top - 0.06)], "#5a2a3a", 3)
        sheet.shape([(tx, top - 0.06), (tx + 0.035, top - 0.047), (tx, top - 0.03)], "#ffdf3a")
    for start, end, sag in (((0.0, 0.18), (0.55, 0.12), 0.16), ((0.30, 0.02), (1.0, 0.30), 0.13)):  # strings of flags and bulbs
        points = [(start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t)) for t in np.linspace(0, 1, 25)]
        sheet.line(points, "#3a1a40", 1.6)
        for k, (px, py) in enumerate(points[1:-1]):
            sheet.shape([(px - 0.010, py), (px + 0.010, py), (px, py + 0.034)], bright[k % len(bright)])
    for row, count in ((0.80, 26), (0.88, 22), (0.99, 17)):  # a dancing crowd
        near = (row - 0.72) / 0.27
        for k in range(count):
            px = (k + rng.uniform(-0.35, 0.35)) / (count - 1)
            py, size = row + rng.normal(0, 0.008), (0.013 + 0.018 * near)
            tone = str(rng.choice(bright))
            sway = rng.normal(0, 0.5) * size
            sheet.shape([(px - size * 0.75, py + size * 3), (px + sway - size * 0.5, py - size * 1.7), (px + sway + size * 0.5, py - size * 1.7), (px + size * 0.75, py + size * 3)], shade(tone, rng, 0.07))
            sheet.disc(px + sway * 1.2, py - size * 2.6, size * 0.52, shade(str(rng.choice(["#f2c49a", "#8a5a3a", "#c98f62", "#5a3826"])), rng, 0.03))
            for side in (-1, 1):
                hand = px + sway + side * size * rng.uniform(0.7, 1.3), py - size * rng.uniform(1.2, 4.2)
                sheet.line([(px + sway + side * size * 0.4, py - size * 1.3), hand], shade("#d9a070", rng, 0.05), 2 + 3 * near)
            if rng.random() < 0.28:
                bx, by = px + sway + rng.normal(0, 0.01), py - size * rng.uniform(5, 8)
                sheet.line([(px + sway, py - size * 2), (bx, by)], "#fff0d0", 1)
                sheet.disc(bx, by, size * 0.75, str(rng.choice(bright)), size * 0.9)
    for _ in range(340):
        px, py = rng.random(), rng.random()
        sheet.disc(px, py, rng.uniform(0.001, 0.0032), str(rng.choice(bright)))
    flow = 0.9 * noise(rng, 4) + np.where(y > ground, 0.5, 0)
    return paint(sheet.picture(), flow, rng, focus=1.2 + 0 * x, ground="#b03a6a", thickness=0.65)


def cold_greys(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    picture = mix(color("#7d858c"), color("#5c656e"), y) + 0.03 * noise(rng, 5)[..., None]
    sheet = Sheet(picture)
    tones = ["#39424b", "#56616c", "#6f7a85", "#8b959e", "#a9b1b7", "#c6cacc", "#dcdedd", "#4a5560", "#2b3138"]
    slabs = []
    top = -0.02
    while top < 1.0:
        tall = rng.uniform(0.10, 0.24)
        left = -0.05
        while left < 1.0:
            wide = rng.uniform(0.09, 0.33)
            slabs.append((left, top, wide, tall * rng.uniform(0.8, 1.25)))
            left += wide * rng.uniform(0.75, 1.0)
        top += tall * 0.85
    for index in rng.permutation(len(slabs)):
        left, top, wide, tall = slabs[index]
        corners = [(left, top), (left + wide, top), (left + wide, top + tall), (left, top + tall)]
        height = top + tall / 2
        # heavy and dark below, an empty pale band above the middle
        weights = np.array([0.2 + 2.5 * height**2 if t in ("#39424b", "#2b3138", "#4a5560", "#56616c") else 0.6 + 1.6 * math.exp(-(((height - 0.3) / 0.16) ** 2)) * (t in ("#c6cacc", "#dcdedd", "#a9b1b7")) for t in tones])
        tone = str(rng.choice(tones, p=weights / weights.sum()))
        sheet.shape([(a + rng.normal(0, 0.012), b + rng.normal(0, 0.016)) for a, b in corners], shade(tone, rng, 0.018))
    sheet.shape([(0.60, 0.515), (0.668, 0.508), (0.672, 0.590), (0.604, 0.598)], "#7d5f55")  # the one warm note
    sheet.line([(0.0, 0.455), (0.37, 0.462), (0.71, 0.446), (1.0, 0.452)], "#23282e", 3.5)
    picture = sheet.picture(soft=2.0)
    scumble = noise(rng, 24, octaves=3, stretch=0.25)
    picture = np.clip(picture + 0.045 * scumble[..., None], 0, 1)
    layers = (Layer(30, 6, -1, 0.02, 0.8), Layer(20, 5, 0.018, 0.03), Layer(12, 5, 0.03, 0.03), Layer(6, 5, 0.06, 0.03))
    return paint(picture, 0.04 * scumble + 0.05 * noise(rng, 2), rng, layers=layers, ground="#66707a", thickness=0.75)


def warm_reds(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    cx, cy = 0.36, 0.60
    radius = np.hypot(x - cx, (y - cy) * ASPECT)
    angle = np.arctan2((y - cy) * ASPECT, x - cx)
    rays = np.sin(angle * 9 + 2.2 * noise(rng, 3) + 14 * radius)
    heat = np.clip(0.52 + 0.22 * rays + 0.25 * noise(rng, 5) - 0.35 * (radius - 0.3), 0, 1)
    picture = ramp(heat, (0, "#3a0713"), (0.25, "#7e0f1e"), (0.5, "#c9201f"), (0.7, "#ee4a1c"), (0.88, "#fb8a2a"), (1, "#ffd07a"))
    sheet = Sheet(picture)
    for _ in range(17):  # sweeping arcs thrown off the center
        reach, start, sweep = rng.uniform(0.08, 0.72), rng.uniform(0, 6.3), rng.uniform(0.6, 2.2)
        grow = rng.uniform(-0.12, 0.25)
        points = [(cx + (reach + grow * t) * math.cos(start + sweep * t), cy + (reach + grow * t) * math.sin(start + sweep * t) / ASPECT) for t in np.linspace(0, 1, 40)]
        tone = str(rng.choice(["#ffcf5a", "#ff7a1e", "#5a0a18", "#e8174a", "#2a0510", "#ffe9b8", "#ff3a24"]))
        sheet.line(points, tone, rng.uniform(4, 26))
    for _ in range(11):  # hard diagonals
        px, py, long = rng.random(), rng.random(), rng.uniform(0.15, 0.5)
        slant = -0.75 + rng.normal(0, 0.15)
        end = px + long * math.cos(slant), py + long * math.sin(slant) / ASPECT
        wide = rng.uniform(0.008, 0.035)
        sheet.shape([(px, py), end, (end[0] + wide * 0.3, end[1] + wide), (px + wide, py + wide * 1.6)], str(rng.choice(["#1d040b", "#ff9a2e", "#b30f2a", "#fff0c0", "#ff5a36"])))
    sheet.disc(cx, cy, 0.085, "#ffb02e")
    sheet.disc(cx + 0.008, cy - 0.01, 0.058, "#ffe089")
    sheet.disc(cx + 0.014, cy - 0.018, 0.028, "#fffbe6")
    for _ in range(60):
        a, r = rng.uniform(0, 6.3), rng.uniform(0.1, 0.65)
        sheet.disc(cx + r * math.cos(a), cy + r * math.sin(a) / ASPECT, rng.uniform(0.002, 0.009), str(rng.choice(["#ffd98a", "#3a0612", "#ff6a2a"])))
    flow = angle + 1.45 + 0.5 * noise(rng, 4)
    return paint(sheet.picture(soft=1.0), flow, rng, ground="#7a1420", thickness=0.9)


def woman_in_blue(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    wall = ramp(np.clip(0.5 + 0.30 * noise(rng, 3) + 0.35 * (0.55 - x), 0, 1), (0, "#5a4632"), (0.5, "#8d7048"), (1, "#c9a866"))
    sheet = Sheet(mix(wall, color("#e8cf94"), 0.55 * glow(x, y, 0.20, 0.22, 0.28)))
    sheet.shape([(0.02, 0.06), (0.215, 0.05), (0.215, 0.56), (0.02, 0.58)], "#e9dfc0")  # a window
    sheet.shape([(0.035, 0.085), (0.11, 0.08), (0.11, 0.30), (0.035, 0.305)], "#b9d3dc")
    sheet.shape([(0.125, 0.08), (0.20, 0.075), (0.20, 0.295), (0.125, 0.30)], "#cfe0df")
    sheet.shape([(0.035, 0.325), (0.11, 0.32), (0.11, 0.55), (0.035, 0.555)], "#c5d6cf")
    sheet.shape([(0.125, 0.32), (0.20, 0.315), (0.20, 0.545), (0.125, 0.55)], "#dbe3d2")
    curve = np.linspace(0, 1, 18)

    def smooth_shape(points, fill: str) -> None:
        """A closed curve through points (Catmull and Rom 1974)."""
        p, out = np.array(points), []
        for k in range(len(p)):
            a, b, c, d = p[k - 1], p[k], p[(k + 1) % len(p)], p[(k + 2) % len(p)]
            for t in curve[:-1]:
                out.append(tuple(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)))
        sheet.shape(out, fill)

    # coat and shawl
    smooth_shape([(0.24, 1.08), (0.30, 0.80), (0.40, 0.685), (0.49, 0.655), (0.62, 0.68), (0.73, 0.76), (0.82, 0.92), (0.86, 1.08)], "#1f3f73")
    smooth_shape([(0.25, 1.06), (0.31, 0.81), (0.41, 0.70), (0.46, 0.68), (0.44, 0.82), (0.38, 1.06)], "#3b67a6")
    smooth_shape([(0.62, 0.70), (0.73, 0.78), (0.80, 0.95), (0.83, 1.08), (0.66, 1.08), (0.62, 0.86)], "#152c55")
    smooth_shape([(0.44, 0.70), (0.52, 0.74), (0.615, 0.69), (0.60, 0.80), (0.53, 0.92), (0.47, 0.82)], "#e6dccb")
    for k in range(6):
        fold = 0.31 + 0.085 * k
        sheet.line([(fold + 0.02, 0.82 + 0.02 * (k % 2)), (fold + 0.005, 0.92), (fold - 0.015, 1.02)], "#4d7cba" if k < 3 else "#0f2040", 5)
    # hair behind, neck, face
    smooth_shape([(0.415, 0.34), (0.44, 0.20), (0.53, 0.145), (0.625, 0.20), (0.66, 0.36), (0.655, 0.52), (0.69, 0.66), (0.60, 0.70), (0.47, 0.68), (0.40, 0.66), (0.43, 0.52)], "#3a1f14")
    smooth_shape([(0.485, 0.52), (0.575, 0.53), (0.585, 0.68), (0.53, 0.755), (0.475, 0.69)], "#b9805a")
    smooth_shape([(0.487, 0.55), (0.525, 0.58), (0.520, 0.70), (0.485, 0.69)], "#d9a27a")
    smooth_shape([(0.447, 0.33), (0.465, 0.25), (0.525, 0.215), (0.585, 0.25), (0.605, 0.34), (0.598, 0.45), (0.565, 0.535), (0.518, 0.575), (0.478, 0.535), (0.452, 0.45)], "#dca680")
    smooth_shape([(0.545, 0.225), (0.59, 0.27), (0.606, 0.36), (0.597, 0.46), (0.562, 0.54), (0.525, 0.572), (0.555, 0.49), (0.572, 0.40), (0.565, 0.30)], "#a96c48")
    smooth_shape([(0.456, 0.33), (0.475, 0.265), (0.515, 0.24), (0.505, 0.31), (0.480, 0.36), (0.462, 0.40)], "#f2cba2")
    smooth_shape([(0.462, 0.43), (0.485, 0.42), (0.490, 0.465), (0.470, 0.475)], "#e08f72")
    smooth_shape([(0.560, 0.43), (0.583, 0.425), (0.580, 0.47), (0.565, 0.475)], "#9c5440")
    # eyes, looking past us; brows, nose, mouth
    for ex, tilt in ((0.484, -0.004), (0.556, 0.004)):
        sheet.line([(ex - 0.022, 0.345 - tilt), (ex, 0.328), (ex + 0.022, 0.343 + tilt)], "#3a2016", 4.2)
        sheet.shape([(ex - 0.018, 0.383), (ex - 0.003, 0.369), (ex + 0.018, 0.382), (ex, 0.393)], "#efe3d2")
        sheet.disc(ex + 0.003, 0.381, 0.0062, "#2f4a4a")
        sheet.disc(ex + 0.0035, 0.380, 0.0032, "#0d0f10")
        sheet.disc(ex + 0.0012, 0.3765, 0.0013, "#ffffff")
        sheet.line([(ex - 0.020, 0.384), (ex - 0.003, 0.368), (ex + 0.020, 0.382)], "#2a1710", 2.6)
        sheet.line([(ex - 0.014, 0.398), (ex + 0.013, 0.399)], "#a9704e", 1.6)
    sheet.line([(0.520, 0.375), (0.512, 0.425), (0.505, 0.452), (0.517, 0.462), (0.534, 0.456)], "#96593a", 2.6)
    sheet.line([(0.514, 0.36), (0.509, 0.44)], "#f6d5b0", 3)
    smooth_shape([(0.490, 0.503), (0.508, 0.495), (0.519, 0.499), (0.530, 0.495), (0.549, 0.505), (0.521, 0.521)], "#a8322e")
    sheet.line([(0.489, 0.504), (0.519, 0.506), (0.550, 0.506)], "#641a1a", 1.8)
    sheet.line([(0.507, 0.515), (0.532, 0.515)], "#d9766a", 1.8)
    # hair over the brow, and a broad hat with a ribbon
    smooth_shape([(0.44, 0.40), (0.445, 0.27), (0.50, 0.20), (0.535, 0.205), (0.49, 0.255), (0.462, 0.33)], "#55301c")
    smooth_shape([(0.535, 0.205), (0.60, 0.24), (0.622, 0.36), (0.615, 0.47), (0.600, 0.35), (0.578, 0.265)], "#2c160e")
    smooth_shape([(0.335, 0.245), (0.40, 0.185), (0.53, 0.165), (0.66, 0.185), (0.735, 0.235), (0.66, 0.268), (0.53, 0.245), (0.41, 0.262)], "#c9983c")
    smooth_shape([(0.335, 0.245), (0.40, 0.225), (0.53, 0.212), (0.66, 0.228), (0.735, 0.235), (0.66, 0.268), (0.53, 0.245), (0.41, 0.262)], "#80561e")
    smooth_shape([(0.435, 0.19), (0.445, 0.085), (0.53, 0.045), (0.62, 0.085), (0.633, 0.19), (0.53, 0.205)], "#ddb457")
    smooth_shape([(0.55, 0.052), (0.62, 0.09), (0.633, 0.19), (0.56, 0.202), (0.585, 0.12)], "#a8782c")
    smooth_shape([(0.433, 0.155), (0.53, 0.172), (0.634, 0.155), (0.634, 0.192), (0.53, 0.208), (0.433, 0.192)], "#8f1f2d")
    smooth_shape([(0.625, 0.165), (0.675, 0.17), (0.70, 0.235), (0.66, 0.22)], "#a92a38")
    picture = sheet.picture(soft=1.2)
    turn = np.arctan2((y - 0.40) * ASPECT, x - 0.525) + 1.57
    away = np.hypot((x - 0.525), (y - 0.40) * ASPECT)
    flow = np.where(away < 0.30, turn + 0.3 * noise(rng, 5), 0.8 + 0.8 * noise(rng, 3))
    flow = np.where(y > 0.70, 1.25 - 1.2 * (x - 0.53) + 0.3 * noise(rng, 6), flow)
    focus = 0.8 + 3.4 * glow(x, y, 0.523, 0.40, 0.085) + 0.6 * glow(x, y, 0.53, 0.3, 0.22)
    layers = (*LAYERS, Layer(1.1, 5, 0.10, 0.02))
    return paint(picture, flow, rng, focus=focus, layers=layers, ground="#8a6f4a", thickness=0.55)


def water_lilies(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    depth = noise(rng, 3, octaves=4, stretch=0.5)
    picture = ramp(np.clip(0.48 + 0.30 * depth + 0.16 * noise(rng, 9, stretch=0.25) - 0.25 * (y - 0.5), 0, 1), (0, "#1f5a66"), (0.3, "#357f86"), (0.55, "#5aa39a"), (0.75, "#8fc6b6"), (1, "#d3e6d8"))
    willow = step(np.sin(x * 60 + 4 * noise(rng, 6, stretch=3)) * 0.4 + noise(rng, 5, stretch=3), 0.35, 0.7) * step(-np.abs(x - 0.12), -0.16, 0.2)
    picture = mix(picture, color("#3f7d4a"), 0.6 * willow)
    rosy = step(noise(rng, 3, octaves=3, stretch=0.4), 0.35, 0.8)
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
                    tip = px + size * reach * math.cos(a), py - 0.012 - 0.006 * ring + size * reach * 0.62 * (math.sin(a) - 0.7)
                    side = 0.16 * size
                    sheet.shape([(px - side, py - 0.008), tip, (px + side, py - 0.012)], shade(tone, rng, 0.05))
            sheet.disc(px, py - 0.018, size * 0.13, "#f7c93a")
    flow = np.where(willow > 0.5, 1.5, 0.05 + 0.22 * depth)
    return paint(sheet.picture(), flow, rng, focus=1.1 + 0 * x, ground="#5f9a92", thickness=0.6)


def autumn_rain(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    horizon, vx = 0.52, 0.47
    dusk = ramp(np.clip(y / horizon + 0.10 * noise(rng, 4), 0, 1), (0, "#39424f"), (0.5, "#626a70"), (0.85, "#a49b86"), (1, "#c9b48c"))
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
                    sheet.disc(lx, ly, rng.uniform(0.004, 0.009) + 0.012 * t, shade(str(rng.choice(leaf)), rng, 0.04), rng.uniform(0.003, 0.006) + 0.008 * t)
    for k in range(5):
        t = k / 4
        px, py = vx + 0.05 + 0.24 * t**1.5, horizon - 0.02 - 0.12 * t
        sheet.line([(px, horizon + 0.04 + 0.12 * t), (px, py)], "#1d1d22", 1.5 + 2 * t)
        sheet.disc(px, py, 0.004 + 0.006 * t, "#ffe2a0")
    picture = sheet.picture()
    for k in range(5):
        t = k / 4
        picture = mix(picture, color("#ffd98a"), 0.5 * glow(x, y, vx + 0.05 + 0.24 * t**1.5, horizon - 0.02 - 0.12 * t, 0.02 + 0.022 * t))
    line = int((horizon + 0.02) * HEIGHT)
    rows = np.arange(HEIGHT)[:, None]
    wobble = noise(rng, 34, octaves=3, stretch=0.2) * np.clip((y - horizon) * 40, 0, 13)
    wet = picture[np.clip(line - (rows - line) * 1.05 + wobble, 0, line - 1).astype(int), np.clip(np.arange(WIDTH)[None] + wobble * 0.4, 0, WIDTH - 1).astype(int)]
    road = step(-np.abs(x - vx) + 0.04 + 0.95 * np.clip(y - horizon, 0, 1), 0, 0.05)
    verge = ramp(np.clip(0.5 + 0.45 * noise(rng, 26, stretch=0.5), 0, 1), (0, "#3d2a1e"), (0.5, "#7a4a22"), (1, "#b9782e"))
    below = np.where((y > horizon + 0.03)[..., None], mix(mix(verge, picture, 0.15), mix(color("#3a3d45"), wet, 0.62), road), picture)
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
    sheet.shape([(wx - 0.014, wy + 0.04), (wx + 0.016, wy + 0.04), (wx + 0.020, wy + 0.15), (wx - 0.02, wy + 0.15)], "#33333a")
    for _ in range(420):
        px, py = rng.random(), rng.random()
        sheet.line([(px, py), (px - 0.003, py + 0.022)], shade("#9aa0a0", rng, 0.04), 1)
    flow = np.where(y > horizon + 0.02, np.where(road > 0.5, 1.57, 0.4), 1.2 + 0.9 * noise(rng, 7))
    focus = 1 + 3 * glow(x, y, wx, wy - 0.05, 0.07)
    return paint(sheet.picture(), flow, rng, focus=focus, ground="#4a443f", thickness=0.6)


SCENES: dict[str, tuple[Scene, int, str]] = {
    "storm-at-sea": (storm_at_sea, 11, "A small sailing ship leans in towering gray-green waves under a dark, torn sky; lightning strikes at the right and a pale gleam breaks through above the horizon."),
    "lake-at-dawn": (lake_at_dawn, 12, "A still lake at dawn: peach and pale blue sky, layers of misty hills mirrored in the water, one person in a rowing boat, reeds in the near corner."),
    "night-city": (night_city, 13, "A city street at night: dark towers full of lit windows, neon signs, a low moon, cars, and all the lights mirrored in the wet road."),
    "sunflower-field": (sunflower_field, 14, "A field of large yellow sunflowers under a bright blue sky with white clouds and a hazy sun, green hills far away."),
    "burning-forest": (burning_forest, 15, "A forest on fire: black trunks and bare branches before orange and yellow flames, smoke above, sparks flying."),
    "winter-solitude": (winter_solitude, 16, "A wide, pale snowfield under a gray sky, one bare tree, and a small dark figure at the end of a line of footprints."),
    "carnival": (carnival, 17, "A carnival at dusk: a big wheel, striped tents, strings of flags, fireworks, balloons, confetti and a dancing crowd in bright colors."),
    "cold-grays": (cold_greys, 18, "An abstract of heavy slabs in cold grays, pale above and dark below, with one small brownish block and a thin dark line."),
    "warm-reds": (warm_reds, 19, "An abstract in reds and oranges: arcs and hard diagonals burst out of a glowing yellow disc."),
    "woman-in-blue": (woman_in_blue, 20, "A portrait of a woman in a blue coat and a straw hat with a red ribbon, lit from a window on the left, looking calmly past us."),
    "water-lilies": (water_lilies, 21, "A pond seen from above: green lily pads with pink and white flowers on blue-green water that reflects willows and a rosy sky."),
    "autumn-rain": (autumn_rain, 22, "An avenue of brown autumn trees in the rain at dusk; a person with a red umbrella walks away on the wet, shining road."),
}  # fmt: skip
"""Name -> how it is painted, its seed, its alt text."""


def save_picture(image: Image.Image, path: Path, *, limit: int = 150_000) -> None:
    """As a JPEG of the best quality that stays under `limit` bytes."""
    for quality in range(90, 30, -4):
        image.save(path, "JPEG", quality=quality, optimize=True, subsampling=0 if quality > 80 else 2)
        if path.stat().st_size <= limit:
            return


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Paint the example pictures.")
    parser.add_argument("names", nargs="*", help=f"which (default: all): {', '.join(SCENES)}")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in SCENES]:
        parser.error(f"no scene is called '{unknown[0]}'; there are {', '.join(SCENES)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or SCENES:
        scene, seed, _ = SCENES[name]
        save_picture(scene(np.random.default_rng(seed)), given.out / f"{name}.jpg")
        print(given.out / f"{name}.jpg")
    alt = {name: text for name, (_, _, text) in SCENES.items()}
    (given.out / "alt.json").write_text(json.dumps(alt, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
