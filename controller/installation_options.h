// installation_options.h: what an operator may say of the authority that signs for nodes (installation.h). Values.

#pragma once

#include <string>
#include <vector>

namespace skerry::controller {

struct InstallationOptions {
  std::string trust_domain = "skerry";
  // An authority that was given, a company's intermediate; empty: one of our own.
  std::string authority_key_file = {};
  std::string authority_chain_file = {};
  std::string authority_believed_file = {};  // others beside it, while one takes another's place
  // By what the controller is called, beside what this machine calls itself.
  std::vector<std::string> names = {};
};

}  // namespace skerry::controller
