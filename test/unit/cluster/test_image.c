// Images: names, sizes as first told, which rows have them, and when the version grows.
// Neighbours: lib/cluster/image.c.
#include <csched/cluster/image.h>
#include <string.h>

#include "world.h"

static struct world world;

static void setup(void)
{
	world_begin(&world);
}

static void teardown(void)
{
	world_end(&world);
}

#define IMAGE(name, size)  "{names: ['" name "'], sizeBytes: " #size "}"
#define NODE(name, images) add_node(&world, name, "status: {images: [" images "]}")

// The first image of a pending pod.
static const struct cs_image *image_of(const struct cs_pod *pod)
{
	return cs_cluster_image(world.cluster, pod->demand->images[0]);
}

static const struct cs_image *image(const char *name)
{
	const char *spec = cs_arena_printf(world.arena, "containers: [{image: '%s'}]", name);
	return image_of(add_pod(&world, "p", spec));
}

// "a b" of the nodes that have it.
static const char *where(const struct cs_image *shown)
{
	char *names = cs_arena_strdup(world.arena, "");
	uint32_t n = 0;
	for (uint32_t row = 0; row < world.nodes->n_rows; row++)
		if (cs_bitmap_test(&shown->rows, row)) {
			names = cs_arena_printf(world.arena, "%s%s%s", names, n ? " " : "",
						cs_cluster_node_name(world.cluster, row));
			n++;
		}
	ck_assert_uint_eq(n, shown->n_rows);
	world_check(&world);
	return names;
}

static const struct {
	const char *pod;
	const char *node; // the name that is the pod's
} names[] = {
	{ "nginx", "nginx:latest" },
	{ "nginx:1.27", "nginx:1.27" },
	{ "registry:5000/nginx", "registry:5000/nginx:latest" },
	{ "registry:5000/nginx:1", "registry:5000/nginx:1" },
	{ "registry.example/a/b@sha256:00ff", "registry.example/a/b@sha256:00ff" },
	{ "a/b/c", "a/b/c:latest" },
	{ "", ":latest" },
};

START_TEST(normalised_names)
{
	const char *node = cs_arena_printf(world.arena,
					   "status: {images: [{names: ['%s', other], "
					   "sizeBytes: 7}]}",
					   names[_i].node);
	add_node(&world, "a", node);
	ck_assert_str_eq(where(image(names[_i].pod)), "a");
	ck_assert_int_eq(image(names[_i].pod)->size, 7);
	// Names of nodes are taken as they are.
	ck_assert_str_eq(where(image("other")), "");
}
END_TEST

// Upstream's cache: the first node that tells the size of an image decides it until none has it.
START_TEST(the_first_size_counts)
{
	NODE("a", IMAGE("i:1", 100));
	NODE("b", IMAGE("i:1", 200));
	const struct cs_image *i = image("i:1");
	ck_assert_int_eq(i->size, 100);
	ck_assert_str_eq(where(i), "a b");
	NODE("a", IMAGE("i:1", 300)); // b has it, too
	ck_assert_int_eq(i->size, 100);
	NODE("a", "");
	ck_assert_int_eq(i->size, 100);
	ck_assert_str_eq(where(i), "b");
	NODE("b", IMAGE("i:1", 200) ", " IMAGE("other:1", 1)); // the only one says it anew
	ck_assert_int_eq(i->size, 200);
	NODE("a", IMAGE("i:1", 300));
	ck_assert_int_eq(i->size, 200);
	cs_cluster_remove_node(world.cluster, "b");
	ck_assert_int_eq(i->size, 200);
	ck_assert_str_eq(where(i), "a");
	cs_cluster_remove_node(world.cluster, "a");
	ck_assert_int_eq(i->size, 0);
	ck_assert_str_eq(where(i), "");
	NODE("c", IMAGE("i:1", 300));
	ck_assert_int_eq(i->size, 300);
	ck_assert_str_eq(where(i), "c");
}
END_TEST

// Known before anybody asks for them, sizes included.
START_TEST(asked_later)
{
	NODE("a",
	     IMAGE("x:1",
		   1) ", {names: ['i:1', 'i@sha256:00', 'i:1'], sizeBytes: 100}, " IMAGE("i:1", 5));
	NODE("b", IMAGE("i:1", 200));
	const struct cs_image *i = image("i:1");
	ck_assert_int_eq(i->size, 100);
	ck_assert_str_eq(where(i), "a b");
	cs_cluster_remove_pod(world.cluster, world.change.pod);
	NODE("b", "");
	i = image("i:1");
	ck_assert_str_eq(where(i), "a");
	ck_assert_int_eq(image("i@sha256:00")->size, 100);
}
END_TEST

START_TEST(versions)
{
	NODE("a", IMAGE("i:1", 100) ", " IMAGE("k:1", 1));
	const struct cs_pod *pod =
		add_pod(&world, "p", "containers: [{image: 'i:1'}, {image: 'k:1'}]");
	const struct cs_image *i = cs_cluster_image(world.cluster, pod->demand->images[0]);
	const struct cs_image *k = cs_cluster_image(world.cluster, pod->demand->images[1]);
	if (i->size != 100) {
		const struct cs_image *other = i;
		i = k;
		k = other;
	}
	uint64_t of_i = i->version, of_k = k->version;
	uint64_t log = world.nodes->log_end;
	NODE("a", IMAGE("k:1", 1) ", " IMAGE("i:1", 100)); // another order
	ck_assert_uint_eq(i->version, of_i);
	ck_assert_uint_eq(world.nodes->log_end, log);
	NODE("a", IMAGE("k:1", 1) ", " IMAGE("i:1", 101));
	ck_assert_uint_gt(i->version, of_i);
	ck_assert_uint_gt(i->version, of_k);
	ck_assert_uint_eq(world.nodes->log_end, log); // no row has other images
	of_i = i->version;
	NODE("b", IMAGE("i:1", 100));
	ck_assert_uint_gt(i->version, of_i);
	of_i = i->version;
	log = world.nodes->log_end;
	NODE("b", "");
	ck_assert_uint_gt(i->version, of_i);
	ck_assert_uint_eq(world.events, 0); // no event upstream
	ck_assert_uint_gt(world.nodes->log_end, log);
	ck_assert_uint_eq(k->version, of_k);
}
END_TEST

// Ids come back, arrays grow.
START_TEST(many)
{
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 200; i++) {
			const char *images = cs_arena_printf(
				world.arena,
				"status: {images: [{names: ['n%u', 'm%u'], sizeBytes: %u}]}", i,
				i / 2, i + 1);
			add_node(&world, cs_arena_printf(world.arena, "n%u", i), images);
		}
		const struct cs_image *m = image("x/y"); // nobody has it
		ck_assert_uint_eq(m->n_rows, 0);
		m = image("m7:latest");
		ck_assert_uint_eq(m->n_rows, 0);
		world_check(&world);
		for (unsigned i = 0; i < 200; i++)
			cs_cluster_remove_node(world.cluster,
					       cs_arena_printf(world.arena, "n%u", i));
		cs_cluster_remove_pod(world.cluster, world.change.pod);
		world_check(&world);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/image");
	TCase *tcase = tcase_create("image");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, normalised_names, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tcase, the_first_size_counts);
	tcase_add_test(tcase, asked_later);
	tcase_add_test(tcase, versions);
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite;
}
