// rulecheck: reads rules, reports what is wrong with them, and runs their tests.

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <common/output.h>
#include <common/parallel.h>
#include <common/rules_folder.h>
#include <common/watch.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/index.h>
#include <qrules/rules/load.h>
#include <rulecheck/checks.h>
#include <rulecheck/command.h>
#include <rulecheck/diagnostics.h>
#include <rulecheck/exit_codes.h>
#include <rulecheck/fix.h>
#include <rulecheck/listing.h>
#include <rulecheck/numerics_cache.h>
#include <rulecheck/numerics_here.h>
#include <rulecheck/report.h>

#ifndef QRULES_VERSION
#define QRULES_VERSION "0"
#endif

namespace qrules::tools {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 all is well (warnings do not count), 1 errors in rules or failed tests, 2 wrong usage,\n"
    "3 a file or folder cannot be read.\n"
    "Without FILES the rules are those of $QRULES_RULES, else of share/qrules/rules beside the program's folder,\n"
    "else of a rules folder above it.";

struct Options {
  std::vector<std::string> paths;
  std::string format = "text";
  std::string filter;
  bool no_tests = false;
  bool watch = false;
  bool fix = false, dry_run = false;
  bool no_cache = false;
  ReportOptions report;
};

// Runs the tests of the chosen rules. False when one has numerics that only the other program can decide.
bool run_tests(const Rewriter& rewriter, const Options& options, Report& report) {
  report.tests_ran = true;
  // Tests of a rule that cannot fire would only say so again.
  std::set<std::string> impossible;
  for (const Diagnostic& diagnostic : report.found.list()) {
    if (diagnostic.kind == &kContradiction && !diagnostic.arguments.empty())
      impossible.insert(std::get<std::string>(diagnostic.arguments.front().second));
  }
  std::vector<std::pair<const Rule*, const RuleTest*>> wanted;
  for (const Rule& rule : rewriter.rules().rules) {
    if (!chosen(rule, options.filter) || impossible.count(rule.base_name) > 0) continue;
    for (const RuleTest& test : rule.tests) wanted.emplace_back(&rule, &test);
  }
  std::optional<NumericsCache> cache;
  if (!options.no_cache) cache.emplace();
  const Comparison run = compare_here();
  const Comparison compare = [&](const Graph& before, const Graph& after) -> std::optional<Result<NumericsReport>> {
    if (cache) {
      if (std::optional<NumericsReport> known = cache->find(before, after)) return *known;
    }
    std::optional<Result<NumericsReport>> found = run(before, after);
    if (cache && found && found->ok()) cache->add(before, after, **found);
    return found;
  };
  report.tests.resize(wanted.size());
  std::atomic<bool> undecided = false;
  in_parallel(wanted.size(), 0, [&](size_t i) {
    if (undecided) return;
    report.tests[i] = run_test(rewriter, *wanted[i].first, *wanted[i].second, compare);
    if (report.tests[i].undecided) undecided = true;
  });
  return !undecided;
}

// Files are read several times when they are fixed; what one reading declared is not declared again by the next.
LoadOptions fresh_operators() {
  LoadOptions options;
  options.operators = std::make_shared<OperatorTable>();
  return options;
}

// A path of the command line (not an import) that is not there or may not be read.
bool is_unreadable(const Diagnostic& diagnostic) {
  return diagnostic.kind == &kCannotRead && diagnostic.labels.empty();
}

// What is wrong with the files: of loading, the checks and the tests.
Diagnostics find(const Options& options) {
  Result<RuleSet> loaded = load_rules(options.paths, fresh_operators());
  if (!loaded.ok()) return loaded.diagnostics();
  Report report;
  report.found = loaded->warnings;
  report.found.append(check_rules(*loaded, options.filter));
  const Rewriter rewriter(std::move(*loaded));
  if (!options.no_tests) run_tests(rewriter, options, report);
  return report.all(false);
}

// Makes edits until there are none left to make: one may show what the next mistake is. An exit code when that is all.
std::optional<ExitCode> fix(const Options& options) {
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    const FixOutcome outcome = apply_fixes(find(options), options.dry_run, std::cout, std::cerr);
    if (outcome.failed) return kCannotReadInput;
    if (options.dry_run) return outcome.edits > 0 ? kErrors : kFine;
    if (outcome.edits == 0) break;
  }
  return std::nullopt;
}

bool find_rules(Options& options) {
  if (options.paths.empty()) {
    const std::optional<std::string> folder = default_rules_folder();
    if (!folder) {
      std::cerr << "rulecheck: no rules found; name a file or folder, or set QRULES_RULES\n";
      return false;
    }
    options.paths.push_back(*folder);
  }
  return true;
}

// Nothing when only the other program can finish it; nothing is printed then.
std::optional<int> check(const Options& options, const LoadOptions& load = {}) {
  Report report;
  Result<RuleSet> loaded = load_rules(options.paths, load);
  if (!loaded.ok()) {
    report.found = loaded.diagnostics();
    print_report(report, options.report, std::cout);
    const auto& list = report.found.list();
    return std::any_of(list.begin(), list.end(), is_unreadable) ? kCannotReadInput : kErrors;
  }
  report.found = loaded->warnings;
  report.found.append(check_rules(*loaded, options.filter));
  report.found.append(check_reachable(*loaded, options.filter));
  for (const Rule& rule : loaded->rules) report.rules += chosen(rule, options.filter) ? 1 : 0;
  if (report.rules == 0 && !options.filter.empty()) {
    std::cerr << "rulecheck: no rule has `" << options.filter << "` in its name\n";
    return kWrongUsage;
  }
  const Rewriter rewriter(std::move(*loaded));
  if (!options.no_tests && !run_tests(rewriter, options, report)) return std::nullopt;
  print_report(report, options.report, std::cout);
  return report.has_errors() ? kErrors : kFine;
}

// Checks, and checks again whenever a file of the rules was saved, until Ctrl-C.
int watch(const Options& options) {
  Interrupts interrupts;
  FileWatch files;
  files.set_paths(options.paths);
  do {
    for (const std::string& path : files.changed()) std::cout << "changed: " << path << "\n";
    RuleIndex index;
    LoadOptions load;
    load.operators = std::make_shared<OperatorTable>();  // declarations of `operators:` may change
    load.index = &index;
    check(options, load);
    files.set_paths(watched_paths(options.paths, index));
    if (!options.report.quiet) std::cout << "watching " << counted(files.file_count(), "file") << "\n";
    std::cout << std::flush;
  } while (files.wait(interrupts));
  return kFine;
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Reads rule files, reports mistakes with their places, and runs the tests in them.", "rulecheck"};
  app.footer(kFooter);
  app.set_version_flag("--version", "rulecheck " QRULES_VERSION);
  app.add_option("FILES", options.paths, "Rule files, or folders with a pipeline.yaml");
  app.add_option("--format", options.format, "How to report: text, json, github (annotations) or sarif")
      ->check(CLI::IsMember({"text", "json", "github", "sarif"}));
  CLI::Option* wants_fix = app.add_flag("--fix", options.fix, "Make the edits that need no thought, then check again");
  app.add_flag("--dry-run", options.dry_run, "With --fix: only show them; the exit code is 1 when there are any")
      ->needs(wants_fix);
  app.add_flag("--no-tests", options.no_tests, "Only read the rules");
  app.add_flag("--no-cache", options.no_cache, "Run `numerics` of all tests, also where it is known how they end");
  app.add_option("--filter", options.filter, "Only rules with this in their name")->type_name("RULE");
  app.add_flag("--watch", options.watch, "Check again whenever a rule file is saved, until Ctrl-C");
  CLI::Option* quiet = app.add_flag("-q,--quiet", options.report.quiet, "Errors only, no summary");
  app.add_flag("-v,--verbose", options.report.verbose, "A line for each test")->excludes(quiet);

  std::string code;
  CLI::App* explain = app.add_subcommand("explain", "Says what a diagnostic means and what to do");
  explain->add_option("CODE", code, "Code or name: QR0101, unknown-operator")->required();
  CLI::App* functions = app.add_subcommand("functions", "Lists the functions of conditions and rewrites");
  CLI::App* codes = app.add_subcommand("codes", "Lists all diagnostics");
  const std::vector<std::unique_ptr<Command>> commands = make_commands(app, argv);
  app.require_subcommand(0, 1);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kFine : kWrongUsage;
  }
  const bool color = wants_color(stdout);
  if (*explain) return print_explanation(code, color, std::cout, std::cerr) ? kFine : kWrongUsage;
  if (*functions) return print_functions(color, std::cout), kFine;
  if (*codes) return print_codes(color, std::cout), kFine;

  for (const std::unique_ptr<Command>& command : commands) {
    if (command->given()) return command->run();
  }

  options.report.color = color;
  options.report.format = options.format == "json"     ? Format::json
                          : options.format == "github" ? Format::github
                          : options.format == "sarif"  ? Format::sarif
                                                       : Format::text;
  // What goes on for longer, or reads files again, does not change programs in the middle.
  if (!runs_graphs() && !options.no_tests && (options.fix || options.watch || options.no_cache))
    return become_numerics(argv);
  if (!find_rules(options)) return kCannotReadInput;
  if (options.fix) {
    const std::optional<ExitCode> stopped = fix(options);
    if (stopped) return *stopped;
  }
  if (options.watch) return watch(options);
  const std::optional<int> ended = check(options);
  return ended ? *ended : become_numerics(argv);
}

}  // namespace
}  // namespace qrules::tools

int main(int argc, char** argv) { return qrules::tools::run(argc, argv); }
