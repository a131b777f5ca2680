#include "controller/driver.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "common/check.h"
#include "controller/core/admission.h"
#include "controller/records/codec.h"

namespace skerry::controller {

namespace asio = boost::asio;

Driver::Driver(asio::io_context& io, core::Core& core, blobs::BlobDir& blobs, Clock& clock,
               store::Backlog limit, Duration max_late)
    : strand_(asio::make_strand(io)),
      timer_(strand_),
      core_(core),
      blobs_(blobs),
      clock_(clock),
      limit_(limit),
      max_late_(max_late) {}

Status Driver::start(store::Store& store, Sinks sinks) {
  store_ = &store;
  sinks_ = std::move(sinks);
  base_ = store.durable();
  durable_ = base_;
  auto stored = records::load(store);
  if (!stored) {
    return fail(std::move(stored).error());
  }
  carry_out(core_.restore(*std::move(stored), clock_.now()));
  auto swept = blobs_.sweep([this](std::string_view digest) { return core_.blob_in_use(digest); });
  if (!swept) {
    return fail(std::move(swept).error());
  }
  // The new epoch must be durable before anything is done in it; the driver has no thread yet, so
  // it waits here.
  const store::Position epoch_batch = base_ + core_.batches_written();
  for (store::Position seen = durable_; seen < epoch_batch; seen = durable_) {
    durable_.wait(seen);
  }
  asio::post(strand_, [this] {
    release_durable(durable_);
    arm_timer();
  });
  return {};
}

core::Ticket Driver::ask(core::Event event,
                         std::move_only_function<void(Result<core::Reply>)> on_answer) {
  const core::Ticket ticket = next_ticket_++;
  if (core::Ticket* asked = core::ticket_of(event)) {
    *asked = ticket;
  }
  asio::post(strand_, [this, ticket, asked = clock_.now(), event = std::move(event),
                       on_answer = std::move(on_answer)]() mutable {
    if (Status accepted = accepts(event, asked); !accepted) {
      on_answer(fail(std::move(accepted).error()));
      return;
    }
    askers_.emplace(ticket, std::move(on_answer));
    apply(std::move(event));
  });
  return ticket;
}

Status Driver::admit(const core::Submit& submit, Instant asked) {
  const core::Urgency urgency = core::urgency_of(submit.jobs);
  Status accepts = accepts_work(urgency);
  const Duration late = clock_.now() - asked;
  if (accepts && to_seconds(late) > share_for(urgency) * to_seconds(max_late_)) {
    accepts = fail(ErrorCode::kOverloaded,
                   fmt::format("the controller is {:.0f} ms behind with what is asked of it, which "
                               "is too much for more {} work; try again later",
                               to_ms(late), to_string(urgency)));
  }
  if (!accepts) {
    sinks_.happened(core::SubmitRefused{.ns = submit.jobs.empty() ? "" : submit.jobs.front().ns,
                                        .jobs = submit.jobs.size(),
                                        .reason = std::string(to_string(accepts.error().code))});
  }
  return accepts;
}

void Driver::tell(core::Event event) {
  asio::post(strand_, [this, event = std::move(event)]() mutable {
    if (const auto* abandon = std::get_if<core::Abandon>(&event)) {
      askers_.erase(abandon->ticket);
    }
    apply(std::move(event));
  });
}

void Driver::inspect(std::move_only_function<void(const core::Core&, Instant now)> look) {
  asio::post(strand_, [this, look = std::move(look)]() mutable { look(core_, clock_.now()); });
}

// Of what clients ask for; only these two change nothing.
Status Driver::accepts(const core::Event& event, Instant asked) {
  if (std::holds_alternative<core::Await>(event) || std::holds_alternative<core::ListJobs>(event)) {
    return {};
  }
  const auto* submit = std::get_if<core::Submit>(&event);
  return submit != nullptr ? admit(*submit, asked) : has_space();
}

Status Driver::has_space() const {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  const store::Space space = store_->space();
  if (space.state == store::Space::State::kEnough) {
    return {};
  }
  return fail(
      ErrorCode::kStorageFull,
      fmt::format("the controller's disk is {}, {} MiB are free: nothing new is taken, while "
                  "accepted work {}; try again when there is space",
                  space.state == store::Space::State::kLow ? "nearly full" : "full",
                  space.free_bytes / kMiB,
                  space.state == store::Space::State::kLow ? "goes on" : "waits"));
}

Status Driver::accepts_work(core::Urgency urgency) const {
  if (Status space = has_space(); !space) {
    return space;
  }
  const store::Backlog behind = store_->backlog();
  const double share = share_for(urgency);
  const auto within = [share](std::uint64_t has, std::uint64_t limit) {
    return static_cast<double>(has) <= share * static_cast<double>(limit);
  };
  if (within(behind.batches, limit_.batches) && within(behind.bytes, limit_.bytes)) {
    return {};
  }
  return fail(ErrorCode::kOverloaded,
              fmt::format("{} batches of {} bytes wait for the controller's disk, which is more "
                          "than it may be behind for {} work; try again when it has caught up",
                          behind.batches, behind.bytes, to_string(urgency)));
}

void Driver::on_durable(store::Position position) {
  durable_ = position;
  durable_.notify_all();
  if (!release_posted_.exchange(true)) {
    asio::post(strand_, [this] {
      release_posted_ = false;
      release_durable(durable_);
    });
  }
}

void Driver::apply(core::Event event) {
  carry_out(core_.apply(std::move(event), clock_.now()));
  arm_timer();
}

void Driver::carry_out(core::Effects effects) {
  if (!effects.writes.empty()) {
    const store::Position position = store_->append(records::encode(effects.writes));
    check(position == base_ + core_.batches_written(),
          "the store numbers batches as the core does");
  }
  abandon_blobs(durable_ - base_);  // what ended without a record needs no blob any more, either
  outbox_.take(std::move(effects.outputs),
               [this](core::Output output) { release(std::move(output)); });
}

void Driver::release_durable(store::Position position) {
  const core::BatchNumber batch = position - base_;
  abandon_blobs(batch);
  outbox_.durable(batch, [this](core::Output output) { release(std::move(output)); });
}

void Driver::release(core::Output output) {
  if (auto* answer = std::get_if<core::Answer>(&output.what)) {
    const auto asker = askers_.find(answer->ticket);
    if (asker != askers_.end()) {  // else it went away
      auto on_answer = std::move(asker->second);
      askers_.erase(asker);
      on_answer(std::move(answer->reply));
    }
  } else if (const auto* send = std::get_if<core::Send>(&output.what)) {
    sinks_.send(*send);
  } else {
    sinks_.happened(std::get<core::Happening>(output.what));
  }
}

// Before the answers of later batches leave: one of them may tell a client that the same bytes are
// stored. Who stores them again from now on keeps them, whenever the file would go.
void Driver::abandon_blobs(core::BatchNumber durable) {
  const std::vector<std::string> unneeded = core_.made_durable(durable);
  for (const std::string& digest : unneeded) {
    blobs_.abandon(digest);
  }
  if (!unneeded.empty()) {
    asio::post(files_, [this] { reap_blobs(); });
  }
}

void Driver::reap_blobs() {
  if (Status reaped = blobs_.reap(); !reaped) {
    asio::post(strand_, [this, error = std::move(reaped).error()] { sinks_.warn(error.message); });
  }
}

void Driver::arm_timer() {
  const Instant next = core_.next_timer();
  if (next >= armed_) {
    return;  // what is armed comes first; it looks again then
  }
  armed_ = next;
  timer_.expires_after(std::max(next - clock_.now(), Duration(0)));
  timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) {
      return;
    }
    armed_ = kNever;
    apply(core::Tick{});
  });
}

}  // namespace skerry::controller
