// blob_dir.h: a content-addressed directory: inputs and results too large for their record, and
// model artifacts.
//
// A blob is named by the SHA-256 of its bytes ("sha256:<64 hex>") and never changes. It appears
// whole or not at all: bytes go to a temporary file, which is synced, renamed to its name, and its
// directory synced, before put() or commit() answers. What a crash left half-written is removed by
// open().
//
// Who needs a blob is the core's business; abandon() is called for what no job needs any more, and
// reap() takes it away. Between writing a blob and the core's knowing of it, the writer holds a
// BlobPin, under which the bytes stay; so they do if somebody pins them between abandon() and
// reap(). So that abandon() cannot hit a blob that a later batch refers to, it must be called before
// the answers of later batches leave.
//
// Thread-safe. abandon() and letting go of a pin never wait for the disk. All other calls do file
// I/O and may block; call them off the strands that must not wait.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/digest.h"
#include "common/error.h"

namespace skerry::blobs {

class BlobDir;

// An open file, closed with its owner.
class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// Keeps a blob in place. Letting go of it leaves the blob there; discard() says that its holder
// does not need it after all.
class BlobPin {
 public:
  BlobPin(BlobPin&& other) noexcept;
  BlobPin& operator=(BlobPin&& other) noexcept;
  ~BlobPin();

  const std::string& digest() const { return digest_; }
  std::uint64_t size_bytes() const { return size_bytes_; }
  bool created() const { return created_; }  // false: it was there already

  // Removes the blob, unless it was there before or another holder of a pin wanted it. Call at most
  // once. Does file I/O.
  void discard();

 private:
  friend class BlobDir;
  BlobPin(BlobDir& dir, std::string digest, std::uint64_t size_bytes, bool created);

  BlobDir* dir_;  // nullptr: moved from or discarded
  std::string digest_;
  std::uint64_t size_bytes_;
  bool created_;
};

// Writes a blob piece by piece. Destroyed without commit(), it leaves nothing.
class BlobWriter {
 public:
  BlobWriter(BlobWriter&&) noexcept = default;
  BlobWriter& operator=(BlobWriter&&) = delete;
  ~BlobWriter();

  Status write(std::string_view bytes);  // kIo
  // Makes it durable under its digest. If `expected` is not empty, another digest is
  // kInvalidArgument. Call once.
  Result<BlobPin> commit(std::string_view expected = {});
  std::uint64_t size_bytes() const { return size_bytes_; }

 private:
  friend class BlobDir;
  BlobWriter(BlobDir& dir, File file, std::filesystem::path path);

  BlobDir* dir_;
  File file_;
  std::filesystem::path path_;  // empty: renamed or moved from
  Sha256 hash_;
  std::uint64_t size_bytes_ = 0;
};

// Reads a blob from its start; the bytes stay readable when the blob is removed meanwhile.
class BlobReader {
 public:
  std::uint64_t size_bytes() const { return size_bytes_; }
  // The next bytes, at most `most`; empty at the end. kIo.
  Result<std::string> read(std::size_t most);
  // The next read() starts there. kInvalidArgument beyond the end, kIo.
  Status seek(std::uint64_t offset);

 private:
  friend class BlobDir;
  BlobReader(File file, std::uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}

  File file_;
  std::uint64_t size_bytes_;
};

class BlobDir {
 public:
  // Creates the directory where it is missing. kIo.
  static Result<std::unique_ptr<BlobDir>> open(std::filesystem::path root);
  BlobDir(const BlobDir&) = delete;
  BlobDir& operator=(const BlobDir&) = delete;

  Result<BlobPin> put(std::string_view bytes);  // kIo
  Result<BlobWriter> writer();                  // kIo
  // kNotFound, kInvalidArgument if `digest` is none, kIo; read_all also kCorrupt if the bytes do
  // not match the digest.
  Result<BlobReader> read(std::string_view digest) const;
  Result<std::string> read_all(std::string_view digest) const;
  Result<std::uint64_t> size_bytes(std::string_view digest) const;
  // Of a blob that is there: for who is about to tell the core of it. Errors as read().
  Result<BlobPin> pin(std::string_view digest);

  // Nobody needs it any more: the next reap() takes it away. A pinned blob stays until its last pin
  // is gone, and for good unless all of them that are let go of from now on discard it; one that is
  // pinned before the reap() counts as pinned.
  void abandon(std::string_view digest);
  // Removes what was abandoned and is not pinned. What is not there any more is fine. kIo: the last
  // one that could not be removed; a restart's sweep() tries again.
  Status reap();
  // Removes every blob that is not wanted, for a restart; returns how many.
  Result<std::size_t> sweep(const std::function<bool(std::string_view digest)>& wanted);

 private:
  friend class BlobPin;
  friend class BlobWriter;

  struct Pins {
    std::uint32_t holders = 0;
    bool unowned = false;  // nobody but the holders needs it
    bool kept = false;     // one of them let go of it without discarding
  };

  explicit BlobDir(std::filesystem::path root) : root_(std::move(root)) {}
  Result<std::filesystem::path> path_of(std::string_view digest) const;
  Result<BlobPin> adopt(const std::filesystem::path& temporary, const std::string& digest,
                        std::uint64_t size_bytes);
  void hold(const std::string& digest, bool was_there);
  void let_go(const std::string& digest, bool keep);

  const std::filesystem::path root_;
  // So that a blob is not removed between being found and being pinned. Taken before mutex_, and
  // held while a file gets or loses its name.
  std::mutex files_mutex_;
  std::mutex mutex_;  // of what follows; never held during I/O
  std::map<std::string, Pins, std::less<>> pins_;
  std::set<std::string, std::less<>> abandoned_;  // none of them is pinned
  std::uint64_t next_temporary_ = 0;
};

}  // namespace skerry::blobs
