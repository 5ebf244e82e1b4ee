// SPDX-License-Identifier: Apache-2.0
// The cache on disk and everything that can be wrong with a disk.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "backend/disk_cache.h"
#include "backend/temporary_folder.h"

namespace flexion::backend {
namespace {

namespace fs = std::filesystem;
constexpr std::int64_t kPlenty = 1 << 20;

Source source_of(const std::string& text) {
    return {.name = "kernel", .target = "test:cpu", .flags = "-O2", .text = text};
}

Binary binary_of(const std::string& text) { return Binary(text.begin(), text.end()); }

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& item : fs::recursive_directory_iterator(folder)) {
        if (item.is_regular_file()) files.push_back(item.path());
    }
    return files;
}

std::string content_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

class DiskCacheTest : public ::testing::Test {
protected:
    test::TemporaryFolder folder_;
    const std::string where_ = (folder_ / "cache").string();
};

TEST_F(DiskCacheTest, GivesBackWhatWasStoredAlsoToALaterProcess) {
    DiskCache cache(where_, kPlenty);
    EXPECT_FALSE(cache.find(source_of("a")));
    cache.store(source_of("a"), binary_of("binary of a"));
    EXPECT_EQ(cache.find(source_of("a")), binary_of("binary of a"));
    EXPECT_EQ(cache.hits(), 1);
    EXPECT_EQ(cache.misses(), 1);
    DiskCache later(where_, kPlenty);
    EXPECT_EQ(later.find(source_of("a")), binary_of("binary of a"));
    ASSERT_EQ(later.list().size(), 1u);
    EXPECT_EQ(later.list()[0].name, "kernel");
    EXPECT_EQ(later.list()[0].target, "test:cpu");
}

TEST_F(DiskCacheTest, EveryPartOfTheSourceIsInTheKey) {
    DiskCache cache(where_, kPlenty);
    const Source source = source_of("a");
    cache.store(source, binary_of("x"));
    Source other = source;
    other.name = "another";
    EXPECT_FALSE(cache.find(other));
    other = source;
    other.target = "test:other";
    EXPECT_FALSE(cache.find(other));
    other = source;
    other.flags = "-O3";
    EXPECT_FALSE(cache.find(other));
    // The same characters, divided otherwise.
    other = source;
    other.flags = "-O2a";
    other.text = "";
    EXPECT_FALSE(cache.find(other));
}

TEST_F(DiskCacheTest, AnEntryOfAnotherSourceUnderThisNameIsNoHit) {
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("binary of a"));
    const fs::path a = files_in(where_).at(0);
    cache.store(source_of("b"), binary_of("binary of b"));
    for (const fs::path& file : files_in(where_)) {
        if (file != a) write(file, content_of(a));  // as if the hashes of both were equal
    }
    EXPECT_FALSE(cache.find(source_of("b")));
    EXPECT_TRUE(cache.find(source_of("a")));
}

TEST_F(DiskCacheTest, EmptyBinaryIsABinary) {
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), {});
    EXPECT_EQ(cache.find(source_of("a")), Binary());
}

TEST_F(DiskCacheTest, TruncatedEntriesAreMissesAndRemoved) {
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("binary"));
    const fs::path file = files_in(where_).at(0);
    const std::string whole = content_of(file);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        write(file, whole.substr(0, size));
        EXPECT_FALSE(cache.find(source_of("a"))) << size;
        EXPECT_EQ(fs::exists(file), size == 0) << size;
    }
    write(file, whole + "x");
    EXPECT_FALSE(cache.find(source_of("a")));
    write(file, whole);
    EXPECT_TRUE(cache.find(source_of("a")));
}

TEST_F(DiskCacheTest, EveryFlippedBitIsAMiss) {
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("text"), binary_of("binary"));
    const fs::path file = files_in(where_).at(0);
    const std::string whole = content_of(file);
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::string flipped = whole;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        write(file, flipped);
        EXPECT_FALSE(cache.find(source_of("text"))) << "bit " << bit;
    }
}

TEST_F(DiskCacheTest, FolderIsOurs) {
    const mode_t old = umask(0);
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    umask(old);
    struct stat status{};
    ASSERT_EQ(stat(where_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    ASSERT_EQ(stat(files_in(where_).at(0).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(DiskCacheTest, FolderOpenToOthersIsClosed) {
    fs::create_directories(where_ + "/v1");
    ASSERT_EQ(chmod((where_ + "/v1").c_str(), 0777), 0);
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    struct stat status{};
    ASSERT_EQ(stat((where_ + "/v1").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    EXPECT_TRUE(cache.find(source_of("a")));
}

TEST_F(DiskCacheTest, FolderOfAnotherUserIsRefused) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
    for (const char* each : {"", "/v1"}) {
        fs::create_directories(where_ + "/v1");
        ASSERT_EQ(chown((where_ + each).c_str(), 65534, 65534), 0);
        DiskCache cache(where_, kPlenty);
        cache.store(source_of("a"), binary_of("x"));
        EXPECT_FALSE(cache.find(source_of("a")));
        EXPECT_TRUE(files_in(where_).empty());
        fs::remove_all(where_);
    }
}

TEST_F(DiskCacheTest, LinkInPlaceOfTheEntriesFolderIsRefused) {
    fs::create_directories(folder_ / "elsewhere");
    fs::create_directories(where_);
    fs::create_directory_symlink(folder_ / "elsewhere", where_ + "/v1");
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    EXPECT_TRUE(files_in(folder_ / "elsewhere").empty());
}

TEST_F(DiskCacheTest, FileInPlaceOfTheFolderIsNoCache) {
    write(where_, "a file");
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    EXPECT_FALSE(cache.find(source_of("a")));
    EXPECT_EQ(cache.prune(0), 0);
    EXPECT_TRUE(cache.list().empty());
}

TEST_F(DiskCacheTest, NoDirectoryIsNoCache) {
    DiskCache cache("", kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    EXPECT_FALSE(cache.find(source_of("a")));
}

TEST_F(DiskCacheTest, ReadOnlyCacheReadsAndDoesNotWrite) {
    DiskCache(where_, kPlenty).store(source_of("a"), binary_of("x"));
    DiskCache cache(where_, kPlenty, /*read_only=*/true);
    EXPECT_TRUE(cache.find(source_of("a")));
    cache.store(source_of("b"), binary_of("x"));
    EXPECT_EQ(files_in(where_).size(), 1u);
}

/// Runs `body` in a child process; its exit status.
template <class Body>
int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_F(DiskCacheTest, FolderThatMayNotBeWrittenIsReadOnly) {
    DiskCache(where_, kPlenty).store(source_of("a"), binary_of("x"));
    ASSERT_EQ(chmod((where_ + "/v1").c_str(), 0500), 0);
    const int status = in_child([&] {
        if (geteuid() == 0) {
            // Root may write anywhere: become the user nobody, who owns the folder.
            for (const std::string& each :
                 {where_, where_ + "/v1", files_in(where_).at(0).string()}) {
                if (chown(each.c_str(), 65534, 65534) != 0) return 10;
            }
            if (chmod((folder_ / "").c_str(), 0755) != 0) return 11;
            if (setgid(65534) != 0 || setuid(65534) != 0) return 12;
        }
        DiskCache cache(where_, kPlenty);
        cache.store(source_of("b"), binary_of("x"));
        if (cache.find(source_of("b"))) return 1;
        return cache.find(source_of("a")) ? 0 : 2;
    });
    EXPECT_EQ(status, 0);
    chmod((where_ + "/v1").c_str(), 0700);
}

TEST_F(DiskCacheTest, FullDiskIsAMissAndLeavesNothing) {
    const int status = in_child([&] {
        const rlimit limit{.rlim_cur = 100, .rlim_max = 100};
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
        // SIGXFSZ has its default action, which ends the process.
        DiskCache cache(where_, kPlenty);
        cache.store(source_of("a"), Binary(1000, 'x'));
        if (cache.find(source_of("a"))) return 1;
        if (!files_in(where_).empty()) return 2;
        return 0;
    });
    EXPECT_EQ(status, 0);
}

TEST_F(DiskCacheTest, OldEntriesMakeRoom) {
    const Binary kilobyte(1000, 'x');
    DiskCache cache(where_, 20000);
    for (int i = 0; i < 100; ++i) {
        cache.store(source_of("source " + std::to_string(i)), kilobyte);
        // The file system's clock may be too coarse to order them.
        for (const auto& entry : cache.list()) {
            if (entry.bytes == 0) ADD_FAILURE();
        }
    }
    std::int64_t bytes = 0;
    for (const auto& entry : cache.list()) bytes += entry.bytes;
    EXPECT_LE(bytes, 20000 + 20000 / 16 + 1200);
    EXPECT_GT(bytes, 10000);
    EXPECT_TRUE(cache.find(source_of("source 99")));
    EXPECT_FALSE(cache.find(source_of("source 0")));
}

TEST_F(DiskCacheTest, AHitKeepsAnEntryYoung) {
    DiskCache cache(where_, kPlenty);
    for (const char* name : {"a", "b"}) cache.store(source_of(name), binary_of("x"));
    const std::time_t old = std::time(nullptr) - 10 * 24 * 3600;
    for (const fs::path& file : files_in(where_)) {
        const timespec times[2] = {{old, 0}, {old, 0}};
        ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    }
    EXPECT_TRUE(cache.find(source_of("a")));
    const auto entries = cache.list();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_EQ(cache.prune(entries[0].bytes), 1);
    EXPECT_TRUE(cache.find(source_of("a")));
    EXPECT_FALSE(cache.find(source_of("b")));
}

TEST_F(DiskCacheTest, PruneRemovesWhatBrokenOffWritersLeft) {
    DiskCache cache(where_, kPlenty);
    cache.store(source_of("a"), binary_of("x"));
    const fs::path stale = where_ + "/v1/tmp-1-2", fresh = where_ + "/v1/tmp-1-3";
    write(stale, "half");
    write(fresh, "half");
    const timespec times[2] = {{1, 0}, {1, 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, stale.c_str(), times, 0), 0);
    EXPECT_EQ(cache.prune(kPlenty), 0);
    EXPECT_FALSE(fs::exists(stale));
    EXPECT_TRUE(fs::exists(fresh));
    EXPECT_EQ(cache.prune(0), 1);
}

// Binaries name their source, so that a mixed-up one would be seen.
int race(const std::string& where, int rounds) {
    DiskCache cache(where, 30000);
    for (int i = 0; i < rounds; ++i) {
        const std::string text = "source " + std::to_string(i % 50);
        const Binary expected = binary_of(text + std::string(900, '.'));
        if (const auto found = cache.find(source_of(text))) {
            if (*found != expected) return 1;
        } else {
            cache.store(source_of(text), expected);
        }
        if (i % 97 == 0) cache.prune(10000);
    }
    return 0;
}

TEST_F(DiskCacheTest, ProcessesAndThreadsRace) {
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        const pid_t child = fork();
        if (child == 0) _exit(race(where_, 500));
        children.push_back(child);
    }
    std::thread other([&] { EXPECT_EQ(race(where_, 500), 0); });
    EXPECT_EQ(race(where_, 500), 0);
    other.join();
    for (const pid_t child : children) {
        int status = -1;
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    for (const fs::path& file : files_in(where_)) {
        EXPECT_EQ(file.extension(), ".kernel") << file;
    }
}

TEST(DefaultCacheDirectory, FollowsTheEnvironment) {
    const auto directory = [](const char* xdg, const char* home, const std::string& configured) {
        xdg ? setenv("XDG_CACHE_HOME", xdg, 1) : unsetenv("XDG_CACHE_HOME");
        home ? setenv("HOME", home, 1) : unsetenv("HOME");
        return default_cache_directory(configured);
    };
    EXPECT_EQ(directory("/x", "/h", "/configured"), "/configured");
    EXPECT_EQ(directory("/x", "/h", ""), "/x/flexion");
    EXPECT_EQ(directory("relative", "/h", ""), "/h/.cache/flexion");
    EXPECT_EQ(directory(nullptr, "/h", ""), "/h/.cache/flexion");
    EXPECT_EQ(directory(nullptr, nullptr, ""), "");
}

}  // namespace
}  // namespace flexion::backend
