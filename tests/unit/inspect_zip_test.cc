// The strict reader of archives: what PyTorch writes passes, every departure is refused and named.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/runner/inspect/zip.h"
#include "tests/unit/inspect_world.h"

namespace skerry::inspect {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string refusal(const std::string& bytes, const Limits& limits = {}) {
  const auto entries = read_directory(bytes, limits);
  return entries ? "" : entries.error().message;
}

const std::vector<TestEntry> kTwo = {{"data.pkl", "some bytes"}, {"code/a.py", "text", true}};

TEST(Zip, ReadsWhatPytorchWrites) {
  const TestArchive archive = archive_of(
      {{"data/0", ""}, {"data.pkl", "pickled"}, {"code/a.py", std::string(500, 'c'), true}});
  const auto entries = read_directory(archive.bytes, {});
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_THAT(*entries, SizeIs(3));
  EXPECT_EQ((*entries)[0].name, "data/0");
  EXPECT_EQ((*entries)[0].data, "");
  EXPECT_EQ((*entries)[1].data, "pickled");
  EXPECT_EQ((*entries)[1].crc, crc_of("pickled"));
  EXPECT_TRUE((*entries)[2].deflated);
  EXPECT_EQ(inflate((*entries)[2], {}).value(), std::string(500, 'c'));
}

TEST(Zip, AFolderMayHaveAnyNameThatIsOne) {
  EXPECT_EQ(refusal(archive_of(kTwo, "a model (1) \xc3\xbc/").bytes), "");
  EXPECT_THAT(refusal(archive_of(kTwo, "../").bytes), HasSubstr("is no name"));
  EXPECT_THAT(refusal(archive_of(kTwo, "/").bytes), HasSubstr("is no name"));
  EXPECT_THAT(refusal(archive_of(kTwo, "\xff/").bytes), HasSubstr("is no name"));
  EXPECT_THAT(refusal(archive_of(kTwo, "").bytes), HasSubstr("is no name"));
}

TEST(Zip, NamesThatLeadElsewhereAreRefused) {
  for (const std::string& name :
       {std::string("../data.pkl"), std::string("a/../../x"), std::string("a//b"),
        std::string("./a"), std::string("a/."), std::string("a/"), std::string("/etc/passwd"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("a\nb"), std::string("\x7f"),
        std::string(2000, 'n')}) {
    EXPECT_THAT(refusal(archive_of({{name, "x"}}).bytes), HasSubstr("is no name")) << name;
  }
  TestArchive split = archive_of({{"data.pkl", "x"}, {"version", "3"}});
  for (std::size_t at : {split.entries[1].local + 30, split.entries[1].central + 46}) {
    split.bytes[at] = 'M';
  }
  EXPECT_THAT(refusal(split.bytes),
              HasSubstr("'Model/version' lies outside of the folder 'model'"));
}

TEST(Zip, ANameIsThereOnce) {
  EXPECT_THAT(refusal(archive_of({{"data.pkl", "good"}, {"data.pkl", "evil"}}).bytes),
              HasSubstr("'data.pkl' is there twice"));
}

TEST(Zip, WhatALocalHeaderSaysOtherwiseIsRefused) {
  const TestArchive good = archive_of(kTwo);
  ASSERT_EQ(refusal(good.bytes), "");
  const EntryPlace& first = good.entries[0];
  // Its mark, version, flags, method, time, CRC, both sizes, the lengths of name and extra, the name.
  for (const std::size_t field : {0, 4, 6, 8, 10, 14, 18, 22, 26, 28, 36}) {
    TestArchive bad = good;
    bad.bytes[first.local + field] ^= 1;
    EXPECT_THAT(refusal(bad.bytes), HasSubstr("is not at byte 0 what the directory says")) << field;
  }
  for (std::size_t i = 0; i < 16; ++i) {
    TestArchive bad = good;
    bad.bytes[first.descriptor + i] ^= 1;
    EXPECT_NE(refusal(bad.bytes), "") << i;
  }
}

TEST(Zip, WhatTheDirectorySaysOtherwiseIsRefused) {
  const TestArchive good = archive_of(kTwo);
  const EntryPlace& second = good.entries[1];
  // Everything but who made it, and what of its attributes is the internal one's.
  for (std::size_t i = 0; i < 46; ++i) {
    if (i == 4 || i == 5 || i == 36 || i == 37) {
      continue;
    }
    TestArchive bad = good;
    bad.bytes[second.central + i] ^= 1;
    EXPECT_NE(refusal(bad.bytes), "") << i;
  }
}

TEST(Zip, ItsEndsAreWhereTheyBelong) {
  const TestArchive good = archive_of(kTwo);
  for (std::size_t at = good.wide_end; at < good.bytes.size(); ++at) {
    const std::size_t within = at - good.wide_end;
    if (within >= 12 && within < 16) {
      continue;  // versions
    }
    TestArchive bad = good;
    bad.bytes[at] ^= 1;
    EXPECT_NE(refusal(bad.bytes), "") << within;
  }
  EXPECT_THAT(refusal(good.bytes + "comment"), HasSubstr("does not end with the end"));
  EXPECT_NE(refusal(good.bytes.substr(0, good.bytes.size() - 1)), "");
  EXPECT_NE(refusal(""), "");
  TestArchive comment = good;
  comment.set(comment.end + 20, std::uint16_t{7});
  EXPECT_THAT(refusal(comment.bytes + "comment"), HasSubstr("does not end with the end"));
}

TEST(Zip, DataBeforeBetweenAndBehindTheEntriesIsRefused) {
  const TestArchive good = archive_of(kTwo);
  EXPECT_NE(refusal("#!/bin/sh\n" + good.bytes), "");
  // The same with every offset mended.
  const std::string shift(64, 's');
  TestArchive moved = good;
  moved.set(good.end + 16, static_cast<std::uint32_t>(good.directory + 64));
  moved.set(good.wide_end + 48, std::uint64_t{good.directory + 64});
  moved.set(good.wide_end + 64, std::uint64_t{good.wide_end + 64});
  for (const EntryPlace& place : good.entries) {
    moved.set(place.central + 42, static_cast<std::uint32_t>(place.local + 64));
  }
  EXPECT_THAT(refusal(shift + moved.bytes), HasSubstr("does not follow the one before it"));
  TestArchive between = good;
  between.set(good.end + 16, static_cast<std::uint32_t>(good.directory + 64));
  between.set(good.wide_end + 48, std::uint64_t{good.directory + 64});
  between.set(good.wide_end + 64, std::uint64_t{good.wide_end + 64});
  between.bytes.insert(good.directory, shift);
  EXPECT_THAT(refusal(between.bytes), HasSubstr("there is more in it than its entries"));
}

TEST(Zip, EntriesThatOverlapAreRefused) {
  // Both entries of the directory at the first one's place: the bomb without nesting.
  TestArchive bomb = archive_of({{"data/0", "same"}, {"data/1", "same"}});
  bomb.set(bomb.entries[1].central + 42, static_cast<std::uint32_t>(bomb.entries[0].local));
  EXPECT_THAT(refusal(bomb.bytes), HasSubstr("does not follow the one before it"));
  // An entry that holds the next one's header as its data.
  TestArchive quine = archive_of({{"data/0", "same"}, {"data/1", "same"}});
  quine.set(quine.entries[0].central + 20, std::uint32_t{100});
  quine.set(quine.entries[0].central + 24, std::uint32_t{100});
  EXPECT_NE(refusal(quine.bytes), "");
}

TEST(Zip, OtherWaysToPackAreRefused) {
  for (const std::uint16_t method : {1, 6, 9, 12, 14, 93, 99}) {
    TestArchive other = archive_of(kTwo);
    other.set(other.entries[0].local + 8, method);
    other.set(other.entries[0].central + 10, method);
    EXPECT_THAT(refusal(other.bytes), HasSubstr("is packed in another way")) << method;
  }
  for (const std::uint16_t flag : {0x0001, 0x0020, 0x0040, 0x2000}) {  // encrypted, patched, strong
    TestArchive other = archive_of(kTwo);
    other.set(other.entries[0].local + 6, static_cast<std::uint16_t>(0x0808 | flag));
    other.set(other.entries[0].central + 8, static_cast<std::uint16_t>(0x0808 | flag));
    EXPECT_THAT(refusal(other.bytes), HasSubstr("is packed in another way")) << flag;
  }
}

TEST(Zip, AMillionEntriesAreRefusedByTheirNumber) {
  TestArchive many = archive_of(kTwo);
  for (const std::size_t at : {many.wide_end + 24, many.wide_end + 32}) {
    many.set(at, std::uint64_t{1'000'000});
  }
  many.set(many.end + 8, std::uint16_t{0xffff});
  many.set(many.end + 10, std::uint16_t{0xffff});
  EXPECT_THAT(refusal(many.bytes), HasSubstr("it has 1000000 entries; 65536 are allowed"));
  many.set(many.wide_end + 24, std::uint64_t{60'000})
      .set(many.wide_end + 32, std::uint64_t{60'000});
  many.set(many.end + 8, std::uint16_t{60'000}).set(many.end + 10, std::uint16_t{60'000});
  EXPECT_THAT(refusal(many.bytes), HasSubstr("does not lie where its end says"));
}

TEST(Zip, ABombIsRefusedByItsRatio) {
  const std::string zeros(4'000'000, '\0');
  const TestArchive bomb = archive_of({{"code/a.py", zeros, true}});
  const auto entries = read_directory(bomb.bytes, {});
  ASSERT_TRUE(entries);
  EXPECT_THAT(inflate((*entries)[0], {}).error().message, HasSubstr("100 times is allowed"));
  EXPECT_EQ(inflate((*entries)[0], {.ratio = 2000}).value(), zeros);
}

TEST(Zip, AnEntryInflatesToItsSizeOutOfAllItsData) {
  const std::string content = "def forward(self):\n  return self\n";
  const TestArchive archive = archive_of({{"code/a.py", content, true}});
  ZipEntry entry = read_directory(archive.bytes, {}).value()[0];
  for (const std::uint64_t wrong : {content.size() - 1, content.size() + 1, std::size_t{0}}) {
    ZipEntry other = entry;
    other.size_bytes = wrong;
    EXPECT_FALSE(inflate(other, {})) << wrong;
  }
  const std::string longer = std::string(entry.data) + "x";
  ZipEntry other = entry;
  other.data = longer;
  EXPECT_FALSE(inflate(other, {})) << "bytes behind the stream";
  other.data = entry.data.substr(0, entry.data.size() - 1);
  EXPECT_FALSE(inflate(other, {}));
  other.size_bytes = std::uint64_t{1} << 40;
  EXPECT_FALSE(inflate(other, {.ratio = 0xffffffff}));
}

}  // namespace
}  // namespace skerry::inspect
