// driver.h: runs the core: the shell around the pure state machine.
//
// Everything that happens is applied on one strand; records go to the store, outputs wait in the
// outbox until what they depend on is durable, then commands go to the hub, answers to whoever
// asked, happenings to metrics, logs and watchers. Blobs that no job needs any more are removed on a
// thread of its own.
//
// A disk that falls behind its limit sheds: submits are refused with kOverloaded, long before the
// store would block the strand. All else goes on: what was accepted is placed and ends, and agents'
// heartbeats, which write nothing, are read.
//
// A disk that is nearly full makes it read-only: every change that a client asks for is refused with
// kStorageFull, and nothing else. What is left belongs to accepted work, which is placed and ends. A
// disk that is full keeps back what waits for it, results' acknowledgements among it, so that agents
// hold them until there is space; heartbeats are answered meanwhile. In memory gathers what agents had
// under way; the store's own limit is the last resort.
//
// Made by main, which also owns everything it refers to. start() before the first event. It stops
// with the io_context: main stops that, and its threads, before anything that this refers to goes
// away.

#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <map>
#include <unordered_map>

#include "common/time.h"
#include "controller/blobs/blob_dir.h"
#include "controller/core/outbox.h"
#include "controller/gateway.h"
#include "controller/store/store.h"

namespace skerry::controller {

// Where outputs go; all called on the core's strand, and must return soon.
struct Sinks {
  std::function<void(const core::Send&)> send;
  std::function<void(const core::Happening&)> happened;
  std::function<void(std::string_view)> warn;
};

// A healthy disk makes as much durable in a second or two; append blocks at four times these bytes.
inline constexpr store::Backlog kBacklogLimit{.batches = 20'000, .bytes = 64 * 1024 * 1024};

// From a submit's being asked to its turn on the strand.
inline constexpr Duration kMaxLate = milliseconds(250);

class Driver final : public Gateway {
 public:
  // No work is accepted while the store is further behind than `limit`, or the core later than
  // `max_late`; less urgent work is refused earlier (core/admission.h).
  Driver(boost::asio::io_context& io, core::Core& core, blobs::BlobDir& blobs, Clock& clock,
         store::Backlog limit = kBacklogLimit, Duration max_late = kMaxLate);

  // Takes over what the store holds and opens a new epoch, durably, before it returns. Blocks; call
  // before the threads of the io_context run. kCorrupt if the store does not decode.
  Status start(store::Store& store, Sinks sinks);

  core::Ticket ask(core::Event event,
                   std::move_only_function<void(Result<core::Reply>)> on_answer) override;
  void tell(core::Event event) override;
  void inspect(std::move_only_function<void(const core::Core&, Instant now)> look) override;

  // kStorageFull, or kOverloaded while submits of this urgency are refused because the disk is behind.
  // Any thread, after start().
  Status accepts_work(core::Urgency urgency = core::Urgency::kInteractive) const;
  Status has_space() const override;

  // From the store's thread.
  void on_durable(store::Position position);

 private:
  using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;

  Status accepts(const core::Event& event, Instant asked);
  Status admit(const core::Submit& submit, Instant asked);
  void apply(core::Event event);
  void carry_out(core::Effects effects);
  void release(core::Output output);
  void release_durable(store::Position position);
  void abandon_blobs(core::BatchNumber durable);
  void reap_blobs();
  void arm_timer();

  Strand strand_;
  boost::asio::steady_timer timer_;
  core::Core& core_;
  blobs::BlobDir& blobs_;
  Clock& clock_;
  const store::Backlog limit_;
  const Duration max_late_;
  store::Store* store_ = nullptr;
  store::Position base_ = 0;  // position of the store before our first batch
  Sinks sinks_;
  core::Outbox outbox_;
  std::unordered_map<core::Ticket, std::move_only_function<void(Result<core::Reply>)>> askers_;
  Instant armed_ = kNever;
  std::atomic<core::Ticket> next_ticket_ = 1;
  std::atomic<store::Position> durable_ = 0;
  std::atomic<bool> release_posted_ = false;
  boost::asio::thread_pool files_{1};  // last: what it still does ends first
};

}  // namespace skerry::controller
