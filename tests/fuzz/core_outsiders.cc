// core_outsiders.cc: what comes from further away than clients and agents' attempts: jobs that a site took
// while it was alone, as its records tell, true or not; and strangers, of whom the audit trail has a line.

#include "tests/fuzz/core_world.h"

namespace skerry::fuzz {

void CoreWorld::outsider(const Operation& operation) {
  operation.a % 4 == 0 ? note(operation) : bring(operation);
}

void CoreWorld::note(const Operation& operation) {
  const std::string bytes = {static_cast<char>(operation.b), static_cast<char>(operation.c)};
  apply(core::NoteInAudit{.entry = {.by = {.caller = bytes, .address = "192.0.2.1"},
                                    .action = "model.apply",
                                    .object = bytes,
                                    .ns = "default",
                                    .detail = bytes,
                                    .outcome = "denied"}});
}

// Of few ids, so that some are brought again.
void CoreWorld::bring(const Operation& operation) {
  constexpr std::uint64_t kSiteEpoch = 1ULL << 23;
  const JobId id = JobId::make({kSiteEpoch}, operation.b % 8);
  const Instant then = now_ - hours(operation.c) + hours(8);  // or by a clock that is ahead
  core::SiteJobRecords brought{.job = {id, {}, then}, .task = {.id = id}, .result = std::nullopt};
  brought.job.spec.ns = "default";
  brought.job.spec.model = "model" + std::to_string(operation.b % 3);
  brought.job.spec.inputs = Payload::inlined("input");
  if (operation.a % 4 != 1) {
    brought.task.state = core::TaskState::kSucceeded;
    brought.task.attempts = operation.c;
    brought.result = core::ResultRecord{.id = id, .result = {}};
    brought.result->result.ended_at = then;
    brought.result->result.output =
        operation.b % 2 == 0 ? Payload::inlined("output")
                             : Payload::stored("sha256:" + std::string(64, 'b'), 300'000);
  }
  apply(core::SiteJobBrought{.session = session_of(operation.b / 8), .job = std::move(brought)});
}

}  // namespace skerry::fuzz
