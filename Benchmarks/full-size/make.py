#!/usr/bin/env python3
"""Writes checkpoints of random weights in the sizes and layouts of the public VQ-Diffusion models.

    Benchmarks/full-size/make.py FOLDER [imagenet] [ithq]

Into FOLDER: `imagenet.pth` (float32, `model` and `ema`, written by torch.save) with `imagenet.yaml` and `taming_vqvae_974.pt`;
`ithq.pth` (float16) with `ithq.yaml`; `ithq/`, the same weights as a diffusers folder; `weights.json`, the bytes that making an image
needs of each: denoiser, codebook and decoder, text encoder. Needs torch, safetensors, 12 GB of memory and 12 GB of disk.
"""
import json
import math
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import architectures
import diffusers_layout

MERGES = HERE.parents[1] / "Sources/ModelFiles/Resources/clip/merges.txt"


def is_norm(name):
    """Whether a vector scales what a norm gives; its bias is one like any other."""
    layer = name.split(".")[-2] if "." in name else name
    return "norm" in layer or layer in ["ln_1", "ln_2", "ln2", "ln_final"] or name.startswith("to_logits.0")


def random(shapes, type):
    """Values of about the scale that training begins with: each layer keeps the size of what it is given."""
    tensors = {}
    for name, shape in shapes:
        tensor = torch.empty(shape, dtype=type)
        if len(shape) == 1:
            tensor.normal_(1.0 if is_norm(name) and name.endswith("weight") else 0.0, 0.02)
        else:
            tensor.normal_(0.0, 1.0 if "emb" in name else 1 / math.sqrt(math.prod(shape[1:])))
        tensors[name] = tensor
    return tensors


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def byte_count(*parts):
    return sum(tensor.nbytes for part in parts for tensor in part.values())


def codec(sizes, type):
    """Encoder, codebook and decoder."""
    return [random(part(**sizes), type) for part in (architectures.encoder, architectures.codebook, architectures.decoder)]


def microsoft_codec(encoder, codebook, decoder):
    """`content_codec`: encoder and decoder are objects of their own that share the codebook."""
    return {
        **prefixed("content_codec.enc.", encoder), **prefixed("content_codec.enc.", codebook),
        **prefixed("content_codec.dec.", decoder), **prefixed("content_codec.dec.", codebook)}


def write_imagenet(folder):
    buffers = {name: torch.zeros(shape) for name, shape in architectures.schedule_buffers()}
    denoiser = random(architectures.denoiser(**architectures.IMAGENET), torch.float32)
    average = {name: tensor.flip(0) for name, tensor in denoiser.items()}
    parts = codec(architectures.VQGAN_F16, torch.float32)
    torch.save(
        {
            "last_epoch": 99, "last_iter": 500_000,
            "model": {
                **microsoft_codec(*parts), **prefixed("transformer.", buffers), **prefixed("transformer.transformer.", denoiser)},
            "ema": {**buffers, **prefixed("transformer.", average)},
            "clip_grad_norm": {"start_iteration": 0, "end_iteration": 5000, "max_norm": 0.5, "last_epoch": 1},
            "optimizer_and_scheduler": {},
        }, folder / "imagenet.pth")
    codes, reduced = architectures.VQGAN_F16["codes"], architectures.IMAGENET["codes"]
    # As in the published table, all codes that are left share the reduced code 0.
    table = torch.zeros(codes, dtype=torch.int64)
    table[torch.randperm(codes)[:reduced]] = torch.arange(reduced)
    torch.save(table, folder / "taming_vqvae_974.pt")
    shutil.copy(HERE / "imagenet.yaml", folder)
    return {"imagenet": byte_count(denoiser, *parts[1:])}


def write_ithq(folder):
    denoiser = random(architectures.denoiser(**architectures.ITHQ), torch.float16)
    parts = codec(architectures.ITHQ_CODEC, torch.float16)
    text = random(architectures.clip_text(**architectures.CLIP), torch.float16)
    empty = torch.empty(architectures.CLIP["length"], architectures.CLIP["width"], dtype=torch.float16).normal_(0, 0.05)
    buffers = {name: torch.zeros(shape) for name, shape in architectures.schedule_buffers()}
    triangle = torch.ones(1, 1, 1024, 1024, dtype=torch.float16).tril()
    masks = {f"blocks.{index}.attn2.mask": triangle for index in range(architectures.ITHQ["layers"])}
    torch.save(
        {
            "last_epoch": 99, "last_iter": 500_000,
            "model": {
                **microsoft_codec(*parts), "transformer.empty_text_embed": empty, **prefixed("transformer.", buffers),
                **prefixed("transformer.condition_emb.", text), **prefixed("transformer.transformer.", {**denoiser, **masks})},
        }, folder / "ithq.pth")
    shutil.copy(HERE / "ithq.yaml", folder)
    diffusers_layout.write_documents(folder / "ithq", MERGES.read_text())
    for part, tensors in {
        "transformer": {diffusers_layout.denoiser_name(name): tensor for name, tensor in denoiser.items()},
        "vqvae": dict(diffusers_layout.codec_tensor(*item) for part in parts for item in part.items()),
        "text_encoder": dict(renamed for item in text.items() for renamed in diffusers_layout.text_tensors(*item)),
        "learned_classifier_free_sampling_embeddings": {"embeddings": empty},
    }.items():
        file = "model.safetensors" if part == "text_encoder" else "diffusion_pytorch_model.safetensors"
        save_file(tensors, folder / "ithq" / part / file)
    return {"ithq": byte_count(denoiser, *parts[1:], text) + empty.nbytes}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, chosen = pathlib.Path(sys.argv[1]), sys.argv[2:] or ["imagenet", "ithq"]
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    sizes = folder / "weights.json"
    known = json.loads(sizes.read_text()) if sizes.exists() else {}
    for model in chosen:
        known.update({"imagenet": write_imagenet, "ithq": write_ithq}[model](folder))
        sizes.write_text(json.dumps(known))


if __name__ == "__main__":
    main()
