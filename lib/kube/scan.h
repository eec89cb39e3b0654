// JSON scanned in place: no tree, no copies, every byte checked.
// Neighbours: extender.c; base's value.h reads trees, for all that is small.
#ifndef KUBE_SCAN_H
#define KUBE_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/error.h>
#include <csched/base/slice.h>

#define SCAN_DEPTH_MAX 64

// All functions return 0 or a negative errno with `err` filled: "byte 17: expected a value". The
// scan is then of no use any more. `end` points at a NUL, which no loop passes.
struct scan {
	const char *begin;
	const char *at;
	const char *end;
	unsigned depth;
	bool first;             // the object or list was just opened
	struct cs_arena *arena; // of strings with escapes
	struct cs_error *err;
};

void scan_init(struct scan *scan, struct cs_slice text, struct cs_arena *arena,
	       struct cs_error *err);
// Only blanks may follow.
int scan_end(struct scan *scan);
// -EINVAL with the place where the scan stands.
int scan_fail(struct scan *scan, const char *problem);

// Moves to what is no blank. All that follow do so first.
void scan_blanks(struct scan *scan);
// Takes `null` if that is what comes.
bool scan_null(struct scan *scan);
// Takes any one value; *ret (may be NULL) is its text.
int scan_value(struct scan *scan, struct cs_slice *ret);
// Takes a string, its escapes resolved (half a surrogate pair as U+FFFD).
int scan_string(struct scan *scan, struct cs_slice *ret);
int scan_integer(struct scan *scan, int64_t *ret);

// Walks an object or a list; the loop's body takes exactly one value:
//	r = scan_open(&scan, '{');
//	while (r == 0 && (r = scan_member(&scan, &key)) > 0)
//		r = scan_value(&scan, NULL);
// 1 = there is one more, 0 = it has ended.
int scan_open(struct scan *scan, char bracket);
int scan_member(struct scan *scan, struct cs_slice *ret_key);
int scan_element(struct scan *scan);
// Within a list of strings: takes its next ones, `max` at most, their escapes resolved. 1 = as many
// were taken, there may be more; 0 = the list has ended. *plain becomes false where one had
// escapes.
int scan_strings(struct scan *scan, struct cs_slice *items, uint32_t max, uint32_t *ret_n,
		 bool *plain);

#endif
