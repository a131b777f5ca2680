// Tests of skerryctl's pure parts: units, tables, URLs, exit codes, server-sent events, YAML and
// JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "cli/exit_code.h"
#include "cli/json_text.h"
#include "cli/sse.h"
#include "cli/table.h"
#include "cli/units.h"
#include "cli/url.h"
#include "cli/yaml_json.h"

namespace skerry::cli {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Units, DurationsAreReadWithTheirUnitAndNotWithout) {
  EXPECT_EQ(parse_duration("250us"), Duration(250));
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("2m"), minutes(2));
  EXPECT_EQ(parse_duration("1h"), hours(1));
  for (const char* text : {"", "5", "s", "-1s", "1 s", "1x", "1.2.3s", "1e3s"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Units, PairsNeedAKeyAndAnEqualsSign) {
  EXPECT_EQ(parse_pair("zone=a"), (std::pair<std::string, std::string>("zone", "a")));
  EXPECT_EQ(parse_pair("a=b=c"), (std::pair<std::string, std::string>("a", "b=c")));
  EXPECT_EQ(parse_pair("a="), (std::pair<std::string, std::string>("a", "")));
  EXPECT_FALSE(parse_pair("zone"));
  EXPECT_FALSE(parse_pair("=a"));
}

TEST(Units, LengthsOfTimeReadWithThreeDigitsOrTwoUnits) {
  EXPECT_EQ(human_ms(0), "0");
  EXPECT_EQ(human_ms(0.0854), "85.4 us");
  EXPECT_EQ(human_ms(1.2345), "1.23 ms");
  EXPECT_EQ(human_ms(12.345), "12.3 ms");
  EXPECT_EQ(human_ms(123.45), "123 ms");
  EXPECT_EQ(human_ms(500), "500 ms");
  EXPECT_EQ(human_ms(2500), "2.50 s");
  EXPECT_EQ(human_ms(185e3), "3m5s");
  EXPECT_EQ(human_ms(15120e3), "4h12m");
  EXPECT_EQ(human_ms(266400e3), "3d2h");
  EXPECT_EQ(human_age(seconds(119)), "119s");
  EXPECT_EQ(human_age(minutes(119)), "119m");
  EXPECT_EQ(human_age(hours(47)), "47h");
  EXPECT_EQ(human_age(hours(48)), "2d");
  EXPECT_EQ(human_age(seconds(-5)), "0s") << "a clock that is a little behind the controller's";
}

TEST(Units, BytesEnergyAndMoneyReadInTheUnitThatFits) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(1536), "1.50 KiB");
  EXPECT_EQ(human_bytes(8.0 * 1024 * 1024 * 1024), "8 GiB");
  EXPECT_EQ(human_joules(0.00085), "850 uJ");
  EXPECT_EQ(human_joules(0.0123), "12.3 mJ");
  EXPECT_EQ(human_joules(2100), "2.10 kJ");
  EXPECT_EQ(human_usd(0), "$0");
  EXPECT_EQ(human_usd(1.2e-8), "$1.2e-08");
  EXPECT_EQ(human_usd(0.004), "$0.0040");
  EXPECT_EQ(human_usd(1.2), "$1.20");
  EXPECT_EQ(human_percent(0.042), "4.2 %");
  EXPECT_EQ(human_percent(0.07), "7 %");
  EXPECT_EQ(human_percent(1), "100 %");
}

TEST(Units, TimesAreReadInUtcWithFractions) {
  EXPECT_EQ(parse_time("1970-01-02T00:00:01Z"), Instant(hours(24) + seconds(1)));
  EXPECT_EQ(parse_time("2026-01-31T12:00:00.123456Z"), instant_from_us(1769860800123456));
  for (const char* text : {"", "2026-01-31", "2026-02-30T00:00:00Z", "2026-01-31T12:00:00+01:00"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

TEST(Tables, ColumnsAlignByCharactersAndLinesEndWithoutSpaces) {
  Table table({{.title = "NAME"}, {.title = "N", .align = Align::kRight}, {.title = "STATE"}});
  table.add({"ä", "1", Cell("READY", Tone::kGood)});
  table.add({"longer", "1000", ""});
  EXPECT_EQ(table.render(false, false),
            "NAME       N  STATE\n"
            "ä          1  READY\n"
            "longer  1000  -\n");
}

TEST(Tables, WideColumnsShowOnlyWhenAskedAndColoursDoNotMoveAnything) {
  Table table({{.title = "A"}, {.title = "B", .wide = true}, {.title = "C"}});
  table.add({Cell("x", Tone::kBad), "y", "z"});
  EXPECT_EQ(table.render(false, false), "A  C\nx  z\n");
  EXPECT_EQ(table.render(true, false), "A  B  C\nx  y  z\n");
  EXPECT_EQ(table.render(false, true), "A  C\n\x1b[31mx\x1b[0m  z\n");
}

TEST(Tables, ASheetLeavesOutWhatIsEmptyAndIndentsBlocks) {
  Sheet sheet;
  sheet.line("Name", "edge-1");
  sheet.line("Site", "");
  sheet.line("A longer label", "x");
  sheet.block("Block", "one\ntwo\n");
  EXPECT_EQ(sheet.render(false),
            "Name:            edge-1\n"
            "A longer label:  x\n"
            "Block:\n  one\n  two\n");
}

TEST(Urls, AreTakenApartWithTheirDefaults) {
  EXPECT_EQ(parse_url("http://127.0.0.1:8080"),
            (Url{.host = "127.0.0.1", .port = "8080", .path = ""}));
  EXPECT_EQ(parse_url("edge.example"), (Url{.host = "edge.example", .port = "80", .path = ""}));
  EXPECT_EQ(parse_url("http://[::1]:9000/skerry/"),
            (Url{.host = "::1", .port = "9000", .path = "/skerry"}));
  EXPECT_EQ(parse_url("http://[::1]:9000/skerry/")->text(), "http://[::1]:9000/skerry");
  EXPECT_EQ(parse_url("https://a"), (Url{.tls = true, .host = "a", .port = "443", .path = ""}));
  EXPECT_EQ(parse_url("https://a:8080/b")->text(), "https://a:8080/b");
  for (const char* text : {"", "http://", "ftp://a", "https://", "http://a:0", "http://a:b",
                           "http://a b", "http://a:70000"}) {
    EXPECT_FALSE(parse_url(text)) << text;
  }
}

TEST(Urls, QueriesLeaveOutWhatIsEmptyAndEscapeTheRest) {
  EXPECT_EQ(query({{"a", "x y"}, {"b", ""}, {"c", "1&2"}}), "?a=x%20y&c=1%262");
  EXPECT_EQ(query({{"a", ""}}), "");
  EXPECT_EQ(url_escape("../jobs?x"), "..%2Fjobs%3Fx");
}

TEST(ExitCodes, EveryErrorCodeHasItsExitCode) {
  const std::vector<std::pair<ErrorCode, ExitCode>> expected = {
      {ErrorCode::kInvalidArgument, ExitCode::kRequestFailed},
      {ErrorCode::kNotFound, ExitCode::kNotFound},
      {ErrorCode::kAlreadyExists, ExitCode::kConflict},
      {ErrorCode::kConflict, ExitCode::kConflict},
      {ErrorCode::kIdempotencyMismatch, ExitCode::kConflict},
      {ErrorCode::kUnsatisfiable, ExitCode::kRequestFailed},
      {ErrorCode::kNoCapacity, ExitCode::kUnavailable},
      {ErrorCode::kTooLarge, ExitCode::kRequestFailed},
      {ErrorCode::kQuotaRate, ExitCode::kUnavailable},
      {ErrorCode::kQuotaOpenJobs, ExitCode::kUnavailable},
      {ErrorCode::kQuotaInputBytes, ExitCode::kUnavailable},
      {ErrorCode::kQuotaStoredBytes, ExitCode::kUnavailable},
      {ErrorCode::kOverloaded, ExitCode::kUnavailable},
      {ErrorCode::kStorageFull, ExitCode::kUnavailable},
      {ErrorCode::kDeadlineExceeded, ExitCode::kUnavailable},
      {ErrorCode::kCancelled, ExitCode::kJobFailed},
      {ErrorCode::kModelFailed, ExitCode::kJobFailed},
      {ErrorCode::kRunnerCrashed, ExitCode::kJobFailed},
      {ErrorCode::kNodeLost, ExitCode::kJobFailed},
      {ErrorCode::kSequenceLost, ExitCode::kJobFailed},
      {ErrorCode::kQuarantined, ExitCode::kJobFailed},
      {ErrorCode::kCorrupt, ExitCode::kRequestFailed},
      {ErrorCode::kUnavailable, ExitCode::kUnavailable},
      {ErrorCode::kUnsupported, ExitCode::kRequestFailed},
      {ErrorCode::kUnauthenticated, ExitCode::kRequestFailed},
      {ErrorCode::kPermissionDenied, ExitCode::kRequestFailed},
      {ErrorCode::kIo, ExitCode::kRequestFailed},
      {ErrorCode::kInternal, ExitCode::kRequestFailed}};
  for (const auto& [code, exit_code] : expected) {
    EXPECT_EQ(exit_code_of(code), exit_code) << to_string(code);
    EXPECT_EQ(parse_error_code(to_string(code)), code);
  }
  EXPECT_EQ(expected.size(), static_cast<std::size_t>(ErrorCode::kInternal) + 1);
  EXPECT_FALSE(parse_error_code("brand_new"));
}

std::vector<std::string> parsed_events(const std::vector<std::string>& pieces) {
  std::vector<std::string> seen;
  SseParser parser([&](const ServerEvent& event) {
    seen.push_back(event.id + "|" + event.type + "|" + event.data);
  });
  for (const std::string& piece : pieces) {
    EXPECT_TRUE(parser.feed(piece));
  }
  return seen;
}

TEST(Sse, EventsAreTheSameHoweverTheBytesAreCutAndWhateverEndsTheLines) {
  const std::string stream =
      ": hello\n\nid: 7\nevent: job\ndata: {\"a\":1}\n\ndata:x\r\ndata: y\r\n\r\nevent: lost\n";
  const auto whole = parsed_events({stream});
  EXPECT_THAT(whole, ElementsAre("7|job|{\"a\":1}", "7|message|x\ny"));
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    EXPECT_EQ(parsed_events({stream.substr(0, cut), stream.substr(cut)}), whole) << cut;
  }
}

TEST(Sse, ResetForgetsHalfAnEventButNotTheLastId) {
  std::vector<std::string> seen;
  SseParser parser(
      [&](const ServerEvent& event) { seen.push_back(event.type + "|" + event.data); });
  EXPECT_TRUE(parser.feed("id: 3\nretry: 20\ndata: a\n\nevent: node\ndata: half"));
  parser.reset();
  EXPECT_TRUE(parser.feed("data: b\n\n"));
  EXPECT_THAT(seen, ElementsAre("message|a", "message|b"));
  EXPECT_EQ(parser.last_id(), "3");
  EXPECT_EQ(parser.retry(), milliseconds(20));
}

TEST(Sse, AnEventWithoutEndIsRefused) {
  SseParser parser([](const ServerEvent&) {});
  const Status fed = parser.feed("data: " + std::string(2 << 20, 'x'));
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code, ErrorCode::kTooLarge);
}

json::value from_yaml(std::string_view text) {
  const auto documents = json_from_yaml(text, "test.yaml");
  EXPECT_TRUE(documents) << documents.error().message;
  return documents && documents->size() == 1 ? documents->front() : json::value("not one document");
}

TEST(Yaml, ScalarsTakeTheTypeThatTheCoreSchemaGivesThem) {
  const std::pair<const char*, const char*> cases[] = {
      {"12", "12"},       {"-7", "-7"},           {"+3", "3"},
      {"0x1F", "31"},     {"0o17", "15"},         {"1.5", "1.5"},
      {"1e3", "1000.0"},  {".5", "0.5"},          {"true", "true"},
      {"False", "false"}, {"~", "null"},          {"null", "null"},
      {"''", "\"\""},     {"'12'", "\"12\""},     {"\"true\"", "\"true\""},
      {"yes", "\"yes\""}, {"1.2.3", "\"1.2.3\""}, {"0x", "\"0x\""},
      {"12a", "\"12a\""}, {"!!str 5", "\"5\""},   {"18446744073709551615", "18446744073709551615"},
      {"+-5", "\"+-5\""}, {"0x-5", "\"0x-5\""},
  };
  for (const auto& [yaml, expected] : cases) {
    EXPECT_EQ(compact_json(from_yaml(std::string("v: ") + yaml)),
              std::string("{\"v\": ") + expected + "}")
        << yaml;
  }
}

TEST(Yaml, MappingsSequencesAnchorsAndDocumentsBecomeJson) {
  EXPECT_EQ(compact_json(from_yaml("a: &x [1, two]\nb: *x\nc: {d: }\n")),
            R"({"a": [1, "two"], "b": [1, "two"], "c": {"d": null}})");
  const auto documents = json_from_yaml("a: 1\n---\n---\nb: 2\n", "t");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(compact_json((*documents)[1]), R"({"b": 2})");
}

TEST(Yaml, JsonIsTakenAsItIsSurrogatePairsIncluded) {
  EXPECT_EQ(from_yaml(R"({"a": "\ud83d\ude00"})").at("a").as_string(), "\xF0\x9F\x98\x80");
}

TEST(Yaml, WhatJsonCannotHoldIsRefusedWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: 1\nb: .inf\n", "test.yaml:2: '.inf' is no finite number"},
      {"a: 1\na: 2\n", "test.yaml:2: 'a' is set twice"},
      {"? [1]\n: 2\n", "a key must be a text"},
      {"a: [1\n", "test.yaml:"},
      {"[1], 2\n", "this does not belong"},
      {"a: &a [*a]\n", "nested deeper than 64"},
  };
  for (const auto& [yaml, expected] : cases) {
    const auto documents = json_from_yaml(yaml, "test.yaml");
    ASSERT_FALSE(documents) << yaml;
    EXPECT_EQ(documents.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(documents.error().message, HasSubstr(expected));
  }
}

TEST(Yaml, ManyAliasesOfManyAliasesAreRefusedInsteadOfFillingMemory) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    yaml += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int n = 1; n < 10; ++n) {
      yaml += ", " + last;
    }
    yaml += "]\n";
  }
  EXPECT_FALSE(json_from_yaml(yaml, "bomb"));
}

TEST(Yaml, WhatIsWrittenReadsBackTheSame) {
  const json::value value = json::parse(
      R"({"text": "plain", "number-like": "12", "true-like": "true", "empty": "", "tilde": "~", "colon": "a: b",
          "lines": "one\ntwo\n", "hash": "# no", "int": -3, "big": 18446744073709551615, "double": 1.5, "tiny": 1e-8,
          "whole": 1.0, "yes": true, "none": null, "list": [1, "x", 2.5], "nested": [{"a": [], "b": {}}, {"12": "c"}]})");
  EXPECT_EQ(from_yaml(yaml_from_json(value)), value) << yaml_from_json(value);
}

TEST(Json, PrettyTextKeepsShortListsOnALineAndNumbersAsTheyWereTyped) {
  EXPECT_EQ(pretty_json(
                json::parse(R"({"a":[1,2.5,3],"b":{"c":1e-8,"d":0.1},"e":[{"f":"x\"y"}],"g":{}})")),
            "{\n  \"a\": [1, 2.5, 3],\n  \"b\": {\n    \"c\": 1e-08,\n    \"d\": 0.1\n  },\n"
            "  \"e\": [\n    {\n      \"f\": \"x\\\"y\"\n    }\n  ],\n  \"g\": {}\n}\n");
}

}  // namespace
}  // namespace skerry::cli
