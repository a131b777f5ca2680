// manifest_cache.h: the manifests of models as handlers need them to read inputs, so that a
// submission does not visit the core's strand twice.
//
// All entries are dropped when a model changes: drop() is called for every ModelChanged before the
// change's answer leaves. A look-up that was under way meanwhile does not put the older manifest
// back. Thread-safe.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "common/manifest.h"

namespace skerry::api {

class ManifestCache {
 public:
  using Entry = std::shared_ptr<const ModelManifest>;

  // By the namespace of a job and the model's name in it. nullptr: not here.
  Entry find(const std::string& ns, const std::string& model) const;
  // To be asked for before the core is, and given back with what it said.
  std::uint64_t generation() const;
  void put(const std::string& ns, const std::string& model, Entry manifest,
           std::uint64_t generation);
  void drop();  // all of them, since a name may mean another model now

 private:
  mutable std::mutex mutex_;
  std::uint64_t generation_ = 0;  // counts drops
  std::map<std::pair<std::string, std::string>, Entry> entries_;
};

}  // namespace skerry::api
