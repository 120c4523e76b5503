"""Names and shapes of the tensors of the public VQ-Diffusion models, as Microsoft's checkpoints have them."""

TIMESTEPS = 100
IMAGENET = dict(layers=24, width=512, codes=974, classes=1001, table=32)
ITHQ = dict(layers=36, width=1408, codes=4096, text=512, table=32)
# Of the autoencoders: channels, their multiples in each level, how many times the last level attends, width of the latent and of a code, codes.
VQGAN_F16 = dict(channels=128, multiples=[1, 1, 2, 2, 4], blocks=2, latent=256, dimension=256, codes=16384)
ITHQ_CODEC = dict(channels=64, multiples=[1, 2, 4, 8], blocks=2, latent=256, dimension=128, codes=4096)
CLIP = dict(layers=12, width=512, vocabulary=49408, length=77)


def layer(name, *shape):
    """A weight and its bias."""
    yield name + ".weight", shape
    yield name + ".bias", shape[:1]


def denoiser(layers, width, codes, table, classes=None, text=None):
    """`transformer.transformer.`: conditioned on a class, with convolutions, or on a text, fully connected."""
    yield "content_emb.emb.weight", (codes + 1, width)
    yield "content_emb.height_emb.weight", (table, width)
    yield "content_emb.width_emb.weight", (table, width)
    for index in range(layers):
        block = f"blocks.{index}."

        def adaptive_norm(name, rows):
            yield f"{block}{name}.emb.weight", (rows, width)
            yield from layer(f"{block}{name}.linear", 2 * width, width)

        def attention(name, inputs):
            for part in ["key", "query", "value", "proj"]:
                yield from layer(f"{block}{name}.{part}", width, inputs if part in ["key", "value"] else width)

        yield from adaptive_norm("ln1", TIMESTEPS)
        if text:
            yield from layer(block + "ln2", width)
            yield from attention("attn1", width)
            yield from adaptive_norm("ln1_1", TIMESTEPS)
            yield from attention("attn2", text)
            yield from layer(block + "mlp.0", 4 * width, width)
            yield from layer(block + "mlp.2", width, 4 * width)
        else:
            yield from adaptive_norm("ln2", classes)
            yield from attention("attn", width)
            yield from layer(block + "mlp.conv1", 4 * width, width, 3, 3)
            yield from layer(block + "mlp.conv2", width, 4 * width, 3, 3)
    yield from layer("to_logits.0", width)
    yield from layer("to_logits.1", codes, width)


def schedule_buffers():
    """`transformer.`: what a checkpoint holds of the schedule and the loss, all zeros here."""
    for name in ["log_at", "log_bt", "log_ct", "log_1_min_ct", "Lt_history", "Lt_count"]:
        yield name, (TIMESTEPS,)
    for name in ["log_cumprod_at", "log_cumprod_bt", "log_cumprod_ct", "log_1_min_cumprod_ct"]:
        yield name, (TIMESTEPS + 1,)


def residual(name, inputs, outputs):
    yield from layer(name + ".norm1", inputs)
    yield from layer(name + ".conv1", outputs, inputs, 3, 3)
    yield from layer(name + ".norm2", outputs)
    yield from layer(name + ".conv2", outputs, outputs, 3, 3)
    if inputs != outputs:
        yield from layer(name + ".nin_shortcut", outputs, inputs, 1, 1)


def self_attention(name, channels):
    yield from layer(name + ".norm", channels)
    for part in ["q", "k", "v", "proj_out"]:
        yield from layer(f"{name}.{part}", channels, channels, 1, 1)


def middle(name, channels):
    yield from residual(name + ".mid.block_1", channels, channels)
    yield from self_attention(name + ".mid.attn_1", channels)
    yield from residual(name + ".mid.block_2", channels, channels)


def encoder(channels, multiples, blocks, latent, dimension, codes):
    levels = [channels * multiple for multiple in multiples]
    yield from layer("encoder.conv_in", channels, 3, 3, 3)
    inputs = channels
    for level, outputs in enumerate(levels):
        is_last = level == len(levels) - 1
        for block in range(blocks):
            yield from residual(f"encoder.down.{level}.block.{block}", inputs, outputs)
            if is_last:
                yield from self_attention(f"encoder.down.{level}.attn.{block}", outputs)
            inputs = outputs
        if not is_last:
            yield from layer(f"encoder.down.{level}.downsample.conv", outputs, outputs, 3, 3)
    yield from middle("encoder", levels[-1])
    yield from layer("encoder.norm_out", levels[-1])
    yield from layer("encoder.conv_out", latent, levels[-1], 3, 3)
    yield from layer("quant_conv", dimension, latent, 1, 1)


def codebook(channels, multiples, blocks, latent, dimension, codes):
    yield "quantize.embedding.weight", (codes, dimension)


def decoder(channels, multiples, blocks, latent, dimension, codes):
    levels = [channels * multiple for multiple in multiples]
    yield from layer("post_quant_conv", latent, dimension, 1, 1)
    yield from layer("decoder.conv_in", levels[-1], latent, 3, 3)
    yield from middle("decoder", levels[-1])
    inputs = levels[-1]
    for level in reversed(range(len(levels))):
        for block in range(blocks + 1):
            yield from residual(f"decoder.up.{level}.block.{block}", inputs, levels[level])
            if level == len(levels) - 1:
                yield from self_attention(f"decoder.up.{level}.attn.{block}", levels[level])
            inputs = levels[level]
        if level > 0:
            yield from layer(f"decoder.up.{level}.upsample.conv", inputs, inputs, 3, 3)
    yield from layer("decoder.norm_out", inputs)
    yield from layer("decoder.conv_out", 3, inputs, 3, 3)


def clip_text(layers, width, vocabulary, length):
    """`transformer.condition_emb.`, as OpenAI names them."""
    yield "token_embedding.weight", (vocabulary, width)
    yield "positional_embedding", (length, width)
    for index in range(layers):
        block = f"transformer.resblocks.{index}."
        yield block + "attn.in_proj_weight", (3 * width, width)
        yield block + "attn.in_proj_bias", (3 * width,)
        yield from layer(block + "attn.out_proj", width, width)
        yield from layer(block + "ln_1", width)
        yield from layer(block + "mlp.c_fc", 4 * width, width)
        yield from layer(block + "mlp.c_proj", width, 4 * width)
        yield from layer(block + "ln_2", width)
    yield from layer("ln_final", width)
