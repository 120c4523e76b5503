"""The same models under the names and in the folders of diffusers' VQDiffusionPipeline."""
import json
import re

from architectures import CLIP, ITHQ, ITHQ_CODEC, TIMESTEPS


def denoiser_name(name):
    for theirs, ours in [
        (r"content_emb\.", "latent_image_embedding."), (r"to_logits\.0", "norm_out"), (r"to_logits\.1", "out"),
        (r"blocks\.(\d+)\.", r"transformer_blocks.\1."), (r"\.ln1_1\.", ".norm2."), (r"\.ln1\.", ".norm1."), (r"\.ln2\.", ".norm3."),
        (r"\.query\.", ".to_q."), (r"\.key\.", ".to_k."), (r"\.value\.", ".to_v."), (r"\.proj\.", ".to_out.0."),
        (r"\.mlp\.0\.", ".ff.net.0.proj."), (r"\.mlp\.2\.", ".ff.net.2."),
    ]:
        name = re.sub(theirs, ours, name)
    return name


def codec_tensor(name, tensor):
    last = len(ITHQ_CODEC["multiples"]) - 1
    if re.search(r"\.attn(_1)?\..*(q|k|v|proj_out)\.weight$", name):
        tensor = tensor.flatten(1)
    for theirs, ours in [
        (r"down\.(\d)\.", r"down_blocks.\1."), (r"up\.(\d)\.", lambda match: f"up_blocks.{last - int(match[1])}."),
        (r"\.block\.", ".resnets."), (r"\.mid\.block_1\.", ".mid_block.resnets.0."), (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
        (r"\.mid\.attn_1\.", ".mid_block.attentions.0."), (r"\.attn\.", ".attentions."), (r"(attentions\.\d\.)norm\.", r"\1group_norm."),
        (r"(attentions\.\d\.)([qkv])\.", r"\1to_\2."), (r"\.proj_out\.", ".to_out.0."), (r"nin_shortcut", "conv_shortcut"),
        (r"norm_out", "conv_norm_out"), (r"downsample\.", "downsamplers.0."), (r"upsample\.", "upsamplers.0."),
    ]:
        name = re.sub(theirs, ours, name)
    return name, tensor


def text_tensors(name, tensor):
    """One tensor, or three: query, key and value apart."""
    name = re.sub(r"^transformer\.resblocks\.", "text_model.encoder.layers.", name)
    packed = re.match(r"(.*)\.attn\.in_proj_(weight|bias)$", name)
    if packed:
        for part, third in zip("qkv", tensor.chunk(3)):
            yield f"{packed[1]}.self_attn.{part}_proj.{packed[2]}", third.clone()
        return
    for theirs, ours in [
        (r"^token_embedding", "text_model.embeddings.token_embedding"),
        (r"^positional_embedding", "text_model.embeddings.position_embedding.weight"),
        (r"^ln_final", "text_model.final_layer_norm"), (r"\.attn\.out_proj", ".self_attn.out_proj"), (r"c_fc", "fc1"),
        (r"c_proj", "fc2"), (r"\.ln_(\d)\.", r".layer_norm\1."),
    ]:
        name = re.sub(theirs, ours, name)
    yield name, tensor


def vocabulary(merges):
    """Every token of CLIP's by its number: bytes, bytes at the end of a word, merged pairs, the two ends."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    characters = [chr(byte) for byte in printable] + [chr(256 + index) for index in range(256 - len(printable))]
    pairs = ["".join(line.split()) for line in merges.splitlines()[1:] if line.strip()]
    tokens = characters + [character + "</w>" for character in characters] + pairs + ["<|startoftext|>", "<|endoftext|>"]
    return {token: index for index, token in enumerate(tokens)}


def configurations():
    """The JSON files of the folder."""
    kinds = {
        "scheduler": ["diffusers", "VQDiffusionScheduler"], "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"], "transformer": ["diffusers", "Transformer2DModel"],
        "vqvae": ["diffusers", "VQModel"],
        "learned_classifier_free_sampling_embeddings": ["diffusers", "LearnedClassifierFreeSamplingEmbeddings"],
    }
    channels = [ITHQ_CODEC["channels"] * multiple for multiple in ITHQ_CODEC["multiples"]]
    plain = len(channels) - 1
    return {
        "model_index.json": {"_class_name": "VQDiffusionPipeline", **kinds},
        "scheduler/scheduler_config.json": {
            "_class_name": "VQDiffusionScheduler", "alpha_cum_start": 0.99999, "alpha_cum_end": 9e-06, "gamma_cum_start": 9e-06,
            "gamma_cum_end": 0.99999, "num_train_timesteps": TIMESTEPS, "num_vec_classes": ITHQ["codes"] + 1},
        "transformer/config.json": {
            "_class_name": "Transformer2DModel", "activation_fn": "geglu-approximate", "attention_bias": True,
            "attention_head_dim": ITHQ["width"] // 16, "num_attention_heads": 16, "num_layers": ITHQ["layers"],
            "cross_attention_dim": ITHQ["text"], "num_vector_embeds": ITHQ["codes"] + 1, "num_embeds_ada_norm": TIMESTEPS,
            "sample_size": ITHQ["table"], "norm_num_groups": 32, "dropout": 0.0},
        "vqvae/config.json": {
            "_class_name": "VQModel", "act_fn": "silu", "in_channels": 3, "out_channels": 3, "block_out_channels": channels,
            "down_block_types": ["DownEncoderBlock2D"] * plain + ["AttnDownEncoderBlock2D"],
            "up_block_types": ["AttnUpDecoderBlock2D"] + ["UpDecoderBlock2D"] * plain, "layers_per_block": ITHQ_CODEC["blocks"],
            "latent_channels": ITHQ_CODEC["latent"], "vq_embed_dim": ITHQ_CODEC["dimension"], "num_vq_embeddings": ITHQ_CODEC["codes"],
            "norm_num_groups": 32, "sample_size": 256},
        "text_encoder/config.json": {
            "architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_act": "quick_gelu", "hidden_size": CLIP["width"],
            "intermediate_size": 4 * CLIP["width"], "num_attention_heads": CLIP["width"] // 64, "num_hidden_layers": CLIP["layers"],
            "max_position_embeddings": CLIP["length"], "vocab_size": CLIP["vocabulary"], "layer_norm_eps": 1e-05},
        "learned_classifier_free_sampling_embeddings/config.json": {
            "_class_name": "LearnedClassifierFreeSamplingEmbeddings", "hidden_size": CLIP["width"], "learnable": True,
            "length": CLIP["length"]},
    }


def write_documents(folder, merges):
    for name, content in {**configurations(), "tokenizer/vocab.json": vocabulary(merges)}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False))
    (folder / "tokenizer/merges.txt").write_text(merges)
