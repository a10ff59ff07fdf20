// What this folder has, and on which CPUs.

#include <qrules/lowerings/register.h>

#if defined(__x86_64__)

#include <qrules/lowerings/avx512/handlers.h>
#include <qrules/lowerings/avx512/target.h>
#include <qrules/lowerings/isa.h>

namespace qrules {
namespace avx512 {

bool supported() {
  static const bool answer = avx512_level() >= Avx512::core && __builtin_cpu_supports("avx512f") &&
                             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                             __builtin_cpu_supports("avx512dq");
  return answer;
}

bool supports_vnni() { return supported() && avx512_level() >= Avx512::vnni && __builtin_cpu_supports("avx512vnni"); }

bool supports_bf16() {
  return supports_vnni() && avx512_level() >= Avx512::bf16 && __builtin_cpu_supports("avx512bf16");
}

bool supports_vbmi() { return supports_bf16() && __builtin_cpu_supports("avx512vbmi"); }

}  // namespace avx512

void register_avx512_handlers(HandlerRegistry& registry) {
  avx512::add_attention(registry);
  avx512::add_convolution(registry);
  avx512::add_linear(registry);
  avx512::add_quantized_attention(registry);
  avx512::add_weight_int8pack(registry);
}

}  // namespace qrules

#else

namespace qrules {
void register_avx512_handlers(HandlerRegistry&) {}
}  // namespace qrules

#endif
