// What handlers choose by besides the graph.

#include <cstdlib>

#include <oneapi/dnnl/dnnl.hpp>

#include <qrules/runtime/kernel.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace qrules {
namespace {

// Model and features of the CPU, as it tells them.
std::string cpu() {
  std::string text;
#if defined(__x86_64__)
  const auto add = [&](unsigned leaf, bool with_b) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(leaf, 0, &a, &b, &c, &d)) return;
    // The second register of leaf 1 also numbers the core that asks.
    for (const unsigned value : {a, with_b ? b : 0, c, d}) text += std::to_string(value) + ",";
  };
  add(0, true);
  add(1, false);
  add(7, true);
  for (const unsigned leaf : {0x80000002u, 0x80000003u, 0x80000004u}) add(leaf, true);
#endif
  return text;
}

}  // namespace

std::string HandlerRegistry::identity() {
  const dnnl_version_t* version = dnnl_version();
  std::string text = "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                     std::to_string(version->patch) + " " + version->hash + " runtime " +
                     std::to_string(version->cpu_runtime) + " isa " +
                     std::to_string(static_cast<int>(dnnl::get_effective_cpu_isa())) + " hints " +
                     std::to_string(static_cast<int>(dnnl::get_cpu_isa_hints())) + "; cpu " + cpu() + ";";
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_CPU_ISA_HINTS", "DNNL_CPU_ISA_HINTS",
                           "ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "ATEN_CPU_CAPABILITY"}) {
    if (const char* value = std::getenv(name)) text += " " + std::string(name) + "=" + value;
  }
  return text;
}

}  // namespace qrules
