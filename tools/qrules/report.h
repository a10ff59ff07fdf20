// What a run says of itself.
#pragma once

#include <nlohmann/json.hpp>

#include "qrules/session.h"

namespace qrules::tools {

// Of `qrules run --report`, as schemas/report.schema.json describes it.
nlohmann::json make_report(const Prepared& prepared, const Plan& plan);

// The same for people: what fused, what runs where, what stayed behind.
std::string print_report(const nlohmann::json& report, bool color);

}  // namespace qrules::tools
