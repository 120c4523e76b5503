"""Runs one network in PyTorch on request, as `vqdiff-bench --interactive` does: prints "ready" once warm, then for each line of
standard input, a number N, runs N repetitions on fresh random input and prints their nanoseconds on a line.

    worker.py MODEL TEST BATCH THREADS VARIANT
"""
import sys
import time

import torch

import models

TRAINING = ("train", "train-vqvae")


def work(model_name, test, batch, variant):
    """A function that makes input, and one that the time is taken of."""
    is_codec = test in ("encode", "decode", "train-vqvae")
    is_training = test in TRAINING
    model = (models.CODECS if is_codec else models.DENOISERS)[model_name]().train(is_training)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if variant == "channels_last":
        model = model.to(memory_format=torch.channels_last)
    # Images as the variant wants them; compiled code chooses for itself.
    layout = torch.contiguous_format if variant == "eager" else torch.channels_last
    if not is_codec:
        def make():
            tokens = torch.randint(model.codes, (batch, model.length))
            tokens[torch.rand(tokens.shape) < 0.5] = model.codes
            target = (torch.randint(model.codes, (batch, model.length)),) if is_training else ()
            return tokens, torch.randint(model.timesteps, (batch,)), torch.randint(model.classes, (batch,)), *target
    elif test in ("encode", "train-vqvae"):
        def make():
            return ((torch.rand(batch, 3, model.size, model.size) * 2 - 1).contiguous(memory_format=layout),)
    else:
        def make():
            return (torch.randint(min(model.codes, 512), (batch, model.grid, model.grid)),)
    run = model if test == "denoise" else getattr(model, "loss" if is_training else test)
    if variant == "compile":
        run = torch.compile(run)
    return make, training_step(run, model) if is_training else run, parameters


def training_step(loss, model):
    """One whole step: forward pass, loss, backward pass, AdamW."""
    # On a CPU the fused optimiser, one loop over each parameter, is the fastest of PyTorch's.
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.96), weight_decay=0.045, fused=True)

    def step(*arguments):
        value = loss(*arguments)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        return value

    return step


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

    with torch.inference_mode(test not in TRAINING):
        for _ in range(2 if variant == "compile" else 1):
            nanoseconds()
        print("ready", torch.__version__, parameters, flush=True)
        for line in sys.stdin:
            print(*(nanoseconds() for _ in range(int(line))), flush=True)


if __name__ == "__main__":
    main()
