#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One and two threads, alone and with one busy neighbour: another program of equal priority that never sleeps on one
core.

One and a half cores are then there for two threads. A step with two should never take longer than with one, and should
come near two thirds of it. Each workload runs as two programs (one thread, two threads) that take turns, a block each,
with the neighbour and without it in turns, too; a figure is the median over blocks of the mean step in a block, so that
steps that wait for the neighbour count. A turn during which anybody else ran does not count and is taken again, up to
three times as many rounds; where that is not enough a warning says so. Rows with "neighbour" go into bench.json beside
those of race.py.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from race import Contender

WORKLOADS = {"few-shot": "bench_few_shot", "maml-5": "bench_maml"}
THREADS = (1, 2)


class Neighbour:
    """Spins on the last usable core."""

    def __enter__(self):
        core = max(os.sched_getaffinity(0))
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                                        preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        time.sleep(0.3)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def busy_ticks(processes):
    """Ticks of all processors that went to others than these processes."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, steal, *_ = map(int, f.readline().split()[1:])
    ticks = user + nice + system + irq + softirq + steal
    for p in processes:
        fields = pathlib.Path(f"/proc/{p.pid}/stat").read_text().rpartition(")")[2].split()
        ticks -= int(fields[11]) + int(fields[12])
    return ticks


def turn(contender, o, neighbour=None):
    """What a contender says of a block, and whether nobody else ran meanwhile."""
    own = [contender.process] + ([neighbour.process] if neighbour else [])
    before, start = busy_ticks(own), time.monotonic()
    contender.process.stdin.write("\n")
    contender.process.stdin.flush()
    said = contender.answer(o.patience)
    if not said:
        sys.exit(f"{contender.name}: {contender.failure}")
    others = (busy_ticks(own) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - start)
    return said, others <= o.others


def measure(o, workload, log):
    contenders = []
    for threads in THREADS:
        command = [o.build / "bench" / WORKLOADS[workload], "--workload", workload, "--threads", str(threads),
                   "--interactive"]
        contenders.append(Contender(f"{workload}, {threads} threads", command, log))
        if not contenders[-1].start(o.patience):
            sys.exit(f"{contenders[-1].name}: {contenders[-1].failure}")
    turns = {(busy, t): [] for busy in (False, True) for t in THREADS}
    for c in contenders:
        turn(c, o)  # warm-up
    for _ in range(3 * o.rounds):
        for t, c in zip(THREADS, contenders):
            turns[False, t].append(turn(c, o))
        with Neighbour() as neighbour:
            for t, c in zip(THREADS, contenders):
                turns[True, t].append(turn(c, o, neighbour))
        time.sleep(0.2)
        undisturbed = {k: [said["ms_mean"] for said, alone in v if alone] for k, v in turns.items()}
        if min(map(len, undisturbed.values())) >= o.rounds:
            break
    else:
        print(f"WARNING: {workload}: others used the processors; do not use these figures", file=sys.stderr)
        undisturbed = {k: [said["ms_mean"] for said, _ in v] for k, v in turns.items()}
    for c in contenders:
        c.stop()
    return {k: statistics.median(v) for k, v in undisturbed.items()}


def row_of(workload, ms):
    return {"workload": workload, "neighbour": True, "alone_ms": [round(ms[False, t], 4) for t in THREADS],
            "busy_ms": [round(ms[True, t], 4) for t in THREADS], "alone_ratio": round(ms[False, 2] / ms[False, 1], 3),
            "ratio": round(ms[True, 2] / ms[True, 1], 3)}


def save(build, rows):
    path = build / "bench.json"
    kept = [r for r in json.loads(path.read_text()) if not r.get("neighbour")] if path.exists() else []
    temporary = build / "bench.json.new"
    temporary.write_text(json.dumps(kept + rows, indent=1) + "\n")
    temporary.replace(path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    p.add_argument("--workload", action="append", choices=WORKLOADS, help="default: all")
    p.add_argument("--rounds", type=int, default=9)
    p.add_argument("--others", type=float, default=0.05,
                   help="share of a processor that others may have in a turn that counts")
    p.add_argument("--patience", type=float, default=300, help="seconds a program may need for a start or a turn")
    o = p.parse_args()
    o.build = o.build.resolve()
    if len(os.sched_getaffinity(0)) < 2:
        print("one core: nothing to share with a neighbour", file=sys.stderr)
        return
    rows = []
    with open(o.build / "bench.log", "a") as log:
        for workload in o.workload or WORKLOADS:
            rows.append(row_of(workload, measure(o, workload, log)))
            r = rows[-1]
            print(f"{workload:10} alone {r['alone_ms'][0]} ms, two threads {r['alone_ms'][1]} "
                  f"({r['alone_ratio']} of it); "
                  f"with a busy neighbour {r['busy_ms'][0]} ms, two threads {r['busy_ms'][1]} ({r['ratio']} of it)")
            sys.stdout.flush()
    save(o.build, rows)


if __name__ == "__main__":
    main()
