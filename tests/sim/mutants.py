"""Bugs that the simulation must find: each one line of the product, changed. Used by tests/sim/mutants.

A mutant is (name, file, what stands there once, what stands there instead).
"""

MUTANTS = [
    # persist, then act
    ("acts before it is durable", "controller/core/outbox.h", "      if (output.after <= durable_) {\n        release(std::move(output));\n      } else {\n        waiting_.push_back(std::move(output));\n      }\n    }\n  }\n\n  // Everything",
     "      if (true) {\n        release(std::move(output));\n      } else {\n        waiting_.push_back(std::move(output));\n      }\n    }\n  }\n\n  // Everything"),
    ("acknowledges a submit before it is durable", "controller/core/submit.cc", "ctx.answer(event.ticket, Submitted{std::move(ids), false}, after);",
     "ctx.answer(event.ticket, Submitted{std::move(ids), false}, after * 0);"),
    ("an ended job without a stored result", "controller/core/jobs.cc", "    ctx.write(ResultRecord{job.id, *job.result});", "    (void)job;"),
    # one writer
    ("the epoch does not grow", "controller/core/restore.cc", "std::max(stored.meta.epoch.value + 1, ", "std::max(stored.meta.epoch.value, "),
    # idempotency
    ("an Idempotency-Key is not looked up", "controller/core/submit.cc", "if (known != ctx.state.idempotency_numbers.end()) {", "if (known != ctx.state.idempotency_numbers.end() && event.jobs.empty()) {"),
    ("an Idempotency-Key is not stored", "controller/core/submit.cc", "  ctx.write(IdempotencyRecord{ns, key, digest, jobs});", "  (void)digest;"),
    # tasks of lost nodes
    ("a given-up node keeps its tasks", "controller/core/jobs.cc", "    return !node.given_up &&", "    return"),
    ("a retry is never due", "controller/core/attempts.cc", "  ctx.state.timers.add({entry.job.ready_at, TimerKind::kBackoff, entry.job.id.value});", "  (void)ceiling;"),
    ("what an agent came back without is waited for", "controller/core/sessions.cc", "        drop_attempt(ctx, entry, uid);", "        resume(ctx, entry, *find_attempt(entry, uid), running);"),
    ("an agent's capacity is not learnt", "controller/core/sessions.cc", "  ctx.state.fleet.set_capacity(node.id, node.capacity);\n  set_loaded", "  set_loaded"),
    ("credits are not returned", "controller/core/jobs.cc", "  ctx.state.fleet.released(node, attempt->predicted_service_s);", "  (void)ctx.state.fleet;"),
    ("no lane is opened again", "controller/core/ready_queue.h", "  void unblock_all() { ++capacity_version_; }", "  void unblock_all() {}"),
    ("what is set aside stays there", "controller/core/ready_queue.cc", "    ns.lanes[aside.from.lane].tickets.push_back(aside.from.ticket);", "    (void)ns;"),
    ("a namespace at its quota is passed over for ever", "controller/core/jobs.cc", "    state.ready.cap(ns, state.quotas.is_full(ns));",
     "    state.ready.cap(ns, state.quotas.is_full(ns) || state.ready.is_capped(ns));"),
    # after a restart of the controller
    ("a restart forgets who waits", "controller/core/restore.cc", "  if (job.live.empty() && job.spec.sequence.empty()) {\n    line_up(ctx, entry);", "  if (job.live.empty() && job.spec.sequence.empty()) {\n    (void)ctx;"),
    ("a restart forgets retries", "controller/core/restore.cc", "    state.timers.add({job.ready_at, TimerKind::kBackoff, job.id.value});\n    return;", "    return;"),
    # time
    ("a deadline passes unnoticed", "controller/core/core.cc", "      return deadline_timer(ctx, job_id(timer.id));", "      return;"),
    ("a caller waits for ever", "controller/core/core.cc", "      return wait_timer(ctx, timer.id);", "      return;"),
    ("silence is not noticed", "controller/core/core.cc", "      return node_timer(ctx, {static_cast<std::uint32_t>(timer.id)});", "      return;"),
    ("a backoff never ends", "controller/core/core.cc", "      return backoff_timer(ctx, job_id(timer.id));", "      return;"),
    ("nobody is told of an end", "controller/core/jobs.cc", "  answer_waiters(ctx, entry);\n  retain", "  retain"),
    # bounds on failure
    ("a poison task is tried for ever", "controller/core/attempts.cc", "  const bool enough = entry.job.retries.crashes > settings.max_crashes ||", "  const bool enough = entry.job.retries.crashes > 1000 * settings.max_crashes &&"),
    ("the brake never holds", "controller/core/liveness.cc", "  return count.known >= settings.brake_min_nodes &&", "  return count.known >= 1000 * settings.brake_min_nodes &&"),
    # second attempts of late interactive tasks
    ("a second attempt on the node of the first", "controller/core/hedging.cc", "  excluded.push_back(first.node);", "  (void)first;"),
    ("the loser is not cancelled", "controller/core/jobs.cc", "    if (node.session) {  // though", "    if (node.session && loser.silent) {  // though"),
    ("the loser is not cancelled on a silent node", "controller/core/jobs.cc", "    if (node.session) {  // though", "    if (node.session && !loser.silent) {  // though"),
    ("a second attempt is bound by no constraint", "controller/core/hedging.cc", "  view.constraints = &constraints;", "  static const scheduler::Constraints none;\n  view.constraints = &none;"),
    ("a batch task gets a second attempt", "controller/core/hedging.cc", "entry.job.spec.urgency == Urgency::kInteractive &&\n", "entry.job.attempts > 0 &&\n"),
    ("the slot of a cancelled attempt is never free again", "controller/core/jobs.cc", "    ctx.state.fleet.released(node.id, found->second);", "    (void)ctx;"),
    ("what was on its way to an agent that stops is forgotten", "controller/core/sessions.cc", "    ++entry.job.retries.returned;\n    store_state(ctx, entry, TaskState::kReady, {.reason = reason});\n    line_up(ctx, entry);", "    ++entry.job.retries.returned;\n    store_state(ctx, entry, TaskState::kBackoff, {.reason = reason});"),
    # constraints and sequences
    ("a site is no constraint", "scheduler/eligibility.cc", "    return MaskReason::kSite;", "    return MaskReason::kNone;"),
    ("an accuracy is no constraint", "scheduler/eligibility.cc", "             ? MaskReason::kAccuracy", "             ? MaskReason::kNone"),
    ("each task of a sequence begins it anew", "controller/core/sequences.cc", "  return held ? SequenceStep::kContinues : SequenceStep::kBegins;", "  return held ? SequenceStep::kBegins : SequenceStep::kBegins;"),
    ("tasks of a sequence run at the same time", "controller/core/sequences.cc", "  if (sequence.active) {\n    sequence.behind", "  if (sequence.active == JobId{}) {\n    sequence.behind"),
    # the agent
    ("results are not said again on a new connection", "agent/session.cc", "  heartbeat_due_ = false;\n  cursor_ = 0;", "  heartbeat_due_ = false;"),
    ("an acknowledged result is kept", "agent/session.cc", "  if (!journal_.forget(ack.attempt.uid)) {", "  if (!journal_.holds(ack.attempt.uid)) {"),
    ("the journal is not written", "agent/log_journal.cc", "first ? disk_.replace(all) : disk_.append(unwritten_);", "first ? disk_.replace(all) : DiskAnswer::kDone;"),
    ("results are not read back", "agent/log_journal.cc", "    held_.finish(std::move(record.result));", "    held_.forget(record.result.attempt.uid);"),
    ("results are not read back from a file that was replaced", "agent/log_journal.cc", "void LogJournal::take_over(SpoolRecord& record, Manifests& /*manifests*/) {\n  if (!held_", "void LogJournal::take_over(SpoolRecord& record, Manifests& /*manifests*/) {\n  if (held_"),
    ("what was forgotten is read back", "agent/log_journal.cc", "  held_.forget(record.uid);", "  (void)record;"),
    ("a full disk is never tried again", "agent/log_journal.cc", "  retry_at_ = full_ ? now + options_.full_retry : kNever;", "  retry_at_ = full_ ? now + hours(24) : kNever;"),
    ("work from before a restart is not taken up", "agent/agent.cc", "  executor_.restore(now);\n  session_.start(now);", "  session_.start(now);"),
    # what more kinds of faults find
    ("a blob is needed by what is open alone", "controller/core/blob_uses.h", "{ return uses_.contains(digest); }",
     "{ const auto it = uses_.find(digest); return it != uses_.end() && it->second.live > 0; }"),
    ("an input is kept for ever", "controller/core/jobs.cc", "  if (!job.spec.inputs.blob.empty()) {", "  if (job.spec.inputs.bytes && !job.spec.inputs.blob.empty()) {"),
    ("a large result is not counted as needed", "controller/core/attempts.cc", "  use_blob(ctx.state, result.output);\n  end_job", "  end_job"),
    ("a backoff ends by the clock of an earlier process", "controller/core/restore.cc", "    job.ready_at = std::min(job.ready_at, ctx.now + state.settings.backoff_cap);\n", ""),
    ("an older session is still listened to", "controller/core/sessions.cc", "    ctx.state.sessions.erase(*node.session);\n  }\n  node.session = fresh;", "  }\n  node.session = fresh;"),
    ("an agent is not told its mode when it comes back", "controller/core/sessions.cc", "  ctx.send(event.session, SetNodeMode{node.draining});", "  (void)ctx;"),
    ("credits that come back are not counted", "controller/core/sessions.cc", "  ctx.state.fleet.set_capacity(node->id, event.capacity);\n  ctx.state.ready.unblock_all();", "  ctx.state.ready.unblock_all();"),
    ("a stored blob is not taken up", "agent/agent.cc", "  executor_.stored(now, std::move(stored));\n", "  (void)stored;\n"),
    # models that lose a variant
    ("a late attempt of a variant that is gone is compared with others", "controller/core/hedging.cc",
     "  return state.fleet.has_variant(variant) &&  // its model may have lost it since\n         state", "  return state"),
    ("a state on a variant that is gone is taken for none", "controller/core/sequences.cc", "    sequence.lost = kVariantWasRemoved;\n    return;", "    sequence.held = false;\n    return;"),
]
