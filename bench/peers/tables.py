#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifiers of other libraries on the divisions that `gossamer eval tables --splits` wrote, beside its own methods.

    gossamer eval tables --data A.arff,B.csv --splits s.csv --json > eval.json
    python3 bench/peers/tables.py --data A.arff,B.csv --splits s.csv --beside eval.json [--methods lightgbm,forest]

Packages (PyPI; none is a dependency of the project): scikit-learn for logistic, forest, knn, mlp; lightgbm; xgboost (or
xgboost-cpu); catboost. Those that are not installed are left out, by name. All have their default settings, one thread,
and the same inputs: numbers, one-hot categories of the support rows; boosting is told what is missing, the others get
the mean and an indicator, standardised except for the forest. The metric is gossamer's: auc of the second of two
classes, or the mean over classes of one against the rest. --json prints what gossamer prints.
"""
import argparse
import csv
import json
import math
import os
import pickle
import sys
import time
import warnings

import numpy as np

# ---- tables ----


def arff_cells(line):
    """The cells of a line of data: separated by commas, quoted by ' or "."""
    cells, at, n = [], 0, len(line)
    while at <= n:
        while at < n and line[at] in " \t":
            at += 1
        if at < n and line[at] in "'\"":
            quote, text, at = line[at], "", at + 1
            while line[at] != quote:
                at += line[at] == "\\"
                text, at = text + line[at], at + 1
            cells.append(text)
            at = line.find(",", at)
            at = n if at < 0 else at
        else:
            end = line.find(",", at)
            end = n if end < 0 else end
            cells.append(line[at:end].strip())
            at = end
        at += 1
    return cells


def read_arff(path):
    """Names, whether each is a number, rows of texts ("" is missing)."""
    names, numeric, rows, data = [], [], [], False
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            line = line.strip()
            if not line or line.startswith("%"):
                continue
            if data:
                rows.append(["" if c == "?" else c for c in arff_cells(line)])
            elif line.lower().startswith("@attribute"):
                rest = line[10:].strip()
                if rest[0] in "'\"":
                    end = rest.index(rest[0], 1)
                    name, kind = rest[1:end], rest[end + 1 :].strip()
                else:
                    name, kind = rest.split(None, 1)
                names.append(name)
                numeric.append(kind.lower().startswith(("numeric", "real", "integer")))
            elif line.lower().startswith("@data"):
                data = True
    return names, numeric, rows


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def read_csv(path):
    missing = {"", "NA", "N/A", "NaN", "nan", "?", "null", "NULL"}
    with open(path, newline="", encoding="utf-8") as f:
        rows = [["" if c in missing else c for c in row] for row in csv.reader(f) if row]
    names, rows = rows[0], rows[1:]
    numeric = [all(is_number(r[j]) for r in rows if r[j]) for j in range(len(names))]
    return names, numeric, rows


def read_table(path, target, ignored):
    """Columns of inputs as arrays (floats with NaN, or texts), and class numbers of all rows (-1: missing)."""
    names, numeric, rows = (read_arff if path.endswith(".arff") else read_csv)(path)
    at = names.index(target) if target else len(names) - 1
    columns = []
    for j, name in enumerate(names):
        values = [r[j] for r in rows]
        if j == at or name in ignored or (not numeric[j] and len(set(values) - {""}) > 256):
            continue
        if numeric[j]:
            columns.append(np.array([float(v) if v else math.nan for v in values]))
        else:
            columns.append(np.array(values, dtype=object))
    labels = [r[at] for r in rows]
    known = sorted(set(labels) - {""}, key=float if numeric[at] else str)
    number = {c: i for i, c in enumerate(known)}
    return columns, np.array([number.get(c, -1) for c in labels]), len(known)


def encode(columns, support, query):
    """Inputs of the rows, with NaN for missing numbers: fitted to the support rows."""
    parts = [[], []]
    for c in columns:
        own = c[support]
        if c.dtype == object:
            for level in sorted(set(own) - {""}):
                for part, rows in zip(parts, (support, query)):
                    part.append((c[rows] == level).astype(float))
            if "" in own:
                for part, rows in zip(parts, (support, query)):
                    part.append((c[rows] == "").astype(float))
        elif not np.isnan(own).all():
            for part, rows in zip(parts, (support, query)):
                part.append(c[rows])
    return [np.stack(p, 1) if p else np.zeros((len(r), 1)) for p, r in zip(parts, (support, query))]


def fill(x, q, standardise):
    """The mean of the support rows and an indicator for missing numbers."""
    holes = np.isnan(x).any(0)
    mean, deviation = np.nanmean(x, 0), np.nanstd(x, 0)
    deviation[deviation == 0] = 1

    def one(v):
        flags = np.isnan(v[:, holes]).astype(float)
        v = np.where(np.isnan(v), mean, v)
        return np.concatenate([(v - mean) / deviation if standardise else v, flags], 1)

    return one(x), one(q)


# ---- methods: name, how inputs are made, a function that creates a classifier ----


def raw(x, q):
    return x, q


def filled(x, q):
    return fill(x, q, False)


def scaled(x, q):
    return fill(x, q, True)


def logistic(seed):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000)


def forest(seed):
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(random_state=seed)


def neighbours(seed):
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier()


def perceptron(seed):
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier(random_state=seed)


def lightgbm(seed):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1)


def xgboost(seed):
    from xgboost import XGBClassifier

    return XGBClassifier(random_state=seed, n_jobs=1)


def catboost(seed):
    from catboost import CatBoostClassifier

    return CatBoostClassifier(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False)


METHODS = {
    "logistic": (scaled, logistic),
    "forest": (filled, forest),
    "knn-5": (scaled, neighbours),
    "mlp": (scaled, perceptron),
    "lightgbm": (raw, lightgbm),
    "xgboost": (raw, xgboost),
    "catboost": (raw, catboost),
}


# ---- judging ----


def auc_of(score, positive):
    """Mann-Whitney, ties counted half; NaN if one of the two is not there."""
    order = np.argsort(score, kind="stable")
    values, first, counts = np.unique(score[order], return_index=True, return_counts=True)
    rank = np.empty(len(score))
    rank[order] = np.repeat(first + (counts + 1) / 2, counts)
    n = positive.sum()
    if n == 0 or n == len(score):
        return math.nan
    return (rank[positive].sum() - n * (n + 1) / 2) / (n * (len(score) - n))


def auc(p, y):
    if p.shape[1] == 2:
        return auc_of(p[:, 1] - p[:, 0], y == 1)
    return float(np.nanmean([auc_of(p[:, c], y == c) for c in range(p.shape[1])]))


def run(method, table, support, query, seed):
    """The metric, seconds to fit, seconds to predict, bytes."""
    columns, y, classes = table
    prepare, create = METHODS[method]
    begin = time.perf_counter()
    x, q = prepare(*encode(columns, support, query))
    there = np.unique(y[support])  # numbered from 0 without gaps, as xgboost wants them
    model = create(seed)
    model.fit(x, np.searchsorted(there, y[support]))
    fitted = time.perf_counter()
    said = model.predict_proba(q)
    done = time.perf_counter()
    p = np.zeros((len(query), classes))
    p[:, there] = said
    return auc(p, y[query]), fitted - begin, done - fitted, len(pickle.dumps(model))


def read_splits(path):
    """{(data, repeat): {part: rows from 0}}"""
    splits = {}
    with open(path, newline="") as f:
        for r in csv.DictReader(f):
            parts = splits.setdefault((r["data"], int(r["repeat"])), {"support": [], "query": []})
            parts[r["part"]].append(int(r["row"]) - 1)
    return splits


def student(values):
    """Mean and half of a 95 % interval."""
    from scipy.stats import t

    v = np.array([x for x in values if not math.isnan(x)])
    if len(v) < 2:
        return (float(v[0]) if len(v) else math.nan), math.nan
    return float(v.mean()), float(t.ppf(0.975, len(v) - 1) * v.std(ddof=1) / math.sqrt(len(v)))


def judge(method, tables, splits):
    per_task, fit, predict, rows, size, n = {}, 0, 0, 0, 0, 0
    for name, table in tables.items():
        values = []
        for (data, repeat), part in splits.items():
            if data != name:
                continue
            support, query = (np.array(part[k]) for k in ("support", "query"))
            value, f, p, b = run(method, table, support, query, repeat)
            values.append(value)
            fit, predict, rows, size, n = fit + f, predict + p, rows + len(query), size + b, n + 1
        per_task[name] = float(np.nanmean(values))
        print(f"{method}: {name} {per_task[name]:.4f}", file=sys.stderr, flush=True)
    return {
        "name": method,
        "per_task": per_task,
        "seconds_per_task": fit / n,
        "microseconds_per_row": 1e6 * predict / rows,
        "bytes": round(size / n),
    }


def summarise(methods):
    """Means, intervals, paired differences from the first method, ranks."""
    tasks = list(methods[0]["per_task"])
    number = [lambda m, k=k: math.nan if m["per_task"].get(k) is None else m["per_task"][k] for k in tasks]
    values = np.array([[get(m) for get in number] for m in methods])
    whole = ~np.isnan(values).any(0)
    above = (values[None, :, whole] > values[:, None, whole]).sum(1)
    equal = (values[None, :, whole] == values[:, None, whole]).sum(1)
    for m, v, a, e in zip(methods, values, above, equal):
        m["value"], m["ci95"] = student(v)
        m["difference"], m["difference_ci95"] = student(v - values[0]) if m is not methods[0] else (0.0, 0.0)
        m["rank"] = float((1 + a + (e - 1) / 2).mean())


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def available(names):
    out = []
    for name in names:
        try:
            METHODS[name][1](0)
            out.append(name)
        except ImportError as why:
            print(f"{name} is left out: {why}", file=sys.stderr)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--splits", required=True)
    parser.add_argument("--target")
    parser.add_argument("--ignore", default="", help="columns that gossamer does not use, either: A,B")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--beside", help="what gossamer eval tables --json printed: its methods come first")
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args()
    warnings.filterwarnings("ignore")
    unknown = set(o.methods.split(",")) - set(METHODS)
    if unknown:
        sys.exit(f"there is no method {', '.join(sorted(unknown))}, only {', '.join(METHODS)}")
    splits = read_splits(o.splits)
    tables = {name_of(p): read_table(p, o.target, set(o.ignore.split(","))) for p in o.data.split(",")}
    absent = set(tables) - {data for data, _ in splits}
    if absent:
        sys.exit(f"{o.splits} has no rows of {', '.join(sorted(absent))}")
    methods = []
    if o.beside:
        with open(o.beside) as f:
            methods = json.load(f)["methods"]
    methods += [judge(m, tables, splits) for m in available(o.methods.split(","))]
    summarise(methods)
    if o.json:
        print(json.dumps({"tasks": len(tables), "metric": "auc", "methods": methods}))
        return
    print(f"{'method':16} {'auc':>18} {'difference':>18} {'rank':>5} {'s to fit':>9} {'us a row':>9} {'bytes':>10}")
    for m in methods:
        value, gap = f"{m['value']:.4f} +- {m['ci95']:.4f}", f"{m['difference']:+.4f} +- {m['difference_ci95']:.4f}"
        print(
            f"{m['name']:16} {value:>18} {gap if m is not methods[0] else '':>18} {m['rank']:5.2f} "
            f"{m['seconds_per_task']:9.4f} {m['microseconds_per_row']:9.2f} {m['bytes']:10.0f}"
        )


if __name__ == "__main__":
    main()
