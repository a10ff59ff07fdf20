// The roots of a rule's pattern: calls, each reached from no other one and tied to those before it by what they share.

#include <algorithm>

#include <qrules/rules/certain.h>
#include <qrules/rules/diagnostics.h>
#include <qrules/rules/pattern_compiler.h>

namespace qrules {

void PatternCompiler::check_root(PatternId id, const syntax::Statement& statement) {
  const Pattern& root = rule_.patterns[id];
  if (root.kind == PatternKind::alternative) {
    for (PatternId child : root.children) check_root(child, statement);
  } else if (root.kind == PatternKind::siblings) {
    check_root(root.children[0], statement);
  } else if (root.kind != PatternKind::call) {
    Diagnostic diagnostic(kRootNotACall, statement.pattern->span);
    const Span& span = statement.pattern->span;
    if (root.kind == PatternKind::optional || root.kind == PatternKind::repeat)
      diagnostic = std::move(diagnostic).propose("make the call required", span.part(span.end - span.begin - 1, 1), "");
    else
      diagnostic = std::move(diagnostic).help("end `match` with the call that the rewrite replaces");
    fail(std::move(diagnostic));
  }
}

void PatternCompiler::check_extra_root(PatternId id, const Span& span) {
  const Pattern& root = rule_.patterns[id];
  if (root.kind == PatternKind::alternative) {
    for (PatternId child : root.children) check_extra_root(child, span);
  } else if (root.kind != PatternKind::call) {
    fail(Diagnostic(kRootNotACall, span)
             .with("place", "a statement that no other one uses")
             .help("a statement of its own must be a call; use its value in another statement, or write the call out"));
  }
}

void PatternCompiler::reach(PatternId id, std::set<PatternId>& reached) const {
  if (!reached.insert(id).second) return;
  for (const PatternArgument& argument : rule_.patterns[id].arguments) reach(argument.pattern, reached);
  for (PatternId child : rule_.patterns[id].children) reach(child, reached);
}

// A statement that another unreached statement uses is part of that one.
void PatternCompiler::drop_reached_roots() {
  std::vector<PatternId> kept;
  for (size_t i = 0; i < rule_.extra_roots.size(); ++i) {
    bool inner = false;
    for (size_t j = 0; j < rule_.extra_roots.size(); ++j) {
      std::set<PatternId> reached;
      if (i != j) reach(rule_.extra_roots[j], reached);
      inner = inner || reached.count(rule_.extra_roots[i]) > 0;
    }
    if (!inner) kept.push_back(rule_.extra_roots[i]);
  }
  rule_.extra_roots = std::move(kept);
}

// A group's members are looked for among users, so nothing else may need to be found.
void PatternCompiler::check_group() {
  if (rule_.patterns[rule_.root].kind != PatternKind::siblings || rule_.extra_roots.empty()) return;
  fail(Diagnostic(kSiblingsPlace, rule_.patterns[rule_.extra_roots.front()].span)
           .with("why", "this statement is not reached from the group")
           .help("use its value in the group's pattern, or ask about it in `members` or `where`"));
}

void PatternCompiler::check_connected() {
  for (SlotId slot : bound_in_alternative_) rule_.slots[slot].may_be_unbound = false;
  // Only what every match of both has ties them together.
  Certain bound = certain_below(rule_, rule_.root);
  std::vector<PatternId> ordered, left = rule_.extra_roots;
  while (!left.empty()) {
    auto next = std::find_if(left.begin(), left.end(),
                             [&](PatternId id) { return !certain_below(rule_, id).shared(bound).empty(); });
    if (next == left.end()) not_connected(left.front());
    check_extra_root(*next, rule_.patterns[*next].span);
    bound.add(certain_below(rule_, *next));
    ordered.push_back(*next);
    left.erase(next);
  }
  rule_.extra_roots = std::move(ordered);
}

void PatternCompiler::not_connected(PatternId id) {
  Diagnostic diagnostic(kNotConnected, rule_.patterns[id].span);
  suggest_connection(id, diagnostic);
  std::set<PatternId> rest, own;
  reach(rule_.root, rest);
  reach(id, own);
  for (SlotId slot = 0; slot < rule_.slots.size(); ++slot) {
    const auto names = [&](PatternId pattern) {
      const std::vector<SlotId>& slots = rule_.patterns[pattern].slots;
      return std::find(slots.begin(), slots.end(), slot) != slots.end();
    };
    if (!std::any_of(rest.begin(), rest.end(), names) || !std::any_of(own.begin(), own.end(), names)) continue;
    diagnostic.notes.push_back("`%" + rule_.slots[slot].name +
                               "` ties nothing together: a shared name counts when every match binds it to a node");
  }
  fail(std::move(diagnostic));
}

// A name that stands once in the rest and nearly reads like this statement's.
void PatternCompiler::suggest_connection(PatternId id, Diagnostic& diagnostic) {
  if (rule_.patterns[id].slots.empty()) {
    diagnostic.helps.push_back({"name the call and use the name in another statement, or remove it", {}, {}});
    return;
  }
  const std::string& own = rule_.slots[rule_.patterns[id].slots.front()].name;
  const Slot* nearest = nullptr;
  for (const Slot& slot : rule_.slots) {
    if (slot.name == own || slot.pattern != kNoPattern || slot.name.find('@') != std::string::npos) continue;
    if (slot.name.find(own) != std::string::npos || did_you_mean(slot.name, {own})) nearest = nearest ? nearest : &slot;
  }
  if (nearest) {
    diagnostic.labels.push_back({nearest->span, "`%" + nearest->name + "` is defined nowhere"});
    diagnostic = std::move(diagnostic).propose("did you mean `%" + own + "` there?", nearest->span, "%" + own);
  } else {
    diagnostic.helps.push_back({"use `%" + own + "` in another statement, or remove this one", {}, {}});
  }
}

}  // namespace qrules
