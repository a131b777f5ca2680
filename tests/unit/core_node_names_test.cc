// To whom a node's name belongs when several agents say it.

#include "tests/unit/core_world.h"

namespace skerry::core {
namespace {

using CoreNodeNames = CoreWorld;

TEST_F(CoreNodeNames, AnAgentThatRestartsTakesItsNameOverAtOnce) {
  put_model();
  const auto before = start_agent("n1", "a", 1);
  const JobId id = submit(spec());
  const auto after = start_agent("n1", "a", 2);
  EXPECT_EQ(sent<RefuseAgent>(before).size(), 1u);
  EXPECT_EQ(sent<WelcomeAgent>(after).size(), 1u);
  EXPECT_EQ(last_assigned(after).job, id);
}

TEST_F(CoreNodeNames, ASecondAgentOfANameIsRefusedWhileTheFirstIsHeardOf) {
  put_model();
  const auto first = start_agent("n1", "a", 1);
  const JobId id = submit(spec());
  const AttemptRef attempt = last_assigned(first);
  const auto second = start_agent("n1", "b", 9);
  ASSERT_EQ(sent<RefuseAgent>(second).size(), 1u);
  const Error error = sent<RefuseAgent>(second)[0].error;
  EXPECT_EQ(error.code, ErrorCode::kAlreadyExists);
  EXPECT_NE(error.message.find("give this one another name"), std::string::npos) << error.message;
  EXPECT_TRUE(sent<RefuseAgent>(first).empty());
  EXPECT_TRUE(sent<WelcomeAgent>(second).empty());
  finish(second, attempt);  // it has no say in this node's work
  apply(SessionClosed{second, false});
  EXPECT_TRUE(core->node("n1")->connected);
  EXPECT_FALSE(is_terminal(state(id)));
  finish(first, attempt);
  EXPECT_EQ(state(id), TaskState::kSucceeded);
}

TEST_F(CoreNodeNames, ANameIsFreeOnceItsAgentIsSilentOrGone) {
  const auto first = start_agent("n1", "a", 1);
  pass(settings.suspect_after);
  const auto second = start_agent("n1", "b", 1);
  EXPECT_EQ(sent<WelcomeAgent>(second).size(), 1u);
  EXPECT_EQ(sent<RefuseAgent>(first).size(), 1u);
  apply(SessionClosed{second, true});
  const auto third = start_agent("n1", "c", 1);
  EXPECT_EQ(sent<WelcomeAgent>(third).size(), 1u);
}

TEST_F(CoreNodeNames, AnOlderStartOfAnAgentDoesNotTakeOverFromANewerOne) {
  const auto newer = start_agent("n1", "a", 2);
  const auto older = start_agent("n1", "a", 1);
  EXPECT_EQ(sent<RefuseAgent>(older).size(), 1u);
  EXPECT_TRUE(sent<RefuseAgent>(newer).empty());
}

TEST_F(CoreNodeNames, AnAgentWithoutAnIdentityTakesOverAsItAlwaysDid) {
  const auto older = start_agent("n1", "", 1);
  const auto newer = start_agent("n1", "b", 1);
  const auto oldest = start_agent("n1", "", 1);
  EXPECT_EQ(sent<RefuseAgent>(older).size(), 1u);
  EXPECT_EQ(sent<RefuseAgent>(newer).size(), 1u);
  EXPECT_TRUE(sent<RefuseAgent>(oldest).empty());
}

}  // namespace
}  // namespace skerry::core
