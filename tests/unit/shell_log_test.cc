// The log's two forms, that nothing in a message can break out of its line, and what is said again and again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/json/parse.hpp>
#include <sstream>

#include "common/log.h"
#include "common/nag.h"

namespace skerry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::string logged(bool json, std::string_view message) {
  std::ostringstream out;
  const auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(out);
  make_log({.part = "agent"}, sink, json)
      ->info("{}{}", message, fields({{"job", "j1"}, {"reason", "a \"b\"\n"}}));
  return out.str();
}

TEST(Log, AJsonLineIsOneObjectWithItsFields) {
  const auto line = boost::json::parse(logged(true, "node 'x' \x01\nsaid hello")).as_object();
  EXPECT_EQ(line.at("message").as_string(), "node 'x' \x01\nsaid hello");
  EXPECT_EQ(line.at("level").as_string(), "info");
  EXPECT_EQ(line.at("part").as_string(), "agent");
  EXPECT_EQ(line.at("job").as_string(), "j1");
  EXPECT_EQ(line.at("reason").as_string(), "a \"b\"\n");
  EXPECT_THAT(std::string(line.at("time").as_string()), EndsWith("Z"));
}

TEST(Log, ATextLineHoldsNoControlCharacters) {
  const std::string line = logged(false, "bad\x1b[31m\nnews");
  EXPECT_THAT(line, HasSubstr("info    agent  bad [31m news job=j1 reason=a \"b\" \n"));
  EXPECT_THAT(line, Not(HasSubstr("\x1b")));
}

TEST(Log, RefusesUnknownLevelsAndFormats) {
  EXPECT_FALSE(make_log({.part = "agent", .level = "loud"}));
  EXPECT_FALSE(make_log({.part = "agent", .format = "xml"}));
  EXPECT_TRUE(make_log({.part = "agent", .level = "off"}));
}

TEST(Nag, SaysItAtOnceAndAgain) {
  std::ostringstream out;
  const auto log =
      make_log({.part = "agent"}, std::make_shared<spdlog::sinks::ostream_sink_st>(out), false);
  boost::asio::io_context io;
  const Nag nag(io, *log, "mind this", milliseconds(1));
  EXPECT_THAT(out.str(), HasSubstr("mind this"));
  io.run_one();
  io.run_one();
  std::size_t times = 0;
  for (std::size_t at = 0; (at = out.str().find("mind this", at)) != std::string::npos; ++at) {
    ++times;
  }
  EXPECT_EQ(times, 3u);
}

}  // namespace
}  // namespace skerry
