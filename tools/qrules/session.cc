#include "qrules/session.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <qrules/graph/text.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/file_cache.h>
#include <qrules/rules/load.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/npy.h>
#include <qrules/support/file_replacement.h>
#include <qrules/support/hash64.h>

#include "common/output.h"
#include "common/rules_folder.h"
#include "qrules/diagnostics.h"
#include "qrules/near_misses.h"
#include "qrules/plan_cache.h"
#include "qrules/process.h"

namespace qrules::tools {
namespace fs = std::filesystem;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double milliseconds_since(int64_t start_ns) { return static_cast<double>(now_ns() - start_ns) / 1e6; }

int report(const Diagnostics& diagnostics) {
  std::fputs(render_text(diagnostics, wants_color(stderr)).c_str(), stderr);
  for (const Diagnostic& diagnostic : diagnostics.list()) {
    const DiagnosticKind* kind = diagnostic.kind;
    if (kind == &kCannotReadModel || kind == &kCannotReadFile || kind == &kCannotWrite || kind == &kCannotWriteFile ||
        kind == &kCannotRead || kind == &kCannotReadLock)
      return kUnreadable;
  }
  return diagnostics.has_errors() ? kFailed : kFine;
}

Result<Model> read_model(const std::string& path) {
  std::error_code error;
  const auto refuse = [&](std::string why) {
    return Diagnostic(kCannotReadModel).with("path", path).with("why", std::move(why));
  };
  if (fs::is_directory(path, error)) return refuse("it is a folder");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return refuse(fs::exists(path, error) ? "it cannot be opened" : "there is no such file");
  char start[4] = {};
  stream.read(start, sizeof(start));
  const bool text = stream.gcount() >= 1 && (start[0] == 'g' || start[0] == '#' || start[0] == ' ' || start[0] == '\n');
  if (!text) return load_model(path);
  stream.clear();
  stream.seekg(0);
  std::ostringstream content;
  content << stream.rdbuf();
  auto graph = parse_graph(path, std::move(content).str());
  if (!graph.ok()) return graph.diagnostics();
  Model model;
  model.graph = std::make_shared<Graph>(std::move(*graph));
  for (const Node* node : model.graph->placeholders()) model.inputs.push_back(node->name());
  return model;
}

std::vector<std::string> unfused_dequantizes(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (node->is_call() && node->op_name().rfind("quantized_decomposed.dequantize", 0) == 0)
      names.push_back(node->name());
  }
  return names;
}

Result<std::shared_ptr<const Rewriter>> read_rules(const ModelOptions& options, std::vector<PlanSource>* sources) {
  if (options.no_rules) return std::shared_ptr<const Rewriter>();
  std::string folder = options.rules;
  if (folder.empty()) {
    const auto found = default_rules_folder();
    if (!found) return Diagnostic(kNoRulesFolder);
    folder = *found;
  }
  FileCache files;
  LoadOptions load;
  if (sources) load.cache = &files;
  auto rules = load_rules({folder}, load);
  if (!rules.ok()) return rules.diagnostics();
  for (const auto& [path, entry] : files.files) sources->push_back({path, hash64(entry.file->source->text())});
  return std::shared_ptr<const Rewriter>(std::make_shared<const Rewriter>(std::move(*rules)));
}

Result<Prepared> optimize_model(const ModelOptions& options,
                                const std::function<void(const std::string&, const Graph&)>& after_phase,
                                NearMisses* misses) {
  Prepared prepared;
  int64_t start = now_ns();
  auto model = read_model(options.model);
  if (!model.ok()) return model.diagnostics();
  prepared.model = std::move(*model);
  prepared.times.load = milliseconds_since(start);
  start = now_ns();
  auto rewriter = read_rules(options, options.cache.empty() ? nullptr : &prepared.sources);
  if (!rewriter.ok()) return rewriter.diagnostics();
  if (*rewriter) {
    RewriteOptions rewrite;
    rewrite.after_phase = after_phase;
    if (misses) misses->watch(rewrite);
    auto applied = (*rewriter)->apply(*prepared.model.graph, rewrite);
    if (!applied.ok()) return applied.diagnostics();
    prepared.rewrites = std::move(*applied);
    prepared.rewriter = *rewriter;
  }
  prepared.times.optimize = milliseconds_since(start);
  return prepared;
}

Status write_file(const std::string& path, const std::string& text) {
  FileReplacement file(path);
  file.write(text);
  const bool written = file.ok();
  if (const std::string why = file.finish(); !why.empty()) {
    return Diagnostic(kCannotWrite)
        .with("path", path)
        .with("why", written ? why : "the folder is missing or not writable");
  }
  return Done();
}

Result<std::vector<HostTensor>> read_inputs(const Graph& graph, const std::vector<std::string>& paths, bool random) {
  std::vector<HostTensor> inputs;
  const std::vector<Node*>& placeholders = graph.placeholders();
  if (paths.empty() && random && !placeholders.empty()) {
    std::mt19937 generator(1);
    for (const Node* node : placeholders) {
      std::vector<int64_t> sizes;
      for (Dim size : node->tensor()->sizes) sizes.push_back(size.is_static() ? size.value() : 4);
      HostTensor values = HostTensor::allocate(TensorLayout::contiguous(DType::f32, sizes));
      std::normal_distribution<float> normal;
      for (int64_t i = 0; i < values.layout.element_count(); ++i)
        static_cast<float*>(values.data.get())[i] = normal(generator);
      const DType dtype = node->tensor()->dtype;
      if (dtype == DType::f32) {
        inputs.push_back(std::move(values));
      } else if (auto converted = convert(values, dtype); converted.ok()) {
        inputs.push_back(std::move(*converted));
      } else {
        HostTensor zeros = HostTensor::allocate(TensorLayout::contiguous(dtype, sizes));
        std::fill_n(static_cast<char*>(zeros.data.get()), zeros.layout.byte_extent(), char{0});
        inputs.push_back(std::move(zeros));
      }
    }
    return inputs;
  }
  if (paths.size() != placeholders.size()) {
    Diagnostic diagnostic = Diagnostic(kWrongInputCount)
                                .with("expected", static_cast<int64_t>(placeholders.size()))
                                .with("count", static_cast<int64_t>(paths.size()));
    for (const Node* node : placeholders)
      diagnostic.notes.push_back("%" + node->name() +
                                 (node->tensor() ? ": " + print(*node->tensor(), graph.dims()) : ""));
    return diagnostic;
  }
  Diagnostics diagnostics;
  for (size_t i = 0; i < paths.size(); ++i) {
    auto tensor = read_npy(paths[i]);
    if (!tensor.ok()) {
      diagnostics.append(tensor.diagnostics());
      continue;
    }
    const TensorType* type = placeholders[i]->tensor();
    // Files hold what NumPy has: narrower floats come as f32.
    if (type && type->dtype != tensor->layout.dtype && is_floating(type->dtype) && size_of(type->dtype) < 4 &&
        tensor->layout.dtype == DType::f32) {
      auto converted = convert(*tensor, type->dtype);
      if (!converted.ok()) {
        diagnostics.append(converted.diagnostics());
        continue;
      }
      *tensor = std::move(*converted);
    }
    inputs.push_back(std::move(*tensor));
  }
  if (diagnostics.has_errors()) return diagnostics;
  return inputs;
}

Result<Runnable> prepare_to_run(const ModelOptions& options, const std::vector<std::string>& paths, bool random) {
  const int64_t start = now_ns();
  const std::unique_ptr<CachedPlan> cached = CachedPlan::open(options, paths);
  if (!cached) {
    auto prepared = optimize_model(options);
    if (!prepared.ok()) return prepared.diagnostics();
    return prepare_to_run(std::move(*prepared), options, paths, random);
  }
  std::unique_ptr<Prepared> known = cached->take();
  if (known) {
    known->times.load = milliseconds_since(start);
  } else {
    auto prepared = optimize_model(options);
    if (!prepared.ok()) return prepared.diagnostics();
    known = std::make_unique<Prepared>(std::move(*prepared));
  }
  auto runnable = prepare_to_run(std::move(*known), options, paths, random, cached->packed());
  if (runnable.ok()) cached->save(runnable->prepared);
  return runnable;
}

void report_warnings(const Prepared& prepared) {
  if (!prepared.model.warnings.empty()) report(prepared.model.warnings);
  std::fputs(prepared.warnings.c_str(), stderr);
}

Result<Runnable> prepare_to_run(Prepared prepared, const ModelOptions& options, const std::vector<std::string>& paths,
                                bool random, std::shared_ptr<PackedStore> packed) {
  const std::shared_ptr<const Graph> graph = prepared.model.graph;
  auto inputs = read_inputs(*graph, paths, random);
  if (!inputs.ok()) return inputs.diagnostics();
  const int64_t start = now_ns();
  Runnable result;
  std::vector<TensorLayout> layouts;
  for (const HostTensor& tensor : *inputs) {
    layouts.push_back(tensor.layout);
    result.pointers.push_back(tensor.data.get());
  }
  auto symbols = bind_symbols(*graph, layouts);
  if (!symbols.ok()) return symbols.diagnostics();
  PlanOptions plan_options;
  plan_options.threads = options.threads;
  plan_options.round_products = options.float_products == "bf16";
  plan_options.packed = std::move(packed);
  auto plan = Plan::prepare(graph, *symbols, plan_options);
  if (!plan.ok()) return plan.diagnostics();
  // Only now: generating code takes longer with a second thread, whose CPU is told of each page that becomes code.
  spread_threads(options.threads);
  result.plan = std::move(*plan);
  result.context = result.plan->make_context();
  result.inputs = std::move(*inputs);
  result.prepared = std::move(prepared);
  result.prepared.times.prepare = milliseconds_since(start);
  return result;
}

}  // namespace qrules::tools
