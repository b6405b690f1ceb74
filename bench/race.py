#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets Gossamer and its peers take turns on the same steps, and compares.

All contenders of a workload are started first and say what they compute from the common numbers (loss, gradient norm,
loss after a step); who differs from Gossamer by more than 1e-4 (TOLERANCE has the exceptions) is not raced and fails
the run, and where nobody agrees Gossamer is not timed either. Then they take turns, a block each, so that
what the machine does meanwhile meets all alike; a figure is the median of a contender's blocks. The step written by
hand (bench/lean), where there is one, races too. Before and after, the FMA peak says whether the cores were there.
"""
import argparse
import json
import os
import pathlib
import select
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
# Of the figures that must agree. Speech: cepstra divided by their deviation magnify the rounding of spectra.
TOLERANCE = {"adapt-bf16": 1e-2, "speech-adapt": 1e-3}
USUAL_TOLERANCE = 1e-4

# Workload: our program, then (peer script, variants). A variant after "|" is slow everywhere: only with --all.
WORKLOADS = {
    "hyper-mlp": ("bench_hyper_mlp", {"torch_hyper_mlp": "compile-bmm eager-bmm | eager-vmap compile-vmap",
                                      "jax_hyper_mlp": "jit-vmap jit-einsum"}),
    "hyper-mlp-clip": ("bench_hyper_mlp", {"torch_hyper_mlp": "compile-bmm eager-bmm | eager-vmap compile-vmap",
                                           "jax_hyper_mlp": "jit-vmap jit-einsum"}),
    "generated-conv4": ("bench_conv4", {"torch_conv4": "eager-loop | compile-loop eager-grouped",
                                        "jax_conv4": "jit-unrolled | jit-scan jit-vmap"}),
    "few-shot": ("bench_few_shot", {"torch_few_shot": "eager compile", "jax_few_shot": "jit"}),
    "few-shot-support": ("bench_few_shot", {"torch_few_shot": "eager compile", "jax_few_shot": "jit"}),
    "maml-1": ("bench_maml", {"torch_maml": "compile-func eager-bmm | eager-func", "jax_maml": "jit-vmap"}),
    "maml-5": ("bench_maml", {"torch_maml": "compile-func eager-bmm | eager-func", "jax_maml": "jit-vmap"}),
    "maml-conv4-1": ("bench_maml", {"torch_maml_conv4": "eager-loop compile-func | eager-func",
                                    "jax_maml_conv4": "jit-unrolled | jit-vmap"}),
    "maml-conv4-5": ("bench_maml", {"torch_maml_conv4": "eager-loop compile-func | eager-func",
                                    "jax_maml_conv4": "jit-unrolled | jit-vmap"}),
    "adapt": ("bench_adapt", {"torch_adapt": "compile eager", "jax_adapt": "jit"}),
    "adapt-bf16": ("bench_adapt", {"torch_adapt": "compile eager compile-bf16 eager-bf16",
                                   "jax_adapt": "jit jit-bf16"}),
    "chunked-1m": ("bench_million", {"torch_million": "compile eager", "jax_million": "jit-vmap jit-scan"}),
    "lowrank-1m": ("bench_million", {"torch_million": "compile eager", "jax_million": "jit-vmap jit-scan"}),
    "laplacian-heads": ("bench_heads", {"torch_heads": "compile eager", "jax_heads": "jit"}),
    "trace-139x28": ("bench_trace", {"torch_trace": "gram-direct svd-direct | svd-grad gram-grad",
                                     "jax_trace": "jit-direct | jit-grad"}),
    "trace-50x4096": ("bench_trace", {"torch_trace": "gram-direct svd-direct | svd-grad gram-grad",
                                      "jax_trace": "jit-direct | jit-grad"}),
    "lstm-64": ("bench_lstm", {"torch_lstm": "fused | compile-fused", "jax_lstm": "jit-scan jit-scan-unroll"}),
    "lstm-256": ("bench_lstm", {"torch_lstm": "fused | compile-fused", "jax_lstm": "jit-scan jit-scan-unroll"}),
    "lstm-generated": ("bench_lstm", {"torch_lstm": "eager-bmm compile-bmm | eager-loop",
                                      "jax_lstm": "jit-vmap jit-einsum"}),
    "transformer": ("bench_transformer", {"torch_transformer": "compile eager", "jax_transformer": "jit"}),
    "transformer-lowrank": ("bench_transformer", {"torch_transformer": "compile eager", "jax_transformer": "jit"}),
    "speech-adapt": ("bench_speech", {"torch_speech": "compile eager", "jax_speech": "jit"}),
    "speech-stream": ("bench_speech", {}),
    "adapt-10000": ("bench_many", {"torch_many": "eager-chunks eager compile", "jax_many": "jit-map jit"}),
}


def by_hand(workload, program):
    """The program of bench/lean that has the workload."""
    return "lean_maml_conv4" if workload.startswith("maml-conv4") else program.replace("bench_", "lean_")


class Contender:
    """A program that speaks the protocol of bench/workload_run.c; it sleeps while others run."""

    def __init__(self, name, command, log, **environment):
        self.name, self.times, self.p99, self.head, self.failure = name, [], [], None, None
        self.peak_mb = self.start_mb = 0.0
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env=os.environ | environment)

    def answer(self, seconds):
        """The next line as JSON, or None: ended, or took too long."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.failure = "said nothing in time" if not ready else "ended; see the log"
            self.stop()
            return None
        return json.loads(line)

    def start(self, seconds):
        self.head = self.answer(seconds)
        return self.head is not None

    def turn(self, seconds, counts):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        said = self.answer(seconds)
        if said:
            self.peak_mb, self.start_mb = said["peak_mb"], said["start_mb"]
            if counts:
                self.times.append(said["ms"])
                self.p99.append(said["ms_p99"])

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def ms(self):
        return statistics.median(self.times) if self.times else None


def differences(ours, theirs, tolerance):
    """Figures that do not agree, as text."""
    return [f"{k} {theirs[k]:.8g} (ours {v:.8g})" for k, v in ours.items()
            if k not in theirs or not abs(theirs[k] - v) <= tolerance * max(abs(v), 1e-30)]


def peak(build, threads):
    command = [build / "bench/bench_peak", str(threads)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def variants(text, everything):
    usual, _, slow = text.partition("|")
    return usual.split() + (slow.split() if everything else [])


def assemble(o, workload, threads, log):
    program, scripts = WORKLOADS[workload]
    common = ["--workload", workload, "--threads", str(threads), "--interactive"]
    ours = Contender("gossamer", [o.build / "bench" / program, *common], log)
    python = o.build / "peers/bin/python"
    hand = o.build / "bench" / by_hand(workload, program)
    peers = [("lean", [hand, *common])] if hand.exists() else []
    for script, text in scripts.items() if python.exists() else []:
        for variant in variants(text, o.all):
            command = [python, HERE / "peers" / f"{script}.py", "--variant", variant, *common]
            peers.append((f"{script.split('_')[0]}-{variant}", command))
    return ours, peers


def admit(ours, peers, o, log):
    """Starts the peers one after the other; those that compute the same may race. Also the number of wrong ones."""
    racing, wrong = [], 0
    for name, command in peers:
        c = Contender(name, command, log)
        if not c.start(o.patience):
            print(f"  {name}: {c.failure}", file=sys.stderr)
            continue
        tolerance = TOLERANCE.get(ours.head["workload"], USUAL_TOLERANCE)
        bad = differences(ours.head["check"], c.head["check"], tolerance)
        if bad:
            wrong += 1
            print(f"  {name} DISAGREES: {', '.join(bad)}", file=sys.stderr)
            c.stop()
        else:
            racing.append(c)
    return racing, wrong


def race(contenders, o):
    for c in contenders:
        c.turn(o.patience, counts=False)  # warm-up
    for _ in range(o.rounds):
        for c in contenders:
            if c.failure is None:
                time.sleep(0.25)  # the others' threads spin for a while after their turn
                c.turn(o.patience, counts=True)
    for c in contenders:
        c.stop()


def row_of(workload, threads, ours, racing, gflops):
    peers = {c.name: round(c.ms(), 6) for c in racing if c.ms() is not None}
    lean = peers.pop("lean", None)  # by hand: what the engine costs, not whom it is compared with
    best = min(peers, key=peers.get) if peers else None
    ms = ours.ms()
    p99 = {c.name: round(statistics.median(c.p99), 6) for c in [ours, *racing] if c.p99}
    above = {c.name: round(c.peak_mb - c.start_mb, 1) for c in [ours, *racing] if c.times}
    fraction = ours.head["flops"] / (ms * 1e6) / gflops if ms else None
    return {"workload": workload, "threads": threads, "ours_ms": ms and round(ms, 6), "peers": peers, "best_peer": best,
            "ratio": round(peers[best] / ms, 3) if best and ms else None, "lean_ms": lean, "p99_ms": p99,
            "fma_fraction": fraction and round(fraction, 4), "peak_mb": ours.peak_mb, "above_start_mb": above}


def in_units(ms):
    return f"{ms:.4g} ms" if ms >= 0.1 else f"{1e3 * ms:.4g} us"


def spread(c):
    return f"{in_units(min(c.times))}..{in_units(max(c.times))}"


def memory(c):
    return f"{c.peak_mb:.0f} MB, {c.peak_mb - c.start_mb:.0f} of them the workload's"


def show(row, racing, ours):
    if not ours.times:
        print(f"{row['workload']:18} {row['threads']} thr  not timed")
        return
    ratio = f"ratio {row['ratio']}  " if row["ratio"] else ""
    p99 = in_units(statistics.median(ours.p99))
    print(f"{row['workload']:18} {row['threads']} thr  ours {in_units(ours.ms())} ({spread(ours)})  p99 {p99}  {ratio}"
          f"{100 * row['fma_fraction']:.0f} % of FMA peak  {memory(ours)}")
    for c in sorted((c for c in racing if c.times), key=Contender.ms):
        print(f"    {c.name:22} {in_units(c.ms()):>13}  ({spread(c)})  {memory(c)}")
    sys.stdout.flush()


def run_workload(o, workload, threads, gflops, log):
    """The row, and the number of peers that computed something else."""
    ours, peers = assemble(o, workload, threads, log)
    if not ours.start(o.patience):
        sys.exit(f"{workload}: our own program {ours.failure}")
    racing, wrong = admit(ours, peers, o, log)
    if racing or not wrong:  # against everybody else we are the ones who are wrong
        race([ours, *racing], o)
    else:
        ours.stop()
    row = row_of(workload, threads, ours, racing, gflops)
    show(row, racing, ours)
    return row, wrong


def cores_there(before, after, threads):
    """A warning where the cores were not all there, before or after."""
    for when, p in (("before", before), ("after", after)):
        if p["all"] < 0.8 * threads * p["one"]:
            print(f"WARNING: {when} the race {threads} threads reached {p['all']:.0f} GFLOP/s, one {p['one']:.0f}: "
                  "the machine is busy or lacks cores; do not use these figures", file=sys.stderr)


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    p.add_argument("--workload", action="append", choices=WORKLOADS, help="default: all")
    p.add_argument("--threads", type=int, action="append", help="default: 1 and 2")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--all", action="store_true", help="the peers' slow variants too")
    p.add_argument("--patience", type=float, default=300, help="seconds a contender may need for a start or a turn")
    o = p.parse_args()
    o.build = o.build.resolve()
    o.threads = o.threads or [1, min(2, len(os.sched_getaffinity(0)))]
    return o


def main():
    o = options()
    if not (o.build / "peers/bin/python").exists():
        print("no peers: `make bench-peers` installs them; only Gossamer is timed", file=sys.stderr)
    rows, wrong = [], 0
    with open(o.build / "bench.log", "w") as log:
        before = peak(o.build, max(o.threads))
        print(f"FMA peak {before['one']} GFLOP/s on one core, {before['all']} on {before['threads']}")
        for threads in sorted(set(o.threads)):
            gflops = before["one"] if threads == 1 else before["one"] * threads
            for workload in o.workload or WORKLOADS:
                row, bad = run_workload(o, workload, threads, gflops, log)
                rows.append(row)
                wrong += bad
        cores_there(before, peak(o.build, max(o.threads)), max(o.threads))
    temporary = o.build / "bench.json.new"
    temporary.write_text(json.dumps(rows, indent=1) + "\n")
    temporary.replace(o.build / "bench.json")
    sys.exit(f"{wrong} peers do not compute what Gossamer computes" if wrong else 0)


if __name__ == "__main__":
    main()
