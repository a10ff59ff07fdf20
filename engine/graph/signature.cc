// Reading operator schemas as PyTorch prints them.
//
//   (Tensor self, int[2] kernel_size, int[2] stride=[], *, ScalarType? dtype=None) -> (Tensor, Tensor)
//
// Types this project has no use for (Generator, Stream, ...) are read as `any`.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include <qrules/graph/diagnostics.h>
#include <qrules/graph/operators.h>

namespace qrules {
namespace {

class SignatureParser {
 public:
  explicit SignatureParser(std::string_view text) : text_(text) {}

  bool parse(Signature& signature) {
    if (!expect("(")) return false;
    bool keyword_only = false;
    if (!take(")")) {
      do {
        if (take("*")) {
          keyword_only = true;
          continue;
        }
        Parameter parameter;
        if (!parse_parameter(parameter, signature)) return false;
        parameter.keyword_only = keyword_only;
        signature.parameters.push_back(std::move(parameter));
      } while (take(","));
      if (!expect(")")) return false;
    }
    if (!expect("->")) return false;
    if (take("(")) {
      if (take(")")) return finish();
      do {
        if (!parse_return(signature)) return false;
      } while (take(","));
      return expect(")") && finish();
    }
    return parse_return(signature) && finish();
  }

  const std::string& why() const { return why_; }

 private:
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  bool fail(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }
  bool expect(std::string_view token) { return take(token) || fail("`" + std::string(token) + "` is missing"); }
  bool finish() {
    skip();
    return at_ == text_.size() || fail("text after the end");
  }
  std::string_view word() {
    skip();
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  struct Type {
    std::string base;
    bool list = false;
    bool optional = false;
    int length = 0;  // int[2]
  };

  bool parse_type(Type& type, bool& mutates) {
    type.base = word();
    if (type.base.empty()) return fail("a type is missing");
    while (true) {
      if (take("(")) {  // alias set: (a), (a!), (b|a), (a -> *)
        const size_t close = text_.find(')', at_);
        if (close == std::string_view::npos) return fail("`)` is missing");
        mutates = mutates || text_.substr(at_, close - at_).find('!') != std::string_view::npos;
        at_ = close + 1;
      } else if (take("[")) {
        type.list = true;
        const std::string_view digits = word();
        std::from_chars(digits.data(), digits.data() + digits.size(), type.length);
        if (!expect("]")) return false;
      } else if (take("?")) {
        type.optional = true;
      } else {
        return true;
      }
    }
  }

  static ParameterKind kind_of(const Type& type) {
    const std::string& base = type.base;
    if (base == "Tensor") return type.list ? ParameterKind::tensor_list : ParameterKind::tensor;
    if (base == "int" || base == "SymInt") return type.list ? ParameterKind::integer_list : ParameterKind::integer;
    if (base == "float" || base == "SymFloat") return type.list ? ParameterKind::real_list : ParameterKind::real;
    if (base == "bool" || base == "SymBool") return type.list ? ParameterKind::boolean_list : ParameterKind::boolean;
    if (type.list) return ParameterKind::any;
    if (base == "Scalar") return ParameterKind::scalar;
    if (base == "str") return ParameterKind::text;
    if (base == "ScalarType") return ParameterKind::dtype;
    if (base == "Layout" || base == "Device" || base == "MemoryFormat") return ParameterKind::keyword;
    if (base == "qparam") return ParameterKind::qparam;
    return ParameterKind::any;
  }

  bool parse_parameter(Parameter& parameter, Signature& signature) {
    Type type;
    if (!parse_type(type, signature.mutates)) return false;
    parameter.kind = kind_of(type);
    parameter.optional = type.optional;
    parameter.name = word();
    if (parameter.name.empty()) return fail("a parameter has no name");
    if (!take("=")) return true;
    parameter.has_default = true;
    if (!parse_default(parameter.default_value, parameter.kind)) return false;
    // PyTorch's schemas number the memory formats; 0 is contiguous_format.
    if (type.base == "MemoryFormat" && identical(parameter.default_value, Argument(0)))
      parameter.default_value = Keyword{"contiguous_format"};
    if (parameter.kind == ParameterKind::dtype) {
      const auto number = parameter.default_value.get_if<int64_t>();
      if (number && !name_dtype(*number, parameter.default_value)) return fail("a dtype's number is not known");
    }
    // PyTorch writes int[2] padding=0 for [0, 0].
    if (parameter.kind == ParameterKind::integer_list && type.length > 0) {
      if (auto lone = parameter.default_value.get_if<int64_t>())
        parameter.default_value = Argument::List(static_cast<size_t>(type.length), Argument(*lone));
    }
    return true;
  }

  // PyTorch's schemas number the dtypes too, in the order of c10::ScalarType.
  static bool name_dtype(int64_t number, Argument& value) {
    static constexpr DType kNumbered[] = {DType::u8,  DType::s8,  DType::s16, DType::s32,
                                          DType::s64, DType::f16, DType::f32, DType::f64};
    if (number == 11)
      value = DType::boolean;
    else if (number == 15)
      value = DType::bf16;
    else if (number >= 0 && number < static_cast<int64_t>(std::size(kNumbered)))
      value = kNumbered[number];
    else
      return false;
    return true;
  }

  bool parse_default(Argument& value, ParameterKind kind) {
    skip();
    if (take("[")) {
      Argument::List elements;
      if (!take("]")) {
        do {
          Argument element;
          if (!parse_default(element, kind)) return false;
          elements.push_back(std::move(element));
        } while (take(","));
        if (!expect("]")) return false;
      }
      value = std::move(elements);
      return true;
    }
    if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
      const char quote = text_[at_++];
      std::string content;
      while (at_ < text_.size() && text_[at_] != quote) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        content += text_[at_++];
      }
      if (at_ >= text_.size()) return fail("a text is not closed");
      ++at_;
      value = std::move(content);
      return true;
    }
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' ||
                                  text_[at_] == '.' || text_[at_] == '-' || text_[at_] == '+'))
      ++at_;
    const std::string token(text_.substr(begin, at_ - begin));
    if (token.empty()) return fail("a default is missing");
    if (token == "None") {
      value = Argument();
    } else if (token == "True" || token == "true") {
      value = true;
    } else if (token == "False" || token == "false") {
      value = false;
    } else if (int64_t integer = 0;
               std::from_chars(token.data(), token.data() + token.size(), integer).ptr == token.data() + token.size()) {
      value = kind == ParameterKind::real || kind == ParameterKind::real_list ? Argument(static_cast<double>(integer))
                                                                              : Argument(integer);
    } else if (double real = 0;
               std::from_chars(token.data(), token.data() + token.size(), real).ptr == token.data() + token.size()) {
      value = real;
    } else if (auto dtype = parse_dtype(token); dtype && kind == ParameterKind::dtype) {
      value = *dtype;
    } else {
      value = Keyword{token};
    }
    return true;
  }

  bool parse_return(Signature& signature) {
    Type type;
    bool mutates = false;
    if (!parse_type(type, mutates)) return false;
    word();  // results may have names
    signature.mutates = signature.mutates || mutates;
    signature.returns.push_back(type.base + (type.list ? "[]" : ""));
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string why_;
};

}  // namespace

std::optional<size_t> Signature::find(std::string_view parameter) const {
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].name == parameter) return i;
  }
  return std::nullopt;
}

Result<Signature> parse_signature(std::string_view schema) {
  Signature signature;
  SignatureParser parser(schema);
  if (!parser.parse(signature)) {
    return Diagnostic(kBadSignature).with("schema", std::string(schema.substr(0, 200))).with("why", parser.why());
  }
  return signature;
}

}  // namespace qrules
