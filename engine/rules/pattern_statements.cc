// The statements of a rule's `match`: each is compiled once, where it is first used, and its name is bound to a slot.

#include <cctype>

#include <qrules/rules/diagnostics.h>
#include <qrules/rules/pattern_compiler.h>

namespace qrules {

void PatternCompiler::compile(const MappedText& text) {
  const size_t errors = context_.diagnostics.size();
  text_span_ = text.span();
  if (!compile_statements(text) || context_.diagnostics.size() > errors) guess_names(text);
}

// False when a part of it was given up.
bool PatternCompiler::compile_statements(const MappedText& text) {
  const size_t errors = context_.diagnostics.size();
  statements_ = syntax::parse_match(text, context_.diagnostics);
  if (context_.diagnostics.size() > errors) return false;
  if (statements_.empty()) {
    context_.diagnostics.add(Diagnostic(kPatternSyntax, text.span())
                                 .with("expected", "a pattern")
                                 .with("found", "nothing")
                                 .help("a pattern is written as the graph prints: `%y = aten.relu.default(%x)`"));
    return false;
  }
  for (size_t i = 0; i < statements_.size(); ++i) {
    const syntax::Statement& statement = statements_[i];
    if (statement.name.empty()) continue;
    auto [found, added] = definitions_.emplace(statement.name, i);
    if (!added) {
      context_.diagnostics.add(Diagnostic(kNameDefinedTwice, statement.name_span)
                                   .with("name", statement.name)
                                   .label(statements_[found->second].name_span, "first defined here")
                                   .help("give one of the two another name"));
      return false;
    }
    if (statement.pattern->kind == syntax::Pattern::Kind::name) {
      context_.diagnostics.add(Diagnostic(kNotAPattern, statement.pattern->span)
                                   .with("name", statement.name)
                                   .with("other", statement.pattern->text)
                                   .help("use `%" + statement.pattern->text + "` where `%" + statement.name +
                                         "` stands, or write the call that `%" + statement.name + "` is"));
      return false;
    }
  }
  compiled_.assign(statements_.size(), kNoPattern);
  expanding_.assign(statements_.size(), false);
  given_up_.assign(statements_.size(), false);
  bool whole = attempt([&] {
    rule_.root = statement(statements_.size() - 1, Place());
    check_root(rule_.root, statements_.back());
  });
  for (size_t i = statements_.size() - 1; i-- > 0;) {
    if (compiled_[i] != kNoPattern || given_up_[i]) continue;
    whole = attempt([&] { rule_.extra_roots.push_back(statement(i, Place())); }) && whole;
  }
  return whole && attempt([&] {
           drop_reached_roots();
           check_group();
           check_connected();
         });
}

// So that conditions and the rewrite can be looked at without the pattern.
void PatternCompiler::guess_names(const MappedText& text) {
  context_.guessing = true;
  context_.failed = true;
  // All words: one may lack its %.
  const std::string& words = text.text();
  const auto is_word = [&](size_t i) {
    return i < words.size() && (std::isalnum(static_cast<unsigned char>(words[i])) || words[i] == '_');
  };
  for (size_t i = 0; i < words.size(); ++i) {
    if (!is_word(i)) continue;
    size_t end = i;
    while (is_word(end)) ++end;
    const std::string name = words.substr(i, end - i);
    if (!context_.names.count(name)) context_.add_slot(name, ExpressionType::any, text.span(i, end));
    i = end;
  }
  for (Slot& slot : rule_.slots) {
    slot.type = ExpressionType::any;
    slot.is_list = false;
  }
}

PatternId PatternCompiler::statement(size_t index, const Place& place) {
  const syntax::Statement& given = statements_[index];
  if (compiled_[index] != kNoPattern) {
    check_scope(given, place);
    return compiled_[index];
  }
  if (given_up_[index]) throw Failed();
  if (expanding_[index]) {
    fail(Diagnostic(kPatternSyntax, given.name_span)
             .with("expected", "an acyclic pattern")
             .with("found", "`%" + given.name + "`, which is defined by itself")
             .help("an operand is defined before its user; one of these names is another value"));
  }
  expanding_[index] = true;
  Environment environment;
  PatternId id = kNoPattern;
  try {
    id = pattern(*given.pattern, environment, place);
  } catch (const Failed&) {
    given_up_[index] = true;
    throw;
  }
  if (!given.name.empty()) {
    // The name of a group stands for its members.
    Place named = place;
    const PatternId whole = id;
    if (rule_.patterns[id].kind == PatternKind::siblings) {
      named.in_each = true;
      id = rule_.patterns[id].children[0];
    }
    const SlotId slot = slot_for(given.name, given.name, ExpressionType::node, given.name_span, named);
    rule_.patterns[id].slots.push_back(slot);
    const PatternKind kind = rule_.patterns[id].kind;
    if (kind == PatternKind::call || kind == PatternKind::alternative) rule_.slots[slot].pattern = id;
    id = whole;
  }
  compiled_[index] = id;
  return id;
}

// A statement used inside `[each ...]` stands for several values, elsewhere for one.
void PatternCompiler::check_scope(const syntax::Statement& given, const Place& place) {
  if (given.name.empty()) return;
  const Slot& slot = rule_.slots[context_.names.find(given.name)->second];
  if (slot.is_list == binds_list(given.name, place)) return;
  fail(Diagnostic(kInsideAndOutsideEach, given.name_span)
           .with("name", given.name)
           .help("give the values inside `[each ...]` a name of their own"));
}

SlotId PatternCompiler::slot_for(const std::string& key, const std::string& shown, ExpressionType type,
                                 const Span& span, const Place& place) {
  if (place.in_repetition) fail(Diagnostic(kNameInRepetition, span).with("name", shown).fix("free it", span, "_"));
  auto found = context_.names.find(key);
  if (found == context_.names.end()) {
    const SlotId slot = context_.add_slot(key, type, span);
    rule_.slots[slot].is_list = binds_list(key, place);
    rule_.slots[slot].may_be_unbound = place.in_branch;
    return slot;
  }
  Slot& slot = rule_.slots[found->second];
  if (slot.type != type) slot.type = ExpressionType::any;
  if (!place.in_branch) slot.may_be_unbound = false;
  if (slot.is_list != binds_list(key, place)) {
    fail(Diagnostic(kInsideAndOutsideEach, span)
             .with("name", shown)
             .label(slot.span, "first used here")
             .help("give the values inside `[each ...]` a name of their own"));
  }
  return found->second;
}

}  // namespace qrules
