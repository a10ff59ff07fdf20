// LibTorch's parts in `qrules`, which starts without LibTorch: a library beside the program, or where it was installed,
// that is loaded when they are first asked for (tools/torch/module.cc). It takes the engine from the program.

#include <dlfcn.h>

#include <filesystem>

#include <qrules/runtime/torch.h>

namespace qrules {
namespace {

struct Loaded {
  const TorchParts* parts = nullptr;
  std::string why;
};

Loaded load() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  Loaded loaded;
  for (const char* place : {".", "../lib/qrules"}) {
    const fs::path path = folder / place / "libqrules-torch.so";
    if (!fs::exists(path, error)) continue;
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto entry =
        library ? reinterpret_cast<const TorchParts* (*)()>(dlsym(library, "qrules_torch_parts")) : nullptr;
    if (entry) return {entry(), {}};
    const char* problem = dlerror();
    loaded.why = problem ? problem : "unknown";
  }
  if (loaded.why.empty()) loaded.why = "there is no libqrules-torch.so beside the program";
  return loaded;
}

}  // namespace

const TorchParts* torch_parts(std::string& why) {
  static const Loaded loaded = load();
  why = loaded.why;
  return loaded.parts;
}

}  // namespace qrules
