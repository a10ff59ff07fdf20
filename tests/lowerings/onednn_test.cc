// The oneDNN handlers against the exact kernels of lowerings/decomposed, over random calls. Integers may be one apart
// only where the value that is rounded lies next to a tie.

#include "int8_cases.h"

namespace qrules {
namespace {

using namespace testing;

struct PostOp {
  const char* name;
  std::vector<double> arguments;
};

const std::vector<PostOp> kPostOps{
    {"none", {}}, {"relu", {}},   {"hardtanh", {-0.7, 0.9}}, {"hardtanh", {0, 6}},  {"hardswish", {}},
    {"silu", {}}, {"gelu", {}},   {"gelu_tanh", {}},         {"sigmoid", {}},       {"tanh", {}},
    {"elu", {1}}, {"elu", {0.3}}, {"leaky_relu", {0.1}},     {"leaky_relu", {-0.5}}};

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
    if (!is_fast(ran)) CHECK(ran.note.find("onednn") != std::string::npos);
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
