// When a result may take the place of its addend. All numbers are powers of two, so every kernel is exact and results
// are equal.

#include <random>

#include <qrules/lowerings/onednn/common.h>

#include "plan_helpers.h"

namespace qrules {
namespace {

using namespace testing;

// Rounds are exact: scales are powers of two and sums stay below 2^24.
constexpr const char* kQuantized = "0.5, 100, u8";
constexpr const char* kActivation = "0.125, 128";
constexpr const char* kAddend = "0.5, 100";

// The two operators that take an addend, with activations of one type throughout.
struct Form {
  const char* op;
  const char* type;
  const char* part;  // of the first dimension, one
  const char* half;
  const char* weight_sizes;
  int64_t weights;
  const char* geometry;  // between bias and the epilogue

  std::string text(const std::string& body, const std::string& inputs = "") const {
    std::mt19937 generator(4);
    const std::string type_text = type;
    return "graph(%x: " + type_text + inputs + ") {\n  %w = constant \"w\" : s8" + weight_sizes + " " +
           integers_text(generator, weights, -3, 3) + "\n  %ws = constant : f32[1] {0.25}\n" + body + "}\n";
  }
  std::string plain(const std::string& result, const std::string& x) const {
    return "  %" + result + " = onednn." + op + ".default(%" + x + ", " + kActivation + ", %w, %ws, None" + geometry +
           ", " + kQuantized + ")\n";
  }
  std::string binary(const std::string& result, const std::string& x, const std::string& other) const {
    return "  %" + result + " = onednn." + op + "_binary.default(%" + x + ", " + kActivation + ", %w, %ws, None" +
           geometry + ", %" + other + ", " + kAddend + ", \"add\", " + kQuantized + ")\n";
  }
};

const std::vector<Form> kForms{
    {"qlinear", "u8[4,8]", "u8[1,8]", "u8[2,8]", "[8,8]", 64, ""},
    {"qconv", "u8[2,4,5,3]", "u8[1,4,5,3]", "u8[1,4,5,3]", "[4,4,1,1]", 16, ", [1, 1], [0, 0], [1, 1], 1"}};

// The plan's results, equal to those of the reference plan; inputs stay as they are in both.
std::shared_ptr<const Plan> check_plan(const std::string& text) {
  INFO(text);
  const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
  const auto context = plan->make_context();
  for (unsigned seed : {1u, 2u}) {
    const auto inputs = random_inputs(*plan, seed);
    CHECK(run_plan(*plan, *context, inputs) == run_plan(*reference, inputs));
  }
  for (const PlanStep& step : reference->steps()) CHECK_FALSE(step.in_place);
  return plan;
}

TEST_CASE("An intermediate that dies there is written over") {
  for (const Form& form : kForms) {
    const auto plan = check_plan(form.text(form.plain("a", "x") + form.binary("y", "x", "a") + "  return (%y)\n"));
    CHECK(step_of(*plan, "y").in_place);
  }
}

TEST_CASE("A view of a dying intermediate is written over too") {
  for (const Form& form : kForms) {
    const auto plan = check_plan(form.text(form.plain("a", "x") + "  %v = aten.alias.default(%a)\n" +
                                           form.binary("y", "x", "v") + "  return (%y)\n"));
    CHECK(step_of(*plan, "y").in_place);
  }
}

// Each body must leave its addend %`other` alone: what may be written over is a copy that was made for another layout.
void check_never(const Form& form, const std::string& other, const std::string& body, const std::string& inputs = "") {
  const auto plan = check_plan(form.text(body, inputs));
  bool copied = false;
  for (const PlanStep& step : plan->steps()) copied = copied || (step.op == "reorder" && step.node == other);
  CHECK((!step_of(*plan, "y").in_place || copied));
  // Matrices come as they are wanted.
  if (std::string(form.op) == "qlinear") CHECK_FALSE(copied);
}

TEST_CASE("Inputs are not written over") {
  for (const Form& form : kForms) {
    check_never(form, "o", form.binary("y", "x", "o") + "  return (%y)\n", std::string(", %o: ") + form.type);
    check_never(form, "v", "  %v = aten.alias.default(%o)\n" + form.binary("y", "x", "v") + "  return (%y)\n",
                std::string(", %o: ") + form.type);
    check_never(form, "o", form.binary("y", "x", "o") + "  return (%y, %o)\n", std::string(", %o: ") + form.type);
  }
  check_never(kForms[0], "v",
              "  %v: u8[4,8] = aten.slice.Tensor(%o, 0, 2, 6)\n" + kForms[0].binary("y", "x", "v") + "  return (%y)\n",
              ", %o: u8[9,8]");
}

TEST_CASE("Constants are not written over") {
  std::mt19937 generator(9);
  for (const Form& form : kForms) {
    const int64_t count = std::string(form.op) == "qlinear" ? 32 : 120;
    const std::string constant =
        "  %o = constant \"o\" : " + std::string(form.type) + " " + integers_text(generator, count, 0, 255) + "\n";
    // A copy in the layout that the operator wants may be made for it; the constant itself stays for all runs.
    check_plan(form.text(constant + form.binary("y", "x", "o") + "  return (%y)\n"));
    check_plan(
        form.text(constant + form.binary("y", "x", "o") + form.binary("z", "y", "o") + "  return (%y, %z, %o)\n"));
  }
  const std::string constant = "  %o = constant \"o\" : u8[4,8] " + integers_text(generator, 32, 0, 255) + "\n";
  check_never(kForms[0], "o", constant + kForms[0].binary("y", "x", "o") + "  return (%y)\n");
  check_never(kForms[0], "v",
              constant + "  %v = aten.alias.default(%o)\n" + kForms[0].binary("y", "x", "v") + "  return (%y, %o)\n");
}

TEST_CASE("Results are not written over") {
  for (const Form& form : kForms) {
    check_never(form, "a", form.plain("a", "x") + form.binary("y", "x", "a") + "  return (%y, %a)\n");
    check_never(
        form, "a",
        form.plain("a", "x") + "  %v = aten.alias.default(%a)\n" + form.binary("y", "x", "a") + "  return (%v, %y)\n");
  }
}

TEST_CASE("What is read later is not written over") {
  for (const Form& form : kForms) {
    check_never(form, "a",
                form.plain("a", "x") + form.binary("y", "x", "a") + form.binary("z", "a", "y") + "  return (%z)\n");
    // Through a view that was taken before, and one that is taken after.
    check_never(form, "a",
                form.plain("a", "x") + "  %v: " + form.part + " = aten.slice.Tensor(%a, 0, 0, 1)\n" +
                    form.binary("y", "x", "a") + "  %z = aten.cat.default([%v, %v])\n  return (%y, %z)\n");
    check_never(form, "a",
                form.plain("a", "x") + form.binary("y", "x", "a") + "  %v: " + form.part +
                    " = aten.slice.Tensor(%a, 0, 1, 2)\n  %z = aten.cat.default([%v, %v])\n  return (%y, %z)\n");
    check_never(form, "u",
                form.plain("a", "x") + "  %u = aten.alias.default(%a)\n  %v = aten.alias.default(%u)\n" +
                    form.binary("y", "x", "u") + form.plain("z", "v") + "  return (%y, %z)\n");
  }
}

TEST_CASE("An addend that is the activation too is not written over") {
  for (const Form& form : kForms) {
    check_never(form, "a", form.plain("a", "x") + form.binary("y", "a", "a") + "  return (%y)\n");
    check_never(
        form, "a",
        form.plain("a", "x") + "  %v = aten.alias.default(%a)\n" + form.binary("y", "v", "a") + "  return (%y)\n");
  }
  // Two parts of one buffer.
  check_never(kForms[0], "v",
              kForms[0].plain("a", "x") +
                  "  %u: u8[2,8] = aten.slice.Tensor(%a, 0, 0, 2)\n  %v: u8[2,8] = aten.slice.Tensor(%a, 0, 2, 4)\n" +
                  kForms[0].binary("y", "u", "v") + "  return (%y)\n");
}

TEST_CASE("A copy that a view shows is made again after it was written over") {
  const Form& form = kForms[0];
  // Both reshapes need the transposed matrix row by row; the first copy is gone when the second is wanted.
  const auto plan = check_plan(form.text(
      "  %q = onednn.qlinear.default(%s, 0.125, 128, %w, %ws, None, 0.5, 100, u8)\n  %t = aten.t.default(%q)\n"
      "  %r = onednn.qreshape.default(%t, [4, 8])\n" +
          form.binary("y", "x", "r") + "  %r2 = onednn.qreshape.default(%t, [4, 8])\n" + form.binary("z", "x", "r2") +
          "  return (%y, %z)\n",
      ", %s: u8[4,8]"));
  CHECK(step_of(*plan, "y").in_place);
}

// A random network of the forms above with views between, and some of its values as results.
std::string random_network(const Form& form, std::mt19937& generator) {
  std::vector<std::string> values{"x", "i", "k"};
  const int64_t count = std::string(form.op) == "qlinear" ? 32 : 120;
  const bool matrix = std::string(form.op) == "qlinear";
  std::string body =
      "  %k = constant \"k\" : " + std::string(form.type) + " " + integers_text(generator, count, 0, 255) + "\n";
  const auto any = [&] { return values[generator() % values.size()]; };
  // Late values are taken more often: chains.
  const auto late = [&] { return generator() % 3 ? values.back() : any(); };
  for (int i = 0; i < 12; ++i) {
    const std::string name = "n" + std::to_string(i);
    switch (generator() % 7) {
      case 0: body += form.plain(name, late()); break;
      case 1:
      case 2:
      case 3: body += form.binary(name, any(), late()); break;
      case 4: body += "  %" + name + " = aten.alias.default(%" + any() + ")\n"; break;
      case 5: {
        // Two halves, changed about.
        const std::string from = late(), half = matrix ? "2" : "1", end = matrix ? "4" : "2";
        body += "  %" + name + "a: " + form.half + " = aten.slice.Tensor(%" + from + ", 0, 0, " + half + ")\n  %" +
                name + "b: " + form.half + " = aten.slice.Tensor(%" + from + ", 0, " + half + ", " + end + ")\n";
        body += "  %" + name + " = onednn.qcat.default([%" + name + "b, %" + name + "a], 0)\n";
        break;
      }
      default: {
        // Another order of the elements in the same sizes.
        const std::string sizes = std::string(form.type).substr(2);
        body += "  %" + name + "p = aten.permute.default(%" + any() + (matrix ? ", [1, 0])\n" : ", [0, 2, 3, 1])\n");
        body += "  %" + name + " = onednn.qreshape.default(%" + name + "p, " + sizes + ")\n";
      }
    }
    values.push_back(name);
  }
  std::string results = "%" + values.back();
  for (const std::string& value : values) results += generator() % 6 == 0 ? ", %" + value : "";
  return form.text(body + "  return (" + results + ")\n", std::string(", %i: ") + form.type);
}

TEST_CASE("Random networks give what the reference plan gives") {
  std::mt19937 generator(21);
  int in_place = 0;
  for (int round = 0; round < 150; ++round) {
    for (const Form& form : kForms) {
      const auto plan = check_plan(random_network(form, generator));
      for (const PlanStep& step : plan->steps()) in_place += step.in_place ? 1 : 0;
    }
  }
  CHECK(in_place > 100);
}

}  // namespace
}  // namespace qrules
