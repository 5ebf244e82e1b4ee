// SPDX-License-Identifier: Apache-2.0
// The mask pass: whether some and whether all elements of a rectangle are true.
#include "backend/cpu/codegen/expression.h"
#include "backend/cpu/codegen/passes.h"
#include "support/format.h"

namespace flexion::cpu {
namespace {

constexpr int kVectors = 2;

Val i32(std::int64_t value) { return Code::integer(Elem::i32, value); }
Val i64(std::int64_t value) { return Code::integer(Elem::i64, value); }

}  // namespace

std::string emit_mask_pass(ModuleText& module, const std::string& symbol,
                           const plan::Problem& problem, const plan::Mods& mods) {
    FunctionScope scope(module);
    Code body(scope);
    const int lanes = vector_lanes(module.isa());
    const TileShape shape{TileMap::panel, lanes, kVectors};
    Binding binding{
        .word = 1, .load = 0, .assumptions = problem.assumptions, .checked = problem.checked};
    if (mods.score) {
        binding.word += words_of(*mods.score);
        binding.load += loads_of(*mods.score);
    }
    Expression mask(*mods.mask, binding, shape, 1, true);
    const ArgValues args = load_args(body, Elem::f32);
    const Val zero = body.splat(i32(0), lanes);
    // What was found so far: words of ones where some element was true, where some was false.
    std::vector<Carried> found(2);
    for (Carried& f : found) f.initial = zero;
    const Val all_lanes = body.convert("sext", args.lanes, Elem::i64);
    const std::string undecided_end = body.fresh_label("mixed");
    counted_loop(
        body, "panel", i64(0), all_lanes, lanes * kVectors, found, [&](Code& c, const Val& first) {
            const Val first32 = c.convert("trunc", first, Elem::i32);
            const Val left = c.sub(args.lanes, first32);
            const Origin origin{args.b, args.h, c.add(args.q, first32), args.k, left};
            std::vector<Place> places;
            for (int v = 0; v < kVectors; ++v) {
                Place place{.v = v};
                place.count = c.sub(left, i32(v * lanes));
                place.valid = c.compare("icmp slt", Code::iota(Elem::i32, lanes), place.count);
                places.push_back(place);
            }
            mask.hoist(c, origin, places);
            std::vector<Carried> rows(2 * kVectors);
            for (Carried& r : rows) r.initial = zero;
            const auto stage = [&](Code& b, const Val& block, const Val& count) {
                mask.stage(b, block, count);
            };
            loop_over_rows(
                c, args.rows, 1, mask.staged(), rows, stage,
                [&](Code& r, const Val& row, const Val& block, const Val&,
                    std::vector<Carried>& out) {
                    Place row_place{.row = row};
                    row_place.staged_row = block.is(0) ? row : r.sub(row, block);
                    mask.row(r, 0, row_place, r.add(args.k, r.convert("trunc", row, Elem::i32)));
                    for (int v = 0; v < kVectors; ++v) {
                        Place place = places[v];
                        place.row = row;
                        place.staged_row = row_place.staged_row;
                        const Val keep =
                            r.convert("sext", mask.element(r, 0, place, {}), Elem::i32);
                        out[2 * v].next = r.or_(out[2 * v].now, keep);
                        out[2 * v + 1].next = r.or_(out[2 * v + 1].now, r.xor_(keep, i32(-1)));
                    }
                });
            for (int which = 0; which < 2; ++which) {
                Val sum = found[which].now;
                for (int v = 0; v < kVectors; ++v)
                    sum = c.or_(sum, c.select(places[v].valid, rows[2 * v + which].next, zero));
                found[which].next = sum;
            }
            // Nothing can change once both were seen.
            const std::string go_on = c.fresh_label("go");
            c.branch(c.and_(c.any_lane(found[0].next), c.any_lane(found[1].next)), undecided_end,
                     go_on);
            c.label(go_on);
        });
    const Val some = body.convert("zext", body.any_lane(found[0].next), Elem::i32);
    const Val none_false = body.xor_(body.any_lane(found[1].next), Code::flag(true));
    const Val all = body.shl(body.convert("zext", none_false, Elem::i32), 1);
    body.raw("ret " + body.typed(body.or_(some, all)));
    body.label(undecided_end);
    body.raw("ret i32 1");
    return formatted(
        "define i32 @{}(ptr noalias readonly %args, ptr noalias readonly %captures) {} {{\n"
        "entry:\n{}{}}}\n",
        symbol, module.attributes(), scope.prologue, body.text());
}

}  // namespace flexion::cpu
