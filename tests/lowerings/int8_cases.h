// Calls of int8 operators, and the kernels of the plan against the exact ones of lowerings/decomposed. Integers may be
// one apart only where the value that is rounded lies next to a tie.
#pragma once

#include <cmath>
#include <functional>
#include <random>

#include <qrules/lowerings/onednn/common.h>

#include "random_calls.h"

namespace qrules::testing {

// {1.5, 2.5} of random numbers.
inline std::string floats_text(Random& random, int64_t count, double low, double high) {
  std::uniform_real_distribution<double> values(low, high);
  std::string text = "{";
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + number_text(static_cast<float>(values(random.generator)));
  return text + "}";
}

inline int64_t product(const std::vector<int64_t>& sizes) {
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
  // "" without an addend, else its dtype.
  std::string other_dtype, binary = "add";
  bool other_in_place = false;
  std::string out_dtype = "u8", post_op = "none";
  int64_t u8_zero_point = 131;  // of a result that is u8
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
inline std::string text_of(const Int8Case& c, unsigned seed, bool raw) {
  Random random(seed);
  const int64_t channels = c.weight_sizes[0], inner = product(c.weight_sizes) / channels;
  // Sums of products spread over some 100 quanta of the result.
  const double x_scale = 0.02, weight_scale = 1.0 / (std::sqrt(static_cast<double>(std::max<int64_t>(inner, 1))) * 100);
  const bool integral = c.out_dtype == "u8" || c.out_dtype == "s8";
  const double out_scale = 0.0173;
  const int64_t out_zero_point = c.out_dtype == "u8" ? c.u8_zero_point : 3;
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

inline Ran check_case(const Int8Case& c, unsigned seed,
                      const std::function<void(std::vector<HostTensor>&)>& change = {}) {
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

// For check_case: all elements of the first input have this value.
inline std::function<void(std::vector<HostTensor>&)> filled_with(double value) {
  return [value](std::vector<HostTensor>& inputs) {
    const TensorLayout& layout = inputs[0].layout;
    inputs[0] =
        tensor_of(layout.dtype, layout.sizes, std::vector<double>(static_cast<size_t>(layout.element_count()), value));
  };
}

// On the kernels that this CPU has for int8: our own, or oneDNN's where they do not saturate.
inline bool is_fast(const Ran& ran) {
  const auto of = [&](const char* room) { return ran.handler.rfind(room, 0) == 0; };
  return of("avx512.") || of(onednn::exact_int8() ? "onednn." : "avx2.");
}

// Quantization that is drawn anew for each call.
inline void draw_quantization(Int8Case& c, Random& random) {
  c.x_dtype = random.one_of({"u8", "s8"});
  c.x_zero_point =
      c.x_dtype == "u8" ? random.one_of<int64_t>({0, 1, 77, 128, 255}) : random.one_of<int64_t>({0, -128, -3, 127});
  c.per_channel = random.chance(2);
  c.bias = random.chance(2);
  // At 0 a relu is what saturation does.
  c.u8_zero_point = random.one_of<int64_t>({131, 0, 3});
}

}  // namespace qrules::testing
