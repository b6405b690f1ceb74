# SPDX-License-Identifier: Apache-2.0
"""What a peer says and when it is timed: the same as bench/workload_run.c.

A peer is two functions: check() returns the figures that must agree with Gossamer's, step() does one step and waits for
it. Without --interactive it prints one line of JSON; with it a head line, then one timing
for each line on stdin."""
import argparse
import json
import resource
import statistics
import sys
import time

BLOCK_SECONDS, BLOCK_STEPS = 0.2, 2000
START_MB = 0.0  # held once the framework is there, before the workload; set by with_*.py
RATE_CHECKED, RATE_TIMED = 1e-4, 1e-9  # the timed rate changes no weight: every block does the same work


def arguments(variants, workloads):
    p = argparse.ArgumentParser()
    p.add_argument("--workload", default=workloads[0], choices=workloads)
    p.add_argument("--variant", default=variants[0], choices=variants)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeats", type=int, default=7)
    p.add_argument("--interactive", action="store_true")
    return p.parse_args()


def time_block(step):
    """Milliseconds of the block's steps: the median, and what all but one in a hundred stay below."""
    times, start = [], time.perf_counter()
    last = start
    while len(times) < BLOCK_STEPS and (not times or last - start < BLOCK_SECONDS):
        step()
        end = time.perf_counter()
        times.append((end - last) * 1e3)
        last = end
    times.sort()
    return statistics.median(times), times[(len(times) * 99 + 99) // 100 - 1]


def peak_mb():
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def serve(framework, options, check, step):
    head = {"peer": f"{framework}-{options.variant}", "workload": options.workload, "threads": options.threads,
            "check": check()}
    if options.interactive:
        print(json.dumps(head), flush=True)
        for _ in sys.stdin:
            ms, p99 = time_block(step)
            print(json.dumps({"ms": ms, "ms_p99": p99, "peak_mb": peak_mb(), "start_mb": START_MB}), flush=True)
        return
    time_block(step)  # warm-up
    blocks = [time_block(step) for _ in range(options.repeats)]
    times = sorted(ms for ms, _ in blocks)
    print(json.dumps({**head, "ms": statistics.median(times), "ms_least": times[0], "ms_most": times[-1],
                      "ms_p99": statistics.median(p99 for _, p99 in blocks),
                      "peak_mb": peak_mb(), "start_mb": START_MB}))
