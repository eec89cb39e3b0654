// The query parameters that list and watch share. Neighbours: read.c reads them, watch.c as well.
#ifndef SIM_LIST_OPTIONS_H
#define SIM_LIST_OPTIONS_H

#include "sim_internal.h"

// Strings are the request's, never NULL.
struct sim_list_options {
	const char *version_text;
	const char *match;
	const char *next; // the continue token
	uint64_t version; // 0 when not given
	int64_t limit;
	int64_t timeout_seconds;
	bool send_initial;
	bool bookmarks;
	struct sim_selector selector;
};

// -1 with request->status when they are refused; else the caller finishes the selector.
int sim_list_options_read(struct sim_request *request, struct sim_list_options *ret);
// All objects of the request's namespace that the selector matches, now.
int sim_list_select(struct sim_request *request, const struct sim_list_options *options,
		    struct sim_snapshot *ret);

#endif
