#!/usr/bin/env python3
"""Measures qrules beside other engines on the same int8 models, on this machine, in one run.

  bench/peers.py [--models REGEX] [--quick] [--engines LIST] [--threads 1,2] [--rounds N] [--folder DIR] [--json FILE] [--markdown FILE]

Builds the models of peer_models.py (random weights, no downloads), quantizes them for each engine (PT2E for qrules and Inductor, static QDQ
for ONNX Runtime, NNCF for OpenVINO), and checks each engine's results against the f32 model (SQNR in dB) and that it left its inputs as they
were. Each engine runs in a process of its own with the same number of threads. Rounds are interleaved: every engine is measured in every
round, so a machine whose speed drifts slows all of them; the figures are medians over rounds.

Share of the limit: int8 operations of the model over the peak that a product of 1024x1024x1024 reaches here, against the measured time.
For weight-only models: the time to read the weights once at the measured speed of reading memory, or the operations, whichever is more.
bench/peer_report.py makes the tables of the JSON, also of several runs together.

Products of activations in attention are quantized for qrules and Inductor; NNCF quantizes queries and keys for OpenVINO. The engine
qrules-float-attention runs models with attention as X86InductorQuantizer makes them by default, with these products in f32, and qrules-bf16 the
same with `--float-products bf16` (as models in bf16 are run anyway). No ratio is of them.

Needs the packages of bench/requirements-peers.txt beside those of `tools/dev setup --export`; `tools/dev peers` sets that up and runs this.
"""
import argparse
import hashlib
import json
import math
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE))
import peer_engines  # noqa: E402
import peer_models  # noqa: E402
import peer_report  # noqa: E402

ENGINES = list(peer_report.NAMES)
OF_FLOAT_ATTENTION = ("qrules-float-attention", "qrules-bf16")  # of models with attention only
TARGET_SECONDS = 0.6  # of running in each round


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- what the machine can do ---------------------------------------------------------------------------------------


def peak_gops(binary, threads):
    """Billions of int8 operations in a second that a product of 1024x1024x1024 reaches."""
    text = """graph(%x: u8[1024,1024]) {
  %w = constant "w" : s8[1024,1024] {3}
  %s = constant "s" : f32[1] {0.01}
  %y: u8[1024,1024] = onnxx
  return (%y)
}
""".replace("onnxx", 'onednn.qlinear.default(%x, 0.02, 0, %w, %s, None, 0.1, 0, u8, "none", [])')
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "product.txt"
        path.write_text(text)
        best = min(json.loads(subprocess.run([binary, "bench", str(path), "--no-rules", "--json", "--threads", str(threads),
                                              "--iters", "40"], check=True, capture_output=True, text=True).stdout)["min_ms"]
                   for _ in range(3))
    return 2 * 1024**3 / best / 1e6


def read_gb_per_s():
    """Speed of reading memory with one numpy sum over 256 MB, in GB/s: what streaming weights costs at best on one thread."""
    data = np.ones(1 << 28, dtype=np.uint8).view(np.uint64)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        data.max()
        times.append(time.perf_counter() - start)
    return data.nbytes / min(times) / 1e9


def machine():
    info = {"system": platform.platform(), "cpus": os.cpu_count()}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            info["cpu"] = line.split(":", 1)[1].strip()
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            info["isa"] = [f for f in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8") if f in flags]
            break
    return info


# --- one model -----------------------------------------------------------------------------------------------------


def prepare(model, engines, folder):
    """Writes everything that the engines load. Returns the engines that have a model, with the reasons of those that have none."""
    import torch

    stamp = folder / "prepared.json"
    sources = "".join((HERE / name).read_text() for name in ("peer_models.py", "peer_engines.py"))
    state = hashlib.sha256((sources + (ROOT / "tools/export_model.py").read_text()).encode()).hexdigest()
    facts = json.loads(stamp.read_text()) if stamp.exists() else {}
    if facts.get("state") != state:
        facts = {}
    steps = [(("qrules", "inductor", "inductor-cpp"), lambda: peer_engines.prepare_torch(model, module, inputs, folder)),
             (OF_FLOAT_ATTENTION, lambda: peer_engines.prepare_torch(model, module, inputs, folder, float_attention=True)),
             (("onnxruntime", "openvino"), lambda: peer_engines.prepare_onnx(model, module, inputs, folder)),
             (("onnxruntime",), lambda: peer_engines.prepare_onnxruntime(model, inputs, folder)),
             (("openvino",), lambda: peer_engines.prepare_openvino(model, inputs, folder))]
    wanted = [(names, step) for names, step in steps
              if set(names) & set(engines) and " ".join(names) not in facts.get("done", [])
              and (model.attends or names != OF_FLOAT_ATTENTION)]
    if facts and not wanted:
        return facts
    folder.mkdir(parents=True, exist_ok=True)
    module, inputs = peer_models.build(model)
    for i, t in enumerate(inputs):
        np.save(folder / f"input_{i}.npy", t.numpy())
    with torch.no_grad():
        expected = module(*inputs)
    np.save(folder / "expected.npy", expected.numpy())
    facts = {"state": state, "multiply_adds": peer_models.multiply_adds(module, inputs), "failed": {},
             "weight_bytes": sum(p.numel() for p in module.parameters() if p.dim() > 1), "done": facts.get("done", [])}
    for names, step in wanted:
        try:
            step()
            facts["done"].append(" ".join(names))
        except Exception as error:  # one engine's failure is a line of the report
            for name in names:
                facts["failed"].setdefault(name, f"{type(error).__name__}: {error}"[:300])
    stamp.write_text(json.dumps({**facts, "failed": {}}))
    return facts


def sqnr(expected, found):
    noise = float(np.sum((expected.astype(np.float64) - found.astype(np.float64)) ** 2))
    return 10 * math.log10(float(np.sum(expected.astype(np.float64) ** 2)) / noise) if noise else math.inf


class Process:
    """A peer in its own process."""

    def __init__(self, engine, model, folder, threads):
        log = open(folder / f"{engine}.log", "w")
        self.process = subprocess.Popen([sys.executable, str(HERE / "peer_runner.py"), engine, model.name, str(folder), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                                        env=peer_engines.settings_of_process(threads))
        self.facts = self.answer()
        self.engine, self.folder = engine, folder

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"stopped with status {self.process.wait()}; its log is beside the model")
        return json.loads(line)

    def round(self, iterations):
        self.process.stdin.write(f"run {iterations}\n")
        self.process.stdin.flush()
        return self.answer()

    def outputs(self):
        return [np.load(p) for p in sorted(self.folder.glob(f"out_{self.engine}_*.npy"))]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(engine, model, folder, threads, binary):
    if not engine.startswith("qrules"):
        return Process(engine, model, folder, threads)
    runner = peer_engines.Qrules(binary, model, folder, threads, float_attention=engine in OF_FLOAT_ATTENTION, bf16=engine == "qrules-bf16")
    first = time.perf_counter()
    runner.outputs()
    elapsed = time.perf_counter() - first
    measured = runner.round(1)
    runner.facts = {"load_s": sum(measured[k] for k in ("load_ms", "optimize_ms", "prepare_ms")) / 1e3,
                    "first_output_s": elapsed, "peak_mb": measured["peak_rss_mb"], "inputs_kept": True}
    runner.close = lambda: None
    return runner


def measure(model, engines, folder, threads, rounds, binary):
    facts = prepare(model, engines, folder)
    expected = np.load(folder / "expected.npy")
    result = {"model": model.name, "threads": threads, "multiply_adds": facts["multiply_adds"],
              "weight_bytes": facts["weight_bytes"], "mode": model.mode, "engines": {}}
    running = {}
    for engine in engines:
        if engine in OF_FLOAT_ATTENTION and not model.attends:
            continue
        if engine in facts["failed"]:
            result["engines"][engine] = {"error": facts["failed"][engine]}
            continue
        try:
            running[engine] = start(engine, model, folder, threads, binary)
            outputs = running[engine].outputs()
            result["engines"][engine] = {**running[engine].facts, "sqnr_db": sqnr(expected, outputs[0].reshape(expected.shape))}
        except Exception as error:
            running.pop(engine, None)
            result["engines"][engine] = {"error": f"{type(error).__name__}: {error}"[:300]}
    iterations, medians = {}, {engine: [] for engine in running}
    for number in range(rounds + 1):  # the first sizes the rounds and is not counted
        # Each round begins with another engine: none always follows the same one.
        order = list(running.items())
        shift = number % max(1, len(order))
        for engine, runner in order[shift:] + order[:shift]:
            measured = runner.round(iterations.get(engine, 5))
            if number == 0:
                iterations[engine] = max(5, min(2000, int(TARGET_SECONDS * 1e3 / max(measured["median_ms"], 1e-3))))
            else:
                medians[engine].append(measured["median_ms"])
    for engine, runner in running.items():
        result["engines"][engine]["median_ms"] = statistics.median(medians[engine])
        result["engines"][engine]["rounds_ms"] = medians[engine]
        runner.close()
    return result


def versions():
    import importlib.metadata as metadata

    found = {}
    for package in ("torch", "torchao", "onnxruntime", "openvino", "nncf"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=".", help="only models whose name matches")
    parser.add_argument("--quick", action="store_true", help="the short list of models")
    parser.add_argument("--engines", default=",".join(e for e in ENGINES if e != "qrules-bf16"))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default=os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "qrules", "peers"))
    parser.add_argument("--qrules", default=os.environ.get("QRULES", str(ROOT / "build/bin/qrules")))
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--markdown", metavar="FILE")
    arguments = parser.parse_args()
    engines = arguments.engines.split(",")
    for engine in engines:
        if engine not in ENGINES:
            parser.error(f"no engine {engine}; there are {', '.join(ENGINES)}")
    models = [m for m in peer_models.MODELS if re.search(arguments.models, m.name) and (m.quick or not arguments.quick)]
    thread_counts = [int(t) for t in arguments.threads.split(",")]
    report = {"machine": machine(), "versions": versions(), "read_gb_per_s": read_gb_per_s(),
              "peak_gops": {str(t): peak_gops(arguments.qrules, t) for t in thread_counts}, "results": []}
    for threads in thread_counts:
        for model in models:
            say(f"{model.name}, {threads} thread(s)")
            result = measure(model, engines, pathlib.Path(arguments.folder) / model.name, threads, arguments.rounds, arguments.qrules)
            for engine, v in result["engines"].items():
                say(f"  {engine:14} " + (f"{v['median_ms']:9.3f} ms  {v['sqnr_db']:5.1f} dB" if "median_ms" in v else v["error"].splitlines()[0]))
            report["results"].append(result)
            if arguments.json:
                pathlib.Path(arguments.json).write_text(json.dumps(report, indent=1))
    text = peer_report.markdown(report)
    if arguments.markdown:
        pathlib.Path(arguments.markdown).write_text(text)
    print(text)


if __name__ == "__main__":
    main()
