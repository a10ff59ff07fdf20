// See generate.h.

#include <qrules/generate/generate.h>

#include <algorithm>

#include <qrules/generate/emit.h>
#include <qrules/generate/hints.h>
#include <qrules/match/evaluate.h>

namespace qrules {
namespace {

using namespace generate;

constexpr size_t kStubborn = 120;  // graphs in a row that are no better, before all is drawn anew

// One graph and how near it is.
struct Attempt {
  Graph graph;
  Decisions decisions;
  bool complete = false;  // all rules match
  bool structure = false;
  double score = 0;
  std::string reason;
  std::vector<std::string> suspects;  // terms that what failed looks at
  std::vector<std::string> roots;
};

}  // namespace

struct Generator::Impl {
  Impl(const RuleSet& all, GenerateTarget wanted) : rules(all), target(std::move(wanted)) {
    for (size_t i = 0; i < target.rules.size(); ++i) {
      collect_hints(*target.rules[i], "r" + std::to_string(i) + ".", hints);
      automata.push_back(Automaton::compile(rules, {target.rules[i]}));
    }
  }

  bool structure(Skeleton& skeleton) const {
    const bool on_roots = target.rules.size() == 2 && target.first_pattern == target.rules[0]->root &&
                          target.second_pattern == target.rules[1]->root;
    for (size_t i = 0; i < target.rules.size(); ++i) {
      Term* root = i == 1 && on_roots ? skeleton.rules()[0].root : nullptr;
      if (!skeleton.add(*target.rules[i], root)) return false;
    }
    if (target.rules.size() < 2 || on_roots) return true;
    const auto& first = skeleton.rules()[0].patterns;
    const auto& second = skeleton.rules()[1].patterns;
    const auto a = first.find(target.first_pattern);
    const auto b = second.find(target.second_pattern);
    if (a == first.end() || b == second.end()) return false;  // a way that was not taken
    return skeleton.unify(a->second, b->second) && !skeleton.cyclic() &&
           find(skeleton.rules()[0].root) != find(skeleton.rules()[1].root);
  }

  Attempt attempt(Decisions decisions) {
    decisions.begin();
    Attempt result{Graph(rules.operators), Decisions(), false, false, 0, {}, {}, {}};
    Skeleton skeleton(*rules.operators, decisions);
    if (!structure(skeleton)) {
      result.decisions = std::move(decisions);
      return result;
    }
    result.structure = true;
    Recipes recipes(*rules.operators, decisions, hints);
    for (const RuleTerms& rule : skeleton.rules()) {
      recipes.ask(rule.root, recipes.draw_wish(find(rule.root)->name));
      for (Term* sibling : rule.siblings) recipes.ask(sibling, recipes.draw_wish(find(sibling)->name));
      for (const PatternId extra : rule.rule->extra_roots) {
        const auto term = rule.patterns.find(extra);
        if (term != rule.patterns.end()) recipes.ask(term->second, recipes.draw_wish(find(term->second)->name));
      }
    }
    Emitter emitter(result.graph, skeleton, decisions, hints, recipes);
    if (!emitter.run()) {
      result.score = 1 + 0.1 * static_cast<double>(emitter.calls);
      result.reason = emitter.refused;
      if (!emitter.refused_term.empty()) result.suspects.push_back(emitter.refused_term);
      result.decisions = std::move(decisions);
      return result;
    }
    result.score = 100;
    size_t failed = 0;
    for (const RuleTerms& rule : skeleton.rules()) {
      const Bindings bindings = emitter.bindings(rule);
      Node* root = find(rule.root)->value->node();
      result.roots.push_back(root->name());
      const FunctionContext context{result.graph, root, nullptr};
      // `member` is one of the group whose condition it is.
      const auto ask = [&](const Condition& condition, const Bindings& names, std::optional<size_t> member) {
        for (const Expression* part : conjuncts(condition.expression)) {
          const Evaluated value = evaluate(*part, names, context);
          const Argument* known = std::get_if<Argument>(&value);
          const bool* truth = known ? known->get_if<bool>() : nullptr;
          if (truth && *truth) {
            result.score += 1;
            continue;
          }
          if (failed++ == 0) {
            result.reason = "`" + condition.text + "` of `" + rule.rule->name +
                            "`: " + check(condition, *rule.rule, names, context, true).reason;
          }
          for (const SlotId slot : slots_of(*part)) {
            if (slot < rule.slots.size() && rule.slots[slot]) result.suspects.push_back(find(rule.slots[slot])->name);
            if (slot >= rule.lists.size()) continue;
            for (size_t i = 0; i < rule.lists[slot].size(); ++i) {
              Term* term = rule.lists[slot][i];
              if (term && (!member || *member == i)) result.suspects.push_back(find(term)->name);
            }
          }
        }
      };
      for (size_t i = 0; i < rule.siblings.size() && !rule.rule->member_conditions.empty(); ++i) {
        Bindings names = bindings;
        for (SlotId slot = 0; slot < names.size() && slot < rule.lists.size(); ++slot) {
          const Argument::List* list = rule.rule->slots[slot].is_list ? names[slot].value.list() : nullptr;
          if (!list || i >= list->size()) continue;
          const Argument own = (*list)[i];
          names[slot].value = own;
        }
        for (const Condition& condition : rule.rule->member_conditions) ask(condition, names, i);
      }
      for (const Condition& condition : rule.rule->conditions) ask(condition, bindings, std::nullopt);
    }
    if (failed == 0) confirm(skeleton, result);
    result.decisions = std::move(decisions);
    return result;
  }

  // The automaton has the last word: an operand order or a longer chain may be tried first.
  void confirm(const Skeleton& skeleton, Attempt& result) {
    for (size_t i = 0; i < skeleton.rules().size(); ++i) {
      Automaton::Session session(automata[i], result.graph);
      if (!session.match(result.graph.find(result.roots[i]))) {
        result.reason = "`" + target.rules[i]->name + "` does not match the graph that was made for it";
        return;
      }
    }
    result.complete = true;
  }

  std::optional<Generated> generate(uint64_t seed, size_t attempts) {
    failure = {true, "the patterns do not fit together"};
    Decisions chance(seed ^ 0xabcdef1234567ULL);
    size_t made = 0;
    double closest = -1;
    for (uint64_t restart = 0; made < attempts; ++restart) {
      Attempt best = attempt(Decisions(seed * 1'000'003 + restart));
      ++made;
      if (!best.structure) continue;
      for (size_t stubborn = 0; !best.complete && stubborn < kStubborn && made < attempts; ++made) {
        Decisions changed = best.decisions;
        change(changed, best, chance, made);
        Attempt next = attempt(std::move(changed));
        stubborn = next.score > best.score ? 0 : stubborn + 1;
        if (next.score >= best.score) best = std::move(next);
      }
      if (best.complete) return Generated{std::move(best.graph), std::move(best.roots), std::move(best.decisions)};
      if (best.score > closest) {
        closest = best.score;
        failure = {false, best.reason};
      }
    }
    return std::nullopt;
  }

  // Draws again some of the choices, more often those about the terms that a failing condition looks at.
  static void change(Decisions& decisions, const Attempt& best, Decisions& chance, size_t round) {
    const std::vector<std::string> used = best.decisions.used();
    if (used.empty()) return;
    // What a value is like was decided at the value, or at one of the calls above it.
    std::vector<std::string> starts = best.suspects;
    for (const std::string& term : best.suspects) {
      for (size_t dot = term.find('.'); dot != std::string::npos; dot = term.find('.', dot + 1))
        starts.push_back(term.substr(0, dot) + ":");
    }
    std::vector<std::string> suspicious;
    for (const std::string& name : used) {
      if (std::any_of(starts.begin(), starts.end(), [&](const std::string& start) { return name.starts_with(start); }))
        suspicious.push_back(name);
    }
    const std::string key = std::to_string(round);
    const size_t count = 1 + chance.choose(key + ".count", {6, 3, 1, 1});
    for (size_t i = 0; i < count; ++i) {
      const bool directed = !suspicious.empty() && chance.choose(key + ".directed" + std::to_string(i), {2, 1}) == 0;
      const std::vector<std::string>& from = directed ? suspicious : used;
      decisions.redraw(from[chance.choose(key + ".name" + std::to_string(i), from.size())]);
    }
  }

  const RuleSet& rules;
  GenerateTarget target;
  Hints hints;
  std::vector<Automaton> automata;
  GenerateFailure failure;
};

Generator::Generator(const RuleSet& rules, GenerateTarget target)
    : impl_(std::make_unique<Impl>(rules, std::move(target))) {}
Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;

std::optional<Generated> Generator::generate(uint64_t seed, size_t attempts) { return impl_->generate(seed, attempts); }

std::optional<Generated> Generator::build(Decisions decisions) {
  Attempt attempt = impl_->attempt(std::move(decisions));
  if (!attempt.complete) return std::nullopt;
  return Generated{std::move(attempt.graph), std::move(attempt.roots), std::move(attempt.decisions)};
}

const GenerateFailure& Generator::failure() const { return impl_->failure; }

}  // namespace qrules
