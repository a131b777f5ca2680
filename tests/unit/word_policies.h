// word_policies.h: a factory of policies for tests of the API, which need no real bundles.

#pragma once

#include <boost/json/parse.hpp>
#include <boost/json/value_to.hpp>
#include <memory>
#include <string>
#include <utility>

#include "controller/core/policy_factory.h"

namespace skerry::api {

// A bundle of these tests is {"name": ..., "version": ...}, and ranks as greedy does.
class WordPolicies final : public core::PolicyFactory {
 public:
  Result<std::unique_ptr<scheduler::Policy>> make(std::string_view bundle) override {
    const auto parsed = boost::json::parse(boost::json::string_view(bundle.data(), bundle.size()));
    const auto& json = parsed.get_object();
    if (!json.contains("name") || !json.contains("version")) {
      return skerry::fail(ErrorCode::kInvalidArgument, "this is no bundle",
                          {{"/name", "is missing"}});
    }
    return std::make_unique<WordPolicy>(boost::json::value_to<std::string>(json.at("name")),
                                        boost::json::value_to<std::string>(json.at("version")));
  }

 private:
  class WordPolicy final : public scheduler::Policy {
   public:
    WordPolicy(std::string name, std::string version)
        : name_(std::move(name)), version_(std::move(version)) {}
    std::string_view name() const override { return name_; }
    std::string_view version() const override { return version_; }
    Status rank(const scheduler::RankInput& input, std::span<double> scores) override {
      return scheduler::make_heuristic("greedy")->rank(input, scores);
    }

   private:
    std::string name_;
    std::string version_;
  };
};

}  // namespace skerry::api
