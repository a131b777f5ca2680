#include "controller/api/handshake_gate.h"

#include <utility>

namespace skerry::api {

bool HandshakeGate::may_begin(const Line& line) const {
  const bool room = line.open == 0 || (open_ < limits_.open && line.open < limits_.open_per_peer);
  return room && begun_ < limits_.begun && line.begun < limits_.begun_per_peer;
}

void HandshakeGate::enter(const Peer& peer, Turn turn) {
  std::vector<Turn> ready;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) {
      return;
    }
    Line& line = lines_[peer];
    if (line.waiting.empty()) {
      round_.push_back(peer);
    }
    line.waiting.push_back({std::move(turn), now_tick_});
    ++waiting_;
    ready = take_ready();
  }
  call(std::move(ready));
}

void HandshakeGate::leave(const Peer& peer) {
  std::vector<Turn> ready;
  {
    const std::scoped_lock lock(mutex_);
    --lines_.at(peer).open;
    --open_;
    ready = take_ready();
  }
  call(std::move(ready));
}

void HandshakeGate::tick() {
  std::vector<Turn> ready;
  std::vector<Turn> late;  // destroyed outside of the mutex, since that resumes who waits
  {
    const std::scoped_lock lock(mutex_);
    ++now_tick_;
    begun_ = 0;
    for (auto& [peer, line] : lines_) {
      line.begun = 0;
      while (!line.waiting.empty() &&
             now_tick_ - line.waiting.front().since > limits_.patience_ticks) {
        late.push_back(std::move(line.waiting.front().turn));
        line.waiting.pop_front();
        --waiting_;
        ++overdue_;
      }
    }
    std::erase_if(round_, [this](const Peer& peer) { return lines_.at(peer).waiting.empty(); });
    ready = take_ready();
    std::erase_if(lines_, [](const auto& entry) {
      return entry.second.open == 0 && entry.second.begun == 0 && entry.second.waiting.empty();
    });
  }
  call(std::move(ready));
}

void HandshakeGate::close() {
  std::vector<Turn> late;
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (auto& [peer, line] : lines_) {
    for (Waiter& waiter : line.waiting) {
      late.push_back(std::move(waiter.turn));
    }
    line.waiting.clear();
  }
  waiting_ = 0;
  round_.clear();
}

// One of each address in turn, for as long as any may begin. The mutex is held.
std::vector<HandshakeGate::Turn> HandshakeGate::take_ready() {
  std::vector<Turn> ready;
  for (std::size_t passed_over = 0; passed_over < round_.size() && begun_ < limits_.begun;) {
    const Peer peer = round_.front();
    round_.pop_front();
    Line& line = lines_.at(peer);
    ++passed_over;
    if (may_begin(line)) {
      ready.push_back(std::move(line.waiting.front().turn));
      line.waiting.pop_front();
      --waiting_;
      ++line.open;
      ++line.begun;
      ++open_;
      ++begun_;
      passed_over = 0;
    }
    if (!line.waiting.empty()) {
      round_.push_back(peer);
    }
  }
  return ready;
}

void HandshakeGate::call(std::vector<Turn> turns) {
  for (Turn& turn : turns) {
    turn(Status());
  }
}

std::size_t HandshakeGate::open() const {
  const std::scoped_lock lock(mutex_);
  return open_;
}
std::size_t HandshakeGate::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_;
}
std::uint64_t HandshakeGate::overdue() const {
  const std::scoped_lock lock(mutex_);
  return overdue_;
}

}  // namespace skerry::api
