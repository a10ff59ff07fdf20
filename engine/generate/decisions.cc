// See decisions.h.

#include <qrules/generate/decisions.h>

#include <numeric>

namespace qrules {

Decisions::Decisions(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x2545f4914f6cdd1dULL) {}

// splitmix64: the same on every platform, unlike the distributions of <random>.
uint64_t Decisions::draw() {
  state_ += 0x9e3779b97f4a7c15ULL;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

uint64_t Decisions::raw(const std::string& name) {
  if (asked_.emplace(name, true).second) used_.push_back(name);
  const auto found = drawn_.find(name);
  if (found != drawn_.end()) return found->second;
  return drawn_[name] = enumerating_ ? 0 : draw() >> 32;
}

Decisions Decisions::first_way() {
  Decisions decisions;
  decisions.enumerating_ = true;
  return decisions;
}

bool Decisions::next_way() {
  // The last choice asked for turns fastest; what was asked for after the one that moves depends on it.
  for (size_t i = used_.size(); i-- > 0;) {
    const std::string name = used_[i];
    if (++drawn_[name] < counts_[name]) {
      for (size_t j = i + 1; j < used_.size(); ++j) drawn_.erase(used_[j]);
      begin();
      return true;
    }
    drawn_.erase(name);
  }
  return false;
}

size_t Decisions::choose(const std::string& name, size_t count) {
  if (enumerating_) counts_[name] = count;
  return static_cast<size_t>(raw(name) % count);
}

size_t Decisions::choose(const std::string& name, std::span<const uint32_t> weights) {
  const uint64_t total = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  uint64_t left = raw(name) % total;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (left < weights[i]) return i;
    left -= weights[i];
  }
  return 0;
}

uint64_t Decisions::number(const std::string& name) { return raw(name); }

void Decisions::begin() {
  used_.clear();
  asked_.clear();
}

void Decisions::redraw(const std::string& name) { drawn_[name] = draw() >> 32; }

bool Decisions::simplify(const std::string& name) {
  uint64_t& value = drawn_[name];
  if (value == 0) return false;
  value = 0;
  return true;
}

bool Decisions::halve(const std::string& name) {
  uint64_t& value = drawn_[name];
  if (value == 0) return false;
  value /= 2;
  return true;
}

}  // namespace qrules
