#include <qrules/lowerings/avx512/product.h>

#if defined(__x86_64__)

#include <algorithm>
#include <utility>

#include <qrules/lowerings/avx2/tasks.h>
#include <qrules/lowerings/avx512/packed_panels.h>

namespace qrules::avx512 {
namespace {

constexpr int64_t kWorthAThread = 1'000'000;  // products
constexpr int64_t kSecondLevelRows = int64_t{192} * 1024;
constexpr int64_t kLargeWeights = int64_t{256} * 1024;

class ProductKernel final : public Kernel {
 public:
  ProductKernel(PrepareContext& context, const Product& product, size_t x, int32_t zero_point, const int8_t* weights,
                Requantization requantization)
      : product_(product),
        x_(x),
        to_(std::move(requantization)),
        packed_(context, to_, "panels", {weights, product.channels, product.depth, product.depth, {}}, zero_point),
        element_(to_.is_real ? sizeof(float) : 1) {
    threads_ = product_.rows * product_.depth * product_.channels < 2 * kWorthAThread ? 1 : context.threads();
    divide();
  }

  std::string implementation() const override { return "panels:avx512_vnni"; }

  void run(const KernelArguments& arguments) const override {
    const auto* x = static_cast<const uint8_t*>(arguments.inputs[x_]);
    auto* out = static_cast<char*>(arguments.outputs[0]);
    const auto* other = to_.other ? static_cast<const char*>(arguments.inputs[*to_.other]) : nullptr;
    const int64_t chunks = (product_.rows + chunk_ - 1) / chunk_;
    avx2::run_tasks(chunks * parts_.count, threads_, nullptr, 0, [&](int64_t task, void*) {
      const int64_t part = task % parts_.count, first = task / parts_.count * chunk_,
                    end = std::min(product_.rows, first + chunk_);
      for (int64_t m = first; m < end; m += block_) {
        for (int64_t p = parts_.first(part); p < parts_.end(part); ++p)
          run_panel(x, out, other, m, std::min(block_, end - m), packed_.panels()[static_cast<size_t>(p)]);
      }
    });
  }

 private:
  // Rows, and panels when there are few rows or weights are large, are shared out among threads.
  void divide() {
    const int64_t bytes = packed_.bytes();
    // Panels that stay in the first-level cache are gone over tile by tile, so that rows of results are written whole;
    // others once for as many rows as the second level holds.
    block_ = bytes <= kFirstLevelPanels
                 ? kRowsAtOnce
                 : std::max<int64_t>(8, kSecondLevelRows / product_.depth / kTileRows) * kTileRows;
    const int64_t tiles = (product_.rows + kTileRows - 1) / kTileRows;
    const bool split = threads_ > 1 && (bytes > kLargeWeights || tiles < int64_t{4} * threads_);
    // A panel each where they are not many: 12 in 8 tasks would leave a thread without work for a sixth of the time.
    const auto panels = static_cast<int64_t>(packed_.panels().size());
    const int64_t wanted = panels <= int64_t{16} * threads_ ? panels : int64_t{4} * threads_;
    parts_ = Parts::of(packed_.panels(), split ? wanted : 1);
    chunk_ = parts_.count > 1 || threads_ == 1 ? product_.rows
                                               : std::max<int64_t>(1, tiles / (int64_t{4} * threads_)) * kTileRows;
  }

  void run_panel(const uint8_t* x, char* out, const char* other, int64_t first, int64_t rows,
                 const Panel& panel) const {
    PanelRows p = packed_.rows_of(panel);
    p.x = x + first * product_.depth;
    p.x_step = p.depth = product_.depth;
    p.rows = rows;
    p.to = &to_;
    const int64_t offset = (first * product_.channels + panel.first) * element_;
    p.out = out + offset;
    if (other) p.other = other + offset;
    p.out_step = product_.channels * element_;
    multiply_panel(p, panel);
  }

  Product product_;
  size_t x_ = 0;
  Requantization to_;
  PackedPanels packed_;
  int64_t element_ = 1;        // bytes of a result
  int64_t block_ = kTileRows;  // rows that a panel is gone over at once
  int64_t chunk_ = 0;          // rows of a task
  Parts parts_;                // of the panels, a task each
  int threads_ = 1;
};

}  // namespace

bool Product::is_ours() const {
  // Large weights that few rows share are read as fast by oneDNN.
  constexpr int64_t kFewRows = 32, kManyWeights = 1 << 20;
  constexpr int64_t kMostDepth = 1 << 16;  // 255 * 128 times as much stays in 32 bits
  if (rows < kTileRows || depth == 0 || depth > kMostDepth || depth % 4 != 0) return false;
  return rows >= kFewRows || depth * channels <= kManyWeights;
}

int8::Prepared make_product(PrepareContext& context, const int8::Int8Call& call, const Product& product) {
  if (!product.is_ours()) return int8::refuse("these sizes are left to other kernels");
  auto requantization = prepare_panels(context, call, product.channels, product.depth);
  if (!requantization.ok()) return requantization.diagnostics();
  const auto* weights = static_cast<const int8_t*>(int8::dense_constant(context, call.weight));
  return std::unique_ptr<Kernel>(std::make_unique<ProductKernel>(context, product, call.x, call.x_zero_point, weights,
                                                                 std::move(*requantization)));
}

}  // namespace qrules::avx512

#endif
