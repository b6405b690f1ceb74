#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two builds of Gossamer in turns on the same training steps: did a change cost speed or memory?

Both programs of a workload run at once and sleep while the other has its turn. A pair is a block of each, in
alternating order; a pair during which anybody else ran more than --others of a processor is taken again, up to three
times as many. Printed: the median over pairs of the ratio after / before with its 95 % interval (order statistics of
the median), peak memory above the start and compile time of both. A workload is worse when its whole interval lies
above 1 and its median above --limit, or its memory above --memory; the exit status is then 1.

  python3 bench/builds.py BEFORE AFTER --pairs 30 --threads 2
"""
import argparse
import json
import math
import pathlib
import statistics
import sys
import time

from neighbour import turn
from race import WORKLOADS, Contender


def interval(values):
    """The median and the ranks around it that hold the true one in 95 of 100 cases."""
    v, n = sorted(values), len(values)
    k = max(0, int(n / 2 - 1.96 * math.sqrt(n) / 2))
    return statistics.median(v), v[k], v[n - 1 - k]


def start(build, workload, o, log, **environment):
    program = build / "bench" / WORKLOADS[workload][0]
    command = [program, "--workload", workload, "--threads", str(o.threads), "--interactive"]
    c = Contender(f"{build.parent.name}/{build.name}", command, log, **environment)
    if not c.start(o.patience):
        sys.exit(f"{workload}: {c.name} {c.failure}")
    return c


def block(c, o):
    """Median step of a block in ms, and whether nobody else ran."""
    said, alone = turn(c, o)
    c.times.append(said["ms"])
    c.peak_mb, c.start_mb = said["peak_mb"], said["start_mb"]
    return said["ms"], alone


def pairs(both, o):
    ratios, disturbed = [], 0
    for c in both:
        block(c, o)  # warm-up
    while len(ratios) < o.pairs and disturbed < 3 * o.pairs:
        order = both if (len(ratios) + disturbed) % 2 == 0 else both[::-1]
        taken = {}
        for c in order:
            time.sleep(0.1)  # the other's threads spin for a while after their turn
            taken[c] = block(c, o)
        if all(alone for _, alone in taken.values()):
            ratios.append(taken[both[1]][0] / taken[both[0]][0])
        else:
            disturbed += 1
    return ratios


def compare(workload, both, o):
    same = both[0].head["check"] == both[1].head["check"]
    ratios = pairs(both, o)
    for c in both:
        c.stop()
    if not ratios:
        print(f"{workload:18} others used the processors: no pair counts", file=sys.stderr)
        return None
    median, low, high = interval(ratios)
    memory = [c.peak_mb - c.start_mb for c in both]
    compile_ms = [c.head.get("compile_ms") for c in both]
    more = memory[1] / max(memory[0], 1)
    worse = (median > o.limit and low > 1) or (more > o.memory and memory[1] - memory[0] > 1)
    ms = [statistics.median(c.times) for c in both]
    print(f"{workload:18} {ms[0]:10.4f} -> {ms[1]:10.4f} ms  ratio {median:.3f} [{low:.3f}, {high:.3f}] "
          f"of {len(ratios)} pairs  {memory[0]:.1f} -> {memory[1]:.1f} MB  "
          f"compile {compile_ms[0]} -> {compile_ms[1]} ms  "
          f"numbers {'equal' if same else 'differ in the last digits'}{'  WORSE' if worse else ''}")
    sys.stdout.flush()
    return {"workload": workload, "threads": o.threads, "pairs": len(ratios), "ratio": round(median, 4),
            "ci95": [round(low, 4), round(high, 4)], "memory_mb": memory, "compile_ms": compile_ms, "equal": same,
            "worse": worse}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("before", type=pathlib.Path, help="build folder with bench/ in it")
    p.add_argument("after", type=pathlib.Path)
    p.add_argument("--workload", action="append", choices=WORKLOADS, help="default: all that both builds have")
    p.add_argument("--pairs", type=int, default=30)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--limit", type=float, default=1.03)
    p.add_argument("--memory", type=float, default=1.05)
    p.add_argument("--others", type=float, default=0.05,
                   help="share of a processor that others may have in a pair that counts")
    p.add_argument("--patience", type=float, default=300, help="seconds a program may need for a start or a turn")
    p.add_argument("--json", type=pathlib.Path, help="also write the rows here")
    o = p.parse_args()
    o.before, o.after = o.before.resolve(), o.after.resolve()
    rows = []
    with open(o.after / "bench.log", "a") as log:
        for workload in o.workload or WORKLOADS:
            if all((b / "bench" / WORKLOADS[workload][0]).exists() for b in (o.before, o.after)):
                both = [start(build, workload, o, log) for build in (o.before, o.after)]
                rows.append(compare(workload, both, o))
    if o.json:
        o.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(r is None or r["worse"] for r in rows))


if __name__ == "__main__":
    main()
