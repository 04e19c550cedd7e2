#!/usr/bin/env python3
"""Measures what a message costs clients, on one broker: the processor time of the client for each message, medians of some rounds, clients in turn.

client.py --broker 'command with {port}' --client NAME='command with {mode} {port} {warm} {count}' ... [--mode pub0 ...] [--rounds 5] [--warm N] [--count N]
NAME@MODE takes part in one mode only.
A client prints "ready" once it has subscribed (sub0), and at the end its microseconds for each message. The first client is the base of the
ratios, and sends what others receive."""

import argparse
import shlex
import socket
import statistics
import subprocess
import sys
import time

LIMIT = 60  # seconds for one client


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--broker', required=True)
    parser.add_argument('--client', action='append', required=True)
    parser.add_argument('--mode', nargs='+', default=['pub0', 'pub1', 'sub0'])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--warm', type=int, default=50_000)
    parser.add_argument('--count', type=int, default=200_000)
    options = parser.parse_args()
    clients = dict(one.split('=', 1) for one in options.client)
    base = next(iter(clients))
    print(f'{"mode":10} {"client":14} {"us/message":>10} {"of " + base:>16}')
    for mode in options.mode:
        figures = {name: [] for name in clients}
        for _ in range(options.rounds):
            for name, command in clients.items():
                if '@' not in name or name.endswith(f'@{mode}'):
                    figures[name].append(measure(options, clients[base], command, mode))
        reference = statistics.median(figures[base])
        for name, values in figures.items():
            if values:
                print(f'{mode:10} {name.split("@")[0]:14} {statistics.median(values):10.2f} {statistics.median(values) / reference:15.2f}x', flush=True)


def measure(options, sender, command, mode):
    port = free_port()
    broker = subprocess.Popen(shlex.split(options.broker.format(port=port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_port(port)
        fill = lambda text, mode: shlex.split(text.format(mode=mode, port=port, warm=options.warm, count=options.count))
        client = subprocess.Popen(fill(command, mode), stdout=subprocess.PIPE, text=True)
        try:
            if mode == 'sub0':
                if client.stdout.readline().strip() != 'ready':
                    raise SystemExit(f'{command}: not ready')
                subprocess.run(fill(sender, 'pub1'), stdout=subprocess.DEVNULL, check=True, timeout=LIMIT)
            output, _ = client.communicate(timeout=LIMIT)
        finally:
            client.kill()
        if client.returncode != 0:
            raise SystemExit(f'{command}: exit code {client.returncode}')
        return float(output.split()[-1])
    finally:
        broker.terminate()
        broker.wait()


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def await_port(port):
    for _ in range(200):
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit('the broker does not listen')


if __name__ == '__main__':
    sys.exit(main())
