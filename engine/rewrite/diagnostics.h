// What can go wrong while a rule set is applied.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

inline const DiagnosticKind kDoesNotTerminate{
    "QR0750", Level::error, "does-not-terminate",
    "phase `{phase}` does not come to an end: {firings} firings on a graph of {nodes} nodes",
    "A phase with strategy `fixpoint` applies its rules until none matches. Here the results of some rules are matched "
    "again, directly or through other rules of the phase, so it would go on for ever. The note names the rules that "
    "follow each other. Add a condition that one of them no longer meets after the rewrite, move one of them to "
    "another "
    "phase, or give the phase the strategy `once`."};

inline const DiagnosticKind kInvalidAfterFiring{"QR0751", Level::error, "invalid-after-firing",
                                                "rule `{rule}` at `{root}` left an invalid graph: {why}",
                                                "The graph was verified after every firing, as tests ask for. The "
                                                "replacement that this rule builds breaks what every "
                                                "pass relies on. If the rule file passes `rulecheck`, this is a "
                                                "mistake in qrules: report it with the rule and graph."};

}  // namespace qrules
