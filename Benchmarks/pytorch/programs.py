"""The two programs that are compared: found or built, started, and asked for repetitions."""
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import venv

CPU_WHEEL = "torch==2.13.0+cpu"
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Failed(Exception):
    pass


class Worker:
    """A program that answers a number N by the nanoseconds of N repetitions."""

    def __init__(self, command, threads, policy="default"):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
        environment.pop("OMP_WAIT_POLICY", None)
        if policy != "default":
            environment["OMP_WAIT_POLICY"] = policy
        # A file, not a pipe, which would block the program when nobody reads it.
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment)
        self.greeting = self.read().split()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            errors = self.errors.read().strip().splitlines()
            raise Failed(errors[-1] if errors else f"ended with status {self.process.wait()}")
        return line

    def seconds(self, count):
        """The mean of `count` repetitions, after one that isn't counted where there are several."""
        extra = 1 if count > 1 else 0
        self.process.stdin.write(f"{count + extra}\n")
        self.process.stdin.flush()
        return statistics.fmean(int(text) for text in self.read().split()[extra:]) * 1e-9

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def note(text):
    print(text, file=sys.stderr, flush=True)


def find_python(given):
    """A Python with torch and numpy; made in .venv-peer if need be."""
    python = pathlib.Path(given) if given else ROOT / ".venv-peer" / "bin" / "python"
    if not python.exists():
        if given:
            sys.exit(f"compare-pytorch: no {python}")
        note("making .venv-peer")
        venv.create(python.parent.parent, with_pip=True)
    if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0:
        return python
    if given:
        sys.exit(f"compare-pytorch: {python} has no torch and numpy")
    note("installing torch and numpy")
    install = [python, "-m", "pip", "install", "--quiet", "--retries", "1"]
    # The wheel without CUDA, a tenth of the other's size: from the configured registry, or from PyTorch's own.
    sources = [[CPU_WHEEL], [CPU_WHEEL, "--extra-index-url", "https://download.pytorch.org/whl/cpu"], ["torch"]]
    if not any(subprocess.run(install + source, stderr=subprocess.DEVNULL).returncode == 0 for source in sources):
        sys.exit("compare-pytorch: pip can't install torch")
    subprocess.run(install + ["numpy"], check=True)
    return python


def find_bench(given):
    if given:
        return given
    build = ["swift", "build", "-c", "release", "--product", "vqdiff-bench"]
    note("building vqdiff-bench")
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    path = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True)
    return os.path.join(path.stdout.strip(), "vqdiff-bench")


def torch_worker(python, setting, variant, policy):
    script = ROOT / "Benchmarks" / "pytorch" / "worker.py"
    arguments = [setting["model"], setting["test"], str(setting["batch"]), str(setting["threads"]), variant]
    return Worker([str(python), str(script), *arguments], setting["threads"], policy)


def vqdiff_worker(bench, setting, options):
    command = [str(bench), "--model", f"{setting['model']}-random", "--test", setting["test"], "--batch", str(setting["batch"]),
               "--threads", str(setting["threads"]), "--interactive", *shlex.split(options)]
    return Worker(command, setting["threads"])
