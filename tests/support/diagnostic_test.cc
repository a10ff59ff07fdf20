// Diagnostics as data: messages, the registry of kinds, suggestions.

#include <cctype>
#include <cstring>
#include <set>

#include <qrules/graph/diagnostics.h>
#include <qrules/support/diagnostic.h>
#include <qrules/support/result.h>

#include "../catch.h"

namespace qrules {
namespace {

inline const DiagnosticKind kTestWarning{"QR9901", Level::warning, "test-warning",
                                         "`{what}` has {count} of {count}, {share}, {missing}", "Only for tests."};

TEST_CASE("Every kind has a code of its own, and something to say") {
  std::set<std::string> codes;
  std::string previous;
  const auto kinds = all_diagnostic_kinds();
  REQUIRE(kinds.size() >= 20);
  for (const DiagnosticKind* kind : kinds) {
    INFO(kind->code << " " << kind->name);
    CHECK(codes.insert(kind->code).second);
    CHECK(previous < kind->code);  // ordered
    previous = kind->code;
    REQUIRE(std::strlen(kind->code) == 6);
    CHECK(std::string(kind->code).substr(0, 2) == "QR");
    for (int i = 2; i < 6; ++i) CHECK(std::isdigit(static_cast<unsigned char>(kind->code[i])));
    CHECK(std::strlen(kind->message) > 0);
    CHECK(std::strlen(kind->explanation) > 0);
    for (const char* c = kind->name; *c; ++c)
      CHECK(
          (std::islower(static_cast<unsigned char>(*c)) || *c == '-' || std::isdigit(static_cast<unsigned char>(*c))));
  }
  CHECK(codes.count("QR0501") == 1);
  CHECK(codes.count("QR9901") == 1);
}

TEST_CASE("Arguments fill the message") {
  const Diagnostic diagnostic =
      Diagnostic(kTestWarning).with("what", "a{count}").with("count", int64_t{-3}).with("share", 0.25);
  // A value is not read again for braces; what is not given stays visible.
  CHECK(diagnostic.message() == "`a{count}` has -3 of -3, 0.25, {missing}");
  CHECK(diagnostic.one_line() == "warning[QR9901]: `a{count}` has -3 of -3, 0.25, {missing}");
}

TEST_CASE("One line names the place of the primary label") {
  const auto file = std::make_shared<SourceFile>("rules/a.yaml", "first\nsecond\n");
  const Diagnostic diagnostic =
      Diagnostic(kUnboundValue, Span{file, 8, 10}, "here").with("name", "z").label(Span{file, 0, 1}, "there");
  CHECK(diagnostic.one_line() == "rules/a.yaml:2:3: error[QR0503]: no value is called `%z` here");
}

TEST_CASE("Builders collect labels, notes and helps") {
  const auto file = std::make_shared<SourceFile>("a", "abc");
  const Diagnostic diagnostic =
      Diagnostic(kUnboundValue).label({file, 0, 1}, "l").note("n").help("h").fix("f", {file, 1, 2}, "x");
  REQUIRE(diagnostic.labels.size() == 1);
  REQUIRE(diagnostic.notes.size() == 1);
  REQUIRE(diagnostic.helps.size() == 2);
  CHECK_FALSE(diagnostic.helps[0].span);
  CHECK(diagnostic.helps[1].span.text() == "b");
  CHECK(diagnostic.helps[1].replacement == "x");
}

TEST_CASE("Only errors count as errors") {
  Diagnostics list;
  CHECK(list.empty());
  list.add(Diagnostic(kTestWarning));
  CHECK_FALSE(list.has_errors());
  Diagnostics more;
  more.add(Diagnostic(kUnboundValue).with("name", "z"));
  list.append(more);
  CHECK(list.has_errors());
  CHECK(list.size() == 2);
  CHECK(list.list()[1].kind == &kUnboundValue);
}

TEST_CASE("Results hold a value or diagnostics") {
  Result<int> good = 3;
  REQUIRE(good);
  CHECK(*good == 3);
  Result<int> bad = Diagnostic(kUnboundValue);
  CHECK_FALSE(bad.ok());
  CHECK(bad.diagnostics().size() == 1);
  const Status done = Done{};
  CHECK(done.ok());
}

TEST_CASE("The nearest name is suggested, if one is near") {
  const std::vector<std::string> names = {"relu", "relu6", "linear", "conv2d"};
  CHECK(did_you_mean("rleu", names) == "relu");  // exchanged neighbours are one edit
  CHECK(did_you_mean("liner", names) == "linear");
  CHECK(did_you_mean("conv3d", names) == "conv2d");
  CHECK(did_you_mean("relu", names) == "relu");
  CHECK(did_you_mean("softmax", names) == std::nullopt);
  CHECK(did_you_mean("", {"abc"}) == std::nullopt);
  CHECK(did_you_mean("abc", {}) == std::nullopt);
  CHECK(did_you_mean("ax", {"bx", "ay"}) == "bx");  // the first of equals
}

}  // namespace
}  // namespace qrules
