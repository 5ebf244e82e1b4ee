// SPDX-License-Identifier: Apache-2.0
// How one load of a mod reads its buffer, tile by tile: a scalar, a run of neighbours, a transposed
// tile, or a gather; clamped unless the kernel's assumptions say that it stays in range.
#pragma once

#include <span>
#include <vector>

#include "backend/cpu/codegen/code.h"
#include "backend/cpu/gather_check.h"
#include "passes/passes.h"

namespace flexion::cpu {

/// The tile that code is written for. panel: lanes are queries, rows are keys. stream: lanes are
/// keys, and so are rows: row r is the chunk of keys from r on.
struct TileShape {
    TileMap map = TileMap::panel;
    int lanes = 8;    ///< of a vector
    int vectors = 2;  ///< in a row
};

/// Rows of a tile that are transposed at once: so many that their stores have left the store buffer
/// when the first row is loaded (with 8, forwarding failed: 1 ns per 16 lanes more), few enough for
/// the first-level cache.
inline constexpr int kStagedRows = 32;

/// Which way a value varies over the tile.
enum Level : std::uint8_t { kUniform = 0, kLane = 1, kRow = 2, kElement = 3 };

/// i32 scalars: the position of lane 0, row 0; panel: the number of queries from there on.
struct Origin {
    Val b, h, q, k, lanes;
};

/// Vector `v` of a row. The row fields are empty for what is hoisted out of the loop over rows.
struct Place {
    int v = 0;
    Val row = {};         ///< i64
    Val staged_row = {};  ///< i64: the row within its block of kStagedRows; panel
    Val count = {};       ///< i32: lanes of this vector that are real; any value
    Val valid = {};       ///< the same as a mask
};

/// Where an index is computed: i32 scalars, of its first lane.
struct IndexPosition {
    Val b, h, q, k;
    LaneAxis axis = LaneAxis::none;
    Val count;  ///< lanes that are real; any value
};

/// What a load reads, from the function and the kernel's key.
struct AccessFacts {
    DType dtype = DType::f32;
    int word = 0;                                                ///< of the data pointer
    bool in_range = false, unit_stride = false, narrow = false;  ///< plan/assumptions.h
    bool checked = false;                                        ///< gather_check.h
    std::vector<passes::Affine> indices;                         ///< where in_range
    std::vector<Level> levels;                                   ///< of the index values
    std::span<const Val> scalars;                                ///< i64, for the affine forms
};

class Access {
public:
    /// Decides how to read; appends what does not change within the tile.
    Access(Code& code, AccessFacts facts, const TileShape& shape, const Origin& origin);

    Level level() const { return level_; }
    /// True where read() wants the offsets of its indices.
    bool clamped() const { return kind_ == Kind::clamped; }
    /// True where stage() has to run before the rows of a block.
    bool staged() const { return kind_ == Kind::staged; }

    /// True where the indices are to be checked.
    bool checked() const { return facts_.checked && kind_ == Kind::clamped; }
    /// Reports an index that is out of range.
    void check(Code& code, int dim, Val index, const IndexPosition& at) const;
    /// An index that load would read at: negative counts from the end once, then clamped.
    Val index(Code& code, int dim, Val index) const;
    /// Its extent, at least 1, in the type of index().
    const Val& extent(int dim) const { return dims_[dim].extent; }
    /// Element offset of an index value.
    Val clamp(Code& code, int dim, Val index) const;
    /// Transposes rows [row, row + rows) of the tile, at most kStagedRows of them, into scratch.
    void stage(Code& code, Val row, Val rows) const;
    /// The value, in the IR's type: a scalar below kLane, else a vector.
    Val read(Code& code, const Place& place, std::span<const Val> offsets) const;

private:
    enum class Kind { scalar, contiguous, reversed, strided, staged, clamped };
    struct Dim {
        Val last, lowest, extent, stride;  // lowest: -extent
    };
    void prepare_affine(Code& code, const Origin& origin);
    void prepare_clamped(Code& code);
    bool masked_loads(const Code& code) const;
    Val word(Code& code, int index, Elem elem) const;
    Val pointer_at(Code& code, const Place& place) const;
    Val run(Code& code, Val pointer, const Place& place) const;
    Val gather(Code& code, Val pointers) const;

    AccessFacts facts_;
    TileShape shape_;
    Kind kind_ = Kind::clamped;
    Level level_ = kUniform;
    Elem stored_;
    Val base_;                       // affine: element of lane 0, row 0; clamped: the buffer
    Val row_stride_, lane_stride_;   // i64 elements
    std::vector<Val> lane_offsets_;  // strided in panels: per vector, for lanes that are real
    Val lanes_, scratch_;            // of staged tiles
    Val run_copy_;                   // where a run that the tile cuts short is put together
    std::vector<Dim> dims_;
};

/// A stored element as the IR sees it: bf16, f16 -> f32; i8, i16, u8 -> i32; bool -> i1.
Val convert_stored(Code& code, DType dtype, Val stored);
Elem stored_elem(DType dtype);

/// The words that a staged tile has in scratch: i32 or i64.
Elem staged_elem(DType dtype);

}  // namespace flexion::cpu
