// The text form of graphs: what prints reads back, what does not read says where and why, and nothing crashes the
// reader.

#include <qrules/graph/text.h>

#include <cmath>
#include <cstring>
#include <set>

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/lexer.h>
#include <qrules/graph/verify.h>

#include "random_graph.h"
#include "text_helpers.h"

namespace qrules {
namespace {

using testing::check_fixpoint;
using testing::error_of;
using testing::graph_of;
using testing::node_of;
using testing::one_call;

// One of everything; printed exactly as written here.
constexpr const char* kEverything =
    R"(graph(%x: u8[1,3,8,8], %s: f32[], %p: f32[8*s77 + 1,4], %q: f32[1,3,4,4] strides(48,1,12,3), %k) {
  %w = constant "c1.weight" : s8[4,3,3,3]
  %z = constant : s64[32] {0}
  %v = constant "a \"quoted\"\n\\name" : f32[3] {1.5, -0.0, inf}
  %b = constant : bool[2] {true, false}
  %e = constant : f32[0,2]
  %h = constant : bf16[2] {1.0, nan}
  %u = constant : u64[1] {18446744073709551615}
  %xf: f32[1,3,8,8] = quantized_decomposed.dequantize_per_tensor.default(%x, 0.0298, 125, 0, 255, u8)
  %pool: (f32[1,3,4,4], s64[1,3,4,4]) = aten.max_pool2d_with_indices.default(%xf, [2, 2])
  %y: f32[1,3,4,4] = _operator.getitem(%pool, 0)
  %c: f32[1,3,4,4] = aten.clone.default(%y, memory_format=channels_last)
  %d: f32[1,3,4,4] = aten._to_copy.default(%c, device="cuda:0")
  %a: f32[1,3,4,4] = aten.add.Tensor(%c, %d, alpha=2)
  %r: f32[32*s77 + 4] = aten.view.default(%p, [size(32*s77 + 4)])
  %g: f32[] = aten.gelu.default(%s, approximate="tanh")
  %o: f32[2] = "my own.op"(%v, [1, [2.0, None]], mode=strided, on=true)
  %i = "my.other"()
  return (%a, %r, [%g, %o], None, 3)
}
)";

TEST_CASE("Everything prints as it was written") {
  Graph graph = graph_of(kEverything);
  CHECK(print(graph) == kEverything);
  check_fixpoint(graph);
  CHECK(verify(graph).empty());
}

TEST_CASE("Random graphs print, read back and print the same") {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    INFO(seed);
    Graph graph = testing::random_graph(seed, 10 + seed);
    check_fixpoint(graph);
    const auto again = parse_graph("again", print(graph, {true, false, 1 << 20}));
    REQUIRE(again);
    CHECK(again->size() == graph.size());
    CHECK(verify(*again).empty());
  }
}

TEST_CASE("Types left out are inferred") {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    INFO(seed);
    const Graph graph = testing::random_graph(seed, 30);
    const auto again = parse_graph("again", print(graph, {false, false, 1 << 20}));
    REQUIRE(again);
    CHECK(print(*again) == print(graph));
  }
}

TEST_CASE("Spellings of the same graph") {
  const std::string expected =
      print(graph_of("graph(%x: f32[2], %y: f32[2]) { %z = aten.add.Tensor(%x, %y) return (%z) }"));
  for (const char* text : {
           "graph(%x:f32[2],%y:f32[2]){%z=aten.add.Tensor(%x,%y)return(%z)}",
           "graph(%x: torch.float32[ 2 ], %y: float32[1 + 1]) {\n# a comment\n %z: f32[2] = aten.add.Tensor(other=%y, "
           "self=%x)  # one more }\n return (%z)\n}\n# end",
           "\n\n graph ( %x : f32 [2] , %y : f32 [2] ) { %z = aten.add.Tensor(%x, %y, alpha=1) return (%z,) }",
       }) {
    const auto graph = parse_graph("t", text);
    if (std::string(text).find("(%z,)") != std::string::npos) {
      CHECK_FALSE(graph);  // no trailing commas
    } else {
      REQUIRE(graph);
      CHECK(print(*graph) == expected);
    }
  }
}

TEST_CASE("Only what differs from the defaults is printed, to the bit") {
  const auto printed = [](const std::string& call) {
    return print(*node_of(graph_of(one_call("%x: f32[1,2,8,8], %w: f32[2,2,3,3]", call)), "y"), {false, false, 16});
  };
  CHECK(printed("aten.conv2d.default(%x, %w, None, [1, 1], [0, 0])") == "%y = aten.conv2d.default(%x, %w)");
  CHECK(printed("aten.conv2d.default(%x, %w, padding=1)") == "%y = aten.conv2d.default(%x, %w, None, [1, 1], [1, 1])");
  CHECK(printed("aten.add.Tensor(%x, %x, alpha=1)") == "%y = aten.add.Tensor(%x, %x)");
  CHECK(printed("aten.add.Tensor(%x, %x, alpha=1.0)") == "%y = aten.add.Tensor(%x, %x, alpha=1.0)");
  CHECK(printed("aten.hardtanh.default(%x, -1, 1)") == "%y = aten.hardtanh.default(%x)");
  CHECK(printed("aten.hardtanh.default(%x, -1.0, 1)") == "%y = aten.hardtanh.default(%x, -1.0)");
}

TEST_CASE("Arguments of every kind print and read back") {
  for (const char* argument : {"None",
                               "true",
                               "false",
                               "7",
                               "-7",
                               "9223372036854775807",
                               "-9223372036854775808",
                               "1.0",
                               "-0.0",
                               "1e-05",
                               "1e+22",
                               "inf",
                               "-inf",
                               "nan",
                               "0.1",
                               "5e-324",
                               "1.7976931348623157e+308",
                               "\"text\"",
                               "\"\"",
                               "\"a \\\"b\\\" \\\\ \\n\\t\\r\\u0001 \xC3\xA9\"",
                               "u8",
                               "f8e4m3",
                               "channels_last",
                               "size(s)",
                               "size(2*s + 1)",
                               "%x",
                               "[]",
                               "[1, 2]",
                               "[[], [[1.5]]]",
                               "[%x, None]"}) {
    INFO(argument);
    Graph graph = graph_of(one_call("%x: f32[s]", "\"my.op\"(" + std::string(argument) + ")"));
    CHECK(print(node_of(graph, "y")->argument(size_t{0}), graph.dims()) == argument);
    check_fixpoint(graph);
  }
}

TEST_CASE("Other spellings of arguments") {
  const auto read = [](const std::string& argument) {
    Graph graph = graph_of(one_call("%x: f32[s]", "\"my.op\"(" + argument + ")"));
    return print(node_of(graph, "y")->argument(size_t{0}), graph.dims());
  };
  CHECK(read("True") == "true");
  CHECK(read("+3") == "3");
  CHECK(read("+inf") == "inf");
  CHECK(read("1E5") == "1e+05");
  CHECK(read("torch.int8") == "s8");
  CHECK(read("size(4)") == "4");
  CHECK(read("\"\\u00e9\\/\"") == "\"\xC3\xA9/\"");
  CHECK(read("\"\\u20ac\"") == "\"\xE2\x82\xAC\"");
}

TEST_CASE("Constants print their elements up to a limit, or one for all") {
  const auto printed = [](const std::string& constant, int64_t limit) {
    return print(*node_of(graph_of("graph() { %w = constant : " + constant + " return () }"), "w"),
                 {true, false, limit});
  };
  CHECK(printed("s8[3] {1, -2, 3}", 16) == "%w = constant : s8[3] {1, -2, 3}");
  CHECK(printed("s8[3] {1, -2, 3}", 2) == "%w = constant : s8[3]");
  CHECK(printed("s8[1000] {5}", 2) == "%w = constant : s8[1000] {5}");
  CHECK(printed("f32[2] {0.1, 3}", 16) == "%w = constant : f32[2] {0.1, 3.0}");
  CHECK(printed("f64[2] {0.1, 1e-300}", 16) == "%w = constant : f64[2] {0.1, 1e-300}");
  CHECK(printed("f16[2] {0.1, 70000}", 16) == "%w = constant : f16[2] {0.0999755859375, inf}");
  CHECK(printed("f8e5m2[2] {1.0, -3}", 16) == "%w = constant : f8e5m2[2] {1.0, -3.0}");
  CHECK(printed("s64[] {-9223372036854775808}", 16) == "%w = constant : s64[] {-9223372036854775808}");
  CHECK(printed("s32[2] {2.0, true}", 16) == "%w = constant : s32[2] {2, 1}");
  CHECK(printed("c64[2]", 16) == "%w = constant : c64[2]");
}

TEST_CASE("Names that symbols are met under do not change what prints") {
  Graph graph;
  DimTable& dims = graph.dims();
  const Dim z = dims.symbol("z"), a = dims.symbol("a");
  graph.add_placeholder("x", ValueType::tensor({DType::f32, {a, dims.add(z, a), dims.multiply(z, a)}, {}}));
  graph.set_outputs({});
  CHECK(print(graph) == "graph(%x: f32[a,a + z,a*z]) {\n  return ()\n}\n");
  check_fixpoint(graph);
}

struct Wrong {
  const char* text;
  const char* error;
};

TEST_CASE("Each error has its place and words") {
  constexpr Wrong kRows[] = {
      // QR0501
      {"", "QR0501 1:1 expected `graph`, found the end of the text"},
      {"grahp() {}", "QR0501 1:1 expected `graph`, found `grahp`"},
      {"graph {", "QR0501 1:7 expected `(`, found `{`"},
      {"graph(x) {}", "QR0501 1:7 expected a value such as %x, found `x`"},
      {"graph(%x f32[2]) {}", "QR0501 1:10 expected `)`, found `f32`"},
      {"graph(%x: [2]) {}", "QR0501 1:11 expected a type such as f32[2,3], found `[`"},
      {"graph(%x: f32) {}", "QR0501 1:14 expected `[` and the sizes, found `)`"},
      {"graph(%x: f32[2) {}", "QR0520 1:15 cannot read the size `2) {}`: unexpected `)`"},
      {"graph(%x: f32[2", "QR0501 1:16 expected `]`, found the end of the text"},
      {"graph(%x: f32[,2]) {}", "QR0501 1:15 expected a size, found `,`"},
      {"graph(%x: f32[2] strides 3) {}", "QR0501 1:26 expected `(` and the strides, found `3`"},
      {"graph() {\n  x = 3\n}", "QR0501 2:3 expected a value such as %y, `return` or `}`, found `x`"},
      {"graph() {\n  %x 3\n}", "QR0501 2:6 expected `=`, found `3`"},
      {"graph() {\n  %x = 3\n}", "QR0501 2:8 expected an operator or `constant`, found `3`"},
      {"graph() {\n  %x: f32[1] = constant : f32[1]\n}",
       "QR0501 2:16 expected an operator (the type of a constant follows it), found `constant`"},
      {"graph() {\n  %x = constant f32[1]\n}", "QR0501 2:17 expected `:`, found `f32`"},
      {"graph() {\n  %x = \"aten.relu.default\"(1)\n}",
       "QR0501 2:8 expected an operator without quotes, for it has a signature, found `\"aten.relu.default\"`"},
      {"graph() {\n  %x = \"my.op\"(a=1, 2)\n}",
       "QR0501 2:21 expected name=value after the first named argument, found `2`"},
      {"graph() {\n  %x = \"my.op\"(=)\n}", "QR0501 2:16 expected an argument, found `=`"},
      {"graph() {\n  %x = \"my.op\"(\"\\q\")\n}", "QR0501 2:16 expected a text with JSON escapes, found `\"\\q\"`"},
      {"graph() {\n  %x = \"my.op\"(size 3)\n}", "QR0501 2:21 expected `(` and a size, found `3`"},
      {"graph() {\n  %x = \"my.op\"(size(1, 2))\n}", "QR0501 2:26 expected one size, found `)`"},
      {"graph() {\n  %x = \"my.op\"(1 2)\n}", "QR0501 2:18 expected `)`, found `2`"},
      {"graph() {\n  return ()\n  %x = 3\n}", "QR0501 3:3 expected `}`, found `%x`"},
      {"graph() {} x", "QR0501 1:12 expected the end of the text, found `x`"},
      {"graph() {", "QR0501 1:10 expected a value such as %y, `return` or `}`, found the end of the text"},
      {"graph() { $ }", "QR0501 1:11 expected a value such as %y, `return` or `}`, found `$`"},
      // QR0502
      {"graph(%x: f32[2]) {\n  %y = aten.rleu.default(%x)\n}", "QR0502 2:8 unknown operator `aten.rleu.default`"},
      {"graph(%x: f32[2]) {\n  %y = relu(%x)\n}", "QR0502 2:8 unknown operator `relu`"},
      // QR0503, QR0504
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(%z)\n}", "QR0503 2:26 no value is called `%z` here"},
      {"graph(%x: f32[2]) {\n  return (%y)\n}", "QR0503 2:11 no value is called `%y` here"},
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(%y)\n}", "QR0503 2:26 no value is called `%y` here"},
      {"graph(%x: f32[2], %x: f32[2]) {}", "QR0504 1:19 `%x` is bound twice"},
      {"graph(%x: f32[2]) {\n  %x = aten.relu.default(%x)\n}", "QR0504 2:3 `%x` is bound twice"},
      // QR0505
      {"graph(%x: f33[2]) {}", "QR0505 1:11 unknown dtype `f33`"},
      {"graph() { %w = constant : float[2] }", "QR0505 1:27 unknown dtype `float`"},
      // QR0506
      {"graph() {\n  %w = constant \"abc : f32[2]\n}", "QR0506 2:17 the text that starts here is not closed"},
      {"graph() {\n  %w = \"my.op\"(\"abc)\n}", "QR0506 2:16 the text that starts here is not closed"},
      // QR0508
      {"graph() {\n  %w = constant : f32[s]\n}", "QR0508 2:19 constant `%w`: its sizes are not numbers"},
      {"graph() {\n  %w = constant : f32[4000000000,4000000000]\n}", "QR0508 2:19 constant `%w`: it is too large"},
      {"graph() {\n  %w = constant : f32[4000000000] {0}\n}",
       "QR0508 2:35 constant `%w`: it is too large to be written out"},
      {"graph() {\n  %w = constant : s8[3] {1, 2}\n}", "QR0508 2:25 constant `%w`: it has 3 elements, 2 are listed"},
      {"graph() {\n  %w = constant : s8[3] {}\n}", "QR0508 2:25 constant `%w`: it has 3 elements, 0 are listed"},
      {"graph() {\n  %w = constant : s8[3] {1, 2, 128}\n}", "QR0508 2:32 constant `%w`: 128 is not a value of s8"},
      {"graph() {\n  %w = constant : u8[1] {-1}\n}", "QR0508 2:26 constant `%w`: -1 is not a value of u8"},
      {"graph() {\n  %w = constant : s32[1] {1.5}\n}", "QR0508 2:27 constant `%w`: 1.5 is not a value of s32"},
      {"graph() {\n  %w = constant : s64[1] {18446744073709551615}\n}",
       "QR0508 2:27 constant `%w`: 18446744073709551615 is not a value of s64"},
      {"graph() {\n  %w = constant : s32[1] {abc}\n}", "QR0508 2:27 constant `%w`: its elements are numbers"},
      {"graph() {\n  %w = constant : c64[1] {1}\n}",
       "QR0508 2:26 constant `%w`: elements of c64 cannot be written out"},
      // QR0509
      {"graph() {\n  %x = \"my.op\"(12abc)\n}",
       "QR0509 2:16 cannot read the number `12abc`: it is neither an integer nor a real"},
      {"graph() {\n  %x = \"my.op\"(9223372036854775808)\n}",
       "QR0509 2:16 cannot read the number `9223372036854775808`: it does not fit 64 bits"},
      {"graph() {\n  %x = \"my.op\"(1e999)\n}", "QR0509 2:16 cannot read the number `1e999`: it is out of range"},
      {"graph() {\n  %x = \"my.op\"(-nothing)\n}",
       "QR0509 2:16 cannot read the number `-nothing`: it is neither an integer nor a real"},
      // QR0510 to QR0514, at the operator
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(%x, 1)\n}",
       "QR0510 2:8 `aten.relu.default` takes 1 positional arguments, got 2"},
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(%x, a=1)\n}",
       "QR0511 2:8 `aten.relu.default` has no parameter `a`"},
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(%x, self=%x)\n}",
       "QR0512 2:8 `self` of `aten.relu.default` is given twice"},
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default()\n}", "QR0513 2:8 `aten.relu.default` needs `self`"},
      {"graph(%x: f32[2]) {\n  %y = aten.relu.default(\"a\")\n}",
       "QR0514 2:8 `self` of `aten.relu.default` takes a tensor, got a text"},
      // QR0520, at the size
      {"graph(%x: f32[2, s + ]) {}", "QR0520 1:18 cannot read the size `s +`: it ends early"},
      {"graph(%x: f32[2] strides(a b)) {}", "QR0520 1:26 cannot read the size `a b`: unexpected `b`"},
      {"graph() {\n  %x = \"my.op\"(size(Foo(2)))\n}",
       "QR0520 2:21 cannot read the size `Foo(2)`: unknown function `Foo`"},
      // QR0530, at the operator, when the type is left out
      {"graph(%x: f32[2,3]) {\n  %y = aten.mm.default(%x, %x)\n}",
       "QR0530 2:8 `aten.mm.default` refuses its operands: the inner sizes differ: 3 and 2"},
  };
  for (const Wrong& row : kRows) {
    INFO(row.text);
    CHECK(error_of(parse_graph("t", row.text)) == row.error);
  }
}

TEST_CASE("Lists are nested to a limit") {
  const auto nested = [](size_t depth) {
    return one_call("", "\"my.op\"(" + std::string(depth, '[') + std::string(depth, ']') + ")");
  };
  CHECK(parse_graph("t", nested(64)));
  CHECK(error_of(parse_graph("t", nested(66))) == "QR0507 2:81 more than 64 levels of nesting");
}

TEST_CASE("Near names are suggested, with an edit") {
  const auto help_of = [](const std::string& text) {
    const auto graph = parse_graph("t", text);
    if (graph.ok() || graph.diagnostics().list().front().helps.empty()) return std::string("none");
    const Help& help = graph.diagnostics().list().front().helps.front();
    return help.text + " " + std::string(help.span.text()) + " -> " + help.replacement;
  };
  CHECK(help_of(one_call("%x: f32[2]", "aten.rleu.default(%x)")) ==
        "did you mean `aten.relu.default`? aten.rleu.default -> aten.relu.default");
  CHECK(help_of(one_call("%input: f32[2]", "aten.relu.default(%inptu)")) == "did you mean `%input`? %inptu -> %input");
  CHECK(help_of(one_call("%x: f32[2]", "nothing.like.this.at.all(%x)")) == "none");
}

TEST_CASE("A graph inside another file reports that file's lines") {
  const std::string before = "rule: a\nbefore: |\n",
                    inner = "  graph(%x: f32[2]) {\n    %y = aten.relu.default(%z)\n  }\n", after = "} after\n";
  const auto file = std::make_shared<SourceFile>("rules.yaml", before + inner + after);
  const auto graph = parse_graph(Span{file, before.size(), before.size() + inner.size()});
  REQUIRE_FALSE(graph);
  CHECK(graph.diagnostics().list().front().one_line() ==
        "rules.yaml:4:28: error[QR0503]: no value is called `%z` here");
  // The text behind the span is not looked at.
  const std::string good = "graph() { return () }";
  const auto whole = std::make_shared<SourceFile>("rules.yaml", good + " } \"");
  CHECK(parse_graph(Span{whole, 0, good.size()}));
}

TEST_CASE("No prefix of a text crashes the reader, and none but the last is a graph") {
  const std::string text = kEverything;
  const size_t end = text.find_last_of('}');
  for (size_t i = 0; i <= end; ++i) {
    const auto graph = parse_graph("t", text.substr(0, i));
    if (graph) FAIL("read as a graph: " << text.substr(0, i));
    REQUIRE(graph.diagnostics().size() == 1);
    REQUIRE_FALSE(render_text(graph.diagnostics()).empty());
  }
}

TEST_CASE("No missing, doubled or changed byte crashes the reader; what still reads prints to a fixpoint") {
  const std::string text = kEverything;
  for (size_t i = 0; i < text.size(); ++i) {
    for (const std::string& changed :
         {text.substr(0, i) + text.substr(i + 1), text.substr(0, i) + text[i] + text.substr(i),
          text.substr(0, i) + '\x80' + text.substr(i + 1), text.substr(0, i) + '[' + text.substr(i + 1),
          text.substr(0, i) + '"' + text.substr(i + 1)}) {
      const auto graph = parse_graph("t", changed);
      if (!graph) {
        REQUIRE_FALSE(render_text(graph.diagnostics()).empty());
        continue;
      }
      const std::string printed = print(*graph);
      const auto again = parse_graph("printed", printed);
      if (!again) FAIL(render_text(again.diagnostics()) << "\nin\n" << printed << "\nread from\n" << changed);
      REQUIRE(print(*again) == printed);
    }
  }
}

TEST_CASE("Hostile texts are refused") {
  const std::string deep(10'000, '(');
  const std::string brackets(10'000, '[');
  const std::string braces(10'000, '{');
  const std::vector<std::string> hostile = {deep,
                                            brackets,
                                            braces,
                                            "graph" + deep,
                                            "graph(%x: f32" + brackets,
                                            "graph(%x: " + deep,
                                            "graph(%x: f32[" + deep + "s" + std::string(10'000, ')') + "]) {}",
                                            one_call("", "\"my.op\"(" + brackets),
                                            one_call("", "\"my.op\"(" + brackets + std::string(10'000, ']') + ")"),
                                            one_call("", "\"my.op\"(size(" + deep),
                                            "graph() {" + braces,
                                            "graph(%x: f32[99999999999999999999]) {}",
                                            "graph(%x: f32[9223372036854775807*9223372036854775807]) {}",
                                            "graph() { %w = constant : f32[9223372036854775807] {0} }",
                                            "graph() { %w = constant : f64[268435456,2] {0} }",
                                            one_call("", "\"my.op\"(" + std::string(100'000, '9') + ")"),
                                            one_call("", "\"my.op\"(0." + std::string(100'000, '9') + "e9999999999)"),
                                            std::string(100'000, '%'),
                                            std::string(100'000, '"'),
                                            std::string(1000, '\0'),
                                            std::string("graph(%x: f32[2]\0) {}", 21),
                                            "graph(%" + std::string(100'000, 'x')};
  for (const std::string& text : hostile) {
    const auto graph = parse_graph("t", text);
    INFO(text.substr(0, 60));
    REQUIRE_FALSE(graph);
    CHECK(render_text(graph.diagnostics()).size() < 2'000);
  }
}

TEST_CASE("Large sizes are carried through inference without harm") {
  for (const char* call :
       {"aten.view.default(%x, [-1])", "aten.cat.default([%x, %x, %x])", "aten.flatten.using_ints(%x)",
        "aten.relu.default(%x)", "aten.t.default(%x)", "aten.expand.default(%x, [9223372036854775807, -1, -1])",
        "aten.permute.default(%x, [1, 0])"}) {
    const auto graph = parse_graph("t", one_call("%x: f32[4611686018427387904,4611686018427387904]", call));
    INFO(call);
    // More elements than can be counted are the largest number, which is no size to read back.
    if (graph && print(*graph).find("9223372036854775807") == std::string::npos) check_fixpoint(*graph);
  }
  for (const char* call :
       {"aten.max_pool2d.default(%x, [9223372036854775807, 2])", "aten.max_pool2d.default(%x, 2, 9223372036854775807)",
        "aten.max_pool2d.default(%x, 2, 1, 9223372036854775807)",
        "aten.max_pool2d.default(%x, 3, 1, 0, 9223372036854775807)"}) {
    INFO(call);
    CHECK(error_of(parse_graph("t", one_call("%x: f32[1,1,8,8]", call))).substr(0, 6) == "QR0530");
  }
}

TEST_CASE("Escapes") {
  std::string out;
  CHECK(text::escape("a\"\\\n\t\r\x01") == "a\\\"\\\\\\n\\t\\r\\u0001");
  CHECK((text::unescape("\\b\\f\\/\\u0041", out) && out == "\b\f/A"));
  for (const char* wrong : {"\\", "\\q", "\\u12", "\\u12G4", "a\\"}) {
    std::string ignored;
    CHECK_FALSE(text::unescape(wrong, ignored));
  }
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  std::string back;
  REQUIRE(text::unescape(text::escape(all), back));
  CHECK(back == all);
}

TEST_CASE("Tokens") {
  const std::string text = "graph(%x.1: f32[-3]) -> \"a b\" # comment\n 1e-5 @";
  text::Lexer lexer(Span{std::make_shared<SourceFile>("t", text), 0, text.size()});
  using text::TokenKind;
  const std::pair<TokenKind, const char*> kExpected[] = {
      {TokenKind::word, "graph"}, {TokenKind::symbol, "("}, {TokenKind::value_name, "x.1"},
      {TokenKind::symbol, ":"},   {TokenKind::word, "f32"}, {TokenKind::symbol, "["},
      {TokenKind::number, "-3"},  {TokenKind::symbol, "]"}, {TokenKind::symbol, ")"},
      {TokenKind::symbol, "->"},  {TokenKind::text, "a b"}, {TokenKind::number, "1e-5"},
      {TokenKind::bad, "@"},      {TokenKind::end, ""},     {TokenKind::end, ""}};
  for (const auto& [kind, expected] : kExpected) {
    const text::Token token = lexer.next();
    INFO(expected);
    CHECK(token.kind == kind);
    CHECK(token.text == expected);
  }
}

}  // namespace
}  // namespace qrules
