// What conditions mention.
#pragma once

#include <qrules/generate/recipes.h>

namespace qrules::generate {

// Adds the literals of a rule's conditions, and which names they ask what about; names carry the prefix.
void collect_hints(const Rule& rule, const std::string& prefix, Hints& hints);

// The parts of a condition that must all hold.
std::vector<const Expression*> conjuncts(const Expression& expression);

// The slots that an expression reads (names of loops stand for the lists they run over).
std::vector<SlotId> slots_of(const Expression& expression);

}  // namespace qrules::generate
