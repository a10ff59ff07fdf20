// The rules of the files that were read, to a RuleSet: an instance for each element of a template, compiled, and their
// order.

#include <qrules/rules/load.h>

#include <algorithm>
#include <set>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/index.h>
#include <qrules/rules/order.h>
#include <qrules/rules/rule_files.h>
#include <qrules/rules/template_text.h>
#include <qrules/rules/unused_names.h>

namespace qrules {
namespace {

class Loader {
 public:
  explicit Loader(const LoadOptions& options)
      : options_(options),
        functions_(options.functions ? options.functions
                                     : std::make_shared<const FunctionRegistry>(FunctionRegistry::builtin())),
        files_(options, *functions_, diagnostics_) {
    set_.operators = options.operators;
    set_.functions = functions_;
  }

  Result<RuleSet> load_paths(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) files_.add_path(path);
    return finish(paths.empty() ? "" : paths.front());
  }

  Result<RuleSet> load_text(std::string name, std::string text) {
    auto source = std::make_shared<const SourceFile>(std::move(name), std::move(text));
    files_.add_text(source);
    return finish(source->name());
  }

 private:
  Result<RuleSet> finish(const std::string& path) {
    set_.phases = files_.phases();
    rules_missing_ = files_.rules_missing();
    if (set_.phases.empty() && !files_.phases_missing() && !diagnostics_.has_errors())
      diagnostics_.add(
          Diagnostic(kNoPhases)
              .with("path", path)
              .help("declare `phases: [{name: main}]` in the file, or put a pipeline.yaml into its folder"));
    std::set<const RuleFile*> done;
    for (const RuleFile* file : files_.roots()) {
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
    for (const auto& [path, file] : files_.all()) {
      if (!file) continue;
      const Scope& scope = files_.scope_of(*file);
      index_declarations(*file, scope, *options_.operators, index);
      index.files[file->source->name()] = {file, scope};
    }
    index.phases = set_.phases;
    index.phase_spans = files_.phase_spans();
    for (Mention& mention : index.mentions) {
      if (mention.definition) continue;
      if (mention.kind == MentionKind::rule) {
        if (auto found = declared_.find(mention.name); found != declared_.end())
          mention.definition = found->second.span;
      } else if (mention.kind == MentionKind::phase) {
        for (size_t i = 0; i < set_.phases.size(); ++i) {
          if (set_.phases[i].name == mention.name) mention.definition = files_.phase_spans()[i];
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
    if (index == kNoPhase && !declared.phase.name.empty() && !files_.phases_missing()) unknown_phase(declared.phase);
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
    if (!check_elements(declared, diagnostics_)) return;
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
    RuleContext context{
        files_.scope_of(file), *options_.operators, *set_.functions, options_.limits, diagnostics_, rule, {}};
    context.broken = &files_.broken();
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
    blame_elements(made, rule.name, errors, diagnostics_);
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
  std::shared_ptr<const FunctionRegistry> functions_;
  RuleSet set_;
  Diagnostics diagnostics_;
  RuleFiles files_;
  std::map<std::string, Declared> declared_;  // all rules, also those with mistakes
  std::vector<Reference> all_references_;
  bool rules_missing_ = false;  // a rule's name could not be read
  std::vector<OrderReference> references_;
};

}  // namespace

Result<RuleSet> load_rules(const std::vector<std::string>& paths, const LoadOptions& options) {
  return Loader(options).load_paths(paths);
}

Result<RuleSet> load_rules_text(std::string name, std::string text, const LoadOptions& options) {
  return Loader(options).load_text(std::move(name), std::move(text));
}

}  // namespace qrules
