// audit.cc: the audit trail: a line for every change that a caller made and every one that was denied,
// in the batch of the change itself.
//
// A line is JSON and names the hash of the line before it, so that whoever edits, removes or reorders
// lines has to change every later one; and it carries a seal, which only who has the controller's audit
// key can make (Settings::audit_key), so that changing every later one does not help either.
//
//   {"seq":7,"at":"...","by":"token:ab","from":"10.0.0.7","action":"job.submit","object":"j...",
//    "namespace":"default","outcome":"done","prev":"<hex>"}

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "common/digest.h"
#include "common/utf8.h"
#include "controller/core/context.h"

namespace skerry::core {

namespace {

struct Described {
  std::string_view action;
  std::string object;
  std::string ns;
  std::string detail;
};

std::string_view verb(NodeAction action) {
  switch (action) {
    case NodeAction::kCordon:
      return "node.cordon";
    case NodeAction::kUncordon:
      return "node.uncordon";
    case NodeAction::kDrain:
      return "node.drain";
    case NodeAction::kRemove:
      return "node.delete";
  }
  return "node.change";
}

std::string_view verb(PolicyAction action) {
  switch (action) {
    case PolicyAction::kPromote:
      return "policy.promote";
    case PolicyAction::kShadow:
      return "policy.shadow";
    case PolicyAction::kUnshadow:
      return "policy.unshadow";
    case PolicyAction::kDelete:
      return "policy.delete";
  }
  return "policy.change";
}

std::string shown(const std::vector<Grant>& grants) {
  std::string text;
  for (const Grant& grant : grants) {
    text += fmt::format("{}{} in {}", text.empty() ? "" : ", ", to_string(grant.role),
                        grant.ns.empty() ? "all namespaces" : grant.ns);
  }
  return text;
}

Described described(const State& /*state*/, const Submit& it) {
  return {.action = "job.submit",
          .object =
              it.jobs.size() == 1 ? it.jobs.front().model : fmt::format("{} jobs", it.jobs.size()),
          .ns = it.jobs.front().ns,
          .detail = {}};
}
Described described(const State& state, const CancelJob& it) {
  const auto job = state.jobs.find(it.job);
  return {"job.cancel",
          to_string(it.job),
          job == state.jobs.end() ? std::string() : job->second.job.spec.ns,
          {}};
}
Described described(const State& /*state*/, const PutModel& it) {
  return {"model.apply", it.manifest.name, {}, {}};
}
Described described(const State& /*state*/, const DeleteModel& it) {
  return {"model.delete", it.name, {}, {}};
}
Described described(const State& /*state*/, const ChangeNode& it) {
  return {verb(it.action), it.name, {}, {}};
}
Described described(const State& /*state*/, const ApplyPolicy& it) {
  return {"policy.apply", it.name, {}, sha256_digest(*it.bundle)};
}
Described described(const State& /*state*/, const ChangePolicy& it) {
  return {verb(it.action), it.name, {}, {}};
}
Described described(const State& /*state*/, const RollBackPolicy& /*it*/) {
  return {"policy.rollback", {}, {}, {}};
}
Described described(const State& /*state*/, const PutToken& it) {
  return {"token.create", it.token.id, {}, shown(it.token.grants)};
}
Described described(const State& /*state*/, const RevokeToken& it) {
  return {"token.revoke", it.id, {}, {}};
}
Described described(const State& /*state*/, const PutJoinToken& it) {
  return {"join-token.create", it.token.id, {}, fmt::format("for {}", it.token.name_pattern)};
}
Described described(const State& /*state*/, const DropJoinToken& it) {
  return {"join-token.delete", it.id, {}, {}};
}
Described described(const State& /*state*/, const Enrol& it) {
  return {"node.enrol", it.node, {}, fmt::format("by join token {}, key {}", it.token_id, it.key)};
}
Described described(const State& /*state*/, const RenewIdentity& it) {
  return {"node.renew", it.node, {}, it.key};
}
Described described(const State& /*state*/, const RevokeNode& it) {
  return {"node.revoke", it.node, {}, {}};
}

// Strangers' bytes may be in it, and the line must read back the same wherever it is checked.
std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(printable(text, text.size())));
}

std::string line_of(const AuditTrail& trail, Instant now, const AuditEntry& entry) {
  std::string line =
      fmt::format(R"({{"seq":{},"at":{},"by":{},"from":{},"action":{},"object":{})", trail.last + 1,
                  quoted(rfc3339(now)), quoted(entry.by.caller), quoted(entry.by.address),
                  quoted(entry.action), quoted(entry.object));
  if (!entry.ns.empty()) {
    line += fmt::format(R"(,"namespace":{})", quoted(entry.ns));
  }
  if (!entry.detail.empty()) {
    line += fmt::format(R"(,"detail":{})", quoted(entry.detail));
  }
  return line +
         fmt::format(R"(,"outcome":{},"prev":"{}"}})", quoted(entry.outcome), to_hex(trail.hash));
}

void drop_oldest(Context& ctx) {
  AuditTrail& trail = ctx.state.audit;
  while (trail.last - trail.first + 1 > ctx.state.settings.max_audit_records) {
    ctx.write(DeleteAuditRecord{trail.first++});
  }
}

}  // namespace

std::optional<AuditEntry> audit_entry(const State& state, const Event& event) {
  return std::visit(
      [&](const auto& concrete) -> std::optional<AuditEntry> {
        if constexpr (requires { concrete.by; }) {
          Described it = described(state, concrete);
          return AuditEntry{.by = concrete.by,
                            .action = std::string(it.action),
                            .object = std::move(it.object),
                            .ns = std::move(it.ns),
                            .detail = std::move(it.detail),
                            .outcome = "done"};
        } else {
          return std::nullopt;
        }
      },
      event);
}

void audit(Context& ctx, const AuditEntry& entry) {
  AuditTrail& trail = ctx.state.audit;
  AuditRecord record{.seq = trail.last + 1, .line = line_of(trail, ctx.now, entry)};
  record.hash = sha256(record.line);
  record.seal = hmac_sha256(ctx.state.settings.audit_key, record.hash);
  trail.last = record.seq;
  trail.hash = record.hash;
  ctx.write(std::move(record));
  drop_oldest(ctx);
}

void handle(Context& ctx, NoteInAudit& event) {
  audit(ctx, event.entry);
  ctx.answer(event.ticket, Changed{true}, ctx.batch());
}

}  // namespace skerry::core
