#!/usr/bin/env python3
"""Regenerates schemas/operators_aten.yaml from the schemas that the installed LibTorch registers.

  tools/generate_schemas.py [--check]

Left out: overloads that write into an `out` argument, backward formulas, and operators without any tensor. `--check`
writes nothing and exits with 1 when the file is not what would be written.
"""
import argparse
import pathlib
import re
import sys

import torch
import torch.ao.quantization.fx._decomposed  # noqa: F401  registers quantized_decomposed.*

NAMESPACES = ("aten", "prims", "quantized_decomposed")
TARGET = pathlib.Path(__file__).resolve().parent.parent / "schemas" / "operators_aten.yaml"
HEADER = """\
# Signatures of PyTorch's operators, from the schemas of torch {version}. Made by tools/generate_schemas.py: edit that instead.
"""


def wanted(schema):
    namespace, _, base = schema.name.partition("::")
    if namespace not in NAMESPACES or "backward" in base:
        return False
    if any(argument.is_out for argument in schema.arguments):
        return False
    text = str(schema)
    if "Tensor" not in text and namespace == "aten":
        return False
    return not re.search(r"Dict\(|Future|Storage|Stream|__torch__|ScriptList", text)


def line(schema):
    namespace, _, base = schema.name.partition("::")
    overload = schema.overload_name or "default"
    signature = str(schema)
    signature = signature[signature.index("("):]
    return f"{namespace}.{base}.{overload}: '{signature.replace(chr(39), chr(39) * 2)}'"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    lines = sorted({line(schema) for schema in torch._C._jit_get_all_schemas() if wanted(schema)})
    text = HEADER.format(version=torch.__version__.partition("+")[0]) + "\n".join(lines) + "\n"
    if arguments.check:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET.name} is not what torch {torch.__version__} gives: run tools/generate_schemas.py")
        return
    TARGET.write_text(text)
    print(f"{TARGET.name}: {len(lines)} operators")


if __name__ == "__main__":
    main()
