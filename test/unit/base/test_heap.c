// Tests of the heap: against sorting, with removals from the middle.
// Neighbours: lib/base/heap.c.
#include "../check_main.h"

#include <csched/base/heap.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <signal.h>

struct item {
	struct cs_heap_link link;
	int key;
};

static struct item *item_of(const struct cs_heap_link *link)
{
	return link ? CS_CONTAINER_OF(link, struct item, link) : NULL;
}

static bool less(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static struct item *make_items(size_t n, struct cs_random *random, uint64_t keys)
{
	struct item *items = cs_alloc_array(n, sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		items[i].key = (int)cs_random_below(random, keys);
		items[i].link.index = CS_HEAP_OUT;
	}
	return items;
}

static int compare_keys(const void *a, const void *b)
{
	return ((const struct item *)a)->key - ((const struct item *)b)->key;
}

START_TEST(empty)
{
	struct cs_heap heap;
	cs_heap_init(&heap, less);
	ck_assert_ptr_null(cs_heap_peek(&heap));
	ck_assert_ptr_null(cs_heap_pop(&heap));
	cs_heap_finish(&heap);
}
END_TEST

START_TEST(pops_in_order)
{
	enum { N = 3000 };
	struct cs_random random;
	struct cs_heap heap;
	cs_random_init(&random, (uint64_t)_i);
	cs_heap_init(&heap, less);
	struct item *items = make_items(N, &random, _i == 0 ? 3 : 100000); // few keys: many ties
	struct item *sorted = cs_alloc_array(N, sizeof(*sorted));
	memcpy(sorted, items, N * sizeof(*items));
	qsort(sorted, N, sizeof(*sorted), compare_keys);
	for (size_t i = 0; i < N; i++)
		cs_heap_push(&heap, &items[i].link);
	for (size_t i = 0; i < N; i++) {
		struct item *first = item_of(cs_heap_peek(&heap));
		ck_assert_ptr_eq(item_of(cs_heap_pop(&heap)), first);
		ck_assert_int_eq(first->key, sorted[i].key);
		ck_assert(first->link.index == CS_HEAP_OUT);
	}
	ck_assert_ptr_null(cs_heap_pop(&heap));
	cs_heap_finish(&heap);
	free(items);
	free(sorted);
}
END_TEST

// Not one ck_assert per element: each of them writes into Check's pipe.
static void check_order(const struct cs_heap *heap)
{
	bool ok = true;
	for (size_t i = 0; i < heap->count; i++)
		ok = ok && heap->items[i]->index == i;
	for (size_t i = 1; i < heap->count; i++)
		ok = ok && !less(heap->items[i], heap->items[(i - 1) / 2]);
	ck_assert(ok);
}

START_TEST(any_element_may_leave)
{
	enum { N = 500 };
	struct cs_random random;
	struct cs_heap heap;
	cs_random_init(&random, 10 + (uint64_t)_i);
	cs_heap_init(&heap, less);
	struct item *items = make_items(N, &random, 200);
	for (int step = 0; step < 10000; step++) {
		struct item *item = &items[cs_random_below(&random, N)];
		if (item->link.index == CS_HEAP_OUT) {
			item->key = (int)cs_random_below(&random, 200);
			cs_heap_push(&heap, &item->link);
		} else {
			cs_heap_remove(&heap, &item->link);
			ck_assert(item->link.index == CS_HEAP_OUT);
		}
		check_order(&heap);
	}
	cs_heap_finish(&heap);
	free(items);
}
END_TEST

START_TEST(twice_in_is_a_mistake)
{
	struct cs_heap heap;
	struct item item = { .link = { CS_HEAP_OUT } };
	cs_heap_init(&heap, less);
	cs_heap_push(&heap, &item.link);
	cs_heap_push(&heap, &item.link);
}
END_TEST

START_TEST(removing_what_is_not_in_is_a_mistake)
{
	struct cs_heap heap;
	struct item item = { .link = { CS_HEAP_OUT } };
	cs_heap_init(&heap, less);
	cs_heap_remove(&heap, &item.link);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("heap");
	TCase *tc = tcase_create("heap");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, empty);
	tcase_add_loop_test(tc, pops_in_order, 0, 5);
	tcase_add_loop_test(tc, any_element_may_leave, 0, 3);
	tcase_add_test_raise_signal(tc, twice_in_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(tc, removing_what_is_not_in_is_a_mistake, SIGABRT);
	suite_add_tcase(suite, tc);
	return suite;
}
