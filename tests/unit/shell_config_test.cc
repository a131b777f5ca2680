// Configuration: precedence of flag, variable and file, and what the messages about mistakes say.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config.h"
#include "common/endpoint.h"
#include "common/tls/settings.h"

namespace skerry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

ConfigInput input(std::string text) {
  return {.kind = "DemoConfig",
          .text = text.empty() ? "" : "apiVersion: skerry/v1\nkind: DemoConfig\n" + text,
          .origin = "demo.yaml",
          .env_prefix = "SKERRY_DEMO"};
}

Environment with(std::map<std::string, std::string> variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string message(const Status& status) { return status ? "" : status.error().message; }

TEST(Config, ReadsEveryKindOfSettingFromTheFile) {
  ConfigReader reader(
      input("name: kiosk\nslots: 3\nshare: 0.5\non: true\nwait: 250ms\nroom: 1.5MiB\nlist: [a, "
            "b]\ncores: [0, 2]\n"
            "labels: {zone: east, a.b/c: \"1\"}\ncpu:\n  mode: hard\n"));
  ConfigFields root = reader.root();
  EXPECT_EQ(root.text("name"), "kiosk");
  EXPECT_EQ(root.integer("slots", 1, 1, 64), 3);
  EXPECT_EQ(root.number("share", 1, 0, 1), 0.5);
  EXPECT_TRUE(root.boolean("on", false));
  EXPECT_EQ(root.duration("wait", seconds(1), seconds(0), hours(1)), milliseconds(250));
  EXPECT_EQ(root.size_bytes("room", 0, 0, 1u << 30), 3u << 19);
  EXPECT_THAT(root.texts("list"), ElementsAre("a", "b"));
  EXPECT_THAT(root.integers("cores", 0, 1023), ElementsAre(0, 2));
  EXPECT_THAT(root.text_map("labels"), ElementsAre(Pair("a.b/c", "1"), Pair("zone", "east")));
  EXPECT_EQ(root.section("cpu").choice("mode", "soft", {"soft", "hard"}), "hard");
  EXPECT_EQ(message(reader.finish()), "");
}

TEST(Config, AFlagBeatsAVariableWhichBeatsTheFileWhichBeatsTheFallback) {
  ConfigInput in = input("cpu:\n  a: 1\n  b: 1\n  c: 1\n");
  in.environment = with({{"SKERRY_DEMO_CPU_B", "2"}, {"SKERRY_DEMO_CPU_C", "2"}});
  in.flags = {{"cpu.c", "3"}};
  ConfigReader reader(std::move(in));
  ConfigFields cpu = reader.root().section("cpu");
  EXPECT_EQ(cpu.integer("a", 0, 0, 9), 1);
  EXPECT_EQ(cpu.integer("b", 0, 0, 9), 2);
  EXPECT_EQ(cpu.integer("c", 0, 0, 9), 3);
  EXPECT_EQ(cpu.integer("d", 7, 0, 9), 7);
  EXPECT_EQ(message(reader.finish()), "");
}

TEST(Config, VariablesHoldListsAndMapsAsYaml) {
  ConfigInput in = input("");
  in.environment = with({{"SKERRY_DEMO_LIST", "[a, b]"}, {"SKERRY_DEMO_LABELS", "{zone: west}"}});
  ConfigReader reader(std::move(in));
  EXPECT_THAT(reader.root().texts("list"), ElementsAre("a", "b"));
  EXPECT_THAT(reader.root().text_map("labels"), ElementsAre(Pair("zone", "west")));
  EXPECT_EQ(message(reader.finish()), "");
}

TEST(Config, UnknownKeysAreErrorsWithTheirLine) {
  ConfigReader reader(input("name: a\ncpu:\n  thread: 2\nsl0ts: 1\n"));
  reader.root().text("name");
  reader.root().section("cpu").integer("threads", 1, 1, 9);
  const std::string told = message(reader.finish());
  EXPECT_THAT(told, HasSubstr("demo.yaml:5: cpu.thread is not a known setting"));
  EXPECT_THAT(told, HasSubstr("demo.yaml:6: sl0ts is not a known setting"));
  EXPECT_THAT(told, Not(HasSubstr("name")));
}

TEST(Config, EveryMistakeIsToldAtOnceWithItsSource) {
  ConfigInput in = input("slots: many\nwait: 5 parsecs\nmode: x\n");
  in.environment = with({{"SKERRY_DEMO_SHARE", "2"}});
  in.flags = {{"room", "-1"}, {"nonsense", "1"}};
  ConfigReader reader(std::move(in));
  ConfigFields root = reader.root();
  EXPECT_EQ(root.integer("slots", 4, 1, 64), 4);
  root.duration("wait", seconds(1), seconds(0), minutes(2));
  root.choice("mode", "a", {"a", "b"});
  root.number("share", 1, 0, 1);
  root.size_bytes("room", 0, 0, 1024);
  root.required_text("name");
  const Status status = reader.finish();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(status.error().fields.size(), 7u);
  EXPECT_THAT(message(status), HasSubstr("demo.yaml:3: slots must be a whole number from 1 to 64"));
  EXPECT_THAT(message(status),
              HasSubstr("demo.yaml:4: wait must be a time from 0us to 2m, such as 500ms"));
  EXPECT_THAT(message(status), HasSubstr("demo.yaml:5: mode must be one of a, b"));
  EXPECT_THAT(message(status), HasSubstr("SKERRY_DEMO_SHARE: share must be a number from 0 to 1"));
  EXPECT_THAT(message(status), HasSubstr("--set room: room must be a size from 0 to 1KiB"));
  EXPECT_THAT(message(status), HasSubstr("--set: nonsense is not a known setting"));
  EXPECT_THAT(message(status), HasSubstr("name must be set"));
}

TEST(Config, RefusesWhatIsNoYamlOrAnotherKindOrSetTwice) {
  const auto told = [](std::string text) {
    ConfigReader reader({.kind = "DemoConfig", .text = std::move(text), .origin = "d.yaml"});
    reader.root().text("name");
    return message(reader.finish());
  };
  EXPECT_THAT(told("apiVersion: skerry/v1\nkind: [\n"), HasSubstr("d.yaml:3: "));
  EXPECT_THAT(told("apiVersion: skerry/v1\nkind: Other\n"),
              HasSubstr("d.yaml:2: kind must be 'DemoConfig'"));
  EXPECT_THAT(told("kind: DemoConfig\n"), HasSubstr("apiVersion is missing: must be 'skerry/v1'"));
  EXPECT_THAT(told("apiVersion: skerry/v1\nkind: DemoConfig\nname: a\nname: b\n"),
              HasSubstr("d.yaml:4: name is set twice"));
  EXPECT_THAT(told("- a\n"), HasSubstr("must be a mapping"));
  EXPECT_THAT(told("{}, name\n"), HasSubstr("d.yaml:1: this does not belong"));
  EXPECT_THAT(told("apiVersion: skerry/v1\nkind: DemoConfig\n---\nname: a\n"),
              HasSubstr("more than one document"));
}

TEST(Config, ListsOfSectionsAreReadOneByOne) {
  ConfigReader reader(input("links:\n  - name: a\n  - name: b\n    sped: 1\n"));
  std::vector<std::string> names;
  for (ConfigFields& link : reader.root().sections("links")) {
    names.push_back(link.text("name"));
    link.number("speed", 0, 0, 9);
  }
  EXPECT_THAT(names, ElementsAre("a", "b"));
  EXPECT_THAT(message(reader.finish()),
              HasSubstr("demo.yaml:6: links[1].sped is not a known setting"));
}

TEST(Config, AWholeSectionOrListOfThemMayComeFromAVariableOrAFlag) {
  ConfigInput in = input("links:\n  - name: a\ncpu: {mode: hard}\n");
  in.environment =
      with({{"SKERRY_DEMO_LINKS", "[{name: b}, {name: c, nmae: d}]"}, {"SKERRY_DEMO_CPU", "7"}});
  in.flags = {{"keys", "[{id: 1}]"}};
  ConfigReader reader(std::move(in));
  std::vector<ConfigFields> links = reader.root().sections("links");
  ASSERT_EQ(links.size(), 2u);
  EXPECT_EQ(links[0].text("name"), "b");
  EXPECT_EQ(links[1].text("name"), "c");
  std::vector<ConfigFields> keys = reader.root().sections("keys");
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].integer("id", 0, 0, 9), 1);
  reader.root().section("cpu");
  EXPECT_THAT(reader.effective(), HasSubstr("name: c"));
  EXPECT_EQ(message(reader.finish()),
            "SKERRY_DEMO_CPU: cpu must be a mapping of settings\n"
            "SKERRY_DEMO_LINKS: links[1].nmae is not a known setting");
}

TEST(Config, TheEffectiveDocumentReadsBackAsTheSameSettings) {
  const auto read = [](ConfigReader& reader) {
    ConfigFields root = reader.root();
    root.text("name", "n");
    root.section("cpu").duration("wait", milliseconds(1500), seconds(0), hours(1));
    root.section("cpu").size_bytes("room", 3u << 20, 0, 1u << 30);
    root.text_map("labels");
    for (ConfigFields& link : root.sections("links")) {
      link.number("speed", 0.25, 0, 9);
    }
  };
  ConfigReader first(input("labels: {a: b}\nlinks: [{}, {speed: 2}]\n"));
  read(first);
  ASSERT_EQ(message(first.finish()), "");
  const std::string once = first.effective();
  EXPECT_THAT(once, HasSubstr("wait: 1500ms"));
  EXPECT_THAT(once, HasSubstr("room: 3MiB"));
  ConfigReader second({.kind = "DemoConfig", .text = once, .origin = "again.yaml"});
  read(second);
  ASSERT_EQ(message(second.finish()), "");
  EXPECT_EQ(second.effective(), once);
}

TEST(Config, SettingsOnTheCommandLineAreSplitAtTheFirstEquals) {
  EXPECT_EQ(*parse_setting("labels={a: b=c}"),
            (std::pair<std::string, std::string>("labels", "{a: b=c}")));
  EXPECT_FALSE(parse_setting("labels"));
  EXPECT_FALSE(parse_setting("=1"));
}

// ---- what several configurations have in common

TEST(Endpoint, OnlyAddressesOfThisMachineAreLoopback) {
  for (const char* address : {"127.0.0.1", "127.9.9.9", "::1"}) {
    EXPECT_TRUE(is_loopback_address(address)) << address;
  }
  for (const char* address :
       {"", "0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "127.example", "1127.0.0.1"}) {
    EXPECT_FALSE(is_loopback_address(address)) << address;
  }
}

TEST(Endpoint, BeyondLoopbackIsListenedToOnlyIfThatIsAllowed) {
  EXPECT_TRUE(parse_listen_address("127.0.0.1:1", false));
  EXPECT_TRUE(parse_listen_address("0.0.0.0:1", true));
  EXPECT_THAT(parse_listen_address("0.0.0.0:1", false).error().message,
              HasSubstr("give it a certificate"));
}

std::string tls_complaint(const std::string& yaml) {
  ConfigReader reader(input("tls: " + yaml + "\n"));
  tls::read_server_files(reader.root().section("tls"));
  return message(reader.finish());
}

TEST(TlsSettings, ACertificateAndItsKeyComeTogether) {
  ConfigReader reader(input("tls: {certificate_file: a, key_file: b, client_ca_file: c}\n"));
  EXPECT_EQ(tls::read_server_files(reader.root().section("tls")),
            (tls::ServerFiles{.certificate_file = "a", .key_file = "b", .client_ca_file = "c"}));
  EXPECT_EQ(message(reader.finish()), "");
  EXPECT_EQ(tls_complaint("{}"), "");
  EXPECT_THAT(tls_complaint("{certificate_file: a}"), HasSubstr("tls.key_file must be set"));
  EXPECT_THAT(tls_complaint("{key_file: a}"), HasSubstr("tls.certificate_file must be set"));
  EXPECT_THAT(tls_complaint("{client_ca_file: a}"), HasSubstr("tls.certificate_file must be set"));
}

}  // namespace
}  // namespace skerry
