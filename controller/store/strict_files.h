// strict_files.h: the file system as the store trusts it: only what adds bytes may fail for want of
// space.
//
// "No space" from an append, a new file or a rename leaves what was there before, and is waited out
// (rocks_store.h). The same answer from a sync, a close or a truncation means that bytes which were
// taken already are not on the disk: that is a failed disk, whatever its reason, and is told as one.

#pragma once

#include <rocksdb/file_system.h>

#include <memory>

namespace skerry::store {

std::shared_ptr<rocksdb::FileSystem> strict_files(std::shared_ptr<rocksdb::FileSystem> files);

}  // namespace skerry::store
