// Running takes no memory but the plan's own: every allocation of the process is counted while a context runs.

#include <atomic>
#include <cstdlib>

#include <qrules/lowerings/onednn/common.h>

#include "plan_helpers.h"

// Sanitizers have allocators of their own.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define QRULES_COUNTS_ALLOCATIONS 1

namespace {
std::atomic<bool> g_counting{false};
std::atomic<size_t> g_large{0}, g_small{0};
constexpr size_t kLarge = 1024;

void count(size_t bytes) {
  if (!g_counting.load(std::memory_order_relaxed)) return;
  (bytes >= kLarge ? g_large : g_small).fetch_add(1, std::memory_order_relaxed);
}
}  // namespace

// What glibc's own functions are called inside; what these return is freed by its free.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* memory, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);

void* malloc(size_t bytes) noexcept {
  count(bytes);
  return __libc_malloc(bytes);
}
void* calloc(size_t number, size_t bytes) noexcept {
  count(number * bytes);
  return __libc_calloc(number, bytes);
}
void* realloc(void* memory, size_t bytes) noexcept {
  count(bytes);
  return __libc_realloc(memory, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  count(bytes);
  return __libc_memalign(alignment, bytes);
}
void* memalign(size_t alignment, size_t bytes) noexcept {
  count(bytes);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  count(bytes);
  *memory = __libc_memalign(alignment, bytes);
  return *memory ? 0 : 12;  // ENOMEM
}
}

#endif

namespace qrules {
namespace {

#ifdef QRULES_COUNTS_ALLOCATIONS

using namespace testing;

struct Allocations {
  size_t large = 0, small = 0;
};

// Of the third run: the first makes the states of kernels.
Allocations allocations_of(const Plan& plan) {
  const auto inputs = random_inputs(plan);
  const auto pointers = pointers_to(inputs);
  const auto context = plan.make_context();
  context->run(pointers);
  context->run(pointers);
  g_large = g_small = 0;
  g_counting = true;
  context->run(pointers);
  g_counting = false;
  return {g_large, g_small};
}

std::string weights(const char* name, const char* sizes, int64_t count) {
  std::mt19937 generator(8);
  return std::string("  %") + name + " = constant \"" + name + "\" : s8" + sizes + " " +
         integers_text(generator, count, -8, 8) + "\n";
}

TEST_CASE("Allocations are seen") {
  g_large = g_small = 0;
  g_counting = true;
  std::free(std::aligned_alloc(64, 4096));
  // Not a pair of new and delete that the compiler may leave out.
  std::vector<char>* volatile made = new std::vector<char>(3000);
  g_counting = false;
  delete made;
  CHECK(g_large == 2);
  CHECK(g_small == 1);
}

// oneDNN itself makes small objects for each call: its list of arguments, and grids of scratch memory.
constexpr size_t kSmallPerPrimitive = 24;

TEST_CASE("A fused int8 network takes no memory while it runs") {
  const auto plan = plan_of(
      "graph(%x: u8[2,8,12,12]) {\n" + weights("w", "[8,8,3,3]", 576) + weights("v", "[10,288]", 2880) +
      "  %s = constant : f32[1] {0.25}\n"
      "  %c = onednn.qconv.default(%x, 0.125, 128, %w, %s, None, [1, 1], [1, 1], [1, 1], 1, 2.0, 100, u8, \"relu\")\n"
      "  %d = onednn.qconv_binary.default(%c, 0.125, 128, %w, %s, None, [1, 1], [1, 1], [1, 1], 1, %c, 0.5, 90, "
      "\"add\", 2.0, 100, u8)\n"
      "  %p = onednn.qmaxpool2d.default(%d, [2, 2], [2, 2], [0, 0], [1, 1], False)\n"
      "  %q = onednn.qcat.default([%p, %p], 0)\n"
      "  %r = onednn.qreshape.default(%q, [4, 288])\n"
      "  %l = onednn.qlinear.default(%r, 0.125, 128, %v, %s, None)\n"
      "  return (%l)\n}\n");
  size_t primitives = 0;
  for (const PlanStep& step : plan->steps()) {
    CHECK_FALSE(step.fallback);
    primitives += step.handler.rfind("onednn.", 0) == 0 && step.implementation != "view" ? 1 : 0;
  }
  CHECK(primitives == (onednn::exact_int8() ? 5 : 2));
  const Allocations found = allocations_of(*plan);
  CHECK(found.large == 0);
  CHECK(found.small <= kSmallPerPrimitive * primitives);
}

TEST_CASE("Reference kernels and reorders allocate nothing while they run") {
  const auto plan = plan_of("graph(%x: f32[2,8,12,12]) {\n" + weights("w", "[8,8,3,3]", 576) +
                                "  %s = constant : f32[1] {0.25}\n"
                                "  %q = quantized_decomposed.quantize_per_tensor.default(%x, 0.125, 128, 0, 255, u8)\n"
                                "  %c = onednn.qconv.default(%q, 0.125, 128, %w, %s, None, [1, 1], [1, 1], [1, 1], 1, "
                                "2.0, 100, u8, \"relu\")\n"
                                "  %f = quantized_decomposed.dequantize_per_tensor.default(%c, 2.0, 100, 0, 255, u8)\n"
                                "  %t = aten.permute.default(%f, [0, 3, 1, 2])\n"
                                "  %r = aten.reshape.default(%t, [2, 1152])\n"
                                "  return (%r)\n}\n",
                            {}, reference_options());
  const Allocations found = allocations_of(*plan);
  CHECK(found.large == 0);
  CHECK(found.small == 0);
}

// Large allocations of one operator that runs through the dispatcher.
size_t large_of(const std::string& call, const std::string& type = "") {
  const auto plan =
      plan_of("graph(%x: f32[64,64], %y: f32[64,64]) {\n  %r" + type + " = " + call + "\n  return (%r)\n}\n", {},
              reference_options());  // kernels of our own take some of these otherwise
  REQUIRE(step_of(*plan, "r").fallback);
  return allocations_of(*plan).large;
}

TEST_CASE("Operators of LibTorch with a form that writes into given tensors use the plan's") {
  for (const char* call : {"aten.add.Tensor(%x, %y)", "aten.mul.Tensor(%x, 2.0)", "aten.sub.Tensor(%x, %y, alpha=2)",
                           "aten.sigmoid.default(%x)", "aten.mm.default(%x, %y)", "aten.matmul.default(%x, %y)",
                           "aten.mean.dim(%x, [1], True)", "aten._softmax.default(%x, 1, False)",
                           "aten.clamp.default(%x, 0, 1)", "aten.hardtanh.default(%x)"}) {
    INFO(call);
    CHECK(large_of(call) == 0);
  }
  CHECK(large_of("aten.gt.Scalar(%x, 0)", ": bool[64,64]") == 0);
}

TEST_CASE("Operators of LibTorch without such a form allocate their results") {
  // What is true of this version; a number that falls is an improvement and belongs here too.
  CHECK(large_of("aten.relu.default(%x)") == 1);
  CHECK(large_of("aten.softmax.int(%x, 1)") <= 1);
  // LibTorch goes through a oneDNN of its own, and copies.
  CHECK(large_of("aten.gelu.default(%x)") <= 3);
}

#endif

}  // namespace
}  // namespace qrules
