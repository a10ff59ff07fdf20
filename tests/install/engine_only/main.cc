// Reads a graph and a rule folder, applies the rules and prints the graph: all of the engine, nothing of the runtime.

#include <cstdio>

#include <qrules/graph/text.h>
#include <qrules/rewrite/optimize.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto graph =
      qrules::parse_graph("relu6", "graph(%x: f32[4]) {\n  %y: f32[4] = aten.relu6.default(%x)\n  return (%y)\n}\n");
  if (!graph) return 1;
  auto report = qrules::optimize(*graph, argv[1]);
  if (!report) {
    std::fputs(qrules::render_text(report.diagnostics()).c_str(), stderr);
    return 1;
  }
  std::fputs(qrules::print(*graph).c_str(), stdout);
  return 0;
}
