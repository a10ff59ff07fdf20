#!/usr/bin/env python3
"""Types into a rule file through `rulecheck lsp` and measures the time from an edit to its diagnostics.

    bench/lsp_latency.py                       # the largest shipped rule file
    bench/lsp_latency.py --edits 60 rules/5-fusion/addend.yaml

An edit adds or removes one character in a condition, a pattern or a doc of the file; every other one breaks it. The
tests in the file run later and are not waited for.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent


def cpu_seconds(process):
    """What a process has used until now, to tell a slow server from a busy machine."""
    try:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0.0


class Server:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, cwd=SOURCE)
        self.next_id = 0

    def send(self, method, params, request=False):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if request:
            self.next_id += 1
            message["id"] = self.next_id
        text = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(text) + text)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while True:
            line = self.process.stdout.readline().strip()
            if not line:
                break
            name, value = line.split(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))

    def diagnostics(self, uri, version):
        while True:
            message = self.receive()
            params = message.get("params", {})
            if message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri:
                if params.get("version", version) == version:
                    return params["diagnostics"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--rulecheck", default=SOURCE / "build/bin/rulecheck")
    parser.add_argument("--edits", type=int, default=40)
    options = parser.parse_args()
    file = options.file or max((SOURCE / "rules").rglob("*.yaml"), key=lambda path: path.stat().st_size)
    text = file.read_text()
    uri = file.resolve().as_uri()
    server = Server(options.rulecheck)
    server.send("initialize", {"processId": None, "rootUri": SOURCE.as_uri(), "capabilities": {}}, request=True)
    server.receive()
    server.send("initialized", {})
    server.send("textDocument/didOpen",
                {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}})
    server.diagnostics(uri, 1)
    places = [at for word in ("users(", "== ", "aten.", "doc: ") for at in range(len(text)) if text.startswith(word, at)]
    times, version = [], 1
    used = cpu_seconds(server.process.pid)
    for i in range(options.edits):
        if i % 2 == 0:
            at = places[(i * 7919) % len(places)] + 3
            changed = text[:at] + "x" + text[at:]
        else:
            changed = text
        version += 1
        begin = time.perf_counter()
        server.send("textDocument/didChange", {"textDocument": {"uri": uri, "version": version},
                                               "contentChanges": [{"text": changed}]})
        server.diagnostics(uri, version)
        times.append((time.perf_counter() - begin) * 1e3)
        time.sleep(0.02)
    used = cpu_seconds(server.process.pid) - used
    server.send("shutdown", {}, request=True)
    server.send("exit", {})
    server.process.wait()
    times.sort()
    print(f"{file.name}, {len(text.splitlines())} lines, {len(times)} edits: median {statistics.median(times):.1f} ms, "
          f"95 % below {times[int(len(times) * 0.95)]:.1f} ms, most {times[-1]:.1f} ms; {used / len(times) * 1e3:.1f} ms of processor time each")


if __name__ == "__main__":
    main()
