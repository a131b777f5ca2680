#include "agent/site/bringer.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <utility>

#include "controller/core/core.h"
#include "controller/records/site_job.h"

namespace skerry::agent {
namespace {

constexpr std::size_t kAtATime =
    4;  // of up to 512 KiB each, below what the controller reads at once
constexpr Duration kLookAgain =
    seconds(1);  // for jobs that begin to wait while the controller is there

}  // namespace

Bringer::Bringer(BringerParts parts) : parts_(std::move(parts)), timer_(parts_.io) {}

void Bringer::stop() {
  *alive_ = false;
  live_ = false;
  timer_.cancel();
}

void Bringer::connected(bool live) {
  live_ = live;
  ++connection_;
  looking_ = false;
  last_ = {};
  last_handed_ = {};
  if (!live && brought_ > 0) {
    parts_.log.info("the controller is away; {} jobs of the site were brought to it",
                    std::exchange(brought_, 0));
  }
  under_way_.clear();
  timer_.cancel();
  go_on();
}

void Bringer::job_ended() {
  more_ = true;
  if (live_ && under_way_.empty()) {
    go_on();
  }
}

void Bringer::taken(const SiteJobTaken& taken) {
  if (taken.taken_as.value == 0) {
    parts_.log.warn("the controller refuses a job of the site, which stays here: {}{}", taken.error,
                    fields({{"job", to_string(taken.id)}}));
  }
  ++brought_;
  under_way_.erase(taken.id);
  parts_.gateway.tell(core::SiteJobSettled{.job = taken.id, .taken_as = taken.taken_as});
  go_on();
}

void Bringer::go_on() {
  if (live_ && !looking_ && under_way_.size() < kAtATime) {
    looking_ = true;
    look_for_more();
  }
}

void Bringer::look_for_more() {
  const std::size_t most = kAtATime - under_way_.size();
  more_ = false;
  parts_.gateway.inspect([this, alive = alive_, connection = connection_, after = last_, most](
                             const core::Core& core, Instant) {
    boost::asio::post(parts_.io, [this, alive, connection, jobs = core.jobs_to_bring(after, most)] {
      if (!*alive || connection != connection_) {
        return;
      }
      looking_ = false;
      for (const core::Job& job : jobs) {
        bring(job);
      }
      if (jobs.empty() && under_way_.empty()) {
        hand_over();
      }
    });
  });
}

// What ended since the last look may have an id below those that were named already.
void Bringer::hand_over() {
  last_ = {};
  looking_ = true;
  parts_.gateway.ask(
      core::HandOver{.after = last_handed_, .most = kAtATime},
      [this, alive = alive_, connection = connection_](Result<core::Reply> reply) {
        boost::asio::post(parts_.io, [this, alive, connection, reply = std::move(reply)] {
          if (!*alive || connection != connection_) {
            return;
          }
          looking_ = false;
          const auto* handed = reply ? std::get_if<core::HandedOver>(&*reply) : nullptr;
          if (handed != nullptr && handed->last) {
            last_handed_ = *handed->last;
            go_on();
          } else if (more_) {
            go_on();
          } else {
            last_handed_ = {};
            wait();
          }
        });
      });
}

void Bringer::wait() {
  timer_.expires_after(kLookAgain);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& cancelled) {
    if (!cancelled && *alive) {
      go_on();
    }
  });
}

Result<core::SiteJobRecords> Bringer::records_of(const core::Job& job) const {
  core::SiteJobRecords records{
      .job = {job.id, job.spec, job.submitted_at},
      .task = {.id = job.id, .state = job.state, .attempts = job.attempts, .retries = job.retries},
      .result = std::nullopt};
  if (!job.result) {
    return records;
  }
  if (job.state != core::TaskState::kSucceeded || !job.result->output.blob.empty()) {
    records.result = core::ResultRecord{job.id, *job.result};
    return records;
  }
  auto stored = parts_.archive.result(job.id);
  if (!stored) {
    return fail(std::move(stored).error());
  }
  records.result = *std::move(stored);
  return records;
}

void Bringer::bring(const core::Job& job) {
  last_ = job.id;
  under_way_.insert(job.id);
  auto records = records_of(job);
  if (!records) {
    return give_up(job.id, records.error());
  }
  const std::string& digest =
      records->result ? records->result->result.output.blob : records->job.spec.inputs.blob;
  if (digest.empty()) {
    return send(connection_, *records);
  }
  upload(connection_, std::string(digest), *std::move(records));
}

void Bringer::upload(std::uint64_t connection, const std::string& digest,
                     core::SiteJobRecords records) {
  Result<std::string> bytes = parts_.blobs.read_all(digest);
  if (!bytes) {
    return give_up(records.job.id, bytes.error());
  }
  auto uploaded = [this, alive = alive_, connection, records = std::move(records)](Status status) {
    boost::asio::post(parts_.io, [this, alive, connection, records, status = std::move(status)] {
      if (!*alive || connection != connection_) {
        return;
      }
      if (status) {
        send(connection, records);
      } else {
        give_up(records.job.id, status.error());
      }
    });
  };
  parts_.bulk.upload(digest, std::make_shared<const std::string>(*std::move(bytes)),
                     std::move(uploaded));
}

// For now: it is tried again with the next look at what there is to bring.
void Bringer::give_up(JobId job, const Error& error) {
  parts_.log.warn("a job of the site could not be brought, and is tried again: {}{}", error.message,
                  fields({{"job", to_string(job)}}));
  under_way_.erase(job);
  go_on();
}

void Bringer::send(std::uint64_t connection, const core::SiteJobRecords& records) {
  if (connection != connection_ || !live_) {
    return;
  }
  records::SiteJobBytes bytes = records::encode_site_job(records);
  parts_.bring({.id = bytes.id,
                .job = std::move(bytes.job),
                .task = std::move(bytes.task),
                .result = std::move(bytes.result)});
}

}  // namespace skerry::agent
