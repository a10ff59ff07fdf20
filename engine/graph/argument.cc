#include <qrules/graph/argument.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace qrules {

Argument::Argument(Dim value) {
  if (value.is_static()) {
    storage_ = value.value();
  } else {
    storage_ = value;
  }
}

std::optional<double> Argument::number() const {
  if (auto* real = get_if<double>()) return *real;
  if (auto* integer = get_if<int64_t>()) return static_cast<double>(*integer);
  if (auto* boolean = get_if<bool>()) return *boolean ? 1.0 : 0.0;
  return std::nullopt;
}

std::optional<int64_t> Argument::integer() const {
  if (auto* integer = get_if<int64_t>()) return *integer;
  if (auto* boolean = get_if<bool>()) return *boolean ? 1 : 0;
  if (auto* real = get_if<double>()) {
    if (std::trunc(*real) == *real && std::abs(*real) < 9.0e18) return static_cast<int64_t>(*real);
  }
  return std::nullopt;
}

std::optional<std::vector<int64_t>> Argument::integers() const {
  if (auto lone = integer()) return std::vector<int64_t>{*lone};
  const List* elements = list();
  if (!elements) return std::nullopt;
  std::vector<int64_t> values;
  for (const Argument& element : *elements) {
    auto value = element.integer();
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

bool operator==(const Argument& a, const Argument& b) {
  if (a.storage_.index() == b.storage_.index()) {
    if (auto* left = a.get_if<double>()) {
      const double right = *b.get_if<double>();
      return *left == right || (std::isnan(*left) && std::isnan(right));
    }
    return a.storage_ == b.storage_;
  }
  const bool numbers = (a.get_if<int64_t>() || a.get_if<double>()) && (b.get_if<int64_t>() || b.get_if<double>());
  return numbers && a.number() == b.number();
}

bool identical(const Argument& a, const Argument& b) {
  if (a.storage().index() != b.storage().index()) return false;
  if (auto* left = a.get_if<double>()) {
    return std::bit_cast<uint64_t>(*left) == std::bit_cast<uint64_t>(*b.get_if<double>());
  }
  const Argument::List* left = a.list();
  if (!left) return a.storage() == b.storage();
  const Argument::List& right = *b.list();
  return std::equal(left->begin(), left->end(), right.begin(), right.end(), identical);
}

}  // namespace qrules
