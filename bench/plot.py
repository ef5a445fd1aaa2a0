# SPDX-License-Identifier: Apache-2.0
"""Curves as SVG, with nothing but the standard library.

    curve(path, title, x_label, y_label, [("name", [(x, y), ...]), ...], log_x, log_y)

Each series is a line with markers in a colour and a shape of its own, named in a legend below the plot.
The axes cover all points; a logarithmic one has a tick at each power of ten (and at 2 and 5 where there are
few), a linear one at round numbers. On a logarithmic axis, points that are not above 0 are an error.
"""
import html
import math

WIDTH, HEIGHT = 760, 480
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 48, 66
ROW = 20
COLUMNS = 3
COLOURS = ("#1b6ca8", "#c8443a", "#2e8b57", "#8a4fa3", "#b8860b", "#3f4a56", "#d2691e", "#008b8b", "#a0306a")
PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def number(value):
    """A tick's text: 10k, 2.5M, 0.05."""
    for size, prefix in PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.4g}{prefix}"
    return f"{value:.4g}"


def log_ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(powers) <= 3 else (1,)
    return [factor * 10.0**power for power in powers for factor in factors]


def linear_ticks(low, high):
    step = 10.0 ** math.floor(math.log10((high - low) / 5))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= 7)
    first = math.floor(low / step)
    return [step * i for i in range(first, math.ceil(high / step) + 1)]


class Axis:
    """Maps values onto [start, end] of the picture."""

    def __init__(self, values, log, start, end):
        low, high = min(values), max(values)
        if log and low <= 0:
            raise ValueError("a logarithmic axis needs values above 0")
        if low == high:
            low, high = (low / 2, high * 2) if log else (low - 1, high + 1)
        self.log, self.start, self.end = log, start, end
        if log:
            ticks = log_ticks(low, high)
            self.low = max(t for t in ticks if t <= low * 1.0001)
            self.high = min(t for t in ticks if t >= high * 0.9999)
        else:
            ticks = linear_ticks(low, high)
            self.low, self.high = ticks[0], ticks[-1]
        self.ticks = [t for t in ticks if self.low * 0.9999 <= t <= self.high * 1.0001]

    def at(self, value):
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def text(x, y, words, anchor="middle", size=12, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {more}>'
            f"{html.escape(words)}</text>")


def line(x1, y1, x2, y2, colour, width=1.0):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def marker(x, y, index):
    colour = COLOURS[index % len(COLOURS)]
    if index % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    if index % 3 == 1:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    return f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z" fill="{colour}"/>'


def grid(x_axis, y_axis, x_label, y_label, bottom):
    out = []
    for tick in x_axis.ticks:
        x = x_axis.at(tick)
        out += [line(x, TOP, x, bottom, "#d8dce0"), text(x, bottom + 18, number(tick))]
    for tick in y_axis.ticks:
        y = y_axis.at(tick)
        out += [line(LEFT, y, WIDTH - RIGHT, y, "#d8dce0"), text(LEFT - 8, y + 4, number(tick), "end")]
    out += [line(LEFT, bottom, WIDTH - RIGHT, bottom, "#404850", 1.5), line(LEFT, TOP, LEFT, bottom, "#404850", 1.5)]
    out.append(text((LEFT + WIDTH - RIGHT) / 2, bottom + 40, x_label, size=13))
    middle = (TOP + bottom) / 2
    out.append(text(22, middle, y_label, size=13, more=f'transform="rotate(-90 22 {middle:.1f})"'))
    return out


def legend(names, top):
    out = []
    for index, name in enumerate(names):
        x = LEFT + (index % COLUMNS) * (WIDTH - LEFT - RIGHT) / COLUMNS
        y = top + index // COLUMNS * ROW
        out += [line(x, y, x + 26, y, COLOURS[index % len(COLOURS)], 2), marker(x + 13, y, index),
                text(x + 34, y + 4, name, "start")]
    return out


def curve(path, title, x_label, y_label, series, log_x=False, log_y=False):
    """Write one picture; series is [(name, [(x, y), ...]), ...], each in the order in which it is drawn."""
    points = [point for _, every in series for point in every]
    if not points:
        raise ValueError("nothing to draw")
    rows = (len(series) + COLUMNS - 1) // COLUMNS
    height = HEIGHT + rows * ROW
    bottom = HEIGHT - BOTTOM
    x_axis = Axis([x for x, _ in points], log_x, LEFT, WIDTH - RIGHT)
    y_axis = Axis([y for _, y in points], log_y, bottom, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" fill="#20262c">',
           f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', text(WIDTH / 2, 28, title, size=16)]
    out += grid(x_axis, y_axis, x_label, y_label, bottom)
    for index, (_, every) in enumerate(series):
        places = [(x_axis.at(x), y_axis.at(y)) for x, y in every]
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        colour = COLOURS[index % len(COLOURS)]
        out.append(f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 40:  # a distribution is a line, not a row of marks
            out += [marker(x, y, index) for x, y in places]
    out += legend([name for name, _ in series], bottom + 66)
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
