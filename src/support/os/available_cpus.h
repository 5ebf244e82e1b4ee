// SPDX-License-Identifier: Apache-2.0
// How many threads this process can usefully run at once.
#pragma once

#include <optional>
#include <string>

namespace flexion {

/// CPUs' worth of time that the control group grants to this process (cpu.max of version 2,
/// cpu.cfs_quota_us of version 1; the smallest on the way to the root); nullopt: no limit. `root`
/// is put before every path that is read, for tests.
std::optional<double> cgroup_cpu_quota(const std::string& root = "");

/// The cpus of the affinity mask, at most the control group's quota rounded up; >= 1.
int available_cpus();

}  // namespace flexion
