// What the commands of `qrules` share: a model from disk, rules from disk, and the way from one to the other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <qrules/rewrite/rewrite.h>
#include <qrules/runtime/model.h>
#include <qrules/runtime/plan.h>
#include <qrules/runtime/plan_file.h>

namespace qrules::tools {

// Exit codes, documented in docs/cli.md.
inline constexpr int kFine = 0;
inline constexpr int kFailed = 1;      // the model, an input or a rule file is wrong
inline constexpr int kUsage = 2;       // the command line is wrong
inline constexpr int kUnreadable = 3;  // a file cannot be read or written
inline constexpr int kLost = 4;        // less fused than the lock says

class NearMisses;

struct ModelOptions {
  std::string model;
  std::string rules;  // folder; empty: the shipped ones
  std::string cache;  // folder of prepared plans; empty: none are kept
  bool no_rules = false;
  std::string float_products = "f32";
  int threads = 0;
};

struct Times {
  double load = 0, optimize = 0, prepare = 0, run = 0;  // milliseconds
};

double milliseconds_since(int64_t start_ns);
int64_t now_ns();

// Prints diagnostics to stderr and gives the exit code that fits them.
int report(const Diagnostics& diagnostics);

// Names of the dequantize calls of a graph, in its order.
std::vector<std::string> unfused_dequantizes(const Graph& graph);

// Reads MODEL: a .pt2 archive, or graph text when the file does not begin as an archive does.
Result<Model> read_model(const std::string& path);
// The rewriter for the rules of the options; null with no_rules. `sources` gets the files that were read.
Result<std::shared_ptr<const Rewriter>> read_rules(const ModelOptions& options,
                                                   std::vector<PlanSource>* sources = nullptr);

struct Prepared {
  Model model;
  RewriteReport rewrites;
  std::shared_ptr<const Rewriter> rewriter;  // null: without rules, or from a cache
  std::vector<PlanSource> sources;           // files of the rules
  std::string warnings;                      // of the model, rendered, when it is from a cache
  Times times;
};
// Both, applied. `after_phase` as in RewriteOptions; `misses` gets the near misses, whose rules the result keeps.
Result<Prepared> optimize_model(const ModelOptions& options,
                                const std::function<void(const std::string&, const Graph&)>& after_phase = {},
                                NearMisses* misses = nullptr);

// A model ready to run on inputs: plan, context, and where the inputs are.
struct Runnable {
  Prepared prepared;
  std::vector<HostTensor> inputs;
  std::vector<const void*> pointers;  // of the inputs
  std::shared_ptr<const Plan> plan;
  std::unique_ptr<Plan::Context> context;
};
// optimize_model, read_inputs (with `random`), and a plan for their sizes; times.prepare is set. With a cache the model
// comes from there where it can, and goes there where it could not.
Result<Runnable> prepare_to_run(const ModelOptions& options, const std::vector<std::string>& inputs, bool random);

// The same for a model that was optimized before. `packed`: packed weights of earlier preparations; may be null.
Result<Runnable> prepare_to_run(Prepared prepared, const ModelOptions& options, const std::vector<std::string>& inputs,
                                bool random, std::shared_ptr<PackedStore> packed = nullptr);

// Prints the warnings of the model.
void report_warnings(const Prepared& prepared);

// Writes a file at once: a half-written one never replaces another. Error QR0607-like with the path.
Status write_file(const std::string& path, const std::string& text);

// The subcommands; each gives the exit code.
struct RunOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  std::string output_dir, report;
  bool json = false, watch = false;
};
int run_command(const RunOptions& options);
// `qrules run --watch`: until Ctrl-C, then kFine.
int watch_command(const RunOptions& options);

struct OptOptions {
  ModelOptions model;
  std::string output, phase_dumps, lock, expect;
  bool match_only = false, provenance = false, automaton = false;
};
int opt_command(const OptOptions& options);

struct ExplainOptions {
  ModelOptions model;
  std::string rule, node;
  bool json = false;
};
int explain_command(const ExplainOptions& options);

struct ViewOptions {
  ModelOptions model;
  std::string output;
};
int view_command(const ViewOptions& options);

struct BenchOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  int warmup = 5, iters = 50;
  bool json = false, profile = false;
};
int bench_command(const BenchOptions& options);

struct ProfileOptions {
  ModelOptions model;
  std::vector<std::string> inputs;
  int warmup = 5, iters = 20;
  std::string trace;  // file for a Chrome trace
  bool json = false;
};
int profile_command(const ProfileOptions& options);

// Reads the --input files for the model's placeholders, converted where a placeholder has a narrower float. With none
// given and `random`, random values for static sizes.
Result<std::vector<HostTensor>> read_inputs(const Graph& graph, const std::vector<std::string>& paths, bool random);

}  // namespace qrules::tools
