// Schemas as PyTorch writes them.

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/operators.h>

#include "../catch.h"

namespace qrules {
namespace {

Signature read(std::string_view schema) {
  auto signature = parse_signature(schema);
  if (!signature) FAIL(signature.diagnostics().list().front().message());
  return *signature;
}

TEST_CASE("Parameters have kinds, defaults and positions") {
  const Signature s =
      read("(Tensor self, Tensor? bias, int[2] padding=0, *, Scalar alpha=1, ScalarType? dtype=None) -> Tensor");
  REQUIRE(s.parameters.size() == 5);
  CHECK(s.parameters[0].kind == ParameterKind::tensor);
  CHECK_FALSE(s.parameters[0].optional);
  CHECK_FALSE(s.parameters[0].has_default);
  CHECK(s.parameters[1].optional);
  CHECK(s.parameters[2].kind == ParameterKind::integer_list);
  CHECK(s.parameters[2].default_value == Argument(Argument::List{0, 0}));  // a lone number stands for all
  CHECK_FALSE(s.parameters[2].keyword_only);
  CHECK(s.parameters[3].keyword_only);
  CHECK(s.parameters[3].default_value == Argument(1));
  CHECK(s.parameters[4].default_value.is_none());
  CHECK(s.parameters[4].has_default);
  CHECK(s.returns == std::vector<std::string>{"Tensor"});
  CHECK_FALSE(s.mutates);
  CHECK(s.find("alpha") == 3u);
  CHECK_FALSE(s.find("beta"));
}

TEST_CASE("Every type has its kind") {
  struct Row {
    const char* type;
    ParameterKind kind;
  };
  constexpr Row kRows[] = {{"Tensor", ParameterKind::tensor},
                           {"Tensor[]", ParameterKind::tensor_list},
                           {"Tensor?[]", ParameterKind::tensor_list},
                           {"Scalar", ParameterKind::scalar},
                           {"int", ParameterKind::integer},
                           {"SymInt", ParameterKind::integer},
                           {"float", ParameterKind::real},
                           {"bool", ParameterKind::boolean},
                           {"str", ParameterKind::text},
                           {"ScalarType", ParameterKind::dtype},
                           {"Layout", ParameterKind::keyword},
                           {"Device?", ParameterKind::keyword},
                           {"MemoryFormat", ParameterKind::keyword},
                           {"int[]", ParameterKind::integer_list},
                           {"SymInt[4]", ParameterKind::integer_list},
                           {"float[]", ParameterKind::real_list},
                           {"bool[3]", ParameterKind::boolean_list},
                           {"qparam", ParameterKind::qparam},
                           {"Generator?", ParameterKind::any},
                           {"Tensor(a)", ParameterKind::tensor},
                           {"Tensor(a!)[]", ParameterKind::tensor_list}};
  for (const Row& row : kRows) {
    INFO(row.type);
    CHECK(read("(" + std::string(row.type) + " p) -> ()").parameters[0].kind == row.kind);
  }
}

TEST_CASE("Defaults of every kind") {
  const auto default_of = [](const std::string& parameter) {
    return read("(" + parameter + ") -> ()").parameters[0].default_value;
  };
  CHECK(identical(default_of("float eps=1"), 1.0));
  CHECK(identical(default_of("float eps=1e-05"), 1e-5));
  CHECK(identical(default_of("int dim=-1"), -1));
  CHECK(identical(default_of("bool b=True"), true));
  CHECK(identical(default_of("bool b=False"), false));
  CHECK(identical(default_of("str mode=\"none\""), "none"));
  CHECK(identical(default_of("str mode='a b'"), "a b"));
  CHECK(identical(default_of(R"(str mode="\"'\\")"), R"("'\)"));
  CHECK(identical(default_of("int[] s=[]"), Argument::List{}));
  CHECK(identical(default_of("int[2] s=[1, 2]"), Argument::List{1, 2}));
  CHECK(identical(default_of("float[] s=[1, 2.5]"), Argument::List{1.0, 2.5}));
  CHECK(identical(default_of("ScalarType dtype=f32"), DType::f32));
  CHECK(identical(default_of("Layout layout=strided"), Keyword{"strided"}));
  CHECK(identical(default_of("MemoryFormat memory_format=0"), Keyword{"contiguous_format"}));
  CHECK(identical(default_of("ScalarType? dtype=4"), DType::s64));
  CHECK(identical(default_of("ScalarType dtype=15"), DType::bf16));
}

TEST_CASE("Results, aliases and mutation") {
  CHECK(read("() -> ()").returns.empty());
  CHECK(read("(Tensor x) -> (Tensor values, Tensor indices)").returns == std::vector<std::string>{"Tensor", "Tensor"});
  CHECK(read("(Tensor x) -> Tensor[]").returns == std::vector<std::string>{"Tensor[]"});
  CHECK_FALSE(read("(Tensor(a) self) -> Tensor(a)").mutates);
  CHECK(read("(Tensor(a!) self) -> Tensor(a!)").mutates);
  CHECK(read("(Tensor x, *, Tensor(a!) out) -> Tensor(a!)").mutates);
  CHECK_FALSE(read("(Tensor(a -> *) self) -> Tensor(a)[]").mutates);
}

TEST_CASE("What is no schema is refused with the reason") {
  struct Row {
    const char* schema;
    const char* message;
  };
  constexpr Row kRows[] = {
      {"", "cannot read the signature ``: `(` is missing"},
      {"(Tensor x)", "cannot read the signature `(Tensor x)`: `->` is missing"},
      {"(Tensor) -> Tensor", "cannot read the signature `(Tensor) -> Tensor`: a parameter has no name"},
      {"(Tensor x -> Tensor", "cannot read the signature `(Tensor x -> Tensor`: `)` is missing"},
      {"(Tensor(a x) -> ", "cannot read the signature `(Tensor(a x) -> `: a parameter has no name"},
      {"(Tensor x) -> ", "cannot read the signature `(Tensor x) -> `: a type is missing"},
      {"(Tensor x) -> Tensor y z", "cannot read the signature `(Tensor x) -> Tensor y z`: text after the end"},
      {"(int x=) -> ()", "cannot read the signature `(int x=) -> ()`: a default is missing"},
      {"(str x=\"a) -> ()", "cannot read the signature `(str x=\"a) -> ()`: a text is not closed"},
      {"(int[2 x) -> ()", "cannot read the signature `(int[2 x) -> ()`: `]` is missing"},
  };
  for (const Row& row : kRows) {
    INFO(row.schema);
    const auto signature = parse_signature(row.schema);
    REQUIRE_FALSE(signature);
    CHECK(signature.diagnostics().list().front().kind == &kBadSignature);
    CHECK(signature.diagnostics().list().front().message() == row.message);
  }
}

TEST_CASE("No prefix of a schema and no missing letter crashes the reader") {
  const std::string schema =
      "(Tensor(a!) self, int[2] k=[1, 2], str m=\"x\", *, Scalar? a=1.5, ScalarType d=f32) -> (Tensor(a!) v, Tensor[] "
      "i)";
  REQUIRE(parse_signature(schema));
  for (size_t i = 0; i < schema.size(); ++i) {
    CHECK_FALSE(parse_signature(schema.substr(0, i)));
    (void)parse_signature(schema.substr(0, i) + schema.substr(i + 1)).ok();
  }
  CHECK_FALSE(parse_signature("(int x=" + std::string(100, '[') + ") -> ()"));
}

TEST_CASE("Every shipped schema can be read") {
  OperatorTable table;
  const auto names = table.known_names();
  REQUIRE(names.size() > 1500);
  for (const std::string& name : names) {
    const auto id = table.find(name);
    REQUIRE(id);
    if (name == "aten.einsum.sublist") continue;  // "(Tensor a, ...)": takes what it is given
    if (!table.signature(*id)) FAIL_CHECK("no signature of " << name);
  }
}

}  // namespace
}  // namespace qrules
