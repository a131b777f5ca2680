#include "rl/skerry_rl/export_command.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "rl/bundle/bundle.h"
#include "rl/skerry_rl/files.h"
#include "rl/skerry_rl/methods.h"
#include "rl/skerry_rl/run_bundle.h"
#include "rl/train/run_files.h"

namespace skerry::rl {

namespace {

Result<Bundle> bundle_of_run(const std::string& folder) {
  const auto settings = read_training_settings(folder + "/config.yaml", {});
  if (!settings) {
    return fail(settings.error());
  }
  const auto done = read_progress(folder);
  if (!done) {
    return fail(done.error());
  }
  const auto origin = read_origin(folder);
  if (!origin) {
    return fail(origin.error());
  }
  const auto network = network_of_checkpoint(*settings, folder + "/checkpoint.pt");
  if (!network) {
    return fail(network.error());
  }
  const TrainProgress last{.iteration = done->iterations,
                           .total_labels = done->labels,
                           .elapsed_s = done->seconds,
                           .figures = {}};
  return bundle_of(*settings, *network, last, *origin);
}

Result<Bundle> bundle_of_file(const std::string& path) {
  const auto text = read_file(path);
  return text ? read_bundle(*text) : fail(text.error());
}

Result<boost::json::object> read_card(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return fail(text.error());
  }
  boost::system::error_code malformed;
  boost::json::value json = boost::json::parse(*text, malformed);
  if (malformed || !json.is_object()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} is not a JSON object", path));
  }
  return std::move(json.get_object());
}

}  // namespace

Status export_command(const ExportArguments& arguments) {
  auto bundle =
      arguments.run.empty() ? bundle_of_file(arguments.bundle) : bundle_of_run(arguments.run);
  if (!bundle) {
    return fail(std::move(bundle).error());
  }
  if (!arguments.card.empty()) {
    auto card = read_card(arguments.card);
    if (!card) {
      return fail(std::move(card).error());
    }
    for (const auto& member : *card) {
      bundle->card[member.key()] = member.value();
    }
  }
  bundle->name = arguments.name.empty() ? bundle->name : arguments.name;
  const std::string text = write_bundle(*bundle);
  // What cannot be read again must not be written.
  if (auto read = read_bundle(text); !read) {
    return fail(std::move(read).error());
  }
  if (auto written = write_file(arguments.out, text); !written) {
    return written;
  }
  fmt::print("wrote {}: {} {:08x}, {} bytes\n", arguments.out, bundle->name, bundle_number(*bundle),
             text.size());
  return {};
}

}  // namespace skerry::rl
