#include <qrules/lowerings/decomposed/quantize_dense.h>

#include <algorithm>
#include <cmath>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <qrules/lowerings/decomposed/quantize.h>

namespace qrules::decomposed {
namespace {

#if defined(__x86_64__)
// Dense rows for AVX2, 32 elements at a time. The compiler does not make vectors of quantize_value: its comparisons
// could trap on NaN.
constexpr int64_t kAtATime = 32;

// What elements become before the zero point is added: bounds and zero point are integers, so that bounding comes to
// the same before rounding and after it.
struct Bounds {
  __m256 scale, lowest, highest, of_nan;
};

template <bool kLowIsZero>
__attribute__((target("avx2"), always_inline)) inline __m256i rounded(const float* in, const Bounds& bounds) {
  const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(in), bounds.scale);
  // Of a NaN the lower bound is left, which is the second operand.
  __m256 bounded = _mm256_min_ps(_mm256_max_ps(v, bounds.lowest), bounds.highest);
  if constexpr (!kLowIsZero) bounded = _mm256_blendv_ps(bounds.of_nan, bounded, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
  return _mm256_cvtps_epi32(bounded);
}

// Returns how many elements it did. NaN becomes 0. The bounds are of the type of `out`.
template <typename Out, bool kLowIsZero>
__attribute__((target("avx2"))) int64_t quantize_vectors(const float* in, Out* out, int64_t count, float inverse_scale,
                                                         float zero_point, float low, float high) {
  const Bounds bounds{_mm256_set1_ps(inverse_scale), _mm256_set1_ps(low - zero_point),
                      _mm256_set1_ps(high - zero_point), _mm256_set1_ps(-zero_point)};
  const __m256i shift = _mm256_set1_epi16(static_cast<int16_t>(zero_point));
  int64_t i = 0;
  for (; i + kAtATime <= count; i += kAtATime) {
    __m256i shorts[2];
    for (int half = 0; half < 2; ++half) {
      const float* from = in + i + half * kAtATime / 2;
      shorts[half] = _mm256_add_epi16(
          _mm256_packs_epi32(rounded<kLowIsZero>(from, bounds), rounded<kLowIsZero>(from + 8, bounds)), shift);
    }
    const __m256i bytes =
        std::is_signed_v<Out> ? _mm256_packs_epi16(shorts[0], shorts[1]) : _mm256_packus_epi16(shorts[0], shorts[1]);
    // Packing works within halves.
    const __m256i in_order = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), in_order);
  }
  return i;
}
#endif

constexpr int64_t kPixels = 4096;             // of a block: its planes stay in the first-level cache
constexpr int64_t kPlaneStep = kPixels + 64;  // not a power of two, which would share the lines of a cache

#if defined(__x86_64__)
// Which byte of plane p is byte i of the sixteen that are the `part`-th of three interleaved planes; none: 0x80.
__attribute__((target("ssse3"))) __m128i places_of_plane(int part, int p) {
  alignas(16) uint8_t places[16];
  for (int i = 0; i < 16; ++i) {
    const int at = 16 * part + i;
    places[i] = at % 3 == p ? static_cast<uint8_t>(at / 3) : uint8_t{0x80};
  }
  return _mm_load_si128(reinterpret_cast<const __m128i*>(places));
}

// Colours: sixteen pixels at a time. Returns how many it did.
__attribute__((target("ssse3"))) int64_t interleave_three(const void* planes, int64_t count, void* to) {
  __m128i places[3][3];
  for (int part = 0; part < 3; ++part) {
    for (int p = 0; p < 3; ++p) places[part][p] = places_of_plane(part, p);
  }
  const auto* from = static_cast<const char*>(planes);
  auto* out = static_cast<char*>(to);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const auto load = [&](int64_t p) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + p * kPlaneStep + i));
    };
    const __m128i red = load(0), green = load(1), blue = load(2);
#pragma GCC unroll 3
    for (int part = 0; part < 3; ++part) {
      const __m128i mixed =
          _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(red, places[part][0]), _mm_shuffle_epi8(green, places[part][1])),
                       _mm_shuffle_epi8(blue, places[part][2]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 3 * i + int64_t{16} * part), mixed);
    }
  }
  return i;
}
#endif

template <int kPlanes, typename T>
void interleave(const T* planes, int64_t count, T* to) {
  int64_t i = 0;
#if defined(__x86_64__)
  static const bool shuffles = __builtin_cpu_supports("ssse3") != 0;
  if constexpr (kPlanes == 3) {
    if (shuffles) i = interleave_three(planes, count, to);
  }
#endif
  for (; i < count; ++i) {
    for (int p = 0; p < kPlanes; ++p) to[i * kPlanes + p] = planes[p * kPlaneStep + i];
  }
}

// [image][plane][pixel] to [image][pixel][plane].
template <typename Out, int kPlanes>
class QuantizeImages final : public Kernel {
 public:
  QuantizeImages(int64_t images, int64_t pixels, const std::array<Number, 4>& numbers, int threads)
      : images_(images), pixels_(pixels), numbers_(numbers), threads_(threads) {}

  std::string implementation() const override { return "interleave"; }

  void run(const KernelArguments& arguments) const override {
    const auto inverse = static_cast<float>(1.0 / numbers_[0].read(arguments));
    const auto zero_point = static_cast<float>(numbers_[1].read(arguments)),
               low = static_cast<float>(numbers_[2].read(arguments)),
               high = static_cast<float>(numbers_[3].read(arguments));
    const auto* from = static_cast<const float*>(arguments.inputs[0]);
    auto* to = static_cast<Out*>(arguments.outputs[0]);
    const int64_t blocks = (pixels_ + kPixels - 1) / kPixels;
    const auto run_block = [&](int64_t number) {
      const int64_t image = number / blocks, first = number % blocks * kPixels,
                    count = std::min(kPixels, pixels_ - first);
      alignas(64) Out planes[kPlanes * kPlaneStep];
      for (int p = 0; p < kPlanes; ++p)
        quantize_dense(from + (image * kPlanes + p) * pixels_ + first, planes + p * kPlaneStep, count, inverse,
                       zero_point, low, high);
      interleave<kPlanes>(planes, count, to + (image * pixels_ + first) * kPlanes);
    };
    // A parallel region of one thread would still make a team.
    if (images_ * blocks == 1 || threads_ == 1) {
      for (int64_t number = 0; number < images_ * blocks; ++number) run_block(number);
      return;
    }
#pragma omp parallel for schedule(static) num_threads(threads_)
    for (int64_t number = 0; number < images_ * blocks; ++number) run_block(number);
  }

 private:
  int64_t images_, pixels_;
  std::array<Number, 4> numbers_;  // scale, zero point, bounds
  int threads_;
};

template <typename Out>
std::unique_ptr<Kernel> make_images(int64_t planes, int64_t images, int64_t pixels,
                                    const std::array<Number, 4>& numbers, int threads) {
  switch (planes) {
    case 1: return std::make_unique<QuantizeImages<Out, 1>>(images, pixels, numbers, threads);
    case 2: return std::make_unique<QuantizeImages<Out, 2>>(images, pixels, numbers, threads);
    case 3: return std::make_unique<QuantizeImages<Out, 3>>(images, pixels, numbers, threads);
    case 4: return std::make_unique<QuantizeImages<Out, 4>>(images, pixels, numbers, threads);
    default: return nullptr;
  }
}

// Convolutions take activations with channels last.
bool only_convolutions_read(const Node& node) {
  const std::vector<Node*> users = node.users();
  return !users.empty() && std::all_of(users.begin(), users.end(), [&](const Node* user) {
    return user->is_call() && user->op_name().rfind("onednn.qconv", 0) == 0 && user->argument(0).node() == &node;
  });
}

}  // namespace

template <typename Out>
void quantize_dense(const float* in, Out* out, int64_t count, float inverse_scale, float zero_point, float low,
                    float high) {
  int64_t i = 0;
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  constexpr auto kLowest = static_cast<float>(std::numeric_limits<Out>::min()),
                 kHighest = static_cast<float>(std::numeric_limits<Out>::max());
  const auto is_integer = [](float value) {
    return value >= kLowest && value <= kHighest && std::trunc(value) == value;
  };
  if (has_avx2 && is_integer(zero_point) && is_integer(low) && is_integer(high) && low <= high) {
    i = low == 0 ? quantize_vectors<Out, true>(in, out, count, inverse_scale, zero_point, low, high)
                 : quantize_vectors<Out, false>(in, out, count, inverse_scale, zero_point, low, high);
  }
#endif
  for (; i < count; ++i) out[i] = quantize_value<Out>(in[i], inverse_scale, zero_point, low, high);
}

template void quantize_dense(const float*, int8_t*, int64_t, float, float, float, float);
template void quantize_dense(const float*, uint8_t*, int64_t, float, float, float, float);

std::unique_ptr<Kernel> quantize_images(PrepareContext& context, const Number& scale, const Number& zero_point,
                                        const Number& low, const Number& high) {
  const TensorLayout& in = context.input(0);
  TensorLayout& out = context.output(0);
  if (in.sizes.size() != 4 || in.dtype != DType::f32 || !in.is_contiguous() || size_of(out.dtype) != 1 ||
      out.element_count() == 0 || !only_convolutions_read(context.node()))
    return nullptr;
  const int64_t images = in.sizes[0], planes = in.sizes[1], pixels = in.sizes[2] * in.sizes[3];
  const std::array<Number, 4> numbers{scale, zero_point, low, high};
  auto kernel = out.dtype == DType::u8   ? make_images<uint8_t>(planes, images, pixels, numbers, context.threads())
                : out.dtype == DType::s8 ? make_images<int8_t>(planes, images, pixels, numbers, context.threads())
                                         : nullptr;
  if (kernel) out = TensorLayout::channels_last(out.dtype, out.sizes);
  return kernel;
}

}  // namespace qrules::decomposed
