#!/usr/bin/env python3
"""Quantizes an nn.Module by PT2E for x86 and writes a .pt2 archive that `qrules run` takes.

  tools/export_model.py FILE.py:FACTORY -o model.pt2 [--calibration inputs.npz] [--samples N] [--dynamic] [--products] [--per-batch]

FILE.py defines FACTORY(), which returns (module, example_inputs): an nn.Module with its weights and a tuple of tensors.
Calibration inputs are an .npz with arrays input_0, input_1, ... whose first dimension counts samples; without it the example
inputs serve, and the tool says so: a model calibrated on one input is for trying things out.

Needs torch, torchao and numpy: `tools/dev setup --export` installs them.
"""
import argparse
import importlib.util
import pathlib
import sys

import torch


def quantize(module, example_inputs, calibration, dynamic=False, dynamic_shapes=None, products=False):
    """Returns the exported program of `module`, quantized to int8.

    `calibration` yields tuples of inputs; activations' scales follow from them unless `dynamic`. With `products`, products of two activations
    (torch.matmul and @) are quantized as well, which the quantizer leaves in floating point by default: attention that is written with them is
    int8 throughout. Of scaled_dot_product_attention it knows nothing.
    """
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer
    from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import X86InductorQuantizer

    module = module.eval()
    with torch.no_grad():
        exported = torch.export.export(module, example_inputs, dynamic_shapes=dynamic_shapes, strict=True).module()
        quantizer = X86InductorQuantizer()
        quantizer.set_global(x86_inductor_quantizer.get_default_x86_inductor_quantization_config(is_dynamic=dynamic))
        if products:
            quantizer.set_function_type_qconfig(torch.matmul, x86_inductor_quantizer.get_default_x86_inductor_quantization_config())
        prepared = prepare_pt2e(exported, quantizer)
        for inputs in calibration:
            prepared(*inputs)
        converted = convert_pt2e(prepared)
        return torch.export.export(converted, example_inputs, dynamic_shapes=dynamic_shapes, strict=True)


def load_factory(reference):
    path, _, name = reference.rpartition(":")
    if not path:
        sys.exit(f"{reference}: expected FILE.py:FACTORY")
    if not pathlib.Path(path).is_file():
        sys.exit(f"{path}: no such file")
    spec = importlib.util.spec_from_file_location("exported_model", path)
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # tracing looks modules up by their names
    spec.loader.exec_module(loaded)
    if not hasattr(loaded, name):
        sys.exit(f"{path} has no {name}()")
    return getattr(loaded, name)


def calibration_inputs(path, example_inputs, samples):
    if path is None:
        print("no --calibration: the scales follow from the example inputs alone", file=sys.stderr)
        return [example_inputs]
    import numpy

    arrays = numpy.load(path, allow_pickle=False)
    inputs = [torch.from_numpy(arrays[f"input_{i}"]) for i in range(len(example_inputs))]
    count = min(samples, *(len(tensor) for tensor in inputs))
    batch = example_inputs[0].shape[0] if example_inputs[0].dim() else 1
    return [tuple(tensor[at:at + batch] for tensor in inputs) for at in range(0, count - batch + 1, batch)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("factory", metavar="FILE.py:FACTORY")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--calibration", metavar="INPUTS.npz")
    parser.add_argument("--samples", type=int, default=256, help="calibration samples to use at the most")
    parser.add_argument("--dynamic", action="store_true", help="activations are quantized at run time (linears only)")
    parser.add_argument("--products", action="store_true", help="products of two activations (torch.matmul, as in attention that is written out) are quantized too")
    parser.add_argument("--per-batch", action="store_true", help="the first dimension of every input is symbolic")
    arguments = parser.parse_args()

    if arguments.dynamic and arguments.products:
        parser.error("--products needs scales that are known: not with --dynamic")
    module, example_inputs = load_factory(arguments.factory)()
    shapes = None
    if arguments.per_batch:
        batch = torch.export.Dim("batch", min=1)
        shapes = tuple({0: batch} for _ in example_inputs)
    program = quantize(module, example_inputs, calibration_inputs(arguments.calibration, example_inputs, arguments.samples), arguments.dynamic, shapes,
                       arguments.products)
    torch.export.save(program, arguments.output)
    kept = sum("dequantize" in str(node.target) for node in program.graph.nodes)
    print(f"{arguments.output}: {len(program.graph.nodes)} nodes, {kept} dequantize nodes")
    if arguments.products and any("scaled_dot_product_attention" in str(node.target) for node in program.graph.nodes):
        print("scaled_dot_product_attention stays in floating point: --products quantizes torch.matmul", file=sys.stderr)
    if kept == 0:
        print("nothing was quantized: does the model have convolutions or linears?", file=sys.stderr)


if __name__ == "__main__":
    main()
