// policy_fuzz.cc: a policy bundle, as an operator uploads it.

#include <array>
#include <boost/crc.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "common/digest.h"
#include "rl/bundle/bundle.h"
#include "rl/fleet/view.h"
#include "rl/live/learned_policy.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/json_mutator.h"

namespace skerry::fuzz {

namespace {

constexpr std::size_t kFixedBytes = 64 * 1024;

constexpr auto kWords = std::to_array<std::string_view>(
    {"apiVersion", "skerry/v1", "kind", "PolicyBundle", "name", "problem", "fleet", "gmorl",
     "features", "layers", "inputs", "outputs", "weights", "weights_crc32", "training", "card",
     "ranges", "ahead_of_greedy", rl::fleet::kFeatureSchema});

}  // namespace

void run(std::string_view input) {
  const MemoryBound bound(input.size(), kFixedBytes, kJsonTimes);
  const auto bundle = rl::read_bundle(input);
  if (!bundle) {
    return;
  }
  const std::string written = rl::write_bundle(*bundle);
  const auto again = rl::read_bundle(written);
  check(again.has_value() && rl::bundle_number(*again) == rl::bundle_number(*bundle) &&
            rl::write_bundle(*again) == written,
        "a bundle that is written reads back the same");
  const auto policy = rl::policy_of_bundle(*bundle);
  check(!policy || ((*policy)->name() == bundle->name && !(*policy)->version().empty()),
        "a policy is called what its bundle says");
}

namespace {

// Small layers that fit each other, and about as many weights as they need.
void put_network(boost::json::object& bundle, Random& random) {
  boost::json::array layers;
  std::size_t numbers = 0;
  std::uint64_t inputs = 1 + random.below(4);
  for (std::uint64_t i = random.below(3) + 1; i > 0; --i) {
    const std::uint64_t outputs = 1 + random.below(4);
    layers.push_back({{"inputs", inputs}, {"outputs", outputs}});
    numbers += (inputs + 1) * outputs;
    inputs = outputs;
  }
  std::string weights(numbers * sizeof(float), static_cast<char>(random.below(64)));
  if (random.chance(0.3)) {
    weights.resize(weights.size() * random.below(3) / 2 + random.below(3));
  }
  bundle.insert_or_assign("layers", std::move(layers));
  bundle.insert_or_assign("weights", to_base64(weights));
}

}  // namespace

// Most changes get the checksum that they then need.
std::optional<std::string> mutate(std::string_view input, Random& random) {
  auto changed = mutate_json(input, random, kWords);
  boost::system::error_code error;
  boost::json::value json = boost::json::parse(changed.value_or(std::string(input)), error);
  auto* object = error ? nullptr : json.if_object();
  if (object == nullptr || random.chance(0.2)) {
    return changed;
  }
  if (random.chance(0.3)) {
    put_network(*object, random);
  }
  const auto* weights = object->if_contains("weights");
  const auto bytes = weights != nullptr && weights->is_string()
                         ? from_base64(weights->get_string())
                         : Result<std::string>(std::string());
  if (bytes) {
    boost::crc_32_type crc;
    crc.process_bytes(bytes->data(), bytes->size());
    object->insert_or_assign("weights_crc32", crc.checksum());
  }
  return boost::json::serialize(json);
}

}  // namespace skerry::fuzz
