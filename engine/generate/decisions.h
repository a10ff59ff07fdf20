// The free choices behind a generated graph.
//
// A graph is built by a function that asks for each choice by a name ("r0.p3.alternative"). What was drawn is kept, so
// that the same decisions build the same graph, one choice can be changed at a time (search), and a graph gets smaller
// by setting choices to 0, which always stands for the simplest (shrinking).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace qrules {

class Decisions {
 public:
  explicit Decisions(uint64_t seed = 0);

  // One of `count` > 0 options, each as likely as the other, or by weights (of which the first is positive).
  size_t choose(const std::string& name, size_t count);
  size_t choose(const std::string& name, std::span<const uint32_t> weights);
  size_t choose(const std::string& name, std::initializer_list<uint32_t> weights) {
    return choose(name, std::span<const uint32_t>(weights.begin(), weights.size()));
  }
  // A number drawn for this name: seeds the elements of a constant.
  uint64_t number(const std::string& name);

  // All ways instead of random ones: every choice is the first option; each `next_way` takes the next combination of
  // what was asked for since, as an odometer does. False after the last.
  static Decisions first_way();
  bool next_way();

  // Before a graph is built anew: forgets which names were asked for.
  void begin();
  // Names asked for since `begin`, in that order.
  const std::vector<std::string>& used() const { return used_; }

  void redraw(const std::string& name);
  // Sets a choice to its simplest option. False when it is that already.
  bool simplify(const std::string& name);
  // Sets a choice to a value at least as simple: what was drawn is halved. False when it is the simplest already.
  bool halve(const std::string& name);

 private:
  uint64_t draw();
  uint64_t raw(const std::string& name);

  uint64_t state_;
  std::map<std::string, uint64_t, std::less<>> drawn_;
  std::map<std::string, bool, std::less<>> asked_;
  std::vector<std::string> used_;
  bool enumerating_ = false;
  std::map<std::string, size_t, std::less<>> counts_;  // of the choices in an enumeration
};

}  // namespace qrules
