// Positional, keyword and default arguments become one thing; what does not fit is refused.

#include <qrules/graph/normalise.h>

#include <qrules/graph/diagnostics.h>

#include "text_helpers.h"

namespace qrules {
namespace {

using testing::error_of;
using List = Argument::List;
using Keywords = std::vector<std::pair<std::string, Argument>>;

class Calls {
 public:
  Calls() {
    x_ = graph_.add_placeholder("x", ValueType::tensor({DType::f32, {1}, {}}));
    w_ = graph_.add_placeholder("w", ValueType::tensor({DType::f32, {1}, {}}));
  }
  Result<std::vector<Argument>> of(const char* op, std::vector<Argument> positional, Keywords keywords = {}) {
    return normalise_arguments(graph_.operators(), graph_.operators().intern(op), std::move(positional),
                               std::move(keywords));
  }
  // The arguments as text.
  std::string text(const char* op, std::vector<Argument> positional, Keywords keywords = {}) {
    auto arguments = of(op, std::move(positional), std::move(keywords));
    if (!arguments) return error_of(arguments);
    std::string out;
    for (const Argument& argument : *arguments) out += (out.empty() ? "" : ", ") + print(argument, graph_.dims());
    return out;
  }
  Graph& graph() { return graph_; }
  Node* x() { return x_; }
  Node* w() { return w_; }

 private:
  Graph graph_;
  Node* x_;
  Node* w_;
};

TEST_CASE("Position, name and default give the same arguments") {
  Calls c;
  const std::string expected = "%x, %w, None, [1, 1], [0, 0], [1, 1], 1";
  CHECK(c.text("aten.conv2d.default", {c.x(), c.w()}) == expected);
  CHECK(c.text("aten.conv2d.default", {c.x(), c.w(), Argument(), List{1, 1}, List{0, 0}, List{1, 1}, 1}) == expected);
  CHECK(c.text("aten.conv2d.default", {}, {{"weight", c.w()}, {"input", c.x()}}) == expected);
  CHECK(c.text("aten.conv2d.default", {c.x()}, {{"groups", 1}, {"weight", c.w()}, {"padding", List{0, 0}}}) ==
        expected);
  CHECK(c.text("aten.add.Tensor", {c.x(), c.w()}) == c.text("aten.add.Tensor", {c.x(), c.w()}, {{"alpha", 1}}));
}

TEST_CASE("What operator definitions coerce is coerced") {
  Calls c;
  SECTION("a lone integer for an integer list") {
    CHECK(c.text("aten.conv2d.default", {c.x(), c.w(), Argument(), 2, 1}) == "%x, %w, None, [2, 2], [1, 1], [1, 1], 1");
  }
  SECTION("an integer for a real") {
    CHECK(c.text("quantized_decomposed.quantize_per_tensor.default", {c.x(), 1, 0, 0, 255, DType::u8}) ==
          "%x, 1.0, 0, 0, 255, u8");
  }
  SECTION("0 and 1 for a boolean") {
    CHECK(c.text("aten.mean.dim", {c.x(), List{0}, 1}) == "%x, [0], true, None");
    CHECK(error_of(c.of("aten.mean.dim", {c.x(), List{0}, 2})) ==
          "QR0514 - `keepdim` of `aten.mean.dim` takes true or false, got an integer");
  }
  SECTION("a text for a keyword and a keyword for a text") {
    CHECK(c.text("aten.clone.default", {c.x()}, {{"memory_format", "channels_last"}}) == "%x, channels_last");
    CHECK(c.text("aten.gelu.default", {c.x()}, {{"approximate", Keyword{"tanh"}}}) == "%x, \"tanh\"");
  }
}

TEST_CASE("Scalars keep their kind") {
  Calls c;
  CHECK(c.text("aten.add.Scalar", {c.x(), 1}) == "%x, 1, 1");
  CHECK(c.text("aten.add.Scalar", {c.x(), 1.0}) == "%x, 1.0, 1");
  CHECK(c.text("aten.add.Scalar", {c.x(), true}) == "%x, true, 1");
}

TEST_CASE("Values and sizes stand for numbers") {
  Calls c;
  const Dim s = c.graph().dims().symbol("s");
  CHECK(c.text("aten.view.default", {c.x(), List{s, -1}}) == "%x, [size(s), -1]");
  CHECK(c.text("aten.view.default", {c.x(), List{c.w(), -1}}) == "%x, [%w, -1]");
  CHECK(c.text("aten.mul.Scalar", {c.x(), s}) == "%x, size(s)");
}

TEST_CASE("A default of another kind fits as it is") {
  Calls c;
  CHECK(c.text("aten.contiguous.default", {c.x()}) == "%x, contiguous_format");
  OperatorTable& table = c.graph().operators();
  REQUIRE(table.declare("normalise_test.odd.default", "(Tensor x, int reduction=Mean) -> Tensor"));
  CHECK(c.text("normalise_test.odd.default", {c.x()}) == "%x, Mean");
  CHECK(error_of(c.of("normalise_test.odd.default", {c.x(), Keyword{"Sum"}})) ==
        "QR0514 - `reduction` of `normalise_test.odd.default` takes an integer, got the keyword `Sum`");
}

TEST_CASE("An operator without a signature takes everything as it is") {
  Calls c;
  CHECK(c.text("my.unknown.op", {c.x(), 1.5, "a"}, {{"mode", 3}}) == "%x, 1.5, \"a\", 3");
}

TEST_CASE("Calls that do not fit are refused") {
  Calls c;
  CHECK(error_of(c.of("aten.relu.default", {c.x(), c.w()})) ==
        "QR0510 - `aten.relu.default` takes 1 positional arguments, got 2");
  // Keyword-only parameters do not count.
  CHECK(error_of(c.of("aten.add.Tensor", {c.x(), c.w(), 1})) ==
        "QR0510 - `aten.add.Tensor` takes 2 positional arguments, got 3");
  CHECK(error_of(c.of("aten.add.Tensor", {c.x(), c.w()}, {{"alhpa", 1}})) ==
        "QR0511 - `aten.add.Tensor` has no parameter `alhpa`");
  CHECK(error_of(c.of("aten.add.Tensor", {c.x(), c.w()}, {{"self", c.x()}})) ==
        "QR0512 - `self` of `aten.add.Tensor` is given twice");
  CHECK(error_of(c.of("aten.add.Tensor", {c.x(), c.w()}, {{"alpha", 1}, {"alpha", 1}})) ==
        "QR0512 - `alpha` of `aten.add.Tensor` is given twice");
  CHECK(error_of(c.of("aten.add.Tensor", {c.x()})) == "QR0513 - `aten.add.Tensor` needs `other`");
}

TEST_CASE("A misspelt parameter gets a suggestion") {
  Calls c;
  const auto arguments = c.of("aten.add.Tensor", {c.x(), c.w()}, {{"alhpa", 1}});
  REQUIRE_FALSE(arguments);
  const Diagnostic& error = arguments.diagnostics().list().front();
  REQUIRE(error.helps.size() == 1);
  CHECK(error.helps[0].text == "did you mean `alpha`?");
}

TEST_CASE("Wrong kinds are named") {
  Calls c;
  OperatorTable& table = c.graph().operators();
  REQUIRE(table.declare("normalise_test.all.default",
                        "(*, Tensor t=1, Tensor[] ts=[], Scalar s=1, int i=1, float r=1, bool b=True, str text=\"\", "
                        "ScalarType d=f32, Layout k=strided, "
                        "int[] is=[], float[] rs=[], bool[] bs=[], qparam q=1) -> Tensor"));
  struct Row {
    const char* parameter;
    Argument value;
    const char* words;
  };
  const Row kRows[] = {{"t", "x", "a tensor, got a text"},
                       {"t", Argument(), "a tensor, got None"},
                       {"ts", c.x(), "a list of tensors, got a value of the graph"},
                       {"ts", List{1}, "a list of tensors, got a list with an integer"},
                       {"s", DType::u8, "a number, got a dtype"},
                       {"i", 1.5, "an integer, got a real"},
                       {"r", "x", "a number, got a text"},
                       {"b", 1.5, "true or false, got a real"},
                       {"text", 1, "a text in quotes, got an integer"},
                       {"d", "f32", "a dtype, got a text"},
                       {"k", 1, "a keyword such as channels_last, got an integer"},
                       {"is", List{1.5}, "a list of integers, got a list with a real"},
                       {"is", List{1, Keyword{"b"}}, "a list of integers, got a list with the keyword `b`"},
                       {"is", true, "a list of integers, got a boolean"},
                       {"rs", List{"x"}, "a list of numbers, got a list with a text"},
                       {"bs", List{1}, "a list of true and false, got a list with an integer"},
                       {"q", Keyword{"cpu"}, "a number or a one-element tensor, got the keyword `cpu`"}};
  for (const Row& row : kRows) {
    CHECK(error_of(c.of("normalise_test.all.default", {}, {{row.parameter, row.value}})) ==
          "QR0514 - `" + std::string(row.parameter) + "` of `normalise_test.all.default` takes " + row.words);
  }
  CHECK(error_of(c.of("normalise_test.all.default", {})) == "ok");
  const auto sizes = c.of("normalise_test.all.default", {}, {{"is", List{1, Keyword{"b"}}}});
  REQUIRE_FALSE(sizes.ok());
  REQUIRE(sizes.diagnostics().list()[0].helps.size() == 1);
  CHECK(sizes.diagnostics().list()[0].helps[0].text == "a symbolic size is written `size(b)` among arguments");
}

}  // namespace
}  // namespace qrules
