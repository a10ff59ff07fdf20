// Runs one call of a graph text through a handler, without a plan: operands are constants of the text or buffers of the
// test.
#pragma once

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <qrules/graph/text.h>
#include <qrules/lowerings/elements.h>
#include <qrules/runtime/kernel.h>

#include "../layouts.h"

namespace qrules::testing {

// Bytes with a margin on both sides that nothing may write into.
class GuardedBuffer {
 public:
  explicit GuardedBuffer(size_t bytes = 0)
      : memory_(new (std::align_val_t{64}) unsigned char[bytes + 2 * kMargin]), bytes_(bytes) {
    std::memset(memory_.get(), kFill, bytes + 2 * kMargin);
  }
  unsigned char* data() { return memory_.get() + kMargin; }
  bool intact() const {
    for (size_t i = 0; i < kMargin; ++i) {
      if (memory_.get()[i] != kFill || memory_.get()[kMargin + bytes_ + i] != kFill) return false;
    }
    return true;
  }

 private:
  struct Free {
    void operator()(unsigned char* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  static constexpr size_t kMargin = 64;
  static constexpr unsigned char kFill = 0xcd;
  std::unique_ptr<unsigned char[], Free> memory_;
  size_t bytes_;
};

// The call whose value the graph returns. Results have the types of the text.
class FakeContext final : public PrepareContext {
 public:
  explicit FakeContext(const std::string& text, std::map<std::string, int64_t> symbols = {})
      : symbols_(std::move(symbols)) {
    auto graph = parse_graph("test", text);
    if (!graph) throw std::runtime_error(render_text(graph.diagnostics()));
    graph_ = std::make_unique<Graph>(std::move(*graph));
    node_ = graph_->output()->operand(0);
    for (size_t i = 0; i < node_->operands().size(); ++i) {
      const Node* operand = node_->operand(i);
      inputs_.push_back(TensorLayout::contiguous(operand->tensor()->dtype, sizes_of(*operand->tensor())));
      buffers_.emplace_back(inputs_[i].byte_extent());
      if (operand->constant() && operand->constant()->bytes > 0)
        std::memcpy(buffers_[i].data(), operand->constant()->data.get(), operand->constant()->bytes);
    }
    for (const TensorType& type : node_->type().tensors)
      outputs_.push_back(TensorLayout::contiguous(type.dtype, sizes_of(type)));
  }

  // Lays an operand out with other strides; its elements stay.
  void relayout(size_t operand, std::vector<int64_t> strides) {
    TensorLayout layout = inputs_[operand];
    layout.strides = std::move(strides);
    GuardedBuffer buffer(layout.byte_extent());
    const std::vector<int64_t> from = element_offsets(inputs_[operand]), to = element_offsets(layout);
    const size_t bytes = size_of(layout.dtype);
    for (size_t i = 0; i < from.size(); ++i) {
      std::memcpy(buffer.data() + static_cast<size_t>(to[i]) * bytes,
                  buffers_[operand].data() + static_cast<size_t>(from[i]) * bytes, bytes);
    }
    inputs_[operand] = layout;
    buffers_[operand] = std::move(buffer);
  }

  // Elements of an operand in row-major order.
  void fill(size_t operand, const std::vector<double>& values) {
    const std::vector<int64_t> places = element_offsets(inputs_[operand]);
    for (size_t i = 0; i < places.size(); ++i)
      elements::store(buffers_[operand].data(), inputs_[operand].dtype, places[i], values.at(i));
  }

  // Prepares with the handler; the message of the refusal, or nothing when it did.
  std::string prepare(const Handler& handler) {
    auto prepared = handler.prepare(*this);
    if (!prepared) return prepared.diagnostics().list().front().message();
    kernel_ = std::move(*prepared);
    return {};
  }

  // Runs the kernel, when there is one.
  void run() {
    results_.clear();
    for (const TensorLayout& layout : outputs_) results_.emplace_back(layout.byte_extent());
    if (!kernel_) return;
    GuardedBuffer scratch(scratch_bytes_);
    std::vector<const void*> in;
    std::vector<void*> out;
    for (GuardedBuffer& buffer : buffers_) in.push_back(buffer.data());
    for (GuardedBuffer& buffer : results_) out.push_back(buffer.data());
    auto state = kernel_->make_state();
    kernel_->run({in.data(), out.data(), scratch.data(), state.get()});
    for (const auto* list : {&buffers_, &results_}) {
      for (const GuardedBuffer& buffer : *list) {
        if (!buffer.intact()) throw std::runtime_error("a kernel wrote outside of its buffers");
      }
    }
    if (!scratch.intact()) throw std::runtime_error("a kernel wrote outside of its scratch");
  }

  // Elements of a result in row-major order.
  std::vector<double> values(size_t result = 0) {
    const bool aliased = aliased_ && result == 0;
    const unsigned char* memory = aliased ? buffers_[*aliased_].data() + byte_offset_ : results_.at(result).data();
    std::vector<double> list;
    for (int64_t place : element_offsets(outputs_[result]))
      list.push_back(elements::load<double>(memory, outputs_[result].dtype, place));
    return list;
  }

  bool is_view() const { return aliased_.has_value(); }
  size_t byte_offset() const { return byte_offset_; }
  const Kernel* kernel() const { return kernel_.get(); }
  const std::string& op() const { return node_->op_name(); }

  const Node& node() const override { return *node_; }
  size_t input_count() const override { return inputs_.size(); }
  const TensorLayout& input(size_t operand) const override { return inputs_[operand]; }
  const void* constant_data(size_t operand) const override {
    const Node* value = node_->operand(operand);
    return value->constant() ? value->constant()->data.get() : nullptr;
  }
  std::optional<size_t> operand_of(std::string_view parameter) const override {
    const Argument* wanted = node_->argument(parameter);
    size_t operand = 0;
    for (const Argument& argument : node_->arguments()) {
      if (&argument == wanted) return argument.node() ? std::optional(operand) : std::nullopt;
      operand += count_nodes(argument);
    }
    return std::nullopt;
  }
  std::vector<int64_t> integers(std::string_view parameter) const override {
    const Argument* argument = node_->argument(parameter);
    std::vector<int64_t> list;
    const auto add = [&](const Argument& element) {
      const Dim* dim = element.get_if<Dim>();
      list.push_back(dim ? graph_->dims().evaluate(*dim, symbols_).value() : element.integer().value());
    };
    if (argument->list()) {
      for (const Argument& element : *argument->list()) add(element);
    } else {
      add(*argument);
    }
    return list;
  }
  size_t output_count() const override { return outputs_.size(); }
  TensorLayout& output(size_t result) override { return outputs_[result]; }
  void require_layout(size_t operand, TensorLayout layout) override { relayout(operand, std::move(layout.strides)); }
  bool may_overwrite(size_t) const override { return false; }
  void write_into(size_t, size_t) override { throw std::runtime_error("write_into without may_overwrite"); }
  void alias(size_t, size_t operand, size_t byte_offset) override {
    aliased_ = operand;
    byte_offset_ = byte_offset;
  }
  void request_scratch(size_t bytes) override { scratch_bytes_ = bytes; }
  int threads() const override { return 1; }
  void note(std::string) override {}

 private:
  std::vector<int64_t> sizes_of(const TensorType& type) const {
    std::vector<int64_t> sizes;
    for (Dim size : type.sizes) sizes.push_back(graph_->dims().evaluate(size, symbols_).value());
    return sizes;
  }

  static size_t count_nodes(const Argument& argument) {
    if (argument.node()) return 1;
    size_t count = 0;
    if (argument.list()) {
      for (const Argument& element : *argument.list()) count += count_nodes(element);
    }
    return count;
  }

  std::map<std::string, int64_t> symbols_;
  std::unique_ptr<Graph> graph_;
  const Node* node_ = nullptr;
  std::vector<TensorLayout> inputs_, outputs_;
  std::vector<GuardedBuffer> buffers_, results_;
  std::unique_ptr<Kernel> kernel_;
  std::optional<size_t> aliased_;
  size_t byte_offset_ = 0, scratch_bytes_ = 0;
};

}  // namespace qrules::testing
