#include "controller/store/wal_check.h"

#include <fmt/core.h>

#include <utility>

#include "controller/store/wal_fragments.h"

namespace skerry::store {
namespace {

// A WriteBatch: sequence number (8), count of entries (4), entries. An entry that puts a short key
// and a short value: tag 1, length, key, length, value.
constexpr std::size_t kBatchHeaderBytes = 12;
constexpr std::size_t kEntryHeaderBytes = 1 + 1 + kStampKey.size() + 1;
constexpr std::size_t kStampedBytes = kBatchHeaderBytes + kEntryHeaderBytes + kStampBytes;

// After a recovery RocksDB opens a new log with a batch of no entries.
bool is_empty_batch(std::string_view record) {
  return record.size() == kBatchHeaderBytes && record.substr(8) == std::string_view("\0\0\0\0", 4);
}

std::optional<Stamp> stamp_of(std::string_view record) {
  if (record.size() < kStampedBytes) {
    return std::nullopt;
  }
  std::string expected;
  expected += '\1';
  expected += static_cast<char>(kStampKey.size());
  expected += kStampKey;
  expected += static_cast<char>(kStampBytes);
  if (record.substr(kBatchHeaderBytes, kEntryHeaderBytes) != expected) {
    return std::nullopt;
  }
  return decode_stamp(record.substr(kBatchHeaderBytes + kEntryHeaderBytes, kStampBytes));
}

}  // namespace

WalCheck::WalCheck(std::optional<Stamp> tables, std::string store_id)
    : next_(tables ? tables->last + 1 : 1),
      last_(std::move(tables)),
      store_id_(std::move(store_id)) {}

void WalCheck::read(std::string_view file, std::string_view bytes) {
  file_ = file;
  file_bytes_ = bytes.size();
  unreadable_from_.reset();
  if (cut_) {
    cut_->lost_bytes += bytes.size();
  }
  FragmentReader fragments(bytes);
  std::string record;
  bool in_record = false;
  std::uint64_t good_end = 0;
  while (const std::optional<Fragment> fragment = fragments.next()) {
    const bool begins =
        fragment->type == Fragment::Type::kFull || fragment->type == Fragment::Type::kFirst;
    const bool ends =
        fragment->type == Fragment::Type::kFull || fragment->type == Fragment::Type::kLast;
    in_record = in_record && !fragment->after_damage;
    if (fragment->after_damage || begins == in_record) {
      unreadable_from_ = unreadable_from_.value_or(good_end);
      cut_at(good_end);
    }
    if (begins) {
      record.clear();
      on_beginning(fragment->bytes, good_end);
    } else if (!in_record) {
      continue;  // the rest of a record whose beginning is unreadable
    }
    record += fragment->bytes;
    in_record = !ends;
    if (ends) {
      on_record(record, good_end);
      good_end = fragment->end;
    }
  }
  if (in_record || fragments.damaged_end()) {
    cut_at(good_end);
  }
}

// A record that began after the damage proves as much as a complete one: it was only written once
// everything before it was synced.
void WalCheck::on_beginning(std::string_view bytes, std::uint64_t begin) {
  const std::optional<Stamp> stamp = stamp_of(bytes);
  if (stamp && belongs(*stamp) && stamp->first > next_) {
    damaged(fmt::format("positions {} to {} are missing from {}, but later ones are there", next_,
                        stamp->first - 1, file_),
            begin);
  }
}

void WalCheck::on_record(std::string_view bytes, std::uint64_t begin) {
  const std::optional<Stamp> stamp = stamp_of(bytes);
  if (damage_ || is_empty_batch(bytes)) {
    return;
  }
  if (!stamp || !belongs(*stamp)) {
    // Behind unreadable bytes this may be part of a value that looks like a record.
    if (!cut_) {
      damaged(
          fmt::format("{} holds a record at byte {} that this store did not write", file_, begin),
          begin);
    }
    return;
  }
  if (stamp->last < next_) {  // in the tables already, and so is everything before it
    last_ = last_ ? last_ : stamp;
    cut_.reset();
  } else if (stamp->first == next_ && unreadable_from_) {
    damaged(fmt::format("{} is unreadable at byte {}, and commits stand behind that", file_,
                        *unreadable_from_),
            *unreadable_from_);
  } else if (stamp->first == next_) {
    last_ = stamp;
    next_ = stamp->last + 1;
    cut_.reset();
  } else {
    damaged(fmt::format("{} holds positions {} to {} where {} should follow", file_, stamp->first,
                        stamp->last, next_),
            begin);
  }
}

bool WalCheck::belongs(const Stamp& stamp) {
  if (store_id_.empty()) {
    store_id_ = stamp.store_id;
  }
  return stamp.store_id == store_id_;
}

void WalCheck::cut_at(std::uint64_t offset) {
  if (!cut_) {
    cut_ = LogCut{.file = file_, .offset = offset, .lost_bytes = file_bytes_ - offset};
  }
}

void WalCheck::damaged(std::string sentence, std::uint64_t offset) {
  if (!damage_) {
    damage_ = std::move(sentence);
    cut_at(offset);
  }
}

WalFinding WalCheck::finding() const {
  return WalFinding{.last = last_, .cut = cut_, .damage = damage_};
}

}  // namespace skerry::store
