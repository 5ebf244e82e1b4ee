// SPDX-License-Identifier: Apache-2.0
// The table of settings: every row as a variable and as an option, and what is said of bad values.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include <flexion/error.h>

#include "support/env.h"
#include "support/log.h"

namespace flexion {
namespace {

std::string message_of(std::string_view name, std::string_view value) {
    try {
        set_option(name, value);
    } catch (const UserError& error) {
        return error.what();
    }
    return "";
}

/// Sets an option for a scope.
class Scoped {
public:
    Scoped(std::string name, std::string_view value) : name_(std::move(name)), old_(option(name_)) {
        set_option(name_, value);
    }
    ~Scoped() { set_option(name_, old_); }

private:
    std::string name_, old_;
};

TEST(Settings, EveryRowHasAVariableAndAHelpLine) {
    std::set<std::string> variables;
    for (const OptionInfo& info : options()) {
        EXPECT_TRUE(variables.insert(info.variable).second) << info.variable;
        EXPECT_TRUE(info.variable.starts_with("FLEXION_"));
        EXPECT_FALSE(info.help.empty());
        EXPECT_EQ(info.help.find('\n'), std::string::npos);
        EXPECT_EQ(option(info.name), info.value);
    }
    for (const char* wanted :
         {"FLEXION_LOG", "FLEXION_DUMP", "FLEXION_CACHE_DIR", "FLEXION_CACHE_SIZE",
          "FLEXION_BACKEND", "FLEXION_CPU_ISA", "FLEXION_NUM_THREADS", "FLEXION_DEBUG"}) {
        EXPECT_TRUE(variables.contains(wanted)) << wanted;
    }
}

TEST(Settings, OptionsChangeAndOldReferencesStay) {
    const Settings& before = settings();
    const std::int64_t threads = before.num_threads;
    {
        const Scoped scoped("num_threads", "5");
        EXPECT_EQ(settings().num_threads, 5);
        EXPECT_EQ(option("num_threads"), "5");
        EXPECT_EQ(before.num_threads, threads);
    }
    EXPECT_EQ(settings().num_threads, threads);
}

TEST(Settings, BytesTakeSuffixes) {
    for (const auto& [text, value] : {std::pair<const char*, std::int64_t>{"0", 0},
                                      {"123", 123},
                                      {"2K", 2048},
                                      {"3M", 3 << 20},
                                      {"1G", std::int64_t{1} << 30},
                                      {"2T", std::int64_t{1} << 41}}) {
        const Scoped scoped("cache_size", text);
        EXPECT_EQ(settings().cache_size, value) << text;
    }
}

TEST(Settings, BadValuesAreErrorsThatSayWhatFits) {
    for (const char* bad : {"", "x", "-1", "1.5", "3 ", "99999999999999999999"}) {
        EXPECT_NE(message_of("num_threads", bad).find("expected a whole number"),
                  std::string::npos);
    }
    for (const char* bad : {"", "K", "1KB", "1k", "99999999T"}) {
        EXPECT_NE(message_of("cache_size", bad).find("512M"), std::string::npos) << bad;
    }
    for (const char* bad : {"", "yes", "2"}) {
        EXPECT_NE(message_of("debug", bad).find("expected 0 or 1"), std::string::npos);
    }
    EXPECT_NE(message_of("cpu_isa", "avx3").find("avx512_bf16"), std::string::npos);
    EXPECT_NE(message_of("cache", "").find("one of rw, ro, off"), std::string::npos);
    EXPECT_NE(message_of("log", "ir,fact").find("no log channel \"fact\""), std::string::npos);
    EXPECT_NE(message_of("log", "ir,fact").find("facts"), std::string::npos);
    EXPECT_NE(message_of("cash_dir", "/").find("cache_dir"), std::string::npos);
    EXPECT_NE(message_of("num_threads", "x").find("flexion::set_option: num_threads: got \"x\""),
              std::string::npos);
    EXPECT_THROW(option("nothing"), UserError);
}

/// A death test in the "threadsafe" style starts a process that has not read its settings yet.
class FreshProcess : public testing::Test {
protected:
    FreshProcess() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(FreshProcess, ReadsTheEnvironmentOnce) {
    EXPECT_EXIT(
        {
            setenv("FLEXION_CACHE_DIR", "/some/where", 1);
            setenv("FLEXION_DEBUG", "1", 1);
            const bool read = settings().cache_dir == "/some/where" && settings().debug;
            setenv("FLEXION_CACHE_DIR", "/else", 1);
            bool marked = false;
            for (const OptionInfo& info : options()) marked |= info.name == "debug" && info.set;
            std::exit(read && marked && settings().cache_dir == "/some/where" ? 0 : 1);
        },
        testing::ExitedWithCode(0), "");
}

TEST_F(FreshProcess, ABadVariableIsAnErrorThatNamesIt) {
    EXPECT_EXIT(
        {
            setenv("FLEXION_NUM_THREADS", "many", 1);
            for (int attempt = 0; attempt < 2; ++attempt) {  // not only the first time
                try {
                    settings();
                } catch (const UserError& error) {
                    std::fprintf(stderr, "%s\n", error.what());
                    if (attempt == 1) std::exit(3);
                }
            }
        },
        testing::ExitedWithCode(3),
        "FLEXION_NUM_THREADS: got .many., expected a whole number(.|\n)*FLEXION_NUM_THREADS");
}

TEST_F(FreshProcess, WarnsOfUnknownVariables) {
    EXPECT_EXIT(
        {
            setenv("FLEXION_CASH_DIR", "/", 1);
            setenv("FLEXION_TEST_SEED", "1", 1);
            log(LogChannel::cache, "off");
            std::exit(0);
        },
        testing::ExitedWithCode(0),
        "^flexion.warn. FLEXION_CASH_DIR is not a variable of Flexion: ignored\n$");
}

TEST_F(FreshProcess, LogsTheChannelsAskedFor) {
    EXPECT_EXIT(
        {
            setenv("FLEXION_LOG", "ir,launch,-warn", 1);
            log(LogChannel::ir, "{} {}", "one", 1);
            log(LogChannel::cache, "two");
            log(LogChannel::warn, "three");
            log(LogChannel::launch, "four");
            std::exit(0);
        },
        testing::ExitedWithCode(0), "^flexion.ir. one 1\nflexion.launch. four\n$");
}

TEST(Log, ListsOfChannels) {
    const auto bit = [](LogChannel channel) { return 1u << static_cast<int>(channel); };
    const std::uint32_t warn = bit(LogChannel::warn);
    EXPECT_EQ(log_mask_of("", ""), warn);
    EXPECT_EQ(log_mask_of("none", ""), 0u);
    EXPECT_EQ(log_mask_of("-warn", ""), 0u);
    EXPECT_EQ(log_mask_of("none,cache", ""), bit(LogChannel::cache));
    EXPECT_EQ(log_mask_of("ir,source", ""), warn | bit(LogChannel::ir) | bit(LogChannel::source));
    EXPECT_EQ(log_mask_of("all,-ir", ""), log_mask_of("all", "") & ~bit(LogChannel::ir));
}

std::string g_seen;

TEST(Log, GoesToTheSink) {
    const Scoped scoped("log", "facts");
    g_seen.clear();
    set_log_sink([](const char* channel, std::string_view message) {
        g_seen += std::string(channel) + ": " + std::string(message) + "\n";
    });
    log(LogChannel::facts, "x={}", 3);
    log(LogChannel::ir, "no");
    set_log_sink(nullptr);
    EXPECT_EQ(g_seen, "facts: x=3\n");
    EXPECT_TRUE(log_is_on(LogChannel::facts));
    EXPECT_FALSE(log_is_on(LogChannel::ir));
}

}  // namespace
}  // namespace flexion
