// The table of operators: names, declarations, what is known of each operator, use by several threads.

#include <qrules/graph/operators.h>

#include <algorithm>
#include <thread>

#include <qrules/graph/diagnostics.h>

#include "../catch.h"

namespace qrules {
namespace {

TEST_CASE("Names are interned once") {
  OperatorTable table;
  const OpId relu = table.intern("aten.relu.default");
  CHECK(table.intern("aten.relu.default") == relu);
  CHECK(table.find("aten.relu.default") == relu);
  CHECK(table.name(relu) == "aten.relu.default");
  CHECK(table.intern("aten.add.Tensor") != relu);
  CHECK(table.size() == 2);
}

TEST_CASE("Shipped operators are found without being interned, unknown ones are not") {
  OperatorTable table;
  const auto add = table.find("aten.add.Tensor");
  REQUIRE(add);
  REQUIRE(table.signature(*add));
  CHECK(table.signature(*add)->find("alpha") == 2u);
  CHECK_FALSE(table.find("my.op.default"));
  const OpId mine = table.intern("my.op.default");
  CHECK(table.find("my.op.default") == mine);
  CHECK(table.signature(mine) == nullptr);
  CHECK(table.signature(kNoOp) == nullptr);
  CHECK(table.name(kNoOp) == "<none>");
}

TEST_CASE("Operators can be declared, once") {
  OperatorTable table;
  REQUIRE(table.declare("my.op.default", "(Tensor x, int n=2) -> Tensor"));
  REQUIRE(table.declare("my.op.default", "(Tensor x, int n=2) -> Tensor"));  // the same again
  const Signature* signature = table.signature(*table.find("my.op.default"));
  REQUIRE(signature);
  CHECK(signature->parameters.size() == 2);
  const auto names = table.known_names();
  CHECK(std::binary_search(names.begin(), names.end(), "my.op.default"));

  const Status other = table.declare("my.op.default", "(Tensor x) -> Tensor");
  REQUIRE_FALSE(other);
  CHECK(other.diagnostics().list().front().kind == &kOperatorDeclaredTwice);
  CHECK(other.diagnostics().list().front().message() ==
        "the operator `my.op.default` exists with another signature: (Tensor x, int n=2) -> Tensor");
  const Status shipped = table.declare("aten.relu.default", "(Tensor x, int n) -> Tensor");
  REQUIRE_FALSE(shipped);
  CHECK(shipped.diagnostics().list().front().kind == &kOperatorDeclaredTwice);
  const Status unreadable = table.declare("my.other.default", "(Tensor");
  REQUIRE_FALSE(unreadable);
  CHECK(unreadable.diagnostics().list().front().kind == &kBadSignature);
}

TEST_CASE("A declaration completes an operator that was met before") {
  OperatorTable table;
  const OpId id = table.intern("my.op.default");
  CHECK(table.signature(id) == nullptr);
  REQUIRE(table.declare("my.op.default", "(Tensor x) -> Tensor"));
  CHECK(table.find("my.op.default") == id);
  REQUIRE(table.signature(id));
  CHECK_FALSE(table.declare("my.op.default", "(Tensor y) -> Tensor"));
}

TEST_CASE("A packet's overloads") {
  OperatorTable table;
  REQUIRE(table.declare("my.op.b", "(Tensor x) -> Tensor"));
  REQUIRE(table.declare("my.op.a", "(Tensor x) -> Tensor"));
  REQUIRE(table.declare("my.opera.a", "(Tensor x) -> Tensor"));
  CHECK(table.overloads("my.op") == std::vector<std::string>{"my.op.a", "my.op.b"});
  const auto add = table.overloads("aten.add");
  CHECK(std::find(add.begin(), add.end(), "aten.add.Tensor") != add.end());
  CHECK(std::find(add.begin(), add.end(), "aten.add.Scalar") != add.end());
  for (const std::string& name : add) CHECK(name.substr(0, 9) == "aten.add.");
  CHECK(table.overloads("aten.nothing").empty());
}

TEST_CASE("Known names are sorted and unique") {
  OperatorTable table;
  const auto names = table.known_names();
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("What is known of operators") {
  OperatorTable table;
  CHECK(table.commutative(table.intern("aten.add.Tensor")));
  CHECK(table.commutative(table.intern("aten.mul.Tensor")));
  CHECK_FALSE(table.commutative(table.intern("aten.sub.Tensor")));
  CHECK_FALSE(table.commutative(table.intern("aten.matmul.default")));
  CHECK(table.pure(table.intern("aten.relu.default")));
  CHECK(table.pure(table.intern("_operator.getitem")));
  CHECK_FALSE(table.pure(table.intern("aten.relu_.default")));
  CHECK_FALSE(table.pure(table.intern("aten.rand.default")));
  CHECK_FALSE(table.pure(table.intern("aten.bernoulli.default")));
  CHECK_FALSE(table.pure(table.intern("aten._assert_async.msg")));
  CHECK_FALSE(table.pure(kNoOp));
  CHECK_FALSE(table.commutative(kNoOp));
}

TEST_CASE("Operator names have three parts") {
  CHECK(is_operator_name("aten.relu.default"));
  CHECK(is_operator_name("_operator.getitem"));
  CHECK_FALSE(is_operator_name("aten.relu"));
  CHECK_FALSE(is_operator_name("relu"));
  CHECK_FALSE(is_operator_name(".relu.default"));
  CHECK_FALSE(is_operator_name(""));
}

TEST_CASE("Threads agree on ids, and references stay valid") {
  OperatorTable table;
  const std::string& early = table.name(table.intern("aten.relu.default"));
  constexpr size_t kThreads = 4, kNames = 500;
  std::vector<std::vector<OpId>> ids(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kNames; ++i) {
        const OpId id = table.intern("my.op" + std::to_string(i) + ".default");
        (void)table.signature(id);
        (void)table.pure(*table.find("aten.add.Tensor"));
        ids[t].push_back(id);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 1; t < kThreads; ++t) CHECK(ids[t] == ids[0]);
  for (size_t i = 0; i < kNames; ++i) REQUIRE(table.name(ids[0][i]) == "my.op" + std::to_string(i) + ".default");
  CHECK(early == "aten.relu.default");
}

}  // namespace
}  // namespace qrules
