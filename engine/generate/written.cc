#include <qrules/generate/written.h>

#include <algorithm>
#include <map>

#include <qrules/graph/text.h>

namespace qrules::generate {
namespace {

std::string text_of(const Argument& value) {
  static const DimTable no_symbols;
  // 1 equals 1.0.
  if (const auto number = value.number(); number && !value.get_if<bool>()) return print(Argument(*number), no_symbols);
  return print(value, no_symbols);
}

}  // namespace

Written known(Argument value) {
  std::string text = text_of(value);
  return {std::move(text), std::move(value), false};
}

std::optional<Written> Writer::write(const Expression& expression) const {
  switch (expression.kind) {
    case ExpressionKind::literal: return Written{text_of(expression.literal), expression.literal, false};
    case ExpressionKind::slot: {
      const auto place = place_(expression.slot);
      if (!place) return std::nullopt;
      if (place->value) return Written{text_of(*place->value), place->value, false};
      return Written{place->text, std::nullopt, false};
    }
    case ExpressionKind::bound: return known(Argument(place_(expression.slot).has_value()));
    case ExpressionKind::for_all:
    case ExpressionKind::for_any: return loop(expression);
    case ExpressionKind::list: {
      Argument::List values;
      std::string text = "[";
      bool known = true;
      for (const Expression& operand : expression.operands) {
        const auto written = write(operand);
        if (!written) return std::nullopt;
        text += written->text + ",";
        known = known && written->value.has_value();
        if (written->value) values.push_back(*written->value);
      }
      if (known) return Written{text_of(Argument(values)), Argument(values), false};
      return Written{text + "]", std::nullopt, false};
    }
    case ExpressionKind::call: return call(expression);
    default: break;
  }
  std::vector<std::string> texts;
  for (const Expression& operand : expression.operands) {
    const auto written = write(operand);
    if (!written) return std::nullopt;
    texts.push_back(written->text);
  }
  const bool symmetric = expression.kind == ExpressionKind::equal || expression.kind == ExpressionKind::not_equal ||
                         expression.kind == ExpressionKind::add || expression.kind == ExpressionKind::multiply ||
                         expression.kind == ExpressionKind::logical_and ||
                         expression.kind == ExpressionKind::logical_or;
  if (symmetric) std::sort(texts.begin(), texts.end());
  std::string text = "(" + std::to_string(static_cast<int>(expression.kind));
  for (const std::string& part : texts) text += " " + part;
  return Written{text + ")", std::nullopt, false};
}

std::optional<Written> Writer::call(const Expression& expression) const {
  const std::string& name = expression.function->name;
  const Expression* first = expression.operands.empty() ? nullptr : &expression.operands[0];
  if (first && first->kind == ExpressionKind::slot) {
    const auto place = place_(first->slot);
    if (!place) return std::nullopt;
    if (const Term* term = place->term) {
      const bool tensor = term->kind == Term::Kind::call || term->node_required;
      if (name == "op" && term->kind == Term::Kind::call) return known(Argument(operators_.name(term->op)));
      if (name == "arg" && term->kind == Term::Kind::call && expression.operands[1].literal.get_if<std::string>()) {
        const Signature* signature = operators_.signature(term->op);
        const auto index =
            signature ? signature->find(*expression.operands[1].literal.get_if<std::string>()) : std::nullopt;
        if (index) {
          const Term* argument = find(term->arguments[*index]);
          if (argument->kind == Term::Kind::literal)
            return Written{text_of(argument->literal), argument->literal, false};
          return Written{argument->name, std::nullopt, false};
        }
      }
      if (name == "is_node" && tensor) return known(Argument(true));
      if (name == "is_none" && (tensor || term->not_none)) return known(Argument(false));
      if (name == "constant" && term->kind == Term::Kind::call) return known(Argument(false));
      if (name == "input" && term->kind == Term::Kind::call) return known(Argument(false));
    }
    if (place->value) {
      const Argument& value = *place->value;
      if (name == "number") return known(Argument(value.number() && !value.get_if<bool>()));
      if (name == "is_none") return known(Argument(value.is_none()));
      if (name == "len" && value.list()) return known(Argument(static_cast<int64_t>(value.list()->size())));
      if (name == "is_node") return known(Argument(false));
    }
  }
  std::vector<std::string> texts;
  bool same = true;
  for (const Expression& operand : expression.operands) {
    const auto written = write(operand);
    if (!written) return std::nullopt;
    texts.push_back(written->text);
    same = same && written->text == texts.front();
  }
  if ((name == "same" || name == "close") && texts.size() >= 2) {
    if (texts[0] == texts[1]) return known(Argument(true));
    std::sort(texts.begin(), texts.begin() + 2);
  }
  std::string text = name + "(";
  for (const std::string& part : texts) text += part + ",";
  const bool size = name == "size" || name == "numel";
  const bool counts = name == "rank" || name == "users" || name == "users_besides" || name == "len";
  return Written{text + ")", std::nullopt, counts || size, size};
}

std::optional<Written> Writer::loop(const Expression& expression) const {
  // Names of the loop are numbered by its depth, so that two loops over one list compare.
  std::map<SlotId, std::string> own;
  std::string text = expression.kind == ExpressionKind::for_all ? "all(" : "any(";
  for (size_t i = 1; i < expression.operands.size(); ++i) {
    const auto list = write(expression.operands[i]);
    if (!list) return std::nullopt;
    text += list->text + ";";
    own[expression.loop_slots[i - 1]] = "#" + std::to_string(i) + list->text;
  }
  const PlaceOf inner = [&](SlotId slot) -> std::optional<Place> {
    if (const auto found = own.find(slot); found != own.end()) return Place{found->second, std::nullopt, nullptr};
    return place_(slot);
  };
  const auto body = Writer(inner, operators_).write(expression.operands[0]);
  if (!body) return std::nullopt;
  return Written{text + body->text + ")", std::nullopt, false};
}

}  // namespace qrules::generate
