// Highest use, deviation, hot minutes, imbalance, response times. Neighbours: outcome.h.
#include "outcome.h"

#include <math.h>

#define MINUTE  60
#define HOT_USE 0.9

void outcome_init(struct outcome_state *state, const struct world *world)
{
	(void)world;
	*state = (struct outcome_state){ 0 };
}

static double share(const struct node *node, int resource)
{
	return node->use[resource] / node->group->capacity[resource];
}

static double deviation_of(double sum, double squares, double n)
{
	double mean = sum / n;
	return sqrt(fmax(squares / n - mean * mean, 0));
}

static void serve(struct outcome_state *state, const struct node *node)
{
	double speed = node->group->speed, use = share(node, CPU);
	double mean = 1 / speed / (1 - fmin(use, BUSY_MAX));
	double step = floor(log(mean / MEAN_SMALLEST) / log(MEAN_STEP));
	state->requests[(int)fmin(fmax(step, 0), MEANS - 1)] += node->use[CPU] * speed;
}

static double fill(const struct world *world, const struct node *node)
{
	return node->use[CONNECTIONS] / (node->group->weight / 100 * world->scenario->full);
}

static double mean_of_last_minute(const struct world *world, uint32_t node, int resource,
				  uint32_t second)
{
	const double *sums = &world->sum[resource][(size_t)node * (world->seconds + 1)];
	uint32_t n = second + 1 < MINUTE ? second + 1 : MINUTE;
	return (sums[second + 1] - sums[second + 1 - n]) / n /
	       world->nodes[node].group->capacity[resource];
}

void outcome_second(struct outcome_state *state, const struct world *world, uint32_t second)
{
	double sum = 0, squares = 0, weights = 0, connections = 0, most = 0;
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		const struct node *node = &world->nodes[n];
		double use = fmax(share(node, CPU), share(node, MEMORY));
		sum += use;
		squares += use * use;
		state->hot += use > HOT_USE;
		for (int r = 0; r < RESOURCES; r++)
			state->highest =
				fmax(state->highest, mean_of_last_minute(world, n, r, second));
		weights += node->group->weight;
		connections += node->use[CONNECTIONS];
		most = fmax(most, node->use[CONNECTIONS] / node->group->weight);
		serve(state, node);
	}
	state->deviations += deviation_of(sum, squares, world->n_nodes);
	state->imbalances += connections > 0 ? most / (connections / weights) : 1;
	state->seconds++;
}

// The t of which one request in a hundred takes longer.
static double percentile(const struct outcome_state *state)
{
	double all = 0, low = 0, high = 1e6;
	for (int i = 0; i < MEANS; i++)
		all += state->requests[i];
	for (int round = 0; round < 60; round++) {
		double t = (low + high) / 2, longer = 0;
		for (int i = 0; i < MEANS; i++)
			if (state->requests[i] > 0)
				longer += state->requests[i] *
					  exp(-t / (MEAN_SMALLEST * pow(MEAN_STEP, i + 0.5)));
		if (longer > all / 100)
			low = t;
		else
			high = t;
	}
	return low;
}

void outcome_finish(struct outcome_state *state, const struct world *world,
		    double outcomes[OUTCOMES])
{
	double sum = 0, squares = 0, most = 0;
	for (uint32_t n = 0; n < world->n_nodes; n++) {
		double f = fill(world, &world->nodes[n]);
		sum += f;
		squares += f * f;
		most = fmax(most, f);
	}
	outcomes[MAX_USE] = state->highest;
	outcomes[DEVIATION] = state->deviations / state->seconds;
	outcomes[HOT] = state->hot / 60;
	outcomes[IMBALANCE] = state->imbalances / state->seconds;
	outcomes[RESPONSE] = percentile(state);
	outcomes[MAX_FILL] = most;
	outcomes[FILL_DEVIATION] = deviation_of(sum, squares, world->n_nodes);
	outcomes[UNPLACED] = 0;
	for (uint32_t p = 0; p < world->n_pods; p++)
		outcomes[UNPLACED] += world->pods[p].placed < 0 &&
				      world->pods[p].arrival < world->scenario->seconds;
}
