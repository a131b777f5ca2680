#include "controller/records/site_job.h"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <vector>

#include "common/check.h"
#include "common/utf8.h"
#include "controller/records/decoding.h"
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

bool holds_text_alone(const google::protobuf::Message& message);

bool is_text(const google::protobuf::Message& message,
             const google::protobuf::FieldDescriptor& field, int index) {
  using Field = google::protobuf::FieldDescriptor;
  const auto& reflection = *message.GetReflection();
  const bool one = !field.is_repeated();
  if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
    return holds_text_alone(one ? reflection.GetMessage(message, &field)
                                : reflection.GetRepeatedMessage(message, &field, index));
  }
  std::string scratch;
  return field.cpp_type() != Field::CPPTYPE_STRING ||
         is_utf8(one ? reflection.GetStringReference(message, &field, &scratch)
                     : reflection.GetRepeatedStringReference(message, &field, index, &scratch));
}

// What it has of texts goes on to clients, metrics and other agents, and is UTF-8; payloads may be anything.
bool holds_text_alone(const google::protobuf::Message& message) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return std::ranges::all_of(fields, [&](const auto* field) {
    const bool payload = field->full_name() == "skerry.stored.Payload.inline";
    const int count = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 1;
    return payload || std::ranges::all_of(std::views::iota(0, count), [&](int index) {
             return is_text(message, *field, index);
           });
  });
}

template <typename Message>
bool holds_text_alone(std::string_view bytes) {
  Message message;
  return parse(message, bytes) && holds_text_alone(message);
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
  if (!holds_text_alone<stored::Job>(bytes.job) || !holds_text_alone<stored::Task>(bytes.task) ||
      !holds_text_alone<stored::Result>(bytes.result)) {
    return fail(ErrorCode::kCorrupt,
                "a text of a brought job is no UTF-8, or not to be read at all");
  }
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
