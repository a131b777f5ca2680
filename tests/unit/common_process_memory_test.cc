#include <gtest/gtest.h>

#include "common/process_memory.h"

namespace skerry {
namespace {

TEST(ProcessMemory, IsThatOfThisProcessAndNothingForOneThatIsGone) {
  EXPECT_GT(resident_bytes(), 1U << 20);
  EXPECT_EQ(resident_bytes("0"), 0U);
}

}  // namespace
}  // namespace skerry
