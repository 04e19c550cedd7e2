#!/usr/bin/env python3
"""Draws what compare.py measured: chart.py FILE.json CHART.svg. Bars of processor time for each message, ours beside mosquitto's, on a scale of powers of ten."""
import json, math, statistics, sys

SHAPES = {
    'pairs1_q0': '1 to 1, QoS 0', 'pairs1_q1': '1 to 1, QoS 1', 'pairs50_q1_256': '50 pairs, QoS 1, 256 bytes', 'fanin20_q0': '20 to 1, QoS 0',
    'fanout20_q0': '1 to 20, QoS 0', 'fanout1000_q0': '1 to 1,000, QoS 0', 'mesh20_q0': '20 to 20, QoS 0', 'pair1_5k': '1 to 1, 5,000 a second',
}
BROKERS = {'ours': ('this broker', '#2166ac'), 'mosquitto': ('mosquitto', '#b2182b')}
LEFT, WIDTH, BAR, GAP = 190, 480, 14, 14
SMALLEST, DECADES = 0.01, 4


def x(value):
    return LEFT + WIDTH * min(1, max(0, math.log10(value / SMALLEST) / DECADES))


def text(at, line, what, anchor='start', weight='normal'):
    return f'<text x="{at:.0f}" y="{line:.0f}" text-anchor="{anchor}" font-weight="{weight}">{what}</text>'


def main():
    with open(sys.argv[1]) as file:
        measured = json.load(file)
    rows = [(title, {broker: statistics.median(run['broker_us_per_msg'] for run in measured[name][broker]) for broker in BROKERS})
            for name, title in SHAPES.items() if name in measured]
    height = 70 + len(rows) * (2 * BAR + GAP) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 60}" height="{height}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="white"/>',
             text(10, 22, 'Processor time of the broker for each delivered message, in microseconds; each line is ten times the one before', weight='bold')]
    for place, (name, color) in enumerate(BROKERS.values()):
        parts += [f'<rect x="{LEFT + 110 * place}" y="34" width="12" height="12" fill="{color}"/>', text(LEFT + 110 * place + 17, 44, name)]
    top = 60
    for decade in range(DECADES + 1):
        at = LEFT + WIDTH * decade / DECADES
        parts += [f'<line x1="{at:.0f}" x2="{at:.0f}" y1="{top}" y2="{height - 26}" stroke="#ddd"/>', text(at, height - 10, f'{SMALLEST * 10 ** decade:g}', 'middle')]
    for place, (title, figures) in enumerate(rows):
        line = top + 6 + place * (2 * BAR + GAP)
        parts.append(text(LEFT - 8, line + BAR + 4, title, 'end'))
        for which, (broker, (_, color)) in enumerate(BROKERS.items()):
            end = x(figures[broker])
            parts += [f'<rect x="{LEFT}" y="{line + which * BAR}" width="{end - LEFT:.0f}" height="{BAR - 2}" fill="{color}"/>',
                      text(end + 4, line + which * BAR + BAR - 4, f'{figures[broker]:.3g}')]
    with open(sys.argv[2], 'w') as file:
        file.write('\n'.join([*parts, '</svg>', '']))


main()
