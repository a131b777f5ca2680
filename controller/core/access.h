// access.h: who may do what, as data: roles, callers' tokens, tokens to join by, and the identities of
// nodes.
//
// The core keeps and changes these; it never asks who may do something. controller/auth decides that
// for callers, and the agents' port for nodes, each by what the core told it (effects.h, AccessChanged).
// Secrets are never here, only their SHA-256.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"

namespace skerry::core {

enum class Role : std::uint8_t {
  kViewer,          // reads jobs, nodes, models, policies, events
  kSubmitter,       // and submits and cancels jobs
  kOperator,        // reads, and cordons, drains and removes nodes
  kNamespaceAdmin,  // everything within a namespace: jobs, models, tokens
  kClusterAdmin,    // everything
  kAuditor,         // reads the audit trail, and what a viewer reads
  kMetrics,         // reads /metrics alone
};
inline constexpr std::array kRoles = {Role::kViewer,         Role::kSubmitter,    Role::kOperator,
                                      Role::kNamespaceAdmin, Role::kClusterAdmin, Role::kAuditor,
                                      Role::kMetrics};
std::string_view to_string(Role role);  // "viewer", "submitter", "namespace-admin", ...
std::optional<Role> parse_role(std::string_view name);

struct Grant {
  Role role = Role::kViewer;
  std::string ns;  // empty = in every namespace

  bool operator==(const Grant&) const = default;
};

// Of a program that calls the API. What it sends is "sky_ID_SECRET" (controller/auth/token_text.h).
struct Token {
  std::string id;
  std::string secret_hash;    // SHA-256, 32 bytes
  std::vector<Grant> grants;  // not empty
  std::string description;
  std::string created_by;
  Instant created_at{};
  Instant expires_at = kNever;
  Instant last_used_at{};  // to the minute; the epoch's beginning = never
};

// Lets one machine become a node. It is used up by the first key that enrols with it; the same key may
// ask again, since the answer may have been lost.
struct JoinToken {
  std::string id;
  std::string secret_hash;
  std::string name_pattern;  // of the node: a name, or one with a "*" that stands for anything
  std::map<std::string, std::string> labels;  // that the node gets, whatever its agent says
  std::string site;                           // likewise, unless empty
  std::string created_by;
  Instant created_at{};
  Instant expires_at{};
  std::string used_by_key;  // digest of the public key; empty = unused
  std::string used_for;     // the node's name
};

// What a key that an operator gave lets machines be: as many as come with it (controller/given_access.h).
struct JoinGrant {
  std::string key_name;
  std::string name_pattern;  // as of a JoinToken; likewise labels and site
  std::map<std::string, std::string> labels = {};
  std::string site = {};
  bool replace = false;  // a node may come back with another key: its own was lost with its disk

  bool operator==(const JoinGrant&) const = default;
};

// What a node is known by from its enrolment on.
struct NodeIdentity {
  std::string node;
  std::string key;  // "sha256:..." of its public key
  std::map<std::string, std::string> labels;
  std::string site;
  Instant enrolled_at{};
  Instant renewed_at{};  // its newest certificate
  bool revoked = false;
};

// Whether a name fits the pattern of a join token.
bool fits_pattern(std::string_view pattern, std::string_view name);

}  // namespace skerry::core
