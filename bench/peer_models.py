"""The models that bench/peers.py compares engines on: plain modules with random weights, nothing is downloaded.

Weights are random but scaled as trained ones are (each layer keeps the variance of its input), so that int8 results can be compared with
floating point. `MODELS` lists them in the order of the report.
"""
import dataclasses
import math

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    """A residual block of ResNet-18 (two 3x3 convolutions) or, with `bottleneck`, of ResNet-50."""

    def __init__(self, inputs, width, stride, bottleneck):
        super().__init__()
        outputs = width * 4 if bottleneck else width
        if bottleneck:
            convolutions = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
        else:
            convolutions = [(inputs, width, 3, stride), (width, outputs, 3, 1)]
        layers = []
        for i, (c, k, size, step) in enumerate(convolutions):
            layers += [nn.Conv2d(c, k, size, step, size // 2, bias=False), nn.BatchNorm2d(k)]
            if i + 1 < len(convolutions):
                layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.body(x) + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    """He et al. 2015, https://arxiv.org/abs/1512.03385."""

    def __init__(self, depths, bottleneck):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                                  nn.MaxPool2d(3, 2, 1))
        blocks, channels = [], 64
        for stage, depth in enumerate(depths):
            width = 64 << stage
            for i in range(depth):
                blocks.append(Residual(channels, width, 2 if stage and i == 0 else 1, bottleneck))
                channels = width * 4 if bottleneck else width
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, 1000)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.blocks(self.stem(x))), 1))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        layers = []
        if expansion != 1:
            layers += [nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(),
                   nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018, https://arxiv.org/abs/1801.04381."""

    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6()]
        channels = 32
        for expansion, outputs, repeats, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
            for i in range(repeats):
                layers.append(InvertedResidual(channels, outputs, stride if i == 0 else 1, expansion))
                channels = outputs
        layers += [nn.Conv2d(channels, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, 1000)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


class SmallVGG(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for width, repeats in [(32, 2), (64, 2), (128, 2), (256, 2)]:
            for _ in range(repeats):
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Linear(256 * 8 * 8, 512), nn.ReLU(), nn.Linear(512, 100))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, x, mask=None):
        batch, length, width = x.shape
        q, k, v = (layer(x).view(batch, length, self.heads, width // self.heads).transpose(1, 2)
                   for layer in (self.query, self.key, self.value))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        if mask is not None:
            scores = scores + mask
        mixed = torch.softmax(scores, dim=-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class EncoderLayer(nn.Module):
    """A layer of BERT (norm after the sum) or, with `norm_first`, of a vision transformer."""

    def __init__(self, width, heads, hidden, norm_first=False):
        super().__init__()
        self.attention = Attention(width, heads)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.norm_first = norm_first

    def forward(self, x, mask=None):
        if self.norm_first:
            x = x + self.attention(self.norm1(x), mask)
            return x + self.down(F.gelu(self.up(self.norm2(x))))
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Encoder(nn.Module):
    """Layers of BERT, https://arxiv.org/abs/1810.04805, over embedded tokens; `mask` is added to the scores."""

    def __init__(self, layers, width, heads, masked):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 4 * width) for _ in range(layers))
        self.masked = masked

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return x


class VisionTransformer(nn.Module):
    """ViT-tiny, https://arxiv.org/abs/2010.11929: 16x16 patches of 224x224, width 192, 12 layers."""

    def __init__(self, width=192, heads=3, layers=12):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, 197, width) * 0.02)
        self.layers = nn.ModuleList(EncoderLayer(width, heads, 4 * width, norm_first=True) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, 1000)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.norm(x)[:, 0])


class DLRM(nn.Module):
    """The two MLPs of a recommendation model around the products of its (given) embeddings, https://arxiv.org/abs/1906.00091."""

    def __init__(self):
        super().__init__()
        self.bottom = self.mlp([13, 512, 256, 128])
        self.top = self.mlp([128 + 27 * 26 // 2, 1024, 1024, 512, 256])
        self.score = nn.Linear(256, 1)

    @staticmethod
    def mlp(widths):
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers)

    def forward(self, dense, sparse):
        bottom = self.bottom(dense)
        vectors = torch.cat([bottom.unsqueeze(1), sparse], 1)
        products = torch.bmm(vectors, vectors.transpose(1, 2))
        rows, columns = torch.tril_indices(27, 27, -1)
        return torch.sigmoid(self.score(self.top(torch.cat([bottom, products[:, rows, columns]], 1))))


class WideMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(1024, 4096), nn.GELU(), nn.Linear(4096, 4096), nn.GELU(), nn.Linear(4096, 1024))

    def forward(self, x):
        return self.layers(x)


class WeightOnly(nn.Module):
    """A bf16 linear over s8 weights with a scale for each output channel, symmetric."""

    def __init__(self, inputs, outputs):
        super().__init__()
        weight = torch.randn(outputs, inputs) / math.sqrt(inputs)
        scale = (weight.abs().amax(1) / 127).to(torch.bfloat16)
        self.register_buffer("scale", scale)
        self.register_buffer("weight", (weight / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8))

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype)) * self.scale.to(x.dtype)


class DecoderLayer(nn.Module):
    """One layer of a Llama-like decoder at one new token for each sequence, over a cache of 128: width 2048, gated MLP of 5632."""

    def __init__(self, linear, width=2048, heads=16, hidden=5632):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (linear(width, width) for _ in range(4))
        self.gate, self.up, self.down = linear(width, hidden), linear(width, hidden), linear(hidden, width)
        self.norm1, self.norm2 = (nn.Parameter(torch.ones(width)) for _ in range(2))

    @staticmethod
    def rms_norm(x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * weight

    def forward(self, x, keys, values):
        batch, _, width = x.shape
        y = self.rms_norm(x, self.norm1.to(x.dtype))
        q, k, v = (layer(y).view(batch, 1, self.heads, width // self.heads).transpose(1, 2)
                   for layer in (self.query, self.key, self.value))
        keys, values = torch.cat([keys, k], 2), torch.cat([values, v], 2)
        scores = torch.softmax(q @ keys.transpose(-2, -1) / math.sqrt(width // self.heads), -1)
        x = x + self.out((scores @ values).transpose(1, 2).reshape(batch, 1, width))
        y = self.rms_norm(x, self.norm2.to(x.dtype))
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class FloatLinear(nn.Linear):
    """The weights of WeightOnly in floating point, for engines that compress by themselves."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)
        nn.init.normal_(self.weight, std=1 / math.sqrt(inputs))


@dataclasses.dataclass
class Model:
    name: str
    make: object           # () -> nn.Module
    inputs: object         # () -> tuple of tensors
    mode: str = "static"   # static, dynamic or weight_only
    bf16: bool = False     # computed in bf16 around the int8 operators
    attends: bool = False  # has attention, whose products can be quantized
    quick: bool = False    # belongs to the short list


def images(batch, size=224):
    return lambda: (torch.randn(batch, 3, size, size),)


def tokens(batch, width, masked=False):
    def make():
        mask = torch.zeros(batch, 1, 1, 128)
        mask[..., 100:] = -10000.0
        return (torch.randn(batch, 128, width), mask) if masked else (torch.randn(batch, 128, width),)
    return make


def decoder_inputs(batch):
    return lambda: (torch.randn(batch, 1, 2048), torch.randn(batch, 16, 128, 128), torch.randn(batch, 16, 128, 128))


def resnet18():
    return ResNet([2, 2, 2, 2], bottleneck=False)


def resnet50():
    return ResNet([3, 4, 6, 3], bottleneck=True)


def bert():
    return Encoder(4, 768, 12, masked=True)


def minilm():
    return Encoder(6, 384, 12, masked=True)


def dlrm_inputs(batch):
    return lambda: (torch.randn(batch, 13), torch.randn(batch, 26, 128))


MODELS = [
    Model("resnet18-b1", resnet18, images(1), quick=True),
    Model("resnet18-b8", resnet18, images(8)),
    Model("resnet50-b1", resnet50, images(1), quick=True),
    Model("resnet50-b8", resnet50, images(8)),
    Model("resnet50-bf16-b1", resnet50, images(1), bf16=True),
    Model("mobilenetv2-b1", MobileNetV2, images(1), quick=True),
    Model("mobilenetv2-b8", MobileNetV2, images(8)),
    Model("vgg-small-b8", SmallVGG, images(8, 128)),
    Model("bert-4-layers-b1", bert, tokens(1, 768, masked=True), attends=True, quick=True),
    Model("bert-4-layers-bf16-b1", bert, tokens(1, 768, masked=True), bf16=True, attends=True),
    Model("minilm-b1", minilm, tokens(1, 384, masked=True), attends=True, quick=True),
    Model("vit-tiny-b1", VisionTransformer, images(1), attends=True, quick=True),
    Model("vit-tiny-b8", VisionTransformer, images(8), attends=True),
    Model("dlrm-b1", DLRM, dlrm_inputs(1), quick=True),
    Model("dlrm-b128", DLRM, dlrm_inputs(128)),
    Model("mlp-dynamic-b1", WideMLP, lambda: (torch.randn(1, 1024),), mode="dynamic", quick=True),
    Model("mlp-dynamic-b32", WideMLP, lambda: (torch.randn(32, 1024),), mode="dynamic"),
    Model("decoder-int8-weights-b1", DecoderLayer, decoder_inputs(1), mode="weight_only", bf16=True, quick=True),
    Model("decoder-int8-weights-b32", DecoderLayer, decoder_inputs(32), mode="weight_only", bf16=True),
]


def build(model):
    """A module with fixed random weights and inputs; batch normalisation has statistics as after training."""
    torch.manual_seed(0)
    module = DecoderLayer(FloatLinear) if model.mode == "weight_only" else model.make()
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and not isinstance(layer, FloatLinear):
            fan_in = layer.weight[0].numel()
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan_in))
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.02)
    inputs = model.inputs()
    module.train()
    with torch.no_grad():  # fills the running statistics
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
        if any(isinstance(layer, nn.BatchNorm2d) for layer in module.modules()):
            for _ in range(3):
                module(*(torch.randn(4, *t.shape[1:]) for t in inputs))
    return module.eval(), inputs


class InBf16(nn.Module):
    """Takes and gives f32, computes in bf16."""

    def __init__(self, body):
        super().__init__()
        self.body = body.bfloat16()

    def forward(self, *inputs):
        return self.body(*(t.bfloat16() for t in inputs)).float()


def weight_only(module):
    """The same decoder layer over s8 weights, in bf16."""
    compressed = DecoderLayer(WeightOnly)
    for name, layer in module.named_children():
        if isinstance(layer, FloatLinear):
            target = getattr(compressed, name)
            scale = (layer.weight.detach().abs().amax(1) / 127).to(torch.bfloat16)
            target.scale.copy_(scale)
            target.weight.copy_((layer.weight.detach() / scale.float()[:, None]).round().clamp(-127, 127))
    return InBf16(compressed).eval()


def multiply_adds(module, inputs):
    """Multiply-adds of all convolutions, linears and products of matrices in one run."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(*inputs)
    return counter.get_total_flops() // 2
