#include <qrules/rewrite/functions.h>

namespace qrules {

void add_rewrite_functions(FunctionRegistry& registry) {
  add_shape_functions(registry);
  add_arithmetic_functions(registry);
  add_call_functions(registry);
}

}  // namespace qrules
