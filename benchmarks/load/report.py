#!/usr/bin/env python3
"""Writes RESULTS.md from what compare.py measured: report.py FOLDER PIN [PIN ...]. Medians over the rounds, ratios, and the targets."""
import json, os, platform, statistics, subprocess, sys

# What the finished broker aims at: (largest ratio to the bare relay, smallest factor by which mosquitto is dearer).
TARGETS = {
    'pairs1_q0': (4, 40), 'pairs1_q1': (3, 20), 'fanin20_q0': (4, 30), 'fanout20_q0': (4, 30),
    'fanout1000_q0': (1.5, 10), 'pairs50_q1_256': (2.5, 35), 'pair1_5k': (1.3, 1),
}
CONNECTIONS = {'conn5k': '5,000', 'conn10k': '10,000'}
STORED = {  # scenario: (what it does, what of it is measured)
    'subs100k': ('100,000 subscriptions of 100 clients, a quarter with wildcards', {'cpu_us_per_sub': 'CPU us for each subscription', 'rss_bytes_per_sub': 'bytes for each'}),
    'retained50k': ('50,000 retained messages', {'store_us_per_msg': 'CPU us to keep one', 'fetch_us_per_msg': 'to bring one', 'rss_bytes_per_msg': 'bytes for each'}),
    'offline100k': ('100,000 messages for a client that is away', {'queue_us_per_msg': 'CPU us to queue one', 'drain_us_per_msg': 'to bring one', 'rss_bytes_per_msg': 'bytes for each'}),
}
PINS = {'split': 'The broker on one core, the generator on the other', 'none': 'No pinning: broker and generator share all cores'}


def first(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()[0]
    except (OSError, IndexError):
        return '?'


def machine():
    with open('/proc/cpuinfo') as info:
        model = next((line.split(':', 1)[1].strip() for line in info if line.startswith('model name')), platform.machine())
    return '%d cores, %s, Linux %s, .NET SDK %s' % (os.cpu_count(), model, platform.release(), first(['dotnet', '--version']))


def median(runs, key):
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else None


def number(value):
    return '-' if value is None else '%.3g' % value if value < 1000 else '%.0f' % value


def row(name, brokers):
    ours, null, peer = (median(brokers[broker], 'broker_us_per_msg') for broker in ('ours', 'null', 'mosquitto'))
    lost = max(run.get('lost', 0) for run in brokers['ours'])
    errors = next((run[key] for run in brokers['ours'] for key in ('error', 'first_error') if run.get(key)), '')
    to_null, to_peer = (ours / null if ours and null else None), (peer / ours if ours and peer else None)
    most, least = TARGETS.get(name, (None, None))
    met = '' if most is None or None in (to_null, to_peer) else 'yes' if to_null <= most and to_peer >= least else 'NO'
    target = '' if most is None else '<= %gx, >= %gx' % (most, least)
    return '| %s | %s | %s | %s | %sx | %sx | %s | %s | %s | %s | %s |' % (
        name, number(ours), number(null), number(peer), number(to_null), number(to_peer), target, met,
        number(median(brokers['ours'], 'p99_us')), lost, errors)


def connections(brokers):
    keys = ('cpu_us_per_conn', 'rss_kb_per_conn', 'conn_rate')
    lines = ['| broker | CPU us for each accepted connection | KiB for each idle connection | connections a second |', '|---|---:|---:|---:|']
    for broker, runs in brokers.items():
        lines.append('| %s | %s |' % (broker, ' | '.join(number(median(runs, key)) for key in keys)))
    return lines


def stored(brokers, keys):
    lines = ['| broker | %s |' % ' | '.join(keys.values()), '|---|%s' % ('---:|' * len(keys))]
    for broker, runs in brokers.items():
        error = next((run['error'] for run in runs if run.get('error')), None)
        if broker != 'null':
            lines.append('| %s | %s |' % (broker, error or ' | '.join(number(median(runs, key)) for key in keys)))
    return lines


def main():
    folder, pins = sys.argv[1], sys.argv[2:]
    print('# Results\n\nWritten by `benchmarks/compare.sh`; [README.md](README.md) says how it measures. Main figure: the broker\'s processor time in')
    print('microseconds for each delivered message, medians. `null` is the bare relay, which checks nothing.\n')
    print('Machine: %s.\nPeer: %s. Commit: %s.' % (machine(), first(['mosquitto', '-h']), first(['git', 'rev-parse', '--short', 'HEAD'])))
    for pin in pins:
        with open(os.path.join(folder, pin + '.json')) as file:
            measured = json.load(file)
        counts = [len(runs) for brokers in measured.values() for runs in brokers.values()]
        rounds = '%d' % max(counts) if min(counts) == max(counts) else '%d to %d' % (min(counts), max(counts))
        print('\n## %s\n\n%s rounds.\n' % (PINS.get(pin, pin), rounds))
        print('| scenario | ours | null | mosquitto | ours / null | mosquitto / ours | target | met | our p99 us | lost | note |')
        print('|---|---:|---:|---:|---:|---:|---|---|---:|---:|---|')
        for name, brokers in measured.items():
            if name not in CONNECTIONS and name not in STORED:
                print(row(name, brokers))
        for name, count in CONNECTIONS.items():
            if name in measured:
                print('\n%s connections, of a broker that has just started:\n\n%s' % (count, '\n'.join(connections(measured[name]))))
        for name, (title, keys) in STORED.items():
            if name in measured:
                print('\n%s:\n\n%s' % (title, '\n'.join(stored(measured[name], keys))))


if __name__ == '__main__':
    main()
