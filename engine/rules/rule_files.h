// The rule files of one loading: those that were asked for and those that they import, each read once, with what the
// names in it mean.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <qrules/rules/load.h>
#include <qrules/rules/scope.h>

namespace qrules {

class RuleFiles {
 public:
  // Everything wrong in files is added to `diagnostics`.
  RuleFiles(const LoadOptions& options, const FunctionRegistry& functions, Diagnostics& diagnostics)
      : options_(options), functions_(functions), diagnostics_(diagnostics) {}

  // A file, or a folder with all .yaml files below it; and the phases of the nearest pipeline.yaml at or above it.
  void add_path(const std::string& path);
  // A file that is not on disk.
  void add_text(const SourcePtr& source);

  // The files that were asked for, in order; one that was asked for twice stands here twice.
  const std::vector<const RuleFile*>& roots() const { return roots_; }
  // All files by canonical path; null: it could not be read.
  const std::map<std::string, std::shared_ptr<const RuleFile>>& all() const { return files_; }
  const Scope& scope_of(const RuleFile& file) const { return scopes_.find(&file)->second; }
  const std::vector<Phase>& phases() const { return phases_; }
  const std::vector<Span>& phase_spans() const { return phase_spans_; }
  // Declarations in which something is wrong, for the compilers of the rules that use them.
  BrokenDeclarations& broken() { return broken_; }
  // A phase, or a rule's name, could not be read: one that is not known may be it.
  bool phases_missing() const { return phases_missing_; }
  bool rules_missing() const { return rules_missing_; }

 private:
  void add_folder(const std::string& folder);
  void add_phases_above(const std::string& file);
  // Null when it cannot be read (reported, at the import when there is one).
  const RuleFile* read(const std::string& path, const NamedReference* import);
  std::shared_ptr<const RuleFile> parse(const std::string& key, const SourcePtr& source);
  const RuleFile* add_file(const std::string& key, const SourcePtr& source);
  void add_import(const NamedReference& import, const std::string& path);
  bool check_cycle(const std::string& path, const NamedReference& import);
  void add_phases(const RuleFile& file);
  void add_duplicate(std::string what, const std::string& name, const Span& span, const Span& first);
  void make_scope(const RuleFile& file);
  template <typename Map, typename Declarations>
  void collect(Map& map, const Declarations& declarations, const char* what);

  const LoadOptions& options_;
  const FunctionRegistry& functions_;
  Diagnostics& diagnostics_;
  std::vector<const RuleFile*> roots_;
  std::map<std::string, std::shared_ptr<const RuleFile>> files_;
  std::vector<std::pair<std::string, std::string>> open_;  // files whose imports are being read
  std::map<const RuleFile*, std::vector<const RuleFile*>> imports_;
  std::map<const RuleFile*, Scope> scopes_;
  std::vector<Phase> phases_;
  std::vector<Span> phase_spans_;
  std::set<const void*> reported_;  // declarations whose names are taken
  BrokenDeclarations broken_;
  bool phases_missing_ = false;
  bool rules_missing_ = false;
  bool duplicates_ = false;
};

}  // namespace qrules
