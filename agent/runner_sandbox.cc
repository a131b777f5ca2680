#include "agent/runner_sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/time.h"
#include "common/utf8.h"

namespace skerry::agent {
namespace {

using runner::Layer;
using runner::Layers;
using runner::LayerState;

constexpr RunnerId kTrial = 0;  // ids of real ones begin at 1
constexpr Duration kTrialLimit = seconds(10);
constexpr std::uint64_t kMib = 1u << 20;
constexpr std::uint32_t kTasks = 96;  // beside those of the forwards

struct Namespace {
  Layer layer;
  int flags;
};
constexpr std::array kNamespaces = {
    Namespace{Layer::kMount, CLONE_NEWNS}, Namespace{Layer::kPid, CLONE_NEWPID},
    Namespace{Layer::kNetwork, CLONE_NEWNET}, Namespace{Layer::kIpc, CLONE_NEWIPC | CLONE_NEWUTS}};

bool is_root() { return ::geteuid() == 0; }

// What a runner says first, or why it says nothing.
Result<runner::Ready> first_words(int fd) {
  runner::FrameReader frames;
  std::array<char, 4096> buffer;
  SystemClock clock;
  const Instant limit = clock.now() + kTrialLimit;
  for (;;) {
    auto frame = frames.next();
    if (frame && std::holds_alternative<runner::Ready>(*frame)) {
      return std::get<runner::Ready>(*std::move(frame));
    }
    if (frame || frame.error().code != ErrorCode::kUnavailable) {
      return fail(ErrorCode::kCorrupt, "it is of another build than the agent");
    }
    pollfd socket = {.fd = fd, .events = POLLIN, .revents = 0};
    const auto left_ms = std::max<std::int64_t>((limit - clock.now()).count() / 1000, 0);
    const int ready = ::poll(&socket, 1, static_cast<int>(left_ms));
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    const ssize_t got = ready > 0 ? ::recv(fd, buffer.data(), buffer.size(), 0) : 0;
    if (got <= 0) {
      return fail(ErrorCode::kUnavailable,
                  ready == 0 ? "it said nothing in 10 s" : "it ended before it said anything");
    }
    frames.append({buffer.data(), static_cast<std::size_t>(got)});
  }
}

// The last line of what it wrote to standard error, which nobody reads while it lives; a pipe holds more than it has to say.
std::string last_words(int fd) {
  std::string text(4096, '\0');
  const ssize_t got = ::read(fd, text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return printable(text.substr(text.find_last_of('\n') + 1), text.size());
}

Result<runner::Ready> try_runner(SpawnOptions plan) {
  std::array<int, 2> sockets = {-1, -1};
  std::array<int, 2> errors = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0 ||
      ::pipe2(errors.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot make a socket: {}", std::strerror(errno)));
  }
  plan.socket_fd = sockets[1];
  plan.stderr_fd = errors[1];
  const Result<pid_t> pid = spawn(plan);
  ::close(sockets[1]);
  ::close(errors[1]);
  auto ready = pid ? first_words(sockets[0]) : fail(pid.error());
  if (pid) {
    kill_group(*pid);
    ::waitpid(*pid, nullptr, 0);
  }
  if (const std::string words = ready ? "" : last_words(errors[0]); !words.empty()) {
    ready =
        fail(ready.error().code, fmt::format("{}, last words '{}'", ready.error().message, words));
  }
  ::close(sockets[0]);
  ::close(errors[0]);
  return ready;
}

const char* advice(Layer layer) {
  switch (layer) {
    case Layer::kUser:
      return "start the agent as root with a range of users in sandbox.uids, or permit user "
             "namespaces "
             "(user.max_user_namespaces, kernel.unprivileged_userns_clone)";
    case Layer::kMount:
    case Layer::kPid:
    case Layer::kNetwork:
    case Layer::kIpc:
      return "start the agent as root with CAP_SYS_ADMIN, or permit user namespaces";
    case Layer::kSeccomp:
      return "use a kernel with CONFIG_SECCOMP_FILTER, and a runner that is built with libseccomp";
    case Layer::kLandlock:
      return "use a kernel from 5.13 on that has landlock in its list of security modules (lsm=)";
    case Layer::kLimits:
      return "let the agent lower its own limits";
    case Layer::kCgroup:
      return "give the agent a control group of its own (Delegate=cpu memory pids with systemd)";
  }
  return "";
}

}  // namespace

Result<RunnerSandbox> RunnerSandbox::detect(SandboxOptions options, const std::string& program) {
  RunnerSandbox sandbox;
  sandbox.active_ = true;
  sandbox.options_ = std::move(options);
  for (const auto& [layer, demand] : sandbox.options_.demands) {
    if (demand != Demand::kOff) {
      sandbox.layers_.push_back({.layer = layer, .missing = ""});
    }
  }
  sandbox.find_namespaces();
  sandbox.find_groups();
  if (const Status asked = sandbox.ask_runners(program); !asked) {
    const std::string why = fmt::format("{} does not start: {}", program, asked.error().message);
    for (const Layer layer : sandbox.asked_of_runners()) {
      sandbox.give_up(layer, why);
    }
    if (sandbox.requires_any()) {
      return fail(ErrorCode::kUnsupported,
                  fmt::format("{}; sandbox.profile {} requires that its sandbox is tried: correct "
                              "runner.program, or take torch out of engines",
                              why, sandbox.options_.profile));
    }
  }
  sandbox.required_ = sandbox.asked_of_runners();
  if (auto met = sandbox.check_demands(); !met) {
    return fail(std::move(met).error());
  }
  return sandbox;
}

bool RunnerSandbox::requires_any() const {
  return std::ranges::any_of(options_.demands,
                             [](const auto& demand) { return demand.second == Demand::kRequired; });
}

bool RunnerSandbox::holds(Layer layer) const {
  const auto state = std::ranges::find(layers_, layer, &LayerState::layer);
  return state != layers_.end() && state->missing.empty();
}

void RunnerSandbox::give_up(Layer layer, const std::string& why) {
  const auto state = std::ranges::find(layers_, layer, &LayerState::layer);
  if (state != layers_.end() && state->missing.empty()) {
    state->missing = why.empty() ? "no reason is known" : why;
  }
  const auto ours = std::ranges::find(kNamespaces, layer, &Namespace::layer);
  if (ours != kNamespaces.end() && born_.erase(layer) > 0) {
    namespaces_ &= ~ours->flags;
  }
}

// Without root they come with a user namespace, in which the runner is root until it is furnished.
void RunnerSandbox::find_namespaces() {
  int carrier = 0;
  if (!is_root()) {
    if (const Status made = try_namespaces(CLONE_NEWUSER); made) {
      carrier = CLONE_NEWUSER;
      born_.insert(Layer::kUser);
    } else {
      give_up(Layer::kUser, "cannot make a user namespace: " + made.error().message);
    }
  } else if (options_.uids == 0) {
    give_up(Layer::kUser, "sandbox.uids names no users");
  }
  for (const auto& [layer, flags] : kNamespaces) {
    const Status made = holds(layer) ? try_namespaces(carrier | flags) : Status();
    if (!made) {
      give_up(layer, "cannot make its namespace: " + made.error().message);
    } else if (holds(layer)) {
      namespaces_ |= flags;
      born_.insert(layer);
    }
  }
  namespaces_ |= holds(Layer::kUser) || namespaces_ != 0 ? carrier : 0;
}

void RunnerSandbox::find_groups() {
  if (!holds(Layer::kCgroup)) {
    return;
  }
  auto groups = RunnerGroups::detect();
  if (groups) {
    groups_ = *std::move(groups);
  } else {
    give_up(Layer::kCgroup, groups.error().message);
  }
}

// Each answer that names a missing layer is followed by a try without it: some break a runner half-way.
Status RunnerSandbox::ask_runners(const std::string& program) {
  for (std::size_t tries = 0; tries <= runner::kLayers.size(); ++tries) {
    const auto ready = ask_a_runner(program);
    if (!ready) {
      return fail(ready.error());
    }
    bool complete = true;
    for (const LayerState& state : ready->layers) {
      if (!state.missing.empty() && holds(state.layer)) {
        complete = false;
        give_up(state.layer, state.missing);
      }
    }
    if (complete) {
      return {};
    }
  }
  return fail(ErrorCode::kUnsupported, "it lacks one layer after the other");
}

Result<runner::Ready> RunnerSandbox::ask_a_runner(const std::string& program) const {
  SpawnOptions plan{.program = program, .arguments = {"--fd", fmt::format("{}", kRunnerSocketFd)}};
  const Status prepared = prepare(kTrial, 0, plan);
  auto ready = prepared ? try_runner(std::move(plan)) : fail(prepared.error());
  ended(kTrial);
  return ready;
}

Status RunnerSandbox::check_demands() const {
  std::string missing;
  for (const LayerState& state : layers_) {
    if (!state.missing.empty() && options_.demands.at(state.layer) == Demand::kRequired) {
      missing += fmt::format("\n  {}: {}; {}, or set sandbox.layers.{} to preferred",
                             to_string(state.layer), state.missing, advice(state.layer),
                             to_string(state.layer));
    }
  }
  return missing.empty()
             ? Status()
             : fail(ErrorCode::kUnsupported,
                    fmt::format("the torch engine is not started, since its runners lack layers of "
                                "their sandbox that sandbox.profile {} requires:{}",
                                options_.profile, missing));
}

Layers RunnerSandbox::asked_of_runners() const {
  Layers layers;
  for (const LayerState& state : layers_) {
    if (state.missing.empty() && state.layer != Layer::kCgroup) {
      layers.insert(state.layer);
    }
  }
  return layers;
}

std::uint32_t RunnerSandbox::tasks() const { return kTasks + (4 * options_.threads); }

std::map<std::string, std::string> RunnerSandbox::labels() const {
  std::map<std::string, std::string> labels;
  Layers held;
  for (const LayerState& state : layers_) {
    if (state.missing.empty()) {
      held.insert(state.layer);
    } else {
      labels[fmt::format("skerry/sandbox-no-{}", to_string(state.layer))] = state.missing;
    }
  }
  const char* extent = held.size() == layers_.size() ? "full" : "partial";
  labels["skerry/sandbox"] = held.empty() ? "off" : extent;
  labels["skerry/sandbox-layers"] = to_string(held);
  return labels;
}

Status RunnerSandbox::prepare(RunnerId id, std::uint64_t memory_limit_bytes,
                              SpawnOptions& plan) const {
  plan.environment = options_.environment;
  if (memory_limit_bytes > 0) {
    plan.arguments.insert(plan.arguments.end(),
                          {"--memory-limit-mb", fmt::format("{}", memory_limit_bytes / kMib)});
  }
  if (!active_) {
    return {};
  }
  const bool rooted = holds(Layer::kMount);
  plan.environment.insert(plan.environment.end(), {rooted ? "HOME=/scratch" : "HOME=/",
                                                   rooted ? "TMPDIR=/scratch" : "TMPDIR=/"});
  plan.namespaces = namespaces_;
  const auto add = [&](const char* option, const std::string& value) {
    plan.arguments.insert(plan.arguments.end(), {option, value});
  };
  add("--layers", to_string(asked_of_runners()));
  add("--required", to_string(required_));
  add("--born", to_string(born_));
  add("--tasks", fmt::format("{}", tasks()));
  add("--scratch-mb", fmt::format("{}", std::max<std::uint64_t>(options_.scratch_bytes / kMib, 1)));
  if (is_root() && holds(Layer::kUser)) {
    // Another one for every runner of this agent that lives, and most likely than other agents' as well.
    const std::uint64_t place = (static_cast<std::uint64_t>(::getpid()) * 257) + id;
    add("--uid", fmt::format("{}", options_.first_uid + (place % options_.uids)));
  }
  for (const std::string& path : options_.paths) {
    add("--readable", path);
  }
  for (const std::string& device : options_.devices) {
    add("--device", device);
  }
  if (groups_) {
    const std::uint64_t bound =
        memory_limit_bytes == 0 ? 0 : memory_limit_bytes + options_.scratch_bytes;
    auto procs = groups_->make(id, bound, tasks());
    if (!procs) {
      return fail(std::move(procs).error());
    }
    plan.cgroup_procs.insert(plan.cgroup_procs.end(), procs->begin(), procs->end());
  }
  return {};
}

void RunnerSandbox::ended(RunnerId id) const {
  if (groups_) {
    groups_->remove(id);
  }
}

Status RunnerSandbox::accept(const runner::Ready& ready) const {
  std::string missing;
  for (const Layer layer : required_) {
    const auto state = std::ranges::find(ready.layers, layer, &LayerState::layer);
    if (state == ready.layers.end() || !state->missing.empty()) {
      missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", to_string(layer),
                             state == ready.layers.end() ? "not entered" : state->missing);
    }
  }
  return missing.empty() ? Status() : fail(ErrorCode::kUnsupported, "its sandbox lacks " + missing);
}

}  // namespace skerry::agent
