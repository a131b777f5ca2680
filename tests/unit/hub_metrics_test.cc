// Tests that a scrape has what the hub counted, under the documented names.

#include "controller/hub_metrics.h"

#include <gmock/gmock.h>

#include "tests/unit/hub_fixture.h"

namespace skerry::hub {
namespace {

using testing::HasSubstr;

INSTANTIATE_TEST_SUITE_P(Ways, HubTest, testing::Values(Way::kPlain, Way::kDoor), way_name);

TEST_P(HubTest, AScrapeHasWhatAgentsSaidAndWereToldByKind) {
  start();
  metrics::Metrics metrics;
  metrics.add_source([this] { return controller::hub_figures(*hub_); });
  TestAgent agent = dial();
  const SessionId session = welcome(agent);
  agent.say(credits_message(3));
  gateway_.next_as<core::CreditsChanged>();
  agent.say(v1::AgentMessage{});
  EXPECT_EQ(agent.hear().refused().code(), "unsupported");
  hub_->send({SessionId{session.value + 1}, core::AckHeartbeat{}});

  const std::string text = metrics.scrape({});
  for (const std::string line :
       {"# TYPE skerry_hub_streams gauge\n", "skerry_hub_streams 1\n",
        "skerry_hub_streams_held 0\n", "# TYPE skerry_hub_messages_total counter\n",
        "skerry_hub_messages_total{direction=\"received\",kind=\"hello\"} 1\n",
        "skerry_hub_messages_total{direction=\"received\",kind=\"credits\"} 1\n",
        "skerry_hub_messages_total{direction=\"received\",kind=\"unknown\"} 1\n",
        "skerry_hub_messages_total{direction=\"sent\",kind=\"welcome\"} 1\n",
        "skerry_hub_messages_total{direction=\"sent\",kind=\"refused\"} 1\n",
        "skerry_hub_messages_refused_total{by=\"controller\"} 1\n",
        "skerry_hub_frames_total{direction=\"received\"} 3\n",
        "skerry_hub_sessions_total{change=\"opened\"} 1\n", "skerry_hub_commands_dropped_total 1\n",
        "skerry_hub_streams_cut_total{reason=\"overflow\"} 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_P(HubTest, AScrapeHasWhatTheDoorCountedWhereThereIsOne) {
  start();
  metrics::Metrics metrics;
  metrics.add_source([this] { return controller::hub_figures(*hub_); });
  TestAgent agent = dial();
  welcome(agent);
  const std::string text = metrics.scrape({});
  if (way_ == Way::kPlain) {
    EXPECT_THAT(text, testing::Not(HasSubstr("skerry_door")));
    return;
  }
  for (const std::string line :
       {"# TYPE skerry_door_connections gauge\n", "skerry_door_connections 1\n",
        "skerry_door_passed_total 1\n", "skerry_door_refused_total{reason=\"failed\"} 0\n",
        "skerry_door_closed_total{reason=\"revoked\"} 0\n",
        "skerry_door_breaches_total{kind=\"pings\"} 0\n", "skerry_door_bans_total 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_P(HubTest, EveryFigureHasAnEndingThatSaysItsKind) {
  start();
  for (const metrics::Figure& figure : controller::hub_figures(*hub_)) {
    EXPECT_TRUE(figure.name.starts_with("skerry_hub_") || figure.name.starts_with("skerry_door_"))
        << figure.name;
    EXPECT_EQ(figure.name.ends_with("_total"), figure.kind == metrics::Figure::Kind::kCounter)
        << figure.name;
    EXPECT_FALSE(figure.help.empty());
  }
}

}  // namespace
}  // namespace skerry::hub
