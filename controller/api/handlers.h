// handlers.h: what answers each route; routes.cc names them. Grouped by file as the resources are.

#pragma once

#include "controller/api/call.h"

namespace skerry::api {

// jobs.cc, job_queries.cc
Task<Response> submit_job(Call call);
Task<Response> submit_batch(Call call);
Task<Response> cancel_job(Call call);
Task<Response> list_jobs(Call call);
Task<Response> get_job(Call call);
Task<Response> get_result(Call call);
Task<Response> get_decisions(Call call);
// nodes.cc
Task<Response> list_nodes(Call call);
Task<Response> get_node(Call call);
Task<Response> cordon_node(Call call);
Task<Response> uncordon_node(Call call);
Task<Response> drain_node(Call call);
Task<Response> delete_node(Call call);
// models.cc
Task<Response> list_models(Call call);
Task<Response> get_model(Call call);
Task<Response> put_model(Call call);
Task<Response> delete_model(Call call);
// blobs.cc
Task<Response> put_blob(Call call);
Task<Response> get_blob(Call call);
// placements.cc
Task<Response> plan_placement(Call call);
// policies.cc
Task<Response> get_policies(Call call);
Task<Response> get_policy(Call call);
Task<Response> put_policy(Call call);
Task<Response> delete_policy(Call call);
Task<Response> promote_policy(Call call);
Task<Response> shadow_policy(Call call);
Task<Response> unshadow_policy(Call call);
Task<Response> roll_back_policy(Call call);
Task<Response> choose_policy(Call call);
// decisions.cc
Task<Response> export_decisions(Call call);
// tokens.cc
Task<Response> create_token(Call call);
Task<Response> list_tokens(Call call);
Task<Response> revoke_token(Call call);
Task<Response> get_whoami(Call call);
Task<Response> get_access(Call call);
// joining.cc
Task<Response> create_join_token(Call call);
Task<Response> list_join_tokens(Call call);
Task<Response> delete_join_token(Call call);
Task<Response> revoke_node(Call call);
Task<Response> enrol_node(Call call);
Task<Response> renew_node(Call call);
// authorities.cc
Task<Response> list_authorities(Call call);
Task<Response> rotate_authority(Call call);
Task<Response> forget_authority(Call call);
// audit.cc
Task<Response> export_audit(Call call);
// events.cc
Task<Response> watch_events(Call call);
// health.cc
Task<Response> get_livez(Call call);
Task<Response> get_readyz(Call call);
Task<Response> get_metrics(Call call);
Task<Response> get_version(Call call);
Task<Response> get_openapi(Call call);

}  // namespace skerry::api
