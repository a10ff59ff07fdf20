// What a lowering handler gives to a plan.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <qrules/graph/graph.h>
#include <qrules/runtime/tensor.h>

namespace qrules {

// Pointers of one execution. Everything was sized and laid out at preparation.
class KernelState;
struct KernelArguments {
  const void* const* inputs = nullptr;  // one for each operand of the node, in operand order
  void* const* outputs = nullptr;       // one for each result
  void* scratch = nullptr;              // scratch_bytes, 64-byte aligned, shared with other nodes of the same context
  KernelState* state = nullptr;
  bool* failed =
      nullptr;  // set by a kernel that could not run (a library underneath refused); its results are then undefined
};

// Mutable state of a kernel that belongs to one running context (wrapped tensors, primitives that are not re-entrant).
class KernelState {
 public:
  virtual ~KernelState() = default;
};

// A prepared node. Immutable, shared by contexts and threads; `run` allocates nothing.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual std::unique_ptr<KernelState> make_state() const { return nullptr; }
  virtual void run(const KernelArguments& arguments) const = 0;
  // What runs, for reports: "brgemm:avx512_core_vnni", "jit:avx2", "ref", "aten".
  virtual std::string implementation() const = 0;
};

// What a handler sees and decides while a node is prepared.
class PrepareContext {
 public:
  virtual ~PrepareContext() = default;

  virtual const Node& node() const = 0;
  // Layouts of the operands, as their producers chose them; data of constant operands (null otherwise).
  virtual size_t input_count() const = 0;
  virtual const TensorLayout& input(size_t operand) const = 0;
  virtual const void* constant_data(size_t operand) const = 0;
  // Index of the operand that is this parameter's node, or nothing when the argument is no node.
  virtual std::optional<size_t> operand_of(std::string_view parameter) const = 0;
  // A list of sizes or a number argument with symbols replaced by this plan's values.
  virtual std::vector<int64_t> integers(std::string_view parameter) const = 0;

  // Results: dtype and sizes are given; the handler may change the strides (default: contiguous).
  virtual size_t output_count() const = 0;
  virtual TensorLayout& output(size_t result) = 0;

  // Asks that an operand comes in this layout; a reorder is put in front when its producer chose another. Of a constant
  // the reordered copy is made at once, and constant_data gives its elements.
  virtual void require_layout(size_t operand, TensorLayout layout) = 0;
  // True when nothing reads the operand's buffer after this node and it is no input, constant, output or view of one:
  // the proof is the plan's. Then `write_into` makes the result share that buffer (equal byte extents).
  virtual bool may_overwrite(size_t operand) const = 0;
  virtual void write_into(size_t result, size_t operand) = 0;
  // The result is a view of the operand: no kernel runs. Layout of the result is output(result).
  virtual void alias(size_t result, size_t operand, size_t byte_offset) = 0;

  // Memory that a kernel keeps and that follows from the node and the data of its constants alone, such as a packed
  // weight: `fill` writes it, to 64-byte aligned memory that may be written up to the next multiple. With a plan cache
  // it is mapped from an earlier preparation instead, and `fill` is not called, so it must have no other effect.
  // `format` says all else that the bytes follow from (their order, the kernel's choices); equal formats of a node are
  // equal bytes.
  virtual std::shared_ptr<const void> packed(const std::string& format, size_t bytes,
                                             const std::function<void(void*)>& fill);

  virtual void request_scratch(size_t bytes) = 0;
  virtual int threads() const = 0;
  // Whether products of f32 operands may be computed of operands rounded to bf16; sums are f32 either way
  // (PlanOptions::round_products).
  virtual bool rounds_products() const { return false; }
  // A line for the report: a slow (reference) implementation and what would avoid it.
  virtual void note(std::string text) = 0;
};

// A named lowering. `prepare` gives a kernel, or null after `alias`, or an error that says what it cannot do: the next
// handler for the operator is tried (lowerings/register.cc has the order).
class Handler {
 public:
  virtual ~Handler() = default;
  virtual std::string_view name() const = 0;  // "onednn.qconv": what reports count
  virtual Result<std::unique_ptr<Kernel>> prepare(PrepareContext& context) const = 0;
};

// Handlers by operator name, in the order they are tried. Filled at start-up, then only read.
class HandlerRegistry {
 public:
  // All handlers of this build (lowerings/register.h fills it).
  static std::shared_ptr<const HandlerRegistry> builtin();
  // Without oneDNN: exact decomposed kernels and the ATen dispatcher.
  static std::shared_ptr<const HandlerRegistry> reference();

  // What chooses kernels and the formats of packed weights besides a graph: versions of the libraries, the CPU,
  // variables of the environment. Plans of one identity are alike.
  static std::string identity();

  void add(std::string op_name, std::shared_ptr<const Handler> handler);
  // Handlers for any operator, tried last.
  void add_fallback(std::shared_ptr<const Handler> handler);
  std::vector<const Handler*> find(const std::string& op_name) const;

 private:
  std::map<std::string, std::vector<std::shared_ptr<const Handler>>, std::less<>> by_op_;
  std::vector<std::shared_ptr<const Handler>> fallbacks_;
};

}  // namespace qrules
