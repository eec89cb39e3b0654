// The JSON codec: objects survive the round trip, odd forms are read as upstream reads them, errors
// name the path. Neighbours: lib/kube/codec.c; message_random.h makes the objects.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>
#include <errno.h>

#include "message_equal.h"
#include "message_random.h"

static struct cs_arena *arena;
static struct cs_buffer text;

static void setup(void)
{
	arena = cs_arena_create();
	cs_buffer_init(&text, 16 << 20);
}

static void teardown(void)
{
	cs_buffer_finish(&text);
	cs_arena_destroy(arena);
}

static int read_json(const ProtobufCMessageDescriptor *type, const char *json,
		     ProtobufCMessage **ret, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct cs_error why = { 0 };
	int r = cs_value_read_json(cs_slice_of(json), &tree, &why);
	ck_assert_msg(r == 0, "%s: %s", json, why.text);
	return cs_codec_read(type, tree, arena, ret, err);
}

static const char *write_json(const struct cs_kind *kind, const ProtobufCMessage *message)
{
	struct cs_json_writer json;
	cs_buffer_clear(&text);
	cs_json_init(&json, &text);
	cs_codec_write(kind, message, &json);
	ck_assert(!text.overflow);
	return text.data;
}

// ---- round trips ----

START_TEST(random_objects_survive)
{
	struct cs_random generator;
	const struct cs_kind *kind = cs_kinds[_i];
	cs_random_init(&generator, 20261121);
	for (int i = 0; i < 100; i++) {
		ProtobufCMessage *message = message_random(kind->descriptor, &generator, arena);
		ProtobufCMessage *back = NULL;
		struct cs_error err = { 0 };
		const char *json = write_json(i % 2 ? kind : NULL, message);
		ck_assert_msg(read_json(kind->descriptor, json, &back, &err) == 0, "%s", err.text);
		ck_assert_msg(message_equal(back, message), "%s", json);
		cs_arena_reset(arena);
	}
}
END_TEST

START_TEST(kind_and_api_version_come_first)
{
	Kube__Lease lease = KUBE__LEASE__INIT;
	ck_assert_str_eq(write_json(&cs_kind_lease, &lease.base),
			 "{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/v1\"}");
	ck_assert_str_eq(write_json(NULL, &lease.base), "{}");
}
END_TEST

// What is read and how it is written again.
static const struct {
	const ProtobufCMessageDescriptor *type;
	const char *in;
	const char *out; // NULL: the same as `in`
} good[] = {
	{ &kube__pod__descriptor, "{}", NULL },
	{ &kube__pod__descriptor, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"nodeName\":\"n\"}}",
	  NULL },
	// unknown members, kind and apiVersion, null
	{ &kube__pod__descriptor,
	  "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"x\":[1],\"spec\":null,\"metadata\":{\"name\":"
	  "null,"
	  "\"managedFields\":[{}],\"labels\":null,\"generation\":null}}",
	  "{\"metadata\":{}}" },
	// proto names and names that only look right are not JSON names
	{ &kube__pod__descriptor,
	  "{\"spec\":{\"node_name\":5,\"NodeName\":5,\"hostip\":5,\"host_IP\":5}}",
	  "{\"spec\":{}}" },
	// capitals
	{ &kube__pod__descriptor,
	  "{\"status\":{\"hostIP\":\"1\",\"podIP\":\"2\",\"podIPs\":[{\"ip\":\"2\"}]}}", NULL },
	// present zeros are kept, empty lists and maps are not
	{ &kube__pod__descriptor,
	  "{\"spec\":{\"terminationGracePeriodSeconds\":0,\"nodeName\":\"\",\"hostNetwork\":false,"
	  "\"containers\":[],\"nodeSelector\":{},\"tolerations\":null}}",
	  "{\"spec\":{\"terminationGracePeriodSeconds\":0,\"nodeName\":\"\",\"hostNetwork\":false}"
	  "}" },
	// maps keep their order, null values are empty
	{ &kube__object_meta__descriptor,
	  "{\"labels\":{\"z\":\"1\",\"a\":\"\",\"m\":null,\"\":\"x\"}}",
	  "{\"labels\":{\"z\":\"1\",\"a\":\"\",\"m\":\"\",\"\":\"x\"}}" },
	// null elements are empty
	{ &kube__pod_spec__descriptor, "{\"containers\":[null,{\"name\":\"a\"}]}",
	  "{\"containers\":[{},{\"name\":\"a\"}]}" },
	{ &kube__object_meta__descriptor, "{\"finalizers\":[null,\"a\"]}",
	  "{\"finalizers\":[\"\",\"a\"]}" },
	// quantities as strings and as numbers
	{ &kube__resource_requirements__descriptor,
	  "{\"limits\":{\"cpu\":2,\"memory\":1.5,\"a\":1e3,\"b\":-1,\"c\":18446744073709551615},"
	  "\"requests\":{\"cpu\":\" 100m\\n\",\"memory\":\"64Mi\",\"x\":null}}",
	  "{\"limits\":{\"cpu\":\"2\",\"memory\":\"1.5\",\"a\":\"1e3\",\"b\":\"-1\","
	  "\"c\":\"18446744073709551615\"},"
	  "\"requests\":{\"cpu\":\"100m\",\"memory\":\"64Mi\",\"x\":\"0\"}}" },
	// times
	{ &kube__object_meta__descriptor,
	  "{\"creationTimestamp\":\"2026-11-21T03:02:03.9+02:00\",\"deletionTimestamp\":null}",
	  "{\"creationTimestamp\":\"2026-11-21T01:02:03Z\"}" },
	{ &kube__object_meta__descriptor, "{\"creationTimestamp\":\"9999-12-31T23:59:59Z\"}",
	  NULL },
	{ &kube__object_meta__descriptor, "{\"creationTimestamp\":\"1970-01-01T00:00:00Z\"}",
	  NULL },
	{ &kube__lease_spec__descriptor, "{\"renewTime\":\"2026-11-21T01:02:03.000004Z\"}", NULL },
	{ &kube__lease_spec__descriptor, "{\"renewTime\":\"2026-11-21T01:02:03.123456789Z\"}",
	  "{\"renewTime\":\"2026-11-21T01:02:03.123456Z\"}" },
	{ &kube__lease_spec__descriptor, "{\"renewTime\":\"2026-11-21T01:02:03Z\"}",
	  "{\"renewTime\":\"2026-11-21T01:02:03.000000Z\"}" },
	// an integer or a string
	{ &kube__service_spec__descriptor,
	  "{\"ports\":[{\"port\":80,\"targetPort\":8080},{\"targetPort\":\"http\"},"
	  "{\"targetPort\":\"\"},{\"targetPort\":-1}]}",
	  NULL },
	// the inlined volume source
	{ &kube__pod_spec__descriptor,
	  "{\"volumes\":[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"b\",\"configMap\":{\"name\":"
	  "\"x\"}},"
	  "{\"persistentVolumeClaim\":{\"claimName\":\"c\",\"readOnly\":true},\"name\":\"c\"},"
	  "{\"future\":{},\"volumeSource\":{\"emptyDir\":{}}},{\"emptyDir\":null}]}",
	  "{\"volumes\":[{\"name\":\"a\",\"emptyDir\":{}},{\"name\":\"b\",\"configMap\":{}},"
	  "{\"name\":\"c\",\"persistentVolumeClaim\":{\"claimName\":\"c\",\"readOnly\":true}},"
	  "{},{}]}" },
	{ &kube__pod_spec__descriptor,
	  "{\"volumes\":[{\"awsElasticBlockStore\":{\"volumeID\":\"v\"}},{\"downwardAPI\":{}},"
	  "{\"scaleIO\":{}}]}",
	  NULL },
	// integers to their last value
	{ &kube__pod_spec__descriptor,
	  "{\"terminationGracePeriodSeconds\":9223372036854775807,\"priority\":2147483647}", NULL },
	{ &kube__pod_spec__descriptor,
	  "{\"terminationGracePeriodSeconds\":-9223372036854775808,\"priority\":-2147483648}",
	  NULL },
	// a NUL is neither an end nor an error
	{ &kube__object_meta__descriptor, "{\"name\":\"a\\u0000b\"}", "{\"name\":\"a\uFFFDb\"}" },
	// bytes have no JSON form
	{ &kube__list__descriptor, "{\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[{}]}",
	  "{\"metadata\":{\"resourceVersion\":\"5\"}}" },
	{ &kube__quantity__descriptor, "\"1Gi\"", NULL },
	{ &kube__time__descriptor, "\"2026-11-21T01:02:03Z\"", NULL },
};

START_TEST(good_ones)
{
	ProtobufCMessage *message;
	struct cs_error err = { 0 };
	ck_assert_msg(read_json(good[_i].type, good[_i].in, &message, &err) == 0, "%s", err.text);
	ck_assert_str_eq(write_json(NULL, message), good[_i].out ? good[_i].out : good[_i].in);
}
END_TEST

static const struct {
	const ProtobufCMessageDescriptor *type;
	const char *in;
	const char *words;
} bad[] = {
	{ &kube__pod__descriptor, "null", "must be an object, not null" },
	{ &kube__pod__descriptor, "5", "must be an object, not a number" },
	{ &kube__pod__descriptor, "[]", "must be an object, not a list" },
	{ &kube__pod__descriptor, "{\"spec\":[]}", "spec: must be an object, not a list" },
	{ &kube__pod__descriptor, "{\"spec\":\"\"}", "spec: must be an object, not a string" },
	{ &kube__pod__descriptor, "{\"spec\":{\"containers\":{}}}",
	  "spec.containers: must be a list, not an object" },
	{ &kube__pod__descriptor, "{\"spec\":{\"containers\":[{},{\"name\":7}]}}",
	  "spec.containers[1].name: must be a string, not a number" },
	{ &kube__pod__descriptor, "{\"spec\":{\"containers\":[{},5]}}",
	  "spec.containers[1]: must be an object, not a number" },
	{ &kube__pod__descriptor, "{\"spec\":{\"nodeName\":true}}",
	  "spec.nodeName: must be a string, not a boolean" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"labels\":[]}}",
	  "metadata.labels: must be an object, not a list" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"labels\":{\"a.b/c\":1}}}",
	  "metadata.labels.a.b/c: must be a string, not a number" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"finalizers\":[\"a\",{}]}}",
	  "metadata.finalizers[1]: must be a string, not an object" },
	{ &kube__pod__descriptor, "{\"spec\":{\"priority\":\"1\"}}",
	  "spec.priority: must be an integer, not a string" },
	{ &kube__pod__descriptor, "{\"spec\":{\"priority\":1.5}}",
	  "spec.priority: must be an integer, not a number" },
	{ &kube__pod__descriptor, "{\"spec\":{\"priority\":2147483648}}",
	  "spec.priority: out of range for 32 bits" },
	{ &kube__pod__descriptor, "{\"spec\":{\"priority\":-2147483649}}",
	  "spec.priority: out of range for 32 bits" },
	{ &kube__pod__descriptor,
	  "{\"spec\":{\"terminationGracePeriodSeconds\":9223372036854775808}}",
	  "spec.terminationGracePeriodSeconds: out of range for 64 bits" },
	{ &kube__pod__descriptor, "{\"spec\":{\"hostNetwork\":\"true\"}}",
	  "spec.hostNetwork: must be a boolean, not a string" },
	{ &kube__pod__descriptor, "{\"spec\":{\"hostNetwork\":1}}",
	  "spec.hostNetwork: must be a boolean, not a number" },
	{ &kube__pod__descriptor,
	  "{\"spec\":{\"containers\":[{},{\"resources\":{\"requests\":{\"cpu\":\"1x\"}}}]}}",
	  "spec.containers[1].resources.requests.cpu: not a quantity: \"1x\"" },
	{ &kube__pod__descriptor, "{\"spec\":{\"overhead\":{\"cpu\":\"1 m\"}}}",
	  "spec.overhead.cpu: not a quantity: \"1 m\"" },
	{ &kube__pod__descriptor, "{\"spec\":{\"overhead\":{\"cpu\":\"\"}}}",
	  "spec.overhead.cpu: not a quantity: \"\"" },
	{ &kube__pod__descriptor, "{\"spec\":{\"overhead\":{\"cpu\":true}}}",
	  "spec.overhead.cpu: must be a quantity, not a boolean" },
	{ &kube__pod__descriptor, "{\"spec\":{\"overhead\":{\"cpu\":{}}}}",
	  "spec.overhead.cpu: must be a quantity, not an object" },
	{ &kube__pod__descriptor, "{\"spec\":{\"overhead\":[]}}",
	  "spec.overhead: must be an object, not a list" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}",
	  "metadata.creationTimestamp: not an RFC 3339 time: \"yesterday\"" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"creationTimestamp\":\"\"}}",
	  "metadata.creationTimestamp: not an RFC 3339 time: \"\"" },
	{ &kube__pod__descriptor, "{\"metadata\":{\"creationTimestamp\":5}}",
	  "metadata.creationTimestamp: must be a time, not a number" },
	{ &kube__lease__descriptor, "{\"spec\":{\"renewTime\":{}}}",
	  "spec.renewTime: must be a time, not an object" },
	{ &kube__service__descriptor, "{\"spec\":{\"ports\":[{\"targetPort\":1.5}]}}",
	  "spec.ports[0].targetPort: must be an integer or a string, not a number" },
	{ &kube__service__descriptor, "{\"spec\":{\"ports\":[{\"targetPort\":2147483648}]}}",
	  "spec.ports[0].targetPort: out of range for 32 bits" },
	{ &kube__pod__descriptor, "{\"spec\":{\"volumes\":[{\"emptyDir\":[]}]}}",
	  "spec.volumes[0].emptyDir: must be an object, not a list" },
	{ &kube__pod__descriptor, "{\"spec\":{\"volumes\":[{\"csi\":{\"driver\":1}}]}}",
	  "spec.volumes[0].csi.driver: must be a string, not a number" },
};

START_TEST(bad_ones)
{
	ProtobufCMessage *message = NULL;
	struct cs_error err = { 0 };
	ck_assert_int_eq(read_json(bad[_i].type, bad[_i].in, &message, &err), -EINVAL);
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_str_eq(err.text, bad[_i].words);
	ck_assert_ptr_null(message);
}
END_TEST

START_TEST(values_land_where_they_belong)
{
	ProtobufCMessage *message;
	ck_assert_int_eq(
		read_json(&kube__pod__descriptor,
			  "{\"spec\":{\"affinity\":{\"podAntiAffinity\":{"
			  "\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":7,"
			  "\"podAffinityTerm\":{\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"},"
			  "\"matchExpressions\":[{\"key\":\"k\",\"operator\":\"In\","
			  "\"values\":[\"v\",\"w\"]}]},\"topologyKey\":\"zone\"}}]}},"
			  "\"volumes\":[{\"name\":\"x\",\"secret\":{}}],\"hostUsers\":false}}",
			  &message, NULL),
		0);
	const Kube__PodSpec *spec = ((Kube__Pod *)message)->spec;
	const Kube__PodAntiAffinity *anti = spec->affinity->pod_anti_affinity;
	const Kube__WeightedPodAffinityTerm *term =
		anti->preferred_during_scheduling_ignored_during_execution[0];
	const Kube__LabelSelector *selector = term->pod_affinity_term->label_selector;
	ck_assert_uint_eq(anti->n_preferred_during_scheduling_ignored_during_execution, 1);
	ck_assert_int_eq(term->weight, 7);
	ck_assert_str_eq(term->pod_affinity_term->topology_key, "zone");
	ck_assert_str_eq(selector->match_labels[0]->key, "a");
	ck_assert_str_eq(selector->match_labels[0]->value, "b");
	ck_assert_uint_eq(selector->match_expressions[0]->n_values, 2);
	ck_assert_str_eq(selector->match_expressions[0]->values[1], "w");
	ck_assert_ptr_nonnull(spec->volumes[0]->volume_source->secret);
	ck_assert_ptr_null(spec->volumes[0]->volume_source->empty_dir);
	ck_assert(spec->has_host_users && !spec->host_users);
	ck_assert(!spec->has_host_network);
}
END_TEST

// Structs that JSON would not give: what the wire may hold.
START_TEST(sparse_structs_are_written)
{
	Kube__StringEntry label = KUBE__STRING_ENTRY__INIT;
	Kube__QuantityEntry request = KUBE__QUANTITY_ENTRY__INIT;
	Kube__Quantity quantity = KUBE__QUANTITY__INIT;
	Kube__QuantityEntry overhead = { .base = request.base, .value = &quantity };
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__Time time = KUBE__TIME__INIT;
	Kube__ResourceRequirements resources = KUBE__RESOURCE_REQUIREMENTS__INIT;
	meta.n_labels = 1;
	meta.labels = (Kube__StringEntry *[]){ &label };
	meta.creation_timestamp = &time; // the API's "no time"
	ck_assert_str_eq(write_json(NULL, &meta.base), "{\"labels\":{\"\":\"\"}}");
	time.has_seconds = time.has_nanos = 1;
	time.nanos = 999999999; // upstream ignores them
	meta.n_labels = 0;
	ck_assert_str_eq(write_json(NULL, &meta.base),
			 "{\"creationTimestamp\":\"1970-01-01T00:00:00Z\"}");
	resources.n_requests = 2;
	resources.requests = (Kube__QuantityEntry *[]){ &request, &overhead };
	ck_assert_str_eq(write_json(NULL, &resources.base),
			 "{\"requests\":{\"\":\"0\",\"\":\"0\"}}");
	Kube__IntOrString either = KUBE__INT_OR_STRING__INIT;
	ck_assert_str_eq(write_json(NULL, &either.base), "0");
	either.type = 1;
	ck_assert_str_eq(write_json(NULL, &either.base), "\"\"");
	Kube__Volume volume = KUBE__VOLUME__INIT;
	Kube__VolumeSource source = KUBE__VOLUME_SOURCE__INIT;
	volume.volume_source = &source;
	ck_assert_str_eq(write_json(NULL, &volume.base), "{}");
}
END_TEST

START_TEST(long_paths_are_cut)
{
	CS_AUTO_BUFFER struct cs_buffer json;
	ProtobufCMessage *message;
	struct cs_error err;
	cs_buffer_init(&json, 1 << 20);
	cs_buffer_append_string(&json, "{\"metadata\":{\"labels\":{\"");
	for (int i = 0; i < 100000; i++)
		cs_buffer_append_char(&json, 'x');
	cs_buffer_append_string(&json, "\":5}}}");
	ck_assert_int_eq(read_json(&kube__pod__descriptor, json.data, &message, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "must be a string"));
}
END_TEST

static void note(void *user, const char *path)
{
	cs_buffer_printf(user, "%s\n", path);
}

// What the API has and we leave out is nothing strange, nor is what lies in it.
START_TEST(fields_that_no_pod_has)
{
	static const char pod[] =
		"{\"kind\": \"Pod\", \"apiVersion\": \"v1\", \"sepc\": {}, \"metadata\": {\"name\": "
		"\"a\", \"managedFields\": [{\"f:x\": {}}], \"kind\": \"x\", \"labels\": {\"any\": "
		"\"b\"}}, \"spec\": {\"nodeselector\": {}, \"hostPID\": true, \"containers\": [{}, "
		"{\"env\": [{\"naam\": 1}], \"resources\": {\"requests\": {\"any\": 1}, \"wants\": 1}}], "
		"\"volumes\": [{\"name\": \"v\", \"emptyDir\": {\"sizeLimit\": 1}, \"volumeSource\": {}, "
		"\"awsDisk\": {}}]}, \"status\": {\"startTime\": null, \"strange\": null}}";
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct cs_error err;
	ProtobufCMessage *message;
	const struct cs_codec_reading how = {
		.descriptor = &kube__pod__descriptor, .arena = arena, .unknown = note, .user = &text
	};
	ck_assert_int_eq(cs_value_read_json(CS_SLICE(pod), &tree, &err), 0);
	ck_assert_int_eq(cs_codec_read_telling(&how, tree, &message, &err), 0);
	ck_assert_str_eq(text.data,
			 "sepc\nmetadata.kind\nspec.nodeselector\n"
			 "spec.containers[1].resources.wants\nspec.volumes[0].volumeSource\n"
			 "spec.volumes[0].awsDisk\n");
	ck_assert_str_eq(((Kube__Pod *)message)->metadata->name, "a");
}
END_TEST

Suite *test_suite(void)
{
	size_t kinds = 0;
	while (cs_kinds[kinds])
		kinds++;
	Suite *suite = suite_create("codec");
	TCase *tcase = tcase_create("codec");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120); // under sanitizers
	tcase_add_loop_test(tcase, random_objects_survive, 0, (int)kinds);
	tcase_add_test(tcase, kind_and_api_version_come_first);
	tcase_add_loop_test(tcase, good_ones, 0, CS_ARRAY_LENGTH(good));
	tcase_add_loop_test(tcase, bad_ones, 0, CS_ARRAY_LENGTH(bad));
	tcase_add_test(tcase, values_land_where_they_belong);
	tcase_add_test(tcase, sparse_structs_are_written);
	tcase_add_test(tcase, long_paths_are_cut);
	tcase_add_test(tcase, fields_that_no_pod_has);
	suite_add_tcase(suite, tcase);
	return suite;
}
