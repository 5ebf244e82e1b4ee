// SPDX-License-Identifier: Apache-2.0
// Reads the affinity mask and the quotas of both versions of Linux control groups.
#include "support/os/available_cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

namespace flexion {
namespace {

/// Whether the comma-separated `list` has the item `wanted`.
bool has_item(const std::string& list, const std::string& wanted) {
    std::istringstream in(list);
    for (std::string item; std::getline(in, item, ',');) {
        if (item == wanted) return true;
    }
    return false;
}

/// One line of /proc/self/mountinfo: "... root mount-point options - type source super-options".
struct Mount {
    std::string root, point, type, options;
};

std::vector<Mount> cgroup_mounts(const std::string& root) {
    std::vector<Mount> mounts;
    std::ifstream in(root + "/proc/self/mountinfo");
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string id, parent, device, word;
        Mount mount;
        words >> id >> parent >> device >> mount.root >> mount.point;
        while (words >> word && word != "-") {
        }
        words >> mount.type >> word >> mount.options;
        if (mount.type == "cgroup" || mount.type == "cgroup2") mounts.push_back(mount);
    }
    return mounts;
}

/// quota / period of the group in `folder`, if it has a limit.
std::optional<double> quota_of(const std::string& folder, bool version2) {
    double quota = 0, period = 0;
    if (version2) {
        std::ifstream(folder + "/cpu.max") >> quota >> period;  // "max 100000" leaves quota at 0
    } else {
        std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;  // -1: no limit
        std::ifstream(folder + "/cpu.cfs_period_us") >> period;
    }
    if (quota > 0 && period > 0) return quota / period;
    return std::nullopt;
}

}  // namespace

std::optional<double> cgroup_cpu_quota(const std::string& root) {
    std::optional<double> least;
    const std::vector<Mount> mounts = cgroup_mounts(root);
    std::ifstream in(root + "/proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {  // "id:controllers:/path", "0::/path"
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool version2 = controllers.empty();
        if (!version2 && !has_item(controllers, "cpu")) continue;
        for (const Mount& mount : mounts) {
            if ((mount.type == "cgroup2") != version2) continue;
            if (!version2 && !has_item(mount.options, "cpu")) continue;
            std::string path = line.substr(second + 1);
            // A mount of a subtree shows paths below its own root; in a container the path may lie
            // outside the mount, whose top is then the group in force.
            if (mount.root != "/") {
                path = path.starts_with(mount.root) ? path.substr(mount.root.size()) : "";
            }
            for (;;) {
                const std::optional<double> quota = quota_of(root + mount.point + path, version2);
                if (quota && (!least || *quota < *least)) least = quota;
                const std::size_t slash = path.rfind('/');
                if (slash == std::string::npos) break;
                path.resize(slash);
            }
        }
    }
    return least;
}

int available_cpus() {
    int cpus = static_cast<int>(std::thread::hardware_concurrency());
    // The kernel's mask may be larger than cpu_set_t: grow until it fits.
    for (int bits = CPU_SETSIZE; bits <= (1 << 20); bits *= 2) {
        std::vector<cpu_set_t> mask(static_cast<std::size_t>(bits / CPU_SETSIZE));
        const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
        if (sched_getaffinity(0, bytes, mask.data()) == 0) {
            cpus = CPU_COUNT_S(bytes, mask.data());
            break;
        }
    }
    if (const std::optional<double> quota = cgroup_cpu_quota()) {
        cpus = std::min(cpus, static_cast<int>(std::ceil(*quota)));
    }
    return std::max(cpus, 1);
}

}  // namespace flexion
