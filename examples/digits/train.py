#!/usr/bin/env python3
"""Trains the demo's network on scikit-learn's handwritten digits, quantizes it and writes what the demo reads.

  examples/digits/train.py        # about a minute; needs `tools/dev setup --export`

Writes beside this file: model.pt2 (int8, as PT2E leaves it), float.pt2 (the same weights in f32), images.npy (held-back digits, f32
[N,1,16,16]) and labels.npy (s64 [N]).
"""
import pathlib
import sys

import numpy
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from export_model import quantize  # noqa: E402

BATCH = 64


class Block(nn.Module):
    """Two convolutions and the sum with what went in."""

    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        self.low = Block(16)
        self.widen = nn.Conv2d(16, 32, 3, padding=1)
        self.high = Block(32)
        self.hidden = nn.Linear(32 * 4 * 4, 64)
        self.score = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.max_pool2d(self.low(functional.relu(self.stem(x))), 2)
        x = functional.max_pool2d(self.high(functional.relu(self.widen(x))), 2)
        return self.score(functional.relu(self.hidden(torch.flatten(x, 1))))


def digits():
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    images = functional.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    labels = torch.tensor(data.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(7))
    images, labels = images[order], labels[order]
    held_back = 6 * BATCH
    return (images[held_back:], labels[held_back:]), (images[:held_back], labels[:held_back])


def main():
    torch.manual_seed(7)
    (images, labels), (test_images, test_labels) = digits()
    model = Digits()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(15):
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(test_images).argmax(1) == test_labels).float().mean().item()
    print(f"f32 accuracy on {len(test_labels)} held-back images: {accuracy:.4f}")

    example = (test_images[:BATCH].clone(),)  # a view would take all images into the archive
    program = quantize(model, example, [(images[at:at + BATCH],) for at in range(0, 8 * BATCH, BATCH)])
    torch.export.save(program, HERE / "model.pt2")
    torch.export.save(torch.export.export(model, example, strict=True), HERE / "float.pt2")
    numpy.save(HERE / "images.npy", test_images.numpy())
    numpy.save(HERE / "labels.npy", test_labels.numpy())
    with torch.no_grad():
        module = program.module()
        right = sum((module(test_images[at:at + BATCH]).argmax(1) == test_labels[at:at + BATCH]).sum().item() for at in range(0, len(test_labels), BATCH))
    print(f"int8 accuracy (eager): {right / len(test_labels):.4f}")


if __name__ == "__main__":
    main()
