// The oneDNN handlers against the exact kernels of lowerings/decomposed, over random calls. Integers may be one apart
// only where the value that is rounded lies next to a tie.

#include <cmath>
#include <functional>
#include <random>

#include <qrules/lowerings/onednn/common.h>

#include "random_calls.h"

namespace qrules {
namespace {

using namespace testing;

// {1.5, 2.5} of random numbers.
std::string floats_text(Random& random, int64_t count, double low, double high) {
  std::uniform_real_distribution<double> values(low, high);
  std::string text = "{";
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + number_text(static_cast<float>(values(random.generator)));
  return text + "}";
}

int64_t product(const std::vector<int64_t>& sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

// A call of an int8 operator: what comes before the epilogue is fixed by the test, the rest is drawn.
struct Int8Case {
  bool convolution = false;
  std::string x_dtype = "u8";
  std::vector<int64_t> x_sizes, weight_sizes;
  std::vector<int64_t> stride, padding, dilation;
  int64_t groups = 1;
  int64_t x_zero_point = 0;
  bool per_channel = false, bias = false;
  int weight_low = -127, weight_high = 127;
  // "" without an addend, else its dtype; the text of where it comes from is made by `addend`.
  std::string other_dtype, binary = "add";
  bool other_in_place = false;
  std::string out_dtype = "u8", post_op = "none";
  std::vector<double> post_op_args;

  std::vector<int64_t> out_sizes() const {
    std::vector<int64_t> sizes = x_sizes;
    if (!convolution) {
      sizes.back() = weight_sizes[0];
      return sizes;
    }
    sizes[1] = weight_sizes[0];
    for (size_t i = 0; i < stride.size(); ++i) {
      sizes[i + 2] = (x_sizes[i + 2] + 2 * padding[i] - dilation[i] * (weight_sizes[i + 2] - 1) - 1) / stride[i] + 1;
    }
    return sizes;
  }
};

// The graph of the case. `raw`: with the f32 value before it is rounded as its result, in place of the integer.
std::string text_of(const Int8Case& c, unsigned seed, bool raw) {
  Random random(seed);
  const int64_t channels = c.weight_sizes[0], inner = product(c.weight_sizes) / channels;
  // Sums of products spread over some 100 quanta of the result.
  const double x_scale = 0.02, weight_scale = 1.0 / (std::sqrt(static_cast<double>(std::max<int64_t>(inner, 1))) * 100);
  const bool integral = c.out_dtype == "u8" || c.out_dtype == "s8";
  const double out_scale = 0.0173;
  const int64_t out_zero_point = c.out_dtype == "u8" ? 131 : 3;
  const bool integral_other = c.other_dtype == "u8" || c.other_dtype == "s8";
  std::string inputs = "%x: " + c.x_dtype + list_text(c.x_sizes), body;
  body += "  %w = constant \"w\" : s8" + list_text(c.weight_sizes) + " " +
          integers_text(random.generator, product(c.weight_sizes), c.weight_low, c.weight_high) + "\n";
  const int64_t scales = c.per_channel ? channels : 1;
  body += "  %s = constant \"s\" : f32[" + std::to_string(scales) + "] " +
          floats_text(random, scales, weight_scale / 2, weight_scale * 2) + "\n";
  if (c.bias)
    body +=
        "  %b = constant \"b\" : f32[" + std::to_string(channels) + "] " + floats_text(random, channels, -1, 1) + "\n";
  std::string call =
      "%x, " + number_text(x_scale) + ", " + std::to_string(c.x_zero_point) + ", %w, %s, " + (c.bias ? "%b" : "None");
  if (c.convolution)
    call += ", " + list_text(c.stride) + ", " + list_text(c.padding) + ", " + list_text(c.dilation) + ", " +
            std::to_string(c.groups);
  if (!c.other_dtype.empty()) {
    inputs += ", %o: " + c.other_dtype + list_text(c.out_sizes());
    std::string other = "%o";
    if (c.other_in_place) {
      // An intermediate: the same elements, computed.
      body += integral_other ? "  %m = onednn.qcat.default([%o], 0)\n" : "  %m = aten.neg.default(%o)\n";
      other = "%m";
    }
    call += ", " + other + (integral_other ? ", 0.0131, 100" : ", 1.0, 0") + ", \"" + c.binary + "\"";
  }
  if (integral && !raw)
    call += ", " + number_text(out_scale) + ", " + std::to_string(out_zero_point) + ", " + c.out_dtype;
  else
    call += ", 1.0, 0, " + std::string(raw ? "f32" : c.out_dtype);
  call += ", \"" + c.post_op + "\", [";
  for (size_t i = 0; i < c.post_op_args.size(); ++i) call += (i ? ", " : "") + number_text(c.post_op_args[i]);
  call += "]";
  const std::string op = std::string(c.convolution ? "qconv" : "qlinear") + (c.other_dtype.empty() ? "" : "_binary");
  return "graph(" + inputs + ") {\n" + body + "  %y = onednn." + op + ".default(" + call + ")\n  return (%y)\n}\n";
}

// What ran: "onednn.qconv", "decomposed.qconv" ...
struct Ran {
  std::string handler, note;
  bool in_place = false;
};

Ran check_case(const Int8Case& c, unsigned seed, const std::function<void(std::vector<HostTensor>&)>& change = {}) {
  const std::string text = text_of(c, seed, false);
  const auto plan = plan_of(text), reference = plan_of(text, {}, reference_options());
  auto inputs = random_inputs(*plan, seed);
  if (change) change(inputs);
  const auto context = plan->make_context();
  run_plan(*plan, *context, inputs);
  const auto found = run_plan(*plan, *context, inputs)[0], expected = run_plan(*reference, inputs)[0];
  const PlanStep& step = step_of(*plan, "y");
  INFO("seed " << seed << ", " << step.handler << " " << step.implementation << "\n"
               << text.substr(0, 300) << "...\n"
               << text.substr(text.rfind("%y =")));
  REQUIRE(found.size() == expected.size());
  if (c.out_dtype == "u8" || c.out_dtype == "s8") {
    std::vector<double> raw;
    for (size_t i = 0; i < found.size(); ++i) {
      if (found[i] == expected[i]) continue;
      if (raw.empty()) raw = run_plan(*plan_of(text_of(c, seed, true), {}, reference_options()), inputs)[0];
      const double quanta = raw[i] / static_cast<double>(0.0173),
                   distance = std::abs(quanta - std::floor(quanta) - 0.5);
      if (std::abs(found[i] - expected[i]) > 1 || distance > 1e-3) {
        FAIL("element " << i << ": " << found[i] << " instead of " << expected[i] << ", " << distance
                        << " quanta from a tie");
      }
    }
  } else {
    double largest = 0;
    for (double value : expected) largest = std::max(largest, std::abs(value));
    const double rounding = c.out_dtype == "bf16" ? 1.0 / 128 : 0;
    for (size_t i = 0; i < found.size(); ++i) {
      const double tolerance = rounding * std::abs(expected[i]) + 1e-5 * largest + 1e-6;
      if (!(std::abs(found[i] - expected[i]) <= tolerance))
        FAIL("element " << i << ": " << found[i] << " instead of " << expected[i]);
    }
  }
  return {step.handler, step.note, step.in_place};
}

bool is_onednn(const Ran& ran) { return ran.handler.rfind("onednn.", 0) == 0; }
// On the kernels that this CPU has for int8: oneDNN's, or our own where oneDNN's would saturate.
bool is_fast(const Ran& ran) { return ran.handler.rfind(onednn::exact_int8() ? "onednn." : "avx2.", 0) == 0; }

struct PostOp {
  const char* name;
  std::vector<double> arguments;
};

const std::vector<PostOp> kPostOps{
    {"none", {}}, {"relu", {}},   {"hardtanh", {-0.7, 0.9}}, {"hardtanh", {0, 6}},  {"hardswish", {}},
    {"silu", {}}, {"gelu", {}},   {"gelu_tanh", {}},         {"sigmoid", {}},       {"tanh", {}},
    {"elu", {1}}, {"elu", {0.3}}, {"leaky_relu", {0.1}},     {"leaky_relu", {-0.5}}};

// Quantization that is drawn anew for each call.
void draw_quantization(Int8Case& c, Random& random) {
  c.x_dtype = random.one_of({"u8", "s8"});
  c.x_zero_point =
      c.x_dtype == "u8" ? random.one_of<int64_t>({0, 1, 77, 128, 255}) : random.one_of<int64_t>({0, -128, -3, 127});
  c.per_channel = random.chance(2);
  c.bias = random.chance(2);
}

void draw_result(Int8Case& c, Random& random) {
  c.out_dtype = random.one_of({"u8", "s8", "f32", "bf16"});
  const PostOp& op = kPostOps[random.generator() % kPostOps.size()];
  c.post_op = op.name;
  c.post_op_args = op.arguments;
}

Int8Case random_linear(Random& random) {
  Int8Case c;
  const int64_t k = random.one_of<int64_t>({1, 2, 3, 7, 16, 31, 64, 100});
  const int64_t n = random.one_of<int64_t>({1, 2, 5, 16, 17, 48});
  c.x_sizes = random.one_of<std::vector<int64_t>>({{1}, {3}, {9}, {2, 3}, {1, 1}, {2, 1, 4}, {}});
  c.x_sizes.push_back(k);
  c.weight_sizes = {n, k};
  draw_quantization(c, random);
  return c;
}

Int8Case random_convolution(Random& random) {
  Int8Case c;
  c.convolution = true;
  const size_t rank = random.chance(3) ? 1 : 2;
  const int64_t batch = random.pick(1, 3);
  int64_t inner = random.one_of<int64_t>({1, 3, 4, 8, 16, 20}), channels = random.one_of<int64_t>({1, 4, 5, 16, 24});
  switch (random.pick(0, 3)) {
    case 0:
      c.groups = inner;
      channels = inner;
      break;  // depthwise
    case 1:
      if (inner % 4 == 0 && channels % 4 == 0) c.groups = random.one_of<int64_t>({2, 4});
      break;
    default: break;
  }
  c.x_sizes = {batch, inner};
  c.weight_sizes = {channels, inner / c.groups};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t kernel = random.one_of<int64_t>({1, 2, 3, 5}), dilation = random.chance(4) ? 2 : 1;
    c.weight_sizes.push_back(kernel);
    c.dilation.push_back(dilation);
    // With strides the windows reach less far at the end than the padding does.
    c.stride.push_back(random.pick(1, 3));
    c.padding.push_back(random.pick(0, (kernel - 1) * dilation / 2 + 1));
    const int64_t least = (kernel - 1) * dilation + 1 - 2 * c.padding.back();
    c.x_sizes.push_back(std::max<int64_t>(least, 1) + random.pick(0, 9));
  }
  draw_quantization(c, random);
  return c;
}

TEST_CASE("qlinear and qconv over random calls") {
  Random random(31);
  for (unsigned round = 0; round < 400; ++round) {
    Int8Case c = round % 2 ? random_convolution(random) : random_linear(random);
    draw_result(c, random);
    const Ran ran = check_case(c, round);
    // Padding that reaches as far as the window, and the like, may be refused; never without a word.
    if (!is_onednn(ran) && !is_fast(ran)) CHECK(ran.note.find("onednn") != std::string::npos);
  }
}

TEST_CASE("qlinear and qconv run on fast kernels with every post-op and result") {
  Random random(32);
  for (const PostOp& op : kPostOps) {
    for (const char* out : {"u8", "s8", "f32", "bf16"}) {
      for (bool convolution : {false, true}) {
        Int8Case c;
        c.convolution = convolution;
        c.x_sizes = convolution ? std::vector<int64_t>{2, 8, 6, 7} : std::vector<int64_t>{5, 32};
        c.weight_sizes = convolution ? std::vector<int64_t>{16, 8, 3, 3} : std::vector<int64_t>{16, 32};
        if (convolution) c.stride = {1, 1}, c.padding = {1, 1}, c.dilation = {1, 1};
        draw_quantization(c, random);
        c.out_dtype = out;
        c.post_op = op.name;
        c.post_op_args = op.arguments;
        CHECK(is_fast(check_case(c, 5)));
      }
    }
  }
}

TEST_CASE("Addends of every type, in place and beside") {
  Random random(33);
  int in_place = 0;
  for (unsigned round = 0; round < 3; ++round) {
    for (const char* other : {"u8", "s8", "f32"}) {
      for (const char* binary : {"add", "sub", "mul"}) {
        for (const char* out : {"u8", "s8", "f32", "bf16"}) {
          for (bool convolution : {false, true}) {
            for (bool intermediate : {false, true}) {
              Int8Case c = convolution ? random_convolution(random) : random_linear(random);
              draw_result(c, random);
              if (random.chance(2)) c.post_op = "relu", c.post_op_args = {};
              c.out_dtype = out;
              c.other_dtype = other;
              c.binary = binary;
              // Concatenation along the first dimension needs one.
              c.other_in_place = intermediate && !c.out_sizes().empty();
              in_place += check_case(c, round).in_place ? 1 : 0;
            }
          }
        }
      }
    }
  }
  CHECK(in_place > 20);
}

TEST_CASE("Addends that must run on fast kernels") {
  for (const char* other : {"u8", "s8", "f32"}) {
    for (const char* out : {"u8", "s8", "f32"}) {
      for (bool convolution : {false, true}) {
        for (bool intermediate : {false, true}) {
          Int8Case c;
          c.convolution = convolution;
          c.x_sizes = convolution ? std::vector<int64_t>{2, 8, 6, 7} : std::vector<int64_t>{5, 32};
          c.weight_sizes = convolution ? std::vector<int64_t>{16, 8, 3, 3} : std::vector<int64_t>{16, 32};
          if (convolution) c.stride = {1, 1}, c.padding = {1, 1}, c.dilation = {1, 1};
          c.bias = true;
          c.x_zero_point = 7;
          c.other_dtype = other;
          c.out_dtype = out;
          c.other_in_place = intermediate;
          INFO(other << " into " << out);
          CHECK(is_fast(check_case(c, 6)));
        }
      }
    }
  }
}

// All activations at an end of their range, against weights at an end of theirs: sums of pairs of products leave 16
// bits.
TEST_CASE("Saturated operands") {
  for (bool convolution : {false, true}) {
    for (const char* dtype : {"u8", "s8"}) {
      for (int weight : {127, -128}) {
        for (double value : {255.0, -128.0, 127.0}) {
          if ((std::string(dtype) == "u8" && value < 0) || (std::string(dtype) == "s8" && value > 127)) continue;
          for (int64_t zero_point : {int64_t{0}, std::string(dtype) == "u8" ? int64_t{255} : int64_t{-128}}) {
            Int8Case c;
            c.convolution = convolution;
            c.x_dtype = dtype;
            c.x_sizes = convolution ? std::vector<int64_t>{1, 64, 5, 5} : std::vector<int64_t>{3, 600};
            c.weight_sizes = convolution ? std::vector<int64_t>{17, 64, 3, 3} : std::vector<int64_t>{17, 600};
            if (convolution) c.stride = {1, 1}, c.padding = {1, 1}, c.dilation = {1, 1};
            c.x_zero_point = zero_point;
            c.weight_low = c.weight_high = weight;
            c.out_dtype = "f32";
            check_case(c, 1, [&](std::vector<HostTensor>& inputs) {
              inputs[0] = tensor_of(inputs[0].layout.dtype, inputs[0].layout.sizes,
                                    std::vector<double>(static_cast<size_t>(inputs[0].layout.element_count()), value));
            });
          }
        }
      }
    }
  }
}

TEST_CASE("Calls without elements") {
  for (const char* out : {"u8", "f32"}) {
    Int8Case linear;
    linear.out_dtype = out;
    linear.x_sizes = {0, 8};
    linear.weight_sizes = {4, 8};
    check_case(linear, 1);
    linear.other_dtype = "u8";
    check_case(linear, 1);
    Int8Case convolution;
    convolution.convolution = true;
    convolution.out_dtype = out;
    convolution.x_sizes = {0, 4, 6, 6};
    convolution.weight_sizes = {4, 4, 3, 3};
    convolution.stride = {1, 1}, convolution.padding = {1, 1}, convolution.dilation = {1, 1};
    check_case(convolution, 1);
  }
}

}  // namespace

TEST_CASE("Constants that are views are read in the order of their elements") {
  // The weight, the scales and the bias are views of constants with other strides.
  const std::string text = R"(graph(%x: u8[2,3]) {
    %k = constant "k" : s8[3,4] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
    %w: s8[4,3] = aten.permute.default(%k, [1, 0])
    %p = constant "p" : f32[4,2] {1, 50, 2, 60, 3, 70, 4, 80}
    %s: f32[4] = aten.select.int(%p, 1, 0)
    %b: f32[4] = aten.select.int(%p, 1, 1)
    %y: f32[2,4] = onednn.qlinear.default(%x, 1.0, 0, %w, %s, %b)
    return (%y)
  })";
  const std::vector<uint8_t> x{1, 0, 0, 0, 1, 0};
  auto graph = parse_graph("test", text);
  REQUIRE(graph.ok());
  const auto shared = std::make_shared<const Graph>(std::move(*graph));
  for (const bool reference : {true, false}) {
    PlanOptions options;
    options.reference = reference;
    auto plan = Plan::prepare(shared, {}, options);
    REQUIRE(plan.ok());
    auto context = (*plan)->make_context();
    const void* inputs[] = {x.data()};
    context->run(inputs);
    const auto* y = static_cast<const float*>(context->outputs()[0]);
    CHECK(std::vector<float>(y, y + 8) == std::vector<float>{51, 64, 79, 96, 55, 72, 91, 112});
  }
}

}  // namespace qrules
