// One argument of a call, after normalisation to the operator's signature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <qrules/graph/dim.h>
#include <qrules/graph/dtype.h>

namespace qrules {

class Node;

// Memory formats, layouts, devices and rounding modes: spelled `channels_last`, `strided`, `cpu`. Interned nowhere,
// compared as text.
struct Keyword {
  std::string text;
  friend bool operator==(const Keyword&, const Keyword&) = default;
};

// None, bool, integer, real, text, dtype, keyword, symbolic size, value of a node, or a list of arguments.
// Integers and reals are different kinds; `same_value` treats 1 and 1.0 as equal, as signatures with `Scalar` and
// `float` do. A node inside an argument given to Graph::call becomes an operand of the new call.
class Argument {
 public:
  using List = std::vector<Argument>;
  using Storage = std::variant<std::monostate, bool, int64_t, double, std::string, DType, Keyword, Dim, Node*, List>;

  Argument() = default;
  Argument(bool value) : storage_(value) {}                      // NOLINT: an argument is any of these
  Argument(int64_t value) : storage_(value) {}                   // NOLINT
  Argument(int value) : storage_(int64_t{value}) {}              // NOLINT
  Argument(double value) : storage_(value) {}                    // NOLINT
  Argument(std::string value) : storage_(std::move(value)) {}    // NOLINT
  Argument(const char* value) : storage_(std::string(value)) {}  // NOLINT
  Argument(DType value) : storage_(value) {}                     // NOLINT
  Argument(Keyword value) : storage_(std::move(value)) {}        // NOLINT
  Argument(Dim value);                                           // NOLINT: a static size becomes an integer
  Argument(Node* value) : storage_(value) {}                     // NOLINT
  Argument(List value) : storage_(std::move(value)) {}           // NOLINT

  bool is_none() const { return std::holds_alternative<std::monostate>(storage_); }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&storage_);
  }
  const Storage& storage() const { return storage_; }

  Node* node() const {
    auto* n = get_if<Node*>();
    return n ? *n : nullptr;
  }
  const List* list() const { return get_if<List>(); }
  // A boolean, integer or real as a double.
  std::optional<double> number() const;
  std::optional<int64_t> integer() const;  // integers, and reals without a fraction
  // A list of integers; nothing when an element is something else. A lone integer gives a list of one.
  std::optional<std::vector<int64_t>> integers() const;

  // Structural equality; nodes by identity; an integer equals a real of the same value.
  friend bool operator==(const Argument& a, const Argument& b);

 private:
  friend class Graph;
  Storage storage_;
};

// Equality to the bit: 1 and 1.0 differ, 0.0 and -0.0 differ, a NaN equals itself. What merging and printing rely on.
bool identical(const Argument& a, const Argument& b);

}  // namespace qrules
