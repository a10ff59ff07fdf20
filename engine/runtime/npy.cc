// Reading and writing .npy: a magic number, a header that is a Python dictionary, and the elements.

#include <qrules/runtime/npy.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include <qrules/graph/constant.h>
#include <qrules/graph/constant_text.h>
#include <qrules/runtime/diagnostics_model.h>

namespace qrules {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
// numpy refuses longer headers as well; none of a numeric array comes near.
constexpr size_t kLongestHeader = 1 << 16;
constexpr size_t kAlignment = 64;

struct NumpyType {
  DType dtype;
  std::string_view code;
};
constexpr NumpyType kTypes[] = {{DType::boolean, "b1"}, {DType::u8, "u1"},   {DType::s8, "i1"},  {DType::u16, "u2"},
                                {DType::s16, "i2"},     {DType::u32, "u4"},  {DType::s32, "i4"}, {DType::u64, "u8"},
                                {DType::s64, "i8"},     {DType::f16, "f2"},  {DType::f32, "f4"}, {DType::f64, "f8"},
                                {DType::c64, "c8"},     {DType::c128, "c16"}};

struct Header {
  std::string descr;  // with its byte order; empty when it is no plain text
  bool structured = false;
  bool fortran = false;
  std::vector<int64_t> shape;
  std::string error;
};

// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Header parse() {
    Header header;
    bool descr = false, order = false, shape = false;
    if (!take('{')) return failed("its header is no dictionary");
    while (!take('}')) {
      const auto key = quoted();
      if (!key || !take(':')) return failed("its header does not read");
      if (*key == "descr") {
        descr = read_descr(header);
        if (!descr) return failed("its `descr` does not read");
      } else if (*key == "fortran_order") {
        order = true;
        if (word("True")) {
          header.fortran = true;
        } else if (!word("False")) {
          return failed("its `fortran_order` does not read");
        }
      } else if (*key == "shape") {
        shape = read_shape(header.shape);
        if (!shape) return failed("its `shape` does not read");
      } else {
        return failed("its header has an unknown key");
      }
      if (!take(',')) {
        if (take('}')) break;
        return failed("its header does not read");
      }
    }
    return descr && order && shape ? header : failed("its header is not complete");
  }

 private:
  static Header failed(std::string why) {
    Header header;
    header.error = std::move(why);
    return header;
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view wanted) {
    skip();
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  std::optional<std::string> quoted() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const size_t close = text_.find(text_[at_], at_ + 1);
    if (close == std::string_view::npos) return std::nullopt;
    std::string value(text_.substr(at_ + 1, close - at_ - 1));
    at_ = close + 1;
    return value;
  }
  bool read_descr(Header& header) {
    if (const auto text = quoted()) {
      header.descr = *text;
      return true;
    }
    // Fields of a structure: a list of tuples. Only that it is one matters; texts in it may hold brackets.
    if (!take('[')) return false;
    header.structured = true;
    for (int depth = 1; depth > 0;) {
      skip();
      if (at_ >= text_.size()) return false;
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        const auto text = quoted();
        if (!text) return false;
        if (text->find('O') != std::string::npos && text->size() <= 3) header.descr = "|O";
        continue;
      }
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      ++at_;
    }
    return true;
  }
  bool read_shape(std::vector<int64_t>& shape) {
    if (!take('(')) return false;
    while (!take(')')) {
      skip();
      int64_t size = 0;
      const auto [end, status] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (status != std::errc() || size < 0) return false;
      at_ = static_cast<size_t>(end - text_.data());
      shape.push_back(size);
      if (!take(',')) return take(')');
    }
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

// Calls `visit(row_major, position)` for each element, positions by the strides.
template <typename Visit>
void for_each_element(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, Visit visit) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  std::vector<int64_t> at(sizes.size());
  int64_t position = 0;
  for (int64_t i = 0; i < count; ++i) {
    visit(i, position);
    for (size_t d = at.size(); d-- > 0;) {
      position += strides[d];
      if (++at[d] < sizes[d]) break;
      position -= strides[d] * sizes[d];
      at[d] = 0;
    }
  }
}

// The elements of a tensor in row-major order.
void gather(const TensorLayout& layout, const void* from, void* to) {
  const size_t element = size_of(layout.dtype);
  if (layout.is_contiguous()) {
    const size_t bytes = static_cast<size_t>(layout.element_count()) * element;
    if (bytes > 0) std::memcpy(to, from, bytes);
    return;
  }
  for_each_element(layout.sizes, layout.strides, [&](int64_t i, int64_t position) {
    std::memcpy(static_cast<char*>(to) + static_cast<size_t>(i) * element,
                static_cast<const char*>(from) + position * static_cast<int64_t>(element), element);
  });
}

// Row-major elements under the interface of constants, which knows how to widen each dtype.
Constant as_constant(DType dtype, const std::vector<int64_t>& sizes, std::shared_ptr<const void> data) {
  Constant constant;
  constant.dtype = dtype;
  constant.sizes = sizes;
  constant.data = std::move(data);
  constant.bytes = static_cast<size_t>(constant.element_count()) * size_of(dtype);
  return constant;
}

std::string shape_text(const std::vector<int64_t>& sizes) {
  std::string text = "(";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(sizes[i]);
  return text + (sizes.size() == 1 ? ",)" : ")");
}

// Rounds row-major floats to another float type. Reals go through double, which holds each of them exactly.
Status convert_elements(const Constant& from, DType dtype, void* to) {
  const int64_t count = from.element_count();
  const bool floats = is_floating(dtype);
  for (int64_t i = 0; i < count; ++i) {
    bool stored = false;
    if (floats) {
      stored = text::store_real(to, dtype, i, element_as_double(from, i));
    } else if (from.dtype == DType::u64) {
      uint64_t value = 0;
      std::memcpy(&value, static_cast<const char*>(from.data.get()) + static_cast<size_t>(i) * sizeof value,
                  sizeof value);
      stored = text::store_integer(to, dtype, i, value);
    } else {
      stored = text::store_integer(to, dtype, i, element_as_int(from, i));
    }
    if (!stored) {
      return Diagnostic(kCannotConvert)
          .with("from", std::string(name(from.dtype)))
          .with("to", std::string(name(dtype)))
          .with("why", "element " + std::to_string(i) + " does not fit");
    }
  }
  return Done{};
}

// A file whose header has been read and found to fit; the elements come next.
struct OpenNpy {
  std::ifstream file;
  TensorLayout layout;  // in C order
  int64_t bytes = 0;    // of the elements
  bool fortran = false;
};

Result<OpenNpy> open_npy(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status))
    return Diagnostic(kCannotReadFile).with("path", path).with("why", "there is no such file");
  if (std::filesystem::is_directory(status))
    return Diagnostic(kCannotReadFile).with("path", path).with("why", "it is a folder");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return Diagnostic(kCannotReadFile).with("path", path).with("why", "it cannot be opened");
  const auto file_size = static_cast<int64_t>(file.tellg());
  file.seekg(0);
  const auto not_npy = [&](std::string why) {
    return Diagnostic(kNotNpy).with("path", path).with("why", std::move(why));
  };
  const auto truncated = [&](int64_t wanted) {
    return Diagnostic(kTruncatedNpy).with("path", path).with("found", file_size).with("wanted", wanted);
  };

  std::array<unsigned char, 12> start{};
  file.read(reinterpret_cast<char*>(start.data()), static_cast<std::streamsize>(start.size()));
  const auto given = std::min<size_t>(static_cast<size_t>(file.gcount()), kMagic.size());
  if (std::memcmp(start.data(), kMagic.data(), given) != 0) return not_npy("it does not start as one");
  if (file_size < 10) return truncated(10);
  const int major = start[6];
  if (major < 1 || major > 3)
    return not_npy("its version is " + std::to_string(major) + "." + std::to_string(start[7]) + ", known are 1 to 3");
  const size_t preamble = major == 1 ? 10 : 12;
  if (file_size < static_cast<int64_t>(preamble)) return truncated(static_cast<int64_t>(preamble));
  size_t length = start[8] | static_cast<size_t>(start[9]) << 8;
  if (major > 1) length |= static_cast<size_t>(start[10]) << 16 | static_cast<size_t>(start[11]) << 24;
  if (length > kLongestHeader) return not_npy("its header has " + std::to_string(length) + " bytes");
  const auto data_start = static_cast<int64_t>(preamble + length);
  if (file_size < data_start) return truncated(data_start);
  std::string text(length, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(preamble));
  file.read(text.data(), static_cast<std::streamsize>(length));
  if (!file) return Diagnostic(kCannotReadFile).with("path", path).with("why", "reading it failed");

  const Header header = HeaderParser(text).parse();
  if (!header.error.empty()) return not_npy(header.error);
  const std::string_view descr = header.descr;
  if (descr.find('O') != std::string_view::npos) return Diagnostic(kPickledNpy).with("path", path);
  const auto unsupported = [&] {
    return Diagnostic(kUnsupportedNpy)
        .with("path", path)
        .with("type", header.structured ? "[...]" : "'" + header.descr + "'");
  };
  if (header.structured || descr.size() < 2) return unsupported();
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const NumpyType& entry) { return entry.code == descr.substr(1); });
  // Single bytes have no order and are marked so.
  const bool one_byte = type != std::end(kTypes) && size_of(type->dtype) == 1;
  if (type == std::end(kTypes) ||
      (descr[0] != '<' && descr[0] != '=' && !(one_byte && (descr[0] == '|' || descr[0] == '>'))))
    return unsupported();

  int64_t count = 1, bytes = 0;
  bool overflow = false;
  for (int64_t size : header.shape)
    overflow = __builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) || overflow;
  if (std::find(header.shape.begin(), header.shape.end(), 0) != header.shape.end()) count = 0;
  overflow = __builtin_mul_overflow(count, static_cast<int64_t>(size_of(type->dtype)), &bytes) || overflow;
  int64_t wanted = 0;
  if (overflow || __builtin_add_overflow(bytes, data_start, &wanted)) return not_npy("its shape overflows");
  // Compare before allocating: the size is the header's claim.
  if (file_size < wanted) return truncated(wanted);

  return OpenNpy{std::move(file), TensorLayout::contiguous(type->dtype, header.shape), bytes, header.fortran};
}

}  // namespace

Result<TensorLayout> read_npy_layout(const std::string& path) {
  auto opened = open_npy(path);
  if (!opened.ok()) return opened.diagnostics();
  return std::move(opened->layout);
}

Result<HostTensor> read_npy(const std::string& path) {
  auto opened = open_npy(path);
  if (!opened.ok()) return opened.diagnostics();
  auto& [file, layout, bytes, fortran] = *opened;
  HostTensor tensor = HostTensor::allocate(layout);
  if (bytes == 0) return tensor;
  if (!fortran || layout.sizes.size() < 2) {
    file.read(static_cast<char*>(tensor.data.get()), bytes);
  } else {
    std::vector<char> columns(static_cast<size_t>(bytes));
    file.read(columns.data(), bytes);
    TensorLayout stored = layout;
    int64_t stride = 1;
    for (size_t d = 0; d < layout.sizes.size(); ++d) {
      stored.strides[d] = stride;
      stride *= layout.sizes[d];
    }
    gather(stored, columns.data(), tensor.data.get());
  }
  if (!file) return Diagnostic(kCannotReadFile).with("path", path).with("why", "reading it failed");
  return tensor;
}

Status write_npy(const std::string& path, const TensorLayout& layout, const void* data) {
  // numpy has no name for these; every value of theirs is a float32.
  const bool widens = layout.dtype == DType::bf16 || layout.dtype == DType::f8e4m3 || layout.dtype == DType::f8e5m2;
  const DType stored = widens ? DType::f32 : layout.dtype;
  const auto* type =
      std::find_if(std::begin(kTypes), std::end(kTypes), [&](const NumpyType& entry) { return entry.dtype == stored; });
  const auto count = static_cast<size_t>(layout.element_count());
  std::vector<char> elements(count * size_of(layout.dtype));
  gather(layout, data, elements.data());
  if (widens) {
    const auto narrow = std::make_shared<std::vector<char>>(std::move(elements));
    elements = std::vector<char>(count * sizeof(float));
    if (auto status = convert_elements(as_constant(layout.dtype, layout.sizes, {narrow, narrow->data()}), DType::f32,
                                       elements.data());
        !status)
      return status;
  }

  const char* order = size_of(stored) == 1 ? "|" : "<";
  std::string header = "{'descr': '" + (order + std::string(type->code)) +
                       "', 'fortran_order': False, 'shape': " + shape_text(layout.sizes) + ", }";
  // Version 1 counts its header in two bytes; spaces bring the elements to an aligned place.
  constexpr size_t kPreamble = 10;
  header.append(kAlignment - (kPreamble + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  if (header.size() > 0xffff)
    return Diagnostic(kCannotWriteFile).with("path", path).with("why", "the tensor has too many dimensions");
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};

  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return Diagnostic(kCannotWriteFile).with("path", path).with("why", "it cannot be opened");
  file << start << header;
  file.write(elements.data(), static_cast<std::streamsize>(elements.size()));
  file.close();
  if (!file) return Diagnostic(kCannotWriteFile).with("path", path).with("why", "writing failed");
  return Done{};
}

Result<HostTensor> convert(const HostTensor& tensor, DType dtype) {
  const TensorLayout& layout = tensor.layout;
  if (layout.dtype == dtype) return tensor;
  const auto refused = [&](std::string why) {
    return Diagnostic(kCannotConvert)
        .with("from", std::string(name(layout.dtype)))
        .with("to", std::string(name(dtype)))
        .with("why", std::move(why));
  };
  const auto whole = [](DType type) { return is_integral(type) || type == DType::boolean; };
  const bool floats = is_floating(layout.dtype) && is_floating(dtype);
  if (!floats && !(whole(layout.dtype) && whole(dtype))) return refused("one holds real numbers, the other does not");

  const HostTensor rows = HostTensor::allocate(TensorLayout::contiguous(layout.dtype, layout.sizes));
  if (layout.element_count() > 0) gather(layout, tensor.data.get(), rows.data.get());
  HostTensor result = HostTensor::allocate(TensorLayout::contiguous(dtype, layout.sizes));
  if (auto status = convert_elements(as_constant(layout.dtype, layout.sizes, rows.data), dtype, result.data.get());
      !status)
    return status.diagnostics();
  return result;
}

}  // namespace qrules
