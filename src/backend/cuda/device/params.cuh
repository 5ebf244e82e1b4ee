// SPDX-License-Identifier: Apache-2.0
// The structures that host and device code share; plain integers and pointers only.
#pragma once

namespace flexion::cuda {

/// One row of tiles of the score matrix: which key/value tiles it visits. `first_run` indexes runs
/// of tiles: those that hold the `partial` tiles first, then those of the `full` ones.
struct alignas(16) TileRow {
    int m;  ///< tile index along queries
    int first_run;
    int partial;  ///< tiles on which the mask is evaluated
    int full;     ///< tiles that need no mask
};
/// Key/value tiles [begin, end).
struct alignas(8) TileRun {
    int begin;
    int end;
};

/// What a forward launch is told besides its tensor maps and captures.
struct ForwardParams {
    int q_len, kv_len;
    int heads;    ///< query heads
    int group;    ///< query heads per key/value head
    int pairs;    ///< batch * heads
    int section;  ///< (batch, head) pairs whose keys and values share the L2 cache
    int q_tiles;
    int tiles;                      ///< q_tiles * pairs, below 2^31 / 16
    int kv_batch_step;              ///< 0: keys and values are broadcast over the batch, else 1
    int mask_b_step, mask_h_step;   ///< rows of the lists per batch and head, in units of q_tiles
    int dense_partial, dense_full;  ///< without lists: the same tiles for every row
    float scale;
    const TileRow* rows;  ///< per (mask batch, mask head): q_tiles rows, longest first; null: dense
    const TileRun* runs;  ///< one unused run follows the last
    unsigned* counter;    ///< zero before and after a launch
    unsigned short* out;  ///< the output's data, for the redo list (sm90_forward.cuh)
    long long out_b, out_h, out_q;  ///< its strides in elements
    float* lse;                     ///< natural logarithm; null: not wanted
    float* max_scores;              ///< null: not wanted
    long long lse_b, lse_h, lse_q;  ///< strides of both in elements
    long long max_b, max_h, max_q;
};

}  // namespace flexion::cuda
