// Floating-point numbers as text: as few digits as read back the same, laid out as Go's strconv.
// Neighbours: json_writer.c, value_yaml.c, metric.c. Private to base.
#ifndef CSCHED_BASE_NUMBER_H
#define CSCHED_BASE_NUMBER_H

#include <stddef.h>

#define CS_NUMBER_TEXT_MAX 40

// Each writes a NUL-terminated text and returns its length. NaN and Inf are "NaN", "+Inf", "-Inf".

// As encoding/json (0.000001, 1e-7), but with an exponent from 1e+18 on: what looks like an integer
// must fit an int64 where it is read again.
size_t cs_number_json(double v, char out[CS_NUMBER_TEXT_MAX]);
// As FormatFloat(v, 'g', -1, 64), which Prometheus' own client writes: 1e+06.
size_t cs_number_short(double v, char out[CS_NUMBER_TEXT_MAX]);
// The same with the digits that a float32 needs.
size_t cs_number_short32(double v, char out[CS_NUMBER_TEXT_MAX]);

#endif
