// Symbolic sizes in a normal form. A size is a sum of terms; a term is an integer times a product of atoms; an atom is
// a symbol or a quotient, remainder, maximum or minimum that did not simplify. Sums are stored once, found again by
// their printed form, so two handles of one table are equal exactly when the normal forms are.

#include <qrules/graph/dim.h>

#include <algorithm>
#include <cctype>

#include <qrules/graph/diagnostics.h>

namespace qrules {
namespace {

constexpr int kDeepest = 100;
// Powers of sums grow fast; no size of a model comes near this.
constexpr size_t kLongest = 2000;

// Sizes beyond 64 bits stay the largest number there is: a wrapped one would be taken for a symbol.
int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? -INT64_MAX : INT64_MAX;
}
int64_t saturating_multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? INT64_MAX : -INT64_MAX;
}

}  // namespace

Dim DimTable::intern(Sum sum) {
  std::sort(sum.begin(), sum.end(), [](const Term& a, const Term& b) { return a.atoms < b.atoms; });
  Sum merged;
  for (Term& term : sum) {
    if (!merged.empty() && merged.back().atoms == term.atoms) {
      merged.back().coefficient = saturating_add(merged.back().coefficient, term.coefficient);
    } else {
      merged.push_back(std::move(term));
    }
  }
  std::erase_if(merged, [](const Term& term) { return term.coefficient == 0; });
  if (merged.empty()) return 0;
  if (merged.size() == 1 && merged[0].atoms.empty()) return std::max<int64_t>(merged[0].coefficient, 0);
  const std::string key = print(merged);
  const auto [found, inserted] = sum_ids_.try_emplace(key, static_cast<uint32_t>(sums_.size()));
  if (inserted) sums_.push_back(std::move(merged));
  return Dim::symbolic(found->second);
}

Dim DimTable::intern_atom(AtomKind kind, std::string text, Dim left, Dim right) {
  const auto [found, inserted] = atom_ids_.try_emplace(text, static_cast<uint32_t>(atoms_.size()));
  if (inserted) atoms_.push_back({kind, std::move(text), left, right});
  return intern({{1, {found->second}}});
}

DimTable::Sum DimTable::sum_of(Dim dim) const {
  if (!dim.is_static()) return sums_[dim.index()];
  if (dim.value() == 0) return {};
  return {{dim.value(), {}}};
}

Dim DimTable::symbol(std::string_view name) { return intern_atom(AtomKind::symbol, std::string(name), 0, 0); }

Dim DimTable::add(Dim a, Dim b) {
  if (a.is_static() && b.is_static()) return saturating_add(a.value(), b.value());
  Sum sum = sum_of(a);
  for (Term& term : sum_of(b)) sum.push_back(std::move(term));
  return intern(std::move(sum));
}

Dim DimTable::subtract(Dim a, Dim b) {
  if (a.is_static() && b.is_static()) return std::max<int64_t>(a.value() - b.value(), 0);
  Sum sum = sum_of(a);
  for (Term& term : sum_of(b)) sum.push_back({-term.coefficient, std::move(term.atoms)});
  return intern(std::move(sum));
}

Dim DimTable::multiply(Dim a, Dim b) {
  if (a.is_static() && b.is_static()) return saturating_multiply(a.value(), b.value());
  Sum sum;
  const Sum left = sum_of(a), right = sum_of(b);
  for (const Term& x : left) {
    for (const Term& y : right) {
      Term term{saturating_multiply(x.coefficient, y.coefficient), x.atoms};
      term.atoms.insert(term.atoms.end(), y.atoms.begin(), y.atoms.end());
      std::sort(term.atoms.begin(), term.atoms.end());
      sum.push_back(std::move(term));
    }
  }
  return intern(std::move(sum));
}

Dim DimTable::floor_divide(Dim a, Dim b) {
  if (b == Dim(1) || a == Dim(0)) return a;
  if (a == b) return 1;
  if (a.is_static() && b.is_static() && b.value() > 0) return a.value() / b.value();
  // Exact when the divisor is one term that divides every term of the dividend.
  const Sum divisor = sum_of(b);
  if (divisor.size() == 1) {
    Sum quotient;
    bool exact = true;
    for (const Term& term : sum_of(a)) {
      Term part{0, term.atoms};
      exact = exact && term.coefficient % divisor[0].coefficient == 0;
      part.coefficient = term.coefficient / divisor[0].coefficient;
      for (uint32_t atom : divisor[0].atoms) {
        const auto found = std::find(part.atoms.begin(), part.atoms.end(), atom);
        if (found == part.atoms.end()) {
          exact = false;
        } else {
          part.atoms.erase(found);
        }
      }
      if (!exact) break;
      quotient.push_back(std::move(part));
    }
    if (exact) return intern(std::move(quotient));
  }
  return intern_atom(AtomKind::floor_divide, "(" + print(a) + ")//(" + print(b) + ")", a, b);
}

Dim DimTable::modulo(Dim a, Dim b) {
  if (a.is_static() && b.is_static() && b.value() > 0) return a.value() % b.value();
  if (a == b || b == Dim(1)) return 0;
  return intern_atom(AtomKind::modulo, "Mod(" + print(a) + ", " + print(b) + ")", a, b);
}

Dim DimTable::maximum(Dim a, Dim b) {
  if (a == b) return a;
  if (a.is_static() && b.is_static()) return std::max(a.value(), b.value());
  if (print(b) < print(a)) std::swap(a, b);
  return intern_atom(AtomKind::maximum, "Max(" + print(a) + ", " + print(b) + ")", a, b);
}

Dim DimTable::minimum(Dim a, Dim b) {
  if (a == b) return a;
  if (a.is_static() && b.is_static()) return std::min(a.value(), b.value());
  if (print(b) < print(a)) std::swap(a, b);
  return intern_atom(AtomKind::minimum, "Min(" + print(a) + ", " + print(b) + ")", a, b);
}

std::string DimTable::print(const Sum& sum) const {
  // Ordered by text, not by the order in which symbols were met, so that every table prints a size alike.
  std::vector<std::pair<std::string, int64_t>> products;
  for (const Term& term : sum) {
    std::vector<std::string> factors;
    for (uint32_t id : term.atoms)
      factors.push_back(atoms_[id].kind == AtomKind::floor_divide ? "(" + atoms_[id].text + ")" : atoms_[id].text);
    std::sort(factors.begin(), factors.end());
    std::string product;
    for (const std::string& factor : factors) product += (product.empty() ? "" : "*") + factor;
    products.emplace_back(std::move(product), term.coefficient);
  }
  // The constant reads better last.
  std::sort(products.begin(), products.end(), [](const auto& a, const auto& b) {
    return a.first.empty() != b.first.empty() ? b.first.empty() : a.first < b.first;
  });
  std::string out;
  for (const auto& [product, coefficient] : products) {
    const bool negative = coefficient < 0;
    const int64_t magnitude = negative ? -coefficient : coefficient;
    if (out.empty()) {
      if (negative) out += "-";
    } else {
      out += negative ? " - " : " + ";
    }
    if (magnitude != 1 || product.empty()) out += std::to_string(magnitude) + (product.empty() ? "" : "*");
    out += product;
  }
  return out;
}

std::string DimTable::print(Dim dim) const {
  return dim.is_static() ? std::to_string(dim.value()) : print(sums_[dim.index()]);
}

std::optional<int64_t> DimTable::evaluate(Dim dim, const std::map<std::string, int64_t>& symbols) const {
  if (dim.is_static()) return dim.value();
  int64_t total = 0;
  for (const Term& term : sums_[dim.index()]) {
    int64_t product = term.coefficient;
    for (uint32_t id : term.atoms) {
      const Atom& atom = atoms_[id];
      int64_t factor = 0;
      if (atom.kind == AtomKind::symbol) {
        const auto found = symbols.find(atom.text);
        if (found == symbols.end()) return std::nullopt;
        factor = found->second;
      } else {
        const auto left = evaluate(atom.left, symbols), right = evaluate(atom.right, symbols);
        if (!left || !right) return std::nullopt;
        const bool divides = atom.kind == AtomKind::floor_divide || atom.kind == AtomKind::modulo;
        if (divides && *right <= 0) return std::nullopt;
        // Rounds toward minus infinity: an inner difference may be negative.
        int64_t remainder = divides ? *left % *right : 0;
        if (remainder < 0) remainder += *right;
        switch (atom.kind) {
          case AtomKind::floor_divide: factor = *left / *right - (*left % *right < 0 ? 1 : 0); break;
          case AtomKind::modulo: factor = remainder; break;
          case AtomKind::maximum: factor = std::max(*left, *right); break;
          default: factor = std::min(*left, *right); break;
        }
      }
      if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(total, product, &total)) return std::nullopt;
  }
  return total;
}

std::optional<int64_t> DimTable::least(Dim dim) const {
  if (dim.is_static()) return dim.value();
  int64_t total = 0;
  for (const Term& term : sums_[dim.index()]) {
    int64_t product = term.coefficient;
    if (product < 0 && !term.atoms.empty()) return std::nullopt;
    for (uint32_t id : term.atoms) {
      if (__builtin_mul_overflow(product, least(atoms_[id]), &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(total, product, &total)) return std::nullopt;
  }
  return total;
}

// A size within a function is itself no less than zero.
int64_t DimTable::least(const Atom& atom) const {
  if (atom.kind == AtomKind::symbol) return 1;
  if (atom.kind == AtomKind::modulo) return 0;
  const int64_t left = std::max<int64_t>(least(atom.left).value_or(0), 0);
  if (atom.kind == AtomKind::floor_divide)
    return atom.right.is_static() && atom.right.value() > 0 ? left / atom.right.value() : 0;
  const int64_t right = std::max<int64_t>(least(atom.right).value_or(0), 0);
  return atom.kind == AtomKind::maximum ? std::max(left, right) : std::min(left, right);
}

std::optional<std::string> DimTable::symbol_name(Dim dim) const {
  if (dim.is_static()) return std::nullopt;
  const Sum& sum = sums_[dim.index()];
  if (sum.size() != 1 || sum[0].coefficient != 1 || sum[0].atoms.size() != 1) return std::nullopt;
  const Atom& atom = atoms_[sum[0].atoms[0]];
  return atom.kind == AtomKind::symbol ? std::optional<std::string>(atom.text) : std::nullopt;
}

namespace {

// Recursive descent over sums, products and calls; errors are a text, success leaves `error` empty.
class SizeParser {
 public:
  SizeParser(DimTable& table, std::string_view text) : table_(table), text_(text) {}

  Dim parse() {
    const Dim value = sum(0);
    skip();
    if (error_.empty() && at_ < text_.size()) fail("unexpected `" + std::string(1, text_[at_]) + "`");
    return value;
  }
  const std::string& error() const { return error_; }

 private:
  void fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
  }
  Dim checked(Dim value) {
    if (value == Dim(INT64_MAX)) fail("the number is too large");
    if (!value.is_static() && table_.print(value).size() > kLongest) fail("the expression is too long");
    return value;
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  Dim sum(int depth) {
    if (depth > kDeepest) {
      fail("nested too deeply");
      return 0;
    }
    // Subtraction may come before what it is taken from ("-1 + s0"): collect both sides first.
    Dim plus = 0, minus = 0;
    bool negative = take("-");
    while (true) {
      const Dim value = product(depth + 1);
      if (!error_.empty()) return 0;
      (negative ? minus : plus) = checked(table_.add(negative ? minus : plus, value));
      if (!error_.empty()) return 0;
      if (take("+")) {
        negative = false;
      } else if (take("-")) {
        negative = true;
      } else {
        return minus == Dim(0) ? plus : table_.subtract(plus, minus);
      }
    }
  }

  Dim product(int depth) {
    Dim value = primary(depth);
    while (error_.empty()) {
      if (take("**")) {
        const Dim exponent = primary(depth);
        if (!exponent.is_static() || exponent.value() > 8) {
          fail("an exponent is a small number");
          break;
        }
        Dim power = 1;
        for (int64_t i = 0; i < exponent.value() && error_.empty(); ++i) power = checked(table_.multiply(power, value));
        value = power;
      } else if (take("*")) {
        value = checked(table_.multiply(value, primary(depth)));
      } else if (take("//")) {
        value = table_.floor_divide(value, primary(depth));
      } else if (take("/")) {
        value = table_.floor_divide(value, primary(depth));
      } else if (take("%")) {
        value = table_.modulo(value, primary(depth));
      } else {
        break;
      }
    }
    return value;
  }

  Dim primary(int depth) {
    skip();
    if (take("(")) {
      const Dim value = sum(depth + 1);
      if (!take(")")) fail("`)` is missing");
      return value;
    }
    const size_t begin = at_;
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
      int64_t value = 0;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
        if (value > (INT64_MAX - 9) / 10) {
          fail("the number is too large");
          return 0;
        }
        value = value * 10 + (text_[at_++] - '0');
      }
      return value;
    }
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name.empty()) {
      fail(at_ < text_.size() ? "unexpected `" + std::string(1, text_[at_]) + "`" : "it ends early");
      return 0;
    }
    if (!take("(")) return table_.symbol(name);
    std::vector<Dim> arguments;
    do {
      arguments.push_back(sum(depth + 1));
    } while (error_.empty() && take(","));
    if (!take(")")) fail("`)` is missing");
    if (!error_.empty()) return 0;
    return call(name, arguments);
  }

  Dim call(std::string_view name, const std::vector<Dim>& arguments) {
    if (arguments.size() == 1 &&
        (name == "CeilToInt" || name == "TruncToInt" || name == "Identity" || name == "ToFloat"))
      return arguments[0];
    if (arguments.size() >= 2 && (name == "Max" || name == "Min")) {
      Dim value = arguments[0];
      for (size_t i = 1; i < arguments.size(); ++i)
        value = name == "Max" ? table_.maximum(value, arguments[i]) : table_.minimum(value, arguments[i]);
      return value;
    }
    if (arguments.size() == 2) {
      if (name == "FloorDiv" || name == "CleanDiv" || name == "IntTrueDiv")
        return table_.floor_divide(arguments[0], arguments[1]);
      if (name == "Mod" || name == "PythonMod") return table_.modulo(arguments[0], arguments[1]);
    }
    fail("unknown function `" + std::string(name) + "`");
    return 0;
  }

  DimTable& table_;
  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

Result<Dim> DimTable::parse(std::string_view text) {
  SizeParser parser(*this, text);
  const Dim value = parser.parse();
  if (!parser.error().empty())
    return Diagnostic(kBadSize).with("text", std::string(text.substr(0, 80))).with("why", parser.error());
  return value;
}

}  // namespace qrules
