// In-place operators become functional ones, and everything that shared their memory reads the new value.

#include <qrules/runtime/functionalise.h>

#include <qrules/graph/text.h>
#include <qrules/graph/verify.h>

#include "../catch.h"

namespace qrules {
namespace {

// The body of the graph after functionalise, without what became unused; or the code of the error.
std::string functional(const std::string& text, Diagnostics* warnings = nullptr) {
  auto graph = parse_graph("test", text);
  if (!graph) return render_text(graph.diagnostics());
  Diagnostics found;
  auto status = functionalise(*graph, warnings ? *warnings : found);
  if (!status) return status.diagnostics().list().front().kind->code;
  graph->erase_unused();
  const Diagnostics broken = verify(*graph);
  if (!broken.empty()) return render_text(broken);
  PrintOptions options;
  options.types = false;
  const std::string printed = print(*graph, options);
  const size_t begin = printed.find("{\n");
  return printed.substr(begin + 2, printed.rfind('}') - begin - 2);
}

TEST_CASE("A write becomes a value that later users read") {
  CHECK(functional(R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%x)
    %b: f32[2,3] = aten.exp.default(%a)
    %r: f32[2,3] = aten.relu_.default(%a)
    %c: f32[2,3] = aten.mul.Tensor(%a, %r)
    return (%b, %c, %a) })") ==
        "  %a = aten.neg.default(%x)\n"
        "  %b = aten.exp.default(%a)\n"
        "  %r = aten.relu.default(%a)\n"
        "  %c = aten.mul.Tensor(%r, %r)\n"
        "  return (%b, %c, %r)\n");
}

TEST_CASE("Views taken before a write are taken again after it, where they are used") {
  CHECK(functional(R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%x)
    %t: f32[3,2] = aten.t.default(%a)
    %v: f32[6] = aten.view.default(%t, [6])
    %early: f32[6] = aten.exp.default(%v)
    %w: f32[2,3] = aten.mul_.Tensor(%a, 2)
    %late: f32[6] = aten.exp.default(%v)
    return (%early, %late) })") ==
        "  %a = aten.neg.default(%x)\n"
        "  %t = aten.t.default(%a)\n"
        "  %v = aten.view.default(%t, [6])\n"
        "  %early = aten.exp.default(%v)\n"
        "  %w = aten.mul.Tensor(%a, 2)\n"
        "  %t_1 = aten.t.default(%w)\n"
        "  %v_1 = aten.view.default(%t_1, [6])\n"
        "  %late = aten.exp.default(%v_1)\n"
        "  return (%early, %late)\n");
}

TEST_CASE("A write through a view reaches what it is a view of") {
  const std::string permuted = functional(R"(graph(%x: f32[2,3,4]) {
    %a: f32[2,3,4] = aten.neg.default(%x)
    %p: f32[4,2,3] = aten.permute.default(%a, [2, 0, 1])
    %w: f32[4,2,3] = aten.relu_.default(%p)
    return (%a) })");
  CHECK(permuted.find("aten.permute.default(%relu, [1, 2, 0])") != std::string::npos);
  const std::string row = functional(R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%x)
    %s: f32[3] = aten.select.int(%a, 0, 1)
    %w: f32[3] = aten.add_.Tensor(%s, 5)
    return (%a) })");
  CHECK(row.find("aten.select_scatter.default(%a, %add, 0, 1)") != std::string::npos);
  const std::string slice = functional(R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%x)
    %s: f32[2,2] = aten.slice.Tensor(%a, 1, 0, 2)
    %w: f32[2,2] = aten.add_.Tensor(%s, 5)
    return (%a, %w) })");
  CHECK(slice.find("aten.slice_scatter.default(%a, %add, 1, 0, 2)") != std::string::npos);
  // Nothing else reads the memory: the view needs no way back.
  CHECK(functional(R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%x)
    %s: f32[3] = aten.select.int(%a, 0, 1)
    %w: f32[3] = aten.relu_.default(%s)
    return (%w) })")
            .find("scatter") == std::string::npos);
}

TEST_CASE("A write keeps the dtype of what is written to") {
  const std::string text = functional(R"(graph(%x: bf16[2,3], %y: f32[2,3]) {
    %a: bf16[2,3] = aten.neg.default(%x)
    %w: bf16[2,3] = aten.add_.Tensor(%a, %y)
    return (%a) })");
  CHECK(text.find("aten._to_copy.default(%add, dtype=bf16)") != std::string::npos);
  CHECK(text.find("return (%w)") != std::string::npos);
}

TEST_CASE("A copy becomes its source in the other's form") {
  const std::string text = functional(R"(graph(%x: f32[3], %y: f32[2,3]) {
    %a: f32[2,3] = aten.neg.default(%y)
    %w: f32[2,3] = aten.copy_.default(%a, %x)
    return (%a) })");
  CHECK(text.find("aten.expand.default(%x, [2, 3])") != std::string::npos);
  CHECK(text.find("return (%w)") != std::string::npos);
}

TEST_CASE("Writes to inputs and constants warn") {
  Diagnostics warnings;
  functional(R"(graph(%x: f32[2]) {
    %c = constant "mean" : f32[2] {0.0}
    %w: f32[2] = aten.add_.Tensor(%c, %x)
    %v: f32[2] = aten.relu_.default(%x)
    return (%w, %v) })",
             &warnings);
  REQUIRE(warnings.size() == 2);
  CHECK_FALSE(warnings.has_errors());
  CHECK(warnings.list()[0].message().find("buffer `mean`") != std::string::npos);
  CHECK(warnings.list()[1].message().find("input `x`") != std::string::npos);
}

TEST_CASE("What cannot be followed is refused, unless nothing can tell") {
  // A reshape of a strided value is a view or a copy.
  const std::string reshape = R"(graph(%x: f32[2,3]) {
    %a: f32[2,3] strides(1,2) = aten.neg.default(%x)
    %v: f32[6] = aten.reshape.default(%a, [6])
    %w: f32[6] = aten.relu_.default(%v)
    return (%w)";
  CHECK(functional(reshape + ", %a) }") == "QR0631");
  CHECK(functional(reshape + ") }").find("aten.relu.default(%v)") != std::string::npos);
  // A write to one part of a split.
  CHECK(functional(R"(graph(%x: f32[4]) {
    %a: f32[4] = aten.neg.default(%x)
    %s: (f32[2], f32[2]) = aten.chunk.default(%a, 2)
    %p: f32[2] = _operator.getitem(%s, 0)
    %w: f32[2] = aten.relu_.default(%p)
    return (%a) })") == "QR0631");
  CHECK(functional(R"(graph(%x: f32[4,4]) {
    %a: f32[4,4] = aten.neg.default(%x)
    %w: f32[4,4] = aten.fill_diagonal_.default(%a, 1)
    return (%a) })") == "QR0630");
}

}  // namespace
}  // namespace qrules
