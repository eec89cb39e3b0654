// ImageLocality: nodes that have the pod's images already. Neighbours: cluster's image.h keeps the
// rows and the size of each; mirrors plugins/imagelocality.
// What an image adds is the same for every row that has it, so it is worked out once per decision.
#include <csched/cluster/image.h>
#include <inttypes.h>
#include <string.h>

#include "amounts.h"
#include "plugins.h"

#define MIB           (INT64_C(1024) * 1024)
#define LEAST         (23 * MIB)
#define PER_CONTAINER (1000 * MIB)

#define IMAGES_MAX 8 // told of

struct part {
	const struct cs_bitmap *rows;
	uint64_t amount; // bytes; wraps as Go's sums do
};

struct parts {
	uint32_t n;
	struct part *items; // images that some row has
};

// As Go converts on amd64: what no int64 can hold becomes the least one.
static int64_t to_int64(double value)
{
	return value >= -0x1p63 && value < 0x1p63 ? (int64_t)value : INT64_MIN;
}

static int64_t scaled(const struct cs_image *image, uint32_t n_nodes)
{
	double spread = (double)image->n_rows / (double)n_nodes;
	return to_int64((double)image->size * spread);
}

// Never skipped, though most demands name images that no node has told of.
static enum cs_prepare prepare_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	const struct cs_demand *demand = cycle->demand;
	uint32_t n_nodes = cycle->nodes->n_live;
	struct parts *parts = cs_arena_alloc(cycle->scratch, sizeof(*parts));
	parts->items =
		cs_arena_alloc_array(cycle->scratch, demand->n_images, sizeof(*parts->items));
	uint64_t newest = 0;
	for (uint32_t i = 0; i < demand->n_images; i++) {
		const struct cs_image *image = cs_cluster_image(cycle->cluster, demand->images[i]);
		if (image->n_rows == 0)
			continue;
		newest = image->version > newest ? image->version : newest;
		parts->items[parts->n++] = (struct part){
			.rows = &image->rows,
			.amount = (uint64_t)scaled(image, n_nodes),
		};
	}
	self->score_state = parts;
	// An image's version is above all earlier ones of any image; which of them some row has can
	// only change together with one. The number of nodes takes part in every amount.
	self->score_version = parts->n > 0 ? newest << 24 ^ n_nodes : 0;
	self->scores_nothing = parts->n == 0;
	return CS_PREPARE_GO;
}

static int64_t sum_of(const struct parts *parts, uint32_t row)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < parts->n; i++)
		if (cs_bitmap_test(parts->items[i].rows, row))
			sum += parts->items[i].amount;
	return (int64_t)sum;
}

static uint8_t score_of(int64_t sum, uint32_t n_containers)
{
	int64_t most = PER_CONTAINER * n_containers;
	if (sum < LEAST)
		sum = LEAST;
	else if (sum > most)
		sum = most;
	return (uint8_t)(100 * (sum - LEAST) / (most - LEAST));
}

static void score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		  struct cs_rows rows, uint8_t *restrict out)
{
	const struct parts *parts = self->score_state;
	memset(out + rows.first, 0, rows.end - rows.first);
	for (uint32_t row = rows.first; parts->n > 0 && row < rows.end; row++)
		out[row] = score_of(sum_of(parts, row), cycle->demand->n_image_containers);
}

// "nginx:1.27 1Gi x 12 / 24 nodes", one behind the other. Returns their sum.
static double explain_images(const struct cs_cycle *cycle, uint32_t row, struct cs_buffer *out)
{
	const struct cs_demand *demand = cycle->demand;
	uint32_t n = 0;
	double sum = 0;
	for (uint32_t i = 0; i < demand->n_images; i++) {
		const struct cs_image *image = cs_cluster_image(cycle->cluster, demand->images[i]);
		if (!cs_bitmap_test(&image->rows, row))
			continue;
		sum += (double)scaled(image, cycle->nodes->n_live);
		if (n++ >= IMAGES_MAX)
			continue;
		cs_buffer_printf(out, "%s%s ", n > 1 ? " + " : "", image->name);
		cs_amount_print(out, "memory", (double)image->size);
		cs_buffer_printf(out, " x %" PRIu32 " / %" PRIu32 " nodes", image->n_rows,
				 cycle->nodes->n_live);
	}
	if (n > IMAGES_MAX)
		cs_buffer_printf(out, " + %" PRIu32 " images more", n - IMAGES_MAX);
	if (n == 0)
		cs_buffer_append_string(out, "none of the pod's images is on it");
	return sum;
}

static void explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  uint32_t row, struct cs_buffer *out)
{
	(void)self;
	double most = (double)PER_CONTAINER * cycle->demand->n_image_containers;
	double sum = explain_images(cycle, row, out);
	cs_buffer_append_string(out, " = ");
	cs_amount_print(out, "memory", sum);
	if (sum <= (double)LEAST) {
		cs_buffer_append_string(out, ", not above 23Mi = 0");
		return;
	}
	sum = sum < most ? sum : most;
	cs_buffer_append_string(out, "; 100 x (");
	cs_amount_print(out, "memory", sum);
	cs_buffer_printf(out, " - 23Mi) / (%" PRIu32 " x 1000Mi - 23Mi) = %.4g",
			 cycle->demand->n_image_containers,
			 100 * (sum - (double)LEAST) / (most - (double)LEAST));
}

const struct cs_plugin cs_plugin_image_locality = {
	.name = "ImageLocality",
	.row_local = true,
	.prepare_score = prepare_score,
	.score = score,
	.explain_score = explain_score,
};
