// auth_hostile_tokens.h: tokens that nobody may accept, each with the reason for which it is refused.

#pragma once

#include <string>
#include <vector>

namespace skerry::oidc {

struct HostileToken {
  std::string name;
  std::string token;
  std::string
      why;  // part of the refusal: that it is refused for something else would prove nothing
};

std::vector<HostileToken> hostile_algorithms();
std::vector<HostileToken> hostile_signatures();
std::vector<HostileToken> hostile_key_ids();
std::vector<HostileToken> hostile_headers();
std::vector<HostileToken> hostile_shapes();
std::vector<HostileToken> hostile_claims();
std::vector<HostileToken> hostile_times();
std::vector<HostileToken> hostile_documents();

}  // namespace skerry::oidc
