# SPDX-License-Identifier: Apache-2.0
"""Language models in torch.nn, as one writes them down: a decoder, an encoder, an LSTM."""
import math

import torch
from torch import nn


class Attention(nn.Module):
    """Causal self-attention, written out."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for part in self.qkv(x).split(width, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        mask = torch.tril(torch.ones(length, length, device=x.device)).view(1, 1, length, length)
        scores = scores.masked_fill(mask == 0, float("-inf"))
        return self.out((torch.softmax(scores, dim=-1) @ v).transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(width), Attention(width, heads), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Decoder(nn.Module):
    """GPT-2: learned positions, norms first, the embedding shared with the head."""

    def __init__(self, layers=12, width=768, heads=12, vocabulary=50257, positions=1024):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.blocks, self.norm = nn.Sequential(*(Block(width, heads) for _ in range(layers))), nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens):
        places = torch.arange(tokens.shape[1], device=tokens.device)
        return self.head(self.norm(self.blocks(self.tokens(tokens) + self.positions(places))))


class MaskedPool(nn.Module):
    """The mean of the tokens that a mask leaves, turned into numbers as BERT's exporters do it."""

    def __init__(self, width=16, vocabulary=101):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)

    def forward(self, tokens, mask):
        x, hidden = self.tokens(tokens), (1.0 - mask[:, None, :].to(torch.float32)) * -10000.0
        weights = torch.softmax(x @ x.transpose(1, 2) + hidden, dim=-1)
        return (weights @ x * mask.unsqueeze(-1).float()).sum(1)


class Encoder(nn.Module):
    """BERT: norms last, segments, a padding mask, a pooled output."""

    def __init__(self, layers=12, width=768, heads=12, vocabulary=30522, positions=512):
        super().__init__()
        self.tokens, self.positions, self.segments = nn.Embedding(vocabulary, width), nn.Embedding(positions, width), nn.Embedding(2, width)
        self.norm, self.dropout = nn.LayerNorm(width, eps=1e-12), nn.Dropout(0.1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, activation="gelu", batch_first=True) for _ in range(layers))
        self.pool = nn.Linear(width, width)

    def forward(self, tokens, mask, segments):
        places = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0)
        x = self.dropout(self.norm(self.tokens(tokens) + self.positions(places) + self.segments(segments)))
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=mask == 0)
        return x, torch.tanh(self.pool(x[:, 0]))


class Lstm(nn.Module):
    """A language model: two layers, the logits of each word and the state after the last."""

    def __init__(self, layers=2, width=650, vocabulary=10000):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=0.5)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        x, (h, c) = self.lstm(self.tokens(tokens))
        return self.head(x), h, c


class Tagger(nn.Module):
    """A tag for each word, from both directions."""

    def __init__(self, layers=2, width=24, vocabulary=101, tags=7):
        super().__init__()
        self.tokens, self.gru = nn.Embedding(vocabulary, width), nn.GRU(width, width, layers, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, tags)

    def forward(self, tokens):
        return torch.log_softmax(self.head(self.gru(self.tokens(tokens))[0]), dim=-1)


class Translator(nn.Module):
    """nn.Transformer: an encoder, and a decoder that looks at it."""

    def __init__(self, width=32, heads=4, vocabulary=101):
        super().__init__()
        self.tokens, self.transformer = nn.Embedding(vocabulary, width), nn.Transformer(width, heads, 2, 2, 2 * width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, source, target):
        mask = torch.triu(torch.full((target.shape[1], target.shape[1]), float("-inf")), diagonal=1)
        return self.head(self.transformer(self.tokens(source), self.tokens(target), tgt_mask=mask))
