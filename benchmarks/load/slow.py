#!/usr/bin/env python3
"""Many publishers into one slow subscriber at QoS 1: slow.py --port P --pid BROKER [--pubs 30] [--seconds 60] [--rate 2000]

The subscriber takes RATE messages a second while the publishers publish as fast as they are acknowledged; then it takes the rest. Prints what
was acknowledged to the publishers, what came, and the broker's memory; the exit code is 1 if a message was lost or the broker stood still.
"""
import argparse, json, selectors, socket, struct, sys, time

INFLIGHT, PAYLOAD = 20, b'x' * 200


def field(text): return struct.pack('>H', len(text)) + text
def packet(first, body):
    length, n = b'', len(body)
    while True:
        n, digit = n >> 7, n & 127
        length += bytes([digit | (128 if n else 0)])
        if not n: return bytes([first]) + length + body


class Client:
    def __init__(self, port, name):
        self.socket = socket.create_connection(('127.0.0.1', port), 10)
        self.buffer = b''
        self.send(packet(0x10, field(b'MQTT') + bytes([4, 2, 0, 0]) + field(name)))
        assert self.next(10)[0] == 0x20

    def send(self, data): self.socket.sendall(data)

    def packets(self, data):
        """The whole packets that have come with these bytes."""
        self.buffer += data
        at, whole = 0, []
        while True:
            length = shift = 0; i = at + 1
            while i < len(self.buffer) and self.buffer[i] & 128: length |= (self.buffer[i] & 127) << shift; shift += 7; i += 1
            if i >= len(self.buffer): break
            length |= self.buffer[i] << shift
            if i + 1 + length > len(self.buffer): break
            whole.append((self.buffer[at], self.buffer[i + 1:i + 1 + length])); at = i + 1 + length
        self.buffer = self.buffer[at:]
        return whole

    def next(self, timeout):
        self.socket.settimeout(timeout)
        while True:
            data = self.socket.recv(65536)
            if not data: raise SystemExit('the broker closed a connection')
            for one in self.packets(data): return one


class Publisher(Client):
    def __init__(self, port, number):
        super().__init__(port, b'slow-pub-%d' % number)
        self.number, self.published, self.acknowledged = number, 0, 0

    def fill(self):
        data = b''
        while self.published - self.acknowledged < INFLIGHT:
            self.published += 1
            body = field(b'slow/in') + struct.pack('>H', (self.published - 1) % 60000 + 1) + b'%d:%d:' % (self.number, self.published) + PAYLOAD
            data += packet(0x32, body)
        self.send(data)


def resident(pid):
    with open(f'/proc/{pid}/status') as status: return next(int(line.split()[1]) for line in status if line.startswith('VmRSS')) / 1024


def main():
    ap = argparse.ArgumentParser(); ap.add_argument('--port', type=int, required=True); ap.add_argument('--pid', type=int, required=True)
    ap.add_argument('--pubs', type=int, default=30); ap.add_argument('--seconds', type=float, default=60); ap.add_argument('--rate', type=float, default=2000)
    a = ap.parse_args()
    before = most = resident(a.pid)
    slow = Client(a.port, b'slow-sub'); slow.send(packet(0x82, struct.pack('>H', 1) + field(b'slow/in') + b'\x01')); assert slow.next(10)[0] == 0x90
    slow.socket.setblocking(False)
    selector = selectors.DefaultSelector()
    publishers = [Publisher(a.port, i) for i in range(a.pubs)]
    for one in publishers: selector.register(one.socket, selectors.EVENT_READ, one); one.fill()

    seen, duplicates, taken, waiting = set(), 0, 0, []
    began = last = time.monotonic(); longest = 0.0; look = began
    while True:
        now = time.monotonic(); publishing = now - began < a.seconds
        for key, _ in selector.select(0.001):
            one = key.data; data = one.socket.recv(65536)
            if not data: raise SystemExit('the broker closed a publisher')
            count = sum(1 for first, _ in one.packets(data) if first == 0x40)
            one.acknowledged += count
            if count: longest, last = max(longest, now - last), now
            if publishing: one.fill()
        allowed = a.rate * (now - began) - taken if publishing else 1 << 30
        if allowed > 0 and not waiting:
            try: waiting = slow.packets(slow.socket.recv(16384))
            except BlockingIOError: pass
        acknowledgements = b''
        while waiting and allowed > 0:
            first, body = waiting.pop(0); taken += 1; allowed -= 1
            start = 2 + struct.unpack('>H', body[:2])[0]
            name = body[start + 2:].split(b':', 2)[:2]; name = (name[0], name[1])
            duplicates += name in seen; seen.add(name); acknowledgements += b'\x40\x02' + body[start:start + 2]
        if acknowledgements:
            slow.socket.setblocking(True); slow.send(acknowledgements); slow.socket.setblocking(False)
        if now - look > 0.5: look, most = now, max(most, resident(a.pid))
        if not publishing:
            if all(one.acknowledged == one.published for one in publishers) and len(seen) >= sum(one.published for one in publishers): break
            if now - began > a.seconds + 30: break

    acknowledged = sum(one.acknowledged for one in publishers)
    result = {'acknowledged': acknowledged, 'came': len(seen), 'lost': acknowledged - len(seen), 'duplicates': duplicates,
              'longest_without_ack_s': round(longest, 2), 'rss_before_mb': round(before, 1), 'rss_most_mb': round(most, 1)}
    print(json.dumps(result))
    return 1 if result['lost'] > 0 or longest > 10 or acknowledged == 0 else 0


if __name__ == '__main__': sys.exit(main())
