#!/usr/bin/env python3
"""Measures how cost grows with size, ours beside mosquitto, and writes tables in markdown to standard output:
growth.py --load ./mqttload --ours 'command with {port}' --mosquitto 'command with {port}' [--rounds N] [--tables subs ...] [--sizes N ...]"""
import argparse, sys
from compare import one, raise_limits
from report import first, machine, median, number

LIMIT = 200  # seconds for one measurement
MANY = 100000  # for fewer, what each one costs is mostly what starting costs
TICKS = 100000  # microseconds, ten ticks of the clock that counts processor time: what rests on less is vague
ONCE = {'cpu_us_per_sub', 'store_us_per_msg', 'fetch_us_per_msg', 'queue_us_per_msg', 'drain_us_per_msg'}  # measured once for each of the size
SECONDS = 3
LASTING = {'subs': 10}  # seconds: this mode has no warm-up, and within three the half second that optimising the program takes would be a part of the figure
WARM_FLAGS = {'retained': '--messages 20000'}  # the warm-up keeps few, again and again
LARGE = 16384  # of smaller payloads the rate in MB/s says nothing
MESSAGE = ('broker_us_per_msg', 'us per message', 0)

TABLES = {  # name: (title, size, sizes, generator flags, how often warmed up, figures: (key, heading, smallest size that shows it))
    'subs': ('By the number of subscriptions, a quarter with wildcards, of 100 clients (the row of 1: of one); each message goes to one',
             'subscriptions', (1, 1000, 100000, 1000000),
             lambda n: '--mode subs --filters %d --clients %d' % (n, min(n, 100)), False,
             (MESSAGE, ('cpu_us_per_sub', 'us per subscription', MANY), ('rss_bytes_per_sub', 'bytes per subscription', MANY))),
    'connections': ('By the number of connections, half of them publishers with a subscriber each; 64 bytes, QoS 0, two messages under way for each, so that as many come with a read in every row',
                    'connections', (10, 1000, 10000),
                    lambda n: '--topology pairs --pubs %d --subs %d --window 2' % (n // 2, n // 2), True, (MESSAGE,)),
    'payload': ('By payload, from one client to one, QoS 0', 'bytes', (16, 64, 256, 1024, 16384, 262144, 1048576),
                lambda n: '--topology pairs --size %d --window %d' % (n, min(1000, (8 << 20) // n)), True, (MESSAGE, ('mb_s', 'MB/s', LARGE))),
    'retained': ('By the number of retained messages, beside 20,000 others', 'messages', (1000, 100000, 1000000),
                 lambda n: '--mode retained --messages %d --inflight 1000' % n, 40,
                 (('store_us_per_msg', 'us to keep one', 0), ('fetch_us_per_msg', 'us to bring one', 0), ('rss_bytes_per_msg', 'bytes for each', 1000000))),  # what the warm-up left in memory serves again
    'offline': ('By the number of messages queued for a client that is away, QoS 1', 'messages', (1000, 100000, 1000000),
                lambda n: '--mode offline --messages %d --inflight 1000' % n, False,
                (('queue_us_per_msg', 'us to queue one', 0), ('drain_us_per_msg', 'us to bring one', 0), ('rss_bytes_per_msg', 'bytes for each', MANY))),
}


def note(broker, runs):
    """What went wrong in any round, beside loss, which has a column of its own."""
    found = []
    for run in runs:
        found += [' '.join(run[key].split()) for key in ('error', 'first_error') if run.get(key)]
        found += ['%d delivered twice' % run['dups']] if run.get('dups') else []
        found += ['took only %d' % run['acked']] if run.get('acked', 0) < run.get('messages', 0) and 'acked' in run else []
    return ['%s: %s' % (broker, text) for text in dict.fromkeys(found)]


def row(size, figures, runs):
    cells = ['{:,}'.format(size)]
    for key, _, least in figures:
        ours, peer = (median(runs[broker], key) if size >= least else None for broker in ('ours', 'mosquitto'))
        vague = [key in ONCE and value is not None and value * size < TICKS for value in (ours, peer)]
        cells += ['~' * mark + number(value) for mark, value in zip(vague, (ours, peer))]
        cells += [number(peer / ours) + 'x' if ours and peer and not any(vague) else '-']
    cells += ['/'.join(str(max((run['lost'] for run in runs[broker] if 'lost' in run), default='-')) for broker in runs)]
    cells += ['; '.join(text for broker in runs for text in note(broker, runs[broker]))]
    return '| %s |' % ' | '.join(cells)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--load', required=True)
    parser.add_argument('--ours', required=True)
    parser.add_argument('--mosquitto', required=True)
    parser.add_argument('--rounds', type=int, default=1)
    parser.add_argument('--tables', nargs='+', choices=TABLES, default=list(TABLES))
    parser.add_argument('--sizes', nargs='+', type=int)
    parser.set_defaults(pin='split', warm=3)
    a = parser.parse_args()
    raise_limits()
    brokers, port = {'ours': a.ours, 'mosquitto': a.mosquitto}, 22883

    rounds = '' if a.rounds == 1 else ', medians of %d rounds' % a.rounds
    print('# Growth\n\nWritten by `benchmarks/growth.sh`: the broker\'s processor time (user and system) as the load generator reads it, the broker on one core and the')
    print('generator on the other, each broker started fresh for each row%s; `lost` is ours/mosquitto.' % rounds)
    print('`~`: rests on fewer than ten ticks of the clock (10 ms each).\n')
    print('Machine: %s.\nPeer: %s. Commit: %s.' % (machine(), first(['mosquitto', '-h']), first(['git', 'rev-parse', '--short', 'HEAD'])))
    for name in a.tables:
        title, unit, sizes, flags, warm, figures = TABLES[name]
        heads = ['%s: ours | mosquitto | mosquitto / ours' % heading for _, heading, _ in figures]
        sizes = a.sizes or sizes
        a.duration = LASTING.get(name, SECONDS)
        start = 'After a warm-up.' if warm else 'Of a broker that has just started%s.' % (', messages over %d s' % a.duration if name in LASTING else '')
        print('\n## %s\n\n%s Last row: `%s`.\n' % (title, start, flags(sizes[-1])))
        print('| %s | %s | lost | note |\n|---:|%s---|---|' % (unit, ' | '.join(heads), '---:|' * 3 * len(figures)), flush=True)
        for size in sizes:
            runs = {broker: [] for broker in brokers}
            for _ in range(a.rounds):
                for broker, command in brokers.items():
                    port += 1
                    runs[broker].append(one(a, command, flags(size), warm, port, LIMIT, WARM_FLAGS.get(name, '')))
                    print('  %s %d %s %s' % (name, size, broker, runs[broker][-1]), file=sys.stderr, flush=True)
            print(row(size, figures, runs), flush=True)


main()
