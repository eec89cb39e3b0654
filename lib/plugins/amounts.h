// Amounts in words, for the plugins' explanations. Neighbours: the plugins' explain_ callbacks.
#ifndef CSCHED_LIB_PLUGINS_AMOUNTS_H
#define CSCHED_LIB_PLUGINS_AMOUNTS_H

#include <csched/base/buffer.h>

// "1500m" of cpu, "1.5Gi" of what is counted in bytes, else the number. By the resource's name, or
// that of a metric of load.
void cs_amount_print(struct cs_buffer *out, const char *resource, double amount);

#endif
