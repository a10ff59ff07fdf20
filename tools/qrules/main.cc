// The command line of qrules. See docs/cli.md.

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "qrules/session.h"

using namespace qrules::tools;

namespace {

void add_model(CLI::App* command, ModelOptions& options) {
  command->add_option("model", options.model, "a .pt2 archive of torch.export.save, or a graph as text")->required();
  command->add_option("--rules", options.rules, "folder of the rules (default: the shipped ones)");
  command->add_flag("--no-rules", options.no_rules, "leave the graph as it is");
}

void add_preparation(CLI::App* command, ModelOptions& options) {
  command->add_option("--cache", options.cache, "folder where prepared plans are kept for the next start");
  command->add_option("--threads", options.threads, "threads (default: all)")->check(CLI::Range(1, 1024));
  command
      ->add_option("--float-products", options.float_products,
                   "f32 (default), or bf16: products of f32 may be of operands rounded to bf16, where that is faster")
      ->check(CLI::IsMember({"f32", "bf16"}));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Rewrites quantized models by rules and runs them on oneDNN. Exit codes: 0 fine, 1 the model, an input or a rule "
      "is wrong, "
      "2 wrong command line, 3 a file cannot be read or written, 4 less fuses than --expect says.");
  app.set_version_flag("--version", QRULES_VERSION);
  app.require_subcommand(1);

  RunOptions run;
  CLI::App* run_app = app.add_subcommand("run", "run a model and say what fused");
  add_model(run_app, run.model);
  add_preparation(run_app, run.model);
  run_app->add_option("--input", run.inputs, "a .npy file for each input, in order")->allow_extra_args(false);
  run_app->add_option("--output-dir", run.output_dir, "folder for out_0.npy, out_1.npy, ...");
  run_app->add_option("--report", run.report, "file for the report as JSON");
  CLI::Option* run_json = run_app->add_flag("--json", run.json, "print the report as JSON");
  run_app
      ->add_flag(
          "--watch", run.watch,
          "optimize again whenever a rule file is saved and say what fuses otherwise, until Ctrl-C; runs the model "
          "when there are inputs")
      ->excludes(run_json)
      ->excludes("--no-rules")
      ->excludes("--cache")
      ->excludes("--report")
      ->excludes("--output-dir");

  OptOptions opt;
  CLI::App* opt_app = app.add_subcommand("opt", "write the rewritten graph as text");
  add_model(opt_app, opt.model);
  opt_app->add_option("-o,--output", opt.output, "file (default: the terminal)");
  opt_app->add_option("--phase-dumps", opt.phase_dumps, "folder for the graph after each phase");
  opt_app->add_flag("--match-only", opt.match_only, "list the matches and rewrite nothing");
  opt_app->add_flag("--provenance", opt.provenance, "say by which rule each node was made");
  opt_app->add_flag("--automaton", opt.automaton, "print what the rules were compiled to");

  opt_app->add_option("--lock", opt.lock, "file for a record of what fused");
  opt_app->add_option("--expect", opt.expect, "such a file: exit code 4 when less fuses than it says");

  ViewOptions view;
  CLI::App* view_app = app.add_subcommand("view", "write a page with the graph before and after");
  add_model(view_app, view.model);
  view_app->add_option("-o,--output", view.output, "the HTML file")->required();

  ExplainOptions explain;
  CLI::App* explain_app =
      app.add_subcommand("explain", "say which rules fired, which came close, and what refused them");
  add_model(explain_app, explain.model);
  explain_app->add_option("--rule", explain.rule, "only this rule");
  explain_app->add_option("--node", explain.node, "only this node");
  explain_app->add_flag("--json", explain.json, "as JSON");

  BenchOptions bench;
  CLI::App* bench_app = app.add_subcommand("bench", "measure a model");
  add_model(bench_app, bench.model);
  add_preparation(bench_app, bench.model);
  bench_app->add_option("--input", bench.inputs, "a .npy file for each input (default: random values)")
      ->allow_extra_args(false);
  bench_app->add_option("--warmup", bench.warmup, "runs before measuring")->check(CLI::NonNegativeNumber);
  bench_app->add_option("--iters", bench.iters, "runs measured")->check(CLI::PositiveNumber);
  bench_app->add_flag("--json", bench.json, "as JSON");
  bench_app->add_flag("--profile", bench.profile, "time of each node");

  ProfileOptions profile;
  CLI::App* profile_app = app.add_subcommand("profile", "say where the time of a model goes, and why");
  add_model(profile_app, profile.model);
  add_preparation(profile_app, profile.model);
  profile_app->add_option("--input", profile.inputs, "a .npy file for each input (default: random values)")
      ->allow_extra_args(false);
  profile_app->add_option("--warmup", profile.warmup, "runs before measuring")->check(CLI::NonNegativeNumber);
  profile_app->add_option("--iters", profile.iters, "runs measured")->check(CLI::PositiveNumber);
  profile_app->add_option("--trace", profile.trace, "file for the last run as a Chrome trace");
  profile_app->add_flag("--json", profile.json, "as JSON");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? kFine : kUsage;
  }
  try {
    if (*run_app) return run.watch ? watch_command(run) : run_command(run);
    if (*opt_app) return opt_command(opt);
    if (*view_app) return view_command(view);
    if (*explain_app) return explain_command(explain);
    if (*profile_app) return profile_command(profile);
    return bench_command(bench);
  } catch (const std::exception& error) {
    // Memory, and what the libraries underneath throw in spite of all checks.
    std::fprintf(stderr, "error: %s\n", error.what());
    return kFailed;
  }
}
