// The part of the self-check about what pods ask of nodes: ports, images, features, recomputed
// from pods, demands and rows. Neighbours: check.c calls it.
#include <csched/base/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"

struct check {
	const struct cs_cluster *cluster;
	struct cs_arena *arena;
	struct cs_error *err;
	struct cs_map expected; // struct tally by its key
	uint64_t total;
};

// How many pods take a port on a row.
struct tally {
	struct {
		uint32_t row;
		struct cs_host_port port;
	} key;
	uint32_t count;
};

static int fail(const struct check *check, uint32_t row, const char *what)
{
	return cs_error_set(check->err, -EUCLEAN,
			    "row %" PRIu32 " (%s): %s differs from what it should be", row,
			    cs_cluster_node_name(check->cluster, row), what);
}

// ---- ports ----

static void tally(struct check *check, uint32_t row, struct cs_host_port port)
{
	struct tally *tally = cs_arena_alloc(check->arena, sizeof(*tally));
	tally->key.row = row;
	tally->key.port = port;
	struct cs_slice key = { (const char *)&tally->key, sizeof(tally->key) };
	struct tally *known = cs_map_get(&check->expected, key);
	if (!known)
		cs_map_put(&check->expected, key, known = tally);
	known->count++;
	check->total++;
}

static void tally_pods(struct check *check)
{
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&check->cluster->pods, &at)))
		for (uint32_t i = 0; cs_pod_is_counted(pod) && i < pod->footprint->n_ports; i++) {
			struct cs_host_port any = pod->footprint->ports[i];
			any.ip = CS_INTERN_NONE;
			tally(check, pod->row, pod->footprint->ports[i]);
			tally(check, pod->row, any);
		}
}

static int check_ports(struct check *check)
{
	const struct cs_ports *ports = &check->cluster->ports;
	tally_pods(check);
	size_t at = 0;
	const struct tally *expected;
	while ((expected = cs_map_next(&check->expected, &at)))
		if (cs_ports_used(ports, expected->key.row, &expected->key.port) != expected->count)
			return fail(check, expected->key.row, "a port's count");
	if (cs_ports_total(ports) != check->total || !cs_ports_consistent(ports))
		return cs_error_set(check->err, -EUCLEAN, "host ports are counted wrong");
	return 0;
}

// ---- images ----

static bool row_has(const struct cs_node_row *row, uint32_t id)
{
	for (uint32_t i = 0; i < row->n_images; i++)
		if (row->images[i] == id)
			return true;
	return false;
}

static int check_image(struct check *check, uint32_t id, uint32_t n_demands)
{
	const struct cs_cluster *cluster = check->cluster;
	const struct cs_image *image = cs_images_get(&cluster->images, id);
	if (!image && n_demands == 0)
		return 0;
	if (!image)
		return cs_error_set(check->err, -EUCLEAN, "image %" PRIu32 " is gone", id);
	uint32_t n_rows = 0;
	for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++) {
		bool has = row_has(&cluster->nodes.rows[row], id);
		n_rows += has;
		if (has && !cluster->nodes.table.live[row])
			return fail(check, row, "the images of a row that is not live");
		if (cs_bitmap_test(&image->rows, row) != (has && n_demands > 0))
			return fail(check, row, "an image's bitmap");
	}
	if (image->n_rows != n_rows || cs_images_refs(&cluster->images, id) != n_demands ||
	    (n_rows == 0 && image->size != 0) || (n_rows == 0 && n_demands == 0))
		return cs_error_set(check->err, -EUCLEAN, "image %" PRIu32 " is counted wrong", id);
	return 0;
}

static int check_images(struct check *check)
{
	const struct cs_cluster *cluster = check->cluster;
	uint32_t n = cluster->images.n_ids;
	uint32_t *n_demands = cs_arena_alloc_array(check->arena, n, sizeof(*n_demands));
	size_t at = 0;
	const struct cs_content *content;
	while ((content = cs_map_next(&cluster->demands.demands, &at))) {
		const struct cs_demand *demand;
		cs_demand_kept(content, &demand);
		for (uint32_t i = 0; i < demand->n_images; i++)
			n_demands[demand->images[i]]++;
	}
	int rc = 0;
	for (uint32_t id = 0; rc == 0 && id < n; id++)
		rc = check_image(check, id, n_demands[id]);
	return rc;
}

// ---- features ----

static int check_features(const struct check *check)
{
	const struct cs_cluster *cluster = check->cluster;
	for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++) {
		uint32_t declared = cluster->nodes.rows[row].features;
		if (declared != 0 && !cluster->nodes.table.live[row])
			return fail(check, row, "the features of a row that is not live");
		for (uint32_t set = 1; set <= CS_FEATURE_ALL; set++)
			if (cs_bitmap_test(&cluster->features.rows[set], row) !=
			    ((declared & set) == set))
				return fail(check, row, "a features' bitmap");
	}
	return 0;
}

int cs_check_asks(const struct cs_cluster *cluster, struct cs_arena *arena, struct cs_error *err)
{
	struct check check = { .cluster = cluster, .arena = arena, .err = err };
	int rc = check_ports(&check);
	if (rc == 0)
		rc = check_images(&check);
	if (rc == 0)
		rc = check_features(&check);
	cs_map_finish(&check.expected);
	return rc;
}
