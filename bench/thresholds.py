#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Other values of the cost model's thresholds (src/graph/cost_model.h): what they change, and what that costs or saves.

In the library thresholds are constants. The programs built here (BUILD/thresholds, target bench-thresholds) have them
as variables, read from the environment at the start, by another header that is found before the original; those that
size arrays (FIXED) stay as they are. First the plans of all workloads are compared with those of the present values:
the schedule, and the items, units and division of each phase as run. Workloads whose plan differs are then timed in
alternating pairs as bench/builds.py does: ratio = that value / present value. What is decided within a phase (chunks
of sums) shows in no plan: workloads named by --workload are timed in any case.

  python3 bench/thresholds.py GOSS__COST_SMALL=5000,80000 GOSS__COST_UNITS=4,16
  python3 bench/thresholds.py GOSS__COST_CHUNK=4096 --workload few-shot
  python3 bench/thresholds.py GOSS__COST_SMALL=5000 --pairs 0    # plans only
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

from builds import compare, start
from race import WORKLOADS

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = pathlib.Path("graph/cost_model.h")
FIXED = {"GOSS__COST_BLOCK", "GOSS__COST_CHAIN_WORTH", "GOSS__COST_CHAIN_STEPS"}
PLAN = re.compile(r"\d+: \d+ items by \d+, .*; \d+ operations")  # of a phase, without its times

# Weak, since each file that includes the header defines them.
VARIABLES = """
#include <stdlib.h>
#include <string.h>
__attribute__((weak)) double goss__measured[] = {{{values}}};
__attribute__((weak, constructor)) void goss__measured_read(void);
void goss__measured_read(void) {{
    static const char *const name[] = {{{names}}};
    const char *set = getenv("GOSSAMER_THRESHOLD");
    for (size_t i = 0; set && i < sizeof name / sizeof *name; i++)
        if (strncmp(set, name[i], strlen(name[i])) == 0) goss__measured[i] = strtod(set + strlen(name[i]), NULL);
}}
{macros}
#endif
"""


def thresholds(text):
    """Whether a threshold is an integer, by name."""
    rows = re.findall(r"^#define (GOSS__\w+) ([\d.e]+)$", text, re.M)
    for enum in re.findall(r"^enum {(.*)};$", text, re.M):
        rows += [pair.strip().split(" = ") for pair in enum.split(",")]
    return {name: re.search("[.e]", value) is None for name, value in rows if name not in FIXED}


def with_variables(text, names):
    """The header with variables for those thresholds."""
    macros = [f"#undef {name}\n#define {name} ({'(int)' if whole else ''}goss__measured[{i}])"
              for i, (name, whole) in enumerate(names.items())]
    variables = VARIABLES.format(values=", ".join(names), names=", ".join(f'"{name}="' for name in names),
                                 macros="\n".join(macros))
    return text.rpartition("#endif")[0] + variables


def build(o):
    """Builds the programs; the names of the thresholds that they read."""
    text = (ROOT / "src" / HEADER).read_text()
    names = thresholds(text)
    header = o.build / "include" / HEADER
    header.parent.mkdir(parents=True, exist_ok=True)
    changed = with_variables(text, names)
    if not header.exists() or header.read_text() != changed:
        header.write_text(changed)
    command = [ROOT / "tools/build", o.build.parent, "bench-thresholds"]
    subprocess.run(command, check=True, stdout=sys.stderr)
    return names


def plan(o, workload, setting):
    """How a workload is computed with a threshold set."""
    command = [o.build / "bench" / WORKLOADS[workload][0], "--workload", workload, "--threads", str(o.threads),
               "--repeats", "0"] + ([] if o.schedules else ["--profile"])
    env = os.environ | {"GOSSAMER_THRESHOLD": setting, "GOSSAMER_PRINT": "plan-memory"}
    ran = subprocess.run(command, env=env, capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{setting}: {workload}: {ran.stderr}")
    schedule, _, profile = ran.stderr.partition("a run (mean of")
    return (schedule if o.schedules else schedule.rpartition("\n")[0]), PLAN.findall(profile)


def differing(o, present, setting):
    """Workloads that have another plan with the setting."""
    found = [w for w in present if plan(o, w, setting) != present[w]]
    print(f"{setting}: another plan of {len(found)} of {len(present)} workloads: {' '.join(found) or '-'}")
    sys.stdout.flush()
    return found


def measure(o, settings, log):
    present = {} if o.workload else {w: plan(o, w, "") for w in WORKLOADS}
    differ = {s: o.workload or differing(o, present, s) for s in settings}
    for setting, workloads in differ.items() if o.pairs else ():
        print(setting)
        for workload in workloads:
            both = [start(o.build, workload, o, log, GOSSAMER_THRESHOLD=s) for s in ("", setting)]
            compare(workload, both, o)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("setting", nargs="+", help="NAME=VALUE[,VALUE...]")
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    p.add_argument("--workload", action="append", choices=WORKLOADS, help="time these, whatever their plans")
    p.add_argument("--schedules", action="store_true",
                   help="plans are compared without a run: schedules, which is where thresholds of passes show")
    p.add_argument("--pairs", type=int, default=15, help="0: plans only")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--others", type=float, default=0.05,
                   help="share of a processor that others may have in a pair that counts")
    p.add_argument("--patience", type=float, default=300, help="seconds a program may need for a start or a turn")
    o = p.parse_args()
    o.build = o.build.resolve() / "thresholds"
    o.limit, o.memory = 1.03, 1.05  # of compare: what is called worse
    settings = [(name, value) for name, _, values in (s.partition("=") for s in o.setting)
                for value in values.split(",")]
    names = build(o)
    for name, _ in settings:
        if name not in names:
            sys.exit(f"{name}: the thresholds are {', '.join(names)}")
    with open(o.build / "bench.log", "a") as log:
        measure(o, [f"{name}={value}" for name, value in settings], log)


if __name__ == "__main__":
    main()
