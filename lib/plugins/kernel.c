// The loops over node columns. Neighbours: kernel.h says what each computes.
// Written for the vectoriser: no branches, arithmetic first, selection after (& and not &&).
#include "kernel.h"

#include <csched/base/clones.h>
#include <math.h>
#include <string.h>

#define BLOCK 256 // rows whose sums live on the stack

// Where some row is short of something: what it could never have.
CS_CLONES
static void add_never(const struct cs_kernel_fit fits[2], struct cs_rows rows,
		      uint8_t *restrict verdict)
{
	const struct cs_kernel_fit a = fits[0], b = fits[1];
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t never = (a.asked > a.allocatable[row]) | (b.asked > b.allocatable[row]);
		verdict[row] = (uint8_t)(verdict[row] + never);
	}
}

CS_CLONES
static bool are_short(const uint8_t *restrict full, const struct cs_kernel_fit fits[2],
		      struct cs_rows rows, uint8_t *restrict verdict)
{
	const int64_t *restrict free_a = fits[0].free;
	const int64_t *restrict free_b = fits[1].free;
	int64_t asked_a = fits[0].asked, asked_b = fits[1].asked;
	uint8_t some = 0;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t is_short = full[row] | (asked_a > free_a[row]) | (asked_b > free_b[row]);
		verdict[row] = is_short;
		some |= is_short;
	}
	return some;
}

void cs_kernel_fit_pods(const uint8_t *restrict full, const struct cs_kernel_fit fits[2],
			struct cs_rows rows, uint8_t *restrict verdict)
{
	_Static_assert(CS_VERDICT_UNSCHEDULABLE == 1, "what is short");
	_Static_assert(CS_VERDICT_UNRESOLVABLE == 2, "what is short and never enough");
	if (are_short(full, fits, rows, verdict))
		add_never(fits, rows, verdict);
}

CS_CLONES
void cs_kernel_fit(const struct cs_kernel_fit *fit, struct cs_rows rows, uint8_t *restrict verdict)
{
	const int64_t *restrict allocatable = fit->allocatable;
	const int64_t *restrict free = fit->free;
	int64_t asked = fit->asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		uint8_t word = (uint8_t)((asked > free[row]) + (asked > allocatable[row]));
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

// ---- sets of rows ----

#define WORD 64 // rows in a word of a bitmap

// The bits of a row and those behind it in its word.
static inline uint64_t bits_from(const struct cs_bitmap *set, uint32_t row)
{
	return row / WORD < set->n_words ? set->words[row / WORD] >> (row % WORD) : 0;
}

// The rows up to the end of a word or of all.
static inline uint32_t rest_of_word(struct cs_rows rows, uint32_t row)
{
	uint32_t word = WORD - row % WORD, all = rows.end - row;
	return word < all ? word : all;
}

// Bytes 0xff where bits are set, else 0.
static inline void spread_bits(uint64_t bits, uint8_t bytes[WORD])
{
	for (uint32_t i = 0; i < WORD / 8; i++) {
		// One bit of the eight in each byte, moved to the lowest place there.
		uint64_t some = (bits >> (8 * i) & 0xff) * UINT64_C(0x0101010101010101) &
				UINT64_C(0x8040201008040201);
		some = (some + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 7 & UINT64_C(0x0101010101010101);
		some *= 0xff;
		for (uint32_t k = 0; k < 8; k++) // the lowest row first, on any machine
			bytes[8 * i + k] = (uint8_t)(some >> (8 * k));
	}
}

CS_CLONES
void cs_kernel_flag_others(const struct cs_bitmap *set, uint8_t value, struct cs_rows rows,
			   uint8_t *restrict verdict)
{
	uint8_t in[WORD];
	for (uint32_t row = rows.first, n; row < rows.end; row += n) {
		uint8_t *restrict words = verdict + row;
		spread_bits(bits_from(set, row), in);
		n = rest_of_word(rows, row);
		for (uint32_t k = 0; k < n; k++)
			words[k] = (uint8_t)((words[k] & in[k]) | (value & ~in[k]));
	}
}

CS_CLONES
void cs_kernel_add_to_set(const struct cs_bitmap *set, int64_t weight, struct cs_rows rows,
			  int64_t *restrict out)
{
	for (uint32_t row = rows.first, n; row < rows.end; row += n) {
		int64_t *restrict sums = out + row;
		uint64_t bits = bits_from(set, row);
		n = rest_of_word(rows, row);
		for (uint64_t k = 0; k < n; k++)
			sums[k] += weight & -(int64_t)(bits >> k & 1);
	}
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

// One of the strategies: adds a term to the sums, in doubles or, for nodes of more than 16 TiB of
// something, in integers as upstream; then divides.
struct strategy {
	void (*add)(const struct strategy *self, const struct cs_kernel_term *term,
		    struct cs_rows rows, struct sums *sums);
	void (*add_exact)(const struct strategy *self, const struct cs_kernel_term *term,
			  struct cs_rows rows, struct sums *sums);
	double round; // 0.5: half up; 0: truncates
	const double *ratio;
};

// part * 100 / capacity, truncated, without a division; 0 of nothing. See CS_ALLOCATABLE_EXACT.
static inline int32_t hundredths(double part, double inverse)
{
	return (int32_t)(part * 100.0 * inverse);
}

CS_CLONES
static void divide(const struct sums *sums, uint32_t n, double round, uint8_t *restrict out)
{
	for (uint32_t i = 0; i < n; i++) {
		double weight = sums->weight[i] > 0 ? sums->weight[i] : 1.0;
		out[i] = (uint8_t)(int32_t)(sums->score[i] / weight + round);
	}
}

static void run(const struct strategy *strategy, const struct cs_kernel_term *terms,
		uint32_t n_terms, struct cs_rows rows, uint8_t *restrict out)
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
		double part = hundredths(free > 0 ? free : 0, inverse[i]);
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

// Of a row that lacks one of the two the other counts alone.
CS_CLONES
void cs_kernel_least_pair(const struct cs_kernel_term terms[2], struct cs_rows rows,
			  uint8_t *restrict out)
{
	const double *restrict free_a = terms[0].free_double, *restrict free_b =
								      terms[1].free_double;
	const double *restrict inverse_a = terms[0].inverse, *restrict inverse_b = terms[1].inverse;
	double asked_a = (double)terms[0].asked, asked_b = (double)terms[1].asked;
	int32_t weight_a = (int32_t)terms[0].weight, weight_b = (int32_t)terms[1].weight;
	// A sum of two is below 2^15, and no quotient nearer to the next whole number than 1 / 200.
	float inverse = 1.0F / (float)(weight_a + weight_b);
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double left_a = free_a[row] - asked_a, left_b = free_b[row] - asked_b;
		int32_t part_a = hundredths(left_a > 0 ? left_a : 0, inverse_a[row]);
		int32_t part_b = hundredths(left_b > 0 ? left_b : 0, inverse_b[row]);
		bool both = (inverse_a[row] > 0) & (inverse_b[row] > 0);
		int32_t sum = part_a * weight_a + part_b * weight_b;
		int32_t mean = (int32_t)(((float)sum + 0.5F) * inverse);
		out[row] = (uint8_t)(both ? mean : part_a + part_b);
	}
}

void cs_kernel_least_allocated(const struct cs_kernel_term *terms, uint32_t n_terms,
			       struct cs_rows rows, uint8_t *restrict out)
{
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
		double part = hundredths(sum < capacity ? sum : capacity, inverse[i]);
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
			      struct cs_rows rows, uint8_t *restrict out)
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
		double part = ratio[hundredths(sum, inverse[i])];
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
			      uint8_t *restrict out)
{
	const struct strategy strategy = {
		.add = add_ratio, .add_exact = add_ratio_exact, .round = 0.5, .ratio = ratio
	};
	run(&strategy, terms, n_terms, rows, out);
}

// ---- BalancedAllocation ----

static inline double at_most_one(double f)
{
	return f > 1.0 ? 1.0 : f;
}

static inline double fraction(double used, double capacity)
{
	return at_most_one(used / (capacity > 0 ? capacity : 1.0));
}

// The same without a division, to the last bit, of whole numbers where 0 < capacity <=
// CS_ALLOCATABLE_EXACT; 0 of nothing. The first quotient is wrong by less than four units in its
// last place, so that the rest is exact; what the inverse's error makes of the rest is below 2^-49
// units, while a quotient of such numbers lies 2^-45 units or more from any number halfway between
// two doubles. Needs a machine that multiplies and adds at once.
static inline double fused_fraction(double used, double capacity, double inverse)
{
	double near = used * inverse;
	double rest = fma(-near, capacity, used);
	return at_most_one(fma(rest, inverse, near));
}

static inline __attribute__((always_inline)) void balance_pair(const struct cs_kernel_term terms[2],
							       const uint8_t *restrict without,
							       struct cs_rows rows,
							       uint8_t *restrict out, bool fused)
{
	const double *restrict capacity_a = terms[0].allocatable_double;
	const double *restrict capacity_b = terms[1].allocatable_double;
	const double *restrict used_a = terms[0].used_double;
	const double *restrict used_b = terms[1].used_double;
	const double *restrict inverse_a = terms[0].inverse;
	const double *restrict inverse_b = terms[1].inverse;
	double asked_a = (double)terms[0].asked;
	double asked_b = (double)terms[1].asked;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		double sum_a = used_a[row] + asked_a, sum_b = used_b[row] + asked_b;
		double a = fused ? fused_fraction(sum_a, capacity_a[row], inverse_a[row])
				 : fraction(sum_a, capacity_a[row]);
		double b = fused ? fused_fraction(sum_b, capacity_b[row], inverse_b[row])
				 : fraction(sum_b, capacity_b[row]);
		bool both = (inverse_a[row] > 0) & (inverse_b[row] > 0);
		int32_t with = both ? cs_balance_of(a, b) : 100;
		out[row] = (uint8_t)(50 + (50 + with - without[row]) / 2);
	}
}

CS_CLONES
static void balance_fused(const struct cs_kernel_term terms[2], const uint8_t *restrict without,
			  struct cs_rows rows, uint8_t *restrict out)
{
	balance_pair(terms, without, rows, out, true);
}

CS_CLONES
static void balance_divided(const struct cs_kernel_term terms[2], const uint8_t *restrict without,
			    struct cs_rows rows, uint8_t *restrict out)
{
	balance_pair(terms, without, rows, out, false);
}

void cs_kernel_balanced_pair(const struct cs_kernel_term terms[2], const uint8_t *restrict without,
			     struct cs_rows rows, uint8_t *restrict out)
{
	(CS_CLONES_FUSE ? balance_fused : balance_divided)(terms, without, rows, out);
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
			    struct cs_rows rows, uint8_t *restrict out)
{
	int32_t with[BLOCK] = { 0 }, without[BLOCK] = { 0 };
	for (uint32_t first = rows.first; first < rows.end; first += BLOCK) {
		uint32_t end = rows.end - first > BLOCK ? first + BLOCK : rows.end;
		struct cs_rows block = { .first = first, .end = end };
		balance_block(terms, n_terms, block, true, with);
		balance_block(terms, n_terms, block, false, without);
		for (uint32_t row = first; row < end; row++)
			out[row] =
				(uint8_t)(50 + (50 + with[row - first] - without[row - first]) / 2);
	}
}

// ---- domains ----

// Not for the wide registers: their gathers are slower than loads one by one.
void cs_kernel_look_up(const uint32_t *restrict domain, const uint8_t *restrict table,
		       struct cs_rows rows, uint8_t *restrict out)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = table[(uint32_t)(domain[row] + 1)];
}

CS_CLONES
uint32_t cs_kernel_greatest(const uint32_t *restrict values, uint32_t n)
{
	uint32_t greatest = 0;
	for (uint32_t i = 0; i < n; i++)
		greatest = values[i] > greatest ? values[i] : greatest;
	return greatest;
}
