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
#define FLIGHTS_MIN  4
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

// The sample of a row, and its metric's ramp.
struct sampled {
	int64_t taken; // INT64_MIN: there is none
	int64_t window;
	int64_t ramp;
	int64_t longer; // of window and ramp
};

static struct sampled sampled_of(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	const struct cs_load_column *column = &loads->table.columns[loads->slot_column[slot]];
	int64_t window = column->window[row];
	int64_t ramp = column->metric->ramp;
	return (struct sampled){
		.taken = column->taken[row] ? column->taken[row] : INT64_MIN,
		.window = window,
		.ramp = ramp,
		.longer = window > ramp ? window : ramp,
	};
}

// Of a pod that left, 0..1.
static double held_still(const struct sampled *sampled, const struct cs_flight *flight)
{
	int64_t taken = sampled->taken;
	int64_t window = sampled->window;
	int64_t end = taken < flight->left ? taken : flight->left;
	if (end <= flight->came)
		return 0;
	double ramp = share_of(end - flight->came, sampled->ramp);
	int64_t start = taken - window > flight->came ? taken - window : flight->came;
	double lived = window > 0 ? share_of(end - start, window) : taken <= flight->left;
	return lived < ramp ? lived : ramp;
}

// 0..1
static double held(const struct sampled *sampled, const struct cs_flight *flight)
{
	if (flight->kind == CS_FLIGHT_LEFT)
		return held_still(sampled, flight);
	// It lived up to the sample: both shares are of the same time, the less is of the longer.
	return sampled->taken > flight->came
		       ? share_of(sampled->taken - flight->came, sampled->longer)
		       : 0;
}

static __int128 contribution(const struct cs_flight *flight, uint32_t slot, double part_held)
{
	double part = 1;
	if (flight->kind == CS_FLIGHT_LEFT)
		part = -part_held;
	else if (flight->kind == CS_FLIGHT_POD)
		part = 1 - part_held;
	double units = (double)flight->expected[slot] * part * UNIT;
	// The same number; what fits into 64 bits is converted ten times as fast.
	return fabs(units) < 0x1p62 ? (__int128)(int64_t)units : (__int128)units;
}

// Whether a sample that holds so much says all of the pod that it will ever say.
static bool is_told(const struct cs_flight *flight, double part_held)
{
	return part_held == (flight->kind == CS_FLIGHT_LEFT ? 0 : 1);
}

// `ret_told` becomes whether it is of some flight.
static __int128 sum_up(const struct cs_loads *loads, uint32_t slot, uint32_t row, bool *ret_told)
{
	const struct sampled sampled = sampled_of(loads, slot, row);
	__int128 sum = 0;
	*ret_told = false;
	for (uint32_t at = 0; at < loads->flights[row].n; at++) {
		const struct cs_flight *flight = cs_loads_flight(loads, row, at);
		double part_held = held(&sampled, flight);
		sum += contribution(flight, slot, part_held);
		*ret_told |= is_told(flight, part_held);
	}
	return sum;
}

__int128 cs_loads_sum(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	bool told;
	return sum_up(loads, slot, row, &told);
}

bool cs_loads_resum(struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	bool told;
	loads->hidden[loads->slot_column[slot]].in_flight[row] = sum_up(loads, slot, row, &told);
	return told;
}

// What the flight adds to its row, or with -1 takes away again.
static void count(struct cs_loads *loads, uint32_t row, const struct cs_flight *flight, int sign)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		uint32_t column = loads->slot_column[slot];
		const struct sampled sampled = sampled_of(loads, slot, row);
		loads->hidden[column].in_flight[row] +=
			sign * contribution(flight, slot, held(&sampled, flight));
		cs_loads_refresh(loads, column, row);
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
	struct cs_flights *flights = &loads->flights[row];
	if (flights->n == flights->capacity) {
		flights->capacity = flights->capacity ? 2 * flights->capacity : FLIGHTS_MIN;
		flights->entries =
			cs_realloc_array(flights->entries, flights->capacity, loads->flight_size);
	}
	struct cs_flight *flight = cs_loads_flight(loads, row, flights->n++);
	flight->came = came;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		flight->expected[slot] = (float)expected_of(cluster, pod, row, slot);
	loads->n_in_flight++;
	return flight;
}

// Counted or not: the sums are the caller's. The row's last one takes its place.
static void drop(struct cs_loads *loads, uint32_t row, struct cs_flight *flight)
{
	struct cs_flights *flights = &loads->flights[row];
	const struct cs_flight *last = cs_loads_flight(loads, row, --flights->n);
	if (flight->kind == CS_FLIGHT_POD)
		flight->pod->flight = 0;
	if (flight != last) {
		size_t offset = (size_t)((char *)flight - (char *)flights->entries);
		uint32_t at = (uint32_t)(offset / loads->flight_size);
		memcpy(flight, last, loads->flight_size);
		if (flight->kind == CS_FLIGHT_POD)
			flight->pod->flight = at + 1;
		else if (flight->kind == CS_FLIGHT_RESERVED)
			flight->reservation->at = at;
	}
	loads->n_in_flight--;
	if (flights->n > 0)
		return;
	free(flights->entries);
	*flights = (struct cs_flights){ 0 };
}

static bool has_landed(const struct cs_loads *loads, uint32_t row, const struct cs_flight *flight)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		if (!is_told(flight, held(&sampled, flight)))
			return false;
	}
	return flight->kind != CS_FLIGHT_RESERVED;
}

// The row's last first: it is the one that takes the place of one that is dropped.
void cs_loads_land(struct cs_loads *loads, uint32_t row)
{
	for (uint32_t at = loads->flights[row].n; at-- > 0;) {
		struct cs_flight *flight = cs_loads_flight(loads, row, at);
		if (has_landed(loads, row, flight))
			drop(loads, row, flight);
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
	flight->kind = CS_FLIGHT_POD;
	flight->pod = pod;
	pod->flight = loads->flights[pod->row].n;
	count(loads, pod->row, flight, 1);
	if (has_landed(loads, pod->row, flight))
		drop(loads, pod->row, flight);
}

void cs_loads_forget(struct cs_cluster *cluster, struct cs_pod *pod)
{
	struct cs_loads *loads = &cluster->loads;
	struct cs_flight *flight = cs_loads_flight_of(loads, pod);
	if (!flight)
		return;
	count(loads, pod->row, flight, -1);
	drop(loads, pod->row, flight);
}

// A pod without an entry is wholly in all samples.
void cs_loads_leave(struct cs_cluster *cluster, struct cs_pod *pod)
{
	struct cs_loads *loads = &cluster->loads;
	uint32_t row = pod->row;
	struct cs_flight *flight = cs_loads_flight_of(loads, pod);
	if (loads->n_slots == 0)
		return;
	if (flight)
		count(loads, row, flight, -1);
	else
		flight = create(cluster, pod, row, INT64_MIN / 2);
	pod->flight = 0;
	flight->kind = CS_FLIGHT_LEFT;
	flight->left = loads->now;
	count(loads, row, flight, 1);
	if (has_landed(loads, row, flight))
		drop(loads, row, flight);
}

// Whatever share of the pod samples hold: what they lack is not added any more, what they hold is
// taken away, which is all of it together.
void cs_loads_suppose(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row, int sign)
{
	struct cs_loads *loads = &cluster->loads;
	const struct cs_flight *flight =
		pod->flight ? cs_loads_flight(loads, row, pod->flight - 1) : NULL;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		uint32_t column = loads->slot_column[slot];
		double expected = flight ? (double)flight->expected[slot]
					 : expected_of(cluster, pod, row, slot);
		loads->hidden[column].in_flight[row] += sign * (__int128)(expected * UNIT);
		cs_loads_refresh(loads, column, row);
	}
}

// ---- reservations ----

// Returns CS_EVENT_LOAD where that takes the row below a watched threshold.
static uint32_t end_reservation(struct cs_loads *loads, struct cs_reservation *reservation)
{
	uint32_t row = reservation->row;
	struct cs_flight *flight = cs_loads_flight(loads, row, reservation->at);
	struct cs_load_before before[CS_LOAD_METRICS_MAX] = { 0 };
	uint32_t events = 0;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		before[slot] = cs_loads_before(loads, loads->slot_column[slot], row);
	cs_map_remove(&loads->reservations, cs_slice_of(reservation->uid));
	count(loads, row, flight, -1);
	drop(loads, row, flight);
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		events |= cs_loads_events(loads, loads->slot_column[slot], row, before[slot]);
	cs_nodes_touch(loads->nodes, row);
	free(reservation->uid);
	free(reservation);
	return events;
}

// Nobody has validated what another scheduler's pod says of itself before the API server tells of
// it: it counts as one full node at most.
static void cap_expected(const struct cs_loads *loads, uint32_t row, struct cs_flight *flight)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		double capacity = loads->table.columns[loads->slot_column[slot]].capacity[row];
		if (capacity > 0 && (double)flight->expected[slot] > capacity)
			flight->expected[slot] = (float)capacity;
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
	struct cs_flight *flight = create(cluster, pod, row, loads->now);
	flight->kind = CS_FLIGHT_RESERVED;
	flight->reservation = reservation;
	*reservation = (struct cs_reservation){
		.uid = cs_strdup(pod->uid),
		.until = until_wall,
		.row = row,
		.at = loads->flights[row].n - 1,
	};
	cap_expected(loads, row, flight);
	cs_map_put(&loads->reservations, cs_slice_of(reservation->uid), reservation);
	count(loads, row, flight, 1);
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

static void end_expired(struct cs_loads *loads)
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
		if (reservation->until <= loads->now)
			ending[n_ending++] = reservation;
	for (size_t i = 0; i < n_ending; i++)
		loads->untold |= end_reservation(loads, ending[i]);
}

// ---- rows and time ----

void cs_loads_drop_row(struct cs_loads *loads, uint32_t row)
{
	for (uint32_t at = loads->flights[row].n; at-- > 0;) {
		struct cs_flight *flight = cs_loads_flight(loads, row, at);
		if (flight->kind == CS_FLIGHT_RESERVED)
			loads->untold |= end_reservation(loads, flight->reservation);
		else if (flight->kind == CS_FLIGHT_LEFT)
			drop(loads, row, flight);
	}
	cs_loads_set_addresses(loads, row, NULL);
	cs_loads_set_weight(loads, row, CS_NODE_WEIGHT_DEFAULT);
	for (uint32_t i = 0; i < loads->table.n_columns; i++) {
		struct cs_load_column *column = &loads->table.columns[i];
		column->n_known -= column->quality[row] > 0;
		column->n_fresh -= column->quality[row] == 1;
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
static bool is_lost(const struct cs_loads *loads, uint32_t row, const struct cs_flight *flight)
{
	if (flight->kind == CS_FLIGHT_RESERVED || loads->now - flight->came <= loads->horizon)
		return false;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct cs_load_column *column =
			&loads->table.columns[loads->slot_column[slot]];
		const struct sampled sampled = sampled_of(loads, slot, row);
		if (column->quality[row] > 0 && !is_told(flight, held(&sampled, flight)))
			return false;
	}
	return true;
}

static void expire_row(struct cs_loads *loads, uint32_t row)
{
	for (uint32_t at = loads->flights[row].n; at-- > 0;) {
		struct cs_flight *flight = cs_loads_flight(loads, row, at);
		if (!is_lost(loads, row, flight))
			continue;
		count(loads, row, flight, -1);
		drop(loads, row, flight);
	}
}

void cs_loads_expire(struct cs_loads *loads)
{
	end_expired(loads);
	for (uint32_t row = (uint32_t)(loads->ticks % EXPIRE_TURNS);
	     row < loads->nodes->table.n_rows; row += EXPIRE_TURNS)
		expire_row(loads, row);
}

void cs_loads_redate(struct cs_loads *loads, int64_t now)
{
	for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++)
		for (uint32_t i = 0; i < loads->flights[row].n; i++) {
			struct cs_flight *flight = cs_loads_flight(loads, row, i);
			cs_load_redate(&flight->came, now);
			if (flight->kind == CS_FLIGHT_LEFT)
				cs_load_redate(&flight->left, now);
		}
	size_t at = 0;
	struct cs_reservation *reservation;
	while ((reservation = cs_map_next(&loads->reservations, &at)))
		reservation->until -= loads->now - now; // as long as it had
}
