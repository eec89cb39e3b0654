// Tests of the hash map: against a plain array under random use, and with keys that collide.
// Neighbours: lib/base/map.c.
#include "../check_main.h"

#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <stdio.h>

// Bytes and CPython 3.11's hash() of them with PYTHONHASHSEED=0, which is SipHash-1-3 with key 0.
static const struct {
	struct cs_slice bytes;
	uint64_t hash;
} vectors[] = {
	{ CS_SLICE("a"), UINT64_C(0x407448d2b89b1813) },
	{ CS_SLICE("ab"), UINT64_C(0x555508cbc6add439) },
	{ CS_SLICE("abcdefg"), UINT64_C(0x6db12aae9070f506) },
	{ CS_SLICE("abcdefgh"), UINT64_C(0x3f7b849c0b8e35ea) },
	{ CS_SLICE("abcdefghi"), UINT64_C(0xf89b34a3d11eb6e5) },
	{ CS_SLICE("kube-system/kube-proxy-x7k2p"), UINT64_C(0xfd171e9d17da8814) },
};

START_TEST(hash_is_siphash_1_3)
{
	ck_assert_uint_eq(cs_hash(vectors[_i].bytes.data, vectors[_i].bytes.size, 0),
			  vectors[_i].hash);
	ck_assert_uint_ne(cs_hash(vectors[_i].bytes.data, vectors[_i].bytes.size, 1),
			  vectors[_i].hash);
}
END_TEST

START_TEST(hash_of_nothing)
{
	ck_assert_uint_eq(cs_hash(NULL, 0, 7), cs_hash("", 0, 7));
	ck_assert_uint_ne(cs_hash("", 0, 7), cs_hash("\0", 1, 7));
}
END_TEST

START_TEST(hash_spreads_over_low_bits)
{
	enum { BUCKETS = 256, KEYS = 256 * 200 };
	unsigned counts[BUCKETS] = { 0 };
	for (int i = 0; i < KEYS; i++) {
		char key[32];
		int n = snprintf(key, sizeof(key), "node-%05d", i);
		counts[cs_hash(key, (size_t)n, 42) % BUCKETS]++;
	}
	for (int i = 0; i < BUCKETS; i++) { // 200 expected, standard deviation 14
		ck_assert_uint_gt(counts[i], 200 - 6 * 14);
		ck_assert_uint_lt(counts[i], 200 + 6 * 14);
	}
}
END_TEST

START_TEST(zeroed_memory_is_an_empty_map)
{
	struct cs_map map = { 0 };
	ck_assert_ptr_null(cs_map_get(&map, CS_SLICE("x")));
	ck_assert_ptr_null(cs_map_remove(&map, CS_SLICE("x")));
	size_t at = 0;
	ck_assert_ptr_null(cs_map_next(&map, &at));
	ck_assert_uint_eq(cs_map_count(&map), 0);
	ck_assert_ptr_null(cs_map_put(&map, CS_SLICE("x"), &map));
	ck_assert_ptr_eq(cs_map_get(&map, CS_SLICE("x")), &map);
	cs_map_finish(&map);
	ck_assert_ptr_null(cs_map_get(&map, CS_SLICE("x")));
}
END_TEST

START_TEST(replacing_returns_the_old_and_takes_the_new_key)
{
	struct cs_map map;
	int one = 1;
	int two = 2;
	char first[] = "key";
	char second[] = "key";
	cs_map_init(&map, 5);
	ck_assert_ptr_null(cs_map_put(&map, (struct cs_slice){ first, 3 }, &one));
	ck_assert_ptr_eq(cs_map_put(&map, (struct cs_slice){ second, 3 }, &two), &one);
	memset(first, 'z', 3); // the owner of the first key may reuse it now
	ck_assert_ptr_eq(cs_map_get(&map, CS_SLICE("key")), &two);
	ck_assert_uint_eq(cs_map_count(&map), 1);
	cs_map_finish(&map);
}
END_TEST

START_TEST(keys_are_bytes)
{
	struct cs_map map;
	int a, b, c, d;
	cs_map_init(&map, 5);
	cs_map_put(&map, CS_SLICE(""), &a);
	cs_map_put(&map, CS_SLICE("\0"), &b);
	cs_map_put(&map, CS_SLICE("a\0b"), &c);
	cs_map_put(&map, CS_SLICE("a\0c"), &d);
	ck_assert_ptr_eq(cs_map_get(&map, (struct cs_slice){ 0 }), &a);
	ck_assert_ptr_eq(cs_map_get(&map, CS_SLICE("\0")), &b);
	ck_assert_ptr_eq(cs_map_get(&map, CS_SLICE("a\0b")), &c);
	ck_assert_ptr_eq(cs_map_get(&map, CS_SLICE("a\0c")), &d);
	ck_assert_ptr_null(cs_map_get(&map, CS_SLICE("a")));
	cs_map_finish(&map);
}
END_TEST

// Keys whose homes are the same few slots: all runs are long and wrap around the end.
struct collision {
	char key[16];
	bool in;
};

static size_t make_collisions(struct collision *keys, size_t n, uint64_t seed, size_t slots)
{
	size_t made = 0;
	for (unsigned i = 0; made < n; i++) {
		char key[16];
		int size = snprintf(key, sizeof(key), "%u", i);
		size_t home = (size_t)cs_hash(key, (size_t)size, seed) & (slots - 1);
		if (home < slots - 3) // only the last three slots
			continue;
		memcpy(keys[made].key, key, sizeof(key));
		keys[made++].in = false;
	}
	return made;
}

START_TEST(removal_among_collisions)
{
	enum { N = 700, SLOTS = 1024 };
	struct cs_random random;
	struct cs_map map;
	struct collision *keys = cs_alloc_array(N, sizeof(*keys));
	cs_random_init(&random, 99);
	cs_map_init(&map, 3);
	make_collisions(keys, N, 3, SLOTS);
	size_t count = 0;
	for (int step = 0; step < 20000; step++) {
		struct collision *k = &keys[cs_random_below(&random, N)];
		struct cs_slice key = cs_slice_of(k->key);
		if (k->in)
			ck_assert_ptr_eq(cs_map_remove(&map, key), k);
		else
			ck_assert_ptr_null(cs_map_put(&map, key, k));
		k->in = !k->in;
		count = k->in ? count + 1 : count - 1;
		ck_assert_uint_eq(cs_map_count(&map), count);
		if (step % 500 != 0)
			continue;
		for (size_t i = 0; i < N; i++)
			ck_assert_ptr_eq(cs_map_get(&map, cs_slice_of(keys[i].key)),
					 keys[i].in ? &keys[i] : NULL);
	}
	cs_map_finish(&map);
	free(keys);
}
END_TEST

START_TEST(random_use_against_a_plain_array)
{
	enum { N = 5000 };
	static char keys[N][24];
	static int values[N];
	bool *in = cs_alloc_array(N, sizeof(*in));
	struct cs_random random;
	struct cs_map map;
	cs_random_init(&random, (uint64_t)_i);
	cs_map_init(&map, cs_random_next(&random));
	for (int i = 0; i < N; i++)
		snprintf(keys[i], sizeof(keys[i]), "default/pod-%d", i);
	for (int step = 0; step < 100000; step++) {
		size_t i = cs_random_below(&random, N);
		struct cs_slice key = cs_slice_of(keys[i]);
		ck_assert_ptr_eq(cs_map_get(&map, key), in[i] ? &values[i] : NULL);
		if (cs_random_below(&random, 2))
			ck_assert_ptr_eq(cs_map_put(&map, key, &values[i]),
					 in[i] ? &values[i] : NULL);
		else
			ck_assert_ptr_eq(cs_map_remove(&map, key), in[i] ? &values[i] : NULL);
		in[i] = cs_map_get(&map, key) != NULL;
	}
	size_t want = 0;
	size_t got = 0;
	for (int i = 0; i < N; i++)
		want += in[i];
	size_t at = 0;
	for (int *value; (value = cs_map_next(&map, &at)); got++) {
		ck_assert(in[value - values]);
		in[value - values] = false; // each once
	}
	ck_assert_uint_eq(got, want);
	ck_assert_uint_eq(cs_map_count(&map), want);
	cs_map_finish(&map);
	free(in);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("map");
	TCase *tc = tcase_create("map");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, hash_is_siphash_1_3, 0, (int)CS_ARRAY_LENGTH(vectors));
	tcase_add_test(tc, hash_of_nothing);
	tcase_add_test(tc, hash_spreads_over_low_bits);
	tcase_add_test(tc, zeroed_memory_is_an_empty_map);
	tcase_add_test(tc, replacing_returns_the_old_and_takes_the_new_key);
	tcase_add_test(tc, keys_are_bytes);
	tcase_add_test(tc, removal_among_collisions);
	tcase_add_loop_test(tc, random_use_against_a_plain_array, 0, 4);
	suite_add_tcase(suite, tc);
	return suite;
}
