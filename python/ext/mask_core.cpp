// SPDX-License-Identifier: Apache-2.0
// flexion._C.BlockMaskCore: block masks made from mods and from torch's tables.
#include "mask_core.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "errors.h"
#include "host/tensors.h"
#include "ir/function.h"
#include "support/fail.h"

namespace flexion::python {
namespace {

using Length = std::optional<std::int64_t>;

/// With captures in host memory: blocks are decided there.
TracedMod on_host(TracedMod mod) {
    std::vector<Input> captured;
    bool moved = false;
    for (const Input& input : mod.captured) {
        const bool elsewhere = input.of_torch && input.view.device != Device::cpu;
        captured.push_back(elsewhere ? read_tensor(input.object.attr("detach")().attr("cpu")(),
                                                   "a captured tensor")
                                     : input);
        moved |= elsewhere;
    }
    return moved ? with_captured(mod, std::move(captured)) : mod;
}

std::unique_ptr<MaskCore> make_core(TracedMod mod, Length B, Length H, std::int64_t q_len,
                                    std::int64_t kv_len, std::int64_t q_block,
                                    std::int64_t kv_block) {
    mod = on_host(std::move(mod));
    BlockMask mask;
    {
        nb::gil_scoped_release release;
        mask = create_block_mask(mod.mask, B, H, q_len, kv_len, {q_block, kv_block});
    }
    return std::make_unique<MaskCore>(std::move(mask), std::move(mod));
}

/// The values of an int32 tensor, row-major.
std::vector<std::int32_t> read_integers(const Input& input, const char* what, int rank) {
    const TensorView& view = input.view;
    if (view.dtype != DType::i32 || view.rank != rank || view.device != Device::cpu) {
        fail<UserError>("flexion: {} is {} of rank {}; expected int32 of rank {} on the CPU", what,
                        flexion::name_of(view.dtype), view.rank, rank);
    }
    std::vector<std::int32_t> values;
    values.reserve(static_cast<std::size_t>(view.numel()));
    std::array<std::int64_t, kMaxRank> index{};
    for (std::int64_t left = view.numel(); left > 0; --left) {
        std::int64_t offset = 0;
        for (int i = 0; i < rank; ++i) offset += index[i] * view.strides[i];
        values.push_back(static_cast<const std::int32_t*>(view.data)[offset]);
        for (int i = rank - 1; i >= 0 && ++index[i] == view.shape[i]; --i) index[i] = 0;
    }
    return values;
}

BlockTable read_table(nb::handle counts, nb::handle indices, const char* what) {
    const Input num = read_tensor(counts, what), list = read_tensor(indices, what);
    BlockTable table;
    table.num_blocks = read_integers(num, what, 3);
    table.indices = read_integers(list, what, 4);
    for (int i = 0; i < 3; ++i) {
        if (num.view.shape[i] != list.view.shape[i]) {
            fail<UserError>(
                "flexion: {}: the numbers of blocks have {} entries in dimension {}, the indices "
                "{}",
                what, num.view.shape[i], i, list.view.shape[i]);
        }
    }
    table.B = list.view.shape[0];
    table.H = list.view.shape[1];
    table.rows = list.view.shape[2];
    table.cols = list.view.shape[3];
    return table;
}

std::unique_ptr<MaskCore> from_kv_blocks(nb::handle counts, nb::handle indices,
                                         nb::handle full_counts, nb::handle full_indices,
                                         std::int64_t q_block, std::int64_t kv_block, Length q_len,
                                         Length kv_len, nb::handle mask_mod) {
    if (full_counts.is_none() != full_indices.is_none()) {
        fail<UserError>(
            "flexion: full_kv_num_blocks and full_kv_indices must be both provided or omitted");
    }
    const BlockTable partial = read_table(counts, indices, "kv_num_blocks, kv_indices");
    std::optional<BlockTable> full;
    if (!full_counts.is_none()) {
        full = read_table(full_counts, full_indices, "full_kv_num_blocks, full_kv_indices");
    }
    TracedMod mod;
    if (!mask_mod.is_none()) mod = mask_mod_from(mask_mod);
    BlockMask mask = BlockMask::from_kv_blocks(partial, full ? &*full : nullptr,
                                               {q_block, kv_block}, mod.mask, q_len, kv_len);
    return std::make_unique<MaskCore>(std::move(mask), std::move(mod));
}

nb::tuple arrays_of(BlockTable table) {
    const std::int64_t shape[] = {table.B, table.H, table.rows, table.cols};
    nb::object counts = array_of(std::move(table.num_blocks), std::span(shape, 3));
    return nb::make_tuple(counts, array_of(std::move(table.indices), shape));
}

nb::object dense(const MaskCore& core) {
    const BlockMask& mask = core.mask();
    const std::vector<std::uint8_t> bytes = mask.to_dense();
    const std::int64_t shape[] = {mask.B(), mask.H(), mask.q_blocks(), mask.kv_blocks()};
    return array_of(std::vector<std::int32_t>(bytes.begin(), bytes.end()), shape);
}

std::string picture(const MaskCore& core, int rows, int cols, int limit) {
    return core.mask().to_string(rows, cols, limit);
}

using Indices = std::optional<std::vector<std::int64_t>>;

std::unique_ptr<MaskCore> select(const MaskCore& core, const Indices& b, const Indices& h,
                                 const Indices& rows, Length q_len) {
    const auto span = [](const Indices& list) {
        return list ? std::optional(std::span<const std::int64_t>(*list)) : std::nullopt;
    };
    return std::make_unique<MaskCore>(core.mask().select(span(b), span(h), span(rows), q_len),
                                      TracedMod{});
}

std::unique_ptr<MaskCore> with_mask_mod(const MaskCore& core, nb::handle mask_mod) {
    TracedMod mod;
    if (!mask_mod.is_none()) mod = mask_mod_from(mask_mod);
    BlockMask mask = core.mask().with_mask_mod(mod.mask);
    return std::make_unique<MaskCore>(std::move(mask), std::move(mod));
}

nb::object dense_mask(nb::handle mask_mod, std::int64_t B, std::int64_t H, std::int64_t q_len,
                      std::int64_t kv_len) {
    const TracedMod mod = on_host(mask_mod_from(mask_mod));
    std::vector<std::uint8_t> values;
    {
        nb::gil_scoped_release release;
        values = flexion::create_mask(mod.mask, B, H, q_len, kv_len);
    }
    const std::int64_t shape[] = {B, H, q_len, kv_len};
    return array_of_bools(std::move(values), shape);
}

template <auto get>
auto property() {
    return [](const MaskCore& core) { return (core.mask().*get)(); };
}

}  // namespace

BlockMask MaskCore::under(const MaskMod& mask_mod) const {
    const auto same = [&](const BlockMask& mask) {
        if (!mask) return false;
        if (!mask_mod || !mask.mask_mod()) return !mask_mod && !mask.mask_mod();
        return mask.mask_mod().hash() == mask_mod.hash() &&
               ir::same_structure(mask.mask_mod().function(), mask_mod.function());
    };
    if (same(mask_)) return mask_;
    const std::lock_guard lock(guard_);
    if (!same(other_)) other_ = mask_.with_mask_mod(mask_mod);
    return other_;
}

void add_mask_core(nb::module_& m) {
    nb::class_<MaskCore>(m, "BlockMaskCore")
        .def_static(
            "create",
            [](nb::handle mask_mod, Length B, Length H, std::int64_t q_len, std::int64_t kv_len,
               std::int64_t q_block, std::int64_t kv_block) {
                return make_core(mask_mod_from(mask_mod), B, H, q_len, kv_len, q_block, kv_block);
            },
            nb::arg("mask_mod"), nb::arg("B").none(), nb::arg("H").none(), nb::arg("q_len"),
            nb::arg("kv_len"), nb::arg("q_block") = 128, nb::arg("kv_block") = 128)
        .def_static(
            "create_from_ir",
            [](const std::string& text, nb::sequence captured, nb::sequence scalars, Length B,
               Length H, std::int64_t q_len, std::int64_t kv_len, std::int64_t q_block,
               std::int64_t kv_block) {
                return make_core(mask_mod_from_ir(text, captured, scalars), B, H, q_len, kv_len,
                                 q_block, kv_block);
            },
            nb::arg("text"), nb::arg("captured"), nb::arg("scalars"), nb::arg("B").none(),
            nb::arg("H").none(), nb::arg("q_len"), nb::arg("kv_len"), nb::arg("q_block") = 128,
            nb::arg("kv_block") = 128)
        .def_static("from_kv_blocks", from_kv_blocks, nb::arg("kv_num_blocks"),
                    nb::arg("kv_indices"), nb::arg("full_kv_num_blocks") = nb::none(),
                    nb::arg("full_kv_indices") = nb::none(), nb::arg("q_block") = 128,
                    nb::arg("kv_block") = 128, nb::arg("q_len") = nb::none(),
                    nb::arg("kv_len") = nb::none(), nb::arg("mask_mod") = nb::none())
        .def_prop_ro("B", property<&BlockMask::B>())
        .def_prop_ro("H", property<&BlockMask::H>())
        .def_prop_ro("q_len", property<&BlockMask::q_len>())
        .def_prop_ro("kv_len", property<&BlockMask::kv_len>())
        .def_prop_ro("q_block", [](const MaskCore& core) { return core.mask().block_size().q; })
        .def_prop_ro("kv_block", [](const MaskCore& core) { return core.mask().block_size().kv; })
        .def_prop_ro("q_blocks", property<&BlockMask::q_blocks>())
        .def_prop_ro("kv_blocks", property<&BlockMask::kv_blocks>())
        .def_prop_ro("has_mask_mod",
                     [](const MaskCore& core) { return bool(core.mask().mask_mod()); })
        .def_prop_ro("has_partial_blocks", property<&BlockMask::has_partial_blocks>())
        .def_prop_ro("broadcasts_read_b", property<&BlockMask::broadcasts_read_b>())
        .def_prop_ro("broadcasts_read_h", property<&BlockMask::broadcasts_read_h>())
        .def_prop_ro("bytes", property<&BlockMask::bytes>())
        .def_prop_ro("blocks_proved", property<&BlockMask::blocks_proved>())
        .def_prop_ro("blocks_evaluated", property<&BlockMask::blocks_evaluated>())
        .def(
            "kv_table",
            [](const MaskCore& core, bool full) { return arrays_of(core.mask().kv_table(full)); },
            nb::arg("full"))
        .def(
            "q_table",
            [](const MaskCore& core, bool full) { return arrays_of(core.mask().q_table(full)); },
            nb::arg("full"))
        .def("sparsity", property<&BlockMask::sparsity>())
        .def("to_dense", dense)
        .def("to_string", picture, nb::arg("grid_rows") = 20, nb::arg("grid_cols") = 20,
             nb::arg("limit") = 4)
        .def("__str__", property<&BlockMask::str>())
        .def(
            "to_svg",
            [](const MaskCore& core, std::int64_t b, std::int64_t h) {
                return core.mask().to_svg(b, h);
            },
            nb::arg("b") = 0, nb::arg("h") = 0)
        .def(
            "adjust",
            [](const MaskCore& core, std::int64_t q_len, std::int64_t kv_len) {
                return std::make_unique<MaskCore>(core.mask().adjust(q_len, kv_len), core.mod());
            },
            nb::arg("q_len"), nb::arg("kv_len"))
        .def("select", select, nb::arg("b").none(), nb::arg("h").none(), nb::arg("rows").none(),
             nb::arg("q_len") = nb::none())
        .def("with_mask_mod", with_mask_mod, nb::arg("mask_mod").none());
    m.def("create_mask", dense_mask, nb::arg("mask_mod"), nb::arg("B"), nb::arg("H"),
          nb::arg("q_len"), nb::arg("kv_len"));
}

}  // namespace flexion::python
