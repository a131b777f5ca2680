#include "agent/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/check.h"

namespace skerry::agent {
namespace {

std::size_t size_bytes(const ToController& message) {
  constexpr std::size_t kAround = 64;
  if (const auto* job = std::get_if<SiteJob>(&message)) {
    return kAround + job->job.size() + job->task.size() + job->result.size();
  }
  const auto* ended = std::get_if<Ended>(&message);
  return kAround + (ended && ended->output.bytes ? ended->output.bytes->size() : 0);
}

// A quarter of each new measurement: smooth, but follows a link that changes within seconds.
Duration smoothed(Duration old_rtt, Duration measured) {
  return old_rtt == Duration(0) ? measured : (old_rtt * 3 + measured) / 4;
}

}  // namespace

Session::Session(SessionOptions options, AgentLink& link, Journal& journal, SessionSubject& subject,
                 Epoch newest_epoch, Random random, Log& log)
    : options_(options),
      link_(link),
      journal_(journal),
      subject_(subject),
      random_(random),
      log_(log),
      newest_epoch_(newest_epoch),
      heartbeat_(options.heartbeat) {}

void Session::start(Instant now) {
  check(state_ == State::kStopped, "a session is started once");
  connect(now);
}

void Session::connect(Instant now) {
  ++connection_;
  state_ = State::kConnecting;
  outbox_.clear();
  patient_ = 0;
  credits_.reset();
  resident_.reset();
  deadline_ = now + options_.greeting_limit;
  link_.connect(connection_);
}

void Session::finish(Instant now, std::string reason) {
  goodbye_ = std::move(reason);
  if (!live() && journal_.spooled_count() == 0) {
    return abandon();  // nobody to say it to, and nothing to deliver
  }
  flush(now);
}

void Session::abandon() {
  if (state_ != State::kStopped && state_ != State::kWaiting) {
    link_.close(connection_, false);
  }
  state_ = State::kStopped;
}

void Session::opened(Instant now, ConnectionId id) {
  if (id != connection_ || state_ != State::kConnecting) {
    return;
  }
  state_ = State::kGreeting;
  deadline_ = now + options_.greeting_limit;
  last_seq_ = 0;
  Hello hello = subject_.hello();
  hello.running = journal_.accepted_refs();
  hello.spooled = journal_.spooled_refs();
  hello.alone = alone_since_ ? now - *alone_since_ : Duration(0);
  std::vector<Outgoing> frame;
  add(frame, std::move(hello));
  writing_ = true;
  link_.write(connection_, std::move(frame));
}

std::optional<ToAgent> Session::received(Instant now, ConnectionId id, Incoming message) {
  const bool listening = state_ == State::kGreeting || state_ == State::kLive;
  if (id != connection_ || !listening) {
    return std::nullopt;
  }
  heard_ = now;
  ToAgent& body = message.body;
  if (const auto* refusal = std::get_if<Refused>(&body)) {
    refused(now, *refusal);
  } else if (const auto* welcome = std::get_if<Welcome>(&body)) {
    welcomed(now, *welcome);
  } else if (state_ == State::kGreeting) {
    drop_connection(now, "the controller spoke before its welcome");
  } else if (const auto* echo = std::get_if<HeartbeatAck>(&body)) {
    rtt_ = smoothed(rtt_, std::max(now - echo->sent, Duration(1)));
  } else if (const auto* ack = std::get_if<ResultAck>(&body)) {
    acknowledged(*ack);
  } else if (const auto* assign = std::get_if<Assign>(&body)) {
    return outdated(assign->epoch, "assign", assign->attempt) ? std::nullopt
                                                              : std::optional(std::move(body));
  } else if (const auto* cancel = std::get_if<Cancel>(&body)) {
    return outdated(cancel->epoch, "cancel", cancel->attempt) ? std::nullopt
                                                              : std::optional(std::move(body));
  } else if (std::holds_alternative<Unknown>(body)) {
    outbox_.push_back(Refused{.seq = message.seq,
                              .code = "unsupported",
                              .message = "this agent does not know this kind of message"});
  } else {
    return std::move(body);
  }
  return std::nullopt;
}

void Session::welcomed(Instant now, const Welcome& welcome) {
  if (state_ != State::kGreeting) {
    return drop_connection(now, "the controller welcomed twice");
  }
  if (welcome.version < kMinProtocolVersion || welcome.version > kMaxProtocolVersion) {
    return drop_connection(
        now, fmt::format("the controller chose protocol version {}", welcome.version));
  }
  if (welcome.epoch < newest_epoch_) {
    return drop_connection(
        now,
        fmt::format("the controller's epoch {} is older than {}: it is not the leader any more",
                    welcome.epoch.value, newest_epoch_.value));
  }
  log_.info("connected to {}: session {}, epoch {}, {} attempts held, {} results to deliver",
            options_.peer, welcome.session, welcome.epoch.value, journal_.accepted_refs().size(),
            journal_.spooled_count());
  newest_epoch_ = welcome.epoch;
  state_ = State::kLive;
  failures_ = 0;
  deadline_ = kNever;
  heartbeat_ = welcome.heartbeat > Duration(0) ? welcome.heartbeat : options_.heartbeat;
  next_heartbeat_ = now;
  heartbeat_due_ = false;
  cursor_ = 0;
}

void Session::acknowledged(const ResultAck& ack) {
  if (!journal_.forget(ack.attempt.uid)) {
    return;
  }
  if (!ack.committed) {
    log_.info(
        "a result came too late and is dropped{}",
        fields({{"job", to_string(ack.attempt.job)}, {"attempt", to_string(ack.attempt.uid)}}));
  }
}

void Session::refused(Instant now, const Refused& refusal) {
  if (refusal.seq == 0 || state_ == State::kGreeting) {
    failures_ = 16;  // nothing changes by hurrying: wait the longest
    return drop_connection(now, fmt::format("refused: {} ({})", refusal.message, refusal.code));
  }
  log_.warn("the controller refused message {}: {} ({})", refusal.seq, refusal.message,
            refusal.code);
}

bool Session::outdated(Epoch epoch, const char* what, const AttemptRef& attempt) {
  if (epoch < newest_epoch_) {
    log_.warn("{} of epoch {} ignored: the newest is {}{}", what, epoch.value, newest_epoch_.value,
              fields({{"job", to_string(attempt.job)}, {"attempt", to_string(attempt.uid)}}));
    return true;
  }
  newest_epoch_ = epoch;
  return false;
}

void Session::written(Instant, ConnectionId id) {
  if (id == connection_) {
    writing_ = false;
  }
}

void Session::closed(Instant now, ConnectionId id, const std::string& reason) {
  const bool open =
      state_ == State::kConnecting || state_ == State::kGreeting || state_ == State::kLive;
  if (id != connection_ || !open) {
    return;
  }
  if (failures_ == 0 || log_.should_log(spdlog::level::debug)) {
    log_.warn("not connected to {}: {}", options_.peer, reason);
  }
  wait_to_retry(now);
}

void Session::drop_connection(Instant now, const std::string& reason) {
  log_.warn("connection given up: {}", reason);
  link_.close(connection_, false);
  wait_to_retry(now);
}

void Session::wait_to_retry(Instant now) {
  if (state_ == State::kLive) {
    alone_since_ = now;
  }
  writing_ = false;
  next_heartbeat_ = kNever;
  if (goodbye_sent_) {
    state_ = State::kStopped;
    return;
  }
  const auto grown = options_.backoff_base * (std::int64_t{1} << std::min(failures_, 16u));
  const Duration longest = std::min<Duration>(grown, options_.backoff_cap);
  ++failures_;
  state_ = State::kWaiting;
  deadline_ = now + Duration(static_cast<std::int64_t>(
                        random_.below(static_cast<std::uint64_t>(longest.count()) + 1)));
}

void Session::on_time(Instant now) {
  if (state_ == State::kWaiting && now >= deadline_) {
    connect(now);
  } else if ((state_ == State::kConnecting || state_ == State::kGreeting) && now >= deadline_) {
    drop_connection(now, "no welcome in time");
  } else if (state_ == State::kLive && now >= heard_ + options_.silence_limit) {
    drop_connection(now, fmt::format("no word for {} s", to_seconds(now - heard_)));
  } else if (state_ == State::kLive && now >= next_heartbeat_) {
    heartbeat_due_ = true;
    next_heartbeat_ = now + heartbeat_;
  }
}

Instant Session::next_timer() const {
  switch (state_) {
    case State::kStopped:
      return kNever;
    case State::kLive:
      return std::min({next_heartbeat_, heard_ + options_.silence_limit,
                       patient_ > 0 && !writing_ ? patience_ : kNever});
    default:
      return deadline_;
  }
}

void Session::send(Instant now, ToController message) {
  if (!live() && state_ != State::kGreeting) {
    return;
  }
  if (auto* credits = std::get_if<Credits>(&message)) {
    credits_ = *credits;
  } else if (auto* resident = std::get_if<Resident>(&message)) {
    resident_ = std::move(*resident);
  } else if (outbox_.size() < options_.outbox_limit) {
    const bool patient = std::holds_alternative<Started>(message);
    patience_ = patient && patient_ == 0 ? now + options_.started_delay : patience_;
    patient_ += patient ? 1 : 0;
    outbox_.push_back(std::move(message));
  } else {
    drop_connection(
        now, fmt::format("{} messages wait: the controller reads too slowly", outbox_.size()));
  }
}

bool Session::hurries() const {
  const auto spooled = journal_.next_spooled(cursor_);
  return heartbeat_due_ || credits_ || resident_ || goodbye_ || outbox_.size() > patient_ ||
         (spooled && spooled->position <= journal_.durable());
}

void Session::flush(Instant now) {
  if (!live() || writing_ || (!hurries() && now < patience_)) {
    return;
  }
  std::vector<Outgoing> frame = next_frame(now);
  if (frame.empty() && goodbye_ && !goodbye_sent_ && journal_.spooled_count() == 0) {
    add(frame, Goodbye{.reason = *goodbye_});
    goodbye_sent_ = true;
  } else if (frame.empty() && goodbye_sent_) {
    link_.close(connection_, true);
    state_ = State::kStopped;
    return;
  }
  if (!frame.empty()) {
    writing_ = true;
    link_.write(connection_, std::move(frame));
  }
}

std::vector<Outgoing> Session::next_frame(Instant now) {
  std::vector<Outgoing> frame;
  std::size_t bytes = 0;
  const auto room = [&] {
    return bytes < options_.frame_bytes && frame.size() < options_.frame_messages;
  };
  if (heartbeat_due_) {
    heartbeat_due_ = false;
    add(frame, Heartbeat{.sent = now, .rtt = rtt_, .telemetry = subject_.telemetry(now)});
  }
  if (credits_) {
    add(frame, *credits_);
    credits_.reset();
  }
  if (resident_) {
    add(frame, *std::move(resident_));
    resident_.reset();
  }
  while (!outbox_.empty() && room()) {
    patient_ -= std::holds_alternative<Started>(outbox_.front()) ? 1 : 0;
    bytes += size_bytes(outbox_.front());
    add(frame, std::move(outbox_.front()));
    outbox_.pop_front();
  }
  while (room() && outbox_.empty()) {
    const auto spooled = journal_.next_spooled(cursor_);
    if (!spooled || spooled->position > journal_.durable()) {
      break;
    }
    cursor_ = spooled->position;
    bytes += size_bytes(*spooled->result);
    add(frame, *spooled->result);
  }
  return frame;
}

void Session::add(std::vector<Outgoing>& frame, ToController body) {
  frame.push_back({.seq = ++last_seq_, .body = std::move(body)});
}

}  // namespace skerry::agent
