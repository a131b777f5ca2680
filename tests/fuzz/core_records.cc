#include "tests/fuzz/core_records.h"

#include "controller/records/codec.h"
#include "controller/store/memory_store.h"

namespace skerry::fuzz {

bool reads_back(const std::vector<core::RecordWrite>& writes) {
  store::MemoryStore store;
  store.append(records::encode(writes));
  store.sync();
  return records::load(store).has_value();
}

}  // namespace skerry::fuzz
