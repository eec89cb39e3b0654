// Pods in flight: of each pod that came or left, what the samples of its row do not show yet.
// Neighbours: pod.c tells of pods, load_samples.c of samples; load.h has the rule.
//
// How much of a pod a sample holds is one figure: the share of the sample's window that the pod
// lived in, or how far its ramp was, whichever is less. A pod that is there adds what is missing, a
// pod that left takes away what is held. So a sample of 30 s taken 15 s after a pod of ramp 60 s
// came holds min(15/30, 15/60) = 1/4 of it: 3/4 stay in flight.
#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <math.h>

#include "cluster_internal.h"

#define UNIT         0x1p24 // of exact sums
#define EXPECTED_MAX 1e24
#define EXPIRE_TURNS 64 // each row is looked at in one of so many ticks

uint32_t cs_loads_slot(const struct cs_loads *loads, uint32_t column)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		if (loads->slot_column[slot] == column)
			return slot;
	return UINT32_MAX;
}

// ---- what a sample holds ----

static double share_of(int64_t part, int64_t whole)
{
	if (part <= 0)
		return 0;
	return part >= whole ? 1 : (double)part / (double)whole;
}

// 0..1
static double held(const struct cs_loads *loads, uint32_t slot, const struct cs_flight *flight)
{
	uint32_t i = loads->slot_column[slot];
	const struct cs_load_column *column = &loads->table.columns[i];
	int64_t taken = column->taken[flight->row];
	int64_t window = column->window[flight->row];
	int64_t end = taken < flight->left ? taken : flight->left;
	if (taken == 0 || end <= flight->came)
		return 0;
	double ramp = share_of(end - flight->came, column->metric->ramp);
	int64_t start = taken - window > flight->came ? taken - window : flight->came;
	double lived = window > 0 ? share_of(end - start, window) : taken <= flight->left;
	return lived < ramp ? lived : ramp;
}

static __int128 contribution(const struct cs_loads *loads, uint32_t slot,
			     const struct cs_flight *flight)
{
	double expected = flight->expected[slot];
	double part = 1;
	if (flight->left != INT64_MAX)
		part = -held(loads, slot, flight);
	else if (!flight->reserved)
		part = 1 - held(loads, slot, flight);
	double units = expected * part * UNIT;
	// The same number; what fits into 64 bits is converted ten times as fast.
	return fabs(units) < 0x1p62 ? (__int128)(int64_t)units : (__int128)units;
}

__int128 cs_loads_sum(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	__int128 sum = 0;
	for (const struct cs_flight *flight = loads->flights[row]; flight; flight = flight->next)
		sum += contribution(loads, slot, flight);
	return sum;
}

void cs_loads_resum(struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	loads->hidden[loads->slot_column[slot]].in_flight[row] = cs_loads_sum(loads, slot, row);
}

// What the flight adds to its row, or with -1 takes away again.
static void count(struct cs_loads *loads, const struct cs_flight *flight, int sign)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		uint32_t column = loads->slot_column[slot];
		loads->hidden[column].in_flight[flight->row] +=
			sign * contribution(loads, slot, flight);
		cs_loads_refresh(loads, column, flight->row);
	}
}

// ---- entries ----

// Of the pod on that row, where things may take more than elsewhere.
static double expected_of(const struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
			  uint32_t slot)
{
	uint32_t column = cluster->loads.slot_column[slot];
	double expected = cs_cluster_expected(cluster, pod, column) *
			  (double)cluster->loads.table.columns[column].strain[row];
	return expected < EXPECTED_MAX ? expected : EXPECTED_MAX;
}

static struct cs_flight *create(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
				int64_t came)
{
	struct cs_loads *loads = &cluster->loads;
	struct cs_flight *flight =
		cs_alloc(sizeof(*flight) + loads->n_slots * sizeof(*flight->expected));
	flight->row = row;
	flight->came = came;
	flight->left = INT64_MAX;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		flight->expected[slot] = expected_of(cluster, pod, row, slot);
	flight->next = loads->flights[row];
	if (flight->next)
		flight->next->prev = flight;
	loads->flights[row] = flight;
	loads->n_in_flight++;
	return flight;
}

// Counted or not: the sums are the caller's.
static void drop(struct cs_loads *loads, struct cs_flight *flight)
{
	if (flight->pod)
		flight->pod->flight = NULL;
	if (flight->prev)
		flight->prev->next = flight->next;
	else
		loads->flights[flight->row] = flight->next;
	if (flight->next)
		flight->next->prev = flight->prev;
	loads->n_in_flight--;
	free(flight);
}

static bool has_landed(const struct cs_loads *loads, const struct cs_flight *flight)
{
	bool gone = flight->left != INT64_MAX;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		if (held(loads, slot, flight) != (gone ? 0 : 1))
			return false;
	return !flight->reserved;
}

void cs_loads_land(struct cs_loads *loads, uint32_t row)
{
	for (struct cs_flight *flight = loads->flights[row], *next; flight; flight = next) {
		next = flight->next;
		if (has_landed(loads, flight))
			drop(loads, flight);
	}
}

void cs_loads_come(struct cs_cluster *cluster, struct cs_pod *pod, int64_t when)
{
	struct cs_loads *loads = &cluster->loads;
	cs_cluster_unreserve(cluster, pod->uid);
	int64_t came = when < loads->now ? when : loads->now;
	if (loads->n_slots == 0 || loads->now - came > loads->horizon)
		return;
	struct cs_flight *flight = create(cluster, pod, pod->row, came);
	flight->pod = pod;
	pod->flight = flight;
	count(loads, flight, 1);
	if (has_landed(loads, flight))
		drop(loads, flight);
}

void cs_loads_forget(struct cs_cluster *cluster, struct cs_pod *pod)
{
	struct cs_loads *loads = &cluster->loads;
	if (!pod->flight)
		return;
	count(loads, pod->flight, -1);
	drop(loads, pod->flight);
}

// A pod without an entry is wholly in all samples.
void cs_loads_leave(struct cs_cluster *cluster, struct cs_pod *pod)
{
	struct cs_loads *loads = &cluster->loads;
	struct cs_flight *flight = pod->flight;
	if (loads->n_slots == 0)
		return;
	if (flight)
		count(loads, flight, -1);
	else
		flight = create(cluster, pod, pod->row, INT64_MIN / 2);
	flight->pod = NULL;
	pod->flight = NULL;
	flight->left = loads->now;
	count(loads, flight, 1);
	if (has_landed(loads, flight))
		drop(loads, flight);
}

// Whatever share of the pod samples hold: what they lack is not added any more, what they hold is
// taken away, which is all of it together.
void cs_loads_suppose(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row, int sign)
{
	struct cs_loads *loads = &cluster->loads;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		uint32_t column = loads->slot_column[slot];
		double expected = pod->flight ? pod->flight->expected[slot]
					      : expected_of(cluster, pod, row, slot);
		loads->hidden[column].in_flight[row] += sign * (__int128)(expected * UNIT);
		cs_loads_refresh(loads, column, row);
	}
}

// ---- reservations ----

// Returns CS_EVENT_LOAD where that takes the row below a watched threshold.
static uint32_t end_reservation(struct cs_loads *loads, struct cs_reservation *reservation)
{
	uint32_t row = reservation->flight->row;
	struct cs_load_before before[CS_LOAD_METRICS_MAX] = { 0 };
	uint32_t events = 0;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		before[slot] = cs_loads_before(loads, loads->slot_column[slot], row);
	cs_map_remove(&loads->reservations, cs_slice_of(reservation->uid));
	count(loads, reservation->flight, -1);
	drop(loads, reservation->flight);
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		events |= cs_loads_events(loads, loads->slot_column[slot], row, before[slot]);
	cs_nodes_touch(loads->nodes, row);
	free(reservation->uid);
	free(reservation);
	return events;
}

// Nobody has validated what another scheduler's pod says of itself before the API server tells of
// it: it counts as one full node at most.
static void cap_expected(const struct cs_loads *loads, struct cs_flight *flight)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		double capacity =
			loads->table.columns[loads->slot_column[slot]].capacity[flight->row];
		if (capacity > 0 && flight->expected[slot] > capacity)
			flight->expected[slot] = capacity;
	}
}

void cs_cluster_reserve(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
			int64_t until_wall)
{
	struct cs_loads *loads = &cluster->loads;
	cs_cluster_unreserve(cluster, pod->uid);
	if (cs_pod_is_counted(pod) || row >= loads->nodes->table.n_rows ||
	    !loads->nodes->table.live[row])
		return;
	struct cs_reservation *reservation = cs_alloc(sizeof(*reservation));
	reservation->uid = cs_strdup(pod->uid);
	reservation->until = until_wall;
	reservation->flight = create(cluster, pod, row, loads->now);
	reservation->flight->reserved = true;
	cap_expected(loads, reservation->flight);
	cs_map_put(&loads->reservations, cs_slice_of(reservation->uid), reservation);
	count(loads, reservation->flight, 1);
	cs_nodes_touch(loads->nodes, row);
}

void cs_cluster_unreserve(struct cs_cluster *cluster, const char *uid)
{
	struct cs_loads *loads = &cluster->loads;
	if (cs_map_count(&loads->reservations) == 0)
		return;
	struct cs_reservation *known = cs_map_get(&loads->reservations, cs_slice_of(uid));
	if (known)
		loads->untold |= end_reservation(loads, known);
}

uint32_t cs_cluster_count_reservations(const struct cs_cluster *cluster)
{
	return (uint32_t)cs_map_count(&cluster->loads.reservations);
}

// Ends those on that row, or where it is CS_ROW_NONE, those that have expired.
static void end_reservations(struct cs_loads *loads, uint32_t row)
{
	size_t n = cs_map_count(&loads->reservations);
	if (n == 0)
		return;
	CS_AUTO_FREE struct cs_reservation **ending =
		cs_alloc_array(n, sizeof(struct cs_reservation *));
	size_t n_ending = 0;
	size_t at = 0;
	struct cs_reservation *reservation;
	while ((reservation = cs_map_next(&loads->reservations, &at)))
		if (row == CS_ROW_NONE ? reservation->until <= loads->now
				       : reservation->flight->row == row)
			ending[n_ending++] = reservation;
	for (size_t i = 0; i < n_ending; i++)
		loads->untold |= end_reservation(loads, ending[i]);
}

// ---- rows and time ----

void cs_loads_drop_row(struct cs_loads *loads, uint32_t row)
{
	end_reservations(loads, row);
	for (struct cs_flight *flight = loads->flights[row], *next; flight; flight = next) {
		next = flight->next;
		if (!flight->pod)
			drop(loads, flight);
	}
	cs_loads_set_addresses(loads, row, NULL);
	loads->table.n_weightless -= loads->weight[row] == 0;
	loads->weight[row] = CS_NODE_WEIGHT_DEFAULT;
	for (uint32_t i = 0; i < loads->table.n_columns; i++) {
		struct cs_load_column *column = &loads->table.columns[i];
		column->n_known -= column->quality[row] > 0;
		column->taken[row] = 0;
		column->window[row] = 0;
		column->sample[row] = 0;
		column->capacity[row] = 0;
		column->quality[row] = 0;
		column->strain[row] = loads->hidden[i].strain[row] = 1;
		column->state[row] = CS_LOAD_MISSING;
		loads->hidden[i].refused[row] = 0;
		loads->hidden[i].sums[row] = (struct cs_strain_sums){ 0 };
		uint32_t slot = cs_loads_slot(loads, i);
		if (slot != UINT32_MAX)
			cs_loads_resum(loads, slot, row);
	}
	cs_loads_refresh_row(loads, row);
	loads->unsettled = UINT32_MAX;
}

// No sample will show more of it than is shown now: those there are say nothing any more.
static bool is_lost(const struct cs_loads *loads, const struct cs_flight *flight)
{
	if (flight->reserved || loads->now - flight->came <= loads->horizon)
		return false;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct cs_load_column *column =
			&loads->table.columns[loads->slot_column[slot]];
		if (column->quality[flight->row] > 0 &&
		    held(loads, slot, flight) != (flight->left == INT64_MAX ? 1 : 0))
			return false;
	}
	return true;
}

void cs_loads_expire(struct cs_loads *loads)
{
	end_reservations(loads, CS_ROW_NONE);
	for (uint32_t row = (uint32_t)(loads->ticks % EXPIRE_TURNS);
	     row < loads->nodes->table.n_rows; row += EXPIRE_TURNS)
		for (struct cs_flight *flight = loads->flights[row], *next; flight; flight = next) {
			next = flight->next;
			if (!is_lost(loads, flight))
				continue;
			count(loads, flight, -1);
			drop(loads, flight);
		}
}

void cs_loads_redate(struct cs_loads *loads, int64_t now)
{
	for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++)
		for (struct cs_flight *flight = loads->flights[row]; flight;
		     flight = flight->next) {
			cs_load_redate(&flight->came, now);
			if (flight->left != INT64_MAX)
				cs_load_redate(&flight->left, now);
		}
	size_t at = 0;
	struct cs_reservation *reservation;
	while ((reservation = cs_map_next(&loads->reservations, &at)))
		reservation->until -= loads->now - now; // as long as it had
}
