"""Small line plots as SVG files, without anything but Python."""
import math

COLORS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2"]
WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 150, 30, 45


def nice_ticks(low, high, count=5):
    span = (high - low) or abs(high) or 1
    step = 10 ** math.floor(math.log10(span / count))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= count)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def line_plot(title, x_label, y_label, series, notes=None):
    """An SVG text. `series`: names with their [(x, y)]; `notes`: texts for the points of the first series."""
    points = [point for _, line in series for point in line]
    if not points:
        return None
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(0, min(y for _, y in points)), max(y for _, y in points) * 1.05
    high_x += (high_x == low_x)

    def place(point):
        x = LEFT + (point[0] - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (point[1] - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)
        return x, y

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{title}</text>',
    ]
    for tick in nice_ticks(low_y, high_y):
        _, y = place((low_x, tick))
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in nice_ticks(low_x, high_x, 6):
        x, _ = place((tick, low_y))
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:g}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}</text>')
    out.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>')
    for index, (name, line) in enumerate(series):
        color = COLORS[index % len(COLORS)]
        placed = [place(point) for point in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        out.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{color}"/>' for x, y in placed]
        if index == 0 and notes:
            out += [f'<text x="{x + 5:.1f}" y="{y - 5:.1f}">{note}</text>' for (x, y), note in zip(placed, notes)]
        if name:
            y = TOP + 14 * index + 8
            out.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 8}" width="10" height="10" fill="{color}"/>')
            out.append(f'<text x="{WIDTH - RIGHT + 27}" y="{y + 1}">{name}</text>')
    return "\n".join(out + ["</svg>", ""])
