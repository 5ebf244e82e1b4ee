// SPDX-License-Identifier: Apache-2.0
// The small tools: text, errors, hashes, element types, shared libraries, the number of cpus.
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "support/dtype.h"
#include "support/fail.h"
#include "support/hash.h"
#include "support/os/available_cpus.h"
#include "support/os/device_allocator.h"
#include "support/os/dynamic_library.h"
#include "support/text_builder.h"

namespace flexion {
namespace {

TEST(Format, MakesAndAppends) {
    EXPECT_EQ(formatted("{} {:.2f} {:#x}", "a", 1.0 / 3, 255), "a 0.33 0xff");
    EXPECT_EQ(formatted("{:.17g} {}", 0.1, std::string("{}")), "0.10000000000000001 {}");
    std::string text = "x";
    append_format(&text, "{}{}", 1, 2);
    EXPECT_EQ(text, "x12");
}

TEST(Fail, ThrowsTheTypeAskedFor) {
    try {
        fail<Unsupported>("flexion::attention: got D={}", 513);
    } catch (const Unsupported& error) {
        EXPECT_STREQ(error.what(), "flexion::attention: got D=513");
    }
    EXPECT_NO_THROW(invariant(true, "one is one"));
    try {
        invariant(false, "one is two");
        FAIL();
    } catch (const InternalError& error) {
        const std::string message = error.what();
        EXPECT_NE(message.find("one is two"), std::string::npos);
        EXPECT_NE(message.find("support_test.cpp:"), std::string::npos);
    }
}

TEST(TextBuilder, IndentsAndSeparates) {
    TextBuilder text;
    text.line("f {{");
    {
        const auto body = text.indent();
        text.line("x = {}", 1);
        const auto inner = text.indent(4);
        text.line("y").raw("{raw}\n");
    }
    text.line("}}");
    bool first = true;
    for (int i = 0; i < 3; ++i) text.separate(&first).add("{}", i);
    EXPECT_EQ(text.text(), "f {\n  x = 1\n      y\n{raw}\n}\n0, 1, 2");
    EXPECT_EQ(text.take().substr(0, 4), "f {\n");
    EXPECT_EQ(text.text(), "");
}

TEST(Hash, CombineDependsOnOrderAndOnEveryBit) {
    std::set<std::uint64_t> seen;
    for (std::uint64_t bit = 0; bit < 64; ++bit) {
        seen.insert(hash_combine(0, std::uint64_t{1} << bit));
        seen.insert(hash_combine(std::uint64_t{1} << bit, 0));
        seen.insert(hash_combine(hash_combine(0, bit + 1), bit));
    }
    EXPECT_EQ(seen.size(), 3u * 64u);
    EXPECT_NE(hash_combine(hash_combine(0, 1), 2), hash_combine(hash_combine(0, 2), 1));
}

TEST(Hash, DiskKeysAreTheSameEverywhere) {
    EXPECT_EQ(hash64(""), 0x2d06800538d394c2ull);  // xxHash's own value for no input and seed 0
    EXPECT_EQ(hash128({}).hex(), "99aa06d3014798d86001c324468d497f");  // the same, 128 bits
    EXPECT_EQ(hash128({"ab", "c"}), hash128({"ab", "c"}));
    EXPECT_NE(hash128({"ab", "c"}), hash128({"a", "bc"}));
    EXPECT_NE(hash128({"ab", ""}), hash128({"ab"}));
    EXPECT_EQ(hash128({"x"}).hex().size(), 32u);
}

TEST(DType, NamesAndSizes) {
    for (DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i64, DType::i32,
                        DType::i16, DType::i8, DType::u8, DType::boolean}) {
        EXPECT_EQ(find_dtype(name_of(dtype)), dtype);
    }
    EXPECT_STREQ(name_of(DType::boolean), "bool");
    EXPECT_EQ(size_of(DType::bf16), 2);
    EXPECT_FALSE(find_dtype("float"));
}

/// Every 16-bit value survives, and every f32 near the middle of two neighbours rounds to even.
template <class Widen, class Narrow>
void check_half(Widen widen, Narrow narrow, std::uint16_t infinity) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float value = widen(half);
        if (std::isnan(value)) {
            EXPECT_TRUE(std::isnan(widen(narrow(value))));
            EXPECT_GT(bits & 0x7fff, infinity);
            continue;
        }
        ASSERT_EQ(narrow(value), half);
        if ((bits & 0x7fff) >= infinity - 1u) continue;
        const float next = widen(static_cast<std::uint16_t>(bits + 1));
        const auto middle = static_cast<float>((double{value} + double{next}) / 2);
        ASSERT_EQ(narrow(middle), bits & 1 ? bits + 1 : bits) << value;
        ASSERT_EQ(narrow(std::nextafterf(middle, value)), bits);
        ASSERT_EQ(narrow(std::nextafterf(middle, next)), bits + 1);
    }
    EXPECT_EQ(narrow(std::numeric_limits<float>::max()), infinity);
    EXPECT_EQ(narrow(-std::numeric_limits<float>::infinity()), infinity | 0x8000);
}

TEST(Half, Bf16) {
    check_half(bf16_to_float, float_to_bf16, 0x7f80);
    EXPECT_EQ(bf16_to_float(0x3fc0), 1.5f);
}

TEST(Half, F16) {
    check_half(f16_to_float, float_to_f16, 0x7c00);
    EXPECT_EQ(f16_to_float(0x0001), 0x1p-24f);
    EXPECT_EQ(f16_to_float(0x7bff), 65504.f);
    EXPECT_EQ(float_to_f16(65519.996f), 0x7bff);
    EXPECT_EQ(float_to_f16(65520.f), 0x7c00);
    EXPECT_EQ(float_to_f16(0x1p-25f), 0);  // half of the smallest: to even
    EXPECT_EQ(float_to_f16(-1e-30f), 0x8000);
}

TEST(DynamicLibrary, OpensTheFirstThatLoads) {
    const std::string candidates[] = {"libdoes-not-exist.so.7", "libm.so.6"};
    DynamicLibrary library = DynamicLibrary::open(candidates);
    ASSERT_TRUE(library) << library.error();
    EXPECT_NE(library.path().find("libm"), std::string::npos);
    double (*cosine)(double) = nullptr;
    ASSERT_TRUE(library.bind("cos", &cosine));
    EXPECT_EQ(cosine(0), 1);
    EXPECT_FALSE(library.bind("no_such_function", &cosine));
    const DynamicLibrary moved = std::move(library);
    EXPECT_TRUE(moved);
    EXPECT_FALSE(library);  // NOLINT(bugprone-use-after-move): what it says
}

TEST(DynamicLibrary, SaysWhyNoneLoads) {
    const std::string candidates[] = {"libone.so.1", "libtwo.so.2"};
    const DynamicLibrary library = DynamicLibrary::open(candidates);
    EXPECT_FALSE(library);
    EXPECT_NE(library.error().find("libone.so.1: "), std::string::npos) << library.error();
    EXPECT_NE(library.error().find("; libtwo.so.2: "), std::string::npos);
    EXPECT_EQ(library.symbol("cos"), nullptr);
}

/// A tree of files that stands for / when quotas are read.
class Tree {
public:
    Tree() {
        char name[] = "/tmp/flexion-cgroup-XXXXXX";
        root_ = mkdtemp(name);
    }
    ~Tree() { std::filesystem::remove_all(root_); }
    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    const std::string& root() const { return root_; }

private:
    std::string root_;
};

TEST(AvailableCpus, Version2TakesTheLeastOnTheWayToTheRoot) {
    const Tree tree;
    tree.write("/proc/self/mountinfo",
               "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
    tree.write("/proc/self/cgroup", "0::/a/b\n");
    EXPECT_FALSE(cgroup_cpu_quota(tree.root()));
    tree.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    EXPECT_FALSE(cgroup_cpu_quota(tree.root()));
    tree.write("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    EXPECT_EQ(cgroup_cpu_quota(tree.root()), 1.5);
    tree.write("/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    EXPECT_EQ(cgroup_cpu_quota(tree.root()), 0.5);
}

TEST(AvailableCpus, Version1InAContainer) {
    const Tree tree;  // the mount shows the container's own group as its top
    tree.write(
        "/proc/self/mountinfo",
        "30 23 0:27 /docker/x /sys/fs/cgroup/cpu,cpuacct ro shared:9 - cgroup cgroup "
        "rw,cpu,cpuacct\n"
        "31 23 0:28 /docker/x /sys/fs/cgroup/cpuset ro shared:9 - cgroup cgroup rw,cpuset\n");
    tree.write("/proc/self/cgroup", "5:cpuset:/docker/x\n4:cpu,cpuacct:/docker/x\n");
    tree.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    tree.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    EXPECT_FALSE(cgroup_cpu_quota(tree.root()));
    tree.write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "250000\n");
    EXPECT_EQ(cgroup_cpu_quota(tree.root()), 2.5);
}

TEST(AvailableCpus, FollowsTheAffinityMask) {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
    EXPECT_GE(available_cpus(), 1);
    EXPECT_LE(available_cpus(), CPU_COUNT(&before));
    int first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(available_cpus(), 1);
    ASSERT_EQ(sched_setaffinity(0, sizeof(before), &before), 0);
}

TEST(DeviceAllocator, IsTheLastOneSet) {
    int host = 0;
    const DeviceAllocator both{[](void*, std::size_t, int) -> void* { return nullptr; },
                               [](void*, void*, std::size_t, int) {}, &host};
    set_device_allocator(&both);
    EXPECT_EQ(device_allocator().host, &host);
    EXPECT_EQ(device_allocator().allocate, both.allocate);
    DeviceAllocator half = both;
    half.release = nullptr;
    try {
        set_device_allocator(&half);
        ADD_FAILURE() << "took half an allocator";
    } catch (const UserError& error) {
        EXPECT_NE(std::string(error.what()).find("release is null"), std::string::npos);
    }
    EXPECT_EQ(device_allocator().release, both.release) << "what was refused changes nothing";
    set_device_allocator(nullptr);
    EXPECT_EQ(device_allocator().allocate, nullptr);
}

}  // namespace
}  // namespace flexion
