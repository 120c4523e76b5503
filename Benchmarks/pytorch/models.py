"""The benchmarked networks in plain PyTorch, with random weights: only shapes and operations matter here.

B batch, L tokens, D width, K codes, C channels.
"""
import torch
from torch import nn
from torch.nn import functional as F


def modulated(x, modulation):
    """Layer norm of x [B, L, D] with the scale and shift [B, 2D] of each sequence."""
    scale, shift = modulation[:, None].split(x.shape[-1], dim=-1)
    return torch.addcmul(shift, F.layer_norm(x, x.shape[-1:]), 1 + scale)


class Modulation(nn.Module):
    """index [B] -> scale and shift [B, 2D]."""

    def __init__(self, rows, width):
        super().__init__()
        self.codes = nn.Embedding(rows, width)
        self.project = nn.Linear(width, 2 * width)

    def forward(self, index):
        return self.project(F.silu(self.codes(index)))


class SelfAttention(nn.Module):
    """Multi-head attention over [B, L, D], its three input projections as one product."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.query_key_value(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(query, key, value)
        return self.output(heads.transpose(1, 2).reshape(batch, length, width))


class FeedForward(nn.Module):
    """Widen four times, x σ(1.702 x), narrow: 3×3 convolutions over a square grid, or linear layers."""

    def __init__(self, width, is_convolutional):
        super().__init__()
        self.is_convolutional = is_convolutional
        if is_convolutional:
            self.widen = nn.Conv2d(width, 4 * width, 3, padding=1)
            self.narrow = nn.Conv2d(4 * width, width, 3, padding=1)
        else:
            self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        if not self.is_convolutional:
            hidden = self.widen(x)
            return self.narrow(hidden * torch.sigmoid(1.702 * hidden))
        # [B, L, D] read as an image is channels-last already; no copy is needed for that.
        side = round(x.shape[1] ** 0.5)
        hidden = self.widen(x.unflatten(1, (side, side)).permute(0, 3, 1, 2))
        return self.narrow(hidden * torch.sigmoid(1.702 * hidden)).permute(0, 2, 3, 1).flatten(1, 2)


class Block(nn.Module):
    def __init__(self, width, heads, timesteps, classes, is_convolutional):
        super().__init__()
        self.timestep, self.label = Modulation(timesteps, width), Modulation(classes, width)
        self.attention = SelfAttention(width, heads)
        self.feed_forward = FeedForward(width, is_convolutional)

    def forward(self, x, timestep, label):
        x = x + self.attention(modulated(x, self.timestep(timestep)))
        return x + self.feed_forward(modulated(x, self.label(label)))


class Denoiser(nn.Module):
    """tokens [B, L] in 0…K, timesteps [B], labels [B] -> logits [B, L, K]."""

    def __init__(self, layers, width, heads, codes, length, table, classes, is_convolutional, timesteps=100):
        super().__init__()
        self.codes, self.length, self.classes, self.timesteps = codes, length, classes, timesteps
        self.tokens = nn.Embedding(codes + 1, width)
        self.rows, self.columns = nn.Parameter(torch.randn(table, width)), nn.Parameter(torch.randn(table, width))
        self.blocks = nn.ModuleList(Block(width, heads, timesteps, classes, is_convolutional) for _ in range(layers))
        self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, codes)

    def forward(self, tokens, timestep, label):
        places = (self.rows[:, None] + self.columns[None]).flatten(0, 1)[: self.length]
        x = self.tokens(tokens) + places
        for block in self.blocks:
            x = block(x, timestep, label)
        return self.logits(self.norm(x))

    def loss(self, tokens, timestep, label, target):
        """Mean cross-entropy over all positions; target [B, L] in 0…K − 1."""
        return F.cross_entropy(self(tokens, timestep, label).flatten(0, 1), target.flatten())


def group_norm(channels):
    return nn.GroupNorm(32, channels, eps=1e-6)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Sequential(group_norm(inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.second = nn.Sequential(group_norm(outputs), nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x):
        return self.shortcut(x) + self.second(self.first(x))


class PixelAttention(nn.Module):
    """Single-head attention over the pixels of [B, C, H, W]."""

    def __init__(self, channels):
        super().__init__()
        self.norm, self.attention = group_norm(channels), SelfAttention(channels, 1)

    def forward(self, x):
        pixels = self.norm(x).flatten(2).transpose(1, 2)
        return x + self.attention(pixels).transpose(1, 2).reshape(x.shape)


def level(inputs, outputs, blocks, has_attention):
    """Layers of one resolution."""
    layers = []
    for index in range(blocks):
        layers.append(Residual(inputs if index == 0 else outputs, outputs))
        if has_attention:
            layers.append(PixelAttention(outputs))
    return layers


def middle(channels):
    return [Residual(channels, channels), PixelAttention(channels), Residual(channels, channels)]


def halve(channels):
    return [nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels, channels, 3, stride=2)]


def double(channels):
    return [nn.Upsample(scale_factor=2.0, mode="nearest"), nn.Conv2d(channels, channels, 3, padding=1)]


class Codec(nn.Module):
    """A VQGAN autoencoder of square images."""

    def __init__(self, channels, multipliers, blocks, attention_sizes, size, latent, codes, dimension):
        super().__init__()
        self.size, self.grid, self.codes = size, size >> (len(multipliers) - 1), codes
        widths = [channels * multiplier for multiplier in multipliers]
        attention = [(size >> index) in attention_sizes for index in range(len(widths))]
        encoder = [nn.Conv2d(3, channels, 3, padding=1)]
        for index, width in enumerate(widths):
            encoder += level(widths[index - 1] if index else channels, width, blocks, attention[index])
            if index < len(widths) - 1:
                encoder += halve(width)
        encoder += middle(widths[-1]) + [group_norm(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], latent, 3, padding=1)]
        self.encoder = nn.Sequential(*encoder, nn.Conv2d(latent, dimension, 1))
        decoder = [nn.Conv2d(dimension, latent, 1), nn.Conv2d(latent, widths[-1], 3, padding=1), *middle(widths[-1])]
        for index in reversed(range(len(widths))):
            decoder += level(widths[min(index + 1, len(widths) - 1)], widths[index], blocks + 1, attention[index])
            if index > 0:
                decoder += double(widths[index])
        decoder += [group_norm(widths[0]), nn.SiLU(), nn.Conv2d(widths[0], 3, 3, padding=1)]
        self.decoder = nn.Sequential(*decoder)
        self.codebook = nn.Embedding(codes, dimension)

    def latents(self, images):
        """images [B, 3, H, W] in −1…1 -> what is quantised, [B, h, w, D]."""
        return self.encoder(images).permute(0, 2, 3, 1)

    def nearest(self, latents):
        """latents [B, h, w, D] -> tokens [B, h, w]."""
        table = self.codebook.weight
        # |z − e|² without |z|², which is the same for all codes.
        distances = torch.addmm(table.square().sum(1), latents.flatten(0, 2), table.T, alpha=-2)
        return distances.argmin(1).view(latents.shape[:3])

    def encode(self, images):
        """images [B, 3, H, W] in −1…1 -> tokens [B, h, w]."""
        return self.nearest(self.latents(images))

    def decode(self, tokens):
        """tokens [B, h, w] -> images [B, 3, H, W] in −1…1."""
        return self.decoder(self.codebook(tokens).permute(0, 3, 1, 2)).clamp(-1, 1)

    def loss(self, images):
        """Mean absolute error of the images, plus the quantiser's mean |sg[e] − z|² + 0.25 mean |e − sg[z]|²; the decoder's gradient goes
        to the latents as it is."""
        latents = self.latents(images)
        with torch.no_grad():
            tokens = self.nearest(latents)
        codes = self.codebook(tokens)
        quantiser = F.mse_loss(latents, codes.detach()) + 0.25 * F.mse_loss(codes, latents.detach())
        straight_through = latents + (codes - latents).detach()
        return F.l1_loss(self.decoder(straight_through.permute(0, 3, 1, 2)), images) + quantiser


DENOISERS = {
    "imagenet": lambda: Denoiser(24, 512, 16, 974, 256, 32, 1001, is_convolutional=True),
    "cifar": lambda: Denoiser(6, 192, 6, 512, 64, 8, 11, is_convolutional=False),
}

CODECS = {
    "imagenet": lambda: Codec(128, [1, 1, 2, 2, 4], 2, [16], 256, 256, 16384, 256),
    "cifar": lambda: Codec(32, [1, 1, 2], 1, [], 32, 64, 512, 32),
}
