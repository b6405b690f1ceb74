#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Steps of environments and frames of training a second, beside Gymnasium and PyTorch, in turns on one machine.

usage: agents.py [--build build] [--python PYTHON with torch and gymnasium] [--threads 1] [--rounds 3]"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def frames(build, threads, config, *settings):
    """Of training a second: the median over iterations."""
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        subprocess.run([build / "gossamer", "train", HERE.parent / "configs" / config, f"run.dir={folder}/run",
                        "agent.policy=concat", "train.frames=160000", "validate.every=0", f"run.threads={threads}",
                        *settings], check=True, capture_output=True)
        lines = [json.loads(line) for line in open(folder / "run/metrics.jsonl")]
    finally:
        shutil.rmtree(folder)
    return statistics.median((b["frames"] - a["frames"]) / (b["seconds"] - a["seconds"])
                             for a, b in zip(lines, lines[1:]))


def ours(build, threads):
    out = subprocess.run([build / "bench/bench_env", "1024", str(threads)], check=True, capture_output=True, text=True)
    steps = json.loads(out.stdout)["steps_per_second"]
    return {"cartpole_steps": steps["cartpole"], "gridnavi_steps": steps["gridnavi"],
            "cartpole_frames": frames(build, threads, "cartpole.ini", "env.family.length=0.5", "env.family.force=10"),
            "gridnavi_frames": frames(build, threads, "gridnavi.ini")}


def peer(python, threads):
    out = subprocess.run([python, HERE / "peers/torch_agents.py", str(threads)], check=True, capture_output=True,
                         text=True)
    return json.loads(out.stdout)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build")
    p.add_argument("--python", default=os.environ.get("PEERS_PYTHON", "python3"))
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--rounds", type=int, default=3)
    o = p.parse_args()
    rounds = [(ours(o.build.resolve(), o.threads), peer(o.python, o.threads)) for _ in range(o.rounds)]
    for what, meaning in {"cartpole_steps": "steps of CartPole, 1,024 at once", "gridnavi_steps": "steps of GridNavi",
                          "cartpole_frames": "frames of training, recurrent PPO on CartPole",
                          "gridnavi_frames": "the same on GridNavi"}.items():
        a, b = (statistics.median(r[i][what] for r in rounds) for i in (0, 1))
        print(f"{meaning}: gossamer {a:,.0f} a second, peer {b:,.0f}: {a / b:.1f} x")


main()
