// Does one rule take every match of another?
#pragma once

#include <qrules/generate/skeleton.h>

namespace qrules::generate {

// True when it is certain that wherever `special` matches, `general` matches with the same root: for each way that the
// patterns of `special` can be met (its free places being free), the patterns of `general` are met and its conditions
// follow from those of `special`. False when that is not so, or not known.
bool covers(const Rule& general, const Rule& special, OperatorTable& operators);

}  // namespace qrules::generate
