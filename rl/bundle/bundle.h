// bundle.h: a trained policy as one file: network, the schema of the features that it was trained
// on, how it was trained, and its card.
//
// JSON, with the weights as base64 of little-endian floats and a CRC-32 over them. A bundle is small
// (tens of kilobytes) and says everything that is needed to score with it; what it was measured at is
// in the card, so that whoever loads it can see where it wins and where it loses.
//
//   {"apiVersion": "skerry/v1", "kind": "PolicyBundle", "name": "fleet", "problem": "fleet",
//    "features": "fleet/2", "layers": [{"inputs": 58, "outputs": 48}, ...], "weights": "...",
//    "weights_crc32": 123, "training": {...}, "card": {...}}

#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "rl/net/mlp.h"

namespace skerry::rl {

constexpr std::size_t kMaxBundleBytes = 4u << 20;

struct Bundle {
  std::string name;      // what people call it: letters, digits, '-', '.'; at most 63
  std::string problem;   // "fleet": live; "gmorl": the reference system's
  std::string features;  // schema of the features, e.g. "fleet/2"; scoring with another is refused
  Mlp network;
  boost::json::object training;  // the configuration, seed, labels, commit
  boost::json::object card;      // see docs/policies.md
};

bool is_bundle_name(std::string_view name);
// A number that tells apart what bundles do: a checksum of all that decides, so neither of the name nor
// of the card.
std::uint32_t bundle_number(const Bundle& bundle);
std::string write_bundle(const Bundle& bundle);
// kCorrupt: not a bundle, truncated, weights that fail their check or are not finite; kTooLarge;
// kInvalidArgument: a field that is wrong; kUnsupported: another version.
Result<Bundle> read_bundle(std::string_view text);

}  // namespace skerry::rl
