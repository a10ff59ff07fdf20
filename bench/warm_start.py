"""Starts with a plan cache beside starts without: from the start of the process to its end after one run.

    .venv/bin/python bench/warm_start.py build/bin/qrules FOLDER... [--threads N] [--rounds N] [--before PROGRAM]

Each FOLDER holds model.pt2 and its inputs, input_0.npy, input_1.npy, ... (or in_0.npy, ...). Cold starts, warm ones, and cold ones
of an earlier build, with --before, take turns. Printed are medians of the time, of the time of the processors, and of the
peak memory. Results of cold and warm starts must be the same bytes.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def run(command):
    """Seconds, seconds of processors, and MB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))}: {errors}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def results(folder):
    return [path.read_bytes() for path in sorted(folder.glob("out_*.npy"))]


def measure(model, options, work):
    inputs = sorted(model.glob("input_*.npy")) or sorted(model.glob("in_*.npy"))
    rest = ["run", model / "model.pt2"]
    for path in inputs:
        rest += ["--input", path]
    if options.threads:
        rest += ["--threads", str(options.threads)]
    cache = ["--cache", work / "cache"]
    commands = {
        "cold": [options.qrules, *rest, "--output-dir", work / "cold"],
        "warm": [options.qrules, *rest, "--output-dir", work / "warm", *cache],
    }
    if options.before:
        commands["before"] = [options.before, *rest, "--output-dir", work / "before"]
    run(commands["warm"])  # fills the cache
    seen = {kind: [] for kind in commands}
    for _ in range(options.rounds):
        for kind, command in commands.items():
            seen[kind].append(run(command))
    if results(work / "cold") != results(work / "warm"):
        sys.exit(f"{model}: a warm start has other results")
    medians = {kind: [statistics.median(values) for values in zip(*runs)] for kind, runs in seen.items()}
    for kind, (seconds, processors, memory) in medians.items():
        least = min(values[0] for values in seen[kind])
        print(f"| {model.name} | {kind} | {seconds * 1e3:.0f} | {least * 1e3:.0f} | {processors * 1e3:.0f} | {memory:.0f} "
              f"| {seconds / medians['cold'][0]:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qrules", type=pathlib.Path)
    parser.add_argument("models", type=pathlib.Path, nargs="+")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--before", type=pathlib.Path)
    options = parser.parse_args()
    print("| model | start | ms | least ms | processors ms | MB | of cold |\n| --- | --- | --- | --- | --- | --- | --- |")
    for model in options.models:
        with tempfile.TemporaryDirectory() as work:
            measure(model, options, pathlib.Path(work))


if __name__ == "__main__":
    main()
