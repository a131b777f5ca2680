// api_jobs.h: a model, a job of it and its result, for the tests of jobs over REST.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/api_fixture.h"

namespace skerry::api {

inline constexpr std::string_view kJob =
    R"({"model":"echo","inputs":{"x":{"shape":[1,2],"data":[1,2.5]}}})";

inline Payload labels_output() {
  return Payload::inlined(
      encode_values({{.name = "digit", .value = Labels{{.text = "7", .score = 0.5F}}},
                     {.name = "raw",
                      .value = Tensor{.dtype = DType::kI32,
                                      .shape = {2},
                                      .data = std::string("\1\0\0\0\377\377\377\377", 8)}}}));
}

inline std::string text_at(const boost::json::value& json, std::string_view pointer) {
  return std::string(json.at_pointer(pointer).as_string());
}

class Jobs : public testing::Test {
 protected:
  Jobs() { api_.put_noop_model(); }
  // Of a submission that must be refused.
  std::vector<std::string> issues_of(std::string_view body,
                                     const std::vector<std::string>& headers = {}) {
    const Reply reply = api_.call("POST", "/api/v1/jobs", body, headers);
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(reply.code(), "invalid_argument");
    return reply.fields();
  }

  TestApi api_;
};

}  // namespace skerry::api
