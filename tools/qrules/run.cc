// `qrules run`: the main job.

#include <cstdio>
#include <filesystem>

#include <qrules/runtime/npy.h>

#include "common/json_diagnostics.h"
#include "common/output.h"
#include "qrules/diagnostics.h"
#include "qrules/process.h"
#include "qrules/report.h"

namespace qrules::tools {

int run_command(const RunOptions& options) {
  const auto prepared_to_run = std::make_shared<Result<Runnable>>(prepare_to_run(options.model, options.inputs, false));
  if (!prepared_to_run->ok()) return report(prepared_to_run->diagnostics());
  leave_to_the_system(prepared_to_run);
  Result<Runnable>& runnable = *prepared_to_run;
  Prepared& prepared = runnable->prepared;
  const Plan& plan = *runnable->plan;
  const int64_t start = now_ns();
  runnable->context->run(runnable->pointers);
  prepared.times.run = milliseconds_since(start);
  if (runnable->context->failed()) {
    Diagnostics failed;
    failed.add(Diagnostic(kRunFailed).with("path", options.model.model));
    return report(failed);
  }

  if (!options.output_dir.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.output_dir, error);
    for (size_t i = 0; i < plan.output_layouts().size(); ++i) {
      const std::string path =
          (std::filesystem::path(options.output_dir) / ("out_" + std::to_string(i) + ".npy")).string();
      const Status written = write_npy(path, plan.output_layouts()[i], runnable->context->outputs()[i]);
      if (!written.ok()) return report(written.diagnostics());
    }
  }
  const nlohmann::json made = make_report(prepared, plan);
  if (!options.report.empty()) {
    const Status written = write_file(options.report, dump(made) + "\n");
    if (!written.ok()) return report(written.diagnostics());
  }
  report_warnings(prepared);
  std::fputs(options.json ? (dump(made) + "\n").c_str() : print_report(made, wants_color(stdout)).c_str(), stdout);
  return kFine;
}

}  // namespace qrules::tools
