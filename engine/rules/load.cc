// Files to a RuleSet: reading, imports, templates, compilation of each instance, order.

#include <qrules/rules/load.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/file_cache.h>
#include <qrules/rules/index.h>
#include <qrules/rules/order.h>
#include <qrules/rules/scope.h>
#include <qrules/rules/template_text.h>

namespace qrules {
namespace fs = std::filesystem;
namespace {

std::string canonical(const fs::path& path) {
  std::error_code error;
  fs::path result = fs::weakly_canonical(path, error);
  return error ? path.string() : result.string();
}

// Calls `visit(name, place)` for every %name of a text, outside comments and quotes.
template <typename Visit>
void each_name(const MappedText& mapped, const Visit& visit) {
  const std::string& text = mapped.text();
  const auto is_word = [&](size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) i += text[i] == '\\' ? 1 : 0;
    } else if (text[i] == '%' && is_word(i + 1) && !std::isdigit(static_cast<unsigned char>(text[i + 1]))) {
      size_t end = i + 1;
      while (is_word(end)) ++end;
      visit(text.substr(i + 1, end - i - 1), i, end);
      i = end - 1;
    }
  }
}

// Names that occur once in all texts of a rule, and that in its match.
std::vector<std::pair<std::string, Span>> unused_names(const RuleDeclaration& rule) {
  std::map<std::string, size_t> count;
  const auto add = [&](const std::string& name, size_t, size_t) { ++count[name]; };
  for (const MappedText* text : {&rule.match, &rule.members, &rule.where, &rule.rewrite}) each_name(*text, add);
  if (rule.counter_when) each_name(*rule.counter_when, add);
  std::vector<std::pair<std::string, Span>> unused;
  each_name(rule.match, [&](const std::string& name, size_t begin, size_t end) {
    if (count[name] == 1 && name[0] != '_') unused.emplace_back(name, rule.match.span(begin, end));
  });
  return unused;
}

class Loader {
 public:
  explicit Loader(const LoadOptions& options) : options_(options) {
    set_.operators = options.operators;
    set_.functions =
        options.functions ? options.functions : std::make_shared<const FunctionRegistry>(FunctionRegistry::builtin());
  }

  Result<RuleSet> load_paths(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      std::error_code error;
      if (fs::is_directory(path, error)) {
        load_folder(path);
      } else {
        const RuleFile* file = read(path, nullptr);
        if (file) {
          add_phases_above(path);
          roots_.push_back(file);
        }
      }
    }
    return finish(paths.empty() ? "" : paths.front());
  }

  Result<RuleSet> load_text(std::string name, std::string text) {
    auto source = std::make_shared<const SourceFile>(std::move(name), std::move(text));
    if (const RuleFile* file = add_file(canonical(source->name()), source)) roots_.push_back(file);
    return finish(source->name());
  }

 private:
  void load_folder(const std::string& folder) {
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
  void add_phases_above(const std::string& file) {
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

  // Names in messages stay relative when the user's are.
  static std::string display(const fs::path& pipeline, const std::string& near) {
    if (fs::path(near).is_absolute()) return pipeline.string();
    std::error_code error;
    fs::path relative = fs::relative(pipeline, error);
    return error || relative.empty() ? pipeline.string() : relative.string();
  }

  const RuleFile* read(const std::string& path, const NamedReference* import) {
    const std::string key = canonical(path);
    if (auto found = files_.find(key); found != files_.end()) return found->second.get();
    if (options_.index) options_.index->paths.push_back(path);
    if (auto open = options_.open_texts.find(key); open != options_.open_texts.end())
      return add_file(key, open->second);
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

  // Files beside the one that is missing.
  static void suggest_file(const std::string& path, const NamedReference* import, Diagnostic& diagnostic) {
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

  static Diagnostic with_place(Diagnostic diagnostic, const NamedReference* import) {
    if (import) diagnostic.labels.push_back({import->span, "imported here"});
    return diagnostic;
  }

  // Null when it is no YAML (reported).
  std::shared_ptr<const RuleFile> parse(const std::string& key, const SourcePtr& source) {
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

  const RuleFile* add_file(const std::string& key, const SourcePtr& source) {
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
    check_declarations(*result, scopes_[result], *options_.operators, *set_.functions, options_.limits, broken_,
                       diagnostics_);
    return result;
  }

  void add_import(const NamedReference& import, const std::string& path) {
    Mention mention;
    mention.kind = MentionKind::import;
    mention.span = import.span;
    mention.name = import.name;
    mention.role = path;
    options_.index->mentions.push_back(std::move(mention));
  }

  bool check_cycle(const std::string& path, const NamedReference& import) {
    const std::string key = canonical(path);
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

  void add_phases(const RuleFile& file) {
    for (size_t i = 0; i < file.phases.size(); ++i) {
      auto same = std::find_if(set_.phases.begin(), set_.phases.end(),
                               [&](const Phase& phase) { return phase.name == file.phases[i].name; });
      if (same != set_.phases.end()) {
        duplicate("a phase", file.phases[i].name, file.phase_spans[i],
                  phase_spans_[static_cast<size_t>(same - set_.phases.begin())]);
        continue;
      }
      set_.phases.push_back(file.phases[i]);
      phase_spans_.push_back(file.phase_spans[i]);
    }
  }

  void duplicate(std::string what, const std::string& name, const Span& span, const Span& first) {
    diagnostics_.add(Diagnostic(kDuplicateDefinition, span, "defined again here")
                         .with("what", std::move(what))
                         .with("name", name)
                         .label(first, "first defined here")
                         .help("give one of the two another name, or remove it"));
  }

  // What a file declares and what its imports do, directly and through theirs.
  void make_scope(const RuleFile& file) {
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

  template <typename Map, typename Declarations>
  void collect(Map& map, const Declarations& declarations, const char* what) {
    for (const auto& declared : declarations) {
      auto [found, added] = map.emplace(declared.name, &declared);
      if (!added && found->second != &declared && reported_.insert(&declared).second) {
        duplicate(what, declared.name, declared.span, found->second->span);
        duplicates_ = true;
      }
    }
  }

  Result<RuleSet> finish(const std::string& path) {
    if (set_.phases.empty() && !phases_missing_ && !diagnostics_.has_errors())
      diagnostics_.add(
          Diagnostic(kNoPhases)
              .with("path", path)
              .help("declare `phases: [{name: main}]` in the file, or put a pipeline.yaml into its folder"));
    std::set<const RuleFile*> done;
    for (const RuleFile* file : roots_) {
      if (!done.insert(file).second) continue;
      for (const RuleDeclaration& rule : file->rules) add_rule(*file, rule);
    }
    check_references();
    if (!diagnostics_.has_errors()) order_rules(set_.rules, references_, diagnostics_);
    if (options_.index) finish_index(*options_.index);
    if (diagnostics_.has_errors()) return diagnostics_;
    set_.warnings = std::move(diagnostics_);
    return std::move(set_);
  }

  void finish_index(RuleIndex& index) const {
    for (const auto& [path, file] : files_) {
      if (!file) continue;
      const Scope& scope = scopes_.find(file.get())->second;
      index_declarations(*file, scope, *options_.operators, index);
      index.files[file->source->name()] = {file, scope};
    }
    index.phases = set_.phases;
    index.phase_spans = phase_spans_;
    for (Mention& mention : index.mentions) {
      if (mention.definition) continue;
      if (mention.kind == MentionKind::rule) {
        if (auto found = declared_.find(mention.name); found != declared_.end())
          mention.definition = found->second.span;
      } else if (mention.kind == MentionKind::phase) {
        for (size_t i = 0; i < set_.phases.size(); ++i) {
          if (set_.phases[i].name == mention.name) mention.definition = phase_spans_[i];
        }
      }
    }
  }

  // Rules that `before`, `after` and the tests' `with` name; whether other parts of the files are right does not
  // matter.
  void check_references() {
    const auto known_in = [&](uint32_t phase) {
      std::vector<std::string> names;
      for (const auto& [name, declared] : declared_) {
        if (declared.phase == phase || declared.phase == kNoPhase) names.push_back(name);
      }
      return names;
    };
    for (const Reference& reference : all_references_) {
      const auto other = declared_.find(reference.to.name);
      if (reference.phase == kNoPhase || (other == declared_.end() && rules_missing_)) continue;
      if (other != declared_.end() && (other->second.phase == reference.phase || other->second.phase == kNoPhase)) {
        if (other->first == reference.from)
          diagnostics_.add(Diagnostic(kOrderCycle, reference.to.span, "the rule itself")
                               .with("cycle", reference.from + " before " + reference.from)
                               .help("remove it, or name another rule"));
        continue;
      }
      Diagnostic diagnostic = Diagnostic(kUnknownRule, reference.to.span)
                                  .with("name", reference.to.name)
                                  .with("phase", set_.phases[reference.phase].name);
      std::vector<std::string> known = known_in(reference.phase);
      known.erase(std::remove(known.begin(), known.end(), reference.from), known.end());
      if (other != declared_.end()) {
        diagnostic.labels.push_back({other->second.span, "in phase `" + set_.phases[other->second.phase].name + "`"});
        diagnostic.helps.push_back({"only rules of the same phase are tried side by side", {}, {}});
      } else if (!diagnostic.suggest(reference.to.name, known, reference.to.span)) {
        std::string list;
        for (const std::string& name : known) {
          if (list.size() < 120)
            list += (list.empty() ? "" : ", ") + name;
          else if (list.back() != '.')
            list += ", ...";
        }
        diagnostic.helps.push_back(
            {list.empty() ? "the phase has no other rule" : "the other rules of the phase are " + list, {}, {}});
      }
      diagnostics_.add(std::move(diagnostic));
    }
  }

  void add_rule(const RuleFile& file, const RuleDeclaration& declared) {
    const std::string& base = declared.name.text();
    auto phase = std::find_if(set_.phases.begin(), set_.phases.end(),
                              [&](const Phase& p) { return p.name == declared.phase.name; });
    const uint32_t index = phase == set_.phases.end() ? kNoPhase : static_cast<uint32_t>(phase - set_.phases.begin());
    auto [first, added] = declared_.emplace(base, Declared{declared.name.span(), index});
    if (!added) {
      rules_missing_ = true;
      diagnostics_.add(Diagnostic(kDuplicateRule, declared.name.span(), "defined again here")
                           .with("name", base)
                           .label(first->second.span, "first defined here")
                           .propose("give it another name", declared.name.span(), base + "-2"));
    }
    if (index == kNoPhase && !declared.phase.name.empty() && !phases_missing_) unknown_phase(declared.phase);
    for (const NamedReference& other : declared.before) all_references_.push_back({base, index, other});
    for (const NamedReference& other : declared.after) all_references_.push_back({base, index, other});
    if (!declared.complete) return;

    size_t count = 1;
    for (const ForeachVariable& variable : declared.foreach_variables) {
      count *= variable.elements.size();
      if (count > options_.limits.foreach_instances) {
        diagnostics_.add(
            Diagnostic(kLimitExceeded, variable.span, "this makes them " + std::to_string(count))
                .with("what", "the number of instances of `foreach`")
                .with("limit", static_cast<int64_t>(options_.limits.foreach_instances))
                .help("match a class of operators, or check in `where`, instead of making a rule for each"));
        return;
      }
    }
    if (!check_elements(declared)) return;
    // A mistake in the text of a template repeats itself in each instance and is said once; one in an element is said
    // for each element.
    std::set<size_t> said;  // where it begins
    for (size_t instance = 0; instance < count; ++instance) {
      const size_t before = diagnostics_.size();
      add_instance(file, declared, index == kNoPhase ? 0 : index, instance, count);
      if (declared.foreach_variables.empty()) return;
      std::vector<Diagnostic> fresh(diagnostics_.list().begin() + static_cast<std::ptrdiff_t>(before),
                                    diagnostics_.list().end());
      diagnostics_.truncate(before);
      for (Diagnostic& diagnostic : fresh) {
        if (diagnostic.labels.empty() || said.insert(diagnostic.labels.front().span.begin).second)
          diagnostics_.add(std::move(diagnostic));
      }
    }
  }

  void unknown_phase(const NamedReference& phase) {
    std::vector<std::string> known;
    for (const Phase& candidate : set_.phases) known.push_back(candidate.name);
    Diagnostic diagnostic = Diagnostic(kUnknownPhase, phase.span).with("name", phase.name);
    if (known.empty()) {
      diagnostic.helps.push_back(
          {"no pipeline.yaml was found in the file's folder or above it, and the file has no `phases:`", {}, {}});
    } else if (!diagnostic.suggest(phase.name, known, phase.span)) {
      std::string list;
      for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
      if (known.size() == 1)
        diagnostic = std::move(diagnostic).fix("the only phase is `" + known[0] + "`", phase.span, known[0]);
      else
        diagnostic.helps.push_back({"the phases are " + list, {}, {}});
    }
    diagnostics_.add(std::move(diagnostic));
  }

  // Elements that lack a key which the rule's texts use and other elements have.
  bool check_elements(const RuleDeclaration& declared) {
    const size_t before = diagnostics_.size();
    for (const ForeachVariable& variable : declared.foreach_variables) {
      std::set<std::string> keys;
      for (const auto& element : variable.elements) {
        for (const auto& [key, text] : element) keys.insert(key);
      }
      for (const std::string& key : keys) {
        const std::string use = "${" + variable.name + (key.empty() ? "" : "." + key) + "}";
        const auto uses = [&](const MappedText& text) { return text.text().find(use) != std::string::npos; };
        if (!uses(declared.match) && !uses(declared.where) && !uses(declared.rewrite)) continue;
        for (size_t i = 0; i < variable.elements.size(); ++i) {
          if (variable.elements[i].count(key)) continue;
          const MappedText& text = uses(declared.match)   ? declared.match
                                   : uses(declared.where) ? declared.where
                                                          : declared.rewrite;
          const size_t at = text.text().find(use);
          const Span& place = variable.element_spans[i];
          diagnostics_.add(Diagnostic(kMissingKey, place, "`" + key + "` is missing")
                               .with("where", "an element of `" + variable.name + "`")
                               .with("key", key)
                               .label(text.span(at, at + use.size()), "used here")
                               .propose("give it", place.part(0, 0), key + ": ..., "));
        }
      }
    }
    return diagnostics_.size() == before;
  }

  // What is wrong with a text that an element gave stands at the element.
  void blame_elements(const std::vector<Substitution>& made, const std::string& instance, size_t before) {
    for (size_t i = before; i < diagnostics_.size(); ++i) {
      Diagnostic& diagnostic = diagnostics_[i];
      if (diagnostic.labels.empty()) continue;
      const Span use = diagnostic.labels.front().span;
      const auto inside = [&](const Substitution& s) {
        return s.use.file == use.file && use.begin >= s.use.begin && use.end <= s.use.end;
      };
      const auto overlaps = [&](const Substitution& s) {
        return s.use.file == use.file && use.begin < s.use.end && use.end > s.use.begin;
      };
      auto element = std::find_if(made.begin(), made.end(), inside);
      if (element != made.end()) {
        diagnostic.labels.front() = {element->element, diagnostic.labels.front().text};
        diagnostic.labels.push_back({element->use, "used here"});
        for (Help& help : diagnostic.helps) {
          if (help.span && help.span.begin == use.begin && help.span.end == use.end) help.span = element->element;
        }
      } else if ((element = std::find_if(made.begin(), made.end(), overlaps)) != made.end()) {
        diagnostic.labels.push_back({element->element, "${" + element->name + "} in `" + instance + "`"});
        // The edit would take the template's place.
        for (Help& help : diagnostic.helps) {
          if (help.span && help.span.begin < element->use.end && help.span.end > element->use.begin) {
            help.span = {};
            help.replacement.clear();
            help.applicable = false;
          }
        }
      }
    }
  }

  void add_instance(const RuleFile& file, const RuleDeclaration& declared, uint32_t phase, size_t instance,
                    size_t count) {
    std::map<std::string, MappedText> values;
    std::string label;
    // The last variable changes fastest.
    size_t rest = instance;
    for (size_t i = declared.foreach_variables.size(); i-- > 0;) {
      const ForeachVariable& variable = declared.foreach_variables[i];
      const auto& element = variable.elements[rest % variable.elements.size()];
      rest /= variable.elements.size();
      for (const auto& [key, text] : element) values[key.empty() ? variable.name : variable.name + "." + key] = text;
      auto main = element.find("");
      if (main != element.end()) label = main->second.text() + (label.empty() ? "" : ",") + label;
    }
    Rule rule;
    rule.base_name = declared.name.text();
    rule.name = count > 1 ? rule.base_name + "[" + label + "]" : rule.base_name;
    rule.doc = declared.doc;
    rule.span = declared.name.span();
    rule.phase = phase;
    rule.benefit = declared.benefit;
    rule.covers = declared.covers;
    for (const NamedReference& other : declared.before) rule.before.push_back(other.name);
    for (const NamedReference& other : declared.after) rule.after.push_back(other.name);
    if (instance == 0) {
      rule.tests = declared.tests;
      rule.unused_names = unused_names(declared);
    }

    const size_t errors = diagnostics_.size();
    std::vector<Substitution> made;
    const auto filled = [&](const MappedText& text) { return substitute(text, values, diagnostics_, &made); };
    RuleTexts texts{
        filled(declared.match), filled(declared.members), filled(declared.where), filled(declared.rewrite), {}};
    if (diagnostics_.size() > errors) return;
    RuleContext context{scopes_[&file], *options_.operators, *set_.functions, options_.limits, diagnostics_, rule, {}};
    context.broken = &broken_;
    compile_pattern(context, texts.match);
    compile_member_conditions(context, texts.members);
    compile_conditions(context, texts.where);
    if (declared.counter) {
      RuleCounter counter;
      counter.name = filled(*declared.counter).text();
      if (declared.counter_when) {
        texts.counter_when = filled(*declared.counter_when);
        counter.when = compile_condition(context, texts.counter_when);
      }
      rule.counter = std::move(counter);
    }
    compile_rewrite(context, texts.rewrite);
    // Also when something is wrong: a person asks about a rule while writing it.
    if (options_.index && instance == 0) index_rule(context, texts, *options_.index);
    blame_elements(made, rule.name, errors);
    if (diagnostics_.size() > errors || context.failed || declared.broken) return;
    for (const NamedReference& other : declared.before)
      references_.push_back({set_.rules.size(), other.name, other.span, true});
    for (const NamedReference& other : declared.after)
      references_.push_back({set_.rules.size(), other.name, other.span, false});
    set_.rules.push_back(std::move(rule));
  }

  static constexpr uint32_t kNoPhase = UINT32_MAX;
  struct Declared {
    Span span;
    uint32_t phase = kNoPhase;
  };
  struct Reference {
    std::string from;
    uint32_t phase = kNoPhase;
    NamedReference to;
  };

  const LoadOptions& options_;
  RuleSet set_;
  Diagnostics diagnostics_;
  std::map<std::string, std::shared_ptr<const RuleFile>> files_;  // by canonical path; null: it could not be read
  std::vector<std::pair<std::string, std::string>> open_;         // files whose imports are being read
  std::map<const RuleFile*, std::vector<const RuleFile*>> imports_;
  std::map<const RuleFile*, Scope> scopes_;
  std::vector<const RuleFile*> roots_;
  std::vector<Span> phase_spans_;
  std::set<const void*> reported_;
  std::map<std::string, Declared> declared_;  // all rules, also those with mistakes
  std::vector<Reference> all_references_;
  BrokenDeclarations broken_;
  bool phases_missing_ = false;
  bool rules_missing_ = false;  // a rule's name could not be read
  bool duplicates_ = false;
  std::vector<OrderReference> references_;
};

}  // namespace

std::string canonical_path(const std::string& path) { return canonical(path); }

Result<RuleSet> load_rules(const std::vector<std::string>& paths, const LoadOptions& options) {
  return Loader(options).load_paths(paths);
}

Result<RuleSet> load_rules_text(std::string name, std::string text, const LoadOptions& options) {
  return Loader(options).load_text(std::move(name), std::move(text));
}

}  // namespace qrules
