#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What parts of the prior and of the model of tables are worth: configs/tables.ini without each, after short trainings.

    python3 bench/tables_ablate.py [--build build] [--out runs/ablate] [--steps 1000] [--data A.arff,B.csv]
                                   [--only all,-tree,units]

Rows: all; -FAMILY for each family of the prior (docs/tables-prior.md); seed: another one, which says how far two
trainings are apart by chance; units, layers, width, directions, ranked, crossed: half of each of these, or none.
Judged on 240 tables of the whole prior that no training saw (seed 77, 200 rows, halves), and, of --data, on at most
100 rows of each (4 divisions). Differences to the row `all` are paired by table, with 95 % intervals; a training's own
chance is not in them. Runs that are there are left alone. A training of 1,000 steps takes two minutes of a core."""
import argparse
import json
import math
import pathlib
import statistics
import subprocess

FAMILIES = "mlp=2,causal=3,graph=2,tree=2,rule=1.5,process=1,additive=1,linear=1.5,cluster=1.5".split(",")
PARTS = {"units": ["model.backbone=dense 96; tanh", "cells.directions=15", "cells.ranked=5"],
         "layers": ["cells.layers=1"],
         "width": ["cells.width=24"],
         "directions": ["cells.directions=15"],
         "ranked": ["cells.ranked=5"],
         # The configuration's rates, without hyper.crossed.*
         "crossed": ["cells.crossed=0", "optimizer.rates=hyper.last.spread*=4; hyper.last.number=4; "
                     "hyper.first.scale=4; hyper.first.lambda*=4; hyper.ranked.*=2"]}


def rows_of():
    rows = {"all": [], "seed": ["run.seed=11"]}
    for family in FAMILIES:
        name = family.split("=")[0]
        rows["-" + name] = ["prior.families=" + ",".join(f for f in FAMILIES if f != family)]
    rows.update(PARTS)
    return rows


def run(program, *words):
    done = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


def judged(program, model, data, *more):
    """The value by table."""
    said = json.loads(run(program, "eval", model, "--data", data, "--split", "0.5", *more, "--json"))
    return said["methods"][0]["per_task"]


def against(mine, theirs):
    both = [mine[k] - theirs[k] for k in theirs if mine.get(k) is not None and theirs[k] is not None]
    half = 1.96 * statistics.stdev(both) / math.sqrt(len(both))
    return f"{statistics.mean(both):+.4f} +- {half:.4f}"


def main():
    p = argparse.ArgumentParser()
    here = pathlib.Path(__file__).resolve().parents[1]
    p.add_argument("--build", type=pathlib.Path, default=here / "build")
    p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("runs/ablate"))
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--data", default="")
    p.add_argument("--only", default="")
    o = p.parse_args()
    program, rows = o.build / "gossamer", rows_of()
    names = o.only.split(",") if o.only else list(rows)
    unknown = [n for n in names if n not in rows]
    if unknown:
        raise SystemExit(f"--only {','.join(unknown)}: there are {', '.join(rows)}")
    drawn = o.out / "drawn"
    if not drawn.is_dir():
        o.out.mkdir(parents=True, exist_ok=True)
        run(program, "data", "tables", "-o", drawn, "--seed", 77, "--count", 240, "--rows", 200)
    tables = ",".join(sorted(map(str, drawn.glob("*.csv"))))
    first = {}
    for name in ["all"] + [n for n in names if n != "all"]:
        model = o.out / name / "model.safetensors"
        if not model.is_file():
            run(program, "train", here / "configs/tables.ini", f"run.dir={o.out / name}", f"train.steps={o.steps}",
                "validate.every=0", *rows[name])
        values = {"prior": judged(program, model, tables, "--repeats", 1)}
        if o.data:
            values["data"] = judged(program, model, o.data, "--max-rows", 100, "--repeats", 4)
        first = first or values
        said = [f"{what} {statistics.mean(v for v in by.values() if v is not None):.4f}"
                + ("" if name == "all" else f" ({against(by, first[what])})") for what, by in values.items()]
        print(f"{name:12}", *said, flush=True)


main()
