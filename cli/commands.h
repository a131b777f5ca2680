// commands.h: every group of commands; each adds its part of the tree. One file, cmd_<group>.cc,
// per group.

#pragma once

#include "cli/command.h"

namespace skerry::cli {

void add_get(Command root);             // get nodes|jobs|models|policies
void add_describe(Command root);        // describe node|job|model
void add_apply(Command root);           // apply, model apply, delete model|node
void add_submit(Command root);          // submit, infer
void add_wait(Command root);            // wait job, cancel
void add_check(Command root);           // check
void add_explain(Command root);         // explain
void add_plan(Command root);            // plan
void add_node(Command root);            // cordon, uncordon, drain
void add_events(Command root);          // events
void add_top(Command root);             // top nodes
void add_policy(Command root);          // policy list|get|apply|promote|...
void add_decisions(Command root);       // decisions export
void add_replay(Command root);          // replay
void add_token(Command root);           // token create|list|revoke
void add_auth(Command root);            // whoami, auth can-i
void add_node_access(Command root);     // node token create|list|delete, node revoke
void add_authority(Command root);       // authority list|rotate|forget
void add_audit(Command root);           // audit export|verify
void add_get_policies(Command get);     // beside get nodes
void add_model_signing(Command model);  // model keygen|sign|verify
void add_version(Command root);         // version
void add_completion(Command root);      // completion bash|zsh|fish

}  // namespace skerry::cli
