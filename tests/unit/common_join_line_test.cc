#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/join_line.h"

namespace skerry {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kDigest = "sha256:" + std::string(64, 'a');

TEST(JoinLine, ReadsBackAsItWasWritten) {
  for (const std::string& node : {std::string(), std::string("shop-17")}) {
    const JoinLine line{.token = "skyjoin_ab_cd",
                        .url = "https://[2001:db8::1]:8443/skerry",
                        .authority = kDigest,
                        .node = node};
    const auto read = parse_join_line(" " + to_text(line) + "\n");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, line);
  }
}

TEST(JoinLine, SaysWhatIsMissingAndNothingOfTheToken) {
  const std::string token = "skyjoin_ab_secret";
  const std::string whole = token + "@https://a:1#" + kDigest;
  ASSERT_TRUE(parse_join_line(whole));
  for (const auto& [text, what] :
       {std::pair<std::string, std::string>{"", "empty"},
        {"a b", "spaces"},
        {"sky_ab_secret@https://a:1#" + kDigest, "token"},
        {token + "#" + kDigest, "token"},
        {token + "@https://a:1", "fingerprint"},
        {whole + "0", "fingerprint"},
        {whole.substr(0, whole.size() - 1), "fingerprint"},
        {token + "@https://a:1#SHA256:" + std::string(64, 'a'), "fingerprint"},
        {token + "@ftp://a:1#" + kDigest, "https://"},
        {token + "@a:1#" + kDigest, "https://"},
        {whole + ",", "node's name"},
        {whole + ",Shop 17", "spaces"},
        {whole + ",UPPER", "node's name"},
        {std::string(5000, 'x'), "too long"}}) {
    const auto read = parse_join_line(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr(what)) << text;
    EXPECT_THAT(read.error().message, Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace skerry
