// SPDX-License-Identifier: Apache-2.0
// The kinds of access and their code.
#include "backend/cpu/codegen/access.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "backend/cpu/codegen/library/ops.h"
#include "support/fail.h"

namespace flexion::cpu {
namespace {

Val i64(std::int64_t value) { return Code::integer(Elem::i64, value); }

Val widen(Code& c, Val v) { return v.ty.elem == Elem::i64 ? v : c.convert("sext", v, Elem::i64); }

// The form's value at lane 0, row 0, in 64 bits.
Val at_origin(Code& c, const passes::Affine& form, const Origin& origin,
              std::span<const Val> scalars) {
    Val sum = i64(form.constant);
    const auto add = [&](std::int64_t coefficient, const Val& value) {
        if (coefficient != 0) sum = c.sum(sum, c.product(widen(c, value), i64(coefficient)));
    };
    add(form.b, origin.b);
    add(form.h, origin.h);
    add(form.q, origin.q);
    add(form.k, origin.k);
    for (std::size_t i = 0; i < form.scalars.size(); ++i) add(form.scalars[i], scalars[i]);
    return sum;
}

// Stack memory, at the head of the function: it must not grow in a loop.
Val alloca_of(Code& c, Ty ty, int count) {
    const Val result{{Elem::ptr}, c.fresh()};
    append_format(&c.scope().prologue, "  {} = alloca [{} x {}], align 64\n", result.text, count,
                  name_of(ty));
    return result;
}

}  // namespace

Elem staged_elem(DType dtype) {
    return bytes_of(elem_of(ir::loaded_type(dtype))) == 8 ? Elem::i64 : Elem::i32;
}

Elem stored_elem(DType dtype) {
    constexpr Elem kElems[] = {Elem::f32, Elem::f64, Elem::i16, Elem::i16, Elem::i64,
                               Elem::i32, Elem::i16, Elem::i8,  Elem::i8,  Elem::i8};
    return kElems[static_cast<int>(dtype)];
}

Val convert_stored(Code& c, DType dtype, Val stored) {
    switch (dtype) {
        case DType::bf16:
            return c.convert("bitcast", c.shl(c.convert("zext", stored, Elem::i32), 16), Elem::f32);
        case DType::f16:
            return half_to_float(c, stored);
        case DType::i16:
        case DType::i8:
            return c.convert("sext", stored, Elem::i32);
        case DType::u8:
            return c.convert("zext", stored, Elem::i32);
        case DType::boolean:
            return c.compare("icmp ne", stored, Code::integer(Elem::i8, 0));
        default:
            return stored;
    }
}

Access::Access(Code& code, AccessFacts facts, const TileShape& shape, const Origin& origin)
    : facts_(std::move(facts)), shape_(shape), stored_(stored_elem(facts_.dtype)) {
    if (facts_.in_range) {
        prepare_affine(code, origin);
    } else {
        prepare_clamped(code);
    }
}

bool Access::masked_loads(const Code& code) const {
    return bytes_of(stored_) >= 4 ? code.traits().masked_words : code.traits().masked_bytes;
}

Val Access::word(Code& code, int index, Elem elem) const {
    const Val captures{{Elem::ptr}, "%captures"};
    return code.load({elem}, code.gep(Elem::i64, captures, facts_.word + index), 8, true);
}

void Access::prepare_affine(Code& c, const Origin& origin) {
    const int rank = static_cast<int>(facts_.indices.size());
    const bool panel = shape_.map == TileMap::panel;
    Val offset = i64(0);
    row_stride_ = lane_stride_ = i64(0);
    int lane_dims = 0, row_dims = 0;  // dimensions that vary that way
    std::int64_t last_lane = 0, last_row = 0;
    for (int d = 0; d < rank; ++d) {
        const passes::Affine& form = facts_.indices[d];
        const bool last = d == rank - 1;
        const std::int64_t row = form.k, lane = panel ? form.q : form.k;
        const Val stride = last && facts_.unit_stride ? i64(1) : word(c, 1 + rank + d, Elem::i64);
        offset = c.sum(offset, c.product(at_origin(c, form, origin, facts_.scalars), stride));
        if (row != 0) row_stride_ = c.sum(row_stride_, c.product(stride, i64(row))), ++row_dims;
        if (lane != 0)
            lane_stride_ = c.sum(lane_stride_, c.product(stride, i64(lane))), ++lane_dims;
        if (last && facts_.unit_stride) last_lane = lane, last_row = row;
    }
    base_ = c.gep(stored_, word(c, 0, Elem::ptr), offset);
    level_ = static_cast<Level>((lane_dims > 0 ? kLane : 0) | (row_dims > 0 ? kRow : 0));
    if (lane_dims == 0) {
        kind_ = Kind::scalar;
    } else if (lane_dims == 1 && (last_lane == 1 || last_lane == -1)) {
        kind_ = last_lane == 1 ? Kind::contiguous : Kind::reversed;
        if (!masked_loads(c)) run_copy_ = alloca_of(c, {stored_, shape_.lanes}, 1);
    } else if (panel && row_dims == 1 && last_row == 1 && last_lane == 0) {
        kind_ = Kind::staged;
        lanes_ = c.smin(origin.lanes, Code::integer(Elem::i32, shape_.lanes * shape_.vectors));
        scratch_ =
            alloca_of(c, {staged_elem(facts_.dtype), shape_.lanes}, kStagedRows * shape_.vectors);
    } else {
        kind_ = Kind::strided;
        if (!panel) return;
        // Lanes past the last query read what it reads: their addresses must not leave the buffer.
        const Val last = c.sub(origin.lanes, Code::integer(Elem::i32, 1));
        for (int v = 0; v < shape_.vectors; ++v) {
            const Val lane = Code::iota(Elem::i32, shape_.lanes, v * shape_.lanes);
            lane_offsets_.push_back(c.product(widen(c, c.smin(lane, last)), lane_stride_));
            if (facts_.narrow)
                lane_offsets_.back() = c.convert("trunc", lane_offsets_.back(), Elem::i32);
        }
    }
}

void Access::prepare_clamped(Code& c) {
    const int rank = static_cast<int>(facts_.levels.size());
    std::uint8_t level = kUniform;
    for (const Level l : facts_.levels) level |= l;
    level_ = static_cast<Level>(level);
    Val empty = Code::flag(false);
    std::vector<Val> extents;
    for (int d = 0; d < rank; ++d) {
        extents.push_back(word(c, 1 + d, Elem::i64));
        const Val none = c.compare("icmp eq", extents[d], i64(0));
        empty = d == 0 ? none : c.or_(empty, none);
    }
    base_ = word(c, 0, Elem::ptr);
    if (rank == 0) return;
    // An empty buffer reads as one element that is 0.
    if (c.scope().module.need("fx.zero")) {
        c.scope().module.add("fx.zero",
                             "@fx.zero = internal constant [8 x i8] zeroinitializer, align 8\n");
    }
    base_ = c.select(empty, {{Elem::ptr}, "@fx.zero"}, base_);
    for (int d = 0; d < rank; ++d) {
        Dim dim;
        dim.extent = c.select(empty, i64(1), extents[d]);
        dim.stride =
            d == rank - 1 && facts_.unit_stride ? i64(1) : word(c, 1 + rank + d, Elem::i64);
        dim.last = c.sub(dim.extent, i64(1));
        dim.lowest = c.sub(i64(0), dim.extent);
        if (facts_.narrow) {
            for (Val* v : {&dim.extent, &dim.last, &dim.lowest})
                *v = c.convert("trunc", *v, Elem::i32);
            if (!dim.stride.constant)
                dim.stride = c.convert("trunc", dim.stride, Elem::i32);
            else
                dim.stride = Code::integer(Elem::i32, 1);
        }
        dims_.push_back(dim);
    }
}

void Access::check(Code& c, int d, Val index, const IndexPosition& at) const {
    if (index.ty.elem == Elem::i1) index = c.convert("zext", index, Elem::i64);
    const Val wide = widen(c, index);
    // Memory of its own: vectors of a row are interleaved, this one's call comes after the other's
    // store.
    const Val memory = alloca_of(c, wide.ty, 1);
    c.store(wide, memory, bytes_of(Elem::i64));
    const Val function = table_entry(c, check_gather_index());
    c.raw(formatted(
        "call void {}(ptr %captures, i32 {}, i32 {}, {}, i32 {}, {}, {}, {}, {}, {}, "
        "i32 {})",
        function.text, facts_.word, d, c.typed(memory), wide.ty.lanes, c.typed(at.count),
        c.typed(at.b), c.typed(at.h), c.typed(at.q), c.typed(at.k), static_cast<int>(at.axis)));
}

Val Access::clamp(Code& c, int d, Val value) const {
    return c.product(index(c, d, value), dims_[d].stride);
}

Val Access::index(Code& c, int d, Val index) const {
    const Dim& dim = dims_[d];
    const Elem elem = dim.extent.ty.elem;
    if (index.ty.elem == Elem::i1) index = c.convert("zext", index, elem);
    if (index.ty.elem == Elem::i32 && elem == Elem::i64) index = widen(c, index);
    if (index.ty.elem == Elem::i64 && elem == Elem::i32) {
        // Saturated first: the clamps below then see the same side.
        index = c.smax(c.smin(index, i64(0x7fffffff)), i64(-0x80000000ll));
        index = c.convert("trunc", index, Elem::i32);
    }
    index = c.smax(c.smin(index, dim.last), dim.lowest);
    const Val negative = c.compare("icmp slt", index, Code::integer(elem, 0));
    return c.select(negative, c.add(index, dim.extent), index);
}

void Access::stage(Code& c, Val row, Val rows) const {
    const Val tile = c.gep(stored_, base_, c.product(row, row_stride_));
    const Val function = table_entry(c, stage_index(facts_.dtype));
    c.raw(formatted("call void {}({}, {}, {}, {}, {}, i32 {})", function.text, c.typed(tile),
                    c.typed(lane_stride_), c.typed(lanes_), c.typed(rows), c.typed(scratch_),
                    shape_.lanes * shape_.vectors));
}

// Address of lane 0 of the place's vector.
Val Access::pointer_at(Code& c, const Place& place) const {
    Val pointer = base_;
    if ((level_ & kRow) != 0) pointer = c.gep(stored_, pointer, c.product(place.row, row_stride_));
    if (place.v == 0 || (level_ & kLane) == 0) return pointer;
    const Val skipped = c.product(lane_stride_, i64(place.v * shape_.lanes));
    return c.gep(stored_, pointer, skipped);
}

// Neighbouring elements from `pointer` on, or from there backwards; only real lanes are touched.
Val Access::run(Code& c, Val pointer, const Place& place) const {
    const Ty ty{stored_, shape_.lanes};
    const int size = bytes_of(stored_);
    const bool reversed = kind_ == Kind::reversed;
    std::vector<int> mirror(shape_.lanes);
    for (int i = 0; i < shape_.lanes; ++i) mirror[i] = shape_.lanes - 1 - i;
    const Val first = reversed ? c.gep(stored_, pointer, 1 - shape_.lanes) : pointer;
    if (masked_loads(c)) {
        const Val mask = reversed ? c.shuffle(place.valid, place.valid, mirror) : place.valid;
        const Val v = c.assign(
            ty,
            formatted("call {0} @llvm.masked.load.{1}.p0({2}, i32 {3}, {4}, {0} zeroinitializer)",
                      name_of(ty), suffix_of(ty), c.typed(first), size, c.typed(mask)));
        return reversed ? c.shuffle(v, v, mirror) : v;
    }
    const std::string full = c.fresh_label("full"), part = c.fresh_label("part"),
                      done = c.fresh_label("done");
    c.branch(c.compare("icmp sge", place.count, Code::integer(Elem::i32, shape_.lanes)), full,
             part);
    c.label(full);
    Val whole = c.load(ty, first, size, true);
    if (reversed) whole = c.shuffle(whole, whole, mirror);
    c.jump(done);
    c.label(part);
    const Val function = table_entry(c, run_index(std::countr_zero(static_cast<unsigned>(size))));
    c.raw(formatted("call void {}({}, i64 {}, {}, {}, i32 {})", function.text, c.typed(pointer),
                    reversed ? -1 : 1, c.typed(place.count), c.typed(run_copy_), shape_.lanes));
    const Val some = c.load(ty, run_copy_, 64);
    c.jump(done);
    c.label(done);
    const Val result{ty, c.fresh()};
    c.phi(result, whole, full, some, part);
    return result;
}

Val Access::gather(Code& c, Val pointers) const {
    const Ty ty{stored_, shape_.lanes};
    return c.assign(
        ty,
        formatted("call {0} @llvm.masked.gather.{1}.v{2}p0({3}, i32 {4}, <{2} x i1> splat (i1 "
                  "true), {0} poison)",
                  name_of(ty), suffix_of(ty), shape_.lanes, c.typed(pointers), bytes_of(stored_)));
}

Val Access::read(Code& c, const Place& place, std::span<const Val> offsets) const {
    Val stored;
    switch (kind_) {
        case Kind::scalar:
            stored = c.load({stored_}, pointer_at(c, place), bytes_of(stored_), true);
            break;
        case Kind::contiguous:
        case Kind::reversed:
            stored = run(c, pointer_at(c, place), place);
            break;
        case Kind::strided:
            if (shape_.map == TileMap::panel) {
                Val pointer = base_;
                if ((level_ & kRow) != 0)
                    pointer = c.gep(stored_, pointer, c.product(place.row, row_stride_));
                stored = gather(c, c.gep(stored_, pointer, lane_offsets_[place.v]));
            } else {
                const Val last = c.sub(place.count, Code::integer(Elem::i32, 1));
                const Val lane = widen(c, c.smin(Code::iota(Elem::i32, shape_.lanes), last));
                stored =
                    gather(c, c.gep(stored_, pointer_at(c, place), c.product(lane, lane_stride_)));
            }
            break;
        case Kind::staged: {
            const Elem word = staged_elem(facts_.dtype);
            const int width = shape_.lanes * shape_.vectors;
            const Val row = c.gep(word, scratch_, c.product(place.staged_row, i64(width)));
            const Val bits = c.load({word, shape_.lanes}, c.gep(word, row, place.v * shape_.lanes),
                                    shape_.lanes * bytes_of(word));
            const Elem value = elem_of(ir::loaded_type(facts_.dtype));
            if (value == Elem::i1) return c.compare("icmp ne", bits, Code::integer(word, 0));
            return is_float(value) ? c.convert("bitcast", bits, value) : bits;
        }
        case Kind::clamped: {
            Val scalar = Code::integer(offsets.empty() ? Elem::i64 : offsets[0].ty.elem, 0);
            Val vector = scalar;
            for (const Val& offset : offsets) {
                Val& sum = offset.ty.lanes == 1 ? scalar : vector;
                sum = c.sum(sum, offset);
            }
            const Val pointer = scalar.is(0) ? base_ : c.gep(stored_, base_, scalar);
            stored = (level_ & kLane) == 0
                         ? c.load({stored_}, pointer, bytes_of(stored_), true)
                         : gather(c, c.gep(stored_, pointer, c.splat(vector, shape_.lanes)));
            break;
        }
    }
    return convert_stored(c, facts_.dtype, stored);
}

}  // namespace flexion::cpu
