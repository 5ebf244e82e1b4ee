// SPDX-License-Identifier: Apache-2.0
#include "demo/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace flexion::demo {
namespace fs = std::filesystem;

PackedText pack_documents(const std::string& folder, std::int64_t tokens) {
    std::vector<std::pair<std::uintmax_t, fs::path>> files;
    for (const char* part : {"", "docs", "include/flexion", "src/passes", "src/mask"}) {
        std::error_code none;
        for (const fs::directory_entry& entry :
             fs::directory_iterator(fs::path(folder) / part, none)) {
            const std::string suffix = entry.path().extension().string();
            if (entry.is_regular_file() &&
                (suffix == ".md" || suffix == ".h" || suffix == ".cpp")) {
                files.emplace_back(entry.file_size(), entry.path());
            }
        }
    }
    std::sort(files.begin(), files.end());
    PackedText text;
    std::int32_t document = 0;
    for (const auto& [size, path] : files) {
        if (text.length() >= tokens) break;
        std::stringstream content;
        content << std::ifstream(path).rdbuf();
        const std::string bytes = content.str();
        if (bytes.empty()) continue;
        text.tokens += bytes;
        text.document.insert(text.document.end(), bytes.size(), document++);
    }
    return text;
}

measure::Tensors embed(const PackedText& text, std::int64_t heads, std::int64_t head_dim) {
    constexpr std::size_t kContext = 3;
    std::mt19937_64 random(7);
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(kContext)));
    const std::size_t width = static_cast<std::size_t>(heads * head_dim);
    const auto tensor = [&] {
        // One embedding of every byte for each place in the context is a projection of one-hot
        // tokens.
        std::array<std::vector<float>, kContext> embedding;
        for (std::vector<float>& table : embedding) {
            table.resize(256 * width);
            for (float& value : table) value = normal(random);
        }
        measure::Tensor result(DType::f32, {1, heads, text.length(), head_dim});
        for (std::int64_t t = 0; t < text.length(); ++t) {
            for (std::size_t c = 0; c < width; ++c) {
                float sum = 0;
                for (std::size_t back = 0; back < kContext && static_cast<std::int64_t>(back) <= t;
                     ++back) {
                    const auto byte =
                        static_cast<unsigned char>(text.tokens[static_cast<std::size_t>(t) - back]);
                    sum += embedding[back][byte * width + c];
                }
                const std::int64_t h = static_cast<std::int64_t>(c) / head_dim,
                                   d = static_cast<std::int64_t>(c) % head_dim;
                result.set((h * text.length() + t) * head_dim + d, sum);
            }
        }
        return result;
    };
    measure::Tensors tensors{tensor(), tensor(), tensor(),
                             measure::Tensor(DType::f32, {1, heads, text.length(), head_dim})};
    return tensors;
}

}  // namespace flexion::demo
