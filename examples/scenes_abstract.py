"""Scenes of nothing but color."""

from __future__ import annotations

import math

import numpy as np
from brush import HEIGHT, WIDTH, Layer, Sheet, color, grid, mix, noise, paint, ramp, shade
from PIL import Image

ASPECT = HEIGHT / WIDTH


def cold_greys(rng: np.random.Generator) -> Image.Image:
    _x, y = grid()
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
        weights = np.array(
            [
                0.2 + 2.5 * height**2
                if t in ("#39424b", "#2b3138", "#4a5560", "#56616c")
                else 0.6 + 1.6 * math.exp(-(((height - 0.3) / 0.16) ** 2)) * (t in ("#c6cacc", "#dcdedd", "#a9b1b7"))
                for t in tones
            ]
        )
        tone = str(rng.choice(tones, p=weights / weights.sum()))
        sheet.shape([(a + rng.normal(0, 0.012), b + rng.normal(0, 0.016)) for a, b in corners], shade(tone, rng, 0.018))
    sheet.shape([(0.60, 0.515), (0.668, 0.508), (0.672, 0.590), (0.604, 0.598)], "#7d5f55")  # the one warm note
    sheet.line([(0.0, 0.455), (0.37, 0.462), (0.71, 0.446), (1.0, 0.452)], "#23282e", 3.5)
    picture = sheet.picture(soft=2.0)
    scumble = noise(rng, 24, octaves=3, stretch=4)
    picture = 0.62 * np.clip(picture + 0.045 * scumble[..., None], 0, 1)
    layers = (Layer(30, 6, -1, 0.02, 0.8), Layer(20, 5, 0.018, 0.03), Layer(12, 5, 0.03, 0.03), Layer(6, 5, 0.06, 0.03))
    return paint(picture, 0.04 * scumble + 0.05 * noise(rng, 2), rng, layers=layers, ground="#40464c", thickness=0.75)


def warm_reds(rng: np.random.Generator) -> Image.Image:
    x, y = grid()
    cx, cy = 0.36, 0.60
    radius = np.hypot(x - cx, (y - cy) * ASPECT)
    angle = np.arctan2((y - cy) * ASPECT, x - cx)
    rays = np.sin(angle * 9 + 2.2 * noise(rng, 3) + 14 * radius)
    heat = np.clip(0.52 + 0.22 * rays + 0.25 * noise(rng, 5) - 0.35 * (radius - 0.3), 0, 1)
    picture = ramp(
        heat, (0, "#3a0713"), (0.25, "#7e0f1e"), (0.5, "#c9201f"), (0.7, "#ee4a1c"), (0.88, "#fb8a2a"), (1, "#ffd07a")
    )
    sheet = Sheet(picture)
    for _ in range(17):  # sweeping arcs thrown off the center
        reach, start, sweep = rng.uniform(0.08, 0.72), rng.uniform(0, 6.3), rng.uniform(0.6, 2.2)
        grow = rng.uniform(-0.12, 0.25)
        points = [
            (
                cx + (reach + grow * t) * math.cos(start + sweep * t),
                cy + (reach + grow * t) * math.sin(start + sweep * t) / ASPECT,
            )
            for t in np.linspace(0, 1, 40)
        ]
        tone = str(rng.choice(["#ffcf5a", "#ff7a1e", "#5a0a18", "#e8174a", "#2a0510", "#ffe9b8", "#ff3a24"]))
        sheet.line(points, tone, rng.uniform(4, 26))
    for _ in range(11):  # hard diagonals
        px, py, long = rng.random(), rng.random(), rng.uniform(0.15, 0.5)
        slant = -0.75 + rng.normal(0, 0.15)
        end = px + long * math.cos(slant), py + long * math.sin(slant) / ASPECT
        wide = rng.uniform(0.008, 0.035)
        sheet.shape(
            [(px, py), end, (end[0] + wide * 0.3, end[1] + wide), (px + wide, py + wide * 1.6)],
            str(rng.choice(["#1d040b", "#ff9a2e", "#b30f2a", "#fff0c0", "#ff5a36"])),
        )
    sheet.disc(cx, cy, 0.085, "#ffb02e")
    sheet.disc(cx + 0.008, cy - 0.01, 0.058, "#ffe089")
    sheet.disc(cx + 0.014, cy - 0.018, 0.028, "#fffbe6")
    for _ in range(60):
        a, r = rng.uniform(0, 6.3), rng.uniform(0.1, 0.65)
        sheet.disc(
            cx + r * math.cos(a),
            cy + r * math.sin(a) / ASPECT,
            rng.uniform(0.002, 0.009),
            str(rng.choice(["#ffd98a", "#3a0612", "#ff6a2a"])),
        )
    flow = angle + 1.45 + 0.5 * noise(rng, 4)
    return paint(sheet.picture(soft=1.0), flow, rng, ground="#7a1420", thickness=0.9)
