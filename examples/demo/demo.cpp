// SPDX-License-Identifier: Apache-2.0
// The demonstration: seven attention variants over real text, timed beside the machine's peak and
// compared with the reference. Usage: flexion_demo FOLDER (receives the pictures of the masks).
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include <flexion/flexion.h>
#include <flexion/options.h>

#include "api/context.h"
#include "demo/text.h"
#include "measure/error.h"
#include "measure/rotation.h"
#include "support/fail.h"

namespace fx = flexion;

namespace {

constexpr std::int64_t kTokens = 8192, kHeads = 4, kHeadDim = 64;

struct Variant {
    const char* name;
    fx::ScoreMod score_mod;
    fx::MaskMod mask_mod;
};

void show(const Variant& variant, const fx::measure::Tensors& tensors, const std::string& folder) {
    const std::int64_t length = tensors.q.view().shape[2];
    fx::LaunchInfo info;
    fx::AttentionOptions options;
    options.score_mod = variant.score_mod;
    if (variant.mask_mod)
        options.block_mask = fx::create_block_mask(variant.mask_mod, {}, {}, length, length);
    const auto call = [&] {
        fx::attention(tensors.q.view(), tensors.k.view(), tensors.v.view(), tensors.out.view(),
                      options);
    };
    options.info = &info;
    call();
    options.info = nullptr;
    const fx::measure::Work work{.isa = info.isa.c_str(),
                                 .threads = info.threads,
                                 .operations = 4.0 * static_cast<double>(info.visited_scores) *
                                               static_cast<double>(kHeadDim)};
    const auto timing = fx::measure::in_rotation(fx::default_context().pool(), work, 1.5, call);
    const double error = fx::measure::error_against_reference(tensors, options, variant.mask_mod);
    std::printf("%-26s %8.1f %% %8.1f ms %9.1f ms %9.1f %8.0f %% %10.1e\n", variant.name,
                options.block_mask ? options.block_mask.sparsity() : 0, info.compile_ms,
                timing.seconds * 1e3, timing.flops * 1e-9, timing.fraction * 100, error);
    std::fflush(stdout);
    if (!(error < 1e-4)) fx::fail<fx::InternalError>("demo: {} is off by {}", variant.name, error);
    if (options.block_mask) {
        const std::string path = folder + "/" + variant.name + ".svg";
        std::ofstream(path) << options.block_mask.to_svg();
    }
}

void demonstrate(const std::string& folder) {
    std::filesystem::create_directories(folder);
    fx::set_option("cache", "off");  // every variant is compiled here and now
    const fx::demo::PackedText text = fx::demo::pack_documents(FLEXION_SOURCE_DIR, kTokens);
    const fx::measure::Tensors tensors = fx::demo::embed(text, kHeads, kHeadDim);

    std::vector<float> slope_values(kHeads);
    for (std::size_t h = 0; h < slope_values.size(); ++h) {
        slope_values[h] = std::exp2f(-2.0f * static_cast<float>(h + 1));
    }
    const fx::Buffer slopes =
        fx::buffer(fx::TensorView::dense(slope_values.data(), fx::DType::f32, {kHeads}));
    const fx::Buffer document =
        fx::buffer(fx::TensorView::dense(text.document.data(), fx::DType::i32, {text.length()}));

    const fx::MaskMod causal = fx::masks::causal();
    const fx::MaskMod packed = causal & fx::masks::document(document);
    const fx::ScoreMod alibi = fx::scores::alibi(slopes), softcap = fx::scores::softcap(20);
    const Variant variants[] = {
        {"full", {}, {}},
        {"causal", {}, causal},
        {"document", {}, packed},
        {"sliding_window_1024", {}, fx::masks::sliding_window(1024)},
        {"prefix_2048", {}, fx::masks::prefix(2048)},
        {"alibi", alibi, causal},
        {"softcap", softcap, causal},
        {"softcap_alibi_document", fx::compose(softcap, alibi), packed},
    };
    std::printf("%lld bytes of text, %d documents, %lld heads, head dim %lld, f32\n\n",
                static_cast<long long>(text.length()), text.documents(),
                static_cast<long long>(kHeads), static_cast<long long>(kHeadDim));
    std::printf("%-26s %10s %11s %12s %9s %10s %10s\n", "variant", "sparsity", "compiled",
                "attention", "GFLOP/s", "of peak", "error");
    for (const Variant& variant : variants) show(variant, tensors, folder);
    std::printf("\npictures of the masks: %s/*.svg\n", folder.c_str());
}

}  // namespace

int main(int argc, char** argv) {
    try {
        demonstrate(argc > 1 ? argv[1] : "demo-out");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "flexion_demo: %s\n", error.what());
        return 1;
    }
    return 0;
}
