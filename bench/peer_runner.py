"""One engine with one model in a process of its own, driven by bench/peers.py.

Reads `run N` lines from standard input and answers each with one line of JSON on standard output. The first line it writes is about loading:
time from the start of the process, peak memory, the outputs' file, and whether the first run left the inputs as they were.
"""
import json
import pathlib
import sys
import time

import numpy as np

import peer_engines
import peer_models


def process_age():
    """Seconds since this process was started, interpreter included."""
    fields = pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    import os

    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return float(pathlib.Path("/proc/uptime").read_text().split()[0]) - started


def peak_mb():
    """Peak memory of this process alone: getrusage would begin with what the process held that started it."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def main():
    engine_name, model_name, folder, threads = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    # What libraries print goes to the error stream: standard output is the protocol.
    answers = sys.stdout
    sys.stdout = sys.stderr
    model = next(m for m in peer_models.MODELS if m.name == model_name)
    before = time.perf_counter()
    engine = peer_engines.make(engine_name, model, folder, threads)
    outputs = engine.outputs()
    load = time.perf_counter() - before
    for i, array in enumerate(outputs):
        np.save(folder / f"out_{engine_name}_{i}.npy", array)
    kept = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(engine.current_inputs(), peer_engines.load_inputs(folder)))
    peak = peak_mb()
    print(json.dumps({"load_s": load, "first_output_s": process_age(), "peak_mb": peak, "inputs_kept": kept}),
          file=answers, flush=True)
    for line in sys.stdin:
        iterations = int(line.split()[1])
        times = []
        for _ in range(iterations):
            start = time.perf_counter()
            engine.run()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"median_ms": float(np.median(times)), "min_ms": min(times)}), file=answers, flush=True)


if __name__ == "__main__":
    main()
