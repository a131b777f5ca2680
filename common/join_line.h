// join_line.h: the one line that lets a machine join: where REST is, the join token, and who signs for nodes.
//
//   skyjoin_ID_SECRET@https://skerry.example:8443#sha256:<64 hex>,shop-17
//
// skerryctl node token create prints it, skerry-agent join takes it. The fingerprint is that of the authority
// which signs for nodes: the machine believes nobody else. The node's name comes last, unless the token is good for
// several. Pure; call from anywhere.

#pragma once

#include <string>
#include <string_view>

#include "common/error.h"

namespace skerry {

struct JoinLine {
  std::string token;
  std::string url;        // of the REST API
  std::string authority;  // "sha256:<64 hex>"
  std::string node = {};  // empty: whoever joins says it

  bool operator==(const JoinLine&) const = default;
};

std::string to_text(const JoinLine& line);
// White space around it is left out. kInvalidArgument says what is missing; nothing of the token is repeated.
Result<JoinLine> parse_join_line(std::string_view text);

}  // namespace skerry
