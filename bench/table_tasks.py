#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The results of docs/table-tasks.md: trains and judges the four shipped configurations of tables, prints its tables.

    python3 bench/table_tasks.py DATA -o RUNS [--gossamer build/gossamer] [--sets exam,oxboys] [--seeds 1,2,3]

DATA is searched for Exam.csv, sleepstudy.csv, Oxboys.csv and parkinsons_updrs.csv. For each set, each seed (which
divides tasks into folds, starts weights and draws support rows) and each of five folds, models are trained on the
tasks of the other folds: the hypernetwork by support set, by id and by both, and MAML. Where a column of the table
takes the first rows of a set whose configuration draws them, the hypernetwork by support set is trained once more with
task.order set to that column: a row of its own, and the strengths of the ridges are those that are chosen there; the
other models are judged as they are. `gossamer eval` judges each task by the model that has not seen it. Models and
reports that are there already are not made again: the script can be stopped and started again.

A figure is the mean over tasks of each task's mean over seeds; its interval is Student's t over tasks, and differences
are paired by task. Training uses one thread: GOSSAMER_THREADS=1.
"""
import argparse
import json
import math
import os
import subprocess
import sys

FOLDS = 5
REPEATS = 5  # support sets drawn of each task; 1 in an order
VARIANTS = {
    "hypernet": [],
    "id": ["hyper.condition=id"],
    "both": ["hyper.condition=support, id"],
    "maml": ["train.method=maml"],
}
NAMES = {"hypernet": "hypernet (support)", "id": "hypernet (id)", "both": "hypernet (support, id)",
         "ordered": "hypernet (support), trained in the order"}
CLOSED = ["mean-ridge", "ridge", "joint", "finetune", "scratch"]
ORDERED = ["nearest", "line"]
# Columns: support rows and their order. maml: its inner rate, the best of .1, .03 and .01 on the first fold of seed 1.
SETS = {
    "parkinsons": {
        "file": "parkinsons_updrs.csv",
        "columns": [(5, "test_time"), (10, "test_time"), (20, "test_time")],
        "maml": ["method.inner_rate=0.01", "optimizer.rates="],
    },
    "exam": {
        "file": "Exam.csv",
        "columns": [(5, "random"), (10, "random"), (20, "random")],
        "maml": ["method.inner_rate=0.01"],
    },
    "sleepstudy": {
        "file": "sleepstudy.csv",
        "columns": [(3, "random"), (5, "random"), (3, "Days"), (5, "Days")],
        "maml": ["method.inner_rate=0.1"],
    },
    "oxboys": {
        "file": "Oxboys.csv",
        "columns": [(3, "random"), (5, "random"), (3, "age"), (5, "age")],
        "maml": ["method.inner_rate=0.1"],
    },
}


def find(folder, name):
    for at, _, files in os.walk(folder):
        if name in files:
            return os.path.join(at, name)
    sys.exit(f"{folder}: there is no {name} in it")


def call(*words):
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "GOSSAMER_THREADS": "1"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}\nstatus {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Study:
    def __init__(self, o):
        self.o = o
        self.configs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "configs")

    def model(self, name, variant, order, seed, fold):
        """Trains it unless it is there; its file."""
        folder = os.path.join(self.o.runs, name, f"{variant}-{order}", f"seed{seed}", f"fold{fold}")
        path = os.path.join(folder, "model.safetensors")
        if not os.path.exists(path):
            data = find(self.o.data, SETS[name]["file"])
            settings = list(VARIANTS[variant])
            if variant == "maml":
                settings += SETS[name]["maml"]
            call(self.o.gossamer, "train", os.path.join(self.configs, name + ".ini"), f"data.path={data}",
                 f"run.dir={folder}", f"run.seed={seed}", f"train.fold={fold}/{FOLDS}", f"task.order={order}",
                 *settings)
        return path

    def judged(self, name, support, order, seed):
        """Each method's value of each task."""
        own = SETS[name]["columns"][0][1]  # the order of the configuration
        models = {v: [self.model(name, v, own, seed, f) for f in range(1, FOLDS + 1)] for v in VARIANTS}
        kept = os.path.join(self.o.runs, name, f"eval-{support}-{order}-seed{seed}.json")
        if not os.path.exists(kept):
            self.judge(name, support, order, seed, models, kept)
        with open(kept) as f:
            return {m["name"]: m["per_task"] for m in json.load(f)["methods"]}

    def judge(self, name, support, order, seed, models, kept):
        """Writes what `gossamer eval` reports. In another order than the configuration's the ridges are of models that
        were trained in it."""
        first = models["hypernet"]
        named = {v: files for v, files in models.items() if v != "hypernet"}
        if order != SETS[name]["columns"][0][1]:
            first = [self.model(name, "hypernet", order, seed, f) for f in range(1, FOLDS + 1)]
            named["drawn"] = models["hypernet"]
        others = list(CLOSED) + (ORDERED if order != "random" else []) + ["mean"]
        for variant, files in named.items():
            others += [f"{variant}={path}" for path in files]
        words = ["--support", str(support), "--order", order, "--seed", str(seed), "--json"]
        words += ["--methods", ",".join(others)]
        if order == "random":
            words += ["--repeats", str(REPEATS)]
        data = find(self.o.data, SETS[name]["file"])
        report = json.loads(call(self.o.gossamer, "eval", *first, "--data", data, *words))
        for m in report["methods"] if "drawn" in named else []:
            m["name"] = {"hypernet": "ordered", "drawn": "hypernet"}.get(m["name"], m["name"])
        with open(kept + ".part", "w") as f:
            json.dump(report, f)
        os.replace(kept + ".part", kept)

    def column(self, name, support, order):
        """Method -> {task: mean over seeds}."""
        sums, counts = {}, {}
        for seed in self.o.seeds:
            for method, tasks in self.judged(name, support, order, seed).items():
                for task, value in tasks.items():
                    if value is not None:
                        key = (method, task)
                        sums[key], counts[key] = sums.get(key, 0) + value, counts.get(key, 0) + 1
        out = {}
        for (method, task), total in sums.items():
            out.setdefault(method, {})[task] = total / counts[method, task]
        return out


def quantile(df):
    """Of Student's t, two-sided 95 %: Cornish-Fisher's expansion, to three digits from 5 degrees on."""
    z = 1.959963985
    return z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2) + (
        3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)


def mean_ci(values):
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, quantile(n - 1) * deviation / math.sqrt(n)


def cell(column, method, digits):
    if method not in column:
        return ""
    mean, ci = mean_ci(list(column[method].values()))
    first = column["hypernet"]
    if method == "hypernet":
        return f"**{mean:.{digits}f}** ± {ci:.{digits}f}"
    off, off_ci = mean_ci([v - first[t] for t, v in column[method].items()])
    return f"{mean:.{digits}f} ({off:+.{digits}f} ± {off_ci:.{digits}f})"


def table(study, name):
    columns = [(s, order, study.column(name, s, order)) for s, order in SETS[name]["columns"]]
    titles = [f"{s}, random" if order == "random" else f"first {s} by {order}" for s, order, _ in columns]
    rows = ["hypernet", "ordered", "id", "both", "maml", *CLOSED, *ORDERED, "mean"]
    digits = 3 if name == "exam" else 1 if name == "sleepstudy" else 2
    tasks = " / ".join(str(len(c["hypernet"])) for _, _, c in columns)
    print(f"\n**{name}** ({tasks} tasks, seeds {', '.join(map(str, study.o.seeds))})\n")
    print("| method | " + " | ".join(titles) + " |")
    print("|---|" + "---|" * len(titles))
    for row in rows:
        if any(row in c for _, _, c in columns):
            label = NAMES.get(row, row)
            print(f"| {label} | " + " | ".join(cell(c, row, digits) for _, _, c in columns) + " |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("-o", dest="runs", required=True)
    p.add_argument("--gossamer", default="build/gossamer")
    p.add_argument("--sets", default=",".join(SETS))
    p.add_argument("--seeds", default="1,2,3")
    o = p.parse_args()
    o.seeds = [int(s) for s in o.seeds.split(",")]
    study = Study(o)
    for name in o.sets.split(","):
        table(study, name)


if __name__ == "__main__":
    main()
