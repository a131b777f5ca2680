#include "tests/sim/wild_policies.h"

#include <limits>
#include <stdexcept>
#include <string>

namespace skerry::sim {

namespace {

class Wild final : public scheduler::Policy {
 public:
  Wild(std::string_view name, std::string_view version, const std::function<void()>& misbehaved)
      : name_(name),
        version_(version),
        random_(Random(1).fork(name_ + version_)),
        misbehaved_(misbehaved) {}

  std::string_view name() const override { return name_; }
  std::string_view version() const override { return version_; }

  Status rank(const scheduler::RankInput&, std::span<double> scores) override {
    for (double& score : scores) {
      score = random_.uniform(-1, 1);
    }
    const double mood = random_.uniform();
    if (mood < 0.15) {
      misbehaved_();
    }
    double& any = scores[random_.below(scores.size())];
    if (mood < 0.02) {
      any = std::numeric_limits<double>::quiet_NaN();
    } else if (mood < 0.04) {
      any = -std::numeric_limits<double>::infinity();
    } else if (mood < 0.06) {
      throw std::runtime_error("wild");
    } else if (mood < 0.08) {
      return fail(ErrorCode::kInternal, "wild");
    } else if (mood < 0.15) {
      return fail(ErrorCode::kUnsupported, "never seen");
    }
    return {};
  }

 private:
  std::string name_;
  std::string version_;
  Random random_;
  const std::function<void()>& misbehaved_;  // of the factory, which outlives it
};

}  // namespace

Result<std::unique_ptr<scheduler::Policy>> WildPolicies::make(std::string_view bundle) {
  const auto split = bundle.find(' ');
  if (split == std::string_view::npos) {
    return fail(ErrorCode::kInvalidArgument, "this is no bundle");
  }
  return std::make_unique<Wild>(bundle.substr(0, split), bundle.substr(split + 1), misbehaved_);
}

}  // namespace skerry::sim
