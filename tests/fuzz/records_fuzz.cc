// records_fuzz.cc: the controller's records as its store holds them.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <records.pb.h>

#include <array>
#include <memory>
#include <type_traits>

#include "controller/records/codec.h"
#include "controller/records/parts.h"
#include "tests/fuzz/harness.h"
#include "tests/fuzz/message_mutator.h"

namespace skerry::fuzz {

namespace {

using core::RecordWrite;
using store::Table;

constexpr std::size_t kFixedBytes = 64 * 1024;
// An attempt of a task, eleven bytes with next to nothing said, is a message and a struct, and both of
// them twice here.
constexpr std::size_t kTaskTimes = 150;

// `Record`: what the value is a part of, if it is not a record itself.
template <typename Record = void, typename Value>
std::optional<RecordWrite> given(Result<Value> value) {
  if (!value) {
    return std::nullopt;
  }
  if constexpr (std::is_void_v<Record>) {
    return *std::move(value);
  } else {
    return Record{*std::move(value)};
  }
}

std::optional<RecordWrite> decode(Table table, std::string_view key, std::string_view value) {
  switch (table) {
    case Table::kMeta:
      return given(records::decode_meta(value));
    case Table::kJob:
      return given(records::decode_job(key, value));
    case Table::kTask:
      return given(records::decode_task(key, value));
    case Table::kResult:
      return given(records::decode_result(key, value));
    case Table::kNode:
      return given(records::decode_node(value));
    case Table::kModel:
      return given(records::decode_model(value));
    case Table::kIdempotency:
      return given(records::decode_idempotency(key, value));
    case Table::kDecision:
      return given(records::decode_decision(key, value));
    case Table::kPolicy:
      return given(records::decode_policy(key, value));
    case Table::kToken:
      return given<core::TokenRecord>(records::decode_token(key, value));
    case Table::kJoinToken:
      return given<core::JoinTokenRecord>(records::decode_join_token(key, value));
    case Table::kNodeIdentity:
      return given<core::NodeIdentityRecord>(records::decode_identity(key, value));
    case Table::kAudit:
      return given(records::decode_audit(key, value));
  }
  return std::nullopt;
}

store::Write encode(const RecordWrite& record) { return records::encode({record}).front(); }

// table (u8), length of the key (u8), key, value
struct Entry {
  Table table;
  std::string_view key;
  std::string_view value;
};
constexpr std::uint64_t kTables = 13;

Entry entry_of(std::string_view input) {
  const auto table = static_cast<unsigned char>(input[0]);
  const auto key_bytes = static_cast<unsigned char>(input[1]);
  const std::string_view key = input.substr(2, key_bytes);
  return {.table = static_cast<Table>(table % kTables + 1),
          .key = key,
          .value = input.substr(2 + key.size())};
}

std::unique_ptr<google::protobuf::Message> message_of(Table table) {
  switch (table) {
    case Table::kMeta:
      return std::make_unique<stored::Meta>();
    case Table::kJob:
      return std::make_unique<stored::Job>();
    case Table::kTask:
      return std::make_unique<stored::Task>();
    case Table::kResult:
      return std::make_unique<stored::Result>();
    case Table::kNode:
      return std::make_unique<stored::Node>();
    case Table::kModel:
      return std::make_unique<stored::Model>();
    case Table::kIdempotency:
      return std::make_unique<stored::Idempotency>();
    case Table::kDecision:
      return std::make_unique<stored::Decision>();
    case Table::kPolicy:
      return std::make_unique<stored::Policy>();
    case Table::kToken:
      return std::make_unique<stored::Token>();
    case Table::kJoinToken:
      return std::make_unique<stored::JoinToken>();
    case Table::kNodeIdentity:
      return std::make_unique<stored::NodeIdentity>();
    case Table::kAudit:
      return std::make_unique<stored::Audit>();
  }
  return std::make_unique<stored::Meta>();
}

// Maps have no order of their own in what is stored.
std::string in_order(Table table, const std::string& value) {
  const auto message = message_of(table);
  check(message->ParseFromString(value), "what is stored is a message");
  std::string ordered;
  {
    google::protobuf::io::StringOutputStream stream(&ordered);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message->SerializeToCodedStream(&out);
  }
  return ordered;
}

}  // namespace

void run(std::string_view input) {
  if (input.size() < 2) {
    return;
  }
  const Entry entry = entry_of(input);
  const MemoryBound bound(input.size(), kFixedBytes,
                          entry.table == Table::kTask ? kTaskTimes : kJsonTimes);  // of a manifest
  const auto record = decode(entry.table, entry.key, entry.value);
  if (!record) {
    return;
  }
  const store::Write written = encode(*record);
  check(written.table == entry.table && written.value.has_value(), "a record has one table");
  const auto again = decode(written.table, written.key, *written.value);
  check(again.has_value(), "a record that is written reads back");
  const store::Write rewritten = encode(*again);
  check(in_order(entry.table, *rewritten.value) == in_order(entry.table, *written.value) &&
            rewritten.key == written.key,
        "a record that is written reads back the same");
}

std::optional<std::string> mutate(std::string_view input, Random& random) {
  constexpr std::size_t kDecisionKeyBytes = 12;
  std::string head;
  Table table{};
  if (input.size() < 2 || random.chance(0.02)) {
    const auto index = random.below(kTables);
    table = static_cast<Table>(index + 1);
    const bool texts = table == Table::kIdempotency || table == Table::kPolicy ||
                       table == Table::kToken || table == Table::kJoinToken ||
                       table == Table::kNodeIdentity;
    const std::string key = texts                       ? std::string("a\0b", 3)
                            : table == Table::kDecision ? std::string(kDecisionKeyBytes, 'k')
                                                        : std::string(8, 'k');
    head = std::string{static_cast<char>(index), static_cast<char>(key.size())} + key;
  } else {
    const Entry entry = entry_of(input);
    table = entry.table;
    head = input.substr(0, 2 + entry.key.size());
  }
  const auto message = message_of(table);
  if (!message->ParseFromString(std::string(input.substr(std::min(head.size(), input.size())))) ||
      random.chance(0.2)) {
    return std::nullopt;
  }
  mutate_message(*message, random);
  return head + message->SerializeAsString();
}

}  // namespace skerry::fuzz
