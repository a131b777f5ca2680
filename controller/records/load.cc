#include <fmt/format.h>

#include "controller/records/parts.h"

namespace skerry::records {

namespace {

constexpr std::size_t kPage = 4096;

// Decodes every entry of a table into `into`, in key order.
template <typename Record, typename Decode>
Status load_table(const store::Store& store, store::Table table, std::string_view name,
                  std::vector<Record>& into, Decode decode) {
  std::string from;
  for (;;) {
    auto page = store.scan(table, from, kPage);
    if (!page) {
      return fail(std::move(page).error());
    }
    for (const auto& entry : *page) {
      Result<Record> record = decode(entry);
      if (!record) {
        return fail(ErrorCode::kCorrupt,
                    fmt::format("{} (table {}, key {} of {} bytes)", record.error().message, name,
                                into.size(), entry.value.size()));
      }
      into.push_back(*std::move(record));
    }
    if (page->size() < kPage) {
      return {};
    }
    from = page->back().key + '\0';
  }
}

Status load_meta(const store::Store& store, core::MetaRecord& meta) {
  const auto value = store.get(store::Table::kMeta, kMetaKey);
  if (!value) {
    return value.error().code == ErrorCode::kNotFound ? Status{} : fail(value.error());
  }
  auto decoded = decode_meta(*value);
  if (!decoded) {
    return fail(std::move(decoded).error());
  }
  meta = *std::move(decoded);
  return {};
}

}  // namespace

Result<core::StoredState> load(const store::Store& store) {
  using store::Entry;
  using store::Table;
  core::StoredState state;
  const auto by_value = [](auto decode) {
    return [decode](const Entry& entry) { return decode(entry.value); };
  };
  const auto by_both = [](auto decode) {
    return [decode](const Entry& entry) { return decode(entry.key, entry.value); };
  };
  for (const Status& status : {
           load_meta(store, state.meta),
           load_table(store, Table::kNode, "node", state.nodes, by_value(decode_node)),
           load_table(store, Table::kModel, "model", state.models, by_value(decode_model)),
           load_table(store, Table::kJob, "job", state.jobs, by_both(decode_job)),
           load_table(store, Table::kTask, "task", state.tasks, by_both(decode_task)),
           load_table(store, Table::kResult, "result", state.results, by_both(decode_result)),
           load_table(store, Table::kIdempotency, "idempotency", state.idempotency,
                      by_both(decode_idempotency)),
           load_table(store, Table::kPolicy, "policy", state.policies, by_both(decode_policy)),
           load_table(store, Table::kToken, "token", state.tokens, by_both(decode_token)),
           load_table(store, Table::kJoinToken, "join token", state.join_tokens,
                      by_both(decode_join_token)),
           load_table(store, Table::kNodeIdentity, "node identity", state.identities,
                      by_both(decode_identity)),
           load_audit_ends(store, state),
       }) {
    if (!status) {
      return fail(status.error());
    }
  }
  return state;
}

}  // namespace skerry::records
