// Sizes that may be symbolic. A Dim is a number or a handle into the DimTable of its graph.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <qrules/support/result.h>

namespace qrules {

// Equality is identity: expressions are kept in a normal form (sum of products over symbols and opaque function
// terms, integer coefficients) and stored once, so equal handles of one table mean provably equal sizes.
class Dim {
 public:
  constexpr Dim() = default;
  constexpr Dim(int64_t value) : value_(value) {}  // NOLINT: a number is a size
  static constexpr Dim symbolic(uint32_t index) { return Dim(-static_cast<int64_t>(index) - 1); }

  constexpr bool is_static() const { return value_ >= 0; }
  constexpr int64_t value() const { return value_; }  // of a static size
  constexpr uint32_t index() const { return static_cast<uint32_t>(-(value_ + 1)); }
  friend constexpr bool operator==(Dim, Dim) = default;

 private:
  int64_t value_ = 0;
};

// Symbols of one graph ("s77", "batch") and the expressions over them, hash-consed.
class DimTable {
 public:
  Dim symbol(std::string_view name);
  Dim add(Dim a, Dim b);
  Dim subtract(Dim a, Dim b);  // sizes are not negative: a static result below zero is zero
  Dim multiply(Dim a, Dim b);
  Dim floor_divide(Dim a, Dim b);  // exact when the normal form divides evenly
  Dim modulo(Dim a, Dim b);
  Dim maximum(Dim a, Dim b);
  Dim minimum(Dim a, Dim b);

  // Reads "s77", "8*s77 + 1", "s77//2", "((s77 - 1)//2) + 1", "Mod(s0, 2)", "FloorDiv(s0, 2)", "Max(1, s0)" and the
  // like. Error: QR05xx with the place in the text.
  Result<Dim> parse(std::string_view text);
  std::string print(Dim dim) const;
  // The value under bindings of all symbols in it; nothing when one is missing or a division by zero occurs.
  std::optional<int64_t> evaluate(Dim dim, const std::map<std::string, int64_t>& symbols) const;
  // The least value where every symbol is at least 1 (torch.export specialises sizes of 0 and 1); nothing where a
  // difference leaves it open.
  std::optional<int64_t> least(Dim dim) const;
  // The name when the dim is one bare symbol.
  std::optional<std::string> symbol_name(Dim dim) const;

 private:
  // A factor that is not taken apart further: a symbol, or a function of two sizes.
  enum class AtomKind : uint8_t { symbol, floor_divide, modulo, maximum, minimum };
  struct Atom {
    AtomKind kind = AtomKind::symbol;
    std::string text;  // the symbol's name, or the function as printed: unique for the atom
    Dim left, right;
  };
  // coefficient * product of atoms (sorted ids, repeated for powers)
  struct Term {
    int64_t coefficient = 0;
    std::vector<uint32_t> atoms;
    friend bool operator==(const Term&, const Term&) = default;
  };
  // Sum of terms, sorted by atoms, without zero coefficients.
  using Sum = std::vector<Term>;

  Dim intern(Sum sum);
  Dim intern_atom(AtomKind kind, std::string text, Dim left, Dim right);
  Sum sum_of(Dim dim) const;
  std::string print(const Sum& sum) const;
  int64_t least(const Atom& atom) const;

  std::vector<Atom> atoms_;
  std::unordered_map<std::string, uint32_t> atom_ids_;
  std::vector<Sum> sums_;
  std::unordered_map<std::string, uint32_t> sum_ids_;  // by printed form
};

}  // namespace qrules
