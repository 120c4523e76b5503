"""Runs one network in PyTorch on request, as `vqdiff-bench --interactive` does: prints "ready" once warm, then for each line of
standard input, a number N, runs N repetitions on fresh random input and prints their nanoseconds on a line.

    worker.py MODEL TEST BATCH THREADS VARIANT
"""
import sys
import time

import torch

import models


def work(model_name, test, batch, variant):
    """A function that makes input, and one that the time is taken of."""
    is_codec = test in ("encode", "decode")
    model = (models.CODECS if is_codec else models.DENOISERS)[model_name]().eval()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if variant == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    # Images as the variant wants them; compiled code chooses for itself.
    layout = torch.contiguous_format if variant == "eager" else torch.channels_last
    if test == "denoise":
        def make():
            tokens = torch.randint(model.codes, (batch, model.length))
            tokens[torch.rand(tokens.shape) < 0.5] = model.codes
            return tokens, torch.randint(model.timesteps, (batch,)), torch.randint(model.classes, (batch,))
    elif test == "encode":
        def make():
            return ((torch.rand(batch, 3, model.size, model.size) * 2 - 1).contiguous(memory_format=layout),)
    else:
        def make():
            return (torch.randint(min(model.codes, 512), (batch, model.grid, model.grid)),)
    run = {"denoise": model, "encode": getattr(model, "encode", None), "decode": getattr(model, "decode", None)}[test]
    return make, torch.compile(run) if variant == "compile" else run, parameters


def main():
    model_name, test, batch, threads, variant = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    make, run, parameters = work(model_name, test, int(batch), variant)

    def nanoseconds():
        arguments = make()
        start = time.perf_counter_ns()
        run(*arguments)
        return time.perf_counter_ns() - start

    with torch.inference_mode():
        for _ in range(2 if variant == "compile" else 1):
            nanoseconds()
        print("ready", torch.__version__, parameters, flush=True)
        for line in sys.stdin:
            print(*(nanoseconds() for _ in range(int(line))), flush=True)


if __name__ == "__main__":
    main()
