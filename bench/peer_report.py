#!/usr/bin/env python3
"""The tables of what bench/peers.py measured.

  bench/peer_report.py FILE.json [FILE.json...] [--readme]

Later files replace the rows of earlier ones, for a model that was measured again. --readme: the table of README.md, in place of those of
docs/performance.md.
"""
import argparse
import json
import math
import pathlib

# Engines as the tables name them, in their order.
NAMES = {"qrules": "qrules", "qrules-float-attention": "qrules, attention in f32", "qrules-bf16": "qrules, attention in bf16",
         "inductor": "Inductor", "inductor-cpp": "Inductor, C++", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


def geomean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else math.nan


class Row:
    """A model with a number of threads."""

    def __init__(self, result, report):
        self.model, self.threads, self.engines = result["model"], result["threads"], result["engines"]
        self.times = {e: v["median_ms"] for e, v in self.engines.items() if "median_ms" in v}
        operations = 2 * result["multiply_adds"] / report["peak_gops"][str(self.threads)] / 1e6
        reading = result["weight_bytes"] / report["read_gb_per_s"] / 1e6
        self.limit_ms = max(operations, reading) if result["mode"] == "weight_only" else operations

    def best(self, prefix=""):
        """The least time of the peers whose names begin so."""
        return min((t for e, t in self.times.items() if not e.startswith("qrules") and e.startswith(prefix)), default=None)

    def ratio(self, prefix=""):
        best = self.best(prefix)
        return self.times["qrules"] / best if best and "qrules" in self.times else math.nan

    def time(self, engine):
        v = self.engines.get(engine, {})
        if "median_ms" not in v:
            return "fails" if "error" in v else "–"
        return f"{v['median_ms']:.3g} ({v['sqnr_db']:.0f}{'' if v['inputs_kept'] else ', overwrites inputs'})"

    def start(self, engine):
        v = self.engines.get(engine, {})
        return f"{v['load_s']:.2f} s, {v['first_output_s']:.2f} s, {v['peak_mb']:.0f} MB" if "load_s" in v else "–"

    def limit(self):
        share = f", {100 * self.limit_ms / self.times['qrules']:.0f} %" if "qrules" in self.times else ""
        return f"{self.limit_ms:.3g}{share}"


def known(values):
    return [v for v in values if not math.isnan(v)]


def table(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)] + ["| " + " | ".join(row) + " |" for row in rows]


def number(value):
    return "–" if math.isnan(value) else f"{value:.2f}"


def rows_of(report):
    return [Row(result, report) for result in report["results"]]


def engines_of(rows):
    return [e for e in NAMES if any(e in r.engines for r in rows)]


def markdown(report):
    m = report["machine"]
    lines = [f"{m.get('cpu', '?')}, {m['cpus']} CPUs ({', '.join(m.get('isa', []))}); "
             + ", ".join(f"{name} {version}" for name, version in report["versions"].items()) + "."]
    everything = rows_of(report)
    engines = engines_of(everything)
    threads = sorted({r.threads for r in everything}, reverse=True)
    for count in threads:
        rows = [r for r in everything if r.threads == count]
        lines += ["", f"{count} thread{'s' if count > 1 else ''}, medians in ms (SQNR against f32 in dB); int8 peak "
                      f"{report['peak_gops'][str(count)]:.0f} GOPS:", ""]
        lines += table(["model"] + [NAMES[e] for e in engines] + ["of the best peer", "limit, share of it"],
                       [[r.model] + [r.time(e) for e in engines] + [number(r.ratio()), r.limit()] for r in rows])
        lines += ["", f"Geometric mean of qrules over the best peer {geomean(known(r.ratio() for r in rows)):.2f}, over Inductor "
                      f"{geomean(known(r.ratio('inductor') for r in rows)):.2f}."]
    rows = [r for r in everything if r.threads == threads[0]]
    lines += ["", f"Load and preparation, process start to first output, and peak memory of the process, {threads[0]} "
                  f"thread{'s' if threads[0] > 1 else ''}:", ""]
    lines += table(["model"] + [NAMES[e] for e in engines], [[r.model] + [r.start(e) for e in engines] for r in rows])
    return "\n".join(lines) + "\n"


def readme(report):
    """With most threads; the last column is the ratio with fewest."""
    everything = rows_of(report)
    counts = sorted({r.threads for r in everything})
    fewest = {r.model: r for r in everything if r.threads == counts[0]}
    peers = [e for e in engines_of(everything) if not e.startswith("qrules")]
    return "\n".join(table(["model", "qrules"] + [NAMES[e] for e in peers] + ["qrules / best", f"with {counts[0]} thread"],
                           [[r.model, r.time("qrules")] + [r.time(e) for e in peers]
                            + [number(r.ratio()), number(fewest[r.model].ratio()) if r.model in fewest else "–"]
                            for r in everything if r.threads == counts[-1]])) + "\n"


def joined(reports):
    whole = reports[0]
    for later in reports[1:]:
        replaced = {(r["model"], r["threads"]): r for r in later["results"]}
        whole["results"] = [replaced.get((r["model"], r["threads"]), r) for r in whole["results"]]
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE.json")
    parser.add_argument("--readme", action="store_true")
    arguments = parser.parse_args()
    report = joined([json.loads(pathlib.Path(file).read_text()) for file in arguments.files])
    print((readme if arguments.readme else markdown)(report), end="")


if __name__ == "__main__":
    main()
