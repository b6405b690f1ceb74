#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time to an accuracy: Omniglot, 20-way 1-shot with rotations as classes, on three alphabets held out of the training
characters. Gossamer trains configs/omniglot.ini (without shifted copies when judged), PyTorch the same method
(peers/torch_omniglot.py), seed by seed in turns, both on a schedule of --steps steps and validated every --every;
seconds are those of the training, validations and PyTorch's compilation left out."""
import argparse
import io
import json
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("data", type=pathlib.Path, help="Omniglot as a .zip of Alphabet/characterNN/*.png")
    p.add_argument("train_classes", type=pathlib.Path, help="file with one class a line")
    p.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    p.add_argument("--target", type=float, default=0.95)
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument("--every", type=int, default=50)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--variant", default="compile", choices=["compile", "eager"])
    p.add_argument("--without-peer", action="store_true")
    return p.parse_args()


def hold_out(classes, alphabets):
    """The classes of some alphabets, and the others."""
    names = sorted({c.split("/")[0] for c in classes})
    chosen = set(random.Random(1).sample(names, alphabets))
    return [c for c in classes if c.split("/")[0] not in chosen], [c for c in classes if c.split("/")[0] in chosen]


def write_images(data, lists, path):
    """The decoded drawings of each list, ink 1 on 0, 28 x 28, for PyTorch."""
    import numpy as np
    from PIL import Image
    with zipfile.ZipFile(data) as z:
        arrays, files = {}, {}
        for n in sorted(z.namelist()):
            if n.endswith(".png"):
                files.setdefault("/".join(n.split("/")[-3:-1]), []).append(n)
        for name, classes in lists.items():
            rows = []
            for c in classes:
                images = [Image.open(io.BytesIO(z.read(n))).convert("L").resize((28, 28), Image.BOX) for n in files[c]]
                rows.append([1 - np.asarray(i, np.float32) / 255 for i in images])
            arrays[name] = np.array(rows, np.float32)
    np.savez(path, **arrays)


def backbone():
    """The configuration's, without the layer that averages over shifted copies."""
    for line in (HERE.parent / "configs/omniglot.ini").read_text().splitlines():
        if line.startswith("backbone = "):
            return line.removeprefix("backbone = ").removeprefix("shifts 1; ")
    sys.exit("configs/omniglot.ini has no backbone")


def ours(o, folder, seed):
    """Steps and seconds until the target; None if it was not reached."""
    run = folder / f"run{seed}"
    command = [o.build / "gossamer", "train", HERE.parent / "configs/omniglot.ini", f"data.path={o.data}",
               f"data.train_classes={folder / 'train'}", f"data.val_classes={folder / 'held_out'}",
               f"data.cache={folder}", f"run.dir={run}", f"run.seed={seed}", f"run.threads={o.threads}",
               f"train.steps={o.steps}", "train.minutes=0", f"validate.every={o.every}", "validate.episodes=200",
               "validate.rotations=true", f"model.backbone={backbone()}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            if reached(run, o.target):
                process.terminate()
    return reached(run, o.target)


def reached(run, target):
    """Training seconds of the first validation that reaches the target: steps between two lines of the log that have a
    validation between them count as much as the others do."""
    log, seconds, before, validated, usual = run / "metrics.jsonl", 0.0, 0.0, False, []
    for line in log.read_text().splitlines() if log.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            break  # being written
        if "validation" in row:
            validated = True
            if row["validation"] >= target:
                return row["step"], seconds
        elif "seconds" in row:
            passed = row["seconds"] - before
            if not validated:
                usual.append(passed)
            seconds += statistics.median(usual) if validated and usual else passed
            before, validated = row["seconds"], False
    return None


def torch(o, folder, seed):
    command = [o.build / "peers/bin/python", HERE / "peers/torch_omniglot.py", folder / "images.npz",
               "--seed", str(seed),
               "--steps", str(o.steps), "--every", str(o.every), "--target", str(o.target), "--threads", str(o.threads),
               "--variant", o.variant]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    last = json.loads(out[-1]) if out else None
    return (last["step"], last["seconds"], last["compiling"]) if last and last["accuracy"] >= o.target else None


def main():
    o = options()
    o.build, o.data = o.build.resolve(), o.data.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        train, held_out = hold_out(o.train_classes.read_text().split(), 3)
        for file, classes in (("train", train), ("held_out", held_out)):
            (folder / file).write_text("\n".join(classes) + "\n")
        peer = not o.without_peer and (o.build / "peers/bin/python").exists()
        if peer:
            code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import time_to, pathlib; " \
                   f"time_to.write_images({str(o.data)!r}, {{'train': {train!r}, 'held_out': {held_out!r}}}, " \
                   f"{str(folder / 'images.npz')!r})"
            subprocess.run([o.build / "peers/bin/python", "-c", code], check=True)
        ratios = []
        for seed in range(1, o.seeds + 1):
            a, b = ours(o, folder, seed), torch(o, folder, seed) if peer else None
            theirs = f"{b[1]:.1f} s, {b[0]} steps, and {b[2]:.1f} s of compiling" if b else "not reached"
            print(f"seed {seed}: ours {a and f'{a[1]:.1f} s, {a[0]} steps' or 'not reached'}"
                  + (f"; torch-{o.variant} {theirs}" if peer else ""),
                  flush=True)
            if a and b:
                ratios.append(b[1] / a[1])
        if ratios:
            print(f"ratio: {statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)})")
        sys.exit(0 if len(ratios) == o.seeds or not peer else 1)


if __name__ == "__main__":
    main()
