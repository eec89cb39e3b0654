// Health checks by kube-scheduler's names, and their answers as text.
// Neighbours: endpoints.c serves them; status.h is what they look at.
#include "daemon/health.h"

#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>

// kube-scheduler's leaderHealthzAdaptorTimeout: a holder may be this late.
#define LEASE_LATE (20 * CS_SECOND)

enum place { HEALTHZ = 1, LIVEZ = 2, READYZ = 4 };

// NULL = good, else what is wrong.
typedef const char *(*check_f)(const struct cs_health *health, struct cs_time now);

static const char *check_ping(const struct cs_health *health, struct cs_time now)
{
	(void)health;
	(void)now;
	return NULL;
}

// The watchdog: it must fail where the client thread hangs, so it trusts no word older than that.
static const char *check_lease(const struct cs_health *health, struct cs_time now)
{
	if (!atomic_load(&health->status->leading))
		return NULL;
	if (!atomic_load(&health->status->lease_healthy))
		return "failed election to renew leadership on lease";
	int64_t silent = now.boot - atomic_load(&health->status->client_turn);
	return silent > health->lease_duration + LEASE_LATE ? "the client thread hangs" : NULL;
}

static const char *check_informers(const struct cs_health *health, struct cs_time now)
{
	(void)now;
	return atomic_load(&health->status->informers_synced) ? NULL : "informers not started yet";
}

static const char *check_shutdown(const struct cs_health *health, struct cs_time now)
{
	(void)now;
	return atomic_load(&health->status->stopping) ? "process is shutting down" : NULL;
}

static const char *check_handlers(const struct cs_health *health, struct cs_time now)
{
	(void)now;
	return atomic_load(&health->status->handlers_synced)
		       ? NULL
		       : "handlers are not fully synchronized";
}

// In the order in which they are listed. Unlike kube-scheduler's, /livez has the watchdog too, so
// that a kubelet restarts a holder that cannot renew.
static const struct check {
	const char *name;
	check_f check;
	unsigned places;
	bool election; // only with leader election
} checks[] = {
	{ "ping", check_ping, HEALTHZ | LIVEZ | READYZ, false },
	{ "leaderElection", check_lease, HEALTHZ | LIVEZ | READYZ, true },
	{ "informer-sync", check_informers, READYZ, false },
	{ "shutdown", check_shutdown, READYZ, false },
	{ "sched-handler-sync", check_handlers, READYZ, false },
};

static const struct {
	const char *path;
	enum place place;
} places[] = { { "/healthz", HEALTHZ }, { "/livez", LIVEZ }, { "/readyz", READYZ } };

// ---- what is counted ----

static const struct cs_metric_info last_outcome = {
	.name = "kubernetes_healthcheck",
	.help = "How each health check ended when it was asked last: 1 = well.",
	.kind = CS_METRIC_GAUGE,
	.labels = { "name", "type" },
};
static const struct cs_metric_info outcomes = {
	.name = "kubernetes_healthchecks_total",
	.help = "How often health checks ended how.",
	.kind = CS_METRIC_COUNTER,
	.labels = { "name", "status", "type" },
};

void cs_health_declare(struct cs_metrics *slis)
{
	cs_metrics_declare(slis, &last_outcome);
	cs_metrics_declare(slis, &outcomes);
}

static void count(const struct cs_health *health, const char *type, const char *name, bool good)
{
	if (!health->slis)
		return;
	cs_metric_set(
		cs_metrics_series(health->slis, &last_outcome, (const char *const[]){ name, type }),
		good);
	cs_metric_add(
		cs_metrics_series(health->slis, &outcomes,
				  (const char *const[]){ name, good ? "success" : "error", type }),
		1);
}

// ---- answers ----

static bool has(const struct cs_health *health, const struct check *check, enum place place)
{
	return (check->places & place) && (!check->election || health->lease_duration > 0);
}

static int answer_one(const struct cs_health *health, struct cs_time now, enum place place,
		      const char *name, struct cs_buffer *out)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(checks); i++) {
		if (!has(health, &checks[i], place) || strcmp(checks[i].name, name) != 0)
			continue;
		const char *wrong = checks[i].check(health, now);
		if (wrong)
			cs_buffer_printf(out, "internal server error: %s\n", wrong);
		else
			cs_buffer_append_string(out, "ok");
		return wrong ? 500 : 200;
	}
	cs_buffer_append_string(out, "404 page not found\n");
	return 404;
}

// Appends a line per check; true when all are good.
static bool answer_lines(const struct cs_health *health, struct cs_time now, enum place place,
			 const struct cs_health_query *query, struct cs_buffer *out)
{
	bool all_good = true;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(checks); i++) {
		const char *name = checks[i].name;
		if (!has(health, &checks[i], place))
			continue;
		if (cs_list_has(query->exclude, name)) {
			cs_buffer_printf(out, "[+]%s excluded: ok\n", name);
			continue;
		}
		bool good = !checks[i].check(health, now);
		count(health, query->path + 1, name, good);
		// The path is open to everybody: the reason is at the check's own path.
		cs_buffer_printf(out, good ? "[+]%s ok\n" : "[-]%s failed: reason withheld\n",
				 name);
		all_good &= good;
	}
	return all_good;
}

static int answer_all(const struct cs_health *health, struct cs_time now, enum place place,
		      const struct cs_health_query *query, struct cs_buffer *out)
{
	const char *name = query->path + 1;
	bool good = answer_lines(health, now, place, query, out);
	if (!good) {
		cs_buffer_printf(out, "%s check failed\n", name);
		return 500;
	}
	if (query->verbose) {
		cs_buffer_printf(out, "%s check passed\n", name);
	} else {
		cs_buffer_clear(out);
		cs_buffer_append_string(out, "ok");
	}
	return 200;
}

int cs_health_answer(const struct cs_health *health, struct cs_time now,
		     const struct cs_health_query *query, struct cs_buffer *out)
{
	const char *path = query->path;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(places); i++) {
		size_t size = strlen(places[i].path);
		if (strncmp(path, places[i].path, size) != 0)
			continue;
		if (path[size] == '\0')
			return answer_all(health, now, places[i].place, query, out);
		if (path[size] == '/')
			return answer_one(health, now, places[i].place, path + size + 1, out);
	}
	cs_buffer_append_string(out, "404 page not found\n");
	return 404;
}
