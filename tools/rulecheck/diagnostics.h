// What rulecheck finds besides what the loader reports.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

inline const DiagnosticKind kTestFires{"QR0420", Level::error, "test-fires",
                                       "test `{test}` of rule `{rule}`: fired {fired} instead of {expected}",
                                       "`fires` counts how often the rule is applied to the graph of the test, alone "
                                       "(all instances of its `foreach`) or with the rules that "
                                       "`with` lists. The notes say where it fired, and for nodes where it nearly did "
                                       "what refused it. Either the graph, the number or the "
                                       "rule is wrong."};
inline const DiagnosticKind kTestBecause{
    "QR0421", Level::error, "test-because", "test `{test}` of rule `{rule}`: `{because}` is not what refuses it",
    "`because` names the condition, as written in `where`, that keeps the rule from firing, or `match` when the graph "
    "does not have the "
    "pattern's form. Something else refuses here, so the test would go on passing if the condition were removed. The "
    "notes say what refuses, "
    "with the values seen. Change the graph so that only this condition fails, or name the other one."};
inline const DiagnosticKind kTestResult{
    "QR0422", Level::error, "test-result", "test `{test}` of rule `{rule}`: the rewritten graph is not `result`",
    "`result` is the text of the graph afterwards. It is read and printed again before it is compared, so spaces, "
    "comments and arguments that "
    "equal their defaults do not matter; names, types and the order of calls do. In the difference, `-` is what the "
    "test expects and `+` what the rewrite made."};
inline const DiagnosticKind kTestNumerics{
    "QR0423", Level::error, "test-numerics",
    "test `{test}` of rule `{rule}`: the graph computes something else after the rewrite",
    "`numerics: true` runs the graph as written with the reference kernels, the rewritten one with those of this "
    "build, on random and extreme inputs. "
    "Integers must be equal (one apart only where the value before rounding is a tie), floats within 1e-5 of the "
    "largest magnitude. "
    "The note has the first difference. The rule needs a condition that leaves such graphs alone, or its rewrite is "
    "wrong."};
inline const DiagnosticKind kTestNotRun{"QR0424", Level::error, "test-not-run",
                                        "test `{test}` of rule `{rule}` cannot be run: {why}",
                                        "The notes have the details. A test that cannot be run counts as failed."};
inline const DiagnosticKind kCannotUpdate{"QR0426", Level::error, "cannot-update", "cannot write `{path}`",
                                          "`rulecheck test --update` writes rule files. Make the file writable, or "
                                          "change the `result` by hand."};
inline const DiagnosticKind kNoFiringTest{"QR0430", Level::warning, "no-firing-test",
                                          "rule `{rule}` has no test in which it fires",
                                          "Nothing shows that the rule can match at all, nor that its rewrite is "
                                          "right. Add a test with the smallest graph it is for and "
                                          "`expect: {fires: 1, numerics: true}`."};
inline const DiagnosticKind kNoRefusedTest{
    "QR0431", Level::warning, "no-refused-test", "rule `{rule}` has no test in which it is refused",
    "Nothing shows that the rule leaves alone what it must. Add a test with a graph that nearly matches and `expect: "
    "{fires: 0, because: \"...\"}`, where "
    "`because` is the condition that refuses it, or `match`."};
inline const DiagnosticKind kUnusedName{"QR0432", Level::warning, "unused-name",
                                        "`%{name}` is used nowhere else in rule `{rule}`",
                                        "A name that is bound and never used is often a misspelt one. Where a value "
                                        "only has to be there, begin its name with `_`; where it "
                                        "may be anything, also None, write `_`."};
inline const DiagnosticKind kNoReason{"QR0433", Level::warning, "no-reason",
                                      "test `{test}` of rule `{rule}` does not say what refuses it",
                                      "A test with `fires: 0` passes whatever the reason is, also when the graph has a "
                                      "mistake. Add `because` with the condition that refuses, or `match`."};

inline const DiagnosticKind kUnreachable{
    "QR0440", Level::warning, "unreachable-rule", "rule `{rule}` never fires: `{first}` takes every match",
    "Both stand in one phase, the other one is tried first, and it matches wherever this one does: its pattern is met "
    "and "
    "its conditions follow from the ones here. `rulecheck overlaps` shows a graph. Put the special rule first with "
    "`before:` or `benefit:`, or take one of them away."};

inline const DiagnosticKind kContradiction{
    "QR0450", Level::error, "contradiction", "rule `{rule}` can never fire: `{condition}` cannot hold",
    "The condition contradicts another one of the rule, what the pattern matches, or itself. Both places are shown. "
    "Conditions of `where` must all hold; alternatives are joined with `or`."};
inline const DiagnosticKind kAlwaysTrue{"QR0451", Level::warning, "always-true",
                                        "`{condition}` of rule `{rule}` is always true",
                                        "The pattern or the function says so already, so the condition refuses "
                                        "nothing. Perhaps something else was meant to "
                                        "be compared."};
inline const DiagnosticKind kImpliedCondition{
    "QR0452", Level::warning, "implied-condition", "`{condition}` of rule `{rule}` follows from another condition",
    "Whenever the other condition holds, this one does: it refuses nothing, and no test can show that it does."};
inline const DiagnosticKind kDeadAlternative{
    "QR0453", Level::warning, "dead-alternative", "an alternative of rule `{rule}` is never taken",
    "Alternatives are tried in order. An earlier one matches all that this one does and binds the same names, so this "
    "one changes nothing. Write the narrower one first, or remove it."};
inline const DiagnosticKind kRewriteRefused{
    "QR0454", Level::error, "rewrite-refused", "the rewrite of rule `{rule}` fits no match",
    "The rule has no test in which it fires. A dozen graphs that it matches were made for it, and on each of them the "
    "rewrite was refused, mostly because what it makes has another type than what it stands for: a rewrite never "
    "changes the type of a value that others use. Make the types equal, or show with a test where it does fit."};

}  // namespace qrules
