#include "tests/unit/store_files.h"

#include <string_view>
#include <utility>

namespace skerry::store::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

bool is_log(const std::string& name) { return name.ends_with(".log"); }

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(ScriptedFiles& files, std::string name, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("append", name_);
    if (!allowed.ok() && files_.tears()) {
      target()->Append({data.data(), data.size() / 2}, options, debug).PermitUncheckedError();
    }
    return allowed.ok() ? target()->Append(data, options, debug) : allowed;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  // Reserves nothing: in memory that would really take the memory, and most of a test's time.
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("truncate", name_);
    return allowed.ok() ? target()->Truncate(size, options, debug) : allowed;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("close", name_);
    return allowed.ok() ? target()->Close(options, debug) : allowed;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    files_.hold_if_asked(name_);
    const IOStatus allowed = files_.before("sync", name_);
    const IOStatus done = allowed.ok() ? target()->Sync(options, debug) : allowed;
    if (done.ok()) {
      files_.synced(name_);
    }
    return done;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("sync", name_);
    return allowed.ok() ? target()->Fsync(options, debug) : allowed;
  }

 private:
  ScriptedFiles& files_;
  std::string name_;
};

class RandomFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  RandomFile(ScriptedFiles& files, std::string name, std::unique_ptr<rocksdb::FSRandomRWFile> file)
      : FSRandomRWFileOwnerWrapper(std::move(file)), files_(files), name_(std::move(name)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* debug) override {
    const IOStatus allowed = files_.before("write", name_);
    return allowed.ok() ? target()->Write(offset, data, options, debug) : allowed;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("sync", name_);
    return allowed.ok() ? target()->Sync(options, debug) : allowed;
  }

 private:
  ScriptedFiles& files_;
  std::string name_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(ScriptedFiles& files, std::string name, std::unique_ptr<rocksdb::FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), files_(files), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus allowed = files_.before("sync directory", name_);
    return allowed.ok() ? FSDirectoryWrapper::Fsync(options, debug) : allowed;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& which) override {
    const IOStatus allowed = files_.before("sync directory", name_);
    return allowed.ok() ? FSDirectoryWrapper::FsyncWithDirOptions(options, debug, which) : allowed;
  }

 private:
  ScriptedFiles& files_;
  std::string name_;
};

}  // namespace

int ScriptedFiles::log_syncs() const {
  const std::lock_guard lock(mutex_);
  return log_syncs_;
}

void ScriptedFiles::hold_syncs(const std::string& part) {
  const std::lock_guard lock(mutex_);
  holds_ = part;
}

void ScriptedFiles::wait_for_held_sync() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_; });
}

void ScriptedFiles::release_syncs() {
  const std::lock_guard lock(mutex_);
  holds_.clear();
  changed_.notify_all();
}

void ScriptedFiles::arm(int fails, const std::string& part, Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  full_ = false;
  operations_ = 0;
  fails_ = fails;
  part_ = part;
  failed_.clear();
}

int ScriptedFiles::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::string ScriptedFiles::failed() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

void ScriptedFiles::on_failure(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  on_failure_ = std::move(call);
}

void ScriptedFiles::free_space() {
  const std::lock_guard lock(mutex_);
  full_ = false;
}

void ScriptedFiles::wait_failed() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !failed_.empty(); });
}

void ScriptedFiles::set_free_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

bool ScriptedFiles::tears() const {
  const std::lock_guard lock(mutex_);
  return fault_ == Fault::kTorn || fault_ == Fault::kTornFull;
}

IOStatus ScriptedFiles::GetFreeSpace(const std::string&, const IOOptions&, std::uint64_t* bytes,
                                     IODebugContext*) {
  const std::lock_guard lock(mutex_);
  *bytes = full_ ? 0 : free_bytes_;
  return IOStatus::OK();
}

IOStatus ScriptedFiles::before(const char* operation, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string short_name = name.substr(name.rfind('/') + 1);
  if (full_ &&
      (operation == std::string_view("append") || operation == std::string_view("create"))) {
    return IOStatus::NoSpace("scripted full disk", short_name);
  }
  if ((operation + (" " + short_name)).find(part_) == std::string::npos) {
    return IOStatus::OK();
  }
  operations_ += 1;
  if (operations_ != fails_) {
    return IOStatus::OK();
  }
  failed_ = std::string(operation) + " " + short_name;
  changed_.notify_all();
  if (on_failure_) {
    on_failure_();
  }
  full_ = fault_ == Fault::kFull || fault_ == Fault::kTornFull;
  return full_ ? IOStatus::NoSpace("scripted full disk", failed_)
               : IOStatus::IOError("scripted failure", failed_);
}

void ScriptedFiles::hold_if_asked(const std::string& name) {
  std::unique_lock lock(mutex_);
  if (holds_.empty() || name.find(holds_) == std::string::npos) {
    return;
  }
  held_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return holds_.empty(); });
  held_ = false;
}

void ScriptedFiles::synced(const std::string& name) {
  const std::lock_guard lock(mutex_);
  log_syncs_ += is_log(name) ? 1 : 0;
}

IOStatus ScriptedFiles::NewWritableFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file,
                                        IODebugContext* debug) {
  IOStatus made = before("create", name);
  if (made.ok()) {
    made = target()->NewWritableFile(name, options, file, debug);
  }
  if (made.ok()) {
    *file = std::make_unique<File>(*this, name, std::move(*file));
  }
  return made;
}

IOStatus ScriptedFiles::ReopenWritableFile(const std::string& name,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                                           IODebugContext* debug) {
  IOStatus made = target()->ReopenWritableFile(name, options, file, debug);
  if (made.ok()) {
    *file = std::make_unique<File>(*this, name, std::move(*file));
  }
  return made;
}

IOStatus ScriptedFiles::NewRandomRWFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                        IODebugContext* debug) {
  IOStatus made = target()->NewRandomRWFile(name, options, file, debug);
  if (made.ok()) {
    *file = std::make_unique<RandomFile>(*this, name, std::move(*file));
  }
  return made;
}

IOStatus ScriptedFiles::NewDirectory(const std::string& name, const IOOptions& options,
                                     std::unique_ptr<rocksdb::FSDirectory>* directory,
                                     IODebugContext* debug) {
  IOStatus made = target()->NewDirectory(name, options, directory, debug);
  if (made.ok()) {
    *directory = std::make_unique<Directory>(*this, name, std::move(*directory));
  }
  return made;
}

IOStatus ScriptedFiles::RenameFile(const std::string& from, const std::string& to,
                                   const IOOptions& options, IODebugContext* debug) {
  const IOStatus allowed = before("rename", to);
  return allowed.ok() ? target()->RenameFile(from, to, options, debug) : allowed;
}

IOStatus ScriptedFiles::DeleteFile(const std::string& name, const IOOptions& options,
                                   IODebugContext* debug) {
  const IOStatus allowed = before("delete", name);
  return allowed.ok() ? target()->DeleteFile(name, options, debug) : allowed;
}

}  // namespace skerry::store::testing
