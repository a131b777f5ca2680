// Policy bundles: what is written reads back, and what is broken in any way is refused with a reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "rl/bundle/bundle.h"

namespace skerry::rl {
namespace {

using testing::HasSubstr;

Bundle demo(float weight = 0.25f) {
  return {.name = "demo-1.0",
          .problem = "gmorl",
          .features = "gmorl/1",
          .network =
              Mlp({{.inputs = 3, .outputs = 2, .weights = {1, 2, 3, 4, 5, weight}, .bias = {7, 8}},
                   {.inputs = 2, .outputs = 1, .weights = {-1, 1}, .bias = {0.5f}}}),
          .training = {{"seed", 1}},
          .card = {{"gain", -3.5}}};
}

using Break = void (*)(boost::json::object&);

// The bundle with one thing changed.
std::string broken(Break change) {
  boost::json::value json = boost::json::parse(write_bundle(demo()));
  change(json.get_object());
  return boost::json::serialize(json);
}

ErrorCode refusal(const std::string& text) {
  const auto read = read_bundle(text);
  EXPECT_FALSE(read.has_value()) << text;
  return read ? ErrorCode::kInternal : read.error().code;
}

TEST(Bundle, WhatIsWrittenReadsBack) {
  const Bundle bundle = demo();
  const auto read = read_bundle(write_bundle(bundle));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "demo-1.0");
  EXPECT_EQ(read->problem, "gmorl");
  EXPECT_EQ(read->features, "gmorl/1");
  EXPECT_EQ(read->training, bundle.training);
  EXPECT_EQ(read->card, bundle.card);
  ASSERT_EQ(read->network.layers().size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->network.layers()[i].weights, bundle.network.layers()[i].weights);
    EXPECT_EQ(read->network.layers()[i].bias, bundle.network.layers()[i].bias);
  }
  EXPECT_EQ(bundle_number(*read), bundle_number(bundle));
  EXPECT_NE(bundle_number(demo(0.5f)), bundle_number(bundle));
  Bundle other = bundle;
  other.card["ahead_of_greedy"] = true;
  EXPECT_EQ(bundle_number(other), bundle_number(bundle)) << "a card decides nothing";
  other.training["ranges"] = {{"service_s", {0, 1}}};
  EXPECT_NE(bundle_number(other), bundle_number(bundle));
}

TEST(Bundle, EveryTruncationIsRefused) {
  const std::string whole = write_bundle(demo());
  for (std::size_t length = 0; length + 1 < whole.size(); ++length) {  // the last is a line end
    EXPECT_EQ(refusal(whole.substr(0, length)), ErrorCode::kCorrupt) << length;
  }
}

TEST(Bundle, WeightsThatAreNotFiniteAreRefused) {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(refusal(write_bundle(demo(poison))), ErrorCode::kCorrupt);
  }
}

TEST(Bundle, AFlippedWeightFailsItsChecksum) {
  EXPECT_EQ(refusal(broken([](boost::json::object& json) {
              std::string weights(json["weights"].as_string());
              weights[3] = weights[3] == 'A' ? 'B' : 'A';
              json["weights"] = weights;
            })),
            ErrorCode::kCorrupt);
}

TEST(Bundle, EveryBrokenFieldIsRefused) {
  struct Case {
    const char* name;
    ErrorCode code;
    Break change;
  };
  const Case cases[] = {
      {"another kind", ErrorCode::kUnsupported, [](auto& json) { json["kind"] = "JobSpec"; }},
      {"another version", ErrorCode::kUnsupported,
       [](auto& json) { json["apiVersion"] = "skerry/v9"; }},
      {"no name", ErrorCode::kInvalidArgument, [](auto& json) { json.erase("name"); }},
      {"a name with a slash", ErrorCode::kInvalidArgument,
       [](auto& json) { json["name"] = "../x"; }},
      {"a long name", ErrorCode::kInvalidArgument,
       [](auto& json) { json["name"] = std::string(64, 'a'); }},
      {"no problem", ErrorCode::kInvalidArgument, [](auto& json) { json.erase("problem"); }},
      {"no features", ErrorCode::kInvalidArgument, [](auto& json) { json.erase("features"); }},
      {"a key that nobody knows", ErrorCode::kInvalidArgument,
       [](auto& json) { json["extra"] = 1; }},
      {"no layers", ErrorCode::kInvalidArgument,
       [](auto& json) { json["layers"] = boost::json::array(); }},
      {"layers that do not fit", ErrorCode::kInvalidArgument,
       [](auto& json) { json["layers"].as_array()[1].as_object()["inputs"] = 3; }},
      {"a layer too wide", ErrorCode::kInvalidArgument,
       [](auto& json) { json["layers"].as_array()[0].as_object()["outputs"] = 100'000; }},
      {"a layer of nothing", ErrorCode::kInvalidArgument,
       [](auto& json) { json["layers"].as_array()[0].as_object()["inputs"] = 0; }},
      {"too few weights", ErrorCode::kCorrupt,
       [](auto& json) { json["layers"].as_array()[0].as_object()["inputs"] = 4; }},
      {"too many weights", ErrorCode::kCorrupt,
       [](auto& json) { json["layers"].as_array()[0].as_object()["inputs"] = 2; }},
      {"weights that are no base64", ErrorCode::kCorrupt,
       [](auto& json) { json["weights"] = "?!"; }},
      {"weights that are a number", ErrorCode::kInvalidArgument,
       [](auto& json) { json["weights"] = 3; }},
      {"a card that is a list", ErrorCode::kInvalidArgument,
       [](auto& json) { json["card"] = boost::json::array(); }},
      {"no training", ErrorCode::kInvalidArgument, [](auto& json) { json.erase("training"); }},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(refusal(broken(one.change)), one.code) << one.name;
  }
}

TEST(Bundle, WhatIsNoBundleAtAllIsRefused) {
  EXPECT_EQ(refusal(""), ErrorCode::kCorrupt);
  EXPECT_EQ(refusal("[1, 2"), ErrorCode::kCorrupt);
  EXPECT_EQ(refusal(std::string(kMaxBundleBytes + 1, ' ')), ErrorCode::kTooLarge);
  for (const char* text : {"[]", "null", "\"policy\"", "{}"}) {
    EXPECT_FALSE(read_bundle(text)) << text;
  }
}

}  // namespace
}  // namespace skerry::rl
