// SPDX-License-Identifier: Apache-2.0
// Internal functions that accesses call: runs cut short by the end of a tile, transposed tiles.
#include <vector>

#include "backend/cpu/codegen/access.h"
#include "support/format.h"

namespace flexion::cpu {
namespace {

Val i32(std::int64_t value) { return Code::integer(Elem::i32, value); }
Val i64(std::int64_t value) { return Code::integer(Elem::i64, value); }

/// Writes a loop of i64 `name` from 0 to `end` (i64, may be <= 0) around what `body` appends.
template <class Body>
void loop(Code& c, const std::string& name, const Val& end, const Body& body) {
    const std::string before = c.block();
    const Val index{{Elem::i64}, "%" + name}, next{{Elem::i64}, "%" + name + ".next"};
    const std::string head = name + ".head", start = name + ".body", done = name + ".done";
    c.jump(head);
    c.label(head);
    c.phi(index, i64(0), before, next, name + ".latch");
    c.branch(c.compare("icmp slt", index, end), start, done);
    c.label(start);
    body(index);
    c.jump(name + ".latch");
    c.label(name + ".latch");
    c.raw(next.text + " = add i64 " + index.text + ", 1");
    c.jump(head);
    c.label(done);
}

std::vector<int> blend(int lanes, int run, bool high) {
    // Within groups of 2 * run lanes of both operands: the run of a, then that of b.
    std::vector<int> mask(lanes);
    for (int i = 0; i < lanes; ++i) {
        const int group = i / (2 * run), within = i % (2 * run);
        const int source = group * 2 * run + (high ? run : 0) + within % run;
        mask[i] = within < run ? source : lanes + source;
    }
    return mask;
}

std::vector<int> interleave(int lanes, int block, bool high) {
    // unpcklps, unpckhps: element by element within blocks of 128 bits.
    std::vector<int> mask(lanes);
    for (int i = 0; i < lanes; ++i) {
        const int source = i / block * block + (high ? block / 2 : 0) + i % block / 2;
        mask[i] = i % 2 == 0 ? source : lanes + source;
    }
    return mask;
}

// Rows become columns. First within blocks of 128 bits by interleaving, then whole blocks change
// places; each step is one shuffle a vector on the instruction sets in use.
void transpose(Code& c, std::vector<Val>& rows) {
    const int n = static_cast<int>(rows.size());
    const int block = std::min(n, 16 / bytes_of(rows[0].ty.elem));
    if (block == 4) {
        for (int i = 0; i < n; i += 4) {
            std::vector<Val> pair(4), out(4);
            for (const int k : {0, 1}) {  // (0, 2), (1, 3)
                pair[2 * k] = c.shuffle(rows[i + k], rows[i + k + 2], interleave(n, 4, false));
                pair[2 * k + 1] = c.shuffle(rows[i + k], rows[i + k + 2], interleave(n, 4, true));
            }
            for (const int k : {0, 1}) {
                out[2 * k] = c.shuffle(pair[k], pair[k + 2], interleave(n, 4, false));
                out[2 * k + 1] = c.shuffle(pair[k], pair[k + 2], interleave(n, 4, true));
            }
            std::copy(out.begin(), out.end(), rows.begin() + i);
        }
    } else if (block == 2) {
        for (int i = 0; i < n; i += 2) {
            const Val low = c.shuffle(rows[i], rows[i + 1], interleave(n, 2, false));
            rows[i + 1] = c.shuffle(rows[i], rows[i + 1], interleave(n, 2, true));
            rows[i] = low;
        }
    }
    for (int run = block; run < n; run *= 2) {
        for (int i = 0; i < n; ++i) {
            if ((i & run) != 0) continue;
            const Val low = c.shuffle(rows[i], rows[i + run], blend(n, run, false));
            rows[i + run] = c.shuffle(rows[i], rows[i + run], blend(n, run, true));
            rows[i] = low;
        }
    }
}

// A loaded value as the word that scratch holds.
Val to_word(Code& c, Val value, Elem word) {
    if (value.ty.elem == Elem::i1) return c.convert("zext", value, word);
    return is_float(value.ty.elem) ? c.convert("bitcast", value, word) : value;
}

}  // namespace

Elem staged_elem(DType dtype) {
    return bytes_of(elem_of(ir::loaded_type(dtype))) == 8 ? Elem::i64 : Elem::i32;
}

std::string partial_run_helper(ModuleText& module, Elem stored, int lanes) {
    const Ty ty{stored, lanes};
    const std::string name = "fx.partial." + suffix_of(ty);
    if (!module.need(name)) return name;
    FunctionScope scope(module);
    Code c(scope);
    const int size = bytes_of(stored);
    const Val first{{Elem::ptr}, "%first"}, step{{Elem::i64}, "%step"},
        count{{Elem::i32}, "%count"};
    const Val copy{{Elem::ptr}, "%copy"};
    c.raw(formatted("%copy = alloca {}, align 64", name_of(ty)));
    c.raw(formatted("store {} zeroinitializer, ptr %copy, align 64", name_of(ty)));
    const Val end = c.convert("sext", c.smin(count, i32(lanes)), Elem::i64);
    loop(c, "i", end, [&](const Val& i) {
        const Val element = c.load({stored}, c.gep(stored, first, c.mul(i, step)), size, true);
        c.store(element, c.gep(stored, copy, i), size);
    });
    const Val result = c.load(ty, copy, 64);
    c.raw("ret " + c.typed(result));
    module.add(name, formatted("define internal {} @{}(ptr %first, i64 %step, i32 %count) noinline "
                               "nounwind {{\nentry:\n{}}}\n",
                               name_of(ty), name, c.text()));
    return name;
}

std::string stage_helper(ModuleText& module, DType dtype, const TileShape& shape) {
    const std::string name =
        formatted("fx.stage.{}.{}x{}", flexion::name_of(dtype), shape.vectors, shape.lanes);
    if (!module.need(name)) return name;
    FunctionScope scope(module);
    Code c(scope);
    const Elem stored = stored_elem(dtype), word = staged_elem(dtype);
    const int n = shape.lanes, width = n * shape.vectors, size = bytes_of(stored);
    const Val tile{{Elem::ptr}, "%tile"}, stride{{Elem::i64}, "%stride"};
    const Val lanes{{Elem::i32}, "%lanes"}, rows{{Elem::i32}, "%rows"};
    const Val scratch{{Elem::ptr}, "%scratch"};
    // Whole squares in registers, what is left element by element.
    const Val lanes_ok = c.compare("icmp sge", lanes, i32(width));
    const Val whole = c.and_(lanes_ok, c.compare("icmp sge", rows, i32(n)));
    c.branch(whole, "squares", "rest");
    c.label("squares");
    loop(c, "v", i64(shape.vectors), [&](const Val& v) {
        const Val first = c.mul(v, i64(n));
        const Val corner = c.gep(stored, tile, c.mul(first, stride));
        std::vector<Val> square;
        for (int i = 0; i < n; ++i) {
            const Val run = c.gep(stored, corner, c.product(stride, i64(i)));
            square.push_back(
                to_word(c, convert_stored(c, dtype, c.load({stored, n}, run, size, true)), word));
        }
        transpose(c, square);
        const Val out = c.gep(word, scratch, first);
        for (int i = 0; i < n; ++i)
            c.store(square[i], c.gep(word, out, i * width), n * bytes_of(word));
    });
    c.raw("ret void");
    c.label("rest");
    const Val lane_end = c.convert("sext", c.smin(lanes, i32(width)), Elem::i64);
    const Val row_end = c.convert("sext", c.smin(rows, i32(n)), Elem::i64);
    loop(c, "lane", lane_end, [&](const Val& lane) {
        const Val line = c.gep(stored, tile, c.mul(lane, stride));
        loop(c, "row", row_end, [&](const Val& row) {
            const Val element = c.load({stored}, c.gep(stored, line, row), size, true);
            const Val at = c.add(c.mul(row, i64(width)), lane);
            c.store(to_word(c, convert_stored(c, dtype, element), word), c.gep(word, scratch, at),
                    bytes_of(word));
        });
    });
    c.raw("ret void");
    module.add(name,
               formatted("define internal void @{}(ptr noalias %tile, i64 %stride, i32 %lanes, "
                         "i32 %rows, ptr noalias %scratch) noinline nounwind {{\nentry:\n{}}}\n",
                         name, c.text()));
    return name;
}

}  // namespace flexion::cpu
