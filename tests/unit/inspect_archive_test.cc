// A model's file from descriptor to the archive that libtorch is given: the digest, the entries that
// belong into one, and an archive that says the same as the file.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/runner/inspect/checked_model.h"
#include "agent/runner/inspect/zip.h"
#include "tests/unit/inspect_world.h"

namespace skerry::inspect {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// ---- the file

TEST(Artifact, HoldsTheBytesOfItsDigestAndNoOthers) {
  const std::string bytes(1'500'000, 'b');
  const MemoryFile file(bytes);
  const auto read = Artifact::read(file.fd(), sha256_digest(bytes), 2'000'000);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->bytes(), bytes);
  const auto other = Artifact::read(file.fd(), sha256_digest("other"), 2'000'000);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(other.error().message, HasSubstr(sha256_digest(bytes)));
}

TEST(Artifact, WhatHappensToTheFileAfterwardsDoesNotMatter) {
  const std::string bytes(100'000, 'b');
  const MemoryFile file(bytes);
  const auto read = Artifact::read(file.fd(), sha256_digest(bytes), 200'000);
  ASSERT_TRUE(read);
  ASSERT_EQ(pwrite(file.fd(), "evil", 4, 50'000), 4);
  ASSERT_EQ(ftruncate(file.fd(), 10), 0);
  EXPECT_EQ(read->bytes(), bytes);
}

TEST(Artifact, IsNeitherTooLargeNorAnythingButAFile) {
  const MemoryFile file("0123456789");
  EXPECT_EQ(Artifact::read(file.fd(), sha256_digest("0123456789"), 9).error().code,
            ErrorCode::kTooLarge);
  EXPECT_TRUE(Artifact::read(file.fd(), sha256_digest("0123456789"), 10));
  const int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  EXPECT_EQ(Artifact::read(folder, "", 10).error().code, ErrorCode::kInvalidArgument);
  close(folder);
  EXPECT_EQ(Artifact::read(-1, "", 10).error().code, ErrorCode::kIo);
  const MemoryFile empty("");
  EXPECT_TRUE(Artifact::read(empty.fd(), sha256_digest(""), 10));
}

TEST(Artifact, GivesPagesBackThatWillNotBeReadAgain) {
  const std::string bytes(1 << 20, 'b');
  const MemoryFile file(bytes);
  const auto read = Artifact::read(file.fd(), sha256_digest(bytes), 1 << 20);
  ASSERT_TRUE(read);
  read->release(read->bytes().substr(5000, 100'000));
  EXPECT_EQ(read->bytes().substr(0, 5000), std::string(5000, 'b'));
  EXPECT_EQ(read->bytes().substr(105'000), std::string((1 << 20) - 105'000, 'b'));
  EXPECT_EQ(read->bytes()[50'000], '\0');
}

// ---- the entries

TEST(CheckedModel, TakesAModelAsPytorchWritesIt) {
  EXPECT_EQ(verdict(small_model()), "");
  for (const char* extra :
       {"extra/labels.txt", "extra/a folder/x.json", "byteorder", ".data/serialization_id",
        ".format_version", ".storage_alignment", "traced_inputs.pkl", "traced_inputs/0",
        "bytecode.pkl", "data/17", "code/__torch__/torch/nn/modules/___torch_mangle_3.py"}) {
    const std::string content = std::string(extra) == "byteorder" ? "little" : "";
    EXPECT_EQ(verdict(small_model_with({extra, content})), "") << extra;
  }
}

TEST(CheckedModel, EntriesThatBelongIntoNoModelRefuseIt) {
  for (const char* name : {"model.json", "code/a.so", "code/a.pyc", "code/../x.py", "lib.so",
                           "data/a", "data/01", "data/99999999999", "constants/x", "DATA.PKL",
                           ".data/ts_code/0/data.pkl", "code/", "attributes.json", "code/a-b.py"}) {
    EXPECT_THAT(verdict(small_model_with({name, "x"})), StartsWith("the model is refused: "))
        << name;
  }
  EXPECT_THAT(verdict(small_model_with({"byteorder", "big"})), HasSubstr("says 'big'"));
  EXPECT_THAT(verdict(small_model_with({"version", "-1"})), HasSubstr("is no version"));
  EXPECT_THAT(verdict(small_model_with({".data/version", "3"})), HasSubstr("is no version"))
      << "a second one";
  EXPECT_THAT(verdict({{"data.pkl", "x"}, {"version", "3"}}), HasSubstr("lacks"));
}

TEST(CheckedModel, OnlyCodeIsDeflated) {
  EXPECT_THAT(verdict(small_model_with({"data.pkl", small_data(), true})),
              HasSubstr("entry 'data.pkl' is deflated"));
  EXPECT_THAT(verdict(small_model_with({"data/0", std::string(16, 'w'), true})),
              HasSubstr("is deflated"));
}

TEST(CheckedModel, SaysWhichEntryIsWrong) {
  EXPECT_THAT(verdict(small_model_with({"code/__torch__/evil.py",
                                        "def f(x: Tensor) -> Tensor:\n  return torch.save(x)\n"})),
              AllOf(HasSubstr("entry 'code/__torch__/evil.py', line 2 uses aten::save"),
                    HasSubstr("models.allow_operators")));
  EXPECT_THAT(verdict(small_model_with({"constants.pkl", Pickle().global("os", "system").done()})),
              HasSubstr("entry 'constants.pkl', byte 2 makes objects of 'os.system'"));
  EXPECT_THAT(verdict(small_model_with(
                  {"code/__torch__.py.debug_pkl", Pickle().global("os", "system").done()})),
              HasSubstr("'os.system' belongs into no debug table"));
}

TEST(CheckedModel, StoragesOfDataAndConstantsAreTheirOwn) {
  const std::string tuple = Pickle().tensor("0", 4, 0, {4}, {1}).raw("\x85").done();
  EXPECT_THAT(verdict(small_model_with({"constants.pkl", tuple})), HasSubstr("no entry"));
  std::vector<TestEntry> both = small_model_with({"constants.pkl", tuple});
  both.push_back({"constants/0", std::string(16, 'c')});
  EXPECT_EQ(verdict(both), "");
}

TEST(CheckedModel, LimitsAreThoseOfTheConfiguration) {
  EXPECT_THAT(verdict(small_model(), {.limits = {.entries = 4}}), HasSubstr("models.max_entries"));
  EXPECT_THAT(verdict(small_model(), {.limits = {.pickle_bytes = 100}}),
              HasSubstr("models.max_pickle"));
  EXPECT_THAT(verdict(small_model(), {.limits = {.code_bytes = 100}}),
              HasSubstr("models.max_code"));
  EXPECT_THAT(verdict(small_model(), {.limits = {.artifact_bytes = 100}}),
              HasSubstr("models.max_artifact"));
  const std::string code = "x = [" + std::string(500'000, ' ') + "]\n";
  EXPECT_THAT(verdict(small_model_with({"code/a.py", code, true})), HasSubstr("models.max_ratio"));
  EXPECT_EQ(verdict(small_model_with({"code/a.py", code, true}), {.limits = {.ratio = 1000}}), "");
}

TEST(CheckedModel, EveryModelOfThisRepositoryPasses) {
  std::size_t models = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(SKERRY_SOURCE "/models")) {
    if (file.path().extension() == ".pt") {
      ++models;
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      EXPECT_EQ(verdict(bytes), "") << file.path();
    }
  }
  EXPECT_GE(models, 4u);
}

TEST(CheckedModel, AChangeAnywhereInAFileIsRefusedByItsDigest) {
  const std::string good = archive_of(small_model()).bytes;
  const std::string digest = sha256_digest(good);
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const MemoryFile file(bad);
    EXPECT_FALSE(Artifact::read(file.fd(), digest, bad.size())) << at;
  }
}

// ---- what libtorch reads

std::string all_of(FreshArchive& archive) {
  std::string bytes(archive.size_bytes(), '\0');
  EXPECT_TRUE(archive.read(0, bytes.data(), bytes.size()));
  return bytes;
}

TEST(FreshArchive, SaysTheSameInOurOwnForm) {
  FreshArchive archive;
  archive.add("data.pkl", "pickled", crc_of("pickled"));
  archive.add("data/0", "", 0);
  archive.add_once("data/1", "tensor", crc_of("tensor"));
  archive.finish();
  const std::string bytes = all_of(archive);
  const auto entries = read_directory(bytes, {});
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 3u);
  EXPECT_EQ((*entries)[0].name, "data.pkl");
  EXPECT_EQ((*entries)[0].data, "pickled");
  EXPECT_EQ((*entries)[1].data, "");
  EXPECT_EQ((*entries)[2].data, "tensor");
}

TEST(FreshArchive, IsReadFromAnywhereAndNotBeyondItsEnd) {
  const std::string content = "0123456789";
  FreshArchive archive;
  archive.add("data.pkl", content, crc_of(content));
  archive.add("version", "3\n", crc_of("3\n"));
  archive.finish();
  const std::string whole = all_of(archive);
  for (std::size_t begin = 0; begin < whole.size(); ++begin) {
    for (const std::size_t count : {1, 3, 40}) {
      std::string part(count, '\0');
      const bool within = begin + count <= whole.size();
      EXPECT_EQ(archive.read(begin, part.data(), count).has_value(), within);
      EXPECT_TRUE(!within || part == whole.substr(begin, count)) << begin;
    }
  }
  char byte = 0;
  EXPECT_FALSE(archive.read(whole.size(), &byte, 1));
  EXPECT_FALSE(archive.read(~std::uint64_t{0}, &byte, 1));
  EXPECT_TRUE(archive.read(whole.size(), &byte, 0));
}

TEST(FreshArchive, WhatWasReadInOnePieceIsGone) {
  std::vector<std::string> read;
  FreshArchive archive;
  archive.when_read([&read](std::string_view content) { read.emplace_back(content); });
  archive.add_once("data/0", "weights", crc_of("weights"));
  archive.finish();
  const std::size_t at = all_of(archive).find("weights");
  EXPECT_THAT(read, testing::IsEmpty())
      << "as a part of more, by one who looks for the archive's end";
  char bytes[7];
  EXPECT_TRUE(archive.read(at, bytes, 6));
  EXPECT_TRUE(archive.read(at + 1, bytes, 6));
  EXPECT_TRUE(archive.read(at, bytes, 7));
  EXPECT_THAT(read, testing::ElementsAre("weights"));
  EXPECT_THAT(archive.read(at, bytes, 1).error().message, HasSubstr("second time"));
  EXPECT_TRUE(archive.read(0, bytes, 1));
}

TEST(FreshArchive, SizesBeyond32BitsAreSaidIn64) {
  // Addresses alone: nobody reads that content.
  const std::uint64_t size = 5ull << 30;
  void* memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  FreshArchive archive;
  archive.add_once("data/0", {static_cast<const char*>(memory), size}, 7);
  archive.add("version", "3\n", crc_of("3\n"));
  archive.finish();
  std::string end(400, '\0');
  ASSERT_TRUE(archive.read(archive.size_bytes() - end.size(), end.data(), end.size()));
  ByteWriter sizes;
  sizes.number(std::uint16_t{1});
  sizes.number(std::uint16_t{16});
  sizes.number(size);
  sizes.number(size);
  EXPECT_THAT(end, HasSubstr("model/data/0" + sizes.take()));
  ByteWriter offset;
  offset.number(std::uint16_t{1});
  offset.number(std::uint16_t{8});
  offset.number(std::uint64_t{size + 30 + 12});
  EXPECT_THAT(end, HasSubstr("model/version" + offset.take()));
  munmap(memory, size);
}

}  // namespace
}  // namespace skerry::inspect
