// From a rewritten graph to something that runs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/runtime/kernel.h>
#include <qrules/runtime/packed.h>
#include <qrules/runtime/work.h>

namespace qrules {

struct PlanOptions {
  int threads = 0;                                  // 0: what OpenMP would use
  std::shared_ptr<const HandlerRegistry> handlers;  // null: the built-in ones
  bool reference = false;                           // decomposed and ATen kernels only: the oracle of tests
  bool round_products = false;                      // products of f32 may be of operands rounded to bf16
  std::shared_ptr<PackedStore> packed;              // packed weights of earlier preparations; null: none
};

// One line of a plan.
struct PlanStep {
  std::string node;
  std::string op;
  std::string handler;  // "onednn.qconv", "decomposed.dequantize", "aten" ...
  std::string implementation;
  std::string note;       // why it is slow or refused by a faster handler, and what would avoid it
  bool fallback = false;  // ran through the ATen dispatcher
  bool in_place = false;
  int64_t calls = 1;       // of the model, side by side, that a rule made one
  int64_t operations = 0;  // see operations_of
  WorkKind work = WorkKind::other;
  size_t bytes_read = 0, bytes_written = 0;  // of operands and results, each once; weights as they are in the graph
};

// Everything fixed for one set of input sizes: kernels, packed weights, buffers by lifetime in one arena. Immutable,
// shared by threads; each running context owns its arena.
class Plan : public std::enable_shared_from_this<Plan> {
 public:
  // `symbols`: values of the graph's symbolic sizes (see bind_symbols). Keeps the graph alive. Nodes that depend on
  // constants alone are computed now. Errors QR07xx name the node.
  static Result<std::shared_ptr<const Plan>> prepare(std::shared_ptr<const Graph> graph,
                                                     const std::map<std::string, int64_t>& symbols,
                                                     const PlanOptions& options = {});
  virtual ~Plan() = default;

  virtual const std::vector<PlanStep>& steps() const = 0;
  virtual size_t arena_bytes() const = 0;
  virtual size_t packed_bytes() const = 0;                              // constants owned by kernels and folded values
  virtual const std::vector<TensorLayout>& input_layouts() const = 0;   // dtype and sizes wanted; strides contiguous
  virtual const std::vector<TensorLayout>& output_layouts() const = 0;  // as `run` writes them

  // A context: arena and kernel states. One at a time per thread of execution.
  class Context {
   public:
    virtual ~Context() = default;
    // Inputs in placeholder order, contiguous. The results' bytes belong to the context until its next run. Allocates
    // nothing.
    virtual void run(std::span<const void* const> inputs) = 0;
    virtual std::span<const void* const> outputs() const = 0;
    // True when a kernel of the last run could not run, for want of memory inside a library; the results are then
    // undefined.
    virtual bool failed() const = 0;
    // Nanoseconds of each step of the last run when profiling is on.
    virtual void set_profiling(bool on) = 0;
    virtual const std::vector<int64_t>& step_times() const = 0;
    // And when it began, counted from the start of the run.
    virtual const std::vector<int64_t>& step_starts() const = 0;
  };
  virtual std::unique_ptr<Context> make_context() const = 0;
};

// Values of symbolic sizes that follow from the inputs' sizes. Errors: wrong number of inputs, rank, dtype or fixed
// size, and contradicting symbols (QR06xx, naming the input).
Result<std::map<std::string, int64_t>> bind_symbols(const Graph& graph, std::span<const TensorLayout> inputs);

// Plans by input sizes, most recently used first, at most `capacity`. Safe for several threads.
class PlanCache {
 public:
  PlanCache(std::shared_ptr<const Graph> graph, PlanOptions options, size_t capacity = 8);
  ~PlanCache();
  Result<std::shared_ptr<const Plan>> get(std::span<const TensorLayout> inputs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrules
