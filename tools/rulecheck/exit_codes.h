// How rulecheck ends.
#pragma once

namespace qrules::tools {

enum ExitCode { kFine = 0, kErrors = 1, kWrongUsage = 2, kCannotReadInput = 3 };

}  // namespace qrules::tools
