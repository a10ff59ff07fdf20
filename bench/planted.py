#!/usr/bin/env python3
"""Plants one mistake at a time in a copy of the shipped rules and asks `rulecheck prove` for it.

    bench/planted.py                    # all mistakes, seeds 1 2 3
    bench/planted.py --seeds 7 --only qpad

Prints what was not found. The other planted mistakes, in rules of their own, are tests/tools/planted/wrong.yaml.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent

# rule, what stands there, what is planted
MISTAKES = [
    ("qmatmul-prepack", "%a_zero_point, %b, %b_scale, %b_zero_point", "%a_zero_point, %b, %b_scale, 0"),
    ("qmatmul-prepack", "%a_zero_point, %b, %b_scale, %b_zero_point", "%b_zero_point, %b, %b_scale, %a_zero_point"),
    ("qmatmul-prepack", "%a_zero_point, %b, %b_scale, %b_zero_point", "%a_zero_point, %b, %a_scale, %b_zero_point"),
    ("scaled-qmatmul", 'times: "/"', 'times: "*"'),
    ("scaled-qmatmul", 'arg(%c, "post_op") == "none" and ', ""),
    ("qavgpool2d", "%divisor,\n        %zero_point)", "%divisor, 0)"),
    ("qavgpool2d", "%padding, %ceil_mode, %count_include_pad, %divisor,", "%padding, %ceil_mode, true, %divisor,"),
    ("qavgpool2d", "%padding, %ceil_mode, %count_include_pad, %divisor,", "%padding, %ceil_mode, %count_include_pad, None,"),
    ("qavgpool2d", "      full_range(%low, %high, %dtype)\n", ""),
    ("qavgpool2d", "close(%scale, %out_scale) and ", ""),
    ("qadaptive-avgpool2d", " and %zero_point == %out_zero_point", ""),
    ("qadaptive-avgpool2d", "close(%scale, %out_scale)", "%scale >= %out_scale"),
    ("qmean-of-image", "aten.mean.dim(%xf, [2, 3], _)", "aten.mean.dim(%xf, [1, 2], _)"),
    ("qmean-of-image", "close(%scale, %out_scale) and ", ""),
    ("qpad", "(%x, %pad, %zero_point)", "(%x, %pad, 0)"),
    ("qpad", "${form.read}, %pad, 0)", "${form.read}, %pad, _)"),
    ("padded-qconv", "[%ph + %hf, %pw + %wf, %ph + %hb, %pw + %wb]", "[%ph + %hb, %pw + %wb, %ph + %hf, %pw + %wf]"),
    ("padded-qconv", "%value == %zero_point and ", ""),
    ("padded-convolution", "[%ph + %hp, %pw + %wp]", "[%ph + %wp, %pw + %hp]"),
    ("padded-convolution", "${conv.pad}, 0)", "${conv.pad}, _)"),
    ("padded-convolution", "%stride, ${conv.all}, %dilation", "%dilation, ${conv.all}, %stride"),
    ("conv-is-convolution", "(%x, %w, %b, %stride, %padding, %dilation, false", "(%x, %w, None, %stride, %padding, %dilation, false"),
    ("conv-same-padding-is-padded-convolution", "pad: \"[(size(%w, 2) - 1) * %dw // 2, ((size(%w, 2) - 1) * %dw + 1) // 2]\"", "pad: \"[((size(%w, 2) - 1) * %dw + 1) // 2, (size(%w, 2) - 1) * %dw // 2]\""),
    ("clamp-is-hardtanh", "aten.hardtanh.default(%x, %low, %high)", "aten.hardtanh.default(%x, %low)"),
    ("sigmoid-product-is-silu", "(%x, aten.sigmoid.default(%x))", "(%x, aten.sigmoid.default(%_x))"),
    ("decomposed-hardswish", "aten.mul.Tensor(%x, %c)", "aten.mul.Tensor(%s, %c)"),
    ("layer-norm-with-unused-statistics", "%bias, %eps)", "%bias)"),
    ("cast-before-transpose", "%y = aten.permute.default(%c, [1, 0])", "%y = aten.permute.default(%c, [0, 1])"),
    ("addmm-is-linear", "aten.linear.default(%x, %w, %b)", "aten.linear.default(%x, %w)"),
    ("batched-product-is-linear", "aten.permute.default(%w, [1, 0])", "aten.permute.default(%w, _)"),
    ("added-vector-is-bias", "%y = aten.add.Tensor(%l, %b)", "%y = aten.add.Tensor(%l, %b, alpha=_)"),
    ("added-vector-is-bias", "%l = aten.linear.default(%x, %w)", "%l = aten.linear.default(%x, %w, _)"),
    ("qcat", "all(close(%s, %out_scale) and", "any(close(%s, %out_scale) and"),
    ("requantized-equally", "close(%scale, %out_scale)", "%scale <= %out_scale"),
    ("qembedding-bag", "(%w, %scale, %zero_point, %indices", "(%w, %scale, 0, %indices"),
    ("qembedding-bag", "%offsets, %mode, %last,", "%offsets, 0, %last,"),
    ("quantized-embedding-bag", "out_zero_point=%zero_point", "out_zero_point=0"),
    ("int-mm-prepack", "0 if same(%sum, %product) else 128", "128 if same(%sum, %product) else 0"),
    ("int-mm-prepack", "(%columns, 128)", "(%columns, _)"),
    ("shifted-activation", "aten.add.Tensor(%wide, 128)", "aten.add.Tensor(%wide, 127)"),
    ("qlinear-prepack-transposed", "transpose(%w, [1, 0])", "reshape(%w, [size(%w, 1), size(%w, 0)])"),
    ("qlinear-prepack", "%x_zero_point if bound(%x_zero_point) else 0", "0"),
    ("qlinear-prepack", "      not bound(%w_zero_point) or symmetric(%w_zero_point)\n", ""),
    ("qlinear-concat", '"concat(%b, 0)"', '"None"'),
    ("qlinear-concat", "%dtype, %post_op, %post_op_args)\n      %y = split", "%dtype)\n      %y = split"),
    ("quantize-of-one-block", "qmin(%dtype) if is_none(%low) else %low", "qmin(%dtype)"),
    ("pad-is-constant-pad", "%value if bound(%value) and number(%value) else 0", "0"),
    ("unbatched-convolution", "(%u, %w, %b,", "(%u, %w, None,"),
    ("regrouped-linear", "aten.linear.default(%x, %w, %b)", "aten.linear.default(%x, %w)"),
    ("quantize-float8", "(%x, scalar(%scale), 0", "(%x, 1.0 / scalar(%scale), 0"),
    ("dequantize-float8", "(%x, scalar(%scale), 0", "(%x, 2.0 * scalar(%scale), 0"),
    ("add-dequantized", "aten.add.Tensor(%c, activation", "aten.sub.Tensor(%c, activation"),
    ("add-dequantized", 'arg(%c, "post_op") == "none" and computed_in(arg', "computed_in(arg"),
    ("add-float", "aten.add.Tensor(%c, %o)", "aten.add.Tensor(%c, %o, alpha=_)"),
    ("added-bias", 'arg(%c, "post_op") == "none" and ', ""),
    ("post-op", 'post_op: elu, args: "[%alpha]"', 'post_op: elu, args: "[1.0]"'),
    ("post-op", 'post_op: gelu_tanh', "post_op: gelu"),
    ("quantized-output", "out_zero_point=%zero_point", "out_zero_point=0"),
    ("linear-fp16-prepack", "cast(%w, f16), %b)", "cast(%w, f16), None)"),
    ("linear-fp16-prepack", "no_fuse(%w, f16)", "no_fuse(%w, _)"),
]


def plant(folder, rule, there, planted):
    """Edits one place of one rule."""
    for path in sorted(folder.rglob("*.yaml")):
        text = path.read_text()
        begin = re.search(rf"^  - name: {re.escape(rule)}$", text, re.M)
        if not begin:
            continue
        rest = text[begin.end():]
        tests = re.search(r"^    tests:$", rest, re.M)
        following = re.search(r"^  - name:", rest, re.M)
        body = rest[: tests.start() if tests else following.start() if following else len(rest)]
        after = rest[following.start():] if following else ""
        if there not in body:
            sys.exit(f"{rule} has no `{there}`")
        path.write_text(text[: begin.end()] + body.replace(there, planted, 1) + "\n" + after)
        return
    sys.exit(f"no rule `{rule}`")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rulecheck", default=SOURCE / "build/bin/rulecheck")
    parser.add_argument("--seeds", nargs="+", default=["1", "2", "3"])
    parser.add_argument("--only", default="", help="rules with this text in their name")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    mistakes = [mistake for mistake in MISTAKES if options.only in mistake[0]]
    found = {seed: 0 for seed in options.seeds}
    for rule, there, planted in mistakes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary) / "rules"
            shutil.copytree(SOURCE / "rules", folder)
            plant(folder, rule, there, planted)
            for seed in options.seeds:
                command = [options.rulecheck, "prove", rule, "--rules", folder, "--seed", seed]
                run = subprocess.run(command, capture_output=True, text=True)
                if re.search(r"^failed ", run.stdout, re.M):
                    found[seed] += 1
                    continue
                print(f"not found with seed {seed}: {rule}: {there.strip()} -> {planted.strip() or 'nothing'}")
                if options.verbose:
                    print(run.stdout, run.stderr, sep="")
    for seed, count in found.items():
        print(f"seed {seed}: {count} of {len(mistakes)} found")
    return 0 if all(count + 1 >= len(mistakes) for count in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
