// Finding a weight's bytes and bringing them into row-major order.

#include <qrules/runtime/model_weights.h>

#include <algorithm>
#include <cstring>

#include <qrules/runtime/diagnostics_model.h>
#include <qrules/runtime/model_sizes.h>

namespace qrules::model {
namespace {

struct Strided {
  DType dtype = DType::f32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;
};

Result<Strided> read_strided(const Json& meta, const std::string& what, const std::string& member) {
  const auto malformed = [&] {
    return Diagnostic(kMalformedModel)
        .with("member", member)
        .with("why", "the tensor of the " + what + " is not described completely");
  };
  const auto code = integer_field(meta, "dtype");
  const Json* sizes = list_field(meta, "sizes");
  const Json* strides = list_field(meta, "strides");
  const Json* offset = field(meta, "storage_offset");
  if (!code || !sizes || !strides || !offset || sizes->size() != strides->size()) return malformed();
  const auto dtype = dtype_of(*code);
  if (!dtype) return Diagnostic(kUnsupportedDType).with("what", "the " + what).with("dtype", dtype_name(*code));
  if (const auto layout = integer_field(meta, "layout"); layout && *layout != 7) {
    const auto keyword = layout_of(*layout);
    return Diagnostic(kMalformedModel)
        .with("member", member)
        .with("why", "the " + what + " is not strided but " + (keyword ? keyword->text : "of an unknown layout"));
  }
  const auto number = [](const Json& json) { return integer_field(json, "as_int"); };
  Strided view;
  view.dtype = *dtype;
  const auto start = number(*offset);
  if (!start || *start < 0) return malformed();
  view.offset = *start;
  for (size_t i = 0; i < sizes->size(); ++i) {
    const auto size = number((*sizes)[i]), stride = number((*strides)[i]);
    if (!size || !stride || *size < 0 || *stride < 0) return malformed();
    view.sizes.push_back(*size);
    view.strides.push_back(*stride);
  }
  return view;
}

// The number of elements, and one past the last element of the storage that is used; false when they overflow.
bool extent(const Strided& view, int64_t& count, int64_t& end) {
  count = 1;
  end = view.offset;
  for (int64_t size : view.sizes) {
    if (size == 0) {
      count = 0;
      end = 0;
      return true;
    }
  }
  for (size_t i = 0; i < view.sizes.size(); ++i) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(count, view.sizes[i], &count)) return false;
    if (__builtin_mul_overflow(view.sizes[i] - 1, view.strides[i], &reach) || __builtin_add_overflow(end, reach, &end))
      return false;
  }
  return !__builtin_add_overflow(end, 1, &end);
}

bool is_contiguous(const Strided& view) {
  int64_t expected = 1;
  for (size_t i = view.sizes.size(); i-- > 0;) {
    if (view.sizes[i] != 1 && view.strides[i] != expected) return false;
    expected *= view.sizes[i];
  }
  return true;
}

void copy_rows(const Strided& view, const char* from, char* to, int64_t count) {
  const size_t element = size_of(view.dtype);
  std::vector<int64_t> at(view.sizes.size());
  int64_t position = view.offset;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + static_cast<size_t>(i) * element, from + static_cast<size_t>(position) * element, element);
    for (size_t d = at.size(); d-- > 0;) {
      position += view.strides[d];
      if (++at[d] < view.sizes[d]) break;
      position -= view.strides[d] * view.sizes[d];
      at[d] = 0;
    }
  }
}

}  // namespace

Result<WeightStore> WeightStore::open(Archive& archive, const std::string& model) {
  WeightStore store;
  store.archive_ = &archive;
  const std::pair<std::string, std::string> folders[] = {{"data/weights/", "_weights_config.json"},
                                                         {"data/constants/", "_constants_config.json"}};
  for (const auto& [folder, suffix] : folders) {
    std::string config = folder + model + suffix;
    auto json = read_json(archive, config);
    if (!json) return json.diagnostics();
    const Json* entries = object_field(*json, "config");
    if (!entries) return Diagnostic(kMalformedModel).with("member", config).with("why", "it has no `config`");
    for (const auto& [name, entry] : entries->items()) {
      const std::string* path = text_field(entry, "path_name");
      const Json* pickled = field(entry, "use_pickle");
      const Json* meta = field(entry, "tensor_meta");
      if (!path || !pickled || !pickled->is_boolean() || !meta) {
        return Diagnostic(kMalformedModel)
            .with("member", config)
            .with("why", "`" + name + "` is not described completely");
      }
      // Custom objects have no flag of their own: they have no tensor.
      store.places_[name] = Place{folder + *path, pickled->get<bool>() || meta->is_null(), *meta, config};
    }
  }
  return store;
}

Result<ConstantPtr> WeightStore::load(const std::string& what, const std::string& name) {
  const auto found = places_.find(name);
  if (found == places_.end()) {
    return Diagnostic(kMalformedModel)
        .with("member", what == "constant" ? "data/constants" : "data/weights")
        .with("why", "the " + what + " `" + name + "` is not listed");
  }
  const Place& place = found->second;
  if (place.pickled) return Diagnostic(kPickledWeight).with("what", what).with("name", name);
  auto read = read_strided(place.meta, what + " `" + name + "`", place.config);
  if (!read) return read.diagnostics();
  const Strided& view = *read;
  const auto bad = [&](std::string why) {
    return Diagnostic(kBadWeight).with("what", what).with("name", name).with("why", std::move(why));
  };

  int64_t count = 0, end = 0, bytes = 0;
  const auto element = static_cast<int64_t>(size_of(view.dtype));
  if (!extent(view, count, end) || __builtin_mul_overflow(std::max(count, end), element, &bytes))
    return bad("its sizes overflow");
  bytes = count * element;

  std::string key = place.member + " " + std::string(qrules::name(view.dtype)) + " " + std::to_string(view.offset);
  for (size_t i = 0; i < view.sizes.size(); ++i)
    key += " " + std::to_string(view.sizes[i]) + ":" + std::to_string(view.strides[i]);
  if (const auto known = loaded_.find(key); known != loaded_.end()) return known->second;

  auto member = members_.find(place.member);
  if (member == members_.end() && count > 0) {
    auto content = archive_->read(place.member);
    if (!content) return content.diagnostics();
    member = members_.emplace(place.member, std::move(*content)).first;
  }
  Constant constant;
  constant.dtype = view.dtype;
  constant.sizes = view.sizes;
  constant.bytes = static_cast<size_t>(bytes);
  ConstantPtr result;
  if (count == 0) {
    result = std::make_shared<const Constant>(std::move(constant));
  } else {
    const ArchiveMember& content = member->second;
    if (static_cast<size_t>(end * element) > content.size) {
      return bad("it reaches to byte " + std::to_string(end * element) + ", its member has " +
                 std::to_string(content.size));
    }
    const auto* start = static_cast<const char*>(content.data.get());
    if (is_contiguous(view)) {
      constant.data = std::shared_ptr<const void>(content.data, start + view.offset * element);
      result = std::make_shared<const Constant>(std::move(constant));
    } else {
      // An expanded tensor is larger than its storage; what no machine could hold is a mistake of the archive.
      constexpr int64_t kLargestExpansion = int64_t{1} << 36;
      if (bytes > kLargestExpansion) return bad("it expands to " + std::to_string(bytes) + " bytes");
      result = Constant::make(view.dtype, view.sizes,
                              [&](void* to) { copy_rows(view, start, static_cast<char*>(to), count); });
    }
  }
  loaded_.emplace(std::move(key), result);
  return result;
}

}  // namespace qrules::model
