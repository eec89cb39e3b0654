// The loops over node columns. Neighbours: kernel.h says what each computes.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "kernel.h"

#include <csched/base/clones.h>
#include <math.h>
#include <string.h>

#define BLOCK 256 // rows whose sums live on the stack

CS_CLONES
void cs_kernel_fit_pods(const struct cs_kernel_pods *pods, const struct cs_kernel_fit fits[2],
			struct cs_rows rows, uint8_t *restrict verdict)
{
	const int64_t *restrict n_pods = pods->n_pods;
	const int64_t *restrict max_pods = pods->max_pods;
	const struct cs_kernel_fit a = fits[0], b = fits[1];
	_Static_assert(CS_VERDICT_UNSCHEDULABLE == 1, "what is short");
	_Static_assert(CS_VERDICT_UNRESOLVABLE == 2, "what is short and never enough");
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t full = n_pods[row] >= max_pods[row];
		int64_t is_short = (a.asked > a.allocatable[row] - a.requested[row]) |
				   (b.asked > b.allocatable[row] - b.requested[row]);
		int64_t never = (a.asked > a.allocatable[row]) | (b.asked > b.allocatable[row]);
		verdict[row] = (uint8_t)((full | is_short) + never);
	}
}

CS_CLONES
void cs_kernel_fit(const struct cs_kernel_fit *fit, struct cs_rows rows, uint8_t *restrict verdict)
{
	const int64_t *restrict allocatable = fit->allocatable;
	const int64_t *restrict requested = fit->requested;
	int64_t asked = fit->asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t word = (uint8_t)((asked > allocatable[row] - requested[row]) +
					 (asked > allocatable[row]));
		verdict[row] = word > verdict[row] ? word : verdict[row];
	}
}

CS_CLONES
void cs_kernel_flags(const uint8_t *restrict flags, uint8_t value, struct cs_rows rows,
		     uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = (uint8_t)(flags[row] ? value : 0);
}

// ---- columns of ids ----

// What the four ids say of one.
static inline int32_t word_of(const struct cs_kernel_ids *ids, uint32_t id)
{
	_Static_assert(CS_KERNEL_IDS == 4, "all of them");
	return (id == ids->ids[0] ? ids->words[0] : 0) | (id == ids->ids[1] ? ids->words[1] : 0) |
	       (id == ids->ids[2] ? ids->words[2] : 0) | (id == ids->ids[3] ? ids->words[3] : 0);
}

CS_CLONES
void cs_kernel_match(const uint32_t *restrict column, const struct cs_kernel_ids *ids,
		     struct cs_rows rows, uint8_t *restrict verdict)
{
	const struct cs_kernel_ids own = *ids;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] |= (uint8_t)word_of(&own, column[row]);
}

CS_CLONES
void cs_kernel_match_scores(const uint32_t *restrict column, const struct cs_kernel_ids *ids,
			    struct cs_rows rows, bool first, int64_t *restrict out)
{
	const struct cs_kernel_ids own = *ids;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = (first ? 0 : out[row]) + word_of(&own, column[row]);
}

// ---- resources ----

struct sums {
	_Alignas(64) double score[BLOCK];
	_Alignas(64) double weight[BLOCK];
};

// One of the strategies: adds a term to the sums, in doubles or, for nodes of more than 81 TiB of
// something, in integers as upstream; then divides.
struct strategy {
	void (*add)(const struct strategy *self, const struct cs_kernel_term *term,
		    struct cs_rows rows, struct sums *sums);
	void (*add_exact)(const struct strategy *self, const struct cs_kernel_term *term,
			  struct cs_rows rows, struct sums *sums);
	double round; // 0.5: half up; 0: truncates
	const double *ratio;
};

// The whole number next to one in 0 .. 2^51: what comes above 2^52 has no bits for less.
static inline double nearest(double number)
{
	return number + 0x1p52 - 0x1p52;
}

// part * 100 / capacity, truncated, without a division; 0 of nothing. 100 * part + capacity <=
// 2^53, so that products are exact: they tell whether the quotient was rounded up.
static inline double hundredths(double part, double capacity, double inverse)
{
	double wanted = part * 100.0;
	double near = nearest(wanted * inverse);
	return near - (near * capacity > wanted ? 1.0 : 0.0);
}

// Of whole numbers, truncated; the inverse is that of a weight below 4,000. No quotient is nearer
// to the next whole number than 1 / weight, if not equal.
static inline int64_t quotient(double score, double inverse)
{
	double whole = (score + 0.5) * inverse - 0.5 + 0x1p52;
	int64_t bits;
	memcpy(&bits, &whole, sizeof(bits));
	return bits - INT64_C(0x4330000000000000);
}

CS_CLONES
static void divide(const struct sums *sums, uint32_t n, double round, int64_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		double weight = sums->weight[i] > 0 ? sums->weight[i] : 1.0;
		out[i] = (int32_t)(sums->score[i] / weight + round);
	}
}

static void run(const struct strategy *strategy, const struct cs_kernel_term *terms,
		uint32_t n_terms, struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t end = rows.end - first > BLOCK ? first + BLOCK : rows.end;
		struct cs_rows block = { .first = first, .end = end };
		struct sums sums = { 0 };
		for (uint32_t i = 0; i < n_terms; i++) {
			if (terms[i].exact)
				strategy->add(strategy, &terms[i], block, &sums);
			else
				strategy->add_exact(strategy, &terms[i], block, &sums);
		}
		divide(&sums, end - first, strategy->round, out + first);
	}
}

// Above 2^63 upstream's products wrap around; these do not.
static int64_t percent(__int128 part, int64_t capacity)
{
	return (int64_t)(part * 100 / capacity);
}

// ---- LeastAllocated ----

CS_CLONES
static void add_least(const struct strategy *self, const struct cs_kernel_term *term,
		      struct cs_rows rows, struct sums *sums)
{
	(void)self;
	const double *restrict allocatable = term->allocatable_double + rows.first;
	const double *restrict used = term->used_double + rows.first;
	const double *restrict inverse = term->inverse + rows.first;
	double asked = (double)term->asked;
	double weight = (double)term->weight;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		double capacity = allocatable[i];
		double free = capacity - (used[i] + asked);
		double part = hundredths(free > 0 ? free : 0, capacity, inverse[i]);
		sums->score[i] += part * weight;
		sums->weight[i] += capacity > 0 ? weight : 0.0;
	}
}

static void add_least_exact(const struct strategy *self, const struct cs_kernel_term *term,
			    struct cs_rows rows, struct sums *sums)
{
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t capacity = term->allocatable[row];
		__int128 free = (__int128)capacity - term->used[row] - term->asked;
		if (capacity <= 0)
			continue;
		int64_t part = free > 0 ? percent(free, capacity) : 0;
		sums->score[row - rows.first] += (double)part * (double)term->weight;
		sums->weight[row - rows.first] += (double)term->weight;
	}
}

static const struct strategy least = { .add = add_least, .add_exact = add_least_exact };

// The whole of it for two resources. False where a node lacks one of them: weights then differ.
CS_CLONES
static bool least_pair(const struct cs_kernel_term terms[2], struct cs_rows rows,
		       int64_t *restrict out)
{
	const struct cs_kernel_term a = terms[0], b = terms[1];
	double asked_a = (double)a.asked, asked_b = (double)b.asked;
	double weight_a = (double)a.weight, weight_b = (double)b.weight;
	double inverse = 1.0 / (weight_a + weight_b);
	int64_t lacks = 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double capacity_a = a.allocatable_double[row],
		       capacity_b = b.allocatable_double[row];
		double free_a = capacity_a - (a.used_double[row] + asked_a);
		double free_b = capacity_b - (b.used_double[row] + asked_b);
		double part_a = hundredths(free_a > 0 ? free_a : 0, capacity_a, a.inverse[row]);
		double part_b = hundredths(free_b > 0 ? free_b : 0, capacity_b, b.inverse[row]);
		out[row] = quotient(part_a * weight_a + part_b * weight_b, inverse);
		lacks |= !(capacity_a > 0) | !(capacity_b > 0);
	}
	return !lacks;
}

void cs_kernel_least_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			       struct cs_rows rows, int64_t *restrict out)
{
	bool is_pair = n_terms == 2 && terms[0].exact && terms[1].exact;
	if (!is_pair || !least_pair(terms, rows, out))
		run(&least, terms, n_terms, rows, out);
}

// ---- MostAllocated ----

CS_CLONES
static void add_most(const struct strategy *self, const struct cs_kernel_term *term,
		     struct cs_rows rows, struct sums *sums)
{
	(void)self;
	const double *restrict allocatable = term->allocatable_double + rows.first;
	const double *restrict used = term->used_double + rows.first;
	const double *restrict inverse = term->inverse + rows.first;
	double asked = (double)term->asked;
	double weight = (double)term->weight;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		double capacity = allocatable[i];
		double sum = used[i] + asked;
		double part = hundredths(sum < capacity ? sum : capacity, capacity, inverse[i]);
		sums->score[i] += part * weight;
		sums->weight[i] += capacity > 0 ? weight : 0.0;
	}
}

static void add_most_exact(const struct strategy *self, const struct cs_kernel_term *term,
			   struct cs_rows rows, struct sums *sums)
{
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t capacity = term->allocatable[row];
		__int128 sum = (__int128)term->used[row] + term->asked;
		if (capacity <= 0)
			continue;
		int64_t part = sum < capacity ? percent(sum, capacity) : 100;
		sums->score[row - rows.first] += (double)part * (double)term->weight;
		sums->weight[row - rows.first] += (double)term->weight;
	}
}

void cs_kernel_most_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			      struct cs_rows rows, int64_t *restrict out)
{
	static const struct strategy most = { .add = add_most, .add_exact = add_most_exact };
	run(&most, terms, n_terms, rows, out);
}

// ---- RequestedToCapacityRatio ----

CS_CLONES
static void add_ratio(const struct strategy *self, const struct cs_kernel_term *term,
		      struct cs_rows rows, struct sums *sums)
{
	const double *restrict ratio = self->ratio;
	const double *restrict allocatable = term->allocatable_double + rows.first;
	const double *restrict used = term->used_double + rows.first;
	const double *restrict inverse = term->inverse + rows.first;
	double asked = (double)term->asked;
	double weight = (double)term->weight;
	for (uint32_t i = 0; i < rows.end - rows.first; i++) {
		double capacity = allocatable[i];
		double sum = used[i] + asked;
		sum = sum < capacity ? sum : capacity;
		double part = ratio[(int32_t)hundredths(sum, capacity, inverse[i])];
		double counts = capacity > 0 && part > 0 ? weight : 0.0;
		sums->score[i] += part * counts;
		sums->weight[i] += counts;
	}
}

static void add_ratio_exact(const struct strategy *self, const struct cs_kernel_term *term,
			    struct cs_rows rows, struct sums *sums)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t capacity = term->allocatable[row];
		__int128 sum = (__int128)term->used[row] + term->asked;
		if (capacity <= 0)
			continue;
		double part = self->ratio[sum < capacity ? percent(sum, capacity) : 100];
		double counts = part > 0 ? (double)term->weight : 0.0;
		sums->score[row - rows.first] += part * counts;
		sums->weight[row - rows.first] += counts;
	}
}

void cs_kernel_capacity_ratio(const struct cs_kernel_term *terms, uint32_t n_terms,
			      const double ratio[CS_KERNEL_RATIOS], struct cs_rows rows,
			      int64_t *restrict out)
{
	const struct strategy strategy = {
		.add = add_ratio, .add_exact = add_ratio_exact, .round = 0.5, .ratio = ratio
	};
	run(&strategy, terms, n_terms, rows, out);
}

// ---- BalancedAllocation ----

static inline double fraction(double used, double capacity)
{
	double safe = capacity > 0 ? capacity : 1.0;
	double f = used / safe;
	return f > 1.0 ? 1.0 : f;
}

// int64((1 - std) * 100) with std = |a - b| / 2, or 0 where one of the two is not there.
static inline int32_t pair_score(double a, double b, double both)
{
	double std = fabs((a - b) / 2.0) * both;
	return (int32_t)((1.0 - std) * 100.0);
}

CS_CLONES
void cs_kernel_balanced_pair(const struct cs_kernel_term terms[2], struct cs_rows rows,
			     int64_t *restrict out)
{
	const double *restrict capacity_a = terms[0].allocatable_double;
	const double *restrict capacity_b = terms[1].allocatable_double;
	const double *restrict used_a = terms[0].used_double;
	const double *restrict used_b = terms[1].used_double;
	const double *restrict share_a = terms[0].share;
	const double *restrict share_b = terms[1].share;
	double asked_a = (double)terms[0].asked;
	double asked_b = (double)terms[1].asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double a = capacity_a[row];
		double b = capacity_b[row];
		double both = (a > 0 ? 1.0 : 0.0) * (b > 0 ? 1.0 : 0.0);
		int32_t with = pair_score(fraction(used_a[row] + asked_a, a),
					  fraction(used_b[row] + asked_b, b), both);
		int32_t without = pair_score(share_a[row], share_b[row], both);
		out[row] = 50 + (50 + with - without) / 2;
	}
}

// A block's fractions, term by term.
typedef double fractions[CS_KERNEL_TERMS_MAX][BLOCK];

CS_CLONES
static void divide_double(const struct cs_kernel_term *term, struct cs_rows rows, int64_t asked,
			  double *restrict out)
{
	const double *restrict allocatable = term->allocatable_double + rows.first;
	const double *restrict used = term->used_double + rows.first;
	double more = (double)asked;
	for (uint32_t i = 0; i < rows.end - rows.first; i++)
		out[i] = fraction(used[i] + more, allocatable[i]);
}

// As upstream: the sum in int64, then two conversions.
static void divide_exact(const struct cs_kernel_term *term, struct cs_rows rows, int64_t asked,
			 double *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++) {
		__int128 sum = (__int128)term->used[row] + asked;
		int64_t capped = sum < INT64_MAX ? (int64_t)sum : INT64_MAX;
		out[row - rows.first] = fraction((double)capped, (double)term->allocatable[row]);
	}
}

// What a block's fractions come to, row by row; resources a row lacks do not count.
struct spread {
	double count[BLOCK];
	double total[BLOCK];
	double high[BLOCK];
	double low[BLOCK];
	double squares[BLOCK];
};

CS_CLONES
static void gather(const double *restrict allocatable, const double *restrict parts, uint32_t n,
		   struct spread *spread)
{
	for (uint32_t i = 0; i < n; i++) {
		bool has = allocatable[i] > 0;
		double high = has ? parts[i] : 0.0;
		double low = has ? parts[i] : 1.0;
		spread->count[i] += has ? 1.0 : 0.0;
		spread->total[i] += has ? parts[i] : 0.0;
		spread->high[i] = high > spread->high[i] ? high : spread->high[i];
		spread->low[i] = low < spread->low[i] ? low : spread->low[i];
	}
}

CS_CLONES
static void square(const double *restrict allocatable, const double *restrict parts, uint32_t n,
		   struct spread *spread)
{
	for (uint32_t i = 0; i < n; i++) {
		double safe = spread->count[i] > 0 ? spread->count[i] : 1.0;
		double off = parts[i] - spread->total[i] / safe;
		spread->squares[i] += allocatable[i] > 0 ? off * off : 0.0;
	}
}

// int64((1 - std) * 100).
CS_CLONES
static void balance(const struct spread *restrict spread, uint32_t n, int32_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		double count = spread->count[i];
		double many = sqrt(spread->squares[i] / (count > 0 ? count : 1.0));
		double pair = (spread->high[i] - spread->low[i]) / 2;
		double std = count > 2 ? many : pair;
		std = count > 1 ? std : 0.0;
		out[i] = (int32_t)((1.0 - std) * 100.0);
	}
}

static void balance_block(const struct cs_kernel_term *terms, uint32_t n_terms, struct cs_rows rows,
			  bool with, int32_t *out)
{
	fractions parts;
	struct spread spread = { 0 };
	uint32_t n = rows.end - rows.first;
	for (uint32_t i = 0; i < n; i++)
		spread.low[i] = 1;
	for (uint32_t t = 0; t < n_terms; t++) {
		(terms[t].exact ? divide_double : divide_exact)(
			&terms[t], rows, with ? terms[t].asked : 0, parts[t]);
		gather(terms[t].allocatable_double + rows.first, parts[t], n, &spread);
	}
	for (uint32_t t = 0; t < n_terms; t++)
		square(terms[t].allocatable_double + rows.first, parts[t], n, &spread);
	balance(&spread, n, out);
}

void cs_kernel_balanced_all(const struct cs_kernel_term *terms, uint32_t n_terms,
			    struct cs_rows rows, int64_t *restrict out)
{
	int32_t with[BLOCK] = { 0 }, without[BLOCK] = { 0 };
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t end = rows.end - first > BLOCK ? first + BLOCK : rows.end;
		struct cs_rows block = { .first = first, .end = end };
		balance_block(terms, n_terms, block, true, with);
		balance_block(terms, n_terms, block, false, without);
		for (uint32_t row = first; row < end; row++)
			out[row] = 50 + (50 + with[row - first] - without[row - first]) / 2;
	}
}

// ---- domains ----

// Not for the wide registers: their gathers are slower than loads one by one.
void cs_kernel_look_up(const uint32_t *restrict domain, const int64_t *restrict table,
		       struct cs_rows rows, int64_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = table[(uint32_t)(domain[row] + 1)];
}
