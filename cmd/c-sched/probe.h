// `c-sched check-config --probe FILE`: asks each source of load figures once.
// Neighbours: main.c; lib/daemon/probe.c asks.
#ifndef CMD_C_SCHED_PROBE_H
#define CMD_C_SCHED_PROBE_H

#include "options.h"

// The report goes to standard output. The exit status is 1 where the file is wrong, the nodes
// cannot be listed, or a source does not answer as it should.
int probe_main(const struct options *options);

#endif
