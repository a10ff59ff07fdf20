// What preparing a plan computes from constants, kept for the next preparation.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace qrules {

// Packed weights and folded constants by name. A name says everything that the bytes follow from besides the graph and
// its constants: the node, and how they are laid out. Used by one thread at a time.
class PackedStore {
 public:
  virtual ~PackedStore() = default;
  // The bytes of this name and number, aligned to 64, with 64 more behind that may be read; null when there are none.
  virtual std::shared_ptr<const void> find(const std::string& name, size_t bytes) = 0;
  // Bytes that were computed, as `find` did not have them.
  virtual void add(const std::string& name, std::shared_ptr<const void> data, size_t bytes) = 0;
};

}  // namespace qrules
