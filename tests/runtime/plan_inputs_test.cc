// Inputs against what a graph expects, symbolic sizes, and the cache of plans.

#include <thread>

#include "plan_helpers.h"

namespace qrules {
namespace {

using namespace testing;

// A batch of rows, twice that many offsets, and a table of fixed size.
const char* const kText =
    "graph(%x: f32[s0,3], %t: f32[3], %d: f32[2*s0]) {\n"
    "  %a = aten.add.Tensor(%x, %t)\n"
    "  %b = aten.reshape.default(%a, [size(3*s0)])\n"
    "  return (%a, %b, %d)\n"
    "}\n";

TensorLayout floats(std::vector<int64_t> sizes) { return TensorLayout::contiguous(DType::f32, std::move(sizes)); }

std::string binding_of(const std::vector<TensorLayout>& inputs) {
  return message_of(bind_symbols(*shared_graph(kText), inputs));
}

TEST_CASE("Symbols follow from the sizes of inputs") {
  const auto symbols =
      bind_symbols(*shared_graph(kText), std::vector<TensorLayout>{floats({5, 3}), floats({3}), floats({10})});
  REQUIRE(symbols.ok());
  CHECK(*symbols == Symbols{{"s0", 5}});
}

TEST_CASE("Wrong inputs are named with what was expected") {
  CHECK(binding_of({floats({5, 3}), floats({3})}) == "QR0650 the model takes 3 inputs, got 2");
  CHECK(binding_of({}) == "QR0650 the model takes 3 inputs, got 0");
  CHECK(binding_of({TensorLayout::contiguous(DType::u8, {5, 3}), floats({3}), floats({10})}) ==
        "QR0651 input 0 (`%x`) is f32, got u8");
  CHECK(binding_of({floats({5, 3}), floats({3, 1}), floats({10})}) ==
        "QR0652 input 1 (`%t`) has the sizes [3], got [3,1]");
  CHECK(binding_of({floats({5, 3}), floats({}), floats({10})}) == "QR0652 input 1 (`%t`) has the sizes [3], got []");
  CHECK(binding_of({floats({5, 4}), floats({3}), floats({10})}) ==
        "QR0652 input 0 (`%x`) has the sizes [s0,3], got [5,4]");
  CHECK(binding_of({floats({5, 3}), floats({3}), floats({11})}) ==
        "QR0653 input 2 (`%d`): size 0 is 11, but 2*s0 is 10");
  // All that is wrong at once.
  CHECK(binding_of({TensorLayout::contiguous(DType::s8, {5, 3}), floats({2}), floats({10})}) ==
        "QR0651 input 0 (`%x`) is f32, got s8\nQR0652 input 1 (`%t`) has the sizes [3], got [2]");
}

TEST_CASE("One symbol has one value") {
  const auto graph =
      shared_graph("graph(%x: f32[s0], %y: f32[2,s0]) {\n  %a = aten.add.Tensor(%x, %y)\n  return (%a)\n}\n");
  CHECK(message_of(bind_symbols(*graph, std::vector<TensorLayout>{floats({4}), floats({2, 4})})) == "ok");
  CHECK(message_of(bind_symbols(*graph, std::vector<TensorLayout>{floats({4}), floats({2, 5})})) ==
        "QR0653 input 1 (`%y`): size 1 is 5, but s0 is 4");
}

TEST_CASE("A computed size before the symbol that it is computed from") {
  const auto graph = shared_graph("graph(%x: f32[2*s0], %y: f32[s0]) {\n  return (%x, %y)\n}\n");
  CHECK(message_of(bind_symbols(*graph, std::vector<TensorLayout>{floats({4}), floats({2})})) == "ok");
  CHECK(message_of(bind_symbols(*graph, std::vector<TensorLayout>{floats({4}), floats({4})})) ==
        "QR0653 input 0 (`%x`): size 0 is 4, but 2*s0 is 8");
}

TEST_CASE("Batches of one graph") {
  PlanCache cache(shared_graph(kText), {}, 8);
  for (int64_t batch : {1, 2, 5, 0, 2}) {
    INFO(batch);
    const std::vector<TensorLayout> layouts{floats({batch, 3}), floats({3}), floats({2 * batch})};
    auto plan = cache.get(layouts);
    REQUIRE(plan.ok());
    const auto inputs = random_inputs(**plan, static_cast<unsigned>(batch));
    const auto x = read_values(inputs[0].layout, inputs[0].data.get()),
               t = read_values(inputs[1].layout, inputs[1].data.get());
    std::vector<double> sum;
    for (size_t i = 0; i < x.size(); ++i)
      sum.push_back(static_cast<float>(static_cast<float>(x[i]) + static_cast<float>(t[i % 3])));
    const auto results = run_plan(**plan, inputs);
    CHECK(results[0] == sum);
    CHECK(results[1] == sum);
    CHECK((*plan)->output_layouts()[0].sizes == std::vector<int64_t>{batch, 3});
    CHECK((*plan)->output_layouts()[1].sizes == std::vector<int64_t>{3 * batch});
    CHECK((*plan)->output_layouts()[2].sizes == std::vector<int64_t>{2 * batch});
  }
}

// The plan for a batch; those that were given are kept by the test, so that no two have one address.
class Batches {
 public:
  explicit Batches(size_t capacity) : cache_(shared_graph(kText), {}, capacity) {}
  // A plan that was not there before is new.
  bool made_anew(int64_t batch) {
    auto plan = cache_.get(std::vector<TensorLayout>{floats({batch, 3}), floats({3}), floats({2 * batch})});
    REQUIRE(plan.ok());
    for (const auto& known : seen_) {
      if (known == *plan) return false;
    }
    seen_.push_back(*plan);
    return true;
  }
  // How many of all plans the cache itself still holds.
  size_t held() const {
    size_t count = 0;
    for (const auto& plan : seen_) count += plan.use_count() > 1 ? 1 : 0;
    return count;
  }

 private:
  PlanCache cache_;
  std::vector<std::shared_ptr<const Plan>> seen_;
};

TEST_CASE("The cache keeps the plans used last") {
  Batches batches(2);
  CHECK(batches.made_anew(1));
  CHECK(batches.made_anew(2));
  CHECK_FALSE(batches.made_anew(1));  // now 2 is the oldest
  CHECK(batches.made_anew(3));
  CHECK_FALSE(batches.made_anew(1));
  CHECK(batches.made_anew(2));
  CHECK(batches.made_anew(3));
  CHECK(batches.held() == 2);
}

TEST_CASE("A cache of one plan, and one of none that is as good") {
  for (size_t capacity : {size_t{1}, size_t{0}}) {
    Batches batches(capacity);
    CHECK(batches.made_anew(1));
    CHECK_FALSE(batches.made_anew(1));
    CHECK(batches.made_anew(2));
    CHECK(batches.made_anew(1));
    CHECK(batches.held() == 1);
  }
}

TEST_CASE("The cache is bounded") {
  Batches batches(3);
  for (int64_t batch = 0; batch < 20; ++batch) batches.made_anew(batch);
  CHECK(batches.held() == 3);
}

TEST_CASE("The cache refuses wrong inputs and goes on") {
  PlanCache cache(shared_graph(kText), {}, 2);
  CHECK(message_of(cache.get(std::vector<TensorLayout>{floats({5, 3})})) == "QR0650 the model takes 3 inputs, got 1");
  CHECK(message_of(cache.get(std::vector<TensorLayout>{floats({5, 3}), floats({3}), floats({10})})) == "ok");
}

TEST_CASE("Threads that want one plan get the same one") {
  PlanCache cache(shared_graph(kText), {}, 2);
  std::vector<std::shared_ptr<const Plan>> plans(8);
  std::vector<std::thread> threads;
  for (auto& plan : plans) {
    threads.emplace_back([&] {
      plan = cache.get(std::vector<TensorLayout>{floats({4, 3}), floats({3}), floats({8})}).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& plan : plans) CHECK(plan == plans[0]);
}

}  // namespace
}  // namespace qrules
