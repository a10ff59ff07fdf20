// Loading the shipped rules, matching and rewriting, without any kernel.

#include <cstdio>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>

#include <qrules/graph/text.h>
#include <qrules/rewrite/rewrite.h>
#include <qrules/rules/load.h>

namespace {

using namespace qrules;

RuleSet shipped_rules() {
  auto rules = load_rules({QRULES_SOURCE_DIR "/rules"});
  if (!rules.ok()) {
    std::fputs(render_text(rules.diagnostics()).c_str(), stderr);
    std::exit(1);
  }
  return std::move(*rules);
}

const Rewriter& shipped_rewriter() {
  static const Rewriter rewriter(shipped_rules());
  return rewriter;
}

// `blocks` quantized residual blocks of linears, or as many relus, one after the other.
Graph chain(int64_t blocks, bool quantized) {
  std::string text =
      "graph(%v0: f32[4,16]) {\n  %w = constant \"w\" : s8[16,16] {3}\n  %s = constant \"s\" : f32[16] {0.01}\n  %z = "
      "constant \"z\" : s64[16] {0}\n";
  for (int64_t i = 0; i < blocks; ++i) {
    const std::string n = std::to_string(i), next = "%v" + std::to_string(i + 1);
    if (!quantized) {
      text += "  " + next + " = aten.relu.default(%v" + n + ")\n";
      continue;
    }
    text += "  %q" + n + " = quantized_decomposed.quantize_per_tensor.default(%v" + n + ", 0.05, 3, 0, 255, u8)\n";
    text += "  %f" + n + " = quantized_decomposed.dequantize_per_tensor.default(%q" + n + ", 0.05, 3, 0, 255, u8)\n";
    text += "  %d" + n + " = quantized_decomposed.dequantize_per_channel.default(%w, %s, %z, 0, -128, 127, s8)\n";
    text += "  %l" + n + " = aten.linear.default(%f" + n + ", %d" + n + ")\n  %a" + n + " = aten.add.Tensor(%l" + n +
            ", %f" + n + ")\n";
    text += "  " + next + " = aten.relu.default(%a" + n + ")\n";
  }
  auto graph = parse_graph("bench", text + "  return (%v" + std::to_string(blocks) + ")\n}\n");
  if (!graph.ok()) {
    std::fputs(render_text(graph.diagnostics()).c_str(), stderr);
    std::exit(1);
  }
  return std::move(*graph);
}

void load_shipped_rules(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(shipped_rules());
}
BENCHMARK(load_shipped_rules)->Unit(benchmark::kMillisecond);

void compile_automata(benchmark::State& state) {
  const RuleSet rules = shipped_rules();
  for (auto _ : state) {
    for (uint32_t phase = 0; phase < rules.phases.size(); ++phase)
      benchmark::DoNotOptimize(Automaton::compile(rules, phase));
  }
}
BENCHMARK(compile_automata)->Unit(benchmark::kMillisecond);

void rewrite_chain(benchmark::State& state, bool quantized) {
  const Graph graph = chain(state.range(0), quantized);
  for (auto _ : state) {
    state.PauseTiming();
    Graph copy = graph.clone();
    state.ResumeTiming();
    auto report = shipped_rewriter().apply(copy);
    benchmark::DoNotOptimize(report);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(graph.size()));
}
BENCHMARK_CAPTURE(rewrite_chain, quantized, true)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(rewrite_chain, nothing_matches, false)->Arg(1000)->Arg(100000)->Unit(benchmark::kMillisecond);

// Every node of the graph that the rules leave, asked once for a match (there is none) and once for near misses, in all
// phases: what explaining costs beside matching. The two are to be compared with each other.
void visit_all(benchmark::State& state, bool explain, bool quantized) {
  Graph graph = chain(state.range(0), quantized);
  if (!shipped_rewriter().apply(graph).ok()) std::exit(1);
  for (auto _ : state) {
    for (uint32_t phase = 0; phase < shipped_rewriter().rules().phases.size(); ++phase) {
      Automaton::Session session(shipped_rewriter().automaton(phase), graph);
      for (Node* node = graph.first(); node; node = node->next()) {
        if (explain)
          benchmark::DoNotOptimize(session.explain(node));
        else
          benchmark::DoNotOptimize(session.match(node));
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(graph.size()));
}
BENCHMARK_CAPTURE(visit_all, match_quantized, false, true)->Arg(16700)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(visit_all, explain_quantized, true, true)->Arg(16700)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(visit_all, match_relus, false, false)->Arg(100000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(visit_all, explain_relus, true, false)->Arg(100000)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
