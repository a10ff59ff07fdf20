#include "qrules/plan_cache.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <elf.h>
#include <link.h>
#include <omp.h>

#include <qrules/runtime/archive.h>
#include <qrules/runtime/diagnostics.h>
#include <qrules/runtime/npy.h>
#include <qrules/support/hash64.h>

#include "common/json_diagnostics.h"
#include "common/rules_folder.h"

namespace qrules::tools {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

std::string text_of(uint64_t hash) { return std::to_string(hash); }

// The linker's hash of this program, which any change of its code changes; else its size and time.
std::string build_identity() {
  std::string id;
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* out) {
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& header = object->dlpi_phdr[i];
          if (header.p_type != PT_NOTE) continue;
          // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives addresses as integers
          const auto* at = reinterpret_cast<const char*>(object->dlpi_addr + header.p_vaddr);
          const char* end = at + header.p_memsz;
          constexpr size_t kAlignment = 4;
          const auto padded = [](size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; };
          while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof(note));
            const char* name = at + sizeof(note);
            const char* content = name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
              *static_cast<std::string*>(out) = hash_name({content, note.n_descsz});
            at = content + padded(note.n_descsz);
          }
        }
        return 1;  // the first object is the program
      },
      &id);
  if (!id.empty()) return id;
  std::string why;
  const auto program = MappedFile::open("/proc/self/exe", why);
  return program ? program->stamp() : "unknown";
}

std::string canonical(const fs::path& path) {
  std::error_code error;
  const fs::path result = fs::weakly_canonical(path, error);
  return error ? path.string() : result.string();
}

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 && path[folder.size()] == '/';
}

// Files that loading these rules reads, as far as that is known without reading them; what they import from elsewhere
// is kept as sources of the file.
std::string rules_identity(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> files;
  std::string text;
  if (fs::is_directory(path, error)) {
    for (fs::recursive_directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".yaml" || it->path().extension() == ".yml") files.push_back(it->path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files)
      text += file.lexically_relative(path).string() + " " + text_of(hash_of_file(file.string())) + "\n";
    return text;
  }
  const fs::path file = canonical(path);
  text = file.string() + " " + text_of(hash_of_file(file.string())) + "\n";
  // The phases of a lone file come from the nearest of these.
  for (fs::path folder = file.parent_path();; folder = folder.parent_path()) {
    const fs::path pipeline = folder / "pipeline.yaml";
    if (fs::exists(pipeline, error)) text += pipeline.string() + " " + text_of(hash_of_file(pipeline.string())) + "\n";
    if (folder == folder.parent_path()) break;
  }
  return text;
}

}  // namespace

std::unique_ptr<CachedPlan> CachedPlan::open(const ModelOptions& options, const std::vector<std::string>& inputs) {
  if (options.cache.empty()) return nullptr;
  auto cached = std::make_unique<CachedPlan>();
  std::string why;
  cached->model_ = MappedFile::open(options.model, why);
  if (!cached->model_ || cached->model_->size() == 0) return nullptr;
  if (!options.no_rules) {
    cached->rules_ = options.rules;
    if (cached->rules_.empty()) cached->rules_ = default_rules_folder().value_or("");
    if (cached->rules_.empty()) return nullptr;
  }
  const MappedFile& model = *cached->model_;
  const std::string_view directory = archive_directory(model);
  std::string key = "qrules " QRULES_VERSION " " + build_identity() + " LibTorch " QRULES_TORCH_VERSION "\n";
  key += HandlerRegistry::identity() + "\n";
  key += "threads " + std::to_string(options.threads > 0 ? options.threads : omp_get_max_threads()) +
         (options.threads > 0 ? " as asked\n" : "\n");
  key += "products " + options.float_products + "\n";
  key += directory.empty() ? "text " + hash_name({model.data(), model.size()}) + "\n"
                           : "archive " + hash_name(directory) + "\n";
  if (!cached->rules_.empty()) cached->rules_identity_ = rules_identity(cached->rules_);
  key += cached->rules_.empty() ? "no rules\n" : "rules " + hash_name(cached->rules_identity_) + "\n";
  for (const std::string& path : inputs) {
    const auto layout = read_npy_layout(path);
    if (!layout.ok()) return nullptr;
    key += "input " + std::string(name(layout->dtype));
    for (const int64_t size : layout->sizes) key += " " + std::to_string(size);
    key += "\n";
  }
  cached->path_ = (fs::path(options.cache) / (hash_name(key) + ".plan")).string();
  cached->file_ = PlanFile::open(cached->path_, key, cached->model_);
  if (const std::string& problem = cached->file_->problem(); !problem.empty()) {
    Diagnostics note;
    note.add(Diagnostic(kCacheNotUsed).with("path", cached->path_).with("why", problem));
    report(note);
    cached->noted_ = true;
  }
  return cached;
}

std::unique_ptr<Prepared> CachedPlan::take() {
  const auto loaded = file_->take_loaded();
  if (!loaded) return nullptr;
  auto prepared = std::make_unique<Prepared>();
  prepared->model = std::move(loaded->model);
  try {
    const json told = json::parse(loaded->report);
    prepared->rewrites.rules_fired = told.at("rules_fired").get<std::map<std::string, int64_t>>();
    prepared->rewrites.counters = told.at("counters").get<std::map<std::string, int64_t>>();
    for (const json& match : told.at("dropped"))
      prepared->rewrites.dropped.push_back({match.at("rule").get<std::string>(), match.at("root").get<std::string>(),
                                            match.at("reason").get<std::string>()});
    prepared->warnings = told.at("warnings").get<std::string>();
  } catch (const json::exception&) {
    return nullptr;  // not written by this program, for all its checksums
  }
  prepared->sources = file_->sources();
  return prepared;
}

void CachedPlan::save(const Prepared& prepared) const {
  if (!file_->changed()) return;
  Diagnostics found;
  // What was found out only when a packed weight was asked for.
  if (!file_->problem().empty() && !noted_)
    found.add(Diagnostic(kCacheNotUsed).with("path", path_).with("why", file_->problem()));
  // A file that was written to meanwhile is not what the key says.
  const bool same_rules = rules_.empty() || rules_identity(rules_) == rules_identity_;
  const bool same_model = !prepared.model.file || prepared.model.file->stamp() == model_->stamp();
  if (same_rules && same_model) {
    json told = {{"rules_fired", prepared.rewrites.rules_fired},
                 {"counters", prepared.rewrites.counters},
                 {"dropped", json::array()},
                 {"warnings", prepared.warnings}};
    for (const DroppedMatch& match : prepared.rewrites.dropped)
      told["dropped"].push_back({{"rule", match.rule}, {"root", match.root}, {"reason", match.reason}});
    if (!prepared.model.warnings.empty()) told["warnings"] = render_text(prepared.model.warnings);
    const RewrittenModel model{prepared.model, dump(told, -1)};
    std::vector<PlanSource> sources;
    const std::string within = canonical(rules_);
    for (const PlanSource& source : prepared.sources) {
      if (source.path != within && !is_below(source.path, within)) sources.push_back(source);
    }
    std::error_code error;
    fs::create_directories(fs::path(path_).parent_path(), error);
    if (const Status written = file_->write(model, sources); !written.ok()) found.append(written.diagnostics());
  }
  if (!found.empty()) report(found);
}

}  // namespace qrules::tools
