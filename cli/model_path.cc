#include "cli/model_path.h"

#include <fmt/format.h>

#include "cli/url.h"
#include "common/ids.h"

namespace skerry::cli {

namespace {

constexpr std::string_view kKind = "model/";

std::string_view without_kind(std::string_view name) {
  return name.starts_with(kKind) ? name.substr(kKind.size()) : name;
}

}  // namespace

std::string model_path(const std::string& name, const std::string& ns) {
  const std::string_view whole = without_kind(name);
  const std::string_view own = namespace_of_model(whole).empty() ? ns : namespace_of_model(whole);
  const std::string path = fmt::format("/models/{}", url_escape(bare_model_name(whole)));
  return own.empty() ? path : fmt::format("{}?namespace={}", path, url_escape(own));
}

Result<boost::json::value> fetch_model(Context& context, const std::string& name) {
  auto own = context.api.get(model_path(name, context.settings.ns));
  const bool may_be_everybodys =
      !context.settings.ns.empty() && namespace_of_model(without_kind(name)).empty();
  return !own && own.error().code == ErrorCode::kNotFound && may_be_everybodys
             ? context.api.get(model_path(name, {}))
             : std::move(own);
}

}  // namespace skerry::cli
