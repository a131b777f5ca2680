// How many descriptors are left for clients.
#include "controller/descriptors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace skerry::controller {
namespace {

TEST(Descriptors, ClientsGetWhatTheyMayOrWhatIsLeftOver) {
  EXPECT_EQ(connections_within(1'000'000, 4096), 4096u);
  EXPECT_EQ(connections_within(20'000, 100'000), 20'000u - 8192u);
  EXPECT_EQ(connections_within(1024, 4096), 512u);
}

TEST(Descriptors, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace skerry::controller
