#include "rl/train/network.h"
// network.h comes first, since it includes libtorch.
#include <cmath>
#include <deque>

#include "common/check.h"
#include "rl/train/discrete_sac.h"

namespace skerry::rl {

namespace {

constexpr double kNever = 1e4;  // the price of an action that a decision does not have

// What was played lately; whole plays are forgotten.
class Replay {
 public:
  explicit Replay(std::size_t room) : room_(room) {}

  void add(Transitions transitions) {
    size_ += transitions.size();
    plays_.push_back(std::move(transitions));
    while (plays_.size() > 1 && size_ - plays_.front().size() >= room_) {
      size_ -= plays_.front().size();
      plays_.pop_front();
    }
  }
  std::size_t size() const { return size_; }

  // A decision of which is known what came after.
  std::pair<const Transitions*, std::size_t> draw(Random& random) const {
    for (;;) {
      std::size_t at = random.below(size_);
      for (const Transitions& play : plays_) {
        if (at < play.size()) {
          if (play.after[at] != After::kCutOff) {
            return {&play, at};
          }
          break;
        }
        at -= play.size();
      }
    }
  }

 private:
  std::size_t room_;
  std::size_t size_ = 0;
  std::deque<Transitions> plays_;
};

// Decisions as tensors: [batch, actions, ...].
struct Decisions {
  torch::Tensor features, base, coefficients, valid;
};

struct Batch {
  Decisions now, next;
  torch::Tensor chosen;   // [batch, 1]
  torch::Tensor costs;    // [batch]
  torch::Tensor goes_on;  // [batch]: 1 or 0
};

}  // namespace

struct DiscreteSac::State {
  SacOptions options;
  torch::Device device;
  std::shared_ptr<Network> actor;
  std::shared_ptr<Network> critics[2], targets[2];
  torch::Tensor log_entropy_weight;
  std::unique_ptr<torch::optim::Adam> actor_optimizer, critic_optimizer, entropy_optimizer;
  Replay replay;

  explicit State(SacOptions given)
      : options(std::move(given)), device(options.device), replay(options.replay) {
    torch::manual_seed(options.seed);
    torch::set_num_threads(static_cast<int>(options.threads));
    actor = make(options.shape.outputs);
    for (int i = 0; i < 2; ++i) {
      critics[i] = make(1);
      targets[i] = make(1);
      follow(i, 1);
    }
    log_entropy_weight = torch::full({}, std::log(options.entropy_weight),
                                     torch::TensorOptions(device).requires_grad(true));
    const torch::optim::AdamOptions adam(options.rate);
    actor_optimizer = std::make_unique<torch::optim::Adam>(actor->parameters(), adam);
    critic_optimizer = std::make_unique<torch::optim::Adam>(critic_weights(), adam);
    entropy_optimizer =
        std::make_unique<torch::optim::Adam>(std::vector<torch::Tensor>{log_entropy_weight}, adam);
  }

  std::shared_ptr<Network> make(std::size_t outputs) const {
    auto network = std::make_shared<Network>(options.shape.features, options.hidden, outputs);
    network->to(device);
    return network;
  }
  std::vector<torch::Tensor> critic_weights() const {
    std::vector<torch::Tensor> weights = critics[0]->parameters();
    const auto others = critics[1]->parameters();
    weights.insert(weights.end(), others.begin(), others.end());
    return weights;
  }
  // The target moves by a share towards its critic.
  void follow(int i, double share) {
    const torch::NoGradGuard constant;
    const auto from = critics[i]->parameters();
    const auto to = targets[i]->parameters();
    for (std::size_t k = 0; k < from.size(); ++k) {
      to[k].mul_(1 - share).add_(from[k], share);
    }
  }

  Decisions decisions(const std::vector<std::pair<const Transitions*, std::size_t>>& rows) const;
  Batch draw(Random& random) const;
  torch::Tensor log_policy(const Decisions& at) const;  // [batch, actions]
  // Discounted costs from each action on. The network's output is in units of a mean cost that goes
  // on for ever.
  torch::Tensor value(Network& critic, const Decisions& at) const {
    return at.base.clamp_max(kNever / 10) * at.valid +
           critic.forward(at.features).squeeze(2) / (1 - options.discount);
  }
  double step(Random& random);
};

Decisions DiscreteSac::State::decisions(
    const std::vector<std::pair<const Transitions*, std::size_t>>& rows) const {
  const LabelShape& shape = options.shape;
  const auto count = static_cast<std::int64_t>(rows.size());
  const auto actions = static_cast<std::int64_t>(shape.actions);
  torch::Tensor features =
      torch::empty({count, actions, static_cast<std::int64_t>(shape.features)});
  torch::Tensor coefficients =
      torch::empty({count, actions, static_cast<std::int64_t>(shape.outputs)});
  torch::Tensor base = torch::full({count, actions}, kNever);
  torch::Tensor valid = torch::zeros({count, actions});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& [play, at] = rows[i];
    const auto copy = [&](const std::vector<float>& from, std::size_t width, float* to) {
      std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(at * width), width, to + i * width);
    };
    copy(play->features, shape.actions * shape.features, features.data_ptr<float>());
    copy(play->coefficients, shape.actions * shape.outputs, coefficients.data_ptr<float>());
    std::copy_n(play->base.begin() + static_cast<std::ptrdiff_t>(at * shape.actions),
                play->counts[at], base.data_ptr<float>() + i * shape.actions);
    std::fill_n(valid.data_ptr<float>() + i * shape.actions, play->counts[at], 1.0f);
  }
  return {features.to(device), base.to(device), coefficients.to(device), valid.to(device)};
}

Batch DiscreteSac::State::draw(Random& random) const {
  std::vector<std::pair<const Transitions*, std::size_t>> now, next;
  const auto count = static_cast<std::int64_t>(options.batch);
  torch::Tensor chosen = torch::empty({count, 1}, torch::kLong);
  torch::Tensor costs = torch::empty({count});
  torch::Tensor goes_on = torch::empty({count});
  for (std::int64_t i = 0; i < count; ++i) {
    const auto row = replay.draw(random);
    const auto& [play, at] = row;
    const bool more = play->after[at] == After::kGoesOn;
    now.push_back(row);
    next.emplace_back(play, more ? at + 1 : at);
    chosen.data_ptr<std::int64_t>()[i] = play->chosen[at];
    costs.data_ptr<float>()[i] = play->costs[at];
    goes_on.data_ptr<float>()[i] = more ? 1.0f : 0.0f;
  }
  return {decisions(now), decisions(next), chosen.to(device), costs.to(device), goes_on.to(device)};
}

torch::Tensor DiscreteSac::State::log_policy(const Decisions& at) const {
  const torch::Tensor prices =
      at.base + (at.coefficients * actor->forward(at.features)).sum(2) * at.valid;
  return torch::log_softmax(-prices / options.temperature, 1).clamp_min(-30);
}

double DiscreteSac::State::step(Random& random) {
  const Batch batch = draw(random);
  const torch::Tensor weight = log_entropy_weight.detach().exp();
  torch::Tensor target;
  {
    const torch::NoGradGuard constant;
    const torch::Tensor log_next = log_policy(batch.next);
    const torch::Tensor worse =
        torch::max(value(*targets[0], batch.next), value(*targets[1], batch.next));
    const torch::Tensor soft =
        (log_next.exp() * batch.next.valid * (worse + weight * log_next)).sum(1);
    target = batch.costs + options.discount * batch.goes_on * soft;
  }
  torch::Tensor critic_loss = torch::zeros({}, device);
  for (const auto& critic : critics) {
    const torch::Tensor value_of_chosen =
        value(*critic, batch.now).gather(1, batch.chosen).squeeze(1);
    critic_loss = critic_loss + torch::smooth_l1_loss(value_of_chosen, target);
  }
  critic_optimizer->zero_grad();
  critic_loss.backward();
  torch::nn::utils::clip_grad_norm_(critic_weights(), options.gradient_limit);
  critic_optimizer->step();

  torch::Tensor worse;
  {
    const torch::NoGradGuard constant;
    worse = torch::max(value(*critics[0], batch.now), value(*critics[1], batch.now));
  }
  const torch::Tensor log_now = log_policy(batch.now);
  const torch::Tensor shares = log_now.exp() * batch.now.valid;
  const torch::Tensor actor_loss = (shares * (worse + weight * log_now)).sum(1).mean();
  actor_optimizer->zero_grad();
  actor_loss.backward();
  torch::nn::utils::clip_grad_norm_(actor->parameters(), options.gradient_limit);
  actor_optimizer->step();

  const torch::Tensor entropy = -(shares * log_now).sum(1).detach();
  const torch::Tensor wanted = options.entropy_share * batch.now.valid.sum(1).log();
  const torch::Tensor entropy_loss = log_entropy_weight * (entropy - wanted).mean();
  entropy_optimizer->zero_grad();
  entropy_loss.backward();
  entropy_optimizer->step();

  follow(0, options.follow);
  follow(1, options.follow);
  return critic_loss.item<double>();
}

DiscreteSac::DiscreteSac(SacOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
DiscreteSac::~DiscreteSac() = default;

void DiscreteSac::remember(Transitions transitions) { state_->replay.add(std::move(transitions)); }

double DiscreteSac::learn(std::size_t steps, Random random) {
  check(state_->replay.size() > 0 && steps > 0, "there is something to learn");
  double sum = 0;
  for (std::size_t step = 0; step < steps; ++step) {
    sum += state_->step(random);
  }
  return sum / static_cast<double>(steps);
}

Mlp DiscreteSac::actor() const { return as_mlp(state_->actor->parameters()); }
Status DiscreteSac::save(const std::string& path) const {
  try {
    torch::serialize::OutputArchive archive;
    const auto add = [&](const char* name, const auto& part) {
      torch::serialize::OutputArchive inner;
      part->save(inner);
      archive.write(name, inner);
    };
    add("actor", state_->actor);
    add("critic0", state_->critics[0]);
    add("critic1", state_->critics[1]);
    add("target0", state_->targets[0]);
    add("target1", state_->targets[1]);
    add("actor_optimizer", state_->actor_optimizer);
    add("critic_optimizer", state_->critic_optimizer);
    add("entropy_optimizer", state_->entropy_optimizer);
    archive.write("log_entropy_weight", state_->log_entropy_weight.detach());
    archive.save_to(path);
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot write the checkpoint {}: {}", path, thrown.what()));
  }
}

Status DiscreteSac::load(const std::string& path) {
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path, state_->device);
    const auto get = [&](const char* name, const auto& part) {
      torch::serialize::InputArchive inner;
      archive.read(name, inner);
      part->load(inner);
    };
    get("actor", state_->actor);
    get("critic0", state_->critics[0]);
    get("critic1", state_->critics[1]);
    get("target0", state_->targets[0]);
    get("target1", state_->targets[1]);
    get("actor_optimizer", state_->actor_optimizer);
    get("critic_optimizer", state_->critic_optimizer);
    get("entropy_optimizer", state_->entropy_optimizer);
    torch::Tensor weight;
    archive.read("log_entropy_weight", weight);
    const torch::NoGradGuard constant;
    state_->log_entropy_weight.copy_(weight);
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("cannot read the checkpoint {}: {}", path, thrown.what()));
  }
}

}  // namespace skerry::rl
