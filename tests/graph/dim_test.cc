// Symbolic sizes: the normal form, reading and printing, evaluation.

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/dim.h>

#include <random>

#include "../catch.h"

namespace qrules {
namespace {

Dim read(DimTable& table, std::string_view text) {
  auto size = table.parse(text);
  if (!size) FAIL(text << ": " << size.diagnostics().list().front().message());
  return *size;
}

TEST_CASE("Static sizes are numbers") {
  DimTable t;
  CHECK(t.add(2, 3) == Dim(5));
  CHECK(t.multiply(2, 3) == Dim(6));
  CHECK(t.subtract(5, 3) == Dim(2));
  CHECK(t.subtract(3, 5) == Dim(0));
  CHECK(t.floor_divide(7, 2) == Dim(3));
  CHECK(t.modulo(7, 2) == Dim(1));
  CHECK(t.maximum(7, 2) == Dim(7));
  CHECK(t.minimum(7, 2) == Dim(2));
  CHECK(t.print(12) == "12");
  CHECK_FALSE(t.symbol_name(12));
}

TEST_CASE("Equal handles for equal sizes") {
  DimTable t;
  const Dim s = t.symbol("s"), u = t.symbol("u"), v = t.symbol("v");
  CHECK(t.symbol("s") == s);
  CHECK_FALSE(s == u);
  CHECK(t.add(s, u) == t.add(u, s));
  CHECK(t.multiply(s, u) == t.multiply(u, s));
  CHECK(t.add(t.add(s, u), v) == t.add(s, t.add(u, v)));
  CHECK(t.multiply(t.multiply(s, u), v) == t.multiply(s, t.multiply(u, v)));
  CHECK(t.multiply(s, t.add(u, v)) == t.add(t.multiply(s, u), t.multiply(v, s)));
  CHECK(t.add(s, s) == t.multiply(2, s));
  CHECK(t.subtract(s, s) == Dim(0));
  CHECK(t.subtract(t.add(s, u), u) == s);
  CHECK(t.multiply(s, 0) == Dim(0));
  CHECK(t.multiply(s, 1) == s);
  CHECK(t.add(s, 0) == s);
  CHECK(t.maximum(s, u) == t.maximum(u, s));
  CHECK(t.minimum(s, u) == t.minimum(u, s));
  CHECK(t.maximum(s, s) == s);
  CHECK(t.add(t.subtract(s, 3), 3) == s);
  CHECK(t.multiply(t.add(s, 1), t.subtract(s, 1)) == t.subtract(t.multiply(s, s), 1));
}

TEST_CASE("Division is exact where the normal form divides") {
  DimTable t;
  const Dim s = t.symbol("s"), u = t.symbol("u");
  CHECK(t.floor_divide(t.multiply(s, 8), 8) == s);
  CHECK(t.floor_divide(t.multiply(s, 8), 4) == t.multiply(s, 2));
  CHECK(t.floor_divide(t.multiply(s, u), u) == s);
  CHECK(t.floor_divide(t.multiply(t.multiply(6, s), u), t.multiply(2, s)) == t.multiply(3, u));
  CHECK(t.floor_divide(t.add(t.multiply(s, 8), 16), 8) == t.add(s, 2));
  CHECK(t.floor_divide(s, 1) == s);
  CHECK(t.floor_divide(s, s) == Dim(1));
  CHECK(t.floor_divide(0, s) == Dim(0));
  CHECK(t.modulo(s, 1) == Dim(0));
  CHECK(t.modulo(s, s) == Dim(0));
  // Otherwise the quotient stays, one handle for each.
  const Dim half = t.floor_divide(s, 2);
  CHECK_FALSE(half.is_static());
  CHECK(t.floor_divide(s, 2) == half);
  CHECK_FALSE(t.multiply(half, 2) == s);
  CHECK_FALSE(t.floor_divide(t.multiply(s, 8), 3).is_static());
}

TEST_CASE("Symbols have names, expressions do not") {
  DimTable t;
  const Dim s = t.symbol("s77");
  CHECK(t.symbol_name(s) == "s77");
  CHECK_FALSE(t.symbol_name(t.multiply(s, 2)));
  CHECK_FALSE(t.symbol_name(t.add(s, 1)));
  CHECK_FALSE(t.symbol_name(t.multiply(s, s)));
  CHECK_FALSE(t.symbol_name(t.floor_divide(s, 2)));
}

TEST_CASE("Sizes print in one way") {
  DimTable t;
  CHECK(t.print(read(t, "1 + s77*8")) == "8*s77 + 1");
  CHECK(t.print(read(t, "-1 + s0")) == "s0 - 1");
  CHECK(t.print(read(t, "b + a")) == "a + b");
  CHECK(t.print(read(t, "b*a")) == "a*b");
  CHECK(t.print(read(t, "FloorDiv(s0, 2)")) == "((s0)//(2))");
  CHECK(t.print(read(t, "Max(s0, 1)")) == "Max(1, s0)");
  CHECK(t.print(read(t, "s0 % 2")) == "Mod(s0, 2)");
  CHECK(t.print(read(t, "2*(s0//2)*3")) == "6*((s0)//(2))");
}

TEST_CASE("A size prints alike in every table, whatever was met there before") {
  DimTable first, second;
  second.symbol("z");
  second.symbol("b");
  for (const char* text : {"a + b", "a*b + z", "(a + b)//z", "z*(a//b) + b*b", "Max(a + b, b*z)"}) {
    CHECK(first.print(read(first, text)) == second.print(read(second, text)));
  }
}

TEST_CASE("Spellings of the same size") {
  DimTable t;
  const char* const kSame[][2] = {{"s//2", "FloorDiv(s, 2)"},
                                  {"s % 2", "Mod(s, 2)"},
                                  {"s**2", "s*s"},
                                  {"s**0", "1"},
                                  {" s ", "s"},
                                  {"(s)", "s"},
                                  {"s/2", "s//2"},
                                  {"CeilToInt(s)", "s"},
                                  {"Max(1, 2, s)", "Max(Max(1, 2), s)"},
                                  {"PythonMod(s, 4)", "Mod(s, 4)"},
                                  {"CleanDiv(8*s, 8)", "s"},
                                  {"1 + 2*3", "7"},
                                  {"7 - 2 - 3", "2"},
                                  {"((s - 1)//2) + 1", "1 + (-1 + s)//2"}};
  for (const auto& [a, b] : kSame) {
    INFO(a << " and " << b);
    CHECK(read(t, a) == read(t, b));
  }
}

TEST_CASE("Random sizes print and read back to the same handle, and to the same value elsewhere") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    DimTable t;
    std::vector<Dim> pool = {t.symbol("s0"), t.symbol("batch"), t.symbol("s1.x"), 1, 2, 3, 8};
    for (int i = 0; i < 12; ++i) {
      const Dim a = pool[random() % pool.size()], b = pool[random() % pool.size()];
      Dim made = 0;
      switch (random() % 7) {
        case 0: made = t.add(a, b); break;
        case 1: made = t.multiply(a, b); break;
        case 2: made = t.subtract(a, b); break;
        case 3: made = t.floor_divide(a, b); break;
        case 4: made = t.modulo(a, b); break;
        case 5: made = t.maximum(a, b); break;
        default: made = t.minimum(a, b); break;
      }
      if (t.print(made).size() < 300) pool.push_back(made);
    }
    const std::map<std::string, int64_t> values = {{"s0", 5}, {"batch", 3}, {"s1.x", 12}};
    for (Dim dim : pool) {
      const std::string text = t.print(dim);
      INFO(text);
      CHECK(read(t, text) == dim);
      DimTable other;
      const Dim copy = read(other, text);
      CHECK(other.print(copy) == text);
      CHECK(other.evaluate(copy, values) == t.evaluate(dim, values));
    }
  }
}

TEST_CASE("Sizes have values under bindings") {
  DimTable t;
  const std::map<std::string, int64_t> values = {{"s", 7}, {"u", 2}, {"zero", 0}, {"big", INT64_MAX / 2}};
  CHECK(t.evaluate(5, {}) == 5);
  CHECK(t.evaluate(read(t, "8*s + 1"), values) == 57);
  CHECK(t.evaluate(read(t, "s//u"), values) == 3);
  CHECK(t.evaluate(read(t, "Mod(s, u)"), values) == 1);
  CHECK(t.evaluate(read(t, "Max(s, u) + Min(s, u)"), values) == 9);
  CHECK(t.evaluate(read(t, "s*s*u"), values) == 98);
  // Toward minus infinity inside an expression.
  CHECK(t.evaluate(read(t, "(u - s)//2"), values) == -3);
  CHECK(t.evaluate(read(t, "Mod(u - s, 3)"), values) == 1);
  CHECK(t.evaluate(read(t, "s - 9"), values) == -2);
}

TEST_CASE("The least value of a size, where symbols are at least one") {
  DimTable table;
  const auto least = [&](std::string_view text) { return table.least(*table.parse(text)); };
  CHECK(least("3") == 3);
  CHECK(least("s0") == 1);
  CHECK(least("2*s0 + s0*s1 + 1") == 4);
  CHECK(least("(s0 + 7)//4") == 2);
  CHECK(least("Mod(s0, 2)") == 0);
  CHECK(least("Max(5, s0)") == 5);
  CHECK(least("Min(5, s0)") == 1);
  CHECK(least("s0 - 1") == 0);
  CHECK_FALSE(least("s0 - s1"));
  CHECK(least("Max(2, s0 - 1)") == 2);
}

TEST_CASE("Some sizes have no value") {
  DimTable t;
  const std::map<std::string, int64_t> values = {{"s", 7}, {"zero", 0}, {"big", INT64_MAX / 2}};
  CHECK_FALSE(t.evaluate(read(t, "s + unbound"), values));
  CHECK_FALSE(t.evaluate(read(t, "s//zero"), values));
  CHECK_FALSE(t.evaluate(read(t, "Mod(s, zero)"), values));
  CHECK_FALSE(t.evaluate(read(t, "s//0"), values));
  CHECK_FALSE(t.evaluate(read(t, "big*big"), values));
  CHECK_FALSE(t.evaluate(read(t, "big*s"), values));
}

TEST_CASE("What is no size is refused with the reason") {
  struct Row {
    const char* text;
    const char* message;
  };
  constexpr Row kRows[] = {
      {"", "cannot read the size ``: it ends early"},
      {"s +", "cannot read the size `s +`: it ends early"},
      {"(s", "cannot read the size `(s`: `)` is missing"},
      {"s)", "cannot read the size `s)`: unexpected `)`"},
      {"s t", "cannot read the size `s t`: unexpected `t`"},
      {"$", "cannot read the size `$`: unexpected `$`"},
      {"Sin(s)", "cannot read the size `Sin(s)`: unknown function `Sin`"},
      {"Mod(s)", "cannot read the size `Mod(s)`: unknown function `Mod`"},
      {"Mod(s, 2", "cannot read the size `Mod(s, 2`: `)` is missing"},
      {"99999999999999999999", "cannot read the size `99999999999999999999`: the number is too large"},
      {"s**9", "cannot read the size `s**9`: an exponent is a small number"},
      {"2**s", "cannot read the size `2**s`: an exponent is a small number"},
  };
  for (const Row& row : kRows) {
    DimTable t;
    const auto size = t.parse(row.text);
    INFO(row.text);
    REQUIRE_FALSE(size);
    CHECK(size.diagnostics().list().front().kind == &kBadSize);
    CHECK(size.diagnostics().list().front().message() == row.message);
  }
}

TEST_CASE("Hostile sizes are refused, not worked on") {
  DimTable t;
  CHECK_FALSE(t.parse(std::string(10'000, '(')));
  CHECK_FALSE(t.parse(std::string(10'000, '(') + "s" + std::string(10'000, ')')));
  CHECK_FALSE(t.parse("((((a + b)**8)**8)**8)**8"));
  CHECK_FALSE(t.parse("((((a + b + c + d + e)**8)*(a + b + c + d + f)**8)*(a + b + c + d + g)**8)"));
  CHECK_FALSE(t.parse("9223372036854775800*2"));
  CHECK_FALSE(t.parse("9000000000000000000 + 9000000000000000000"));
  std::string sum = "s0";
  for (int i = 1; i < 5000; ++i) sum += " + s" + std::to_string(i);
  CHECK_FALSE(t.parse(sum));
  std::string nested = "s";
  for (int i = 0; i < 2000; ++i) nested = "Max(" + nested + ", 1)";
  CHECK_FALSE(t.parse(nested));
}

TEST_CASE("Sizes beyond 64 bits stay the largest number") {
  DimTable t;
  const Dim large = INT64_MAX / 2;
  CHECK(t.multiply(large, 4) == Dim(INT64_MAX));
  CHECK(t.add(t.add(large, large), large) == Dim(INT64_MAX));
  const Dim product = t.multiply(t.multiply(t.symbol("s"), large), 8);
  CHECK_FALSE(product.is_static());
  CHECK(t.print(product) == "9223372036854775807*s");
}

}  // namespace
}  // namespace qrules
