#include <gtest/gtest.h>

#include "common/process_memory.h"

namespace skerry {
namespace {

TEST(ProcessMemory, IsThatOfThisProcessAndNothingForOneThatIsGone) {
  EXPECT_GT(resident_bytes(), 1U << 20);
  EXPECT_EQ(resident_bytes("0"), 0U);
}

TEST(ProcessMemory, OnesOwnIsReadAgainAndAgainFromOneDescriptor) {
  const OwnMemory memory;
  const std::uint64_t before = memory.resident_bytes();
  EXPECT_GT(before, 1U << 20);
  std::string more(64u << 20, 'm');
  volatile char* const kept = more.data();  // so that it is really there
  EXPECT_GT(memory.resident_bytes(), before + (more.size() / 2)) << kept[0];
}

}  // namespace
}  // namespace skerry
