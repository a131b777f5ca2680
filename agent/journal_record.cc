#include "agent/journal_record.h"

#include "common/bytes.h"
#include "common/crc32c.h"

namespace skerry::agent {

namespace {

enum class Kind : std::uint8_t { kManifest = 1, kAccept, kFinish, kSpool, kForget };
constexpr std::size_t kHeaderBytes = 8;
constexpr std::uint8_t kMostOutcome = static_cast<std::uint8_t>(Outcome::kSequenceLost);
constexpr std::uint8_t kMostStep = static_cast<std::uint8_t>(SequenceStep::kContinues);

void put(ByteWriter& out, const AttemptRef& attempt) {
  out.number(attempt.job.value);
  out.number(attempt.number);
  out.number(attempt.uid.high);
  out.number(attempt.uid.low);
}

AttemptRef read_attempt(ByteReader& in) {
  AttemptRef attempt;
  attempt.job.value = in.number<std::uint64_t>();
  attempt.number = in.number<std::uint32_t>();
  attempt.uid.high = in.number<std::uint64_t>();
  attempt.uid.low = in.number<std::uint64_t>();
  return attempt;
}

void put(ByteWriter& out, const Payload& payload) {
  out.number<std::uint8_t>(payload.bytes ? 1 : 0);
  if (payload.bytes) {
    out.text<std::uint32_t>(*payload.bytes);
  }
  out.text<std::uint16_t>(payload.blob);
  out.number(payload.size_bytes);
}

Payload read_payload(ByteReader& in) {
  Payload payload;
  if (in.number<std::uint8_t>() != 0) {
    payload.bytes = std::make_shared<const std::string>(in.text<std::uint32_t>());
  }
  payload.blob = in.text<std::uint16_t>();
  payload.size_bytes = in.number<std::uint64_t>();
  return payload;
}

void put(ByteWriter& out, Duration time) { out.number<std::int64_t>(time.count()); }
Duration read_duration(ByteReader& in) { return Duration(in.number<std::int64_t>()); }

void put(ByteWriter& out, const ManifestRecord& record) {
  out.number(Kind::kManifest);
  out.text<std::uint16_t>(record.model);
  out.number(record.revision);
  out.text<std::uint32_t>(record.json);
}

void put(ByteWriter& out, const AcceptRecord& record) {
  const Assign& assign = record.assign;
  out.number(Kind::kAccept);
  put(out, assign.attempt);
  out.text<std::uint16_t>(assign.model);
  out.text<std::uint16_t>(assign.variant);
  out.text<std::uint16_t>(assign.artifact);
  out.number(assign.artifact_bytes);
  out.number(assign.manifest_revision);
  put(out, assign.input);
  put(out, assign.remaining);
  out.text<std::uint16_t>(assign.sequence);
  out.number(assign.sequence_step);
  out.number(assign.epoch.value);
  out.number<std::uint8_t>(assign.interactive ? 1 : 0);
  out.number<std::int64_t>(to_us(record.received));
  out.text<std::uint16_t>(assign.ns);
}

void put(ByteWriter& out, const Ended& result) {
  put(out, result.attempt);
  out.number(result.outcome);
  out.text<std::uint32_t>(result.error);
  put(out, result.output);
  put(out, result.usage.queue);
  put(out, result.usage.fetch);
  put(out, result.usage.load);
  put(out, result.usage.service);
  out.number(result.usage.energy_j);
  out.text<std::uint16_t>(result.usage.energy_source);
  out.number(result.usage.cost_usd);
}

void put(ByteWriter& out, const FinishRecord& record) {
  out.number(Kind::kFinish);
  put(out, record.result);
}

void put(ByteWriter& out, const SpoolRecord& record) {
  out.number(Kind::kSpool);
  put(out, record.result);
}

void put(ByteWriter& out, const ForgetRecord& record) {
  out.number(Kind::kForget);
  out.number(record.uid.high);
  out.number(record.uid.low);
}

ManifestRecord read_manifest(ByteReader& in) {
  ManifestRecord record;
  record.model = in.text<std::uint16_t>();
  record.revision = in.number<std::uint64_t>();
  record.json = in.text<std::uint32_t>();
  return record;
}

std::optional<AcceptRecord> read_accept(ByteReader& in) {
  AcceptRecord record;
  Assign& assign = record.assign;
  assign.attempt = read_attempt(in);
  assign.model = in.text<std::uint16_t>();
  assign.variant = in.text<std::uint16_t>();
  assign.artifact = in.text<std::uint16_t>();
  assign.artifact_bytes = in.number<std::uint64_t>();
  assign.manifest_revision = in.number<std::uint64_t>();
  assign.input = read_payload(in);
  assign.remaining = read_duration(in);
  assign.sequence = in.text<std::uint16_t>();
  const auto step = in.number<std::uint8_t>();
  if (step > kMostStep) {
    return std::nullopt;
  }
  assign.sequence_step = static_cast<SequenceStep>(step);
  assign.epoch.value = in.number<std::uint64_t>();
  assign.interactive = in.number<std::uint8_t>() != 0;
  record.received = instant_from_us(in.number<std::int64_t>());
  assign.ns = in.at_end() ? "" : in.text<std::uint16_t>();  // records of earlier agents end here
  return record;
}

std::optional<Ended> read_result(ByteReader& in) {
  Ended result;
  result.attempt = read_attempt(in);
  const auto outcome = in.number<std::uint8_t>();
  if (outcome > kMostOutcome) {
    return std::nullopt;
  }
  result.outcome = static_cast<Outcome>(outcome);
  result.error = in.text<std::uint32_t>();
  result.output = read_payload(in);
  result.usage.queue = read_duration(in);
  result.usage.fetch = read_duration(in);
  result.usage.load = read_duration(in);
  result.usage.service = read_duration(in);
  result.usage.energy_j = in.number<double>();
  result.usage.energy_source = in.text<std::uint16_t>();
  result.usage.cost_usd = in.number<double>();
  return result;
}

std::optional<JournalRecord> read_body(ByteReader& in) {
  switch (static_cast<Kind>(in.number<std::uint8_t>())) {
    case Kind::kManifest:
      return read_manifest(in);
    case Kind::kAccept:
      if (auto record = read_accept(in)) {
        return *std::move(record);
      }
      return std::nullopt;
    case Kind::kFinish:
      if (auto result = read_result(in)) {
        return FinishRecord{*std::move(result)};
      }
      return std::nullopt;
    case Kind::kSpool:
      if (auto result = read_result(in)) {
        return SpoolRecord{*std::move(result)};
      }
      return std::nullopt;
    case Kind::kForget: {
      ForgetRecord record;
      record.uid.high = in.number<std::uint64_t>();
      record.uid.low = in.number<std::uint64_t>();
      return record;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string encode_record(const JournalRecord& record) {
  ByteWriter body;
  std::visit([&body](const auto& concrete) { put(body, concrete); }, record);
  const std::string bytes = body.take();
  ByteWriter out;
  out.number(static_cast<std::uint32_t>(bytes.size()));
  out.number(crc32c(bytes));
  out.raw(bytes);
  return out.take();
}

std::optional<ReadRecord> decode_record(std::string_view bytes) {
  ByteReader header(bytes);
  const auto length = header.number<std::uint32_t>();
  const auto sum = header.number<std::uint32_t>();
  const std::string_view body = header.raw(length);
  if (!header.ok() || length == 0 || crc32c(body) != sum) {
    return std::nullopt;
  }
  ByteReader in(body);
  auto record = read_body(in);
  if (!record || !in.ok() || !in.at_end()) {
    return std::nullopt;
  }
  return ReadRecord{.record = *std::move(record), .bytes = kHeaderBytes + length};
}

}  // namespace skerry::agent
