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
#include "flight_kernel.h"

#define EXPECTED_MAX 0x1p50 // parts of a unit
#define FLIGHTS_MAX  4096   // of a row that count: sums are below 2^62
#define FLIGHTS_MIN  8
#define EXPIRE_TURNS 64 // each row is looked at in one of so many ticks
#define CACHE_LINE   64

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
	int64_t taken; // CS_LONG_AGO: there is none
	int64_t window;
	int64_t ramp;
	int64_t longer; // cs_loads_growth
	double unit;
};

static struct sampled sampled_of(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	uint32_t i = loads->slot_column[slot];
	const struct cs_load_column *column = &loads->table.columns[i];
	return (struct sampled){
		.taken = column->taken[row] ? column->taken[row] : CS_LONG_AGO,
		.window = column->window[row],
		.ramp = column->metric->ramp,
		.longer = cs_loads_growth(column, row),
		.unit = loads->hidden[i].unit,
	};
}

// Of a pod that left, 0..1.
static double held_still(const struct sampled *sampled, int64_t came, int64_t left)
{
	int64_t taken = sampled->taken;
	int64_t window = sampled->window;
	int64_t end = taken < left ? taken : left;
	if (end <= came)
		return 0;
	double ramp = share_of(end - came, sampled->ramp);
	int64_t start = taken - window > came ? taken - window : came;
	double lived = window > 0 ? share_of(end - start, window) : taken <= left;
	return lived < ramp ? lived : ramp;
}

static float *expected_at(const struct cs_flights *flights, uint32_t slot, uint32_t at)
{
	return &flights->expected[(size_t)slot * flights->capacity + at];
}

// Entries begin .. end-1.
struct range {
	uint32_t begin;
	uint32_t end;
};

// What they add to their row: what the sample lacks of each.
static int64_t sum_flights(const struct sampled *sampled, const struct cs_flights *flights,
			   uint32_t slot, struct range range)
{
	const struct cs_flight_sample sample = {
		.grown = sampled->taken - sampled->longer,
		.longer = sampled->longer,
		.unit = sampled->unit,
	};
	return cs_flight_kernel_sum(&flights->came[range.begin],
				    expected_at(flights, slot, range.begin),
				    range.end - range.begin, &sample);
}

// The same of those that left, of which it holds something still.
static int64_t sum_left(const struct sampled *sampled, const struct cs_flights *left, uint32_t slot,
			struct range range)
{
	const float *expected = expected_at(left, slot, 0);
	int64_t sum = 0;
	for (uint32_t at = range.begin; at < range.end; at++) {
		double part = held_still(sampled, left->came[at], left->tail[at].left);
		sum -= (int64_t)((double)expected[at] * sampled->unit * part + 0.5);
	}
	return sum;
}

// Of the flights also what lies behind them, where nothing is expected: up to a multiple of 8.
int64_t cs_loads_sum(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	const struct sampled sampled = sampled_of(loads, slot, row);
	const struct cs_flights *flights = &loads->flights[row];
	const struct cs_flights *left = &loads->left[row];
	int64_t sum = 0;
	if (flights->n > 0)
		sum += sum_flights(&sampled, flights, slot,
				   (struct range){ 0, (flights->n + 7) & ~UINT32_C(7) });
	if (left->n > 0)
		sum += sum_left(&sampled, left, slot, (struct range){ 0, left->n });
	return sum;
}

void cs_loads_resum(struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	loads->hidden[loads->slot_column[slot]].in_flight[row] = cs_loads_sum(loads, slot, row);
}

static void add_up(struct cs_loads *loads, uint32_t slot, uint32_t row, int64_t units)
{
	uint32_t column = loads->slot_column[slot];
	loads->hidden[column].in_flight[row] += units;
	cs_loads_refresh(loads, column, row);
}

// An entry adds to its row, or with -1 does not any more.
static void count_flight(struct cs_loads *loads, uint32_t row, uint32_t at, int sign)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		add_up(loads, slot, row,
		       sign * sum_flights(&sampled, &loads->flights[row], slot,
					  (struct range){ at, at + 1 }));
	}
}

static void count_left(struct cs_loads *loads, uint32_t row, uint32_t at, int sign)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		add_up(loads, slot, row,
		       sign * sum_left(&sampled, &loads->left[row], slot,
				       (struct range){ at, at + 1 }));
	}
}

// ---- entries ----

// Of the pod on that row, where things may take more than elsewhere.
static float expected_of(const struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
			 uint32_t slot)
{
	uint32_t column = cluster->loads.slot_column[slot];
	double expected = cs_cluster_expected(cluster, pod, column) *
			  (double)cluster->loads.table.columns[column].strain[row];
	double most = EXPECTED_MAX / cluster->loads.hidden[column].unit;
	return (float)(expected < most ? expected : most);
}

// Of flights that have a capacity: they have none any more.
static void give_back(struct cs_loads *loads, struct cs_flights *flights)
{
	void **spare = &loads->spare[__builtin_ctz(flights->capacity)];
	*(void **)flights->came = *spare;
	*spare = flights->came;
	*flights = (struct cs_flights){ 0 };
}

// Zeroed. At a cache line's beginning.
static void *take_block(struct cs_loads *loads, uint32_t capacity)
{
	size_t size = capacity * (sizeof(int64_t) + sizeof(union cs_flight_tail) +
				  loads->n_slots * sizeof(float));
	void **spare = &loads->spare[__builtin_ctz(capacity)];
	void *block = *spare;
	if (!block) {
		uintptr_t any = (uintptr_t)cs_arena_alloc(loads->blocks, size + CACHE_LINE - 1);
		return (void *)((any + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
	}
	*spare = *(void **)block;
	return memset(block, 0, size);
}

static void make_room(struct cs_loads *loads, struct cs_flights *flights)
{
	struct cs_flights old = *flights;
	uint32_t capacity = old.capacity ? 2 * old.capacity : FLIGHTS_MIN;
	flights->capacity = capacity;
	flights->came = take_block(loads, capacity);
	flights->tail = (void *)(flights->came + capacity);
	flights->expected = (void *)(flights->tail + capacity);
	if (!old.capacity)
		return;
	memcpy(flights->came, old.came, old.n * sizeof(*old.came));
	memcpy(flights->tail, old.tail, old.n * sizeof(*old.tail));
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		memcpy(expected_at(flights, slot, 0), expected_at(&old, slot, 0),
		       old.n * sizeof(*old.expected));
	give_back(loads, &old);
}

// Returns where it is. What is expected is the caller's: nothing as yet.
static uint32_t enter(struct cs_loads *loads, struct cs_flights *flights, int64_t came,
		      union cs_flight_tail tail)
{
	if (flights->n == flights->capacity)
		make_room(loads, flights);
	if (flights->n == 0 || came < flights->oldest)
		flights->oldest = came;
	flights->came[flights->n] = came;
	flights->tail[flights->n] = tail;
	loads->n_in_flight++;
	return flights->n++;
}

// The last one takes its place.
static void take_out(struct cs_loads *loads, struct cs_flights *flights, uint32_t at)
{
	uint32_t last = --flights->n;
	flights->came[at] = flights->came[last];
	flights->tail[at] = flights->tail[last];
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		*expected_at(flights, slot, at) = *expected_at(flights, slot, last);
		*expected_at(flights, slot, last) = 0;
	}
	loads->n_in_flight--;
	if (last > 0)
		return;
	give_back(loads, flights);
}

// Counted or not: the sums are the caller's.
static void drop(struct cs_loads *loads, uint32_t row, uint32_t at)
{
	struct cs_flights *flights = &loads->flights[row];
	if (flights->came[at] != CS_NEVER)
		flights->tail[at].pod->flight = 0;
	take_out(loads, flights, at);
	if (at >= flights->n)
		return;
	if (flights->came[at] == CS_NEVER)
		flights->tail[at].reservation->at = at;
	else
		flights->tail[at].pod->flight = at + 1;
}

// Who came then, or earlier, is wholly in all samples of the row; `known`: in those that still say
// something.
static int64_t told_until(const struct cs_loads *loads, uint32_t row, bool known)
{
	int64_t until = CS_NEVER - 1;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		int64_t told = sampled.taken - sampled.longer;
		if (known && loads->table.columns[loads->slot_column[slot]].quality[row] == 0)
			continue;
		until = told < until ? told : until;
	}
	return until;
}

// Whether samples, or those that still say something, hold nothing of it any more.
static bool is_over(const struct cs_loads *loads, uint32_t row, uint32_t at, bool known)
{
	const struct cs_flights *left = &loads->left[row];
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		if (known && loads->table.columns[loads->slot_column[slot]].quality[row] == 0)
			continue;
		if (held_still(&sampled, left->came[at], left->tail[at].left) > 0)
			return false;
	}
	return true;
}

// Of those that are there. The row's last first: it is the one that takes the place of one that is
// dropped.
static void land_flights(struct cs_loads *loads, uint32_t row, int64_t until)
{
	struct cs_flights *flights = &loads->flights[row];
	int64_t oldest = CS_NEVER;
	for (uint32_t at = flights->n; at-- > 0;) {
		int64_t came = flights->came[at];
		if (came <= until)
			drop(loads, row, at);
		else if (came < oldest)
			oldest = came;
	}
	flights->oldest = oldest;
}

void cs_loads_land(struct cs_loads *loads, uint32_t row)
{
	int64_t until = told_until(loads, row, false);
	if (loads->flights[row].oldest <= until)
		land_flights(loads, row, until);
	for (uint32_t at = loads->left[row].n; at-- > 0;)
		if (is_over(loads, row, at, false))
			take_out(loads, &loads->left[row], at);
}

void cs_loads_prefetch(const struct cs_loads *loads, uint32_t slot, uint32_t row)
{
	if (row >= loads->capacity)
		return;
	const struct cs_flights *flights = &loads->flights[row];
	for (uint32_t at = 0; at < flights->n; at += CACHE_LINE / sizeof(*flights->came))
		__builtin_prefetch(&flights->came[at]);
	for (uint32_t at = 0; at < flights->n; at += CACHE_LINE / sizeof(*flights->expected))
		__builtin_prefetch(expected_at(flights, slot, at));
}

static uint32_t create(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row,
		       int64_t came, union cs_flight_tail tail)
{
	struct cs_flights *flights = &cluster->loads.flights[row];
	uint32_t at = enter(&cluster->loads, flights, came, tail);
	for (uint32_t slot = 0; slot < cluster->loads.n_slots && at < FLIGHTS_MAX; slot++)
		*expected_at(flights, slot, at) = expected_of(cluster, pod, row, slot);
	return at;
}

// Samples hold all of a pod that nobody had told of: what they said of a row with fewer is not so.
static void forget_rests(struct cs_loads *loads, uint32_t row, int64_t came)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		const struct sampled sampled = sampled_of(loads, slot, row);
		if (came <= sampled.taken - sampled.longer)
			loads->hidden[loads->slot_column[slot]].rest[row] =
				(struct cs_load_rest){ 0 };
	}
}

void cs_loads_come(struct cs_cluster *cluster, struct cs_pod *pod, int64_t when)
{
	struct cs_loads *loads = &cluster->loads;
	cs_cluster_unreserve(cluster, pod->uid);
	int64_t came = when < loads->now ? when : loads->now;
	forget_rests(loads, pod->row, came);
	if (loads->n_slots == 0 || came < loads->now - loads->horizon ||
	    came <= told_until(loads, pod->row, false))
		return;
	uint32_t at = create(cluster, pod, pod->row, came, (union cs_flight_tail){ .pod = pod });
	pod->flight = at + 1;
	count_flight(loads, pod->row, at, 1);
}

void cs_loads_forget(struct cs_cluster *cluster, struct cs_pod *pod)
{
	if (!pod->flight)
		return;
	count_flight(&cluster->loads, pod->row, pod->flight - 1, -1);
	drop(&cluster->loads, pod->row, pod->flight - 1);
}

// A pod without an entry is wholly in all samples.
void cs_loads_leave(struct cs_cluster *cluster, struct cs_pod *pod)
{
	struct cs_loads *loads = &cluster->loads;
	uint32_t row = pod->row;
	if (loads->n_slots == 0)
		return;
	const struct cs_flights *flights = &loads->flights[row];
	struct cs_flights *left = &loads->left[row];
	int64_t came = pod->flight ? flights->came[pod->flight - 1] : CS_LONG_AGO;
	uint32_t at = enter(loads, left, came, (union cs_flight_tail){ .left = loads->now });
	for (uint32_t slot = 0; slot < loads->n_slots && at < FLIGHTS_MAX; slot++)
		*expected_at(left, slot, at) =
			pod->flight ? *expected_at(flights, slot, pod->flight - 1)
				    : expected_of(cluster, pod, row, slot);
	cs_loads_forget(cluster, pod);
	count_left(loads, row, at, 1);
	if (is_over(loads, row, at, false))
		take_out(loads, left, at);
}

// Whatever share of the pod samples hold: what they lack is not added any more, what they hold is
// taken away, which is all of it together.
void cs_loads_suppose(struct cs_cluster *cluster, const struct cs_pod *pod, uint32_t row, int sign)
{
	struct cs_loads *loads = &cluster->loads;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		float expected = pod->flight
					 ? *expected_at(&loads->flights[row], slot, pod->flight - 1)
					 : expected_of(cluster, pod, row, slot);
		double unit = loads->hidden[loads->slot_column[slot]].unit;
		add_up(loads, slot, row, sign * (int64_t)((double)expected * unit + 0.5));
	}
}

// ---- reservations ----

// Returns CS_EVENT_LOAD where that takes the row below a watched threshold.
static uint32_t end_reservation(struct cs_loads *loads, struct cs_reservation *reservation)
{
	uint32_t row = reservation->row;
	struct cs_load_before before[CS_LOAD_METRICS_MAX] = { 0 };
	uint32_t events = 0;
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		before[slot] = cs_loads_before(loads, loads->slot_column[slot], row);
	cs_map_remove(&loads->reservations, cs_slice_of(reservation->uid));
	count_flight(loads, row, reservation->at, -1);
	drop(loads, row, reservation->at);
	for (uint32_t slot = 0; slot < loads->n_slots; slot++)
		events |= cs_loads_events(loads, loads->slot_column[slot], row, before[slot]);
	cs_nodes_touch(loads->nodes, row);
	free(reservation->uid);
	free(reservation);
	return events;
}

// Nobody has validated what another scheduler's pod says of itself before the API server tells of
// it: it counts as one full node at most.
static void cap_expected(const struct cs_loads *loads, uint32_t row, uint32_t at)
{
	for (uint32_t slot = 0; slot < loads->n_slots; slot++) {
		double capacity = loads->table.columns[loads->slot_column[slot]].capacity[row];
		float *expected = expected_at(&loads->flights[row], slot, at);
		if (capacity > 0 && (double)*expected > capacity)
			*expected = (float)capacity;
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
	*reservation = (struct cs_reservation){
		.uid = cs_strdup(pod->uid),
		.until = until_wall,
		.row = row,
		.at = create(cluster, pod, row, CS_NEVER,
			     (union cs_flight_tail){ .reservation = reservation }),
	};
	cap_expected(loads, row, reservation->at);
	cs_map_put(&loads->reservations, cs_slice_of(reservation->uid), reservation);
	count_flight(loads, row, reservation->at, 1);
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
	for (uint32_t at = loads->flights[row].n; at-- > 0;)
		if (loads->flights[row].came[at] == CS_NEVER)
			loads->untold |=
				end_reservation(loads, loads->flights[row].tail[at].reservation);
	while (loads->left[row].n > 0)
		take_out(loads, &loads->left[row], loads->left[row].n - 1);
	cs_loads_set_addresses(loads, row, NULL);
	cs_loads_set_weight(loads, row, CS_NODE_WEIGHT_DEFAULT);
	for (uint32_t i = 0; i < loads->table.n_columns; i++) {
		struct cs_load_column *column = &loads->table.columns[i];
		cs_loads_set_quality(loads, i, row, 0);
		column->taken[row] = 0;
		column->window[row] = 0;
		column->sample[row] = 0;
		column->capacity[row] = 0;
		column->strain[row] = loads->hidden[i].strain[row] = 1;
		column->state[row] = CS_LOAD_MISSING;
		loads->hidden[i].refused[row] = 0;
		loads->hidden[i].rest[row] = (struct cs_load_rest){ 0 };
		loads->hidden[i].sums[row] = (struct cs_strain_sums){ 0 };
		loads->hidden[i].taught[row] = 0;
		uint32_t slot = cs_loads_slot(loads, i);
		if (slot != UINT32_MAX)
			cs_loads_resum(loads, slot, row);
	}
	cs_loads_refresh_row(loads, row);
	loads->unsettled = UINT32_MAX;
}

// Those of which no sample will show more than is shown now: those there are say nothing any more.
static void expire_row(struct cs_loads *loads, uint32_t row)
{
	const struct cs_flights *flights = &loads->flights[row];
	struct cs_flights *left = &loads->left[row];
	int64_t until = told_until(loads, row, true);
	int64_t lost = loads->now - loads->horizon;
	for (uint32_t at = flights->n; at-- > 0;)
		if (flights->came[at] < lost && flights->came[at] <= until) {
			count_flight(loads, row, at, -1);
			drop(loads, row, at);
		}
	for (uint32_t at = left->n; at-- > 0;)
		if (left->came[at] < lost && is_over(loads, row, at, true)) {
			count_left(loads, row, at, -1);
			take_out(loads, left, at);
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
	for (uint32_t row = 0; row < loads->nodes->table.n_rows; row++) {
		struct cs_flights *flights = &loads->flights[row];
		const struct cs_flights *left = &loads->left[row];
		cs_load_redate(&flights->oldest, now);
		for (uint32_t i = 0; i < flights->n; i++)
			if (flights->came[i] != CS_NEVER)
				cs_load_redate(&flights->came[i], now);
		for (uint32_t i = 0; i < left->n; i++) {
			cs_load_redate(&left->came[i], now);
			cs_load_redate(&left->tail[i].left, now);
		}
	}
	size_t at = 0;
	struct cs_reservation *reservation;
	while ((reservation = cs_map_next(&loads->reservations, &at)))
		reservation->until -= loads->now - now; // as long as it had
}
