#include <qrules/rewrite/cycle.h>

#include <algorithm>

namespace qrules {
namespace {

constexpr size_t kLongestCycle = 64;
constexpr size_t kRepeats = 3;

}  // namespace

std::vector<uint32_t> repeating_suffix(const std::vector<uint32_t>& sequence) {
  size_t size = sequence.size();
  for (size_t period = 1; period <= kLongestCycle && period * kRepeats <= size; ++period) {
    bool repeats = true;
    for (size_t i = size - period * (kRepeats - 1); i < size && repeats; ++i)
      repeats = sequence[i] == sequence[i - period];
    if (repeats) return {sequence.end() - static_cast<std::ptrdiff_t>(period), sequence.end()};
  }
  return {};
}

void FiringHistory::begin(uint32_t rule, const std::vector<Node*>& matched) {
  pending_ = {rule, kNone};
  for (const Node* node : matched) {
    if (node->id() >= maker_.size() || maker_[node->id()] == 0) continue;
    uint64_t maker = maker_[node->id()] - 1;
    if (pending_.parent == kNone || maker > pending_.parent) pending_.parent = maker;
  }
}

void FiringHistory::finish(const std::vector<Node*>& created) {
  if (ring_.size() < kWindow) {
    ring_.push_back(pending_);
  } else {
    ring_[count_ % kWindow] = pending_;
  }
  ++count_;
  for (const Node* node : created) {
    if (node->id() >= maker_.size()) maker_.resize(std::max<size_t>(node->id() + 1, maker_.size() * 3 / 2));
    maker_[node->id()] = count_;
  }
}

std::vector<uint32_t> FiringHistory::cycle() const {
  if (count_ == 0) return {};
  uint64_t oldest = count_ > kWindow ? count_ - kWindow : 0;
  std::vector<uint32_t> chain;
  for (uint64_t at = count_ - 1; at != kNone && at >= oldest; at = ring_[at % kWindow].parent) {
    chain.push_back(ring_[at % kWindow].rule);
  }
  std::reverse(chain.begin(), chain.end());
  std::vector<uint32_t> found = repeating_suffix(chain);
  if (!found.empty()) return found;

  std::vector<uint32_t> all;
  for (uint64_t at = oldest; at < count_; ++at) all.push_back(ring_[at % kWindow].rule);
  found = repeating_suffix(all);
  if (!found.empty()) return found;

  for (uint32_t rule : all) {
    if (std::find(found.begin(), found.end(), rule) == found.end()) found.push_back(rule);
  }
  return found;
}

}  // namespace qrules
