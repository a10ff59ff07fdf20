// See workspace.h.

#include <rulecheck/lsp/workspace.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include <qrules/rules/load.h>
#include <rulecheck/checks.h>
#include <rulecheck/lsp/positions.h>

namespace qrules::tools::lsp {
namespace fs = std::filesystem;

void Workspace::set(const std::string& uri, std::string text, int64_t version) {
  const std::string path = canonical_path(to_path(uri));
  documents_[path] = {uri, std::make_shared<const SourceFile>(path, std::move(text)), version};
}

bool Workspace::close(const std::string& uri) { return documents_.erase(canonical_path(to_path(uri))) > 0; }

const Document* Workspace::find(const std::string& uri) const {
  auto found = documents_.find(canonical_path(to_path(uri)));
  return found == documents_.end() ? nullptr : &found->second;
}

std::string Workspace::set_of(const std::string& path) const {
  std::error_code error;
  for (fs::path folder = fs::path(path).parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (fs::exists(folder / "pipeline.yaml", error) || documents_.contains((folder / "pipeline.yaml").string()))
      return folder.string();
    if (folder == folder.parent_path()) break;
  }
  return path;
}

std::vector<std::string> Workspace::sets() const {
  std::vector<std::string> result;
  for (const auto& [path, document] : documents_) {
    std::string set = set_of(path);
    if (std::find(result.begin(), result.end(), set) == result.end()) result.push_back(std::move(set));
  }
  return result;
}

Checked Workspace::check(const std::string& set) {
  const auto start = std::chrono::steady_clock::now();
  Checked checked;
  auto index = std::make_shared<RuleIndex>();
  LoadOptions options;
  options.operators = operators_;
  options.functions = functions_;
  options.index = index.get();
  options.cache = &files_;
  // A folder's new files are part of it before they are saved.
  std::vector<std::string> paths{set};
  std::error_code error;
  for (const auto& [path, document] : documents_) {
    options.open_texts[path] = document.source;
    if (path != set && !fs::exists(path, error) && set_of(path) == set) paths.push_back(path);
  }
  Result<RuleSet> loaded = load_rules(paths, options);
  if (loaded.ok()) {
    checked.found = loaded->warnings;
    checked.found.append(check_rules(*loaded, ""));
    checked.rules = std::move(*loaded);
  } else {
    checked.found = loaded.diagnostics();
  }
  // Declarations of `operators:` change while they are typed, so no load sees those of an earlier one. Without any the
  // table is kept: reading its signatures again takes as long as all the rest.
  const auto declares = [](const auto& entry) { return !entry.second.file->operators.empty(); };
  if (std::any_of(index->files.begin(), index->files.end(), declares)) operators_ = std::make_shared<OperatorTable>();
  checked.index = std::move(index);
  checked.operators = options.operators;
  checked.functions = functions_;
  checked.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return checked;
}

}  // namespace qrules::tools::lsp
