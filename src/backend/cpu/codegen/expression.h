// SPDX-License-Identifier: Apache-2.0
// Emits a mod over a tile: what is uniform once per tile as scalars, what varies along lanes once
// per tile, what varies along rows once per row as scalars, and the rest for each vector.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/cpu/codegen/access.h"
#include "ir/function.h"

namespace flexion::cpu {

/// Where a mod's captures and assumption bits begin.
struct Binding {
    int word = 1;
    int load = 0;
    std::uint64_t assumptions = 0;
    bool checked = false;  ///< gathers report indices out of range
};
/// Captured words and loads of `f`: the next function begins after them.
int words_of(const ir::Function& f);
int loads_of(const ir::Function& f);

class Expression {
public:
    /// `exact`: a mask, emitted without contraction. Otherwise floats that no integer or bool
    /// depends on may be contracted. Emits `roots`; none given: the first result.
    Expression(const ir::Function& f, const Binding& binding, const TileShape& shape, int unroll,
               bool exact, std::vector<ir::Value> roots = {});

    /// What does not change from row to row; `places` has one entry per vector of a panel.
    void hoist(Code& code, const Origin& origin, std::span<const Place> places);
    /// True where stage() is needed before each block of kStagedRows rows.
    bool staged() const;
    void stage(Code& code, const Val& row, const Val& rows) const;
    /// What the vectors of row `u` of the unrolled body share; k: i32 scalar. panel only.
    void row(Code& code, int u, const Place& place, const Val& k);
    /// Vector place.v of row u, of the first root. score: empty in masks; k: i32 vector, stream
    /// only.
    Val element(Code& code, int u, const Place& place, const Val& score, const Val& k = {});

    /// How roots[i] varies; known after hoist().
    Level level(std::size_t i) const { return levels_[roots_[i]]; }
    /// roots[i], once its level has been emitted: a scalar below kLane, else a vector.
    Val root(std::size_t i, int u, int v) const { return values_[roots_[i]][slot(level(i), u, v)]; }
    /// For the indices of a contiguous copy of `buffer`; not to be read through.
    Access contiguous_copy(Code& code, int buffer, const Origin& origin) const;

    /// Instructions emitted for each vector: how heavy the mod is.
    int weight() const;

private:
    std::size_t slot(Level level, int u, int v) const;
    Val& value(ir::Value v, int u, int lane_vector);
    void emit_level(Code& code, Level level, int u, const Place& place);
    void emit_inst(Code& code, ir::Value v, Level level, int u, const Place& place);
    IndexPosition position(Code& code, Level level, const Place& place) const;
    Val parameter(Code& code, const ir::Inst& inst) const;
    std::uint64_t bits_of(int load) const;  ///< of the assumptions
    AccessFacts access_facts(ir::Value v, int load) const;

    const ir::Function& f_;
    Binding binding_;
    TileShape shape_;
    int unroll_;
    std::vector<ir::Value> roots_;
    passes::Facts facts_;
    std::vector<bool> live_, exact_;
    std::vector<Level> levels_;
    std::vector<std::vector<Val>> values_;  // by value, then slot
    std::vector<int> access_of_;            // by value; -1: no load
    std::vector<Access> accesses_;
    std::vector<std::vector<std::vector<Val>>> offsets_;  // by access, dimension, slot
    Origin origin_;
    std::vector<Val> scalars_, wide_scalars_;
    std::vector<int> buffer_words_;
};

/// The loop over a tile's rows in steps of `step`; where expressions are staged, in blocks that
/// begin with stage(code, block, rows of the block: i32). body(code, row, block, end, carried) sets
/// `next` of what is carried; rows from `end` on are another round's.
template <class Stage, class Body>
void loop_over_rows(Code& code, const Val& rows, int step, bool staged,
                    std::vector<Carried>& carried, const Stage& stage, const Body& body) {
    const Val zero = Code::integer(Elem::i64, 0);
    if (!staged) {
        counted_loop(code, "row", zero, rows, step, carried,
                     [&](Code& c, const Val& row) { body(c, row, zero, rows, carried); });
        return;
    }
    counted_loop(code, "block", zero, rows, kStagedRows, carried, [&](Code& c, const Val& block) {
        const Val count = c.smin(c.sub(rows, block), Code::integer(Elem::i64, kStagedRows));
        const Val end = c.add(block, count);
        stage(c, block, c.convert("trunc", count, Elem::i32));
        std::vector<Carried> inner;
        for (const Carried& value : carried) inner.push_back({value.now, {}, {}});
        counted_loop(c, "row", block, end, step, inner,
                     [&](Code& r, const Val& row) { body(r, row, block, end, inner); });
        for (std::size_t i = 0; i < inner.size(); ++i) carried[i].next = inner[i].next;
    });
}

}  // namespace flexion::cpu
