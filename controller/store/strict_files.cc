#include "controller/store/strict_files.h"

#include <string>
#include <utility>

namespace skerry::store {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

IOStatus strict(IOStatus status) {
  if (status.IsNoSpace()) {
    status = IOStatus::IOError("what was written is not on the disk", status.ToString());
  }
  return status;
}

// What both kinds of files can fail at.
template <typename Wrapper>
class StrictFile : public Wrapper {
 public:
  using Wrapper::Wrapper;

  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return strict(this->target()->Close(options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return strict(this->target()->Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return strict(this->target()->Fsync(options, debug));
  }
};

using RandomFile = StrictFile<rocksdb::FSRandomRWFileOwnerWrapper>;

class File final : public StrictFile<rocksdb::FSWritableFileOwnerWrapper> {
 public:
  using StrictFile::StrictFile;

  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return strict(target()->Truncate(size, options, debug));
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return strict(target()->RangeSync(offset, bytes, options, debug));
  }
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  using FSDirectoryWrapper::FSDirectoryWrapper;

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return strict(FSDirectoryWrapper::Fsync(options, debug));
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return strict(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how));
  }
};

class StrictFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "StrictFiles"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           IODebugContext* debug) override {
    return wrapped<File>(target()->NewWritableFile(name, options, file, debug), *file);
  }
  IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) override {
    return wrapped<File>(target()->ReopenWritableFile(name, options, file, debug), *file);
  }
  IOStatus NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                           IODebugContext* debug) override {
    return wrapped<RandomFile>(target()->NewRandomRWFile(name, options, file, debug), *file);
  }
  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        IODebugContext* debug) override {
    return wrapped<Directory>(target()->NewDirectory(name, options, directory, debug), *directory);
  }

 private:
  template <typename Wrapper, typename Wrapped>
  static IOStatus wrapped(IOStatus made, std::unique_ptr<Wrapped>& file) {
    if (made.ok()) {
      std::unique_ptr<Wrapped> inner = std::move(file);
      file = std::make_unique<Wrapper>(std::move(inner));
    }
    return made;
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> strict_files(std::shared_ptr<rocksdb::FileSystem> files) {
  return std::make_shared<StrictFiles>(std::move(files));
}

}  // namespace skerry::store
