#include "controller/oidc/key_source.h"

#include <fmt/format.h>

#include "common/config.h"
#include "controller/oidc/strict_json.h"

namespace skerry::oidc {

namespace json = boost::json;

namespace {

constexpr std::string_view kConfigurationPath = "/.well-known/openid-configuration";
constexpr JsonBounds kConfigurationBounds = {.bytes = 64 * 1024, .depth = 8, .values = 4000};

Result<std::string> get(outbound::Fetcher& fetcher, const std::string& url, std::string_view what,
                        std::stop_token stop) {
  Result<outbound::Response> response = fetcher.fetch({.url = url}, std::move(stop));
  if (!response) {
    return fail(response.error().code, fmt::format("{}: {}", what, response.error().message));
  }
  if (response->status != 200) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: the server answers {}", what, response->status));
  }
  return std::move(response->body);
}

class File final : public KeySource {
 public:
  explicit File(std::string path) : path_(std::move(path)) {}

  Result<KeySet> fetch(std::stop_token /*stop*/) override {
    const Result<std::string> text = read_config_file(path_);
    return text ? parse_key_set(*text) : fail(text.error());
  }

 private:
  std::string path_;
};

class Url final : public KeySource {
 public:
  Url(std::string url, std::unique_ptr<outbound::Fetcher> fetcher)
      : url_(std::move(url)), fetcher_(std::move(fetcher)) {}

  Result<KeySet> fetch(std::stop_token stop) override {
    const Result<std::string> text = get(*fetcher_, url_, "the set of keys", std::move(stop));
    return text ? parse_key_set(*text) : fail(text.error());
  }

 private:
  std::string url_;
  std::unique_ptr<outbound::Fetcher> fetcher_;
};

class Discovered final : public KeySource {
 public:
  Discovered(std::string issuer, std::unique_ptr<outbound::Fetcher> fetcher)
      : issuer_(std::move(issuer)), fetcher_(std::move(fetcher)) {
    url_ =
        issuer_.substr(0, issuer_.size() - (issuer_.ends_with('/') ? 1 : 0));  // Discovery 1.0, 4
    url_ += kConfigurationPath;
  }

  Result<KeySet> fetch(std::stop_token stop) override {
    const Result<std::string> configuration =
        get(*fetcher_, url_, "the issuer's configuration", stop);
    if (!configuration) {
      return fail(configuration.error());
    }
    const Result<std::string> url = keys_url(*configuration);
    if (!url) {
      return fail(url.error());
    }
    const Result<std::string> text = get(*fetcher_, *url, "the set of keys", std::move(stop));
    return text ? parse_key_set(*text) : fail(text.error());
  }

 private:
  Result<std::string> keys_url(std::string_view text) const {
    const Result<json::object> configuration = parse_strict_object(text, kConfigurationBounds);
    if (!configuration) {
      return fail(configuration.error().code,
                  "the issuer's configuration " + configuration.error().message);
    }
    const json::value* const issuer = configuration->if_contains("issuer");
    if (issuer == nullptr || *issuer != json::value(issuer_)) {
      return fail(ErrorCode::kPermissionDenied,
                  fmt::format("the issuer's configuration is of another issuer than '{}': what it "
                              "says must be what "
                              "is configured, letter by letter",
                              issuer_));
    }
    const json::value* const url = configuration->if_contains("jwks_uri");
    if (url == nullptr || !url->is_string()) {
      return fail(ErrorCode::kInvalidArgument, "the issuer's configuration has no text 'jwks_uri'");
    }
    return std::string(url->get_string());
  }

  std::string issuer_;
  std::string url_;
  std::unique_ptr<outbound::Fetcher> fetcher_;
};

}  // namespace

std::unique_ptr<KeySource> keys_of_file(std::string path) {
  return std::make_unique<File>(std::move(path));
}

std::unique_ptr<KeySource> keys_of_url(std::string url,
                                       std::unique_ptr<outbound::Fetcher> fetcher) {
  return std::make_unique<Url>(std::move(url), std::move(fetcher));
}

std::unique_ptr<KeySource> discovered_keys(std::string issuer,
                                           std::unique_ptr<outbound::Fetcher> fetcher) {
  return std::make_unique<Discovered>(std::move(issuer), std::move(fetcher));
}

}  // namespace skerry::oidc
