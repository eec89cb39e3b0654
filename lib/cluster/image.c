// Images: which rows have them and the size first told, and for those that demands name a bitmap.
// Neighbours: image.h, image_internal.h.
// Mirrors pkg/scheduler/backend/cache/cache.go (addNodeImageStates, removeNodeImageStates): a node
// that is the only one with an image may change its size, others may not.
#include <csched/cluster/image.h>

#include <assert.h>
#include <csched/base/memory.h>
#include <csched/base/search.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_internal.h"

struct cs_known_image {
	struct cs_image shown; // its bitmap is kept while demands name it; owns the name
	uint32_t id;
	uint32_t n_demands; // references
};

// An image of one node.
struct listed {
	uint32_t id;
	uint32_t place; // in the node's list: the first of a name counts
	int64_t size;
};

void cs_images_init(struct cs_images *images, struct cs_nodes *nodes, uint64_t seed)
{
	images->nodes = nodes;
	cs_map_init(&images->by_name, seed);
}

void cs_images_finish(struct cs_images *images)
{
	cs_map_finish(&images->by_name);
	free(images->all);
	free(images->free_ids);
}

// ---- the images there are ----

static struct cs_known_image *image_for(struct cs_images *images, const char *name)
{
	struct cs_known_image *image = cs_map_get(&images->by_name, cs_slice_of(name));
	if (image)
		return image;
	image = cs_alloc(sizeof(*image));
	image->shown.name = cs_strdup(name);
	image->shown.version = ++images->version;
	if (images->n_free_ids > 0) {
		image->id = images->free_ids[--images->n_free_ids];
	} else {
		image->id = images->n_ids++;
		if ((image->id & (image->id - 1)) == 0) { // a power of two, or none: full
			size_t n = image->id ? 2 * (size_t)image->id : 1;
			images->all = cs_realloc_array(images->all, n, sizeof(*images->all));
			images->free_ids =
				cs_realloc_array(images->free_ids, n, sizeof(*images->free_ids));
		}
	}
	images->all[image->id] = image;
	cs_map_put(&images->by_name, cs_slice_of(image->shown.name), image);
	return image;
}

static void drop_unused(struct cs_images *images, struct cs_known_image *image)
{
	if (image->shown.n_rows > 0 || image->n_demands > 0)
		return;
	cs_map_remove(&images->by_name, cs_slice_of(image->shown.name));
	images->all[image->id] = NULL;
	images->free_ids[images->n_free_ids++] = image->id;
	free((void *)(uintptr_t)image->shown.name);
	free(image);
}

// ---- rows ----

static int compare_listed(const void *a, const void *b)
{
	const struct listed *left = a;
	const struct listed *right = b;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return (left->place > right->place) - (left->place < right->place);
}

// The node's images by id, each once.
static uint32_t read_list(struct cs_images *images, struct cs_arena *scratch,
			  const Kube__NodeStatus *status, struct listed **ret)
{
	size_t most = 0;
	for (size_t i = 0; status && i < status->n_images; i++)
		most += status->images[i]->n_names;
	struct listed *list = cs_arena_alloc_array(scratch, most, sizeof(*list));
	uint32_t n = 0;
	for (size_t i = 0; status && i < status->n_images; i++)
		for (size_t k = 0; k < status->images[i]->n_names; k++, n++)
			list[n] = (struct listed){
				.id = image_for(images, status->images[i]->names[k])->id,
				.place = n,
				.size = status->images[i]->size_bytes,
			};
	qsort(list, n, sizeof(*list), compare_listed);
	uint32_t distinct = 0;
	for (uint32_t i = 0; i < n; i++)
		if (distinct == 0 || list[distinct - 1].id != list[i].id)
			list[distinct++] = list[i];
	*ret = list;
	return distinct;
}

static void join(struct cs_images *images, const struct listed *listed, uint32_t row)
{
	struct cs_known_image *image = images->all[listed->id];
	if (image->shown.n_rows++ == 0)
		image->shown.size = listed->size;
	if (image->n_demands > 0)
		cs_bitmap_set(&image->shown.rows, row, true);
	image->shown.version = ++images->version;
}

static void leave(struct cs_images *images, uint32_t id, uint32_t row)
{
	struct cs_known_image *image = images->all[id];
	if (--image->shown.n_rows == 0)
		image->shown.size = 0;
	if (image->n_demands > 0)
		cs_bitmap_set(&image->shown.rows, row, false);
	image->shown.version = ++images->version;
	drop_unused(images, image);
}

static void stay(struct cs_images *images, const struct listed *listed)
{
	struct cs_image *shown = &images->all[listed->id]->shown;
	if (shown->n_rows > 1 || shown->size == listed->size)
		return;
	shown->size = listed->size;
	shown->version = ++images->version;
}

// Goes from the ids a row had to the list it has. True if they differ.
static bool change_row(struct cs_images *images, uint32_t row, const struct listed *list,
		       uint32_t n)
{
	const struct cs_node_row *kept = &images->nodes->rows[row];
	bool changed = false;
	uint32_t was = 0, is = 0;
	while (was < kept->n_images || is < n) {
		bool old = was < kept->n_images && (is == n || kept->images[was] <= list[is].id);
		bool new = is < n && (was == kept->n_images || list[is].id <= kept->images[was]);
		if (old && new)
			stay(images, &list[is]);
		else if (new)
			join(images, &list[is], row);
		else
			leave(images, kept->images[was], row);
		changed |= old != new;
		was += old;
		is += new;
	}
	return changed;
}

static uint64_t hash_list(const Kube__NodeStatus *status)
{
	uint64_t hash = 1; // 0 stands for no status
	for (size_t i = 0; i < status->n_images; i++) {
		const Kube__ContainerImage *image = status->images[i];
		hash = cs_hash(&image->size_bytes, sizeof(image->size_bytes), hash);
		for (size_t k = 0; k < image->n_names; k++)
			hash = cs_hash(image->names[k], strlen(image->names[k]) + 1, hash);
	}
	return hash;
}

bool cs_images_set_row(struct cs_images *images, struct cs_arena *scratch, uint32_t row,
		       const Kube__NodeStatus *status)
{
	struct cs_node_row *kept = &images->nodes->rows[row];
	// Most updates of a node do not touch its images.
	uint64_t hash = status && status->n_images > 0 ? hash_list(status) : 0;
	if (hash == kept->images_hash)
		return false;
	kept->images_hash = hash;
	struct listed *list;
	uint32_t n = read_list(images, scratch, status, &list);
	bool changed = change_row(images, row, list, n);
	if (!changed)
		return false;
	free(kept->images);
	kept->images = n > 0 ? cs_alloc_array(n, sizeof(*kept->images)) : NULL;
	kept->n_images = n;
	for (uint32_t i = 0; i < n; i++)
		kept->images[i] = list[i].id;
	return true;
}

// ---- demands ----

static bool row_has(const struct cs_node_row *row, uint32_t id)
{
	uint32_t at = cs_search(row->images, sizeof(*row->images), row->n_images, id);
	return at < row->n_images && row->images[at] == id;
}

// plugins/imagelocality normalizedImageName: without a tag it is the latest.
static struct cs_known_image *image_of_pod(struct cs_images *images, const char *name)
{
	const char *colon = strrchr(name, ':');
	const char *slash = strrchr(name, '/');
	if (colon && (!slash || colon > slash))
		return image_for(images, name);
	struct cs_known_image *image;
	CS_AUTO_FREE char *latest = cs_alloc(strlen(name) + sizeof(":latest"));
	memcpy(latest, name, strlen(name));
	memcpy(latest + strlen(name), ":latest", sizeof(":latest"));
	image = image_for(images, latest);
	return image;
}

uint32_t cs_images_ref(struct cs_images *images, const char *name)
{
	struct cs_known_image *image = image_of_pod(images, name ? name : "");
	if (image->n_demands++ == 0 && image->shown.n_rows > 0)
		for (uint32_t row = 0; row < images->nodes->table.n_rows; row++)
			if (row_has(&images->nodes->rows[row], image->id))
				cs_bitmap_set(&image->shown.rows, row, true);
	return image->id;
}

void cs_images_unref(struct cs_images *images, uint32_t id)
{
	struct cs_known_image *image = images->all[id];
	assert(image && image->n_demands > 0);
	if (--image->n_demands > 0)
		return;
	cs_bitmap_finish(&image->shown.rows);
	drop_unused(images, image);
}

// ---- answers ----

const struct cs_image *cs_cluster_image(const struct cs_cluster *cluster, uint32_t id)
{
	return &cluster->images.all[id]->shown;
}

const struct cs_image *cs_images_get(const struct cs_images *images, uint32_t id)
{
	return images->all[id] ? &images->all[id]->shown : NULL;
}

uint32_t cs_images_refs(const struct cs_images *images, uint32_t id)
{
	return images->all[id]->n_demands;
}
