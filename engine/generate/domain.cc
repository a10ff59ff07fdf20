#include <qrules/generate/domain.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace qrules::generate {
namespace {

constexpr double kFar = 1e300;
constexpr double kListed = 64;  // integers between bounds that are compared one by one

bool among(const std::vector<Argument>& list, const Argument& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool Domain::contains(const Argument& value) const {
  if (const auto number = value.number(); number && std::isnan(*number)) return nan && !values;
  if (values && !among(*values, value)) return false;
  if (among(excluded, value)) return false;
  if (low > -kFar || high < kFar) {
    const auto number = value.number();
    if (!number || *number < low || *number > high) return false;
  }
  return true;
}

bool Domain::empty() const {
  if (values) return std::none_of(values->begin(), values->end(), [&](const Argument& v) { return contains(v); });
  return low > high && !nan;
}

bool Domain::within(const Domain& other) const {
  if (values) {
    return std::all_of(values->begin(), values->end(),
                       [&](const Argument& value) { return !contains(value) || other.contains(value); });
  }
  if (nan && !other.nan) return false;
  if (other.values) {
    // Whole numbers between bounds.
    if (nan || low < 0 || high - low > kListed || std::floor(low) != low) return false;
    for (double number = low; number <= high; ++number) {
      const Argument value(static_cast<int64_t>(number));
      if (contains(value) && !other.contains(value)) return false;
    }
    return true;
  }
  const auto left_out = [&](const Argument& value) { return !contains(value); };
  return low >= other.low && high <= other.high && std::all_of(other.excluded.begin(), other.excluded.end(), left_out);
}

void Domain::intersect(const Domain& other) {
  low = std::max(low, other.low);
  high = std::min(high, other.high);
  nan = nan && other.nan;
  excluded.insert(excluded.end(), other.excluded.begin(), other.excluded.end());
  if (!other.values) return;
  if (!values) {
    values = other.values;
    return;
  }
  std::erase_if(*values, [&](const Argument& value) { return !among(*other.values, value); });
}

bool Domain::unite(const Domain& other) {
  if (other.within(*this)) return true;
  if (within(other)) {
    *this = other;
    return true;
  }
  if (!values || !other.values) return false;
  Domain both;
  both.values.emplace();
  for (const Domain* part : {static_cast<const Domain*>(this), &other}) {
    std::copy_if(part->values->begin(), part->values->end(), std::back_inserter(*both.values),
                 [&](const Argument& value) { return part->contains(value); });
  }
  *this = std::move(both);
  return true;
}

}  // namespace qrules::generate
