// Where the time of a model goes.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "qrules/peaks.h"

namespace qrules::tools {

// One step that ran.
struct ProfiledStep {
  const PlanStep* step = nullptr;
  double us = 0;                     // median over the measured runs
  double limit_us = 0;               // see Peaks::limit_us
  double start_us = 0, last_us = 0;  // in the last run
  std::string why;                   // why it is no fast kernel, in words; empty: it is one
  double share() const { return us > 0 ? limit_us / us : 1; }
  double lost_us() const { return us > limit_us ? us - limit_us : 0; }
  double gops() const { return us > 0 ? static_cast<double>(step->operations) / us / 1e3 : 0; }
};

// Steps that would be mended together: the same operator on the same kernel, slow for the same reason.
struct Opportunity {
  std::string op, implementation, why, example;  // example: the node that loses most
  size_t steps = 0;
  double us = 0, lost_us = 0;
};

struct Profile {
  std::vector<ProfiledStep> steps;         // in the order of the plan
  std::vector<Opportunity> opportunities;  // what loses most first
  Peaks peaks;
  double run_us = 0;       // median of whole runs, clock included
  double overhead_us = 0;  // of it outside of steps, for each step
};

// "onednn", "avx2", "reference", "aten" or "copy".
std::string kernel_family(const PlanStep& step);

// Why a step does not run on a fast kernel; empty when it does. `reader`: of a copy, the step behind it.
std::string why_slow(const PlanStep& step, const PlanStep* reader);

// Sorted by what they lose; steps whose kernels are fast are grouped by operator as well.
std::vector<Opportunity> find_opportunities(const std::vector<ProfiledStep>& steps);

nlohmann::json to_json(const Profile& profile);
// The last run in the trace event format that Chrome and Perfetto read.
nlohmann::json to_trace(const Profile& profile, const std::string& model);
std::string print_profile(const Profile& profile, bool color);

}  // namespace qrules::tools
