#include "controller/hub/door/passages.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "common/check.h"
#include "common/pki/verify.h"

namespace skerry::door {
namespace {

// Two connected sockets, whose kernel buffers hold so much each way. -1: no descriptor is left.
struct Pair {
  int ours = -1;
  int given = -1;
};
Pair make_pair(std::size_t buffer_bytes) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    return {};
  }
  const int half = static_cast<int>(buffer_bytes / 2);  // the kernel doubles it
  for (const int end : ends) {
    ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &half, sizeof(half));
  }
  return {.ours = ends[0], .given = ends[1]};
}

}  // namespace

Passages::Passages(Parts parts, pki::TrustBundle trust)
    : parts_(std::move(parts)),
      trust_(std::move(trust)),
      work_(asio::make_work_guard(io_)),
      shared_{.options = parts_.options,
              .clock = parts_.clock,
              .counters = parts_.counters,
              .read = std::vector<char>(parts_.options.buffer_bytes),
              .passed = {}} {
  asio::post(io_, [this] { watch(); });
  thread_ = std::jthread([this] { io_.run(); });
}

void Passages::receive(std::unique_ptr<TlsSocket> socket, pki::Certificate certificate,
                       std::string address, bool is_on_this_machine) {
  asio::post(io_, [this, socket = std::move(socket), certificate = std::move(certificate),
                   address = std::move(address), is_on_this_machine]() mutable {
    admit(std::move(socket),
          std::make_shared<const Caller>(Caller{.connection = ++last_connection_,
                                                .certificate = std::move(certificate),
                                                .address = std::move(address),
                                                .is_on_this_machine = is_on_this_machine}));
  });
}

// On the thread on which disconnect() acts: what is admitted before a revocation is noted is in the table
// when the revocation's disconnect() comes.
void Passages::admit(std::unique_ptr<TlsSocket> socket, std::shared_ptr<const Caller> caller) {
  if (stopping_) {
    return;
  }
  if (parts_.bans.has(caller->node(), parts_.clock.now())) {
    parts_.counters.add(Count::kBanned);
    return;
  }
  if (const Status admitted = may_enter(*caller); !admitted) {
    parts_.counters.add(Count::kNotAdmitted);
    parts_.log.warn("a node was turned away: {}{}", admitted.error().message,
                    fields({{"node", caller->node()}, {"peer", caller->address}}));
    return;
  }
  if (!has_room(*caller)) {
    parts_.counters.add(Count::kTooMany);
    return;
  }
  open(std::move(socket), std::move(caller));
}

// The bundle may have changed since the handshake began.
Status Passages::may_enter(const Caller& caller) {
  Status believed = pki::verify(std::span(&caller.certificate, 1), trust_,
                                pki::Purpose::kNodeConnects, parts_.clock.now());
  return believed ? parts_.admission.admit(caller.certificate) : believed;
}

bool Passages::has_room(const Caller& caller) {
  const auto own = by_node_.find(caller.node());
  const bool node_full = own != by_node_.end() && own->second >= parts_.options.per_node;
  if (node_full || passages_.size() >= parts_.options.connections) {
    parts_.log.warn("a node's connection was turned away: there are {} of {} already{}",
                    node_full ? own->second : passages_.size(),
                    node_full ? "the node's" : "all nodes'",
                    fields({{"node", caller.node()}, {"peer", caller.address}}));
    return false;
  }
  return true;
}

void Passages::open(std::unique_ptr<TlsSocket> socket, std::shared_ptr<const Caller> caller) {
  const Pair pair = make_pair(parts_.options.buffer_bytes);
  if (pair.ours < 0) {
    parts_.counters.add(Count::kTooMany);
    parts_.log.warn("a node's connection was turned away: {}{}", std::strerror(errno),
                    fields({{"node", caller->node()}, {"peer", caller->address}}));
    return;
  }
  socket->move_to(io_.get_executor());
  Passage::Inner inner(io_, asio::local::stream_protocol(), pair.ours);
  const auto passage = std::make_shared<Passage>(std::move(*socket), std::move(inner),
                                                 parts_.callers.add(caller), caller, shared_);
  passages_.emplace(passage.get(), Entry{.passage = passage});
  ++by_node_[caller->node()];
  parts_.counters.add(Count::kPassed);
  parts_.counters.add(Count::kConnections);
  parts_.give(pair.given);
  const auto ended = [this, passage](const std::exception_ptr& thrown) {
    if (thrown) {
      passage->close();
    }
    carrier_ended(passage);
  };
  asio::co_spawn(io_, passage->carry_in(), ended);
  asio::co_spawn(io_, passage->carry_out(), ended);
}

void Passages::carrier_ended(const std::shared_ptr<Passage>& passage) {
  const auto found = passages_.find(passage.get());
  check(found != passages_.end(), "a passage is known until both of its carriers have ended");
  if (--found->second.carriers > 0) {
    return;
  }
  punish(*passage);
  const auto own = by_node_.find(passage->caller().node());
  if (--own->second == 0) {
    by_node_.erase(own);
  }
  parts_.callers.remove(passage->secret());
  parts_.counters.take(Count::kConnections);
  passages_.erase(found);
}

void Passages::punish(const Passage& passage) {
  const auto breach = passage.breach();
  if (!breach) {
    return;
  }
  const Caller& caller = passage.caller();
  parts_.counters.add(*breach);
  parts_.counters.add(Count::kBans);
  parts_.bans.ban(caller.node(), parts_.clock.now());
  parts_.log.warn("a node's connection was cut and the node is banned for {} s: {}{}",
                  parts_.options.ban / seconds(1), to_string(*breach),
                  fields({{"node", caller.node()},
                          {"peer", caller.address},
                          {"certificate", caller.certificate.fingerprint()}}));
}

template <typename Which>
void Passages::close_those(Which which, Count count, std::string_view why) {
  for (const auto& [_, entry] : passages_) {
    if (entry.passage->is_open() && which(*entry.passage)) {
      const Caller& caller = entry.passage->caller();
      parts_.counters.add(count);
      parts_.log.info("a node's connection was closed: {}{}", why,
                      fields({{"node", caller.node()}, {"peer", caller.address}}));
      entry.passage->close();  // the coroutines end later, from the loop
    }
  }
}

void Passages::disconnect(std::string node) {
  asio::post(io_, [this, node = std::move(node)] {
    close_those([&](const Passage& one) { return one.caller().node() == node; },
                Count::kDisconnected, "it is no longer admitted");
  });
}

void Passages::believe(pki::TrustBundle trust) {
  asio::post(io_, [this, trust = std::move(trust)]() mutable {
    trust_ = std::move(trust);
    const Instant now = parts_.clock.now();
    close_those(
        [&](const Passage& one) {
          return !pki::verify(std::span(&one.caller().certificate, 1), trust_,
                              pki::Purpose::kNodeConnects, now);
        },
        Count::kDisconnected, "its certificate's authority is no longer believed");
  });
}

void Passages::watch() {
  const Instant now = parts_.clock.now();
  const auto due = [now](Passage::Due why) {
    return [now, why](const Passage& one) { return one.due(now) == why; };
  };
  close_those(due(Passage::Due::kExpired), Count::kExpired, "its certificate has expired");
  close_those(due(Passage::Due::kStalled), Count::kStalled, "the agent takes nothing");
  close_those(due(Passage::Due::kIdle), Count::kIdle, "nothing was said on it");
  for (const auto& [_, entry] : passages_) {
    if (entry.passage->due(now) == Passage::Due::kLeft) {
      entry.passage->close();
    }
    entry.passage->send_held();
  }
  ticks_.expires_after(parts_.options.watch_interval);
  ticks_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled && !stopping_) {
      watch();
    }
  });
}

void Passages::stop() {
  if (!thread_.joinable()) {
    return;
  }
  asio::post(io_, [this] {
    stopping_ = true;
    ticks_.cancel();
    for (const auto& [_, entry] : passages_) {
      entry.passage->close();
    }
    work_.reset();
  });
  thread_.join();
}

}  // namespace skerry::door
