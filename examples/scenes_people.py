"""Scenes of people and their cities."""

from __future__ import annotations

import math

import numpy as np
from brush import HEIGHT, LAYERS, WIDTH, Layer, Sheet, color, glow, grid, mix, noise, paint, ramp, shade, step
from PIL import Image

ASPECT = HEIGHT / WIDTH


def night_city(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    street = 0.62
    sky = ramp(
        np.clip(y / street + 0.08 * noise(rng, 4), 0, 1),
        (0, "#0a1030"),
        (0.4, "#1f2c66"),
        (0.75, "#6a3f86"),
        (1, "#e0708a"),
    )
    sky = mix(sky, color("#fff2c8"), np.clip(1.25 * glow(x, y, 0.20, 0.17, 0.042) ** 0.6, 0, 1) * 0.55)
    sheet = Sheet(sky)
    sheet.disc(0.20, 0.17, 0.028, "#fbeebc")
    for _ in range(60):
        sheet.disc(rng.random(), rng.random() * 0.35, rng.uniform(0.0006, 0.0016), "#d8dcf4")
    for depth, tone in ((0, "#4a3a78"), (1, "#272552"), (2, "#0b0e22")):
        left = -0.03
        while left < 1.0:
            wide = rng.uniform(0.05, 0.10) + 0.012 * depth
            middle = abs(left + wide / 2 - 0.52)
            top = street - rng.uniform(0.16, 0.40) * (1.25 - 0.38 * depth) * (
                0.62 + 0.9 * middle * (depth > 0) + 0.35 * (depth == 0)
            )
            sheet.shape(
                [(left, top), (left + wide, top), (left + wide, street + 0.02), (left, street + 0.02)],
                shade(tone, rng, 0.012),
            )
            if rng.random() < 0.4:
                sheet.line([(left + wide / 2, top), (left + wide / 2, top - 0.05)], tone, 2)
            for wy in np.arange(top + 0.022, street - 0.03, 0.034):
                for wx in np.arange(left + 0.009, left + wide - 0.013, 0.0165):
                    if rng.random() < (0.22, 0.36, 0.48)[depth]:
                        lamp = rng.choice(
                            ["#ffd27a", "#ffb84e", "#ffe7b0", "#8fd3ff", "#ff8f6b"], p=[0.42, 0.25, 0.18, 0.09, 0.06]
                        )
                        sheet.shape(
                            [(wx, wy), (wx + 0.0095, wy), (wx + 0.0095, wy + 0.019), (wx, wy + 0.019)],
                            shade(str(lamp), rng, 0.05),
                        )
            left += wide + rng.uniform(-0.012, 0.012)
    for sx, sy, sign in (
        (0.085, 0.40, "#ff3d7f"),
        (0.165, 0.47, "#37e0d8"),
        (0.83, 0.37, "#ff5340"),
        (0.92, 0.46, "#a06bff"),
        (0.765, 0.49, "#ffd23f"),
    ):
        sheet.shape([(sx, sy), (sx + 0.017, sy), (sx + 0.017, sy + 0.11), (sx, sy + 0.11)], sign)
    for k in range(34):  # lamps along the quay
        px = (k + 0.5) / 34 + rng.normal(0, 0.003)
        sheet.disc(px, street - 0.012, 0.0028, "#fff0c4")
    picture = sheet.picture()
    lamps = np.clip((picture.max(axis=2) - 0.55) * 2.0, 0, 1)[..., None] * picture
    halo = np.stack(
        [
            np.asarray(
                Image.fromarray((lamps[..., c] * 255).astype(np.uint8))
                .resize((45, 30), Image.Resampling.BOX)
                .resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC),
                np.float32,
            )
            / 255
            for c in range(3)
        ],
        axis=-1,
    )
    picture = np.clip(picture + 0.45 * halo, 0, 1)
    line = int(street * HEIGHT)
    rows = np.arange(HEIGHT)[:, None]
    wobble = noise(rng, 40, octaves=3, stretch=5) * np.clip((y - street) * 60, 0, 16)
    source = np.clip(line - 1 - (rows - line) * 0.95 + wobble * 1.4, 0, line - 1).astype(int)
    columns = np.clip(np.arange(WIDTH)[None, :] + wobble * 0.5, 0, WIDTH - 1).astype(int)
    wet = picture[source, columns]
    tall = (
        np.asarray(
            Image.fromarray((np.clip(wet, 0, 1) * 255).astype(np.uint8))
            .resize((WIDTH, 26), Image.Resampling.BOX)
            .resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC),
            np.float32,
        )
        / 255
    )
    ground = mix(mix(color("#10132c"), 1.5 * wet, 0.42), 1.7 * tall, 0.38)
    picture = np.where((y > street)[..., None], ground, picture)
    flow = np.where(
        y > street, 1.57 + 0.12 * noise(rng, 5), np.where(picture.max(axis=2) > 0.5, 1.57, 0.5 * noise(rng, 3))
    )
    focus = 1 + 1.0 * step(y, 0.15, 0.2)
    return paint(picture, flow, rng, focus=focus, ground="#141838", thickness=0.45)


def carnival(rng: np.random.Generator) -> Image.Image:
    _x, y = grid()
    ground = 0.70
    sky = ramp(
        np.clip(y / ground + 0.10 * noise(rng, 4), 0, 1),
        (0, "#2a1e6e"),
        (0.4, "#7a2f9a"),
        (0.72, "#f0567c"),
        (1, "#ffc15a"),
    )
    earth = ramp(
        np.clip(0.5 + 0.4 * noise(rng, 12, stretch=2.5), 0, 1), (0, "#7a2a4a"), (0.5, "#c7503c"), (1, "#f5a13c")
    )
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
        sheet.shape(
            [(rx - 0.016, ry + 0.01), (rx + 0.016, ry + 0.01), (rx + 0.012, ry + 0.047), (rx - 0.012, ry + 0.047)], tone
        )
        sheet.disc(rx, ry + 0.006, 0.014, shade(tone, rng, 0.08), 0.007)
    sheet.disc(cx, cy, 0.018, "#fff3b0")
    for tx, wide, top, one, two in (
        (0.17, 0.20, 0.33, "#f32c3c", "#fff4e0"),
        (0.43, 0.135, 0.45, "#1aa6d8", "#ffe14d"),
        (0.985, 0.12, 0.47, "#7a3fd0", "#ffb13c"),
    ):
        panels = 10
        for k in range(panels):
            a, b = k / panels * 2 - 1, (k + 1) / panels * 2 - 1
            tone = (one, two)[k % 2]
            eave = top + 0.16
            sheet.shape([(tx, top), (tx + a * wide * 0.75, eave), (tx + b * wide * 0.75, eave)], tone)
            sheet.shape(
                [
                    (tx + a * wide * 0.70, eave),
                    (tx + b * wide * 0.70, eave),
                    (tx + b * wide * 0.72, ground + 0.03),
                    (tx + a * wide * 0.72, ground + 0.03),
                ],
                shade(tone, rng, 0.06),
            )
            sheet.disc(tx + (a + b) / 2 * wide * 0.75, eave, wide * 0.075, (two, one)[k % 2], wide * 0.05)
        sheet.line([(tx, top), (tx, top - 0.06)], "#5a2a3a", 3)
        sheet.shape([(tx, top - 0.06), (tx + 0.035, top - 0.047), (tx, top - 0.03)], "#ffdf3a")
    for start, end, sag in (
        ((0.0, 0.18), (0.55, 0.12), 0.16),
        ((0.30, 0.02), (1.0, 0.30), 0.13),
    ):  # strings of flags and bulbs
        points = [
            (start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t + sag * 4 * t * (1 - t))
            for t in np.linspace(0, 1, 25)
        ]
        sheet.line(points, "#3a1a40", 1.6)
        for k, (px, py) in enumerate(points[1:-1]):
            sheet.shape([(px - 0.010, py), (px + 0.010, py), (px, py + 0.034)], bright[k % len(bright)])
    for row, count in ((0.78, 24), (0.87, 17), (0.985, 12)):  # a dancing crowd
        near = (row - 0.72) / 0.27
        for k in range(count):
            px = (k + rng.uniform(-0.35, 0.35)) / (count - 1)
            py, size = row + rng.normal(0, 0.008), (0.013 + 0.021 * near)
            tone = str(rng.choice(bright))
            sway = rng.normal(0, 0.5) * size
            sheet.shape(
                [
                    (px - size * 0.75, py + size * 3),
                    (px + sway - size * 0.5, py - size * 1.7),
                    (px + sway + size * 0.5, py - size * 1.7),
                    (px + size * 0.75, py + size * 3),
                ],
                shade(tone, rng, 0.07),
            )
            sheet.disc(
                px + sway * 1.2,
                py - size * 2.6,
                size * 0.52,
                shade(str(rng.choice(["#f2c49a", "#8a5a3a", "#c98f62", "#5a3826"])), rng, 0.03),
            )
            for side in (-1, 1):
                hand = px + sway + side * size * rng.uniform(0.7, 1.3), py - size * rng.uniform(1.2, 4.2)
                sheet.line(
                    [(px + sway + side * size * 0.4, py - size * 1.3), hand], shade("#d9a070", rng, 0.05), 2 + 3 * near
                )
            if rng.random() < 0.28:
                bx, by = px + sway + rng.normal(0, 0.01), py - size * rng.uniform(5, 8)
                sheet.line([(px + sway, py - size * 2), (bx, by)], "#fff0d0", 1)
                sheet.disc(bx, by, size * 0.75, str(rng.choice(bright)), size * 0.9)
    for _ in range(340):
        px, py = rng.random(), rng.random()
        sheet.disc(px, py, rng.uniform(0.001, 0.0032), str(rng.choice(bright)))
    flow = 0.9 * noise(rng, 4) + np.where(y > ground, 0.5, 0)
    return paint(sheet.picture(), flow, rng, focus=1.1 + 0.8 * step(y, 0.66, 0.1), ground="#b03a6a", thickness=0.65)


def woman_in_blue(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    wall = ramp(
        np.clip(0.5 + 0.30 * noise(rng, 3) + 0.35 * (0.55 - x), 0, 1), (0, "#5a4632"), (0.5, "#8d7048"), (1, "#c9a866")
    )
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
                out.append(
                    tuple(
                        0.5
                        * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t**3)
                    )
                )
        sheet.shape(out, fill)

    # coat and shawl
    smooth_shape(
        [
            (0.24, 1.08),
            (0.30, 0.80),
            (0.40, 0.685),
            (0.49, 0.655),
            (0.62, 0.68),
            (0.73, 0.76),
            (0.82, 0.92),
            (0.86, 1.08),
        ],
        "#1f3f73",
    )
    smooth_shape([(0.25, 1.06), (0.31, 0.81), (0.41, 0.70), (0.46, 0.68), (0.44, 0.82), (0.38, 1.06)], "#3b67a6")
    smooth_shape([(0.62, 0.70), (0.73, 0.78), (0.80, 0.95), (0.83, 1.08), (0.66, 1.08), (0.62, 0.86)], "#152c55")
    smooth_shape([(0.44, 0.70), (0.52, 0.74), (0.615, 0.69), (0.60, 0.80), (0.53, 0.92), (0.47, 0.82)], "#e6dccb")
    for k in range(6):
        fold = 0.31 + 0.085 * k
        sheet.line(
            [(fold + 0.02, 0.82 + 0.02 * (k % 2)), (fold + 0.005, 0.92), (fold - 0.015, 1.02)],
            "#4d7cba" if k < 3 else "#0f2040",
            5,
        )
    # hair behind, neck, face
    smooth_shape(
        [
            (0.415, 0.34),
            (0.44, 0.20),
            (0.53, 0.145),
            (0.625, 0.20),
            (0.66, 0.36),
            (0.655, 0.52),
            (0.69, 0.66),
            (0.60, 0.70),
            (0.47, 0.68),
            (0.40, 0.66),
            (0.43, 0.52),
        ],
        "#3a1f14",
    )
    smooth_shape([(0.485, 0.52), (0.575, 0.53), (0.585, 0.68), (0.53, 0.755), (0.475, 0.69)], "#b9805a")
    smooth_shape([(0.487, 0.55), (0.525, 0.58), (0.520, 0.70), (0.485, 0.69)], "#d9a27a")
    smooth_shape(
        [
            (0.447, 0.33),
            (0.465, 0.25),
            (0.525, 0.215),
            (0.585, 0.25),
            (0.605, 0.34),
            (0.598, 0.45),
            (0.565, 0.535),
            (0.518, 0.575),
            (0.478, 0.535),
            (0.452, 0.45),
        ],
        "#dca680",
    )
    smooth_shape(
        [
            (0.545, 0.225),
            (0.59, 0.27),
            (0.606, 0.36),
            (0.597, 0.46),
            (0.562, 0.54),
            (0.525, 0.572),
            (0.555, 0.49),
            (0.572, 0.40),
            (0.565, 0.30),
        ],
        "#a96c48",
    )
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
    smooth_shape(
        [(0.490, 0.503), (0.508, 0.495), (0.519, 0.499), (0.530, 0.495), (0.549, 0.505), (0.521, 0.521)], "#a8322e"
    )
    sheet.line([(0.489, 0.504), (0.519, 0.506), (0.550, 0.506)], "#641a1a", 1.8)
    sheet.line([(0.507, 0.515), (0.532, 0.515)], "#d9766a", 1.8)
    # hair over the brow, and a broad hat with a ribbon
    smooth_shape([(0.44, 0.40), (0.445, 0.27), (0.50, 0.20), (0.535, 0.205), (0.49, 0.255), (0.462, 0.33)], "#55301c")
    smooth_shape([(0.535, 0.205), (0.60, 0.24), (0.622, 0.36), (0.615, 0.47), (0.600, 0.35), (0.578, 0.265)], "#2c160e")
    smooth_shape(
        [
            (0.335, 0.245),
            (0.40, 0.185),
            (0.53, 0.165),
            (0.66, 0.185),
            (0.735, 0.235),
            (0.66, 0.268),
            (0.53, 0.245),
            (0.41, 0.262),
        ],
        "#c9983c",
    )
    smooth_shape(
        [
            (0.335, 0.245),
            (0.40, 0.225),
            (0.53, 0.212),
            (0.66, 0.228),
            (0.735, 0.235),
            (0.66, 0.268),
            (0.53, 0.245),
            (0.41, 0.262),
        ],
        "#80561e",
    )
    smooth_shape([(0.435, 0.19), (0.445, 0.085), (0.53, 0.045), (0.62, 0.085), (0.633, 0.19), (0.53, 0.205)], "#ddb457")
    smooth_shape([(0.55, 0.052), (0.62, 0.09), (0.633, 0.19), (0.56, 0.202), (0.585, 0.12)], "#a8782c")
    smooth_shape(
        [(0.433, 0.155), (0.53, 0.172), (0.634, 0.155), (0.634, 0.192), (0.53, 0.208), (0.433, 0.192)], "#8f1f2d"
    )
    smooth_shape([(0.625, 0.165), (0.675, 0.17), (0.70, 0.235), (0.66, 0.22)], "#a92a38")
    picture = sheet.picture(soft=1.2)
    turn = np.arctan2((y - 0.40) * ASPECT, x - 0.525) + 1.57
    away = np.hypot((x - 0.525), (y - 0.40) * ASPECT)
    flow = np.where(away < 0.12 + 0.03 * noise(rng, 4), turn + 0.3 * noise(rng, 5), 0.8 + 0.9 * noise(rng, 2))
    flow = np.where(y > 0.70, 1.25 - 1.2 * (x - 0.53) + 0.3 * noise(rng, 6), flow)
    focus = 0.8 + 3.4 * glow(x, y, 0.523, 0.40, 0.085) + 0.6 * glow(x, y, 0.53, 0.3, 0.22)
    layers = (*LAYERS, Layer(1.1, 5, 0.10, 0.02))
    return paint(picture, flow, rng, focus=focus, layers=layers, ground="#8a6f4a", thickness=0.55)
