// A YAML map of a rule file being read: every key that is not asked for is unknown, every value has a form.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <qrules/rules/declarations.h>
#include <qrules/rules/yaml_tree.h>
#include <qrules/support/diagnostic.h>

namespace qrules {

// What may stand in a map. Other names that people give a key, in other tools or by habit, lead to it: the mistake is
// said once, and the value is read as that of the key that was meant.
struct MapForm {
  std::string where;  // "a rule", "`expect`": for messages
  std::vector<std::string> keys;
  std::map<std::string, std::string, std::less<>> other_names;  // name: key
};

class MapReader {
 public:
  // Reports a value that is no map (QR0006) and unknown keys (QR0004).
  MapReader(const YamlNode& node, const MapForm& form, Diagnostics& diagnostics);

  bool valid() const { return valid_; }
  // A key was not understood, so what it should have said is not known.
  bool has_unknown_keys() const { return lost_ != kNone; }
  const YamlNode* optional(std::string_view key) const;
  // Reports a key that is missing (QR0005) unless an unknown one may stand for it. `example`: a value to begin with,
  // `sure` when it is the only one that makes sense.
  const YamlNode* required(std::string_view key, std::string_view example, bool sure = false);

  // Values by form; a wrong one is reported (QR0006) and gives an empty result.
  MappedText text(std::string_view key, const YamlNode* value);
  std::string plain(std::string_view key, const YamlNode* value) { return text(key, value).text(); }
  std::optional<int> integer(std::string_view key, const YamlNode* value, int least);
  bool boolean(std::string_view key, const YamlNode* value, bool otherwise);
  // The elements of a list; with `lone`, a lone text is a list of one.
  std::vector<const YamlNode*> list(std::string_view key, const YamlNode* value, bool lone = false);
  std::vector<NamedReference> names(std::string_view key, const YamlNode* value);

  // The error for a value that has another form than `expected`.
  static Diagnostic wrong(const std::string& what, const YamlNode& value, std::string expected);
  void add_wrong(std::string_view key, const YamlNode& value, std::string expected) {
    diagnostics_.add(wrong("`" + std::string(key) + "`", value, std::move(expected)));
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  void unknown_key(const YamlEntry& entry);
  const YamlEntry* entry(std::string_view key) const;

  const YamlNode& node_;
  const MapForm& form_;
  Diagnostics& diagnostics_;
  bool valid_ = false;
  std::map<std::string, const YamlEntry*, std::less<>> meant_;  // by the key that a misspelt one stands for
  size_t lost_ = kNone;                                         // the diagnostic of an unknown key that stands for none
};

}  // namespace qrules
