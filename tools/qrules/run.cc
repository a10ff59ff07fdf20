// `qrules run`: the main job.

#include <cstdio>
#include <filesystem>

#include <qrules/runtime/npy.h>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/report.h"

namespace qrules::tools {

int run_command(const RunOptions& options) {
  auto prepared = optimize_model(options.model);
  if (!prepared.ok()) return report(prepared.diagnostics());
  const Graph& graph = *prepared->model.graph;
  auto inputs = read_inputs(graph, options.inputs, false);
  if (!inputs.ok()) return report(inputs.diagnostics());

  int64_t start = now_ns();
  std::vector<TensorLayout> layouts;
  std::vector<const void*> pointers;
  for (const HostTensor& tensor : *inputs) {
    layouts.push_back(tensor.layout);
    pointers.push_back(tensor.data.get());
  }
  auto symbols = bind_symbols(graph, layouts);
  if (!symbols.ok()) return report(symbols.diagnostics());
  PlanOptions plan_options;
  plan_options.threads = options.model.threads;
  auto plan = Plan::prepare(prepared->model.graph, *symbols, plan_options);
  if (!plan.ok()) return report(plan.diagnostics());
  const std::unique_ptr<Plan::Context> context = (*plan)->make_context();
  prepared->times.prepare = milliseconds_since(start);
  start = now_ns();
  context->run(pointers);
  prepared->times.run = milliseconds_since(start);
  if (context->failed()) {
    Diagnostics failed;
    failed.add(Diagnostic(kRunFailed).with("path", options.model.model));
    return report(failed);
  }

  if (!options.output_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.output_dir, error);
    // Only what the model returns to its user; what it returns for its own buffers comes first or last and is left out by the reader.
    for (size_t i = 0; i < (*plan)->output_layouts().size(); ++i) {
      const std::string path = (std::filesystem::path(options.output_dir) / ("out_" + std::to_string(i) + ".npy")).string();
      const Status written = write_npy(path, (*plan)->output_layouts()[i], context->outputs()[i]);
      if (!written.ok()) return report(written.diagnostics());
    }
  }
  const nlohmann::json made = make_report(*prepared, **plan);
  if (!options.report.empty()) {
    const Status written = write_file(options.report, dump(made) + "\n");
    if (!written.ok()) return report(written.diagnostics());
  }
  if (!prepared->model.warnings.empty()) report(prepared->model.warnings);
  std::fputs(options.json ? (dump(made) + "\n").c_str() : print_report(made, wants_color(stdout)).c_str(), stdout);
  return kFine;
}

}  // namespace qrules::tools
