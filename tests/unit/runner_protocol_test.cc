// Tests of the frames between agent and runner: round trips, arrival in pieces, and everything that
// is no frame.
#include <gtest/gtest.h>

#include "agent/runner/protocol.h"

namespace skerry::runner {
namespace {

const std::vector<Frame>& sample_frames() {
  static const std::vector<Frame> frames = {
      Load{.manifest_json = "{}",
           .digest = "sha256:00",
           .device = "cuda:1",
           .threads = 3,
           .policy = {.limits = {.artifact_bytes = 5, .entries = 4, .ratio = 9},
                      .allow = {"aten::save", "mine::*"},
                      .deny = {"aten::add"}}},
      Loaded{.load_us = 1, .memory_bytes = std::uint64_t{1} << 40, .device = "cpu"},
      Run{.id = 7, .sequence = "call-9", .inputs = std::string("\0\xff", 2)},
      Run{},
      Ran{.id = ~std::uint64_t{0},
          .service_us = 5,
          .cpu_us = 4,
          .outputs = std::string(70'000, 'x')},
      Failed{.id = 7, .code = ErrorCode::kInternal, .message = "why"},
      Ready{.layers = {{.layer = Layer::kCgroup, .missing = "why"},
                       {.layer = Layer::kPid, .missing = ""}}},
  };
  return frames;
}

// Frames have no equality; their encoding tells them apart.
std::string bytes_of(const Result<Frame>& frame) {
  return frame ? encode_frame(*frame) : frame.error().message;
}

TEST(RunnerProtocol, WritesTheDocumentedBytes) {
  const Failed failed{.id = 2, .code = ErrorCode::kNotFound, .message = "no"};
  EXPECT_EQ(encode_frame(failed), std::string("\x10\0\0\0"
                                              "\5"
                                              "\2\0\0\0\0\0\0\0"
                                              "\1"
                                              "\2\0\0\0"
                                              "no",
                                              20));
}

TEST(RunnerProtocol, ReadsBackWhatItWrote) {
  for (const Frame& frame : sample_frames()) {
    FrameReader reader;
    reader.append(encode_frame(frame));
    const auto read = reader.next();
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->index(), frame.index());
    EXPECT_EQ(bytes_of(read), encode_frame(frame));
    EXPECT_EQ(reader.next().error().code, ErrorCode::kUnavailable);
  }
}

TEST(RunnerProtocol, FramesArriveWholeHoweverTheBytesAreCut) {
  std::string stream;
  for (const Frame& frame : sample_frames()) {
    stream += encode_frame(frame);
  }
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 4096u, 1'000'000u}) {
    FrameReader reader;
    std::string again;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.append(std::string_view(stream).substr(at, piece));
      for (auto frame = reader.next(); frame; frame = reader.next()) {
        again += encode_frame(*frame);
      }
    }
    EXPECT_EQ(again, stream) << piece;
  }
}

TEST(RunnerProtocol, ATruncatedFrameIsNotYetThere) {
  for (const Frame& frame : sample_frames()) {
    const std::string whole = encode_frame(frame);
    for (std::size_t length = 0; length < std::min<std::size_t>(whole.size(), 200); ++length) {
      FrameReader reader;
      reader.append(std::string(whole.substr(0, length)));
      EXPECT_EQ(reader.next().error().code, ErrorCode::kUnavailable) << length;
    }
  }
}

TEST(RunnerProtocol, AFrameWhoseLengthDoesNotFitItsFieldsIsCorrupt) {
  for (const Frame& frame : sample_frames()) {
    const std::string whole = encode_frame(frame);
    const auto body_bytes = static_cast<std::uint32_t>(whole.size() - 4);
    for (std::uint32_t claimed = body_bytes < 200 ? 0 : body_bytes - 200; claimed <= body_bytes + 1;
         ++claimed) {
      std::string bent = whole + '\0';
      for (int i = 0; i < 4; ++i) {
        bent[static_cast<std::size_t>(i)] = static_cast<char>(claimed >> (8 * i));
      }
      bent.resize(4 + claimed);
      FrameReader reader;
      reader.append(bent);
      const auto read = reader.next();
      if (claimed == body_bytes) {
        EXPECT_TRUE(read);
      } else {
        EXPECT_EQ(read.error().code, ErrorCode::kCorrupt) << claimed;
      }
    }
  }
}

TEST(RunnerProtocol, UnknownTypesCodesAndSizesAreCorrupt) {
  const std::string bad[] = {
      std::string("\1\0\0\0\6", 5),  // type 6
      std::string("\1\0\0\0\0", 5),  // type 0
      std::string("\x0e\0\0\0\5"
                  "\0\0\0\0\0\0\0\0"
                  "\x63"
                  "\0\0\0\0",
                  18),                     // error code 99
      std::string("\xff\xff\xff\xff", 4),  // 4 GiB
  };
  for (const std::string& bytes : bad) {
    FrameReader reader;
    reader.append(bytes);
    EXPECT_EQ(reader.next().error().code, ErrorCode::kCorrupt);
  }
}

}  // namespace
}  // namespace skerry::runner
