// skerry-agent-site: skerry-agent, with an API on its site's own address.
#include "agent/program.h"
#include "agent/site/site.h"

int main(int argc, char** argv) {
  return skerry::agent::run_program(argc, argv, skerry::agent::make_site);
}
