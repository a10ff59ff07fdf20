// Arguments: what they hold, and their two equalities.

#include <qrules/graph/argument.h>

#include <cmath>
#include <limits>

#include <qrules/graph/graph.h>

#include "../catch.h"

namespace qrules {
namespace {

using List = Argument::List;

TEST_CASE("Arguments hold one of their kinds") {
  CHECK(Argument().is_none());
  CHECK(*Argument(true).get_if<bool>());
  CHECK(*Argument(3).get_if<int64_t>() == 3);
  CHECK(*Argument(3.5).get_if<double>() == 3.5);
  CHECK(*Argument("text").get_if<std::string>() == "text");
  CHECK(*Argument(DType::s8).get_if<DType>() == DType::s8);
  CHECK(Argument(Keyword{"cpu"}).get_if<Keyword>()->text == "cpu");
  CHECK(Argument(List{1, 2}).list()->size() == 2);
  CHECK(Argument(3).list() == nullptr);
  CHECK(Argument(3).node() == nullptr);
}

TEST_CASE("A static size is an integer") {
  DimTable dims;
  CHECK(*Argument(Dim(4)).get_if<int64_t>() == 4);
  CHECK(Argument(dims.symbol("s")).get_if<Dim>() != nullptr);
}

TEST_CASE("Numbers are read across kinds") {
  CHECK(Argument(true).number() == 1.0);
  CHECK(Argument(2).number() == 2.0);
  CHECK(Argument(2.5).number() == 2.5);
  CHECK_FALSE(Argument("2").number());
  CHECK_FALSE(Argument().number());
  CHECK(Argument(2.0).integer() == 2);
  CHECK(Argument(false).integer() == 0);
  CHECK_FALSE(Argument(2.5).integer());
  CHECK_FALSE(Argument(1e300).integer());
  CHECK_FALSE(Argument(std::nan("")).integer());
  CHECK_FALSE(Argument(INFINITY).integer());
}

TEST_CASE("Integer lists") {
  CHECK(Argument(3).integers() == std::vector<int64_t>{3});
  CHECK(Argument(List{1, 2.0}).integers() == std::vector<int64_t>{1, 2});
  CHECK(Argument(List{}).integers() == std::vector<int64_t>{});
  CHECK_FALSE(Argument(List{1, "x"}).integers());
  CHECK_FALSE(Argument(List{1, 2.5}).integers());
  CHECK_FALSE(Argument(List{List{1}}).integers());
  CHECK_FALSE(Argument().integers());
}

TEST_CASE("Equality takes numbers by value, identity takes them by their bits") {
  const double quiet = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    Argument a, b;
    bool equal, same;
  };
  const Row kRows[] = {{1, 1, true, true},
                       {1, 1.0, true, false},
                       {1, 2.0, false, false},
                       {0.0, -0.0, true, false},
                       {quiet, quiet, true, true},
                       {quiet, 0.0, false, false},
                       {true, 1, false, false},
                       {"1", 1, false, false},
                       {"cpu", Keyword{"cpu"}, false, false},
                       {Argument(), Argument(), true, true},
                       {Argument(), 0, false, false},
                       {DType::u8, DType::u8, true, true},
                       {DType::u8, DType::s8, false, false},
                       {List{1, 2}, List{1.0, 2}, true, false},
                       {List{1, List{2, 3}}, List{1, List{2, 3}}, true, true},
                       {List{0.0}, List{-0.0}, true, false},
                       {List{1}, List{1, 2}, false, false},
                       {List{1}, 1, false, false}};
  for (size_t i = 0; i < std::size(kRows); ++i) {
    INFO("row " << i);
    CHECK((kRows[i].a == kRows[i].b) == kRows[i].equal);
    CHECK((kRows[i].b == kRows[i].a) == kRows[i].equal);
    CHECK(identical(kRows[i].a, kRows[i].b) == kRows[i].same);
    CHECK(identical(kRows[i].b, kRows[i].a) == kRows[i].same);
  }
}

TEST_CASE("Nodes are equal by identity") {
  Graph graph;
  const ValueType type = ValueType::tensor({DType::f32, {1}, {}});
  Node* a = graph.add_placeholder("a", type);
  Node* b = graph.add_placeholder("b", type);
  CHECK(Argument(a) == Argument(a));
  CHECK_FALSE(Argument(a) == Argument(b));
  CHECK(identical(List{a, b}, List{a, b}));
  CHECK_FALSE(identical(List{a, b}, List{b, a}));
}

}  // namespace
}  // namespace qrules
