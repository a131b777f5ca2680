#include "controller/store/witness.h"

#include <array>
#include <utility>

#include "common/bytes.h"
#include "common/crc32c.h"
#include "controller/store/directory.h"
#include "controller/store/engine.h"

namespace skerry::store {
namespace {

constexpr std::size_t kSlotBytes = 4096;
constexpr std::size_t kSlots = 2;

std::string encode_slot(const Stamp& stamp) {
  ByteWriter out;
  const std::string bytes = encode(stamp);
  out.raw(bytes);
  out.number(crc32c(bytes));
  return out.take();
}

std::optional<Stamp> decode_slot(std::string_view slot) {
  ByteReader in(slot);
  const std::string_view bytes = in.raw(kStampBytes);
  const auto sum = in.number<std::uint32_t>();
  if (!in.ok() || sum != crc32c(bytes)) {
    return std::nullopt;
  }
  return decode_stamp(bytes);
}

}  // namespace

Result<std::optional<Stamp>> Witness::read(rocksdb::FileSystem& files, const std::string& path) {
  if (files.FileExists(path, {}, nullptr).IsNotFound()) {
    return std::optional<Stamp>();
  }
  std::string content;
  if (Status read = status_of(rocksdb::ReadFileToString(&files, path, &content), path); !read) {
    return fail(std::move(read).error());
  }
  std::optional<Stamp> newest;
  for (std::size_t slot = 0; slot < kSlots && slot * kSlotBytes < content.size(); ++slot) {
    const std::optional<Stamp> stamp =
        decode_slot(std::string_view(content).substr(slot * kSlotBytes, kSlotBytes));
    if (stamp && (!newest || newest->last < stamp->last)) {
      newest = stamp;
    }
  }
  if (!newest) {
    return fail(ErrorCode::kCorrupt, path + " is damaged in both of its slots");
  }
  return newest;
}

Result<Witness> Witness::create(rocksdb::FileSystem& files, const std::string& directory,
                                const std::string& name, const Stamp& stamp) {
  const std::string path = directory + "/" + name;
  const std::string fresh = path + ".new";
  std::string content = encode_slot(stamp);
  content.resize(kSlotBytes);
  content += content;
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  rocksdb::IOStatus done = rocksdb::WriteStringToFile(&files, content, fresh, /*sync=*/true);
  if (done.ok()) {
    done = files.RenameFile(fresh, path, {}, nullptr);
  }
  if (done.ok()) {
    done = sync_directory(files, directory);
  }
  if (done.ok()) {
    done = files.NewRandomRWFile(path, {}, &file, nullptr);
  }
  if (Status created = status_of(done, path); !created) {
    return fail(std::move(created).error());
  }
  return Witness(std::move(file));
}

Status Witness::write(const Stamp& stamp) {
  const std::string slot = encode_slot(stamp);
  const std::size_t at = next_slot_ * kSlotBytes;
  next_slot_ = (next_slot_ + 1) % kSlots;
  return status_of(file_->Write(at, slot, {}, nullptr), "witness");
}

Status Witness::sync() { return status_of(file_->Sync({}, nullptr), "witness"); }

}  // namespace skerry::store
