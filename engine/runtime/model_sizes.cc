// Codes of torch.export's schema and the expressions of symbolic sizes.

#include <qrules/runtime/model_sizes.h>

#include <array>
#include <cctype>
#include <charconv>
#include <vector>

#include <qrules/runtime/diagnostics_model.h>

namespace qrules::model {

std::optional<DType> dtype_of(int64_t code) {
  switch (code) {
    case 1: return DType::u8;
    case 2: return DType::s8;
    case 3: return DType::s16;
    case 4: return DType::s32;
    case 5: return DType::s64;
    case 6: return DType::f16;
    case 7: return DType::f32;
    case 8: return DType::f64;
    case 10: return DType::c64;
    case 11: return DType::c128;
    case 12: return DType::boolean;
    case 13: return DType::bf16;
    case 28: return DType::u16;
    case 29: return DType::f8e4m3;
    case 30: return DType::f8e5m2;
    case 34: return DType::u32;
    case 35: return DType::u64;
    default: return std::nullopt;
  }
}

std::string dtype_name(int64_t code) {
  if (const auto dtype = dtype_of(code)) return std::string(name(*dtype));
  switch (code) {
    case 9: return "complex32";
    case 31: return "float8_e4m3fnuz";
    case 32: return "float8_e5m2fnuz";
    case 33: return "float8_e8m0fnu";
    default: return "number " + std::to_string(code);
  }
}

std::optional<Keyword> layout_of(int64_t code) {
  static constexpr std::array<const char*, 8> kNames = {nullptr,      "sparse_coo", "sparse_csr", "sparse_csc",
                                                        "sparse_bsr", "sparse_bsc", "_mkldnn",    "strided"};
  if (code <= 0 || code >= static_cast<int64_t>(kNames.size())) return std::nullopt;
  return Keyword{kNames[static_cast<size_t>(code)]};
}

std::optional<Keyword> memory_format_of(int64_t code) {
  static constexpr std::array<const char*, 5> kNames = {nullptr, "contiguous_format", "channels_last",
                                                        "channels_last_3d", "preserve_format"};
  if (code <= 0 || code >= static_cast<int64_t>(kNames.size())) return std::nullopt;
  return Keyword{kNames[static_cast<size_t>(code)]};
}

namespace {

constexpr int kDeepest = 200;

// Calls of names with arguments; arguments are calls, numbers and texts, some of them named (positive=True).
struct Term {
  std::string name;             // of a call; empty for a number or text
  std::string literal;          // digits, or a text without its quotes
  std::vector<Term> arguments;  // named ones are left out
};

class TermParser {
 public:
  explicit TermParser(std::string_view text) : text_(text) {}

  bool parse(Term& term) { return read(term, 0) && (skip(), at_ == text_.size()); }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view word() {
    skip();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_' || text_[at_] == '.'))
      ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool read(Term& term, int depth) {
    if (depth > kDeepest) return false;
    skip();
    if (at_ >= text_.size()) return false;
    if (const char quote = text_[at_]; quote == '\'' || quote == '"') {
      const size_t close = text_.find(quote, at_ + 1);
      if (close == std::string_view::npos) return false;
      term.literal = text_.substr(at_ + 1, close - at_ - 1);
      at_ = close + 1;
      return true;
    }
    const bool negative = take('-');
    const std::string_view name = word();
    if (name.empty()) return false;
    if (std::isdigit(static_cast<unsigned char>(name[0]))) {
      term.literal = (negative ? "-" : "") + std::string(name);
      return true;
    }
    term.name = name;
    if (negative || !take('(')) return false;
    if (take(')')) return true;
    do {
      // `positive=True`: what sympy assumes of a symbol says nothing about its value.
      const size_t start = at_;
      if (!word().empty() && take('=')) {
        if (word().empty()) return false;
        continue;
      }
      at_ = start;
      if (!read(term.arguments.emplace_back(), depth + 1)) return false;
    } while (take(','));
    return take(')');
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Writes terms in the notation of sizes. Every result but a sum is safe to stand in a product.
class SizeWriter {
 public:
  std::string error;

  std::string sum(const Term& term) {
    if (term.name != "Add") return signed_product(term);
    std::string out;
    for (const Term& part : term.arguments) {
      std::string text = signed_product(part);
      if (out.empty()) {
        out = std::move(text);
      } else if (text[0] == '-') {
        out += " - " + text.substr(1);
      } else {
        out += " + " + text;
      }
    }
    return out.empty() ? fail("an empty sum") : out;
  }

 private:
  std::string fail(std::string why) {
    if (error.empty()) error = std::move(why);
    return "0";
  }

  std::string signed_product(const Term& term) {
    if (term.name != "Mul") return factor(term);
    // Products carry their sign in front, where a sum can turn it into a subtraction; a fraction divides at the end.
    bool negative = false;
    std::string out, divisor;
    for (const Term& part : term.arguments) {
      std::string text = factor(part);
      if (text[0] == '-') {
        negative = !negative;
        text = text.substr(1);
      }
      if (part.name == "Rational" || part.name == "Half") {
        const size_t slash = text.find('/');
        if (slash == std::string::npos) return fail("a fraction");
        divisor += "//" + text.substr(slash + 1);
        text = text.substr(0, slash);
      }
      if (text != "1") out += (out.empty() ? "" : "*") + text;
    }
    if (out.empty()) out = "1";
    if (!divisor.empty()) out = "((" + out + ")" + divisor + ")";
    return (negative ? "-" : "") + out;
  }

  std::string grouped(const Term& term) { return "(" + sum(term) + ")"; }

  std::string factor(const Term& term) {
    const auto& arguments = term.arguments;
    const std::string& name = term.name;
    if (name.empty()) return fail("a number outside Integer()");
    const auto literal = [&](size_t i) { return arguments[i].name.empty() ? arguments[i].literal : std::string(); };
    if (arguments.empty()) {
      if (name == "Half") return "1/2";
      return fail("`" + name + "`");
    }
    if (name == "Integer" && arguments.size() == 1)
      return literal(0).empty() ? fail("an integer without digits") : literal(0);
    if (name == "Symbol" && arguments.size() == 1)
      return literal(0).empty() ? fail("a symbol without a name") : literal(0);
    if (name == "Rational" && arguments.size() == 2) return literal(0) + "/" + literal(1);
    if (name == "Add" || name == "Mul") return grouped(term);
    if (name == "Pow" || name == "PowByNatural") {
      if (arguments.size() != 2 || arguments[1].name != "Integer" || arguments[1].arguments.size() != 1)
        return fail("a power that is no fixed number");
      const std::string& exponent = arguments[1].arguments[0].literal;
      return exponent.empty() || exponent[0] == '-' ? fail("a negative power")
                                                    : "(" + grouped(arguments[0]) + "**" + exponent + ")";
    }
    if ((name == "FloorDiv" || name == "CleanDiv") && arguments.size() == 2)
      return "(" + grouped(arguments[0]) + "//" + grouped(arguments[1]) + ")";
    if (name == "CeilDiv" && arguments.size() == 2) return ceiling(arguments[0], arguments[1]);
    if ((name == "Mod" || name == "PythonMod") && arguments.size() == 2)
      return "Mod(" + sum(arguments[0]) + ", " + sum(arguments[1]) + ")";
    if (name == "ModularIndexing" && arguments.size() == 3) {
      return "Mod(" + grouped(arguments[0]) + "//" + grouped(arguments[1]) + ", " + sum(arguments[2]) + ")";
    }
    if ((name == "Max" || name == "Min") && arguments.size() >= 2) {
      std::string out = name + "(";
      for (size_t i = 0; i < arguments.size(); ++i) out += (i > 0 ? ", " : "") + sum(arguments[i]);
      return out + ")";
    }
    if ((name == "Identity" || name == "ToFloat") && arguments.size() == 1) return grouped(arguments[0]);
    // Rounding a quotient of integers is the one way through floats that has an exact integer form.
    const Term* quotient =
        arguments.size() == 1 && arguments[0].name == "IntTrueDiv" && arguments[0].arguments.size() == 2
            ? arguments.data()
            : nullptr;
    if (quotient && (name == "TruncToInt" || name == "FloorToInt" || name == "floor")) {
      return "(" + grouped(quotient->arguments[0]) + "//" + grouped(quotient->arguments[1]) + ")";
    }
    if (quotient && (name == "CeilToInt" || name == "ceiling"))
      return ceiling(quotient->arguments[0], quotient->arguments[1]);
    return fail("`" + name + "`");
  }

  std::string ceiling(const Term& a, const Term& b) {
    return "((" + sum(a) + " + " + sum(b) + " - 1)//" + grouped(b) + ")";
  }
};

Diagnostic malformed(const std::string& member, std::string why) {
  return Diagnostic(kMalformedModel).with("member", member).with("why", std::move(why));
}

}  // namespace

SizeText size_text(std::string_view expression) {
  Term term;
  if (!TermParser(expression).parse(term)) return {"", "it does not read as an expression"};
  SizeWriter writer;
  std::string text = writer.sum(term);
  if (!writer.error.empty()) return {"", "it contains " + writer.error};
  return {std::move(text), ""};
}

Result<Argument> read_size(const Json& json, DimTable& dims, const std::string& what, const std::string& member) {
  const auto size = tagged(json);
  if (size && size->tag == "as_int") {
    if (const auto value = integer(*size->value)) return Argument(*value);
  }
  const std::string* expression = size && size->tag == "as_expr" ? text_field(*size->value, "expr_str") : nullptr;
  if (!expression) return malformed(member, what + ": a size is neither a number nor an expression");
  const auto unsupported = [&](std::string why) {
    return Diagnostic(kUnsupportedSize).with("what", what).with("expression", *expression).with("why", std::move(why));
  };
  SizeText read = size_text(*expression);
  if (!read.error.empty()) return unsupported(std::move(read.error));
  // A Dim is not negative; a number may be.
  if (read.text.find_first_not_of("-0123456789") == std::string::npos) {
    int64_t value = 0;
    const auto [end, status] = std::from_chars(read.text.data(), read.text.data() + read.text.size(), value);
    if (status == std::errc() && end == read.text.data() + read.text.size()) return Argument(value);
  }
  auto dim = dims.parse(read.text);
  if (!dim) return unsupported(dim.diagnostics().list().front().message());
  return Argument(*dim);
}

Result<TensorType> read_type(const Json& meta, DimTable& dims, const std::string& what, const std::string& member) {
  const auto code = integer_field(meta, "dtype");
  const Json* sizes = list_field(meta, "sizes");
  const Json* strides = list_field(meta, "strides");
  if (!code || !sizes || !strides || strides->size() != sizes->size())
    return malformed(member, what + " has no complete tensor type");
  const auto dtype = dtype_of(*code);
  if (!dtype) return Diagnostic(kUnsupportedDType).with("what", what).with("dtype", dtype_name(*code));
  if (const auto layout = integer_field(meta, "layout"); layout && *layout != 7) {
    const auto keyword = layout_of(*layout);
    return malformed(member, what + " is not strided but " + (keyword ? keyword->text : "of an unknown layout"));
  }
  const auto as_dims = [&](const Json& list) -> Result<std::vector<Dim>> {
    std::vector<Dim> values;
    for (const Json& element : list) {
      auto value = read_size(element, dims, what, member);
      if (!value) return value.diagnostics();
      if (const auto* symbolic = value->get_if<Dim>()) {
        values.push_back(*symbolic);
      } else if (const auto number = value->integer(); number && *number >= 0) {
        values.emplace_back(*number);
      } else {
        return malformed(member, what + " has a negative size or stride");
      }
    }
    return values;
  };
  auto size_list = as_dims(*sizes);
  if (!size_list) return size_list.diagnostics();
  auto stride_list = as_dims(*strides);
  if (!stride_list) return stride_list.diagnostics();
  TensorType type{*dtype, std::move(*size_list), std::move(*stride_list)};
  bool contiguous = true;
  Dim expected = 1;
  for (size_t i = type.rank(); i-- > 0;) {
    if (type.sizes[i] != Dim(1)) {
      contiguous = contiguous && type.strides[i] == expected;
      expected = dims.multiply(expected, type.sizes[i]);
    }
  }
  // An empty tensor has no elements that could be out of order.
  for (Dim size : type.sizes) contiguous = contiguous || size == Dim(0);
  if (contiguous) type.strides.clear();
  return type;
}

}  // namespace qrules::model
