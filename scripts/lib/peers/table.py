"""The figures of all rounds as Markdown: medians, the range, the ratio."""
from statistics import median

import servers

# Why a peer is cheaper there, as a profile of confabd says (perf, one core);
# to be looked at anew when the server changes.
CAUSES = {
    "connect": "2 sends and 3 reads against one of each for an upgrade, and "
               "the account, its conversations and its presence to look up.",
    "direct 5000": "More than half of it is the writer of the store: "
                   "fdatasync more than a quarter of all, the writes to its "
                   "log a tenth. The node's two fifths are 4 sends (entry, "
                   "`sent`, receipts), 3 reads and the waits between them; "
                   "the peers do one of each, and keep nothing.",
    "direct 15000": "Two fifths are the writer of the store and a fifth its "
                    "checkpoints: fdatasync a fifth of all, writes to log "
                    "and database a sixth. The node has the other two "
                    "fifths, half of them its sends.",
    "fan": "Two thirds is send itself, a sixteenth the writer of the store, "
           "the rest the acknowledgements of the members, which no peer "
           "takes.",
}


def middle(runs, name):
    values = [r[name] for r in runs if r.get(name) == r.get(name)
              and name in r]
    return (median(values), min(values), max(values)) if values else None


def cell(figures, digits):
    if figures is None:
        return "-"
    return "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*figures, d=digits)


def ratio(ours, base):
    if ours is None or not base:
        return "-"
    return f"{ours[0] / base:.2f}"


def part(title, kinds, found, name, digits, floor=None, more=()):
    """more: (heading, name, digits) of columns without a ratio."""
    base = middle(found["confab"], name)[0] if found.get("confab") else None
    head = [title, "x confab"] + (["x floor"] if floor else [])
    head += [m[0] for m in more]
    print("| server | " + " | ".join(head) + " |")
    print("|---" * (len(head) + 1) + "|")
    for kind in kinds:
        seen = middle(found[kind.name], name)
        cells = [cell(seen, digits), ratio(seen, base)]
        cells += [ratio(seen, floor)] if floor else []
        cells += [cell(middle(found[kind.name], m[1]), m[2]) for m in more]
        print(f"| {kind.name} | " + " | ".join(cells) + " |")
    print()


def behind(kinds, found, names):
    """One line for each figure in which a peer beats confab."""
    lines = []
    for name, what, unit in names:
        ours = middle(found["confab"], name)
        before = len(lines)
        for kind in kinds:
            seen = middle(found[kind.name], name)
            if not kind.scheme or seen is None or seen[0] >= ours[0]:
                continue
            digits = 0 if ours[0] >= 100 else 1
            lines.append(f"- {what}: {kind.name} {seen[0]:.{digits}f} {unit}, "
                         f"confab {ours[0]:.{digits}f}: "
                         f"{ours[0] / seen[0]:.2f} times.")
        if len(lines) > before and name in CAUSES:
            lines.append(f"  {CAUSES[name]}")
    return lines


def conditions(found, floors, setup):
    strange = [r["foreign"] for runs in found.values() for r in runs]
    before, after = setup["load"]
    print(f"Medians of {setup['rounds']} rounds (least to most); each server "
          "started afresh, on core 0, the generator on core 1, both before "
          "other programs (SCHED_RR), the order turned round each time. Load average "
          f"{before:.1f} before and {after:.1f} after; other programs took "
          f"{median(strange):.0f} % of a core ({min(strange):.0f} to "
          f"{max(strange):.0f}). Bodies of 200 bytes.")
    if median(strange) > 20:
        print("**Under foreign load**: that takes caches and the disk, not "
              "the cores.")
    print("Threads of one server do not interrupt each other in that class: "
          "the times of confab, whose writer and checkpointer share the core "
          "with its node, are an upper bound.")
    names = {"send_1024": "a send of 1 KB", "relay_cpu": "CPU of a bare relay "
             "for a message", "message": "3 recv, 4 send and a durable row"}
    print("Floor, us: " + ", ".join(
        f"{names[n]} {cell(middle(floors, n), 2)}" for n in names) + ".\n")


def show(kinds, found, floors, missing, setup):
    conditions(found, floors, setup)
    floor = {n: middle(floors, n)[0] for n in floors[0]}
    part("us of CPU a connect", kinds, found, "connect", 1,
         more=[("idle: bytes of RSS a connection", "memory", 0)])
    print(f"{setup['conns']} connections, 3,000 a second. confab: upgrade, "
          "login by token, sync and presence; bun and ws: the bare upgrade; "
          "MQTT: CONNECT by any name and password; NATS: CONNECT and PING.\n")
    for rate in setup["rates"]:
        part(f"1:1 at {rate:,}/s: us of CPU a message", kinds, found,
             f"direct {rate}", 1, floor["relay_cpu"],
             [("delivered a second", f"got {rate}", 0),
              ("written to received, p50 ms", f"p50 {rate}", 3),
              ("p99 ms", f"p99 {rate}", 2)])
    print("confab: stored, `sent`, delivered, and receipts of delivery and "
          "reading back to the sender. What the others promise: "
          + "; ".join(f"{k.name}: {k.promise}" for k in kinds) + ".\n")
    part("fan-out to 500: us of CPU a copy", kinds, found, "fan", 2,
         floor["send_1024"],
         [("last recipient p99 ms", "last p99", 1),
          ("copies lost", "lost fan", 0)])
    names = [("connect", "CPU of a connect", "us"),
             ("memory", "memory of an idle connection", "bytes")]
    names += [(f"direct {r}", f"CPU of a message at {r:,}/s", "us")
              for r in setup["rates"]]
    names += [("fan", "CPU of a copy", "us")]
    print("Where confab is behind:\n")
    print("\n".join(behind(kinds, found, names) or ["- nowhere."]))
    for fault in setup["faults"]:
        print(f"\n**Fault**: {fault}")
    if missing:
        print(f"\nNot measured, since not here: {', '.join(missing)}; "
              f"`{servers.INSTALL}` installs them.")
