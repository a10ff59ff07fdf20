#include <qrules/match/functions.h>
#include <qrules/rewrite/functions.h>

namespace qrules {

FunctionRegistry FunctionRegistry::builtin() {
  FunctionRegistry registry;
  add_match_functions(registry);
  add_rewrite_functions(registry);
  return registry;
}

}  // namespace qrules
