#include <qrules/lowerings/avx2/float_tile.h>

#if defined(__x86_64__)

#include <qrules/lowerings/avx2/target.h>

namespace qrules::avx2 {
namespace {

template <int R>
QRULES_AVX2 void multiply_rows(const float* rows, int64_t row_step, const float* panel, int64_t depth, float* to,
                               int64_t to_step) {
  __m256 low[R], high[R];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_ps();
  for (int64_t k = 0; k < depth; ++k, panel += kPanelColumns) {
    const __m256 first = _mm256_loadu_ps(panel), second = _mm256_loadu_ps(panel + 8);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m256 x = _mm256_broadcast_ss(rows + r * row_step + k);
      low[r] = _mm256_fmadd_ps(x, first, low[r]);
      high[r] = _mm256_fmadd_ps(x, second, high[r]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_ps(to + r * to_step, low[r]);
    _mm256_storeu_ps(to + r * to_step + 8, high[r]);
  }
}

}  // namespace

void multiply_tile(int64_t count, const float* rows, int64_t row_step, const float* panel, int64_t depth, float* to,
                   int64_t to_step) {
  switch (count) {
    case 1: return multiply_rows<1>(rows, row_step, panel, depth, to, to_step);
    case 2: return multiply_rows<2>(rows, row_step, panel, depth, to, to_step);
    case 3: return multiply_rows<3>(rows, row_step, panel, depth, to, to_step);
    case 4: return multiply_rows<4>(rows, row_step, panel, depth, to, to_step);
    case 5: return multiply_rows<5>(rows, row_step, panel, depth, to, to_step);
    default: return multiply_rows<6>(rows, row_step, panel, depth, to, to_step);
  }
}

}  // namespace qrules::avx2

#endif
