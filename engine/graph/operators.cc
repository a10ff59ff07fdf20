// The table of operators. Names are interned under a lock that readers share; entries live in a deque, so references
// stay valid. Signatures are parsed at first use: a process talks about a few dozen of the two thousand operators that
// are compiled in.

#include <qrules/graph/operators.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include <qrules/graph/diagnostics.h>

namespace qrules {
namespace {

struct EmbeddedSchema {
  std::string_view name;
  std::string_view schema;
};

constexpr EmbeddedSchema kEmbedded[] = {
#include <operator_schemas.inc>
};

const EmbeddedSchema* find_embedded(std::string_view name) {
  const auto* end = std::end(kEmbedded);
  const auto* found =
      std::lower_bound(std::begin(kEmbedded), end, name,
                       [](const EmbeddedSchema& entry, std::string_view wanted) { return entry.name < wanted; });
  return found != end && found->name == name ? found : nullptr;
}

std::string_view base_name(std::string_view name) {
  const size_t first = name.find('.');
  const size_t second = first == std::string_view::npos ? first : name.find('.', first + 1);
  return first == std::string_view::npos
             ? name
             : name.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
}

bool is_commutative(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "aten.add.Tensor", "aten.mul.Tensor", "aten.maximum.default",     "aten.minimum.default",
      "aten.eq.Tensor",  "aten.ne.Tensor",  "aten.logical_and.default", "aten.logical_or.default"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Operators that draw random numbers or act on the world; mutation is seen from the signature.
bool has_effects(std::string_view name) {
  const std::string_view base = base_name(name);
  static constexpr std::string_view kPrefixes[] = {
      "rand",      "bernoulli",      "normal",        "multinomial",     "poisson", "_assert", "sym_constrain",
      "dropout",   "native_dropout", "alpha_dropout", "feature_dropout", "rrelu",   "uniform", "exponential",
      "geometric", "log_normal",     "cauchy",        "random",          "_print"};
  for (std::string_view prefix : kPrefixes) {
    if (base.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

}  // namespace

struct OperatorTable::Impl {
  struct Entry {
    std::string name;
    std::string declared;  // schema given by declare()
    bool commutative = false;
    bool effects = false;
    mutable std::once_flag parsed;
    mutable std::unique_ptr<const Signature> signature;

    const Signature* get() const {
      std::call_once(parsed, [this] {
        std::string_view schema = declared;
        if (schema.empty()) {
          const EmbeddedSchema* embedded = find_embedded(name);
          if (!embedded) return;
          schema = embedded->schema;
        }
        if (auto result = parse_signature(schema)) signature = std::make_unique<const Signature>(std::move(*result));
      });
      return signature.get();
    }
  };

  mutable std::shared_mutex mutex;
  std::deque<Entry> entries;
  std::unordered_map<std::string_view, OpId> ids;  // keys point into entries
  std::map<std::string, OpId, std::less<>> declared;

  OpId add(std::string_view name, std::string_view schema) {
    const OpId id = static_cast<OpId>(entries.size());
    Entry& entry = entries.emplace_back();
    entry.name = name;
    entry.declared = schema;
    entry.commutative = is_commutative(name);
    entry.effects = has_effects(name);
    ids.emplace(entry.name, id);
    if (!schema.empty()) declared.emplace(std::string(name), id);
    return id;
  }
};

OperatorTable::OperatorTable() : impl_(std::make_unique<Impl>()) {}
OperatorTable::~OperatorTable() = default;

std::shared_ptr<OperatorTable> OperatorTable::shared() {
  static const auto table = std::make_shared<OperatorTable>();
  return table;
}

OpId OperatorTable::intern(std::string_view name) {
  {
    std::shared_lock lock(impl_->mutex);
    if (auto found = impl_->ids.find(name); found != impl_->ids.end()) return found->second;
  }
  std::unique_lock lock(impl_->mutex);
  if (auto found = impl_->ids.find(name); found != impl_->ids.end()) return found->second;
  return impl_->add(name, {});
}

std::optional<OpId> OperatorTable::find(std::string_view name) const {
  {
    std::shared_lock lock(impl_->mutex);
    if (auto found = impl_->ids.find(name); found != impl_->ids.end()) return found->second;
  }
  if (!find_embedded(name)) return std::nullopt;
  return const_cast<OperatorTable*>(this)->intern(name);
}

const std::string& OperatorTable::name(OpId id) const {
  static const std::string none = "<none>";
  std::shared_lock lock(impl_->mutex);
  return id < impl_->entries.size() ? impl_->entries[id].name : none;
}

size_t OperatorTable::size() const {
  std::shared_lock lock(impl_->mutex);
  return impl_->entries.size();
}

const Signature* OperatorTable::signature(OpId id) const {
  const Impl::Entry* entry = nullptr;
  {
    std::shared_lock lock(impl_->mutex);
    if (id >= impl_->entries.size()) return nullptr;
    entry = &impl_->entries[id];
  }
  return entry->get();
}

Status OperatorTable::declare(std::string_view name, std::string_view schema) {
  auto parsed = parse_signature(schema);
  if (!parsed) return parsed.diagnostics();
  const auto existing_schema = [&]() -> std::optional<std::string> {
    if (const EmbeddedSchema* embedded = find_embedded(name)) return std::string(embedded->schema);
    std::shared_lock lock(impl_->mutex);
    if (auto found = impl_->declared.find(name); found != impl_->declared.end())
      return impl_->entries[found->second].declared;
    return std::nullopt;
  }();
  if (existing_schema) {
    if (*existing_schema == schema) return Done{};
    return Diagnostic(kOperatorDeclaredTwice).with("op", std::string(name)).with("signature", *existing_schema);
  }
  std::unique_lock lock(impl_->mutex);
  if (auto found = impl_->ids.find(name); found != impl_->ids.end()) {
    // Interned before without a signature: graphs may hold its id, so the entry is completed in place.
    Impl::Entry& entry = impl_->entries[found->second];
    if (!entry.signature) {
      std::call_once(entry.parsed, [] {});
      entry.declared = schema;
      entry.signature = std::make_unique<const Signature>(std::move(*parsed));
      impl_->declared.emplace(std::string(name), found->second);
    }
    return Done{};
  }
  impl_->add(name, schema);
  return Done{};
}

std::vector<std::string> OperatorTable::overloads(std::string_view packet) const {
  std::vector<std::string> names;
  const std::string prefix = std::string(packet) + ".";
  const auto* end = std::end(kEmbedded);
  const auto* at =
      std::lower_bound(std::begin(kEmbedded), end, prefix,
                       [](const EmbeddedSchema& entry, const std::string& wanted) { return entry.name < wanted; });
  for (; at != end && at->name.substr(0, prefix.size()) == prefix; ++at) names.emplace_back(at->name);
  std::shared_lock lock(impl_->mutex);
  for (auto found = impl_->declared.lower_bound(prefix);
       found != impl_->declared.end() && found->first.compare(0, prefix.size(), prefix) == 0; ++found)
    names.push_back(found->first);
  return names;
}

std::vector<std::string> OperatorTable::known_names() const {
  std::vector<std::string> names;
  for (const EmbeddedSchema& entry : kEmbedded) names.emplace_back(entry.name);
  {
    std::shared_lock lock(impl_->mutex);
    for (const auto& [name, id] : impl_->declared) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool OperatorTable::commutative(OpId id) const {
  std::shared_lock lock(impl_->mutex);
  return id < impl_->entries.size() && impl_->entries[id].commutative;
}

bool OperatorTable::pure(OpId id) const {
  {
    std::shared_lock lock(impl_->mutex);
    if (id >= impl_->entries.size() || impl_->entries[id].effects) return false;
  }
  const Signature* s = signature(id);
  return !s || (!s->mutates && !s->returns.empty());
}

bool is_operator_name(std::string_view name) {
  if (name == "_operator.getitem") return true;
  const size_t first = name.find('.');
  return first != std::string_view::npos && first > 0 && name.find('.', first + 1) != std::string_view::npos;
}

}  // namespace qrules
