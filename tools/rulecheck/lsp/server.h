// `rulecheck lsp`: the language server protocol for rule files.
#pragma once

namespace qrules::tools::lsp {

// Speaks on the descriptors until `exit` or the end of input. Gives the exit code: 0 after `shutdown`, else 1.
int serve(int input, int output);

}  // namespace qrules::tools::lsp
