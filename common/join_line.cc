#include "common/join_line.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/ids.h"

namespace skerry {

namespace {

constexpr std::string_view kTokenPrefix = "skyjoin_";
constexpr std::string_view kDigestPrefix = "sha256:";
constexpr std::size_t kDigestCharacters = 64;
constexpr std::size_t kMostBytes = 4096;
constexpr std::string_view kSpace = " \t\r\n";

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("this is no line to join by: {}. skerryctl node token create prints one, "
                          "TOKEN@URL#sha256:FINGERPRINT,NODE",
                          what));
}

bool is_digest(std::string_view text) {
  return text.starts_with(kDigestPrefix) &&
         text.size() == kDigestPrefix.size() + kDigestCharacters &&
         text.find_first_not_of("0123456789abcdef", kDigestPrefix.size()) == std::string_view::npos;
}

}  // namespace

std::string to_text(const JoinLine& line) {
  return fmt::format("{}@{}#{}{}{}", line.token, line.url, line.authority,
                     line.node.empty() ? "" : ",", line.node);
}

Result<JoinLine> parse_join_line(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  text = text.substr(0, text.find_last_not_of(kSpace) + 1);
  if (text.empty() || text.size() > kMostBytes ||
      text.find_first_of(kSpace) != std::string_view::npos) {
    return wrong("it is empty, too long, or has spaces");
  }
  const std::size_t at = text.find('@');
  const std::size_t hash = text.rfind('#');
  if (!text.starts_with(kTokenPrefix) || at == std::string_view::npos) {
    return wrong("it does not begin with a token, skyjoin_...@");
  }
  const std::size_t comma = std::min(text.find(',', std::min(hash, text.size())), text.size());
  if (hash == std::string_view::npos || hash < at ||
      !is_digest(text.substr(hash + 1, comma - hash - 1))) {
    return wrong("it does not have the authority's fingerprint, #sha256: and 64 digits");
  }
  const std::string_view node = text.substr(std::min(comma + 1, text.size()));
  if (comma < text.size() && !validate_name("node name", node)) {
    return wrong("what stands behind the comma is no node's name");
  }
  JoinLine line{.token = std::string(text.substr(0, at)),
                .url = std::string(text.substr(at + 1, hash - at - 1)),
                .authority = std::string(text.substr(hash + 1, comma - hash - 1)),
                .node = std::string(node)};
  if (!line.url.starts_with("http://") && !line.url.starts_with("https://")) {
    return wrong("the URL begins with neither https:// nor http://");
  }
  return line;
}

}  // namespace skerry
