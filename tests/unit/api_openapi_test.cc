// Tests of the OpenAPI document: every route is in it, every reference resolves, and what the
// server answers has the shape that it promises.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "common/digest.h"
#include "controller/api/openapi.h"
#include "controller/api/router.h"
#include "tests/unit/api_fixture.h"

namespace skerry::api {
namespace {

namespace json = boost::json;
using testing::IsEmpty;

bool is_of(const json::value& value, std::string_view type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_bool()) ||
         (type == "null" && value.is_null()) || (type == "number" && value.is_number()) ||
         (type == "integer" && (value.is_int64() || value.is_uint64()));
}

// The part of JSON Schema that the document uses.
class Validator {
 public:
  explicit Validator(const json::value& document) : document_(document) {}

  std::vector<std::string> check(std::string_view schema, const json::value& value) {
    issues_.clear();
    check(document_.at("components").at("schemas").at(schema), value, "");
    return issues_;
  }

 private:
  void check(const json::value& schema_value, const json::value& value, const std::string& at) {
    const json::object& schema = schema_value.as_object();
    if (const auto* reference = schema.if_contains("$ref")) {
      return check(document_.at_pointer(std::string_view(reference->as_string()).substr(1)), value,
                   at);
    }
    if (const auto* type = schema.if_contains("type"); type != nullptr && !matches(*type, value)) {
      return issue(at, fmt::format("is no {}: {}", json::serialize(*type), json::serialize(value)));
    }
    if (const auto* words = schema.if_contains("enum");
        words != nullptr &&
        std::ranges::find(words->as_array(), value) == words->as_array().end()) {
      issue(at, fmt::format("is none of {}: {}", json::serialize(*words), json::serialize(value)));
    }
    if (value.is_object()) {
      check_members(schema, value.get_object(), at);
    } else if (value.is_array() && schema.contains("items")) {
      for (std::size_t i = 0; i < value.get_array().size(); ++i) {
        check(schema.at("items"), value.get_array()[i], fmt::format("{}/{}", at, i));
      }
    }
  }

  void check_members(const json::object& schema, const json::object& object,
                     const std::string& at) {
    if (const auto* required = schema.if_contains("required")) {
      for (const auto& name : required->as_array()) {
        if (!object.contains(name.as_string())) {
          issue(at, fmt::format("lacks {}", std::string_view(name.as_string())));
        }
      }
    }
    const auto* properties = schema.if_contains("properties");
    const auto* others = schema.if_contains("additionalProperties");
    for (const auto& [name, member] : object) {
      const std::string pointer = fmt::format("{}/{}", at, std::string_view(name));
      const auto* known =
          properties == nullptr ? nullptr : properties->as_object().if_contains(name);
      if (known != nullptr) {
        check(*known, member, pointer);
      } else if (others != nullptr && others->is_object()) {
        check(*others, member, pointer);
      } else if (others != nullptr && others->is_bool() && !others->get_bool()) {
        issue(pointer, "is not in the schema");
      }
    }
  }

  static bool matches(const json::value& type, const json::value& value) {
    if (type.is_string()) {
      return is_of(value, type.get_string());
    }
    return std::ranges::any_of(
        type.as_array(), [&](const json::value& one) { return is_of(value, one.as_string()); });
  }
  void issue(const std::string& at, const std::string& what) { issues_.push_back(at + " " + what); }

  const json::value& document_;
  std::vector<std::string> issues_;
};

void collect_references(const json::value& value, std::set<std::string>& references) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.get_object()) {
      if (name == "$ref") {
        references.emplace(std::string_view(member.as_string()));
      }
      collect_references(member, references);
    }
  } else if (value.is_array()) {
    for (const auto& element : value.get_array()) {
      collect_references(element, references);
    }
  }
}

TEST(OpenApi, HoldsEveryRouteOnce) {
  const auto document = json::parse(openapi_document(api_routes()));
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  std::set<std::string> operations;
  std::size_t described = 0;
  for (const auto& [path, verbs] : document.at("paths").as_object()) {
    described += verbs.as_object().size();
  }
  EXPECT_EQ(described, api_routes().size());
  for (const Route& route : api_routes()) {
    std::string verb(to_string(route.verb));
    std::ranges::transform(verb, verb.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto& operation = document.at("paths").at(route.pattern).at(verb);
    EXPECT_TRUE(
        operations.emplace(std::string_view(operation.at("operationId").as_string())).second)
        << route.operation;
    EXPECT_EQ(operation.at("x-permission"), json::string_view(to_string(route.permission)));
    EXPECT_TRUE(operation.at("responses").as_object().contains("default"));
    EXPECT_EQ(operation.as_object().contains("requestBody"), route.body != BodyKind::kNone);
  }
}

TEST(OpenApi, ReferencesResolve) {
  const auto document = json::parse(openapi_document(api_routes()));
  std::set<std::string> references;
  collect_references(document, references);
  EXPECT_GT(references.size(), 20u);
  for (const std::string& reference : references) {
    EXPECT_NO_THROW(document.at_pointer(reference.substr(1))) << reference;
  }
}

TEST(OpenApi, TheValidatorFindsWhatIsWrong) {
  const auto document = json::parse(openapi_document(api_routes()));
  Validator validator(document);
  EXPECT_THAT(validator.check("Changed", json::parse(R"({"changed":true})")), IsEmpty());
  EXPECT_EQ(validator.check("Changed", json::parse(R"({"changed":1})")).size(), 1u);
  EXPECT_EQ(validator.check("Changed", json::parse(R"({})")).size(), 1u);
  EXPECT_EQ(validator.check("Changed", json::parse(R"({"changed":true,"x":1})")).size(), 1u);
  EXPECT_EQ(validator.check("JobList", json::parse(R"({"items":[{"state":"LOST"}]})")).size(),
            14u + 1u);
  EXPECT_EQ(validator.check("Texts", json::parse(R"({"a":1})")).size(), 1u);
}

class Answers : public testing::Test {
 protected:
  Answers() : document_(api_.call("GET", "/openapi.json").json()), validator_(document_) {
    api_.put_noop_model();
    api_.agent_joins("edge-1");
  }
  void expect_shape(std::string_view schema, const Reply& reply) {
    EXPECT_THAT(validator_.check(schema, reply.json()), IsEmpty()) << reply.body;
  }
  void expect_shape(std::string_view schema, const std::string& target) {
    expect_shape(schema, api_.call("GET", target));
  }

  TestApi api_;
  json::value document_;
  Validator validator_;
};

constexpr std::string_view kJob =
    R"({"model":"echo","labels":{"a":"b"},"constraints":{"deadline_ms":5000,"tiers":["edge"]},"inputs":{"x":{"shape":[1,1],"data":[1]}}})";

TEST_F(Answers, OfJobsHaveTheirShape) {
  EXPECT_THAT(validator_.check("JobRequest", json::parse(kJob)), IsEmpty());
  const Reply submitted = api_.call("POST", "/api/v1/jobs", kJob);
  expect_shape("Submitted", submitted);
  const std::string id(submitted.json().at("id").as_string());
  const auto attempt = api_.assignment();
  expect_shape("Job", "/api/v1/jobs/" + id);
  api_.succeed(attempt, attempt.input);
  expect_shape("Job", "/api/v1/jobs/" + id);
  expect_shape("Outputs", "/api/v1/jobs/" + id + "/result");
  expect_shape("DecisionList", "/api/v1/jobs/" + id + "/decisions");
  api_.submit(kJob);
  api_.fail(api_.assignment(), core::AttemptOutcome::kModelFailed, "no");
  api_.submit(
      R"({"model":"echo","inputs":{"x":{"shape":[1,1],"data":[1]}},"constraints":{"node":"edge-9"}})");
  expect_shape("JobList", "/api/v1/jobs?limit=2");
  expect_shape("JobList", "/api/v1/jobs");
  expect_shape("BatchSubmitted",
               api_.call("POST", "/api/v1/jobs:batch", fmt::format(R"({{"jobs":[{}]}})", kJob)));
  expect_shape("Changed", api_.call("POST", "/api/v1/jobs/" + id + ":cancel").status == 409
                              ? api_.call("POST", "/api/v1/nodes/edge-1:cordon")
                              : Reply{});
}

TEST_F(Answers, OfTheFleetHaveTheirShape) {
  expect_shape("NodeList", "/api/v1/nodes");
  expect_shape("Node", "/api/v1/nodes/edge-1");
  expect_shape("ModelList", "/api/v1/models");
  expect_shape("Model", "/api/v1/models/echo");
  expect_shape("Policies", "/api/v1/policies");
  expect_shape("Policy", "/api/v1/policies/greedy");
  expect_shape("Version", "/version");
  expect_shape("Blob", api_.call("PUT", "/api/v1/blobs/" + sha256_digest("x"), "x"));
  api_.agent_joins("edge-2");
  api_.call("POST", "/api/v1/nodes/edge-2:cordon");
  expect_shape("Plan",
               api_.call("POST", "/api/v1/placements", R"({"model":"echo","input_bytes":100})"));
  expect_shape("Plan", api_.call("POST", "/api/v1/placements",
                                 R"({"model":"echo","constraints":{"node":"none"}})"));
}

TEST_F(Answers, ThatRefuseAreProblems) {
  for (const Reply& reply :
       {api_.call("GET", "/api/v1/jobs/x"), api_.call("POST", "/api/v1/jobs", "{}"),
        api_.call("GET", "/no"), api_.call("PUT", "/livez"), api_.call("GET", "/api/v1/nodes/x")}) {
    EXPECT_GE(reply.status, 400);
    expect_shape("Problem", reply);
    EXPECT_EQ(reply.json().at("status"), reply.status);
  }
}

}  // namespace
}  // namespace skerry::api
