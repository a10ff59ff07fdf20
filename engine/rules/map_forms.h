// What may stand in each map of a rule file, and what people write there instead.
#pragma once

#include <qrules/rules/map_reader.h>

namespace qrules {

const MapForm& file_form();
const MapForm& class_form();
const MapForm& macro_form();
const MapForm& predicate_form();
const MapForm& phase_form();
const MapForm& rule_form();
const MapForm& test_form();
const MapForm& expect_form();
const MapForm& counter_form();

}  // namespace qrules
