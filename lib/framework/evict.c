// Whether victims that another scheduler has chosen make room, and which of them need not go.
// Neighbours: judge.h promises; cluster.h supposes that pods are gone; cycle.c asks the filters.
#include <csched/framework/judge.h>

#include <string.h>

#include <csched/base/memory.h>

#include "attempt.h"

// kube-scheduler's filters that look at the pods of a node.
static const char *const about_pods[] = { "NodeResourcesFit", "NodePorts", "InterPodAffinity",
					  "PodTopologySpread" };

static bool has_filter(const struct cs_profile *profile, const char *name)
{
	for (uint32_t i = 0; i < profile->n_filter; i++)
		if (strcmp(profile->filter[i]->plugin->name, name) == 0)
			return true;
	return false;
}

// Another pod that the row may have been promised to.
static bool is_promised(struct cs_cluster *cluster, const struct cs_judge_eviction *eviction)
{
	uint32_t n;
	const struct cs_nomination *list = cs_cluster_nominations(cluster, &n);
	for (uint32_t i = 0; i < n; i++) {
		const char *node = cs_intern_string(cs_cluster_strings(cluster), list[i].node);
		if (cs_cluster_find_node(cluster, node) != eviction->row)
			continue;
		for (uint32_t k = 0; k < list[i].n; k++)
			if (list[i].pods[k] != eviction->pod &&
			    list[i].pods[k]->priority >= eviction->pod->priority)
				return true;
	}
	return false;
}

static bool can_spare(struct cs_workspace *workspace, const struct cs_judge_eviction *eviction)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(about_pods); i++)
		if (!has_filter(eviction->profile, about_pods[i]))
			return false;
	return !eviction->pod->demand->unsupported_field &&
	       !is_promised(workspace->cluster, eviction);
}

struct eviction {
	struct cs_workspace *workspace;
	const struct cs_judge_eviction *asked;
	uint32_t n_gone;
	uint32_t *gone; // indices
	bool unknown;   // some victim is not known
	bool failed;    // a plugin could not say
};

static bool fits(struct eviction *eviction)
{
	struct cs_outcome outcome;
	struct attempt attempt = { .workspace = eviction->workspace,
				   .profile = eviction->asked->profile,
				   .outcome = &outcome };
	enum cs_verdict verdict =
		attempt_ask_row(&attempt, eviction->asked->pod, eviction->asked->row);
	eviction->failed |= outcome.decision == CS_DECISION_ERROR;
	return verdict == CS_VERDICT_FITS;
}

static void put_back(const struct eviction *eviction, uint32_t i)
{
	cs_cluster_put_back(eviction->workspace->cluster,
			    eviction->asked->victims[eviction->gone[i]], eviction->asked->row);
}

static void send_away(struct eviction *eviction)
{
	const struct cs_judge_eviction *asked = eviction->asked;
	for (uint32_t i = 0; i < asked->n; i++) {
		struct cs_pod *victim = asked->victims[i];
		eviction->unknown |= !victim;
		if (!victim || victim->row != asked->row)
			continue;
		cs_cluster_suppose_gone(eviction->workspace->cluster, victim);
		eviction->gone[eviction->n_gone++] = i;
	}
}

// Puts all of them back, one after the other, and away again who is in the way. Returns how many
// may stay.
static uint32_t spare(struct eviction *eviction, bool *spared)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < eviction->n_gone; i++) {
		uint32_t victim = eviction->gone[i];
		put_back(eviction, i);
		spared[victim] = fits(eviction) && !eviction->failed;
		n += spared[victim];
		if (!spared[victim])
			cs_cluster_suppose_gone(eviction->workspace->cluster,
						eviction->asked->victims[victim]);
	}
	return n;
}

bool cs_judge_eviction(struct cs_workspace *workspace, const struct cs_judge_eviction *asked,
		       bool *spared)
{
	CS_AUTO_FREE uint32_t *gone = cs_alloc_array(asked->n + 1, sizeof(*gone));
	struct eviction eviction = { .workspace = workspace, .asked = asked, .gone = gone };
	uint32_t n_spared = 0;
	memset(spared, 0, asked->n * sizeof(*spared));
	bool may_spare = can_spare(workspace, asked);
	send_away(&eviction);
	bool helps = fits(&eviction) || eviction.unknown || eviction.failed;
	if (helps && may_spare && !eviction.unknown && !eviction.failed)
		n_spared = spare(&eviction, spared);
	for (uint32_t i = 0; i < eviction.n_gone; i++)
		if (!spared[gone[i]])
			put_back(&eviction, i);
	if (n_spared == eviction.n_gone)
		memset(spared, 0, asked->n * sizeof(*spared));
	return helps;
}
