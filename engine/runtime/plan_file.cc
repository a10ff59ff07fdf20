#include <qrules/runtime/plan_file.h>

#include <algorithm>

#include <sys/mman.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <qrules/graph/text.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/support/file_replacement.h>
#include <qrules/support/hash64.h>

namespace qrules {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "QRPLAN 1";
constexpr size_t kStart = 32, kAlignment = 64;
// Constants that are smaller are kept in the file: scales and biases are read by every start, and so are together.
constexpr size_t kSmall = 1 << 16;

size_t aligned(size_t at) { return (at + kAlignment - 1) / kAlignment * kAlignment; }
// Where the next bytes begin: behind a margin that may be read.
size_t behind(size_t end) { return aligned(end + kAlignment); }

// Of a file that is mostly not in use by this process: its pages are given back as it goes.
uint64_t hash_of_contents(const MappedFile& file) {
  constexpr size_t kChunk = size_t{4} << 20;
  uint64_t hash = file.size();
  for (size_t at = 0; at < file.size(); at += kChunk) {
    const size_t bytes = std::min(kChunk, file.size() - at);
    hash = hash64({file.data() + at, bytes}, hash);
    madvise(const_cast<char*>(file.data()) + at, bytes, MADV_DONTNEED);  // private and read-only: read again on demand
  }
  return hash;
}

void put(std::string& into, uint64_t value) {
  for (int i = 0; i < 8; ++i) into += static_cast<char>(value >> (8 * i) & 0xff);
}

uint64_t number_at(const char* from) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value |= uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
  return value;
}

// The elements of constants are not part of it.
std::string text_of(const Graph& graph) {
  PrintOptions options;
  options.constant_elements = 0;
  return print(graph, options);
}

// Puts the constants' data into a graph that was read without.
bool set_constants(Graph& graph, const std::map<std::string, ConstantPtr>& constants) {
  for (Node* node = graph.first(); node;) {
    Node* next = node->next();
    if (node->kind() == NodeKind::constant) {
      const auto found = constants.find(node->name());
      if (found == constants.end()) return false;
      const Constant& read = *node->constant();
      if (read.dtype != found->second->dtype || read.sizes != found->second->sizes ||
          read.bytes != found->second->bytes)
        return false;
      Node* full = graph.add_constant(node->name(), found->second, node, node->constant_name());
      graph.replace_all_uses(node, full);
      graph.take_name(full, node);
      graph.erase(node);
    }
    node = next;
  }
  return true;
}

}  // namespace

uint64_t hash_of_file(const std::string& path) {
  std::string why;
  const auto file = MappedFile::open(path, why);
  return file ? hash64({file->data(), file->size()}) : 0;
}

std::shared_ptr<PlanFile> PlanFile::open(std::string path, std::string key,
                                         std::shared_ptr<const MappedFile> model_file) {
  auto result = std::make_shared<PlanFile>();
  result->path_ = std::move(path);
  result->key_ = std::move(key);
  result->model_file_ = std::move(model_file);
  result->changed_ = true;
  std::string why;
  result->file_ = MappedFile::open(result->path_, why);
  if (!result->file_) {
    if (access(result->path_.c_str(), F_OK) == 0) result->problem_ = "cannot be read: " + why;
    return result;
  }
  result->problem_ = result->read();
  if (result->problem_.empty()) {
    result->changed_ = false;
    return result;
  }
  result->loaded_.reset();
  result->known_.clear();
  result->sources_.clear();
  return result;
}

// Empty, or what is wrong.
std::string PlanFile::read() {
  const MappedFile& file = *file_;
  const std::string_view whole(file.data(), file.size());
  if (whole.size() < kStart) return "is damaged: it is cut short";
  if (whole.substr(0, kMagic.size()) != kMagic) return "is none of this version";
  const uint64_t length = number_at(file.data() + 8), hash = number_at(file.data() + 16),
                 size = number_at(file.data() + 24);
  if (size != file.size() || length > file.size() - kStart) return "is damaged: its length is another";
  const std::string_view text = whole.substr(kStart, length);
  if (hash64(text) != hash) return "is damaged: its description does not have its checksum";
  try {
    const json description = json::parse(text);
    if (description.at("key").get<std::string>() != key_) return "is stale: it was made for another plan";
    if (description.at("model").at("stamp").get<std::string>() != model_file_->stamp() &&
        description.at("model").at("hash").get<uint64_t>() != hash_of_contents(*model_file_))
      return "is stale: the model has changed";
    for (const json& source : description.at("sources")) {
      sources_.push_back({source.at("path").get<std::string>(), source.at("hash").get<uint64_t>()});
      if (hash_of_file(sources_.back().path) != sources_.back().hash) return "is stale: the rules have changed";
    }
    const auto inside = [&](const json& place, const char* at, const MappedFile& of) {
      const Blob blob{place.at(at).get<size_t>(), place.at("bytes").get<size_t>(), place.value("hash", uint64_t{0})};
      return blob.at <= of.size() && blob.bytes <= of.size() - blob.at && blob.at % kAlignment == 0
                 ? std::optional(blob)
                 : std::nullopt;
    };
    auto graph = parse_graph("cached graph", description.at("graph").get<std::string>());
    if (!graph.ok()) return "is damaged: its graph does not read";
    std::map<std::string, std::pair<std::shared_ptr<const void>, size_t>> data;
    for (const json& place : description.at("constants")) {
      const bool of_model = place.contains("model_at");
      const auto& from = of_model ? model_file_ : file_;
      const auto blob = inside(place, of_model ? "model_at" : "at", *from);
      if (!blob) return "is damaged: a constant is outside of it";
      if (!of_model && hash64(part(*blob)) != blob->hash) return "is damaged: a constant does not have its checksum";
      data[place.at("node").get<std::string>()] = {std::shared_ptr<const void>(from, from->data() + blob->at),
                                                   blob->bytes};
    }
    std::map<std::string, ConstantPtr> constants;
    for (const Node* node = graph->first(); node; node = node->next()) {
      if (node->kind() != NodeKind::constant) continue;
      Constant constant = *node->constant();
      if (constant.bytes > 0) {
        const auto found = data.find(node->name());
        constant.data = found == data.end() ? nullptr : found->second.first;
        if (constant.data && found->second.second != constant.bytes) return "is damaged: a constant has another size";
      }
      constants[node->name()] = std::make_shared<const Constant>(std::move(constant));
    }
    if (!set_constants(*graph, constants)) return "is damaged: its constants are not those of its graph";
    for (const json& from : description.at("provenance")) {
      Node* node = graph->find(from.at("node").get<std::string>());
      if (!node) return "is damaged: a node is not in its graph";
      Provenance provenance;
      provenance.rule = from.at("rule").get<std::string>();
      provenance.sources = from.at("sources").get<std::vector<std::string>>();
      provenance.location = from.at("location").get<std::string>();
      provenance.siblings = from.at("siblings").get<decltype(provenance.siblings)>();
      graph->set_provenance(node, std::move(provenance));
    }
    for (const json& place : description.at("packed")) {
      const auto blob = inside(place, "at", file);
      if (!blob) return "is damaged: a packed weight is outside of it";
      known_[place.at("name").get<std::string>()] = *blob;
    }
    loaded_ = std::make_unique<RewrittenModel>();
    loaded_->model.graph = std::make_shared<Graph>(std::move(*graph));
    loaded_->model.file = model_file_;
    loaded_->model.inputs = description.at("inputs").get<std::vector<std::string>>();
    loaded_->model.outputs = description.at("outputs").get<std::vector<std::string>>();
    loaded_->report = description.at("report").get<std::string>();
  } catch (const json::exception&) {
    return "is damaged: its description is incomplete";
  }
  return {};
}

std::shared_ptr<const void> PlanFile::find(const std::string& name, size_t bytes) {
  if (const auto held = held_.find(name); held != held_.end())
    return held->second.bytes == bytes ? held->second.data : nullptr;
  const auto known = known_.find(name);
  if (known == known_.end() || known->second.bytes != bytes) return nullptr;
  if (hash64(part(known->second)) != known->second.hash) {
    problem_ = "is damaged: a packed weight does not have its checksum";
    return nullptr;
  }
  std::shared_ptr<const void> data(file_, file_->data() + known->second.at);
  held_[name] = {data, bytes};
  return data;
}

void PlanFile::add(const std::string& name, std::shared_ptr<const void> data, size_t bytes) {
  held_[name] = {std::move(data), bytes};
  changed_ = true;
}

Status PlanFile::write(const RewrittenModel& model, const std::vector<PlanSource>& sources) const {
  const auto failed = [&](std::string why) {
    return Diagnostic(kCacheNotWritten).with("path", path_).with("why", std::move(why));
  };
  const Graph& graph = *model.model.graph;
  const std::string text = text_of(graph);
  // A graph that the text cannot hold is not kept.
  const auto again = parse_graph("graph", text);
  if (!again.ok() || text_of(*again) != text) return failed("the graph does not read back from its text");

  // Places are counted from the end of the description, whose length depends on them, at first.
  std::vector<std::string_view> blobs;
  std::vector<size_t> places;
  size_t end = 0;
  const auto place = [&](const void* data, size_t bytes) {
    blobs.emplace_back(static_cast<const char*>(data), bytes);
    places.push_back(end);
    end = behind(end + bytes);
    return places.back();
  };
  json constants = json::array(), packed = json::array();
  std::map<std::pair<const void*, size_t>, size_t> known;  // nodes share constants
  const std::shared_ptr<const MappedFile>& of_model = model.model.file;
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (node->kind() != NodeKind::constant || node->constant()->bytes == 0) continue;
    const Constant& constant = *node->constant();
    if (!constant.data) continue;
    json entry = {{"node", node->name()}, {"bytes", constant.bytes}};
    const auto* data = static_cast<const char*>(constant.data.get());
    const size_t in_model = of_model && of_model->holds(data) ? static_cast<size_t>(data - of_model->data()) : SIZE_MAX;
    if (constant.bytes >= kSmall && in_model % kAlignment == 0) {
      entry["model_at"] = in_model;
    } else {
      entry["hash"] = hash64({data, constant.bytes});
      const auto [shared, added] = known.emplace(std::pair(data, constant.bytes), 0);
      if (added) shared->second = place(data, constant.bytes);
      entry["at"] = shared->second;
    }
    constants.push_back(std::move(entry));
  }
  for (const auto& [name, held] : held_) {
    packed.push_back({{"name", name},
                      {"bytes", held.bytes},
                      {"hash", hash64({static_cast<const char*>(held.data.get()), held.bytes})},
                      {"at", place(held.data.get(), held.bytes)}});
  }
  json files = json::array(), provenance = json::array();
  for (const Node* node = graph.first(); node; node = node->next()) {
    if (const Provenance* from = node->provenance())
      provenance.push_back({{"node", node->name()},
                            {"rule", from->rule},
                            {"sources", from->sources},
                            {"location", from->location},
                            {"siblings", from->siblings}});
  }
  for (const PlanSource& source : sources) files.push_back({{"path", source.path}, {"hash", source.hash}});
  json description = {{"key", key_},
                      {"model", {{"stamp", model_file_->stamp()}, {"hash", hash_of_contents(*model_file_)}}},
                      {"sources", files},
                      {"graph", text},
                      {"provenance", provenance},
                      {"inputs", model.model.inputs},
                      {"outputs", model.model.outputs},
                      {"report", model.report},
                      {"constants", constants},
                      {"packed", packed}};
  std::string described;
  size_t first = 0;
  try {
    // The longest that the numbers can make it, then with them.
    const size_t longest = description.dump().size() + 20 * (constants.size() + packed.size());
    first = aligned(kStart + longest);
    for (const char* list : {"constants", "packed"}) {
      for (json& entry : description[list]) {
        if (entry.contains("at")) entry["at"] = entry["at"].get<size_t>() + first;
      }
    }
    described = description.dump();
  } catch (const json::exception&) {
    return failed("a name in it is not UTF-8");
  }
  const size_t size = first + end;
  std::string start(kMagic);
  put(start, described.size());
  put(start, hash64(described));
  put(start, size);
  FileReplacement writer(path_);
  writer.write(start);
  writer.write(described);
  for (size_t i = 0; i < blobs.size(); ++i) {
    writer.fill(first + places[i]);
    writer.write(blobs[i]);
  }
  writer.fill(size);
  if (const std::string why = writer.finish(); !why.empty()) return failed(why);
  return Done();
}

}  // namespace qrules
