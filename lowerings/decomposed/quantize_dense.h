// Per-tensor quantization of f32 that lies one element after the other.
#pragma once

#include <qrules/lowerings/decomposed/handler.h>

namespace qrules::decomposed {

// out[i] = quantize_value(in[i], ...) of `count` elements; Out is int8_t or uint8_t.
template <typename Out>
void quantize_dense(const float* in, Out* out, int64_t count, float inverse_scale, float zero_point, float low,
                    float high);

// quantize_per_tensor of images that only convolutions read: the planes become interleaved on the way, which is the
// layout that convolutions take. Null where the call is another one.
std::unique_ptr<Kernel> quantize_images(PrepareContext& context, const Number& scale, const Number& zero_point,
                                        const Number& low, const Number& high);

}  // namespace qrules::decomposed
