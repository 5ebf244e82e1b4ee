// SPDX-License-Identifier: Apache-2.0
// Files of the disk cache. All access goes through the descriptor of a folder whose owner has been
// checked, so that nobody can swap the folder in between.
#include "backend/disk_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <random>
#include <string_view>
#include <system_error>

#include <flexion/version.h>

#include "support/format.h"
#include "support/hash.h"
#include "support/log.h"

namespace flexion::backend {
namespace {

constexpr char kFolder[] = "v1";  // raised with the layout of Header
constexpr std::string_view kSuffix = ".kernel";
constexpr std::string_view kTemporary = "tmp-";
constexpr std::uint64_t kMagic = 0x314E524B4E584C46ull;  // "FLXNKRN1"
constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;
constexpr std::time_t kHour = 3600;

enum Part { kLibrary, kName, kTarget, kFlags, kText, kBinary, kParts };

/// Followed by the parts, one after the other.
struct Header {
    std::uint64_t magic = kMagic;
    std::uint64_t checksum = 0;  ///< hash64 of everything after this field
    std::array<std::uint64_t, kParts> sizes{};
};

std::array<std::string_view, kParts> parts_of(const Source& source, const Binary& binary) {
    return {FLEXION_VERSION, source.name, source.target,
            source.flags,    source.text, std::string_view(binary.data(), binary.size())};
}

std::string file_of(const Source& source) {
    return hash128({FLEXION_VERSION, source.name, source.target, source.flags, source.text}).hex() +
           std::string(kSuffix);
}

// Of everything that follows the checksum in a file.
std::uint64_t checksum_of(std::string_view content) {
    return hash64(content.substr(offsetof(Header, sizes)));
}

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    explicit operator bool() const { return descriptor_ >= 0; }
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

// The whole content of a plain file of ours; empty when it cannot be read.
std::string read_file(int folder, const std::string& name, struct stat& status) {
    const File file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file || ::fstat(file.get(), &status) != 0) return {};
    if (!S_ISREG(status.st_mode) || status.st_size > kMaxFileBytes) return {};
    std::string content(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < content.size()) {
        const ssize_t n = ::read(file.get(), content.data() + done, content.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return {};
        done += static_cast<std::size_t>(n);
    }
    return content;
}

// The parts of an intact file; all empty when it is damaged.
std::optional<std::array<std::string_view, kParts>> parts_of(std::string_view content) {
    Header header;
    if (content.size() < sizeof header) return {};
    std::memcpy(&header, content.data(), sizeof header);
    if (header.magic != kMagic) return {};
    if (header.checksum != checksum_of(content)) return {};
    std::array<std::string_view, kParts> parts;
    content.remove_prefix(sizeof header);
    for (int i = 0; i < kParts; ++i) {
        if (header.sizes[i] > content.size()) return {};
        parts[i] = content.substr(0, header.sizes[i]);
        content.remove_prefix(header.sizes[i]);
    }
    if (!content.empty()) return {};
    return parts;
}

// A write past RLIMIT_FSIZE raises SIGXFSZ, which by default ends the process. Blocked here, and
// taken off the thread's queue again where this thread's write was what raised it.
class NoFileSizeSignal {
public:
    NoFileSizeSignal() {
        sigemptyset(&signal_);
        sigaddset(&signal_, SIGXFSZ);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGXFSZ) == 1;
        pthread_sigmask(SIG_BLOCK, &signal_, &old_);
    }
    ~NoFileSizeSignal() {
        const timespec now{};
        if (!was_pending_) sigtimedwait(&signal_, nullptr, &now);
        pthread_sigmask(SIG_SETMASK, &old_, nullptr);
    }
    NoFileSizeSignal(const NoFileSizeSignal&) = delete;
    NoFileSizeSignal& operator=(const NoFileSizeSignal&) = delete;

private:
    sigset_t signal_, old_;
    bool was_pending_ = false;
};

bool write_all(int file, std::string_view bytes) {
    const NoFileSizeSignal guard;
    while (!bytes.empty()) {
        const ssize_t n = ::write(file, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string error_text(int error) { return std::generic_category().message(error); }

struct Listed {
    std::string file;
    struct stat status{};
};

// Every plain file in the folder whose name begins or ends as asked.
std::vector<Listed> files_in(int folder, std::string_view prefix, std::string_view suffix) {
    std::vector<Listed> files;
    // A descriptor of its own: the position of a directory stream is shared between duplicates.
    const int descriptor = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* const stream = descriptor < 0 ? nullptr : ::fdopendir(descriptor);
    if (!stream) {
        if (descriptor >= 0) ::close(descriptor);
        return files;
    }
    while (const dirent* item = ::readdir(stream)) {
        const std::string_view name = item->d_name;
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        Listed listed{std::string(name), {}};
        if (::fstatat(folder, item->d_name, &listed.status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(listed.status.st_mode)) files.push_back(std::move(listed));
    }
    ::closedir(stream);
    return files;
}

void oldest_first(std::vector<Listed>& files) {
    std::sort(files.begin(), files.end(), [](const Listed& a, const Listed& b) {
        const timespec& x = a.status.st_mtim;
        const timespec& y = b.status.st_mtim;
        return x.tv_sec != y.tv_sec ? x.tv_sec < y.tv_sec : x.tv_nsec < y.tv_nsec;
    });
}

// The folder `name` in `parent` (or an absolute path), made when missing; the reason when it cannot
// be used.
int open_folder(int parent, const char* name, int flags, std::string& why) {
    if (::mkdirat(parent, name, 0700) != 0 && errno != EEXIST) {
        why = "cannot be made: " + error_text(errno);
        return -1;
    }
    const int folder = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    struct stat status{};
    if (folder < 0 || ::fstat(folder, &status) != 0) {
        why = "cannot be opened: " + error_text(errno);
    } else if (status.st_uid != ::geteuid()) {
        why = formatted("belongs to user {}, but we are user {}", status.st_uid, ::geteuid());
    } else {
        return folder;
    }
    if (folder >= 0) ::close(folder);
    return -1;
}

}  // namespace

std::string default_cache_directory(const std::string& configured) {
    if (!configured.empty()) return configured;
    const char* const xdg = std::getenv("XDG_CACHE_HOME");
    // The XDG base directory specification: a relative path is to be ignored.
    if (xdg && xdg[0] == '/') return std::string(xdg) + "/flexion";
    const char* const home = std::getenv("HOME");
    if (home && home[0] == '/') return std::string(home) + "/.cache/flexion";
    return {};
}

DiskCache::DiskCache(std::string directory, std::int64_t max_bytes, bool read_only)
    : directory_(std::move(directory)),
      max_bytes_(max_bytes),
      read_only_(read_only),
      unmeasured_bytes_(max_bytes) {}

DiskCache::~DiskCache() {
    if (folder_ >= 0) ::close(folder_);
}

int DiskCache::folder() {
    std::call_once(opened_, [this] {
        if (directory_.empty()) return;
        std::error_code error;
        const std::filesystem::path parent =
            std::filesystem::absolute(directory_, error).lexically_normal().parent_path();
        std::filesystem::create_directories(parent, error);
        std::string why;
        const int root = open_folder(AT_FDCWD, directory_.c_str(), 0, why);
        if (root >= 0) {
            folder_ = open_folder(root, kFolder, O_NOFOLLOW, why);
            ::close(root);
        }
        if (folder_ >= 0) {
            // A folder that others may write to is closed to them; one where that fails is not
            // used.
            struct stat status{};
            ::fstat(folder_, &status);
            if ((status.st_mode & 077) != 0 && ::fchmod(folder_, 0700) != 0 &&
                (status.st_mode & 022) != 0) {
                why = "is open to others";
                ::close(folder_);
                folder_ = -1;
            }
        }
        if (folder_ < 0) log(LogChannel::cache, "no disk cache: {} {}", directory_, why);
    });
    return folder_;
}

std::optional<Binary> DiskCache::find(const Source& source) {
    const int folder = this->folder();
    if (folder >= 0) {
        const std::string name = file_of(source);
        struct stat status{};
        const std::string content = read_file(folder, name, status);
        if (!content.empty()) {
            const auto parts = parts_of(content);
            if (!parts) {
                log(LogChannel::cache, "removed a damaged entry: {}/{}/{}", directory_, kFolder,
                    name);
                ::unlinkat(folder, name.c_str(), 0);
            } else if (std::equal(parts->begin(), parts->begin() + kBinary,
                                  parts_of(source, {}).begin())) {
                hits_.fetch_add(1, std::memory_order_relaxed);
                // The time of last use, for eviction; to the hour, so that a hit rarely writes.
                if (std::time(nullptr) - status.st_mtime > kHour) {
                    ::utimensat(folder, name.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
                }
                const std::string_view binary = (*parts)[kBinary];
                log(LogChannel::cache, "hit: {} ({})", name, source.name);
                return Binary(binary.begin(), binary.end());
            }
        }
    }
    misses_.fetch_add(1, std::memory_order_relaxed);
    return {};
}

void DiskCache::store(const Source& source, const Binary& binary) {
    const int folder = read_only_ ? -1 : this->folder();
    if (folder < 0) return;
    Header header;
    const auto parts = parts_of(source, binary);
    std::string content(sizeof header, '\0');
    for (int i = 0; i < kParts; ++i) {
        header.sizes[i] = parts[i].size();
        content.append(parts[i]);
    }
    std::memcpy(content.data(), &header, sizeof header);
    header.checksum = checksum_of(content);
    std::memcpy(content.data(), &header, sizeof header);
    const auto bytes = static_cast<std::int64_t>(content.size());
    if (bytes > std::min(max_bytes_, kMaxFileBytes)) return;

    const std::string temporary =
        formatted("{}{}-{:08x}", kTemporary, ::getpid(), std::random_device{}());
    const std::string name = file_of(source);
    int error = 0;
    {
        const File file(::openat(folder, temporary.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file) {
            error = errno;
        } else if (!write_all(file.get(), content)) {
            error = errno;
        }
    }
    if (error == 0 && ::renameat(folder, temporary.c_str(), folder, name.c_str()) != 0) {
        error = errno;
    }
    if (error != 0) {
        ::unlinkat(folder, temporary.c_str(), 0);
        log(LogChannel::cache, "cannot store {} in {}: {}", source.name, directory_,
            error_text(error));
        return;
    }
    log(LogChannel::cache, "stored: {} ({}, {} bytes)", name, source.name, bytes);
    // The folder is measured after each sixteenth of its size, and by the first store.
    if (unmeasured_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes >= max_bytes_ / 16) {
        unmeasured_bytes_.store(0, std::memory_order_relaxed);
        std::int64_t total = 0;
        for (const Listed& item : files_in(folder, "", kSuffix)) total += item.status.st_size;
        if (total > max_bytes_) prune(max_bytes_ / 4 * 3);
    }
}

void DiskCache::remove(const Source& source) {
    if (folder() >= 0) ::unlinkat(folder(), file_of(source).c_str(), 0);
}

std::vector<DiskCache::Entry> DiskCache::list() {
    std::vector<Entry> entries;
    if (folder() < 0) return entries;
    std::vector<Listed> files = files_in(folder(), "", kSuffix);
    oldest_first(files);
    std::reverse(files.begin(), files.end());
    for (const Listed& item : files) {
        struct stat status{};
        const std::string content = read_file(folder(), item.file, status);
        const auto parts = parts_of(content);
        if (!parts) continue;
        entries.push_back({item.file, std::string((*parts)[kName]), std::string((*parts)[kTarget]),
                           item.status.st_size, item.status.st_mtime});
    }
    return entries;
}

std::int64_t DiskCache::prune(std::int64_t bytes) {
    if (folder() < 0) return 0;
    const std::time_t now = std::time(nullptr);
    for (const Listed& item : files_in(folder(), kTemporary, "")) {
        if (now - item.status.st_mtime > kHour) ::unlinkat(folder(), item.file.c_str(), 0);
    }
    std::vector<Listed> files = files_in(folder(), "", kSuffix);
    oldest_first(files);
    std::int64_t total = 0, removed = 0;
    for (const Listed& item : files) total += item.status.st_size;
    for (const Listed& item : files) {
        if (total <= bytes) break;
        if (::unlinkat(folder(), item.file.c_str(), 0) == 0) ++removed;
        total -= item.status.st_size;
    }
    log(LogChannel::cache, "removed {} entries of {}, {} bytes left", removed, directory_, total);
    return removed;
}

}  // namespace flexion::backend
