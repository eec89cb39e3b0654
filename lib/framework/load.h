// What the scheduler does about load beside absorbing it: notices when all figures are lost or come
// back, and shows how good they are.
// Neighbours: scheduler.c owns one and calls it as time passes; cluster's load.h has the figures.
#ifndef FRAMEWORK_LOAD_H
#define FRAMEWORK_LOAD_H

#include <csched/base/metric.h>
#include <csched/cluster/load.h>
#include <csched/framework/load_config.h>

enum cs_load_knowledge {
	CS_LOAD_NOT_YET, // since the start
	CS_LOAD_KNOWN,
	CS_LOAD_LOST,
};

enum cs_load_news {
	CS_LOAD_NO_NEWS,
	CS_LOAD_GONE,     // the figures of every metric
	CS_LOAD_RETURNED, // after they were gone
};

// The series of one metric.
struct cs_load_series {
	struct cs_metric *nodes[CS_LOAD_STATE_COUNT];
	struct cs_metric *age;
};

struct cs_load_watcher {
	struct cs_cluster *cluster; // borrowed
	int64_t next;               // boot time of the next look; INT64_MAX: there are no metrics
	int64_t since; // boot time of the first look that found nodes and no figures; 0 = none
	enum cs_load_knowledge knowledge;
	struct cs_load_series *series; // by metric; NULL: nobody asks
	struct cs_metric *in_flight;
	struct cs_metric *reservations;
};

// Tells the cluster its metrics, unless it knows some already. `config` NULL: none.
void cs_load_watcher_init(struct cs_load_watcher *watcher, struct cs_cluster *cluster,
			  const struct cs_load_config *config, struct cs_metrics *metrics);
void cs_load_watcher_finish(struct cs_load_watcher *watcher);

// Once a second, whenever it is called; *ret_words (free() it) go with news.
enum cs_load_news cs_load_watcher_look(struct cs_load_watcher *watcher, int64_t boot,
				       char **ret_words);
// Figures have come: the next look is due.
void cs_load_watcher_stir(struct cs_load_watcher *watcher);

#endif
