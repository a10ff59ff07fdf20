// A rewritten model and its packed weights in a file, to be mapped by the next process that wants the same plan.
//
// - "QRPLAN 1", 8 bytes;
// - the length of the description, its hash64, and the length of the file, 8 bytes each;
// - the description, which is JSON:
//   - key: a text, all that the plan follows from (see PlanFile::open);
//   - model: stamp and content hash of the model's file;
//   - sources: path and hash64 of files that the rules were read from;
//   - graph: its text (graph/text.h), without the elements of large constants;
//   - provenance: node, rule, sources, location, siblings, of nodes that have one;
//   - constants: node, bytes, and "at" and "hash" (in this file) or "model_at" (in the model's file);
//   - inputs, outputs, report: of RewrittenModel;
//   - packed: name, at, bytes, hash of packed weights (runtime/packed.h);
// - the bytes of constants and packed weights, each at a multiple of 64 and followed by 64 zeros or more.
//
// Numbers are little-endian, places are counted from the beginning of the file. A file is written beside its place and
// renamed, so a reader sees all of one or all of another. The description is checked as a whole when the file is
// opened, and so are constants; packed weights are when they are asked for, as the run is about to read them anyway.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <qrules/runtime/model.h>
#include <qrules/runtime/packed.h>
#include <qrules/support/mapped_file.h>

namespace qrules {

// A model as the rules left it.
struct RewrittenModel {
  Model model;         // read without `warnings`
  std::string report;  // how it became so, in any form: what was written is read
};

// A file that the rules were read from.
struct PlanSource {
  std::string path;
  uint64_t hash = 0;  // of its text
};

class PlanFile final : public PackedStore {
 public:
  PlanFile() = default;
  // `key` is all that plan and packed weights follow from besides the contents of `model_file` (the archive or text
  // that the graph was read from) and of the rules' files; a file with another key is stale. With a file at `path` that
  // is whole and of this key, model and rules, take_loaded() gives what it holds. Without, `problem` says what is wrong
  // with the file; it is empty when there is none.
  static std::shared_ptr<PlanFile> open(std::string path, std::string key,
                                        std::shared_ptr<const MappedFile> model_file);

  const std::string& problem() const { return problem_; }
  // What the file holds; nothing when it could not be used. To be taken once.
  std::unique_ptr<RewrittenModel> take_loaded() { return std::move(loaded_); }

  std::shared_ptr<const void> find(const std::string& name, size_t bytes) override;
  void add(const std::string& name, std::shared_ptr<const void> data, size_t bytes) override;

  // Whether the file could not be used, or something was added: it is then not what it should be.
  bool changed() const { return changed_; }
  // Writes the file anew: this model, and all packed weights that were found or added. Error: QR0709.
  Status write(const RewrittenModel& model, const std::vector<PlanSource>& sources) const;
  // The files of the rules as the file names them.
  const std::vector<PlanSource>& sources() const { return sources_; }

 private:
  struct Blob {
    size_t at = 0, bytes = 0;
    uint64_t hash = 0;
  };
  struct Held {
    std::shared_ptr<const void> data;
    size_t bytes = 0;
  };

  std::string read();
  std::string_view part(const Blob& blob) const { return {file_->data() + blob.at, blob.bytes}; }

  std::string path_, key_, problem_;
  std::shared_ptr<const MappedFile> model_file_, file_;
  std::unique_ptr<RewrittenModel> loaded_;
  std::vector<PlanSource> sources_;
  std::map<std::string, Blob> known_;
  std::map<std::string, Held> held_;  // found or added
  bool changed_ = false;
};

// hash64 of a file's text; 0 when it cannot be read.
uint64_t hash_of_file(const std::string& path);

}  // namespace qrules
