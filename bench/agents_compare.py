#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Policies at equal numbers of weights and frames, over seeds, on the same held-out tasks (docs/agents.md).

usage: agents_compare.py CONFIG [--build build] [--out runs/compare] [--policies hypernet,concat,film,maml,oracle]
                         [--seeds 5] [--tasks 200] [KEY=VALUE ...]

Of concat, film and maml the memory (maml: the units) is widened until the agent has as many weights as hypernet.
Runs that are there are continued or left alone. Prints returns of lives and of their last episodes as means over seeds,
with 95 % intervals over seeds, and differences to the first policy that are paired by seed."""
import argparse
import json
import math
import pathlib
import statistics
import subprocess

POLICIES = {"hypernet": ["agent.sees=history", "agent.policy=hypernet"],
            "concat": ["agent.sees=history", "agent.policy=concat"],
            "film": ["agent.sees=history", "agent.policy=film"],
            "maml": ["agent.sees=gradient", "agent.policy=concat"],
            "oracle": ["agent.sees=task", "agent.policy=hypernet"]}
WIDTH = {"concat": "agent.memory", "film": "agent.memory", "maml": "agent.units"}
T95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]


def command(build, *words):
    return subprocess.run([build / "gossamer", *map(str, words)], check=True, capture_output=True, text=True).stdout


def weights(build, config, settings):
    said = command(build, "check", config, "run.dir=none", *settings, "--json")
    return json.loads(said)["weights"]


def settings_of(build, config, policy, more):
    """Settings of a policy, as wide as the hypernetwork."""
    mine = more + POLICIES[policy]
    wanted = weights(build, config, more + POLICIES["hypernet"])
    if policy not in WIDTH:
        return mine, weights(build, config, mine)
    low, high = 1, 4096  # the most units with no more weights
    while low + 1 < high:
        middle = (low + high) // 2
        fits = weights(build, config, mine + [f"{WIDTH[policy]}={middle}"]) <= wanted
        low, high = (middle, high) if fits else (low, middle)
    mine = mine + [f"{WIDTH[policy]}={low}"]
    return mine, weights(build, config, mine)


def with_interval(values):
    if len(values) < 2:
        return f"{values[0]:.2f}"
    t = T95[min(len(values) - 2, len(T95) - 1)]
    return f"{statistics.mean(values):.2f} +- {t * statistics.stdev(values) / math.sqrt(len(values)):.2g}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("config")
    p.add_argument("settings", nargs="*")
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1] / "build")
    p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/compare"))
    p.add_argument("--policies", default="hypernet,concat,film")
    p.add_argument("--seeds", type=int, default=5)
    p.add_argument("--tasks", type=int, default=200)
    o = p.parse_intermixed_args()
    names = o.policies.split(",")
    chosen = {name: settings_of(o.build, o.config, name, o.settings) for name in names}
    life, last = ({name: [] for name in names} for _ in range(2))
    for seed in range(1, o.seeds + 1):
        for name in names:
            run = o.out / f"{name}-{seed}"
            command(o.build, "train", o.config, f"run.dir={run}", f"run.seed={seed}", *chosen[name][0])
            said = json.loads(command(o.build, "eval", run / "model.safetensors", "--tasks", o.tasks, "--seed", 99,
                                      "--json"))
            returns = [e["value"] for e in said["methods"][0]["returns"]]
            life[name].append(sum(returns))
            last[name].append(returns[-1])
            print(f"{name}, seed {seed}: {sum(returns):.2f}", flush=True)
    for name in names:
        gap = [a - b for a, b in zip(life[name], life[names[0]])]
        print(f"{name}: {chosen[name][1]} weights; a life {with_interval(life[name])}, its last episode "
              f"{with_interval(last[name])}" + (f"; to {names[0]} {with_interval(gap)}" if name != names[0] else ""))


main()
