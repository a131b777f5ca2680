// Hostile models against the real runner, and files that change while it loads them: each is refused with
// what is wrong, and the runner lives on.
//
// SKERRY_SWAPS=1000 runs the race of a model's file for as many loads; without it a few.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "common/random.h"
#include "tests/unit/inspect_world.h"
#include "tests/unit/runner_bench.h"

namespace skerry::runner {
namespace {

using inspect::archive_of;
using inspect::Pickle;
using inspect::small_code;
using inspect::small_model;
using inspect::small_model_with;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct HostileModels : testing::Test {
  const std::string folder = testing::TempDir() + "/skerry-hostile-" + to_hex(random_bytes(6));

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
    return folder + "/" + name;
  }
  std::string write(const std::vector<inspect::TestEntry>& entries) const {
    return write("model.pt", archive_of(entries).bytes);
  }
  static Load load_of_small(const std::string& path) {
    return load_of(manifest_of({tensor_input("x", {2, 2})}), path);
  }
  // "" if the runner loads it.
  std::string refusal(const std::vector<inspect::TestEntry>& entries,
                      const inspect::Policy& policy = {}) const {
    Bench bench;
    Load load = load_of_small(write(entries));
    load.policy = policy;
    const auto frame = bench.call(load);
    if (!frame) {
      return "the runner is gone: " + frame.error().message;
    }
    const auto* failed = std::get_if<Failed>(&*frame);
    return failed != nullptr ? failed->message : "";
  }
  // A model whose forward ends with one more line.
  static std::vector<inspect::TestEntry> model_that_does(const std::string& line) {
    std::string code = small_code();
    const std::size_t end = code.find("    return");
    return small_model_with(
        {"code/__torch__.py", code.substr(0, end) + "    " + line + "\n" + code.substr(end)});
  }
};

TEST_F(HostileModels, AModelWrittenByHandRuns) {
  const std::vector<float> weights = {1, 2, 3, 4};
  std::string bytes(16, '\0');
  std::memcpy(bytes.data(), weights.data(), bytes.size());
  Bench bench;
  ASSERT_TRUE(bench.load(load_of_small(write(small_model_with({"data/0", bytes})))));
  EXPECT_THAT(floats_of(bench.run({{"x", floats({2, 2}, {10, 10, 10, 10})}})[0]),
              ElementsAre(11, 12, 13, 14));
}

TEST_F(HostileModels, OperatorsThatReachOutAreRefusedByName) {
  const std::string target = folder + "/written";
  EXPECT_THAT(refusal(model_that_does("torch.save(weight, \"" + target + "\")")),
              AllOf(HasSubstr("entry 'code/__torch__.py', line 8 uses aten::save"),
                    HasSubstr("models.allow_operators: ['aten::save']")));
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_THAT(refusal(model_that_does("x0 = torch.from_file(\"/etc/hostname\", False, 4)")),
              HasSubstr("aten::from_file"));
  EXPECT_THAT(refusal(model_that_does("x0 = ops.mine.evil(x)")), HasSubstr("mine::evil"));
  EXPECT_THAT(refusal(model_that_does("x0 = fork(self.forward, x)")), HasSubstr("prim::fork"));
}

TEST_F(HostileModels, WhatTextsDoNotShowIsFoundInWhatWasCompiled) {
  // A method of a tensor: the compiler makes it aten::set_.
  EXPECT_THAT(refusal(model_that_does("x0 = (x).set_(weight)")),
              AllOf(HasSubstr("its function '__torch__.Model.forward' uses aten::set_")));
  EXPECT_THAT(refusal(model_that_does("self.weight = (x).pin_memory()")),
              HasSubstr("uses aten::pin_memory"));
}

TEST_F(HostileModels, WhatIsAllowedHereLoads) {
  EXPECT_EQ(refusal(model_that_does("x0 = (x).set_(weight)"), {.allow = {"aten::set_"}}), "");
  EXPECT_THAT(refusal(small_model(), {.deny = {"aten::add"}}), HasSubstr("models.deny_operators"));
}

TEST_F(HostileModels, PicklesThatCallAreRefused) {
  const auto data = [&](const std::string& pickle) {
    return refusal(small_model_with({"data.pkl", pickle}));
  };
  const std::string target = folder + "/touched";
  EXPECT_THAT(
      data(Pickle().global("os", "system").raw("(").text("touch " + target).raw("tR").done()),
      HasSubstr("entry 'data.pkl', byte 2 makes objects of 'os.system'"));
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_THAT(data(Pickle().global("builtins", "eval").raw("(").text("1").raw("tR").done()),
              HasSubstr("builtins.eval"));
  EXPECT_THAT(data(Pickle().number(0).raw(")R").done()), HasSubstr("neither a function"));
}

TEST_F(HostileModels, TensorsThatReachOutOfTheirStorageAreRefused) {
  const auto weight = [&](const Pickle& tensor) {
    const std::string pickle = tensor.done();
    return refusal(small_model_with(
        {"data.pkl", Pickle()
                         .global("__torch__", "Model")
                         .raw(")\x81}(")
                         .text("weight")
                         .raw(std::string_view(pickle).substr(2, pickle.size() - 3))
                         .raw("ub")
                         .done()}));
  };
  EXPECT_THAT(weight(Pickle().tensor("0", 4, 0, {1000, 1000}, {1000, 1})),
              HasSubstr("reaches out of its storage"));
  EXPECT_THAT(weight(Pickle().tensor("0", 4'000'000, 0, {2, 2}, {2, 1})),
              HasSubstr("its entry has 16 bytes"));
  EXPECT_EQ(weight(Pickle().tensor("0", 4, 0, {2, 2}, {2, 1})), "");
}

TEST_F(HostileModels, ValuesOfAnotherTypeThanDeclaredAreRefused) {
  const auto holding = [&](const Pickle& value) {
    const std::string pickle = value.done();
    return refusal(small_model_with(
        {"data.pkl", Pickle()
                         .global("__torch__", "Model")
                         .raw(")\x81}(")
                         .text("weight")
                         .raw(std::string_view(pickle).substr(2, pickle.size() - 3))
                         .raw("ub")
                         .done()}));
  };
  EXPECT_THAT(holding(Pickle().number(7)), HasSubstr("its attribute Model.weight holds a value"));
  EXPECT_THAT(holding(Pickle().text("x")), HasSubstr("holds a value of another type"));
  EXPECT_THAT(holding(Pickle().raw("N")), HasSubstr("holds a value of another type"));
}

TEST_F(HostileModels, BombsAndEscapesAreRefused) {
  EXPECT_THAT(refusal(small_model_with({"code/b.py", std::string(20'000'000, '\n'), true})),
              HasSubstr("models.max_ratio"));
  EXPECT_THAT(refusal(small_model_with({"../../../../tmp/x.py", "x"})), HasSubstr("is no name"));
  std::string nested = "x = ";
  nested.append(50'000, '(');
  EXPECT_THAT(refusal(small_model_with({"code/b.py", nested})), HasSubstr("nested too deeply"));
  const std::string tuples = "N" + std::string(1'000'000, '\x85');
  EXPECT_THAT(refusal(small_model_with({"constants.pkl", Pickle().raw(tuples).done()})),
              HasSubstr("nested too deeply"));
}

TEST_F(HostileModels, ARefusedModelLeavesTheRunnerAsItWas) {
  Bench bench;
  EXPECT_THAT(
      bench.load_error(load_of_small(write(model_that_does("torch.save(x, \"f\")")))).message,
      StartsWith("the model is refused: "));
  EXPECT_TRUE(bench.load(load_of_small(write(small_model()))));
}

TEST_F(HostileModels, AnotherDigestIsRefusedAndSaidToBeTheFilesFault) {
  Bench bench;
  Load load = load_of_small(write(small_model()));
  write(small_model_with({"data/0", std::string(16, 'e')}));
  const Error error = bench.load_error(load);
  EXPECT_EQ(error.code, ErrorCode::kCorrupt);
  EXPECT_THAT(error.message, HasSubstr("it has sha256:"));
}

// ---- a file that changes between check and load

// Makes of a model's file whatever somebody with its directory can, as fast as it goes.
class Vandal {
 public:
  Vandal(std::string path, std::string good, std::string evil, std::uint64_t seed)
      : path_(std::move(path)),
        good_(std::move(good)),
        evil_(std::move(evil)),
        random_(seed),
        thread_([this] { run(); }) {}
  ~Vandal() {
    stop_ = true;
    thread_.join();
  }
  Vandal(const Vandal&) = delete;
  Vandal& operator=(const Vandal&) = delete;

 private:
  void run() {
    while (!stop_) {
      switch (random_.below(5)) {
        case 0:
          replace(evil_);
          break;
        case 1:
          overwrite(evil_);
          break;
        case 2:
          std::filesystem::resize_file(path_, random_.below(good_.size()));
          break;
        default:  // as it should be, so that some loads succeed
          random_.chance(0.5) ? replace(good_) : overwrite(good_);
          break;
      }
    }
  }
  void replace(const std::string& bytes) const {
    std::ofstream(path_ + ".new", std::ios::binary) << bytes;
    std::filesystem::rename(path_ + ".new", path_);
  }
  void overwrite(const std::string& bytes) const {
    std::fstream(path_, std::ios::binary | std::ios::in | std::ios::out) << bytes;
    std::filesystem::resize_file(path_, bytes.size());
  }

  const std::string path_;
  const std::string good_;
  const std::string evil_;
  Random random_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

std::string weights_of(float value) {
  const std::vector<float> weights(4, value);
  std::string bytes(16, '\0');
  std::memcpy(bytes.data(), weights.data(), bytes.size());
  return bytes;
}

TEST_F(HostileModels, AFileThatChangesBetweenCheckAndLoadIsNeverLoadedWrong) {
  const char* asked = std::getenv("SKERRY_SWAPS");
  const int loads = asked != nullptr ? std::atoi(asked) : 8;
  const std::string good = archive_of(small_model_with({"data/0", weights_of(1)})).bytes;
  const std::string evil = archive_of(small_model_with({"data/0", weights_of(666)})).bytes;
  ASSERT_EQ(good.size(), evil.size());
  const std::string path = write("model.pt", good);
  const Load load = load_of_small(path);  // with the digest of the good one: the check
  const std::uint64_t seed = random_seed();
  int loaded = 0;
  int refused = 0;
  for (int i = 0; i < loads; ++i) {
    std::optional<Vandal> vandal;
    vandal.emplace(path, good, evil, seed + static_cast<std::uint64_t>(i));
    Bench bench;
    const auto frame = bench.call(load);
    vandal.reset();
    write("model.pt", good);
    ASSERT_TRUE(frame) << frame.error().message << ", seed " << seed;
    if (std::holds_alternative<Loaded>(*frame)) {
      ++loaded;
      ASSERT_THAT(floats_of(bench.run({{"x", floats({2, 2}, {0, 0, 0, 0})}})[0]),
                  ElementsAre(1, 1, 1, 1))
          << "the wrong model was loaded, seed " << seed;
    } else {
      ++refused;
      ASSERT_EQ(std::get<Failed>(*frame).code, ErrorCode::kCorrupt)
          << std::get<Failed>(*frame).message;
    }
  }
  EXPECT_EQ(loaded + refused, loads);
  RecordProperty("loaded", loaded);
  RecordProperty("refused", refused);
  if (asked != nullptr) {
    EXPECT_GT(loaded, 0);
    EXPECT_GT(refused, 0);
  }
}

// The same without libtorch, a thousand times in every run.
TEST_F(HostileModels, WhatIsReadIsWhatWasCheckedOrNothing) {
  const std::string good = archive_of(small_model_with({"data/0", weights_of(1)})).bytes;
  const std::string evil = archive_of(small_model_with({"data/0", weights_of(666)})).bytes;
  const std::string path = write("model.pt", good);
  const std::string digest = sha256_digest(good);
  const std::uint64_t seed = random_seed();
  const Vandal vandal(path, good, evil, seed);
  int read = 0;
  for (int i = 0; i < 1000; ++i) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(file, 0) << std::strerror(errno);
    const auto artifact = inspect::Artifact::read(file, digest, 1 << 20);
    close(file);
    if (artifact) {
      ++read;
      ASSERT_EQ(artifact->bytes(), good) << "seed " << seed;
    } else {
      ASSERT_EQ(artifact.error().code, ErrorCode::kCorrupt) << artifact.error().message;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_LT(read, 1000);
}

}  // namespace
}  // namespace skerry::runner
