#!/usr/bin/env python3
"""Loads, converts and runs what make.py wrote, and prints time and peak memory of each command as a Markdown table.

    Benchmarks/full-size/measure.py FOLDER [--vqdiff .build/release/vqdiff] [--only WORDS]

Peak memory is the kernel's own figure for the process that has ended (getrusage's ru_maxrss, which is VmHWM): mapped pages of the
files are in it. "Weights" are the bytes that making an image needs, as the model stores them. --only runs the commands whose
title holds these words; converted folders must be there then. See docs/full-size.md.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEP = ["--count", "1", "--seed", "1", "--steps", "1", "--guidance-scale", "5", "--sampler", "maskgit", "--stats"]
CLASS, TEXT = ["--class", "tiger shark"], ["--prompt", "a teddy bear in the pool"]


def commands(folder):
    """Title, arguments, weights in use (as (model, fraction of its stored size)) or None."""
    imagenet = [folder / "imagenet.pth", "--config", folder / "imagenet.yaml"]
    mapped = ["--codebook-map", folder / "taming_vqvae_974.pt"]
    ithq_file = [folder / "ithq.pth", "--config", folder / "ithq.yaml"]
    half = folder / "imagenet-float16"

    def convert(name, *options):
        return ["convert", "--quiet", "--output", folder / name, "--model", *options]

    def generate(model, subject, *options):
        return ["generate", *subject, *STEP, "--output", folder / "image.png", *options, "--model", *model]

    low = ["--memory", "low"]
    return [
        ("inspect `imagenet.pth`", ["inspect", *imagenet], None),
        ("inspect `ithq.pth`", ["inspect", *ithq_file], None),
        ("inspect `ithq/`", ["inspect", folder / "ithq"], None),
        ("convert `imagenet.pth` to float16", convert(half.name, *imagenet, *mapped, "--type", "float16"), None),
        ("convert `imagenet.pth` as it is", convert("imagenet-float32", *imagenet, *mapped), None),
        ("convert `ithq/`", convert("ithq-converted", folder / "ithq"), None),
        ("convert `ithq.pth`", convert("ithq-pth-converted", *ithq_file), None),
        ("generate, low memory, `imagenet.pth`", generate([*imagenet, *mapped], CLASS, *low), ("imagenet", 1)),
        ("generate, low memory, `imagenet-float32/`", generate([folder / "imagenet-float32"], CLASS, *low), ("imagenet", 1)),
        ("generate, low memory, `imagenet-float16/`", generate([half], CLASS, *low), ("imagenet", 0.5)),
        ("generate, low memory, `ithq.pth`", generate(ithq_file, TEXT, *low), ("ithq", 1)),
        ("generate, low memory, `ithq/`", generate([folder / "ithq"], TEXT, *low), ("ithq", 1)),
        ("generate, low memory, `ithq-converted/`", generate([folder / "ithq-converted"], TEXT, *low), ("ithq", 1)),
        ("generate, fast, `imagenet.pth`", generate([*imagenet, *mapped], CLASS), ("imagenet", 1)),
        ("generate, fast, `ithq/`", generate([folder / "ithq"], TEXT), ("ithq", 1)),
    ]


def measured(arguments, log):
    """Seconds and the peak of resident bytes."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    start = time.monotonic()
    process = os.posix_spawn(
        arguments[0], arguments, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, output, 1), (os.POSIX_SPAWN_DUP2, output, 2)])
    _, status, usage = os.wait4(process, 0)
    os.close(output)
    if status != 0:
        sys.exit(f"{' '.join(arguments)} failed:\n{log.read_text()}")
    # Linux counts in KiB, macOS in bytes.
    return time.monotonic() - start, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--vqdiff", default=ROOT / ".build/release/vqdiff", type=pathlib.Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    weights = json.loads((options.folder / "weights.json").read_text())
    log = options.folder / "measure.log"
    print("| command | seconds | sampling | peak MB | weights MB | peak / weights |\n|---|--:|--:|--:|--:|--:|", flush=True)
    for title, arguments, model in commands(options.folder):
        if options.only not in title:
            continue
        if arguments[0] == "convert":
            shutil.rmtree(arguments[3], ignore_errors=True)
        seconds, peak = measured([str(options.vqdiff), *map(str, arguments)], log)
        found = re.search(r'"sampling_seconds":([0-9.]+)', log.read_text())
        sampling = f"{float(found[1]):.1f}" if found else ""
        used = weights[model[0]] * model[1] if model else None
        ratio = f"{used / 1e6:.0f} | {peak / used:.2f}" if used else " | "
        print(f"| {title} | {seconds:.1f} | {sampling} | {peak / 1e6:.0f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
