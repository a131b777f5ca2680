#include "rl/bundle/bundle.h"

#include <fmt/format.h>

#include <boost/crc.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <cstring>

#include "common/digest.h"
#include "common/json_fields.h"

namespace skerry::rl {

namespace {

constexpr std::size_t kMaxLayers = 8;
constexpr std::int64_t kMaxWidth = 256;
constexpr std::size_t kMaxName = 63;

std::uint32_t crc32(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string_view bytes_of(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

// Weights, then biases, layer after layer.
std::string packed(const Mlp& network) {
  std::string bytes;
  for (const Layer& layer : network.layers()) {
    bytes.append(bytes_of(layer.weights));
    bytes.append(bytes_of(layer.bias));
  }
  return bytes;
}

// Takes count floats off the front; false if there are too few or one is not finite.
bool unpack(std::string_view& bytes, std::size_t count, std::vector<float>& to) {
  if (bytes.size() < count * sizeof(float)) {
    return false;
  }
  to.resize(count);
  std::memcpy(to.data(), bytes.data(), count * sizeof(float));
  bytes.remove_prefix(count * sizeof(float));
  for (const float number : to) {
    if (!std::isfinite(number)) {
      return false;
    }
  }
  return true;
}

std::vector<Layer> read_shapes(JsonFields& fields, std::vector<FieldIssue>& issues) {
  std::vector<Layer> layers;
  for (const boost::json::value* element : fields.elements("layers", kMaxLayers)) {
    JsonFields shape(element, fields.pointer_to(fmt::format("layers/{}", layers.size())), issues);
    layers.push_back(
        {.inputs = static_cast<std::size_t>(shape.integer("inputs", 1, 1, kMaxWidth)),
         .outputs = static_cast<std::size_t>(shape.integer("outputs", 1, 1, kMaxWidth)),
         .weights = {},
         .bias = {}});
    shape.finish();
    if (layers.size() > 1 && layers.back().inputs != layers[layers.size() - 2].outputs) {
      fields.issue("layers", "each layer takes what the one before yields");
    }
  }
  if (layers.empty()) {
    fields.issue("layers", "at least one layer is needed");
  }
  return layers;
}

Result<Mlp> read_network(std::vector<Layer> layers, const std::string& base64,
                         std::int64_t checksum) {
  const auto bytes = from_base64(base64);
  if (!bytes || crc32(*bytes) != static_cast<std::uint32_t>(checksum)) {
    return fail(ErrorCode::kCorrupt, "the weights of the policy bundle fail their checksum");
  }
  std::string_view rest = *bytes;
  for (Layer& layer : layers) {
    if (!unpack(rest, layer.inputs * layer.outputs, layer.weights) ||
        !unpack(rest, layer.outputs, layer.bias)) {
      return fail(ErrorCode::kCorrupt,
                  "the weights of the policy bundle are too few or not finite numbers");
    }
  }
  if (!rest.empty()) {
    return fail(ErrorCode::kCorrupt, "the policy bundle has more weights than its layers");
  }
  return Mlp(std::move(layers));
}

boost::json::object object_of(JsonFields& fields, std::string_view key) {
  const boost::json::value* member = fields.member(key);
  if (member == nullptr || !member->is_object()) {
    fields.issue(key, "must be an object");
    return {};
  }
  return member->get_object();
}

}  // namespace

bool is_bundle_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.") == std::string_view::npos;
}

std::uint32_t bundle_number(const Bundle& bundle) {
  std::string all = fmt::format("{} {} ", bundle.problem, bundle.features);
  for (const Layer& layer : bundle.network.layers()) {
    all += fmt::format("{}x{} ", layer.inputs, layer.outputs);
  }
  if (const auto* ranges = bundle.training.if_contains("ranges")) {
    all += boost::json::serialize(*ranges);
  }
  return crc32(all + packed(bundle.network));
}

std::string write_bundle(const Bundle& bundle) {
  boost::json::array layers;
  for (const Layer& layer : bundle.network.layers()) {
    layers.push_back({{"inputs", layer.inputs}, {"outputs", layer.outputs}});
  }
  const std::string weights = packed(bundle.network);
  const boost::json::object json = {
      {"apiVersion", "skerry/v1"},     {"kind", "PolicyBundle"},
      {"name", bundle.name},           {"problem", bundle.problem},
      {"features", bundle.features},   {"layers", std::move(layers)},
      {"weights", to_base64(weights)}, {"weights_crc32", crc32(weights)},
      {"training", bundle.training},   {"card", bundle.card}};
  return boost::json::serialize(json) + "\n";
}

Result<Bundle> read_bundle(std::string_view text) {
  if (text.size() > kMaxBundleBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("a policy bundle has at most {} bytes, this one {}", kMaxBundleBytes,
                            text.size()));
  }
  boost::system::error_code malformed;
  const boost::json::value json =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), malformed);
  if (malformed) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("the policy bundle is no JSON, or not all of it: {}", malformed.message()));
  }
  std::vector<FieldIssue> issues;
  JsonFields fields(&json, "", issues);
  const std::string version = fields.required_text("apiVersion");
  const std::string kind = fields.required_text("kind");
  Bundle bundle{.name = fields.required_text("name"),
                .problem = fields.required_text("problem"),
                .features = fields.required_text("features"),
                .network = {},
                .training = object_of(fields, "training"),
                .card = object_of(fields, "card")};
  std::vector<Layer> layers = read_shapes(fields, issues);
  const std::string weights = fields.required_text("weights");
  const std::int64_t checksum = fields.integer("weights_crc32", 0, 0, 0xffffffffLL);
  if (!is_bundle_name(bundle.name)) {
    fields.issue("name", "is of lower-case letters, digits, '-' and '.', at most 63");
  }
  fields.finish();
  if (kind != "PolicyBundle" || version != "skerry/v1") {
    return fail(
        ErrorCode::kUnsupported,
        fmt::format(
            "this is a '{}' of version '{}'; a PolicyBundle of version 'skerry/v1' is needed", kind,
            version));
  }
  if (!issues.empty()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the policy bundle is not valid: {} {}", issues[0].field, issues[0].message),
        issues);
  }
  auto network = read_network(std::move(layers), weights, checksum);
  if (!network) {
    return fail(std::move(network).error());
  }
  bundle.network = std::move(*network);
  return bundle;
}

}  // namespace skerry::rl
