"""A result of confab-load made by hand, after the schema in result.h: what
report and compare read does not have to come from a run."""
import base64
import math
import random
import struct

LOW, HIGH, DIGITS, UNIT_BITS, SUB_BITS = 1000, 60_000_000_000, 3, 9, 11


def varint(v):
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7f | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def slot_of(v):
    """HdrHistogram's countsArrayIndex."""
    linear = (1 << (SUB_BITS + UNIT_BITS)) - 1
    bucket = (v | linear).bit_length() - UNIT_BITS - SUB_BITS
    return (bucket << (SUB_BITS - 1)) + (v >> (bucket + UNIT_BITS))


def encode(values):
    """hist_encode() of hist_code.c."""
    counts = {}
    for v in values:
        counts[slot_of(v)] = counts.get(slot_of(v), 0) + 1
    total = struct.unpack("<Q", struct.pack("<d", float(sum(values))))[0]
    out = b"".join(map(varint, (1, DIGITS, LOW, HIGH, min(values), max(values),
                                0, total)))
    at = 0
    for slot in sorted(counts):
        if slot > at:
            out += varint(2 * (slot - at) - 1)
        out += varint(2 * counts[slot])
        at = slot + 1
    return base64.b64encode(out).decode()


def times(count, middle, seed):
    r = random.Random(seed)
    return [int(r.lognormvariate(0, 0.5) * middle) for _ in range(count)]


def at_quantile(values, q):
    rank = math.ceil(len(values) * q - 1e-6)
    return sorted(values)[max(rank, 1) - 1]


def result(middle=300_000, seed=1, seconds=20, rate=600, **change):
    """A document, and the times that it holds."""
    rows = [times(rate, middle, seed * 1000 + i) for i in range(seconds)]
    values = [v for row in rows for v in row]
    sent = len(values)
    quantiles = {"count": [rate] * seconds,
                 "max": [max(row) for row in rows]}
    for name, q in ("p50", .5), ("p90", .9), ("p99", .99), ("p99.9", .999):
        quantiles[name] = [at_quantile(row, q) for row in rows]
    doc = {
        "schema": "confab-load/1",
        "program": {"name": "confab-load", "version": "0.1.0"},
        "argv": ["confab-load", "run", "it's <direct>"],
        "started_ms": 1_700_000_000_123,
        "url": "ws://127.0.0.1:8080",
        "scenario": {"name": "direct <b>&", "users": {"count": 10}},
        "environment": {"kernel": "Linux", "cpu": "any", "cores": 2,
                        "memory": 1 << 34, "fd_limit": 20000},
        "phases": {"ramp": 0, "settle": 0, "measure": 1000 * seconds,
                   "drain": 0},
        "metrics": {"e2e": {"hist": encode(values)}},
        "counts": {"measured": {"sent": sent},
                   "all": {"due": sent, "sent": sent, "acked": sent,
                           "expected": sent, "copies": sent}},
        "series": {
            "at_ms": [1000 * (i + 1) for i in range(seconds)],
            "phase": ["measure"] * seconds,
            "conns": [10] * seconds, "ready": [10] * seconds,
            "gen_cpu": [20.5] * seconds, "srv_cpu": [70.0] * seconds,
            "foreign_cpu": [0.0] * seconds, "gen_rss": [10 ** 7] * seconds,
            "srv_rss": [4 * 10 ** 8] * seconds, "srv_fds": [20] * seconds,
            "kernel_tcp": [-1] * seconds,
            "counts": {name: [rate] * seconds
                       for name in ("due", "sent", "acked", "copies")},
            "metrics": {"e2e": quantiles}},
        "outcome": {"exit": 0, "word": "pass", "verdict": "all is well",
                    "shards": 1, "bytes_per_client": 96, "lag_p99_ms": 0.1},
        "thresholds": [{"text": "e2e.p99 < 100ms", "metric": "e2e.p99",
                        "duration": True, "limit": 1e8, "value": 1e6,
                        "state": "pass"}],
    }
    doc.update(change)
    return doc, values
