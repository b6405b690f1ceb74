#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gradient boosting (PyPI: lightgbm) on the tasks that `gossamer eval --json` judged, from the same training tasks.

    python3 bench/boosting.py EVAL.json DATA.csv --ignore A,B MODEL...

A task of EVAL.json is predicted by what was trained on the tasks of the first of the MODELs (folds) that does not know
it: their names stand in the model's file. Three forms: `joint` (one booster on all rows of the training tasks and the
support rows), `offset` (joint without the task's support rows, plus the mean of its residuals on them), and `summary`
(the support set's mean, last and first target, its slope in the order column and the row's distance to it are further
inputs; trained on draws of support sets from the training tasks). Support rows in an order are those of gossamer; drawn
ones are drawn here, as often; intervals are two standard errors. The number of rounds is chosen on a tenth of the
training tasks.
"""
import argparse
import csv
import json
import random
import statistics
import struct

import lightgbm
import numpy


def spec_of(path):
    """Names of the tasks that a model was trained on, and what it makes of a table."""
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        meta = json.loads(f.read(size))["__metadata__"]
    transform = next(json.loads(v) for k, v in meta.items() if v.startswith("{") and '"transform"' in v)
    return set(transform["tasks"]), json.loads(transform["transform"])


def read_table(path, transform, ignore):
    """Rows by task: (inputs, target, place in the order), in the order if there is one."""
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    target, task, order = transform["target"], transform["task"], transform["order"]
    names = [n for n in rows[0] if n not in {target, task, *ignore}]
    values = {n: sorted({r[n] for r in rows}) for n in names}

    def number(name, cell):
        try:
            return float(cell)
        except ValueError:
            return float(values[name].index(cell))

    tasks = {}
    for at, r in enumerate(rows):
        place = float(r[order]) if order in r else at
        tasks.setdefault(r[task], []).append(([number(n, r[n]) for n in names], float(r[target]), place))
    if order != "random":
        for t in tasks.values():
            t.sort(key=lambda row: row[2])
    return tasks


def fit(x, y, groups, seed):
    """A booster whose rounds are those that serve a tenth of the tasks best."""
    names = sorted(set(groups))
    held = set(random.Random(seed).sample(names, max(1, len(names) // 10)))
    inside = numpy.array([g not in held for g in groups])
    x, y = numpy.array(x), numpy.array(y)
    options = {"objective": "regression", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 10,
               "verbose": -1, "num_threads": 1, "seed": seed, "deterministic": True}
    whole = lightgbm.Dataset(x, y)
    probe = lightgbm.train(options, lightgbm.Dataset(x[inside], y[inside]), 500,
                           valid_sets=[lightgbm.Dataset(x[~inside], y[~inside])],
                           callbacks=[lightgbm.early_stopping(30, verbose=False)])
    return lightgbm.train(options, whole, max(1, probe.best_iteration))


def summary(row, support):
    at = numpy.array([s[2] for s in support])
    y = numpy.array([s[1] for s in support])
    spread = ((at - at.mean()) ** 2).sum()
    slope = ((at - at.mean()) * (y - y.mean())).sum() / spread if spread > 0 else 0.0
    return row[0] + [y.mean(), y[-1], y[0], slope, row[2] - at.mean(), len(support)]


def draw(rows, n, ordered, rng):
    rows = rows if ordered else rng.sample(rows, len(rows))
    return rows[:n], rows[n:]


def rmse(predicted, rows):
    y = numpy.array([r[1] for r in rows])
    return float(numpy.sqrt(((numpy.asarray(predicted) - y) ** 2).mean()))


def judge(tasks, known, mine, n, ordered, repeats, seed):
    """RMSE of each form on one task, the mean over its draws."""
    rng = random.Random(f"{seed} {mine}")
    x = [r[0] for t in known for r in tasks[t]]
    y = [r[1] for t in known for r in tasks[t]]
    groups = [t for t in known for _ in tasks[t]]
    out = {"joint": [], "offset": [], "summary": []}
    plain, summed = boosters(tasks, tuple(sorted(known)), x, y, groups, n, ordered, seed)
    for _ in range(repeats):
        support, query = draw(tasks[mine], n, ordered, rng)
        sx, qx = [s[0] for s in support], [q[0] for q in query]
        own = lightgbm.train({**plain.params, "verbose": -1},
                             lightgbm.Dataset(numpy.array(x + sx), numpy.array(y + [s[1] for s in support])),
                             plain.num_trees())
        out["joint"].append(rmse(own.predict(numpy.array(qx)), query))
        offset = statistics.mean(s[1] - p for s, p in zip(support, plain.predict(numpy.array(sx))))
        out["offset"].append(rmse(plain.predict(numpy.array(qx)) + offset, query))
        out["summary"].append(rmse(summed.predict(numpy.array([summary(q, support) for q in query])), query))
    return {k: statistics.mean(v) for k, v in out.items()}


CACHE = {}


def boosters(tasks, known, x, y, groups, n, ordered, seed):
    if known not in CACHE:
        rng, sx, sy, sg = random.Random(seed), [], [], []
        for t in known:
            for _ in range(1 if ordered else 4):
                if len(tasks[t]) <= n:
                    continue
                support, query = draw(tasks[t], n, ordered, rng)
                sx += [summary(q, support) for q in query]
                sy += [q[1] for q in query]
                sg += [t] * len(query)
        CACHE[known] = fit(x, y, groups, seed), fit(sx, sy, sg, seed)
    return CACHE[known]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("eval_json")
    p.add_argument("data")
    p.add_argument("models", nargs="+")
    p.add_argument("--ignore", default="", help="columns that are no inputs")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    with open(a.eval_json) as f:
        judged = json.load(f)
    folds = [spec_of(m) for m in a.models]
    tasks = read_table(a.data, {**folds[0][1], "order": judged["order"]}, a.ignore.split(","))
    first = judged["methods"][0]
    values = {}
    for name in first["per_task"]:
        known = next((k for k, _ in folds if name not in k), None)
        if known is None:
            raise SystemExit(f"every model was trained on task {name}")
        one = judge(tasks, known, name, judged["support"], judged["order"] != "random", judged["repeats"], a.seed)
        for form, value in one.items():
            values.setdefault(form, {})[name] = value
    for form, each in values.items():
        gaps = [each[t] - first["per_task"][t] for t in each]
        half = 2.0 * statistics.stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("nan")
        print(f"boosting {form:8s} {statistics.mean(each.values()):.4f}  minus {first['name']}: "
              f"{statistics.mean(gaps):+.4f} +- {half:.4f}")


if __name__ == "__main__":
    main()
