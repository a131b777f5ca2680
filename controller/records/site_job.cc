#include "controller/records/site_job.h"

#include <algorithm>
#include <numeric>

#include "common/check.h"
#include "controller/records/parts.h"

namespace skerry::records {
namespace {

// More than any settings let a job have; each has a record that is deleted with it.
constexpr std::uint32_t kMostAttempts = 10'000;

bool is_preference(const scheduler::Preference& preference) {
  const auto& weights = preference.weights;
  return std::ranges::all_of(weights, [](double weight) { return weight >= 0 && weight <= 1; }) &&
         std::accumulate(weights.begin(), weights.end(), 0.0) > 0;
}

}  // namespace

SiteJobBytes encode_site_job(const core::SiteJobRecords& records) {
  std::vector<core::RecordWrite> writes{records.job, records.task};
  if (records.result) {
    writes.emplace_back(*records.result);
  }
  store::Batch batch = encode(writes);
  check(batch.size() == writes.size(), "each record is one write");
  const auto value = [&](std::size_t i) { return std::move(batch.at(i).value).value_or(""); };
  return {.id = records.job.id,
          .job = value(0),
          .task = value(1),
          .result = records.result ? value(2) : std::string()};
}

Result<core::SiteJobRecords> decode_site_job(const SiteJobBytes& bytes) {
  const std::string key = job_key(bytes.id);
  Result<core::JobRecord> job = decode_job(key, bytes.job);
  if (!job) {
    return fail(std::move(job).error());
  }
  if (!is_preference(job->spec.preference)) {
    return fail(ErrorCode::kCorrupt, "the weights of a brought job are not weights");
  }
  Result<core::TaskRecord> task = decode_task(key, bytes.task);
  if (!task) {
    return fail(std::move(task).error());
  }
  if (task->attempts > kMostAttempts) {
    return fail(ErrorCode::kCorrupt, "a brought job had more attempts than a job can have");
  }
  core::SiteJobRecords records{
      .job = *std::move(job), .task = *std::move(task), .result = std::nullopt};
  if (!bytes.result.empty()) {
    Result<core::ResultRecord> result = decode_result(key, bytes.result);
    if (!result) {
      return fail(std::move(result).error());
    }
    records.result = *std::move(result);
  }
  return records;
}

}  // namespace skerry::records
