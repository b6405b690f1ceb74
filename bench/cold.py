#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One user, cold: process start, load the model, adapt on 25 images, one prediction, exit. Ours is two processes,
`gossamer adapt` and `gossamer predict`, with a network file in between; a peer (peers/cold_torch.py, cold_jax.py,
cold_onnx.py) is one. The model is a Conv4-64 whose head is the class means; all must give the same probabilities.
Contenders take turns; medians are printed, with the most memory of each, and what `gossamer --version` takes."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
WAYS, SHOTS, SIDE = 5, 5, 28
sys.path.insert(0, str(HERE / "peers"))


def png(rows):
    """Grey bytes, a row each, as a PNG file's bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    data = b"".join(b"\0" + bytes(row) for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def drawing(c, n):
    """A bar whose angle is the class's and whose place is the drawing's."""
    return [[255 if abs((x - 9 - n) * (c + 1) - (y - 14) * (WAYS - c)) < 9 else 0 for x in range(SIDE)]
            for y in range(SIDE)]


def write_data(folder):
    for c in range(WAYS):
        (folder / f"support/class{c}").mkdir(parents=True, exist_ok=True)
        for n in range(SHOTS):
            (folder / f"support/class{c}/{n}.png").write_bytes(png(drawing(c, n)))
    (folder / "query.png").write_bytes(png(drawing(2, SHOTS)))


def make_model(gossamer, folder):
    command = [gossamer, "train", "train.method=protonet", "train.steps=1", "train.minutes=0", "train.ways=5",
               "train.shots=1", "train.queries=1", "train.augment=0", "validate.every=0", "data.hold_out=0",
               "data.invert=no", "data.cache=none",
               "model.backbone=conv4 64", f"data.path={folder / 'support'}", f"run.dir={folder / 'run'}"]
    subprocess.run(command, check=True, capture_output=True)


def timed(commands):
    """Seconds of the commands one after the other, the most memory of any in MB, and the last one's output."""
    start, peak, out = time.perf_counter(), 0, b""
    for command in commands:
        p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode:
            sys.exit(f"{' '.join(map(str, command))} ended with {p.returncode}")
        peak = max(peak, usage.ru_maxrss / 1024)
    return time.perf_counter() - start, peak, out


def contenders(o, folder):
    model, net, query = folder / "run/model.safetensors", folder / "net.safetensors", folder / "query.png"
    gossamer = o.build / "gossamer"
    yield "gossamer", [[gossamer, "adapt", model, "--support", folder / "support", "-o", net],
                       [gossamer, "predict", net, query, "--json"]]
    python = o.build / "peers/bin/python"
    for name in ("torch", "jax") if python.exists() else ():
        yield name, [[python, HERE / f"peers/cold_{name}.py", model, folder / "support", query]]
    if (folder / "model.onnx").exists():
        yield "onnx", [[python, HERE / "peers/cold_onnx.py", folder / "model.onnx", folder / "support", query]]


def probabilities(name, out):
    answer = json.loads(out)
    return list(answer["probabilities"].values()) if name == "gossamer" else answer


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    p.add_argument("--rounds", type=int, default=7)
    o = p.parse_args()
    o.build = o.build.resolve()
    folder = o.build / "cold"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_data(folder)
    make_model(o.build / "gossamer", folder)
    python = o.build / "peers/bin/python"
    if python.exists():  # exporting is not timed
        subprocess.run([python, HERE / "peers/cold_onnx.py", "--export", folder / "run/model.safetensors",
                        folder / "model.onnx"], check=True)

    rows, answers = {}, {}
    for _ in range(o.rounds):
        for name, commands in contenders(o, folder):
            seconds, peak, out = timed(commands)
            rows.setdefault(name, []).append((seconds, peak))
            answers[name] = probabilities(name, out)
    ours = answers["gossamer"]
    for name, answer in answers.items():
        if max(abs(a - b) for a, b in zip(ours, answer, strict=True)) > 1e-3:
            sys.exit(f"{name} predicts {answer}, we {ours}")
    best = statistics.median(s for s, _ in rows["gossamer"])
    for name, runs in rows.items():
        median = statistics.median(s for s, _ in runs)
        print(f"{name:10} {1e3 * median:8.1f} ms  ({1e3 * min(runs)[0]:.1f}..{1e3 * max(runs)[0]:.1f})  "
              f"{max(m for _, m in runs):6.0f} MB  ratio {median / best:.1f}")
    version = statistics.median(timed([[o.build / "gossamer", "--version"]])[0] for _ in range(o.rounds))
    size = sum((o.build / name).stat().st_size for name in ("gossamer", "libgossamer.a")) / 1e6
    print(f"gossamer --version {1e3 * version:.1f} ms; command and library {size:.1f} MB")


main()
