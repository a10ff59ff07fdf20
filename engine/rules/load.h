// Reading rule files.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <qrules/rules/rule.h>
#include <qrules/support/result.h>

namespace qrules {

// Bounds of the language; exceeding one is an error that names it.
struct LoadLimits {
  size_t file_bytes = 4u << 20;
  size_t yaml_depth = 64;
  size_t yaml_nodes = 2'000'000;  // after alias expansion
  size_t macro_depth = 32;
  size_t expanded_pattern_nodes = 4096;  // of one rule
  size_t foreach_instances = 1024;       // of one rule
};

struct FileCache;
struct RuleIndex;

struct LoadOptions {
  std::shared_ptr<OperatorTable> operators = OperatorTable::shared();
  std::shared_ptr<const FunctionRegistry> functions;  // null: the built-in ones
  LoadLimits limits;
  // Texts that stand for files, by canonical path: what an editor holds and has not saved.
  std::map<std::string, SourcePtr> open_texts;
  // Filled with what stands where, also when the rules are wrong (rules/index.h); null: not wanted.
  RuleIndex* index = nullptr;
  // Files of earlier loadings with the same limits, and those of this one for later ones (rules/file_cache.h); null:
  // all are read.
  FileCache* cache = nullptr;
};

// The path that `LoadOptions::open_texts` knows a file by.
std::string canonical_path(const std::string& path);

// Loads a rule set: `path` is a folder with pipeline.yaml, or single files whose phases come from the nearest
// pipeline.yaml above them (or are declared in the file itself by `phases:`). All errors of all files are reported, not
// only the first.
Result<RuleSet> load_rules(const std::vector<std::string>& paths, const LoadOptions& options = {});

// A rule file that is not on disk; `import` and phases resolve against nothing: phases must be declared in it by
// `phases:`.
Result<RuleSet> load_rules_text(std::string name, std::string text, const LoadOptions& options = {});

}  // namespace qrules
