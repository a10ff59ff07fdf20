// Weights and constants of an archive as constants of a graph, read when they are asked for.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <qrules/graph/constant.h>
#include <qrules/runtime/archive.h>
#include <qrules/runtime/model_json.h>

namespace qrules::model {

class WeightStore {
 public:
  // Reads the two configs (data/weights/NAME_weights_config.json, data/constants/NAME_constants_config.json), no
  // weight. Errors: QR0603, QR0604, QR0606, QR0607.
  static Result<WeightStore> open(Archive& archive, const std::string& model);

  // `what` is "parameter", "buffer" or "constant". The bytes stay those of the archive's member where they are
  // contiguous, so tensors that share a storage share it here; others are copied into row-major order. Errors: QR0603,
  // QR0604, QR0607, QR0609 pickled, QR0610 sizes outside the member, QR0620.
  Result<ConstantPtr> load(const std::string& what, const std::string& name);

 private:
  struct Place {
    std::string member;
    bool pickled = false;
    Json meta;
    std::string config;
  };

  Archive* archive_ = nullptr;
  std::map<std::string, Place, std::less<>> places_;
  std::map<std::string, ArchiveMember> members_;
  std::map<std::string, ConstantPtr> loaded_;  // by member and type: tied weights are one constant
};

}  // namespace qrules::model
