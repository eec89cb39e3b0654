// Durations as text. Neighbours: configuration files, flags, and the Metrics API's windows.
#ifndef CSCHED_BASE_DURATION_H
#define CSCHED_BASE_DURATION_H

#include <stdint.h>

#include <csched/base/buffer.h>
#include <csched/base/error.h>

// A duration as Go writes it ("15s", "1m30s", "1.5h", "-2us", "0"), in ns. -EINVAL in words.
int cs_duration_parse(const char *text, int64_t *ret, struct cs_error *err);
// As Go prints it: "15s", "1m30s", "500ms", "1.5us".
void cs_duration_print(struct cs_buffer *out, int64_t ns);

#endif
