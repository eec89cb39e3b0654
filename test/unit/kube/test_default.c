// Defaults of API objects: what the API server fills in, and what it leaves alone.
// Neighbours: lib/kube/default.c; the rules are upstream's pkg/apis/*/v1/defaults.go.
#include "../check_main.h"

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/kube/default.h>

#define TEXT_MAX (64u << 10)

static struct json_object *read_yaml(const char *text)
{
	struct json_object *documents = NULL;
	struct cs_error err = { 0 };
	ck_assert_msg(cs_value_read_yaml(cs_slice_of(text), &documents, &err) == 0, "%s", err.text);
	struct json_object *tree = json_object_get(json_object_array_get_idx(documents, 0));
	json_object_put(documents);
	return tree;
}

static void check_at(struct json_object *tree, const char *path, const char *wanted)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, TEXT_MAX);
	struct cs_json_writer json;
	cs_json_init(&json, &text);
	struct json_object *at = cs_value_at(tree, path);
	cs_value_write(at, &json);
	ck_assert_msg(strcmp(text.data, wanted) == 0, "%s: %s, not %s", path, text.data, wanted);
}

struct example {
	const char *group;
	const char *kind;
	const char *text;
	const char *path;
	const char *wanted;
};

#define CONTAINER(resources) "spec: {containers: [{name: a, resources: " resources "}]}"
#define LEVEL(level, resources) \
	"spec: {resources: " level ", containers: [{name: a, resources: " resources "}]}"

static const struct example examples[] = {
	{ "", "Pod", "spec: {}", "spec.schedulerName", "\"default-scheduler\"" },
	{ "", "Pod", "spec: {schedulerName: x}", "spec.schedulerName", "\"x\"" },
	{ "", "Pod", "metadata: {name: x}", "spec.schedulerName", "\"default-scheduler\"" },
	// Amounts finer than milli are rounded up, each by itself, when all else is done.
	{ "", "Pod", CONTAINER("{requests: {cpu: 33333u, memory: 1500m, x.y/z: 0.0001}}"),
	  "spec.containers",
	  "[{\"name\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"34m\","
	  "\"memory\":\"1500m\",\"x.y/z\":\"1m\"}},\"imagePullPolicy\":\"Always\","
	  "\"terminationMessagePath\":\"/dev/termination-log\","
	  "\"terminationMessagePolicy\":\"File\"}]" },
	{ "", "Pod",
	  LEVEL("{limits: {cpu: 4}}",
		"{requests: {cpu: 500u}}}, {resources: {requests: {cpu: 500u}}"),
	  "spec.resources.requests", "{\"cpu\":\"1m\"}" },
	{ "", "Pod", "spec: {containers: [], overhead: {cpu: 1n}}", "spec.overhead",
	  "{\"cpu\":\"1m\"}" },
	{ "", "Pod",
	  "status: {resources: {limits: {cpu: 1u}}, allocatedResources: {cpu: 1u}, "
	  "containerStatuses: [{allocatedResources: {cpu: 1u}, resources: {requests: {cpu: 2u}}}]}",
	  "status",
	  "{\"resources\":{\"limits\":{\"cpu\":\"1m\"}},\"allocatedResources\":{\"cpu\":\"1m\"},"
	  "\"containerStatuses\":[{\"allocatedResources\":{\"cpu\":\"1m\"},\"resources\":{"
	  "\"requests\":{\"cpu\":\"1m\"}}}]}" },
	{ "", "Node", "status: {capacity: {cpu: 3999999u, memory: 1.5Gi, x: zz}}", "status",
	  "{\"capacity\":{\"cpu\":\"4\",\"memory\":\"1.5Gi\",\"x\":\"zz\"},\"allocatable\":{"
	  "\"cpu\":\"4\",\"memory\":\"1.5Gi\",\"x\":\"zz\"}}" },
	{ "apps", "Deployment",
	  "spec: {template: {spec: {containers: [], overhead: {memory: 1u}}}}",
	  "spec.template.spec.overhead", "{\"memory\":\"1m\"}" },
	// Pod level: only limits make requests.
	{ "", "Pod", LEVEL("{limits: {cpu: 4}}", "{requests: {cpu: 500m}}"),
	  "spec.resources.requests", "{\"cpu\":\"500m\"}" },
	{ "", "Pod", LEVEL("{limits: {cpu: 4}}", "{}"), "spec.resources.requests", "{\"cpu\":4}" },
	{ "", "Pod", LEVEL("{limits: {cpu: 4}}", "{requests: {memory: 1Gi}}"),
	  "spec.resources.requests", "{\"memory\":\"1073741824\",\"cpu\":4}" },
	{ "", "Pod", LEVEL("{limits: {cpu: 4}, requests: {cpu: 0}}", "{requests: {cpu: 1}}"),
	  "spec.resources.requests", "{\"cpu\":0}" },
	{ "", "Pod", LEVEL("{requests: {cpu: 1}}", "{requests: {memory: 1Gi}}"),
	  "spec.resources.requests", "{\"cpu\":1}" },
	{ "", "Pod", LEVEL("{requests: {cpu: 1}}", "{}"), "spec.resources.limits", "null" },
	{ "", "Pod", LEVEL("{}", "{limits: {hugepages-2Mi: 4Mi}}"), "spec.resources", "{}" },
	{ "", "Pod", LEVEL("{requests: {cpu: 1}}", "{limits: {hugepages-2Mi: 4Mi}}"),
	  "spec.resources.limits", "{\"hugepages-2Mi\":\"4194304\"}" },
	{ "", "Pod", LEVEL("{requests: {cpu: 1}}", "{limits: {hugepages-2Mi: 4Mi}}"),
	  "spec.resources.requests", "{\"cpu\":1,\"hugepages-2Mi\":\"4194304\"}" },
	{ "", "Pod", LEVEL("{limits: {example.com/a: 4}}", "{}"), "spec.resources.requests", "{}" },
	// Sidecars and init containers: max(1 + 2, 2 + 4) = 6.
	{ "", "Pod",
	  "spec: {resources: {limits: {cpu: 9}}, initContainers: ["
	  "{name: s, restartPolicy: Always, resources: {requests: {cpu: 2}}}, "
	  "{name: i, resources: {limits: {cpu: 4}}}], "
	  "containers: [{name: a, resources: {requests: {cpu: 1}}}]}",
	  "spec.resources.requests", "{\"cpu\":\"6\"}" },
	{ "", "Node", "status: {capacity: {cpu: 4}}", "status.allocatable", "{\"cpu\":4}" },
	{ "", "Node", "status: {capacity: {cpu: 4}, allocatable: {cpu: 3}}", "status.allocatable",
	  "{\"cpu\":3}" },
	{ "", "Namespace", "metadata: {name: x, labels: {a: b}}", "metadata.labels",
	  "{\"a\":\"b\",\"kubernetes.io/metadata.name\":\"x\"}" },
	{ "", "ReplicationController", "spec: {template: {metadata: {labels: {a: b}}}}",
	  "spec.selector", "{\"a\":\"b\"}" },
	{ "", "ReplicationController",
	  "spec: {selector: {c: d}, template: {metadata: {labels: {a: b}}}}", "spec.selector",
	  "{\"c\":\"d\"}" },
	{ "apps", "Deployment", "spec: {}", "spec.replicas", "1" },
	{ "apps", "Deployment", "spec: {replicas: 0}", "spec.replicas", "0" },
	{ "apps", "Deployment", "spec: {}", "spec.strategy",
	  "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"maxUnavailable\":\"25%\","
	  "\"maxSurge\":\"25%\"}}" },
	{ "apps", "Deployment", "spec: {strategy: {type: Recreate}}", "spec.strategy",
	  "{\"type\":\"Recreate\"}" },
	{ "apps", "StatefulSet", "spec: {}", "spec.replicas", "1" },
	{ "apps", "ReplicaSet", "spec: {}", "spec.template.spec.schedulerName",
	  "\"default-scheduler\"" },
	{ "batch", "Job", "spec: {}", "spec.completions", "1" },
	{ "batch", "Job", "spec: {}", "spec.parallelism", "1" },
	{ "batch", "Job", "spec: {parallelism: 3}", "spec.completions", "null" },
	{ "batch", "Job", "spec: {completions: 3}", "spec.parallelism", "1" },
	// Kinds without defaults, kinds of other groups, members of wrong types.
	{ "", "ConfigMap", "spec: {}", "spec", "{}" },
	{ "serving.knative.dev", "Service", "spec: {}", "spec", "{}" },
	{ "", "Pod", "spec: 5", "spec", "5" },
	{ "", "Pod", "spec: {resources: {requests: {cpu: 1}, limits: 7}}", "spec.resources.limits",
	  "7" },
	{ "apps", "Deployment", "spec: {template: [1]}", "spec.template", "[1]" },
	{ "apps", "Deployment", "spec: {strategy: x}", "spec.strategy", "\"x\"" },
};

START_TEST(one_object)
{
	const struct example *example = &examples[_i];
	CS_AUTO_VALUE struct json_object *tree = read_yaml(example->text);
	cs_default_object(example->group, example->kind, tree);
	check_at(tree, example->path, example->wanted);
}
END_TEST

static struct json_object *first(struct json_object *tree, const char *path)
{
	return json_object_array_get_idx(cs_value_at(tree, path), 0);
}

START_TEST(limits_become_requests_in_pods_alone)
{
	static const char text[] = CONTAINER("{limits: {cpu: 2, memory: 1Gi}, requests: {cpu: 0}}");
	CS_AUTO_VALUE struct json_object *pod = read_yaml(text);
	cs_default_object("", "Pod", pod);
	check_at(first(pod, "spec.containers"), "resources.requests",
		 "{\"cpu\":0,\"memory\":\"1Gi\"}");

	CS_AUTO_VALUE struct json_object *set = json_object_new_object();
	CS_AUTO_VALUE struct json_object *spec = json_object_new_object();
	json_object_object_add(spec, "template", read_yaml(text));
	json_object_object_add(set, "spec", json_object_get(spec));
	cs_default_object("apps", "ReplicaSet", set);
	check_at(first(set, "spec.template.spec.containers"), "resources.requests", "{\"cpu\":0}");
}
END_TEST

START_TEST(ports_of_the_host_network)
{
	static const char *const texts[] = {
		"spec: {hostNetwork: true, containers: [{ports: [{containerPort: 80}]}]}",
		"spec: {containers: [{ports: [{containerPort: 80}]}]}",
		("spec: {hostNetwork: true, containers: [{ports: [{containerPort: 80, "
		 "hostPort: 90}]}]}"),
	};
	static const char *const wanted[] = { "80", "null", "90" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		CS_AUTO_VALUE struct json_object *pod = read_yaml(texts[i]);
		cs_default_object("", "Pod", pod);
		struct json_object *port = first(first(pod, "spec.containers"), "ports");
		check_at(port, "hostPort", wanted[i]);
		check_at(port, "protocol", "\"TCP\"");
	}
}
END_TEST

// kubesim keeps trees that share branches: only the tree itself may change.
START_TEST(shared_branches_stay_as_they_are)
{
	CS_AUTO_VALUE struct json_object *tree = read_yaml(
		"spec: {hostNetwork: true, resources: {limits: {cpu: 2}}, containers: [{name: a, "
		"ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}}]}");
	CS_AUTO_VALUE struct json_object *mine = json_object_new_object();
	json_object_object_add(mine, "spec", json_object_get(cs_value_at(tree, "spec")));
	const char *text = json_object_to_json_string(tree);
	CS_AUTO_FREE char *before = cs_strdup(text);
	cs_default_object("", "Pod", mine);
	ck_assert_str_eq(json_object_to_json_string(tree), before);
	ck_assert_str_ne(json_object_to_json_string(mine), before);
}
END_TEST

// The server defaults what it reads back from itself, too.
START_TEST(twice_is_once)
{
	const struct example *example = &examples[_i];
	CS_AUTO_VALUE struct json_object *tree = read_yaml(example->text);
	cs_default_object(example->group, example->kind, tree);
	CS_AUTO_FREE char *once = cs_strdup(json_object_to_json_string(tree));
	cs_default_object(example->group, example->kind, tree);
	ck_assert_str_eq(json_object_to_json_string(tree), once);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("defaults");
	TCase *tcase = tcase_create("defaults");
	tcase_add_loop_test(tcase, one_object, 0, CS_ARRAY_LENGTH(examples));
	tcase_add_loop_test(tcase, twice_is_once, 0, CS_ARRAY_LENGTH(examples));
	tcase_add_test(tcase, limits_become_requests_in_pods_alone);
	tcase_add_test(tcase, ports_of_the_host_network);
	tcase_add_test(tcase, shared_branches_stay_as_they_are);
	suite_add_tcase(suite, tcase);
	return suite;
}
