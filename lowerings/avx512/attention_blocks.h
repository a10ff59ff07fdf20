// How the queries of attention are divided among threads: heads, parts of a head, blocks of a part, and groups of
// sixteen queries, which lie in lanes.
#pragma once

#if defined(__x86_64__)

#include <algorithm>

#include <qrules/lowerings/attention_call.h>
#include <qrules/lowerings/avx512/attention_tiles.h>

namespace qrules::avx512::attention {

struct Blocks {
  int threads = 1;
  int64_t rows = 0, heads = 0, parts = 1;

  // `packs`: each part packs keys or values for itself, so that only few heads are split.
  Blocks(const AttentionCall& call, int64_t of_heads, int threads_at_most, bool packs)
      : rows(call.rows), heads(of_heads), groups_((call.rows + kLanes - 1) / kLanes) {
    constexpr int64_t kWorthAThread = 100'000;  // multiplications
    const int64_t work = heads * call.rows * call.keys * (call.depth + call.columns);
    threads = work < 2 * kWorthAThread ? 1 : threads_at_most;
    const int64_t blocks = (groups_ + kGroups - 1) / kGroups;
    if (!packs)
      parts = blocks;
    else if (heads < int64_t{4} * threads)
      parts = std::min<int64_t>(blocks, threads);
    blocks_of_a_part_ = (blocks + parts - 1) / parts;
    groups_of_a_block_ = (groups_ + blocks - 1) / blocks;
  }

  // Calls block(first query, number of queries, groups that they take) for each block of a part.
  template <typename Block>
  void each(int64_t part, const Block& block) const {
    const int64_t end = std::min(groups_, (part + 1) * blocks_of_a_part_ * groups_of_a_block_);
    for (int64_t group = part * blocks_of_a_part_ * groups_of_a_block_; group < end; group += groups_of_a_block_) {
      const int64_t groups = std::min(groups_of_a_block_, end - group), first = group * kLanes;
      block(first, std::min(groups * kLanes, rows - first), groups);
    }
  }

 private:
  int64_t groups_ = 1, groups_of_a_block_ = 1, blocks_of_a_part_ = 1;
};

// Packs the queries of a block as [unit of the depth][query], whole lanes of both: pack(query, line, units) writes the
// units of a query, zeros where there is none, into a line of `lines`, which are `line_step` units apart.
template <typename Unit, typename Pack>
void pack_queries(int64_t count, int64_t depth, int64_t line_step, Unit* lines, Unit* to, const Pack& pack) {
  const int64_t units = whole_lanes(depth);
  for (int64_t m = 0; m < whole_lanes(count); m += kLanes) {
    for (int64_t i = 0; i < kLanes; ++i) pack(m + i, lines + i * line_step, units);
    for (int64_t u = 0; u < units; u += kLanes) transpose(lines + u, line_step, to + u * kBlock + m, kBlock);
  }
}

}  // namespace qrules::avx512::attention

#endif
