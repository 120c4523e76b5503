#!/usr/bin/env python3
"""Measures the samplers on a model: generates images with each setting, evaluates them against real ones, and writes the tables and
plots of docs/samplers.md.

    Benchmarks/survey/survey.py --photographs FOLDER [--model FOLDER] [--images 500]

FOLDER holds a folder of photographs of the model's size for each class: the first of each class are the real images that all others are
compared with, the next ones show what real images score among themselves. Images, evaluations and times are kept under --work, so that an interrupted survey goes on where it stopped. Times are taken by
themselves, on few images, after everything else. See docs/samplers.md for what the columns mean.
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import report
from settings import GUIDANCE, guided, name_of, quality_of, settings

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Photographs of each class that images of that class are compared with.
REAL_OF_A_CLASS = 250


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", required=True, help="a folder with a folder of real images for each class")
    parser.add_argument("--model", help="a model folder instead of the built-in model")
    parser.add_argument("--classes", type=int, default=10, help="of the model: --images are spread over all of them")
    parser.add_argument("--images", type=int, default=500, help="of each setting")
    parser.add_argument("--work", default=str(ROOT / ".build" / "survey"), help="where images and numbers are kept")
    parser.add_argument("--vqdiff", default=str(ROOT / ".build" / "release" / "vqdiff"))
    parser.add_argument("--only", choices=["generate", "evaluate", "time", "report"], action="append", help="some of the stages")
    return parser.parse_args()


def run(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")
    return result


class Survey:
    def __init__(self, arguments):
        self.arguments = arguments
        self.work = pathlib.Path(arguments.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.expect_same_settings()
        self.model = ["--model", arguments.model] if arguments.model else []

    def expect_same_settings(self):
        """What is kept must be of this survey."""
        now = {"model": self.arguments.model, "weights": self.weights(), "images": self.arguments.images, "classes": self.arguments.classes}
        file = self.work / "survey.json"
        if not file.exists():
            file.write_text(json.dumps(now))
        elif json.loads(file.read_text()) != now:
            sys.exit(f"{file}: expected {now}, found {file.read_text()}; choose another --work folder")

    def weights(self):
        """What the model's weights are recognised by."""
        folder = pathlib.Path(self.arguments.model or ROOT / "Sources" / "ModelFiles" / "Resources" / "cifar10")
        files = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else [folder]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    def generate(self, name, options, count, folder, seed=1):
        """The last line of the program's report, as a dictionary."""
        result = run(
            [self.arguments.vqdiff, "generate", *self.model, "--class", "all", "--count", count, "--seed", seed, *options,
             "--batch-size", 50, "--stats", "-o", folder])
        line = [text for text in result.stderr.splitlines() if text.startswith("{")][-1]
        return json.loads(line)

    def cached(self, kind, name, make):
        file = self.work / f"{name}.{kind}.json"
        if not file.exists():
            value = make()
            part = file.with_suffix(".part")
            part.write_text(json.dumps(value))
            part.rename(file)
        return json.loads(file.read_text())

    def known(self, kind, name):
        file = self.work / f"{name}.{kind}.json"
        return json.loads(file.read_text()) if file.exists() else None

    @property
    def per_class(self):
        return -(-self.arguments.images // self.arguments.classes)

    def real(self, part, per_class=None):
        """The folder of a part of the real images: 0 to compare with, 1 for the floor."""
        per_class = per_class or self.per_class
        folder = self.work / f"real-{part}-{per_class}"
        if not folder.exists():
            building = folder.with_suffix(".part")
            shutil.rmtree(building, ignore_errors=True)
            for source in sorted(pathlib.Path(self.arguments.photographs).iterdir()):
                (building / source.name).mkdir(parents=True)
                for image in sorted(source.iterdir())[part * per_class:(part + 1) * per_class]:
                    (building / source.name / image.name).symlink_to(image.resolve())
            building.rename(folder)
        return folder

    def images(self, name, options):
        count = self.per_class
        return self.cached("images", name, lambda: self.generate(name, options, count, self.work / "images" / name))

    def evaluation(self, name):
        return self.cached("evaluation", name, lambda: self.evaluate(self.work / "images" / name))

    def evaluate(self, folder, real=None, options=()):
        result = run(
            [self.arguments.vqdiff, "evaluate", *self.model, "--real", real or self.real(0), "--generated", folder, *options,
             "--output", "json"])
        return json.loads(result.stdout)

    def within_classes(self, name, folder=None):
        """Kernel distance × 1000 between the images of a class and photographs of that class, averaged over the classes."""
        def make():
            real = self.real(0, REAL_OF_A_CLASS)
            means = [
                self.evaluate(
                    (folder or self.work / "images" / name) / part.name, part,
                    ["--subset-size", self.per_class, "--subsets", 50])["quality"]["all"]["kernel_distance"]["mean"]
                for part in sorted(real.iterdir())]
            return 1000 * sum(means) / len(means)

        return self.cached("within", name, make)

    def reference(self, name):
        """What real images score that weren't generated: as they are, or through the autoencoder."""
        def make():
            folder = self.real(1)
            if name == "encoded and decoded":
                tokens, decoded = self.work / "real.safetensors", self.work / "decoded"
                images = sorted(str(image) for image in folder.glob("*/*"))
                run([self.arguments.vqdiff, "encode", *self.model, "--input", *images, "--output", tokens])
                run([self.arguments.vqdiff, "decode", *self.model, "--input", tokens, "--output", decoded])
                folder = decoded
            within = self.within_classes(f"reference-{name.replace(' ', '-')}", folder) if folder.name != "decoded" else None
            evaluation = self.evaluate(folder)
            return {**quality_of(evaluation), "within": within}

        return self.cached("reference", name.replace(" ", "-"), make)

    def seconds(self, name, options):
        """Seconds per image: the median of three runs of a batch."""
        def make():
            runs = [self.generate(name, options, 1, self.work / "timing", seed=1000 * turn) for turn in range(3)]
            return statistics.median(result["sampling_seconds"] / result["images"] for result in runs)

        return self.cached("seconds", name, make)


def main():
    arguments = parse_arguments()
    stages = arguments.only or ["generate", "evaluate", "time", "report"]
    survey = Survey(arguments)
    every = settings()
    for stage, work in [
        ("generate", survey.images), ("evaluate", lambda name, _: survey.evaluation(name)), ("time", survey.seconds)
    ]:
        if stage not in stages:
            continue
        for done, (name, options) in enumerate(every.items()):
            print(f"{stage} {done + 1}/{len(every)}: {name}", file=sys.stderr, flush=True)
            work(name, options)
    if "evaluate" in stages:
        for scale in GUIDANCE:
            survey.within_classes(name_of(guided(scale)))
    if "report" in stages:
        report.write(survey, ROOT / "docs")


if __name__ == "__main__":
    main()
