// SPDX-License-Identifier: Apache-2.0
// Loads with affine indices in every dtype, rank, stride and direction: what is read equals the
// interpreter's, and nothing beyond the elements that positions reach is touched, by the pages that
// lie around them.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/tile_run.h"
#include "backend/cpu/values.h"
#include "ir/builder.h"
#include "random_function.h"

namespace flexion::test {
namespace {

/// Bytes that end at an unreadable page, or begin after one.
class FencedMemory {
public:
    FencedMemory(std::size_t size, bool at_end) {
        const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t inner = (size + page - 1) / page * page;
        size_ = inner + 2 * page;
        base_ = static_cast<char*>(
            ::mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        EXPECT_EQ(::mprotect(base_ + page, inner, PROT_READ | PROT_WRITE), 0);
        data_ = base_ + page + (at_end ? inner - size : 0);
    }
    ~FencedMemory() {
        if (base_) ::munmap(base_, size_);
    }
    FencedMemory(FencedMemory&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), data_(other.data_), size_(other.size_) {}
    FencedMemory(const FencedMemory&) = delete;
    char* data() const { return data_; }

private:
    char *base_, *data_;
    std::size_t size_;
};

struct AccessCase {
    ir::Function function;
    Captures captures;
    std::vector<FencedMemory> memory;
    std::string name;
};

/// Factors of q and k.
constexpr int kForms[8][2] = {{1, 0}, {0, 1}, {1, -1}, {-1, 1}, {1, 1}, {-1, 0}, {0, -1}, {0, 0}};

/// A load whose indices are affine in the position and stay exactly in range.
AccessCase make_access(Random& random, const Rectangle& at, bool at_end) {
    AccessCase c;
    c.function = ir::make_function(ir::Role::score_mod);
    ir::Builder builder(c.function);
    const auto dtype = static_cast<DType>(between(random, 0, 9));
    const int rank = static_cast<int>(between(random, 1, 3));
    const bool scalar = chance(random, 30);
    std::int64_t scalar_value = 0;
    if (scalar) {
        scalar_value = between(random, -3, 3);
        builder.add_scalar(ir::Type::i64);
        c.captures.scalars.push_back({true, scalar_value, 0});
    }
    const int buffer = builder.add_buffer(dtype, rank);
    const ir::Value positions[] = {c.function.b(), c.function.h(), c.function.q(), c.function.k()};
    const std::int32_t lowest[] = {0, 0, 0, 0};
    const std::int32_t highest[] = {at.b, at.h, at.q0 + at.queries - 1, at.k0 + at.keys - 1};
    TensorView view;
    view.dtype = dtype;
    view.rank = rank;
    std::vector<ir::Value> indices;
    for (int d = 0; d < rank; ++d) {
        std::int64_t low = 0, high = 0;
        ir::Value sum = builder.constant_int(0);
        std::string text;
        const int shape = static_cast<int>(between(random, 0, 9));
        for (int p = 0; p < 4; ++p) {
            std::int64_t factor = chance(random, 25) ? between(random, -2, 2) : 0;
            // The forms that have code of their own: q, k, q - k, k - q.
            if (p >= 2 && shape < 8) factor = kForms[shape][p - 2];
            if (factor == 0) continue;
            sum = builder.emit(
                ir::Op::add,
                {sum, builder.emit(ir::Op::mul, {positions[p], builder.constant_int(factor)})});
            (factor > 0 ? high : low) += factor * highest[p];
            (factor > 0 ? low : high) += factor * lowest[p];
            text += " " + std::to_string(factor) + "bhqk"[p];
        }
        if (scalar && chance(random, 50)) {
            sum = builder.emit(ir::Op::add, {builder.cast(sum, ir::Type::i64), 5});
            low += scalar_value, high += scalar_value;
        }
        if (low != 0) {
            const bool wide = builder.type(sum) == ir::Type::i64;
            const ir::Value offset =
                builder.constant_int(-low, wide ? ir::Type::i64 : ir::Type::i32);
            sum = builder.emit(ir::Op::add, {sum, offset});
        }
        view.shape[d] = high - low + 1;
        indices.push_back(sum);
        c.name += " [" + text + " ]";
    }
    // The last dimension has stride 1 mostly; any order of the others.
    std::vector<int> order;
    for (int d = rank - 1; d >= 0; --d) order.push_back(d);
    if (chance(random, 40)) std::shuffle(order.begin(), order.end(), random);
    std::int64_t stride = 1, low = 0, high = 0;
    for (const int d : order) {
        view.strides[d] = stride * (chance(random, 15) ? -1 : 1);
        const std::int64_t reach = (view.shape[d] - 1) * view.strides[d];
        (reach < 0 ? low : high) += reach;
        stride *= view.shape[d] + (chance(random, 20) ? 1 : 0);
    }
    const std::int64_t size = size_of(dtype);
    c.memory.emplace_back(static_cast<std::size_t>((high - low + 1) * size), at_end);
    for (std::int64_t i = 0; i < (high - low + 1) * size; ++i)
        c.memory.back().data()[i] =
            static_cast<char>(dtype == DType::boolean ? random() & 1 : random());
    view.data = c.memory.back().data() - low * size;
    c.captures.buffers.push_back(view);
    const ir::Value loaded = builder.load(buffer, indices);
    c.function.results.push_back({loaded, -1, {}});
    c.name = std::string(flexion::name_of(dtype)) + c.name;
    return c;
}

bool same(double x, double y) {
    return (std::isnan(x) && std::isnan(y)) || (x == y && std::signbit(x) == std::signbit(y));
}

TEST(Accesses, ReadWhatTheInterpreterReadsAndNothingElse) {
    for (const cpu::Isa isa : runnable_isas()) {
        for (int round = 0; round < 12; ++round) {
            Random random = generator(static_cast<std::uint64_t>(1000 + round));
            const cpu::TileMap map = round % 3 == 2 ? cpu::TileMap::stream : cpu::TileMap::panel;
            Rectangle at;
            at.b = static_cast<std::int32_t>(between(random, 0, 2));
            at.h = static_cast<std::int32_t>(between(random, 0, 3));
            // Positions before the rectangle belong to the buffers' ranges, too.
            at.q0 = static_cast<std::int32_t>(between(random, 0, 5));
            at.k0 = static_cast<std::int32_t>(between(random, 0, 5));
            at.queries = static_cast<int>(between(random, 1, 70));
            at.keys = static_cast<int>(between(random, 1, 70));
            std::vector<AccessCase> cases;
            for (int i = 0; i < 32; ++i) cases.push_back(make_access(random, at, i % 2 == 0));
            std::vector<CompiledValues::Item> items;
            for (const AccessCase& c : cases) {
                const std::uint64_t bits = assumption_bits(c.function, c.captures, at);
                EXPECT_TRUE(bits & plan::kInRange) << c.name;
                items.push_back({&c.function, chance(random, 80) ? bits : 0, true});
            }
            const CompiledValues values(items, isa, map, round % 4 == 3);
            const std::vector<double> score(static_cast<std::size_t>(at.queries) * at.keys);
            for (std::size_t i = 0; i < cases.size(); ++i) {
                const AccessCase& c = cases[i];
                const ir::Column got = values.run(i, c.captures, at, score)[0];
                const ir::Column want = interpreted(c.function, c.captures, at, score)[0];
                for (std::size_t p = 0; p < score.size(); ++p) {
                    const bool equal = ir::is_float(got.type) ? same(got.real[p], want.real[p])
                                                              : got.integer[p] == want.integer[p];
                    ASSERT_TRUE(equal)
                        << isa_name(isa) << (map == cpu::TileMap::panel ? " panel " : " stream ")
                        << c.name << " at q " << p / at.keys << " k " << p % at.keys << " of q0 "
                        << at.q0 << " k0 " << at.k0 << ", " << at.queries << "x" << at.keys
                        << ", assumptions " << items[i].assumptions;
                }
            }
        }
    }
}

}  // namespace
}  // namespace flexion::test
