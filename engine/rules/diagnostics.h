// What can be wrong with rule files.
#pragma once

#include <qrules/support/diagnostic.h>

namespace qrules {

// --- files and YAML

inline const DiagnosticKind kCannotRead{
    "QR0001", Level::error, "cannot-read", "cannot read `{path}`: {why}",
    "The file or folder is missing or may not be read. Check the path; a rule set is a folder with a pipeline.yaml, or "
    "single .yaml files."};
inline const DiagnosticKind kYamlSyntax{
    "QR0002", Level::error, "yaml-syntax", "not YAML: {why}",
    "The text does not read as YAML. Frequent causes: a tab in the indentation, a key that is indented differently "
    "from "
    "its neighbours, a text that begins with % or @ or contains `: ` and is not in quotes."};
inline const DiagnosticKind kDuplicateKey{
    "QR0003", Level::error, "duplicate-key", "key `{key}` is given twice",
    "A map has each key once. YAML readers differ in which of the two they keep, so neither is used."};
inline const DiagnosticKind kUnknownKey{
    "QR0004", Level::error, "unknown-key", "unknown key `{key}` in {where}",
    "The key has no meaning here, so what it says would be ignored in silence. The keys are listed in "
    "docs/rule-language.md."};
inline const DiagnosticKind kMissingKey{"QR0005", Level::error, "missing-key", "{where} needs `{key}`",
                                        "The key is required."};
inline const DiagnosticKind kWrongValue{"QR0006", Level::error, "wrong-value", "{key} takes {expected}, found {found}",
                                        "The value has another form than the key asks for."};
inline const DiagnosticKind kLimitExceeded{
    "QR0007", Level::error, "limit-exceeded", "{what} is over the limit of {limit}",
    "Limits are part of the language so that no rule file can exhaust memory or time: file size, depth and number of "
    "YAML "
    "nodes (aliases expanded), macro depth, pattern nodes of one rule, instances of one `foreach`."};
inline const DiagnosticKind kUnsupportedVersion{"QR0008", Level::error, "unsupported-version",
                                                "language version `{version}` is not supported",
                                                "This program reads version 1: `qrules: 1`."};
inline const DiagnosticKind kImportCycle{"QR0009", Level::error, "import-cycle", "`{path}` imports itself: {cycle}",
                                         "Imports may not form a cycle. Move what both files need into a third file."};

// --- patterns

inline const DiagnosticKind kPatternSyntax{
    "QR0101", Level::error, "pattern-syntax", "expected {expected}, found {found}",
    "The text does not read as a pattern. A pattern is written as the graph prints: "
    "%y = aten.relu.default(%x), with %x, _, literals, calls, lists, `|`, `?`, `*` and `+`."};
inline const DiagnosticKind kUnknownOperator{"QR0102", Level::error, "unknown-operator", "unknown operator `{op}`",
                                             "No signature file declares the operator. Names are "
                                             "namespace.name.overload, or namespace.name for all overloads. An "
                                             "operator of your own is declared under `operators:`."};
inline const DiagnosticKind kUnknownClass{"QR0103", Level::error, "unknown-class", "unknown class `@{name}`",
                                          "No class of this name is defined in this file or in one that it imports."};
inline const DiagnosticKind kUnknownMacro{
    "QR0104", Level::error, "unknown-macro", "unknown macro `{name}`",
    "No macro of this name is defined in this file or in one that it imports. An operator's name has a dot in it."};
inline const DiagnosticKind kMacroArguments{
    "QR0105", Level::error, "macro-arguments", "`{name}` takes {expected}, got {count}",
    "A macro is used with one pattern for each of its parameters; `_` stands for a value that does not matter."};
inline const DiagnosticKind kMacroDepth{
    "QR0106", Level::error, "macro-depth", "`{name}` is expanded more than {limit} levels deep",
    "The macro uses itself, directly or through others. A chain of any length is written with `*` or `+`."};
inline const DiagnosticKind kUnknownPatternParameter{"QR0107", Level::error, "unknown-parameter",
                                                     "`{op}` has no parameter `{parameter}`",
                                                     "Parameters have the names of the operator's signature."};
inline const DiagnosticKind kTooManyPatternArguments{
    "QR0108", Level::error, "too-many-arguments", "`{op}` takes at most {limit}",
    "The call has more arguments than the operator's signature has parameters."};
inline const DiagnosticKind kNameDefinedTwice{
    "QR0109", Level::error, "name-defined-twice", "`%{name}` is defined twice",
    "A name stands before `=` once. Inside patterns the same name means the same value."};
inline const DiagnosticKind kNotConnected{
    "QR0110", Level::error, "not-connected", "this statement shares no value with the rest of the pattern",
    "Every statement is reached from the root (the last statement), through operands or through a value that it shares "
    "with the rest. Otherwise it could match anywhere in a graph."};
inline const DiagnosticKind kUnnamedParameter{"QR0111", Level::error, "unnamed-parameter",
                                              "`{parameter}` of `{op}` has no default, so the pattern must name it",
                                              "Parameters that a pattern does not name must have their default. This "
                                              "one has none: write a pattern for it, or end "
                                              "the arguments with `...` to leave all others free."};
inline const DiagnosticKind kNotAChain{
    "QR0112", Level::error, "not-a-chain", "`{postfix}` needs a call with an argument to go through",
    "`?`, `*` and `+` make a call optional or repeat it; the value goes through its first argument."};
inline const DiagnosticKind kEachOutsideList{"QR0114", Level::error, "each-outside-list",
                                             "a list pattern for `{parameter}`, which takes no list",
                                             "`[each p]` and `[p, q]` match list arguments."};
inline const DiagnosticKind kNoOverload{"QR0115", Level::error, "no-overload",
                                        "no operator of `{op}` takes these arguments",
                                        "A name without overload means all overloads that have the named parameters "
                                        "and defaults for the others. None has."};
inline const DiagnosticKind kUnknownWord{"QR0116", Level::error, "unknown-word", "`{word}` is no literal",
                                         "Bare words are dtypes (f32, u8, ...), true, false, None, and memory formats "
                                         "and layouts (channels_last, strided). Text "
                                         "is written in double quotes, names with a % sign."};
inline const DiagnosticKind kBadRegex{
    "QR0117", Level::error, "bad-regex", "`{regex}` is no regular expression: {why}",
    "Operators between slashes are RE2 regular expressions that match the whole name."};
inline const DiagnosticKind kRootNotACall{
    "QR0118", Level::error, "root-not-a-call", "the last statement is the root of the match and must be a call",
    "Matching starts at calls of the root's operators. A value, literal or optional call gives nowhere to start."};
inline const DiagnosticKind kNameInRepetition{
    "QR0119", Level::error, "name-in-repetition", "`%{name}` would be bound once for each call of the chain",
    "Only what the chain ends in may have names. Use `_` or `...` for the other arguments of the repeated call."};
inline const DiagnosticKind kUnknownTemplateName{"QR0120", Level::error, "unknown-template-name",
                                                 "`{name}` is not a name of `foreach`",
                                                 "${name} is replaced by an element of the list that `foreach` gives "
                                                 "for the name, ${name.key} by a value of an element "
                                                 "that is a map."};
inline const DiagnosticKind kEmptyClass{"QR0121", Level::error, "empty-class", "`{text}` matches no operator",
                                        "The class entry names nothing, so the rule could never match."};
inline const DiagnosticKind kInsideAndOutsideEach{"QR0122", Level::error, "inside-and-outside-each",
                                                  "`%{name}` is used both inside and outside `[each ...]`",
                                                  "Inside `[each ...]` a name stands for a list of values, one for "
                                                  "each element, outside for one value. Use two names."};
inline const DiagnosticKind kUnclosedTemplate{"QR0123", Level::error, "unclosed-template", "`${` is not closed",
                                              "${name} stands for an element of the list that `foreach` gives for the "
                                              "name. The name has letters, digits, `_` and dots; then `}` follows."};
inline const DiagnosticKind kUnclosedBracket{
    "QR0124", Level::error, "unclosed-bracket", "`{bracket}` is not closed",
    "A bracket is open where the text, or the statement that it stands in, ends. Lines are joined while a bracket is "
    "open, so what follows was read as part of it."};
inline const DiagnosticKind kUnusedParameter{
    "QR0125", Level::warning, "unused-parameter", "parameter `{parameter}` of `{name}` is used in no body",
    "What is given for the parameter has no effect: it restricts nothing and binds nothing. Often a name in the body "
    "is "
    "misspelt; other names inside a macro are its own. A parameter whose name begins with `_` says that this is "
    "meant."};
inline const DiagnosticKind kNotAPattern{
    "QR0126", Level::error, "not-a-pattern", "`%{name} = %{other}` gives a value a second name",
    "A statement of `match` names a pattern. A second name for the same value says nothing about the graph; use the "
    "first one."};
inline const DiagnosticKind kSiblingsPlace{
    "QR0127", Level::error, "siblings-place", "`siblings` cannot stand here: {why}",
    "`siblings(%x, ...) call` matches a group of calls that agree in the names in parentheses. It is the whole last "
    "statement of `match`, and everything else in the rule is reached from it."};
inline const DiagnosticKind kSiblingsNames{
    "QR0128", Level::error, "siblings-names", "siblings cannot share `%{name}`: {why}",
    "The names in parentheses are bound in the pattern of a member, and the first is a value of the graph in every "
    "match: the members are found among its users."};
inline const DiagnosticKind kUnusedVariable{
    "QR0130", Level::warning, "unused-variable", "no text of the rule has `{name}`",
    "`foreach` makes a rule for each element, with the element in place of `${name}` in `match`, `members`, `where`, "
    "`rewrite` and `counter`. Where no text has it all these rules would be the same, so one is made."};
inline const DiagnosticKind kMembersWithoutSiblings{
    "QR0129", Level::error, "members-without-siblings", "`members` needs a rule that matches siblings",
    "The conditions of `members` are asked of each sibling; who fails one is left out. All other conditions belong to "
    "`where`."};

// --- expressions

inline const DiagnosticKind kExpressionSyntax{"QR0201", Level::error, "expression-syntax",
                                              "expected {expected}, found {found}",
                                              "The text does not read as a condition or expression: names, literals, "
                                              "lists, calls, arithmetic, comparisons, `in`, "
                                              "`not`, `and`, `or`, `a if c else b`. One condition a line."};
inline const DiagnosticKind kUnboundName{
    "QR0202", Level::error, "unbound-name", "`%{name}` is not bound by the pattern",
    "Conditions and rewrites use names that `match` binds, or that an earlier line of the rewrite defines."};
inline const DiagnosticKind kUnknownFunction{
    "QR0203", Level::error, "unknown-function", "unknown function `{name}`",
    "Functions and predicates are listed by `rulecheck functions`; named predicates are defined under `predicates:`."};
inline const DiagnosticKind kArgumentCount{"QR0204", Level::error, "argument-count",
                                           "`{name}` takes {expected}, got {count}",
                                           "The function is called with too few or too many arguments."};
inline const DiagnosticKind kTypeMismatch{
    "QR0205", Level::error, "type-mismatch", "{what} takes {expected}, got {found}",
    "Types are checked when a rule file is loaded: the type of a name follows from where the pattern binds it."};
inline const DiagnosticKind kNotACondition{"QR0206", Level::error, "not-a-condition",
                                           "a condition must be true or false, this is {found}",
                                           "Each line of `where` is a condition of its own."};
inline const DiagnosticKind kPredicateDepth{"QR0208", Level::error, "predicate-depth",
                                            "`{name}` is expanded more than {limit} levels deep",
                                            "The predicate uses itself, directly or through others."};
inline const DiagnosticKind kMakesValues{"QR0209", Level::error, "makes-values",
                                         "`{name}` makes values and may only stand in `rewrite`",
                                         "Conditions look at a match and change nothing."};
inline const DiagnosticKind kLoopLists{
    "QR0210", Level::error, "loop-lists", "{names} names for {lists} lists",
    "`all(... for %a, %b in %as, %bs)` binds one name for each list; the lists are walked together."};
inline const DiagnosticKind kShadowedName{"QR0211", Level::error, "shadowed-name",
                                          "`%{name}` is already bound by the pattern",
                                          "A loop's name is its own. Give it another one."};

// --- rewrites

inline const DiagnosticKind kRewriteSyntax{
    "QR0301", Level::error, "rewrite-syntax", "expected {expected}, found {found}",
    "A line of `rewrite` is `%name = value`; a value is a call op(...), a copy `%n with (name=expression)`, or an "
    "expression."};
inline const DiagnosticKind kUnknownRewriteOperator{
    "QR0302", Level::error, "unknown-rewrite-operator", "unknown operator or function `{op}`",
    "A rewrite calls operators (by their full name, with the overload) and compile-time functions."};
inline const DiagnosticKind kRootNotReplaced{"QR0303", Level::error, "root-not-replaced",
                                             "the rewrite does not assign the root `%{name}`",
                                             "The value that takes the root's place is assigned to the root's name."};
inline const DiagnosticKind kUnknownRewriteParameter{"QR0304", Level::error, "unknown-rewrite-parameter",
                                                     "`{op}` has no parameter `{parameter}`",
                                                     "Arguments have the names of the operator's signature."};
inline const DiagnosticKind kMissingRewriteArgument{
    "QR0305", Level::error, "missing-rewrite-argument", "`{op}` needs `{parameter}`",
    "The parameter has no default, so the call gives it, or takes it over with `like`."};
inline const DiagnosticKind kRewriteArgumentTwice{"QR0306", Level::error, "rewrite-argument-twice",
                                                  "`{parameter}` is given twice", "A parameter takes one argument."};
inline const DiagnosticKind kAssignedTwice{"QR0307", Level::error, "assigned-twice", "`%{name}` is assigned twice",
                                           "A rewrite assigns a name once."};
inline const DiagnosticKind kNotReplaceable{
    "QR0308", Level::error, "not-replaceable", "`%{name}` is not a call that the pattern matches",
    "A rewrite replaces calls that its pattern names. This name is an operand from outside, a number, or bound inside "
    "`[each ...]`: use a new name."};
inline const DiagnosticKind kNotACall{
    "QR0309", Level::error, "not-a-call", "`%{name}` is not a matched call, so it has no arguments to take over",
    "`like %n` and `%n with (...)` take over the arguments of a call that the pattern names."};
inline const DiagnosticKind kNoRootName{
    "QR0310", Level::error, "no-root-name", "the root has no name",
    "The last statement of `match` is `%name = ...`, so that the rewrite can say what takes its place."};

// --- rule sets

inline const DiagnosticKind kUnknownPhase{"QR0401", Level::error, "unknown-phase", "unknown phase `{name}`",
                                          "Phases are declared in pipeline.yaml at the top of the rule folder, or "
                                          "under `phases:` of a file that stands alone."};
inline const DiagnosticKind kDuplicateRule{"QR0402", Level::error, "duplicate-rule", "a rule `{name}` exists already",
                                           "Rule names are unique in a rule set: reports and orders refer to them."};
inline const DiagnosticKind kUnknownRule{"QR0403", Level::error, "unknown-rule", "no rule `{name}` in phase `{phase}`",
                                         "`before` and `after` name rules of the same phase."};
inline const DiagnosticKind kOrderCycle{"QR0404", Level::error, "order-cycle",
                                        "`before` and `after` contradict each other: {cycle}",
                                        "The rules named would each have to be tried before the other."};
inline const DiagnosticKind kNoPhases{"QR0405", Level::error, "no-phases", "no phases are declared for `{path}`",
                                      "Put a pipeline.yaml with `phases:` into the rule folder or one of the folders "
                                      "above it, or declare `phases:` in the "
                                      "file."};
inline const DiagnosticKind kDuplicateDefinition{
    "QR0406", Level::error, "duplicate-definition", "{what} `{name}` exists already",
    "Names of macros, predicates, classes and phases are unique among a file and its imports."};
inline const DiagnosticKind kInvalidName{
    "QR0407", Level::error, "invalid-name", "`{name}` is not a name for {what}",
    "Rules, phases and classes are named with letters, digits, `-` and `_`; macros and predicates as name(a, b)."};
inline const DiagnosticKind kBadDeclaration{
    "QR0408", Level::error, "bad-declaration", "`{name}` cannot be declared: {why}",
    "An operator is declared by a schema like `(Tensor self, int dim=0) -> Tensor`."};

}  // namespace qrules
