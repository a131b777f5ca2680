// skerry-agent: the daemon of a node.
#include "agent/program.h"

int main(int argc, char** argv) { return skerry::agent::run_program(argc, argv, {}); }
