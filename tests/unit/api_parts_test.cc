// Tests of the API's parts on their own: JSON writing and reading, values, problems, routing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <deque>
#include <limits>
#include <set>

#include "controller/api/http_message.h"
#include "controller/api/json_reader.h"
#include "controller/api/json_writer.h"
#include "controller/api/manifest_cache.h"
#include "controller/api/problem.h"
#include "controller/api/router.h"
#include "controller/api/values_json.h"

namespace skerry::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

template <typename T>
std::string written(const T& value) {
  JsonWriter json;
  json.value(value);
  return json.take();
}

TEST(JsonWriter, NestsAndSeparates) {
  JsonWriter json;
  json.object()
      .member("a", 1)
      .key("b")
      .array()
      .value(true)
      .null()
      .object()
      .end()
      .end()
      .key("c")
      .object()
      .end();
  json.texts("d", std::vector<std::string>{"x", "y"}).end();
  EXPECT_EQ(json.take(), R"({"a":1,"b":[true,null,{}],"c":{},"d":["x","y"]})");
}

TEST(JsonWriter, EscapesTextsAndMendsBadUtf8) {
  EXPECT_EQ(written("a\"b\\c\n\r\t\x01z"), R"("a\"b\\c\n\r\t\u0001z")");
  EXPECT_EQ(written("h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x9F"),
            "\"h\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\x9F\"");
  for (const char* bad :
       {"\xC3", "\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    EXPECT_THAT(written(bad), HasSubstr("\xEF\xBF\xBD")) << bad;
    EXPECT_NO_THROW(boost::json::parse(written(bad)));
  }
}

TEST(JsonWriter, NumbersReadBackExactly) {
  for (const double number : {0.0, 1e-8, 0.1, 1.0 / 3, 1e300, -2.5, 123456789.125}) {
    EXPECT_EQ(boost::json::parse(written(number)).to_number<double>(), number);
  }
  EXPECT_EQ(written(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(written(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(written(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(JsonWriter, TimesAreRfc3339) {
  EXPECT_EQ(rfc3339(instant_from_us(1'769'860'800'000'042)), "2026-01-31T12:00:00.000042Z");
}

constexpr std::uint64_t kMuch = 1ULL << 30;

// The document is gone again: only what is said of it counts.
Status parse_json(std::string_view text, std::size_t memory_bytes = kJsonMemoryBytes,
                  std::uint64_t all_bytes = kMuch) {
  BodyBudget all(all_bytes);
  const auto document = JsonDocument::parse(text, all, memory_bytes);
  return document ? Status() : fail(document.error());
}

TEST(JsonDocument, SaysWhereItBreaks) {
  EXPECT_THAT(parse_json("{\n  \"a\": 1,\n  \"b\" 2}").error().message,
              HasSubstr("line 3, column 7"));
  EXPECT_THAT(parse_json("{\"a\": 1").error().message, HasSubstr("line 1, column 8"));
  EXPECT_EQ(parse_json("{} x").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(parse_json("").error().message, "the body is empty; a JSON object is expected");
  EXPECT_TRUE(parse_json(" {\"a\": [1, 2]} "));
}

TEST(JsonDocument, MayNotGrowBeyondItsMemory) {
  std::string numbers = "[0";
  for (int i = 0; i < 100'000; ++i) {
    numbers += ",0";
  }
  numbers += "]";
  EXPECT_TRUE(parse_json(numbers));
  const auto refused = parse_json(numbers, 1024 * 1024);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
  EXPECT_THAT(refused.error().message,
              HasSubstr("more than 1 MiB when parsed; send long tensors as b64"));
}

TEST(JsonDocument, AllTogetherMayNotGrowBeyondTheirBudgetAndGiveItBack) {
  std::string numbers = "[0";
  for (int i = 0; i < 100'000; ++i) {
    numbers += ",0";
  }
  numbers += "]";
  BodyBudget all(32 * 1024 * 1024);
  std::deque<Result<JsonDocument>> held;
  do {
    held.push_back(JsonDocument::parse(numbers, all));
  } while (held.back() && held.size() < 20);
  ASSERT_FALSE(held.back());
  EXPECT_EQ(held.back().error().code, ErrorCode::kOverloaded);
  EXPECT_GT(held.size(), 2u);
  EXPECT_TRUE(JsonDocument::parse("[1,2,3]", all)) << "what is small has room";
  held.clear();
  EXPECT_EQ(all.left(), all.bytes());
  EXPECT_TRUE(JsonDocument::parse(numbers, all));
}

TEST(JsonDocument, DeepOnesAreRefusedWhereTheyAreTooDeep) {
  EXPECT_TRUE(parse_json(std::string(kJsonDepth, '[') + std::string(kJsonDepth, ']')));
  constexpr std::size_t kFewBytes = 64 * 1024;  // so the rest of it is not even looked at
  const auto refused = parse_json(std::string(10'000'000, '['), kFewBytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("line 1, column 33"));
}

ModelManifest one_input(DType dtype) {
  ModelManifest manifest;
  manifest.name = "m";
  manifest.inputs.push_back(
      {.name = "x", .kind = InputKind::kTensor, .dtype = dtype, .shape = {-1}});
  return manifest;
}

// What a client reads of an output, sent as an input again, is the same value.
class ElementTypes : public testing::TestWithParam<std::pair<DType, std::string_view>> {};

TEST_P(ElementTypes, RoundTripThroughJson) {
  const auto [dtype, data] = GetParam();
  const std::string text = R"({"x":{"dtype":")" + std::string(to_string(dtype)) +
                           R"(","shape":[3],"data":)" + std::string(data) + "}}";
  std::vector<FieldIssue> issues;
  const auto json = boost::json::parse(text);
  const Values values = read_inputs(&json, one_input(dtype), "", issues);
  ASSERT_TRUE(issues.empty()) << issues.front().message;
  JsonWriter writer;
  write_values(writer, values);
  EXPECT_EQ(writer.take(), text);
}
INSTANTIATE_TEST_SUITE_P(All, ElementTypes,
                         testing::Values(std::pair{DType::kF32, "[0.1,-2,1e+30]"},
                                         std::pair{DType::kF64, "[0.1,-2,1e-300]"},
                                         std::pair{DType::kF16, "[0.5,-2,65504]"},
                                         std::pair{DType::kI64, "[9223372036854775807,-1,0]"},
                                         std::pair{DType::kI32, "[2147483647,-1,0]"},
                                         std::pair{DType::kI16, "[32767,-1,0]"},
                                         std::pair{DType::kI8, "[-128,127,0]"},
                                         std::pair{DType::kU8, "[255,1,0]"},
                                         std::pair{DType::kBool, "[true,false,true]"}));

TEST(Values, ElementsOutOfRangeAreRefused) {
  const auto issue = [](DType dtype, std::string_view element) {
    std::vector<FieldIssue> issues;
    const auto json =
        boost::json::parse(R"({"x":{"shape":[1],"data":[)" + std::string(element) + "]}}");
    read_inputs(&json, one_input(dtype), "", issues);
    return issues.empty() ? "" : issues.front().field + " " + issues.front().message;
  };
  EXPECT_EQ(issue(DType::kU8, "256"), "/x/data/0 is not a value of u8");
  EXPECT_EQ(issue(DType::kU8, "-1"), "/x/data/0 is not a value of u8");
  EXPECT_EQ(issue(DType::kI8, "1.5"), "/x/data/0 is not a value of i8");
  EXPECT_EQ(issue(DType::kI32, "4294967296"), "/x/data/0 is not a value of i32");
  EXPECT_EQ(issue(DType::kBool, "2"), "/x/data/0 is not a value of bool");
  EXPECT_EQ(issue(DType::kBool, "1"), "");
  EXPECT_EQ(issue(DType::kF32, "true"), "/x/data/0 is not a value of f32");
  EXPECT_EQ(issue(DType::kF32, "1e39"), "/x/data/0 is not a value of f32");
  EXPECT_EQ(issue(DType::kF16, "70000"), "/x/data/0 is not a value of f16");
  EXPECT_EQ(issue(DType::kF64, "1e308"), "");
}

// An issue costs many times the few bytes of what it is about.
TEST(Values, UnknownInputsAreTakenExceptionToOnlySoOften) {
  boost::json::object inputs;
  for (std::size_t i = 0; i < 2 * kEnoughIssues; ++i) {
    inputs["unknown" + std::to_string(i)] = 0;
  }
  const boost::json::value json = std::move(inputs);
  std::vector<FieldIssue> issues;
  read_inputs(&json, one_input(DType::kF32), "", issues);
  EXPECT_EQ(issues.size(), kEnoughIssues);
}

TEST(Values, ConstantsAreNotForClients) {
  ModelManifest manifest = one_input(DType::kF32);
  manifest.inputs.push_back({.name = "rate", .kind = InputKind::kConstant});
  std::vector<FieldIssue> issues;
  const auto json = boost::json::parse(R"({"x":{"shape":[1],"data":[1]},"rate":{"data":[1]}})");
  EXPECT_EQ(read_inputs(&json, manifest, "/inputs", issues).size(), 1u);
  EXPECT_THAT(issues,
              ElementsAre(FieldIssue{"/inputs/rate",
                                     "is a constant of the model and not for clients to send"}));
}

TEST(Values, HugeShapesDoNotOverflow) {
  std::vector<FieldIssue> issues;
  ModelManifest manifest = one_input(DType::kF32);
  manifest.inputs[0].shape = {-1, -1, -1};
  const auto json =
      boost::json::parse(R"({"x":{"shape":[4294967296,4294967296,4294967296],"data":[1]}})");
  read_inputs(&json, manifest, "", issues);
  EXPECT_THAT(issues, ElementsAre(testing::Field(&FieldIssue::message,
                                                 StartsWith("has 4 bytes of elements"))));
}

TEST(Problems, EveryCodeHasAStatusAndRetriesAreDated) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const Response response = problem(Error{static_cast<ErrorCode>(code), "why"});
    EXPECT_GE(response.status, 400);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_EQ(response.headers.empty(), response.status != 429 && response.status != 503)
        << to_string(static_cast<ErrorCode>(code));
  }
  EXPECT_EQ(problem(Error{ErrorCode::kOverloaded, ""}).status, 503);
  EXPECT_EQ(problem(Error{ErrorCode::kQuotaOpenJobs, ""}).status, 429);
  const auto retry_after = [](Duration told) {
    Error error{ErrorCode::kQuotaRate, ""};
    error.retry_after = told;
    return problem(error).headers.at(0).second;
  };
  EXPECT_EQ(retry_after({}), "1");
  EXPECT_EQ(retry_after(milliseconds(10)), "1");
  EXPECT_EQ(retry_after(seconds(2)), "2");
  EXPECT_EQ(retry_after(seconds(2) + microseconds(1)), "3");
  EXPECT_EQ(problem(Error{ErrorCode::kIdempotencyMismatch, ""}).status, 409);
}

TEST(Targets, AreDecoded) {
  Request request;
  ASSERT_TRUE(parse_target("/a%2Fb?x=1%262&y=a+b&z", request));
  EXPECT_EQ(request.path, "/a%2Fb");
  EXPECT_EQ(request.query_value("x"), "1&2");
  EXPECT_EQ(request.query_value("y"), "a b");
  EXPECT_EQ(request.query_value("z"), "");
  EXPECT_FALSE(request.query_value("w"));
  EXPECT_FALSE(parse_target("/a?x=%4", request));
  std::string many = "/a?";
  for (std::size_t i = 0; i < kMostQueryParameters; ++i) {
    many += "x=1&";
  }
  EXPECT_TRUE(parse_target(many, request));
  EXPECT_FALSE(parse_target(many + "x=1", request));
  EXPECT_FALSE(parse_target("http://host/a", request));
}

TEST(Accept, FollowsRangesAndRefusals) {
  EXPECT_TRUE(accepts("", "application/json"));
  EXPECT_TRUE(accepts("Application/JSON; charset=utf-8", "application/json"));
  EXPECT_TRUE(accepts("text/html, application/*;q=0.2", "application/json"));
  EXPECT_FALSE(accepts("text/*", "application/json"));
  EXPECT_FALSE(accepts("application/json;q=0.0", "application/json"));
}

Router::Match match(Verb verb, const std::string& path, Request& request) {
  static const Router router(api_routes());
  request = Request{.verb = verb, .path = path};
  return router.match(request);
}
std::string_view operation(Verb verb, const std::string& path) {
  static const Router router(api_routes());
  Request request;
  const auto found = match(verb, path, request);
  return found.route ? router.routes()[*found.route].operation : "";
}

TEST(Router, TellsVerbsFromNames) {
  EXPECT_EQ(operation(Verb::post, "/api/v1/jobs"), "submitJob");
  EXPECT_EQ(operation(Verb::post, "/api/v1/jobs:batch"), "submitBatch");
  EXPECT_EQ(operation(Verb::post, "/api/v1/jobs/j0000000000000:cancel"), "cancelJob");
  EXPECT_EQ(operation(Verb::get, "/api/v1/jobs/j0000000000000"), "getJob");
  EXPECT_EQ(operation(Verb::head, "/api/v1/jobs/j0000000000000"), "getJob");
  EXPECT_EQ(operation(Verb::put, "/api/v1/policies/active"), "setPolicy");
  EXPECT_EQ(operation(Verb::get, "/api/v1/jobs/"), "");
  EXPECT_EQ(operation(Verb::post, "/api/v1/jobs/:cancel"), "");
  EXPECT_EQ(operation(Verb::get, "/"), "");
}

TEST(Router, DecodesParameters) {
  Request request;
  ASSERT_TRUE(match(Verb::get, "/api/v1/nodes/edge%2D1", request).route);
  EXPECT_EQ(request.param("name"), "edge-1");
  EXPECT_EQ(match(Verb::get, "/api/v1/nodes/%zz", request).refusal->status, 400);
}

TEST(ManifestCache, DoesNotKeepWhatWasReadBeforeAChange) {
  ManifestCache cache;
  const auto manifest = std::make_shared<const ModelManifest>(one_input(DType::kF32));
  const auto before = cache.generation();
  cache.drop();
  cache.put("", "m", manifest, before);
  EXPECT_EQ(cache.find("", "m"), nullptr);
  cache.put("", "m", manifest, cache.generation());
  EXPECT_EQ(cache.find("", "m"), manifest);
  cache.drop();
  EXPECT_EQ(cache.find("", "m"), nullptr);
}

}  // namespace
}  // namespace skerry::api
