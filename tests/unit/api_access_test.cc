// Who may call what: every role on every route, in their own namespace and in another; tokens, join
// tokens and the audit trail over HTTP.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "common/digest.h"
#include "controller/api/router.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

using core::Grant;
using core::Role;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string bearer(const std::string& token) { return "Authorization: Bearer " + token; }

struct ApiAccess : testing::Test {
  Reply call(const std::string& token, std::string_view method, std::string_view target,
             std::string_view body = {}) {
    std::vector<std::string> headers;
    if (!token.empty()) {
      headers.push_back(bearer(token));
    }
    return api.call(method, target, body, headers);
  }
  // The head of an answer that never ends.
  Reply begin_watching(const std::string& token) {
    Client watcher = api.client();
    watcher.send(request_text("GET", "/api/v1/events", {}, {bearer(token)}));
    const std::string head = watcher.read_until("\r\n\r\n");
    return {.status = std::stoi(head.substr(9, 3)), .headers = {}, .body = {}};
  }
  std::string submit_in(const std::string& ns) {
    const Reply reply = call(root, "POST", "/api/v1/jobs", job_in(ns));
    EXPECT_EQ(reply.status, 202) << reply.body;
    return std::string(reply.json().at("id").as_string());
  }
  static std::string job_in(const std::string& ns) {
    return fmt::format(
        R"({{"model":"echo","namespace":"{}","inputs":{{"x":{{"dtype":"f32","shape":[1,1],"data":[1]}}}}}})",
        ns);
  }
  void put_model() {
    const Reply reply = call(root, "PUT", "/api/v1/models/echo", kEcho);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }

  static constexpr std::string_view kEcho =
      R"({"apiVersion":"skerry/v1","kind":"Model","metadata":{"name":"echo"},
    "spec":{"engine":"noop","inputs":[{"name":"x","kind":"tensor","dtype":"f32","shape":[1,-1]}],
    "outputs":[{"name":"x","kind":"tensor"}],"variants":[{"name":"only","accuracy":0.9,"reference_ms":1}]}})";
  TestApi api{{}, {}, auth::Mode::kTokens};
  std::string root = api.make_token({{.role = Role::kClusterAdmin}});
};

// A request that the route takes as far as the question who may.
std::string target_of(const Route& route, const std::string& job) {
  std::string target(route.pattern);
  const auto fill = [&](const std::string& name, const std::string& value) {
    if (const auto at = target.find("{" + name + "}"); at != std::string::npos) {
      target.replace(at, name.size() + 2, value);
    }
  };
  const bool of_job = target.starts_with("/api/v1/jobs/");
  fill("id", of_job ? job : "0123456789");
  fill("name", "echo");
  fill("digest", "sha256:" + std::string(64, 'a'));
  return target + (route.operation == "access" ? "?permission=self" : "");
}

std::string body_of(const Route& route, const std::string& ns) {
  const std::string operation(route.operation);
  if (operation == "submitJob" || operation == "planPlacement") {
    return ApiAccess::job_in(ns);
  }
  if (operation == "submitBatch") {
    return R"({"jobs":[)" + ApiAccess::job_in(ns) + "]}";
  }
  if (operation == "putModel") {
    return std::string(ApiAccess::kEcho);
  }
  if (operation == "createToken") {
    return fmt::format(R"({{"grants":[{{"role":"viewer","namespace":"{}"}}]}})", ns);
  }
  if (operation == "createJoinToken") {
    return R"({"name":"shop-*"})";
  }
  return route.body == BodyKind::kNone ? "" : "{}";
}

// What a caller with this one grant must be told: 403 for what they may not do, 404 for what is not
// theirs to see.
bool let_through(int status) { return status != 401 && status != 403; }

TEST_F(ApiAccess, EveryRoleOnEveryRouteInEveryNamespace) {
  put_model();
  std::map<std::string, std::string> jobs;
  for (const std::string ns : {"vision", "speech"}) {
    jobs[ns] = submit_in(ns);
  }
  std::size_t cells = 0;
  for (const Route& route : api_routes()) {
    for (const Role role : core::kRoles) {
      for (const std::string grant_ns : {"", "vision"}) {
        for (const std::string ns : {"vision", "speech"}) {
          const std::vector<Grant> grants = {{.role = role, .ns = grant_ns}};
          const std::string token = api.make_token(grants);
          const Reply reply = route.operation == "watchEvents"
                                  ? begin_watching(token)
                                  : call(token, std::string(to_string(route.verb)),
                                         target_of(route, jobs.at(ns)), body_of(route, ns));
          const bool somewhere = auth::allows_somewhere(grants, route.permission);
          const bool here = auth::allows(grants, route.permission, ns);
          const bool of_all = route.operation == "putModel" || route.operation == "deleteModel" ||
                              route.operation == "exportDecisions";
          const std::string cell =
              fmt::format("{} as {} of '{}' in {}: {}", route.operation, to_string(role), grant_ns,
                          ns, reply.body.substr(0, 200));
          ++cells;
          if (!somewhere || (of_all && !auth::allows(grants, route.permission, ""))) {
            EXPECT_EQ(reply.status, 403) << cell;
          } else if (!here && route.pattern.starts_with("/api/v1/jobs/")) {
            EXPECT_EQ(reply.status, 404) << cell;
          } else if (!here && body_of(route, ns).contains(ns)) {
            EXPECT_EQ(reply.status, 403) << cell;
          } else {
            EXPECT_TRUE(let_through(reply.status)) << cell << " " << reply.status;
          }
          EXPECT_NE(reply.status, 500) << cell;
        }
      }
    }
  }
  RecordProperty("cells", static_cast<int>(cells));
  EXPECT_EQ(cells, api_routes().size() * core::kRoles.size() * 4);
}

TEST_F(ApiAccess, NoRouteButThePublicOnesAnswersAStranger) {
  for (const Route& route : api_routes()) {
    for (const std::string& token :
         {std::string(), std::string("sky_made-up"), root.substr(0, 50)}) {
      const Reply reply = call(token, std::string(to_string(route.verb)),
                               target_of(route, "j0000100000001"), body_of(route, "vision"));
      if (route.permission == Permission::kPublic) {
        EXPECT_TRUE(let_through(reply.status)) << route.operation;
      } else {
        EXPECT_EQ(reply.status, 401) << route.operation;
        EXPECT_EQ(reply.header("www-authenticate"), "Bearer realm=\"skerry\"");
      }
    }
  }
}

TEST_F(ApiAccess, ListsAndEventsHoldWhatIsInTheCallersNamespaces) {
  put_model();
  const std::string mine = submit_in("vision");
  submit_in("speech");
  const std::string viewer = api.make_token({{.role = Role::kViewer, .ns = "vision"}});
  const auto list = call(viewer, "GET", "/api/v1/jobs").json();
  ASSERT_THAT(list.at("items").as_array(), SizeIs(1));
  EXPECT_EQ(list.at("items").as_array()[0].at("id").as_string(), mine);
  EXPECT_THAT(call(viewer, "GET", "/api/v1/jobs?namespace=speech").json().at("items").as_array(),
              IsEmpty());
  Client watcher = api.client();
  watcher.send(request_text("GET", "/api/v1/events?types=job", {}, {bearer(viewer)}));
  watcher.read_until("retry: 1000");
  submit_in("speech");
  const std::string next = submit_in("vision");
  EXPECT_THAT(watcher.read_until(next), Not(HasSubstr("speech")));
}

TEST_F(ApiAccess, ATokenIsMadeShownOnceUsedAndRevoked) {
  const Reply made =
      call(root, "POST", "/api/v1/tokens",
           R"({"description":"ci","grants":[{"role":"viewer","namespace":"vision"}],"ttl_s":60})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string token(made.json().at("token").as_string());
  const std::string id(made.json().at("id").as_string());
  const auto me = call(token, "GET", "/api/v1/whoami").json();
  EXPECT_EQ(me.at("caller").as_string(), "token:" + id);
  EXPECT_EQ(call(token, "GET", "/api/v1/jobs").status, 200);
  EXPECT_THAT(call(root, "GET", "/api/v1/tokens").body, Not(HasSubstr(token.substr(20))));
  EXPECT_TRUE(call(token, "GET", "/api/v1/access?permission=read-jobs&namespace=vision")
                  .json()
                  .at("allowed")
                  .as_bool());
  EXPECT_FALSE(
      call(token, "GET", "/api/v1/access?permission=read-jobs").json().at("allowed").as_bool());
  EXPECT_EQ(call(root, "DELETE", "/api/v1/tokens/" + id).status, 200);
  EXPECT_EQ(call(token, "GET", "/api/v1/whoami").status, 401);
}

TEST_F(ApiAccess, ATokenEndsWithItsTime) {
  const Reply made =
      call(root, "POST", "/api/v1/tokens", R"({"grants":[{"role":"viewer"}],"ttl_s":60})");
  const std::string token(made.json().at("token").as_string());
  EXPECT_EQ(call(token, "GET", "/api/v1/whoami").status, 200);
  api.advance(seconds(61));
  const Reply late = call(token, "GET", "/api/v1/whoami");
  EXPECT_EQ(late.status, 401);
  EXPECT_THAT(late.body, HasSubstr("expired"));
}

TEST_F(ApiAccess, TheAdminOfANamespaceManagesItsTokensAndNoOthers) {
  const std::string admin = api.make_token({{.role = Role::kNamespaceAdmin, .ns = "vision"}});
  const auto grant = [](std::string_view role, std::string_view ns) {
    return fmt::format(R"({{"grants":[{{"role":"{}","namespace":"{}"}}]}})", role, ns);
  };
  EXPECT_EQ(call(admin, "POST", "/api/v1/tokens", grant("submitter", "vision")).status, 201);
  EXPECT_EQ(call(admin, "POST", "/api/v1/tokens", grant("submitter", "speech")).status, 403);
  EXPECT_EQ(call(admin, "POST", "/api/v1/tokens", R"({"grants":[{"role":"viewer"}]})").status, 403);
  EXPECT_EQ(call(admin, "POST", "/api/v1/tokens", grant("metrics", "vision")).status, 201)
      << "metrics of one namespace are nothing";
  const std::string foreign(
      call(root, "POST", "/api/v1/tokens", grant("viewer", "speech")).json().at("id").as_string());
  EXPECT_EQ(call(admin, "DELETE", "/api/v1/tokens/" + foreign).status, 404);
  EXPECT_THAT(call(admin, "GET", "/api/v1/tokens").json().at("items").as_array(), SizeIs(2));
}

TEST_F(ApiAccess, TheAdminOfANamespaceHasModelsThatOthersDoNotSee) {
  const std::string admin = api.make_token({{.role = Role::kNamespaceAdmin, .ns = "vision"}});
  const std::string other = api.make_token({{.role = Role::kNamespaceAdmin, .ns = "speech"}});
  std::string own(kEcho);
  own.replace(own.find(R"("name":"echo")"), 13, R"("name":"echo","namespace":"vision")");
  EXPECT_EQ(call(other, "PUT", "/api/v1/models/echo", own).status, 403);
  EXPECT_EQ(call(admin, "PUT", "/api/v1/models/echo", kEcho).status, 403);
  EXPECT_EQ(call(admin, "PUT", "/api/v1/models/echo", own).status, 200);
  EXPECT_EQ(call(admin, "GET", "/api/v1/models/echo?namespace=vision").status, 200);
  EXPECT_EQ(call(admin, "GET", "/api/v1/models/echo").status, 404);
  EXPECT_EQ(call(other, "GET", "/api/v1/models/echo?namespace=vision").status, 404);
  EXPECT_THAT(call(other, "GET", "/api/v1/models").json().at("items").as_array(), IsEmpty());
  EXPECT_THAT(call(root, "GET", "/api/v1/models").json().at("items").as_array(), SizeIs(1));
  EXPECT_EQ(call(admin, "POST", "/api/v1/jobs", job_in("vision")).status, 202);
  EXPECT_EQ(call(other, "POST", "/api/v1/jobs", job_in("speech")).status, 404);
  EXPECT_EQ(call(other, "DELETE", "/api/v1/models/echo?namespace=vision").status, 404);
}

TEST_F(ApiAccess, WhatIsWrongWithATokensRequestIsNamed) {
  const Reply reply = call(
      root, "POST", "/api/v1/tokens",
      R"({"grants":[{"role":"king"},{"role":"viewer","namespace":"No Name"}],"ttl_s":0,"more":1})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body,
              testing::AllOf(HasSubstr("/grants/0/role"), HasSubstr("/grants/1/namespace"),
                             HasSubstr("/ttl_s"), HasSubstr("/more")));
  EXPECT_EQ(call(root, "POST", "/api/v1/join-tokens", R"({"name":"a**"})").status, 400);
}

TEST_F(ApiAccess, JoinTokensAreMadeListedAndDeleted) {
  const Reply made = call(root, "POST", "/api/v1/join-tokens",
                          R"({"name":"shop-*","labels":{"zone":"a"},"site":"shop"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_THAT(std::string(made.json().at("token").as_string()), testing::StartsWith("skyjoin_"));
  const auto listed = call(root, "GET", "/api/v1/join-tokens").json();
  ASSERT_THAT(listed.at("items").as_array(), SizeIs(1));
  EXPECT_EQ(listed.at("items").as_array()[0].at("state").as_string(), "unused");
  const std::string id(made.json().at("id").as_string());
  EXPECT_EQ(call(root, "DELETE", "/api/v1/join-tokens/" + id).status, 200);
  EXPECT_EQ(call(root, "DELETE", "/api/v1/join-tokens/" + id).status, 404);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    lines.push_back(line);
  }
  return lines;
}

TEST_F(ApiAccess, TheAuditTrailTellsWhoDidWhatAndWhoWasDenied) {
  put_model();
  const std::string viewer = api.make_token({{.role = Role::kViewer, .ns = "vision"}});
  EXPECT_EQ(call(viewer, "PUT", "/api/v1/models/echo", kEcho).status, 403);
  const std::string auditor = api.make_token({{.role = Role::kAuditor}});
  const auto lines = lines_of(call(auditor, "GET", "/api/v1/audit").body);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], HasSubstr("model.apply"));
  EXPECT_THAT(lines[0], HasSubstr("127.0.0.1"));
  EXPECT_THAT(lines[1], HasSubstr("denied"));
  EXPECT_THAT(lines[2], HasSubstr(R"("count":2,"last":2)"));
  EXPECT_THAT(lines[2], HasSubstr("intact"));
}

TEST_F(ApiAccess, ALineThatWasEditedInTheStoreIsSeen) {
  put_model();
  api.edit_audit([](std::vector<core::AuditRecord>& lines) {
    lines[0].line.replace(lines[0].line.find("echo"), 4, "ohce");
    lines[0].hash = sha256(lines[0].line);
  });
  const auto lines = lines_of(call(root, "GET", "/api/v1/audit").body);
  EXPECT_THAT(lines, ElementsAre(HasSubstr(R"("seals":"broken","broken":1)")));
}

TEST_F(ApiAccess, AFloodOfDenialsIsCountedNotWritten) {
  const std::string viewer = api.make_token({{.role = Role::kViewer, .ns = "vision"}});
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(call(viewer, "GET", "/api/v1/audit").status, 403);
  }
  api.advance(seconds(2));
  call(viewer, "GET", "/api/v1/audit");
  const auto lines = lines_of(call(root, "GET", "/api/v1/audit").body);
  ASSERT_THAT(lines, SizeIs(52));
  EXPECT_THAT(lines[50], HasSubstr("10 more were denied before"));
}

}  // namespace
}  // namespace skerry::api
