#include <gtest/gtest.h>

#include "agent/site/doorman.h"

namespace skerry::agent {
namespace {

constexpr Epoch kSiteEpoch{1ULL << 23};
const std::string kOwn = to_string(JobId::make(kSiteEpoch, 5));
const std::string kTheirs = to_string(JobId::make({12}, 5));

// 0 = answered here, else the status.
int answered(const Doorman& doorman, api::Verb verb, const std::string& path) {
  api::Request request;
  request.verb = verb;
  request.path = path;
  const auto answer = doorman.turn_away(request);
  return answer ? answer->status : 0;
}

struct Case {
  api::Verb verb;
  std::string path;
  int connected;
  int away;
};

std::vector<Case> cases() {
  using api::Verb;
  return {{Verb::post, "/api/v1/jobs", 307, 0},
          {Verb::post, "/api/v1/jobs:batch", 307, 0},
          {Verb::get, "/api/v1/jobs", 0, 0},
          {Verb::get, "/api/v1/jobs/" + kOwn, 0, 0},
          {Verb::get, "/api/v1/jobs/" + kOwn + "/result", 0, 0},
          {Verb::post, "/api/v1/jobs/" + kOwn + ":cancel", 0, 0},
          {Verb::get, "/api/v1/jobs/" + kTheirs, 307, 503},
          {Verb::get, "/api/v1/jobs/" + kTheirs + "/decisions", 307, 503},
          {Verb::post, "/api/v1/jobs/" + kTheirs + ":cancel", 307, 503},
          {Verb::get, "/api/v1/jobs/nonsense", 0, 0},
          {Verb::put, "/api/v1/models/m", 307, 503},
          {Verb::get, "/api/v1/models/m", 0, 0},
          {Verb::post, "/api/v1/nodes/n:drain", 307, 503},
          {Verb::put, "/api/v1/policies/active", 307, 503},
          {Verb::put, "/api/v1/blobs/sha256:x", 307, 503},
          {Verb::post, "/api/v1/placements", 0, 0},
          {Verb::get, "/metrics", 0, 0}};
}

TEST(Doorman, SendsToTheControllerWhatIsItsToAnswer) {
  Doorman doorman(JobId::make(kSiteEpoch, 0));
  for (const Case& one : cases()) {
    doorman.connected(true);
    doorman.controller_at("http://central:8080");
    EXPECT_EQ(answered(doorman, one.verb, one.path), one.connected) << one.path;
    doorman.connected(false);
    EXPECT_EQ(answered(doorman, one.verb, one.path), one.away) << one.path;
  }
}

TEST(Doorman, WithoutAnAddressOfTheControllerNewJobsAreTakenHere) {
  Doorman doorman(JobId::make(kSiteEpoch, 0));
  doorman.connected(true);
  EXPECT_EQ(answered(doorman, api::Verb::post, "/api/v1/jobs"), 0);
  EXPECT_EQ(answered(doorman, api::Verb::get, "/api/v1/jobs/" + kTheirs), 503);
}

TEST(Doorman, KeepsTheQuery) {
  Doorman doorman(JobId::make(kSiteEpoch, 0));
  doorman.connected(true);
  doorman.controller_at("http://central:8080");
  api::Request request;
  request.verb = api::Verb::get;
  ASSERT_TRUE(parse_target("/api/v1/jobs/" + kTheirs + "?a=x%26y&wait=3", request));
  const auto answer = doorman.turn_away(request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.at(0).second,
            "http://central:8080/api/v1/jobs/" + kTheirs + "?a=x%26y&wait=3");
}

TEST(Doorman, FindsTheControllersApiOnItsHost) {
  EXPECT_EQ(api_url_on("central.example:8081", 8080, false), "http://central.example:8080");
  EXPECT_EQ(api_url_on("[::1]:8081", 8080, true), "https://[::1]:8080");
  EXPECT_EQ(api_url_on("central.example:8081", 0, true), "");
}

}  // namespace
}  // namespace skerry::agent
