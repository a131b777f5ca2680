// Tests of watching events: order, filters, resume, gaps, heartbeats, and clients that do not read.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/api/event_json.h"
#include "controller/api/event_ring.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kJob = R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}}})";

core::Happening job(std::uint64_t id) {
  core::JobChanged changed{.ns = "default", .model = "echo"};
  changed.job.value = id;
  return changed;
}

// The id of the event that the text ends with.
std::string last_id(const std::string& text) {
  const auto start = text.rfind("id: ") + 4;
  return text.substr(start, text.find('\n', start) - start);
}

Client watch(const TestApi& api, const std::string& query = "",
             const std::vector<std::string>& headers = {}) {
  Client client = api.client();
  client.send(request_text("GET", "/api/v1/events" + query, "", headers));
  EXPECT_THAT(client.read_until("retry: 1000\n\n"), HasSubstr("Content-Type: text/event-stream"));
  return client;
}

TEST(EventRing, ReadsInOrderAndCountsWhatWasMissed) {
  EventRing ring(4, "a");
  std::uint64_t cursor = ring.newest();
  for (std::uint64_t i = 0; i < 6; ++i) {
    ring.publish(job(i), Instant{});
  }
  const auto batch = ring.read(cursor, 3);
  EXPECT_EQ(batch.missed, 2u);
  ASSERT_EQ(batch.events.size(), 3u);
  EXPECT_EQ(event_job(batch.events[0].what)->value, 2u);
  EXPECT_EQ(ring.read(cursor, 3).events.size(), 1u);
  EXPECT_TRUE(ring.read(cursor, 3).events.empty());
}

TEST(EventRing, ResumesOnlyWhatItStillHas) {
  EventRing ring(4, "a");
  EXPECT_EQ(ring.resume("a-0"), 1u) << "nothing was missed yet";
  for (std::uint64_t i = 1; i <= 6; ++i) {
    ring.publish(job(i), Instant{});
  }
  EXPECT_EQ(ring.resume(ring.id_of(6)), 7u);
  EXPECT_EQ(ring.resume("a-2"), 3u);
  for (const char* id : {"a-1", "b-6", "a-7", "a-", "a-6x", "6", ""}) {
    EXPECT_EQ(ring.resume(id), std::nullopt) << id;
  }
}

TEST(EventRing, WakesAWaiterOnceAndLeavesOutWhatIsForMetrics) {
  EventRing ring(4, "a");
  int woken = 0;
  ring.wait(ring.newest(), [&] { ++woken; });
  ring.publish(core::DecisionMade{}, Instant{});
  ring.publish(core::JobEnded{}, Instant{});
  EXPECT_EQ(woken, 0);
  ring.publish(job(1), Instant{});
  ring.publish(job(2), Instant{});
  EXPECT_EQ(woken, 1);
  ring.wait(1, [&] { ++woken; });
  EXPECT_EQ(woken, 2) << "there is something already";
  ring.cancel_wait(ring.wait(ring.newest(), [&] { ++woken; }));
  ring.publish(job(3), Instant{});
  EXPECT_EQ(woken, 2);
}

TEST(Events, FollowAJobFromSubmissionToItsEnd) {
  TestApi api;
  api.put_noop_model();
  api.agent_joins("edge-1");
  api.echo();
  Client client = watch(api);
  const std::string id = api.submit(kJob);
  std::string text = client.read_until("\"SUCCEEDED\"");
  for (const char* state : {"READY", "LEASED", "RUNNING", "SUCCEEDED"}) {
    const auto at = text.find(fmt::format(R"("state":"{}")", state));
    EXPECT_NE(at, std::string::npos) << state;
    text.erase(0, at == std::string::npos ? 0 : at);
  }
  EXPECT_THAT(client.read_until("\n\n"), HasSubstr(R"("node":"edge-1")"));
}

TEST(Events, AreFilteredByTypeAndJob) {
  TestApi api;
  api.put_noop_model();
  const std::string first = api.submit(kJob);
  Client nodes = watch(api, "?types=node,policy");
  Client one = watch(api, "?job=" + first);
  api.submit(kJob);
  api.call("POST", "/api/v1/jobs/" + first + ":cancel");
  api.agent_joins("edge-1");
  EXPECT_THAT(nodes.read_until("edge-1"), Not(HasSubstr("event: job")));
  const std::string text = one.read_until("CANCELLED");
  EXPECT_THAT(text, HasSubstr(first));
  EXPECT_EQ(text.find("id: "), text.rfind("id: ")) << "one event only";
  EXPECT_EQ(api.call("GET", "/api/v1/events?types=jobs").status, 400);
  EXPECT_EQ(api.call("GET", "/api/v1/events?job=x").status, 400);
}

TEST(Events, ResumeWhereAClientLeftOff) {
  TestApi api;
  api.put_noop_model();
  std::string heard;
  std::string id;
  {
    Client client = watch(api);
    heard = api.submit(kJob);
    id = last_id(client.read_until(heard));
  }
  const std::string missed = api.submit(kJob);
  Client client = watch(api, "", {"Last-Event-ID: " + id});
  const std::string text = client.read_until(missed);
  EXPECT_THAT(text, Not(HasSubstr(heard)));
  EXPECT_THAT(text, Not(HasSubstr("gap")));
}

TEST(Events, TellOfAGapWhenTheyCannotResume) {
  TestApi api({.event_ring = 4});
  api.put_noop_model();
  std::string id;
  {
    Client client = watch(api);
    api.submit(kJob);
    id = last_id(client.read_until("\n\n"));
  }
  for (int i = 0; i < 6; ++i) {
    api.submit(kJob);
  }
  Client client = api.client();
  client.send(request_text("GET", "/api/v1/events", "", {"Last-Event-ID: " + id}));
  EXPECT_THAT(client.read_until("READY"), HasSubstr("event: gap\ndata: {\"missed\":null}\n\n"));
  Client stranger = api.client();
  stranger.send(request_text("GET", "/api/v1/events", "", {"Last-Event-ID: another-7"}));
  EXPECT_THAT(stranger.read_until("READY"), HasSubstr("event: gap"));
}

TEST(Events, CommentsKeepAnIdleStreamAlive) {
  TestApi api({.event_heartbeat = milliseconds(10)});
  Client client = watch(api);
  EXPECT_THAT(client.read_until(": still here\n\n"), HasSubstr(": still here"));
  EXPECT_THAT(client.read_until(": still here\n\n"), HasSubstr(": still here"));
}

TEST(Events, AWatcherThatLeavesIsForgotten) {
  TestApi api;
  {
    Client client = watch(api);
    EXPECT_THAT(api.call("GET", "/metrics").body, HasSubstr("skerry_event_watchers 1"));
  }
  std::string metrics;
  do {
    metrics = api.call("GET", "/metrics").body;
  } while (metrics.find("skerry_event_watchers 1") != std::string::npos);
  EXPECT_THAT(metrics, HasSubstr("skerry_event_watchers 0"));
}

TEST(Events, AClientThatDoesNotReadIsCut) {
  TestApi api({.limits = {.header = seconds(30), .idle = milliseconds(50)}});
  api.put_noop_model();
  Client client = watch(api);
  std::string jobs;
  for (int i = 0; i < 1000; ++i) {
    jobs += (i == 0 ? "" : ",") + std::string(kJob);
  }
  const std::string batch = R"({"jobs":[)" + jobs + "]}";
  while (api.call("GET", "/metrics").body.find("skerry_event_watchers 1") != std::string::npos) {
    ASSERT_EQ(api.call("POST", "/api/v1/jobs:batch", batch).status,
              202);  // until the socket is full for too long
  }
  EXPECT_THAT(api.call("GET", "/metrics").body, HasSubstr("skerry_event_watchers 0"));
}

TEST(Events, EndWhenTheServerStops) {
  TestApi api;
  Client client = watch(api);
  api.begin_stop(seconds(30));
  EXPECT_EQ(client.read_until("\r\n0\r\n\r\n"), "\r\n0\r\n\r\n") << "the end of the chunks";
  EXPECT_TRUE(client.closed());
}

TEST(Events, HeadDoesNotStream) {
  TestApi api;
  const Reply head = api.call("HEAD", "/api/v1/events");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
}

}  // namespace
}  // namespace skerry::api
