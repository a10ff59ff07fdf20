// The reference handlers of this folder.

#include <qrules/lowerings/decomposed/handler.h>
#include <qrules/lowerings/register.h>

namespace qrules {

void register_decomposed_handlers(HandlerRegistry& registry) {
  decomposed::add_quantize(registry);
  decomposed::add_dequantize(registry);
  decomposed::add_float8(registry);
  decomposed::add_choose_qparams(registry);
  decomposed::add_choose_qparams_affine(registry);
  decomposed::add_block_affine(registry);
  decomposed::add_views(registry);
  decomposed::add_casts(registry);
  decomposed::add_cat(registry);
  decomposed::add_pool(registry);
  decomposed::add_average_pool(registry);
  decomposed::add_embedding_bag(registry);
  decomposed::add_linear(registry);
  decomposed::add_matmul(registry);
  decomposed::add_int_mm(registry);
  decomposed::add_index(registry);
  decomposed::add_attention(registry);
  decomposed::add_layer_norm(registry);
  decomposed::add_gate(registry);
  decomposed::add_linear_fp16(registry);
  decomposed::add_convolution(registry);
  decomposed::add_weight_int8pack(registry);
}

}  // namespace qrules
