#include <qrules/rules/rule_files.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/file_cache.h>
#include <qrules/rules/index.h>

namespace qrules {
namespace fs = std::filesystem;
namespace {

// Names in messages stay relative when the user's are.
std::string display(const fs::path& pipeline, const std::string& near) {
  if (fs::path(near).is_absolute()) return pipeline.string();
  std::error_code error;
  fs::path relative = fs::relative(pipeline, error);
  return error || relative.empty() ? pipeline.string() : relative.string();
}

// Files beside the one that is missing.
void suggest_file(const std::string& path, const NamedReference* import, Diagnostic& diagnostic) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder.empty() ? fs::path(".") : folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() == ".yaml") names.push_back(it->path().filename().string());
  }
  const auto near = did_you_mean(fs::path(path).filename().string(), names);
  if (near && import) {
    const std::string given = (fs::path(import->name).parent_path() / *near).string();
    diagnostic = std::move(diagnostic).fix("did you mean `" + given + "`?", import->span, given);
  } else if (near) {
    diagnostic = std::move(diagnostic).help("did you mean `" + (folder / *near).string() + "`?");
  } else if (import) {
    diagnostic = std::move(diagnostic).help("imports are named relative to the file that imports them");
  }
}

Diagnostic with_place(Diagnostic diagnostic, const NamedReference* import) {
  if (import) diagnostic.labels.push_back({import->span, "imported here"});
  return diagnostic;
}

}  // namespace

void RuleFiles::add_path(const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    add_folder(path);
  } else {
    const RuleFile* file = read(path, nullptr);
    if (file) {
      add_phases_above(path);
      roots_.push_back(file);
    }
  }
}

void RuleFiles::add_text(const SourcePtr& source) {
  if (const RuleFile* file = add_file(canonical_path(source->name()), source)) roots_.push_back(file);
}

void RuleFiles::add_folder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error) && it->path().extension() == ".yaml") files.push_back(it->path().string());
  }
  if (error) diagnostics_.add(Diagnostic(kCannotRead).with("path", folder).with("why", error.message()));
  std::sort(files.begin(), files.end());
  add_phases_above((fs::path(folder) / "x").string());
  for (const std::string& file : files) {
    if (const RuleFile* read_file = read(file, nullptr)) roots_.push_back(read_file);
  }
}

// Phases of the nearest pipeline.yaml at or above the file's folder.
void RuleFiles::add_phases_above(const std::string& file) {
  std::error_code error;
  fs::path folder = fs::absolute(fs::path(file), error).parent_path();
  while (!folder.empty()) {
    const fs::path pipeline = folder / "pipeline.yaml";
    if (fs::exists(pipeline, error)) {
      read(display(pipeline, file), nullptr);
      return;
    }
    if (folder == folder.parent_path()) return;
    folder = folder.parent_path();
  }
}

const RuleFile* RuleFiles::read(const std::string& path, const NamedReference* import) {
  const std::string key = canonical_path(path);
  if (auto found = files_.find(key); found != files_.end()) return found->second.get();
  if (options_.index) options_.index->paths.push_back(path);
  if (auto open = options_.open_texts.find(key); open != options_.open_texts.end()) return add_file(key, open->second);
  std::error_code error;
  std::string why;
  if (fs::is_directory(path, error)) why = "it is a folder";
  const uintmax_t size = why.empty() ? fs::file_size(path, error) : 0;
  if (why.empty() && error) why = error.message();
  std::string text;
  if (why.empty() && size > options_.limits.file_bytes) {
    diagnostics_.add(with_place(Diagnostic(kLimitExceeded), import)
                         .with("what", "the size of `" + path + "` in bytes")
                         .with("limit", static_cast<int64_t>(options_.limits.file_bytes)));
    return nullptr;
  }
  if (why.empty()) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream content;
    content << stream.rdbuf();
    if (!stream && size > 0) why = "it cannot be opened";
    text = std::move(content).str();
  }
  if (!why.empty()) {
    Diagnostic diagnostic = with_place(Diagnostic(kCannotRead), import).with("path", path).with("why", why);
    suggest_file(path, import, diagnostic);
    diagnostics_.add(std::move(diagnostic));
    return nullptr;
  }
  return add_file(key, std::make_shared<const SourceFile>(path, std::move(text)));
}

// Null when it is no YAML (reported).
std::shared_ptr<const RuleFile> RuleFiles::parse(const std::string& key, const SourcePtr& source) {
  if (options_.cache) {
    auto known = options_.cache->files.find(key);
    if (known != options_.cache->files.end() && known->second.file->source->name() == source->name() &&
        known->second.file->source->text() == source->text()) {
      diagnostics_.append(known->second.found);
      return known->second.file;
    }
  }
  auto tree = parse_yaml(source, options_.limits);
  if (!tree.ok()) {
    diagnostics_.append(tree.diagnostics());
    return nullptr;
  }
  Diagnostics found;
  auto file = std::make_shared<const RuleFile>(read_declarations(source, **tree, found));
  diagnostics_.append(found);
  if (options_.cache) options_.cache->files[key] = {file, std::move(found)};
  return file;
}

const RuleFile* RuleFiles::add_file(const std::string& key, const SourcePtr& source) {
  std::shared_ptr<const RuleFile> file = parse(key, source);
  if (!file) {
    files_[key] = nullptr;
    return nullptr;
  }
  const RuleFile* result = file.get();
  files_[key] = std::move(file);
  for (const OperatorDeclaration& declared : result->operators) {
    const Status status = options_.operators->declare(declared.name, declared.schema);
    if (status.ok()) continue;
    diagnostics_.add(Diagnostic(kBadDeclaration, declared.span)
                         .with("name", declared.name)
                         .with("why", status.diagnostics().list().front().message())
                         .help("a schema reads like \"(Tensor self, int dim=0) -> Tensor\""));
  }
  add_phases(*result);
  open_.push_back({key, source->name()});
  std::vector<const RuleFile*> imported;
  bool names_missing = result->names_missing;
  for (const NamedReference& import : result->imports) {
    const std::string path = (fs::path(source->name()).parent_path() / import.name).lexically_normal().string();
    if (options_.index) add_import(import, path);
    const bool cycle = check_cycle(path, import);
    const RuleFile* other = cycle ? nullptr : read(path, &import);
    if (other) imported.push_back(other);
    if (!other || scopes_[other].names_missing) names_missing = true;
  }
  open_.pop_back();
  imports_[result] = std::move(imported);
  make_scope(*result);
  if (names_missing) scopes_[result].names_missing = true;
  rules_missing_ = rules_missing_ || result->rules_missing;
  phases_missing_ = phases_missing_ || result->phases_missing;
  check_declarations(*result, scopes_[result], *options_.operators, functions_, options_.limits, broken_, diagnostics_);
  return result;
}

void RuleFiles::add_import(const NamedReference& import, const std::string& path) {
  Mention mention;
  mention.kind = MentionKind::import;
  mention.span = import.span;
  mention.name = import.name;
  mention.role = path;
  options_.index->mentions.push_back(std::move(mention));
}

bool RuleFiles::check_cycle(const std::string& path, const NamedReference& import) {
  const std::string key = canonical_path(path);
  auto begin = std::find_if(open_.begin(), open_.end(), [&](const auto& open) { return open.first == key; });
  if (begin == open_.end()) return false;
  std::string cycle;
  for (auto it = begin; it != open_.end(); ++it) cycle += fs::path(it->second).filename().string() + " -> ";
  cycle += fs::path(begin->second).filename().string();
  diagnostics_.add(Diagnostic(kImportCycle, import.span)
                       .with("path", import.name)
                       .with("cycle", cycle)
                       .help("move what both files need into a third file"));
  return true;
}

void RuleFiles::add_phases(const RuleFile& file) {
  for (size_t i = 0; i < file.phases.size(); ++i) {
    auto same = std::find_if(phases_.begin(), phases_.end(),
                             [&](const Phase& phase) { return phase.name == file.phases[i].name; });
    if (same != phases_.end()) {
      add_duplicate("a phase", file.phases[i].name, file.phase_spans[i],
                    phase_spans_[static_cast<size_t>(same - phases_.begin())]);
      continue;
    }
    phases_.push_back(file.phases[i]);
    phase_spans_.push_back(file.phase_spans[i]);
  }
}

void RuleFiles::add_duplicate(std::string what, const std::string& name, const Span& span, const Span& first) {
  diagnostics_.add(Diagnostic(kDuplicateDefinition, span, "defined again here")
                       .with("what", std::move(what))
                       .with("name", name)
                       .label(first, "first defined here")
                       .help("give one of the two another name, or remove it"));
}

template <typename Map, typename Declarations>
void RuleFiles::collect(Map& map, const Declarations& declarations, const char* what) {
  for (const auto& declared : declarations) {
    auto [found, added] = map.emplace(declared.name, &declared);
    if (!added && found->second != &declared && reported_.insert(&declared).second) {
      add_duplicate(what, declared.name, declared.span, found->second->span);
      duplicates_ = true;
    }
  }
}

// What a file declares and what its imports do, directly and through theirs.
void RuleFiles::make_scope(const RuleFile& file) {
  Scope scope;
  std::set<const RuleFile*> seen;
  std::vector<const RuleFile*> left{&file};
  while (!left.empty()) {
    const RuleFile* next = left.back();
    left.pop_back();
    if (!seen.insert(next).second) continue;
    collect(scope.macros, next->macros, "a macro");
    collect(scope.predicates, next->predicates, "a predicate");
    collect(scope.classes, next->classes, "a class");
    for (const RuleFile* other : imports_[next]) left.push_back(other);
  }
  scopes_[&file] = std::move(scope);
  // One of two equal names was to be another.
  if (std::exchange(duplicates_, false)) scopes_[&file].names_missing = true;
}

std::string canonical_path(const std::string& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(path, error);
  return error ? path : result.string();
}

}  // namespace qrules
