// A configured source of load figures made ready to be asked: settings, credentials, transport.
// Neighbours: load_thread.c asks it again and again, probe.c once.
#ifndef DAEMON_FEED_H
#define DAEMON_FEED_H

#include <csched/base/metric.h>
#include <csched/client/credentials.h>
#include <csched/client/transport.h>
#include <csched/framework/load_config.h>
#include <csched/load/part.h>
#include <csched/load/source.h>

struct cs_feed {
	struct cs_source source;
	struct cs_source_query *queries;
	struct cs_endpoint own; // a Prometheus; its strings are the configuration's
	struct cs_credentials *credentials;
};

struct cs_feed_options {
	const struct cs_load_config *config; // must outlive the feed
	uint32_t index;                      // of the source; not one of node annotations
	const struct cs_endpoint *api;       // the API server; must outlive the feed
	struct cs_metrics *metrics;          // of requests to the API server; may be NULL
	cs_credentials_notice_f notice;      // of credentials
	void *user;
};

// Reads credential files. *ret_transport is for a sampler, which ends it before cs_feed_finish. The
// feed must not move.
int cs_feed_init(struct cs_feed *feed, const struct cs_feed_options *options,
		 struct cs_transport **ret_transport, struct cs_error *err);
// The settings alone, without credentials: nothing can be asked.
void cs_feed_describe(struct cs_feed *feed, const struct cs_load_config *config, uint32_t index);
void cs_feed_finish(struct cs_feed *feed); // zeroed is fine

// What a part tells, as the ledger takes it; in the part's arena.
struct cs_load_sample *cs_feed_samples(struct cs_part *part);
struct cs_load_pod_sample *cs_feed_pods(struct cs_part *part);

#endif
