// What this version refuses: one pod per row of the table, and pods that look alike but are fine.
// Neighbours: lib/cluster/demand.c.
#include <string.h>

#include "world.h"

#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

static struct world world;

static void setup(void)
{
	world_begin(&world);
}

static void teardown(void)
{
	world_end(&world);
}

static const struct {
	const char *field; // NULL = nothing is lacking
	const char *spec;
} pods[] = {
	{ "spec.volumes[].persistentVolumeClaim",
	  "volumes: [{emptyDir: {}}, {persistentVolumeClaim: {claimName: a}}]" },
	{ "spec.volumes[].ephemeral", "volumes: [{name: a, ephemeral: {}}]" },
	{ "spec.volumes[].gcePersistentDisk", "volumes: [{gcePersistentDisk: {pdName: a}}]" },
	{ "spec.volumes[].awsElasticBlockStore",
	  "volumes: [{awsElasticBlockStore: {volumeID: a}}]" },
	{ "spec.volumes[].iscsi", "volumes: [{iscsi: {iqn: a}}]" },
	{ "spec.volumes[].rbd", "volumes: [{rbd: {image: a}}]" },
	{ "spec.volumes[].azureDisk", "volumes: [{azureDisk: {}}]" },
	{ "spec.volumes[].azureFile", "volumes: [{azureFile: {}}]" },
	{ "spec.volumes[].cinder", "volumes: [{cinder: {}}]" },
	{ "spec.volumes[].vsphereVolume", "volumes: [{vsphereVolume: {}}]" },
	{ "spec.volumes[].portworxVolume", "volumes: [{portworxVolume: {}}]" },
	{ "spec.resourceClaims", "resourceClaims: [{name: a}]" },
	{ "spec.schedulingGroup", "schedulingGroup: {podGroupName: a}" },
	// fine
	{ NULL, "containers: [{restartPolicyRules: [{action: RestartAllContainers}]}]" },
	{ NULL, "containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]" },
	{ NULL, "initContainers: [{restartPolicy: Always, ports: [{hostPort: 80}]}]" },
	{ NULL, "hostUsers: false, hostNetwork: true" },
	{ NULL, "affinity: {nodeAffinity: {" REQUIRED ": {nodeSelectorTerms: [{matchExpressions: "
		"[{key: a, operator: Gt, values: [b]}]}]}, " PREFERRED ": [{weight: 1, preference: "
		"{matchExpressions: [{key: a, operator: Gt, values: [b]}]}}]}}" },
	{ NULL, "affinity: {}" },
	{ NULL, "affinity: {nodeAffinity: {}, podAffinity: {}, podAntiAffinity: {}}" },
	{ NULL, "volumes: [{hostPath: {path: /}}, {emptyDir: {}}, {configMap: {name: a}}, {secret: "
		"{secretName: a}}, {projected: {}}, {downwardAPI: {}}, {nfs: {server: a}}, {csi: "
		"{driver: a}}, {image: {reference: a}}, {name: b}]" },
	{ NULL,
	  "tolerations: [{key: a, operator: Gt, value: '1'}, {key: a, operator: Lt, value: '2'}]" },
	{ NULL, "resources: {requests: {cpu: 1}, limits: {memory: 1Gi}}" },
	{ NULL, "topologySpreadConstraints: [], resourceClaims: []" },
	{ NULL, "topologySpreadConstraints: [{maxSkew: 1, topologyKey: k, whenUnsatisfiable: "
		"DoNotSchedule}]" },
};

#define N_PODS (sizeof(pods) / sizeof(pods[0]))

START_TEST(refused_with_field_and_feature)
{
	const struct cs_demand *demand = add_pod(&world, "a", pods[_i].spec)->demand;
	if (!pods[_i].field) {
		ck_assert_msg(!demand->unsupported_field, "%s", demand->unsupported_field);
		return;
	}
	ck_assert_msg(demand->unsupported_field, "nothing lacks for {%s}", pods[_i].spec);
	ck_assert_str_eq(demand->unsupported_field, pods[_i].field);
	ck_assert_uint_gt(strlen(demand->unsupported_feature), 0);
}
END_TEST

START_TEST(every_row_is_tested)
{
	size_t n = 0;
	for (const struct cs_unsupported *row = cs_unsupported_fields; row->field; row++, n++) {
		size_t i = 0;
		while (i < N_PODS && !(pods[i].field && strcmp(pods[i].field, row->field) == 0))
			i++;
		ck_assert_msg(i < N_PODS, "no pod for %s", row->field);
	}
	ck_assert_uint_eq(n, 13);
}
END_TEST

START_TEST(the_first_row_speaks)
{
	const struct cs_demand *demand =
		add_pod(&world, "a",
			"schedulingGroup: {podGroupName: a}, resourceClaims: [{name: a}], volumes: "
			"[{persistentVolumeClaim: {claimName: a}}]")
			->demand;
	ck_assert_str_eq(demand->unsupported_field, "spec.volumes[].persistentVolumeClaim");
}
END_TEST

// A pod that somebody else bound counts whatever it asks.
START_TEST(bound_pods_are_not_judged)
{
	uint32_t row = add_node(&world, "n1", "status: {allocatable: {cpu: 1}}");
	add_pod(&world, "a", "nodeName: n1, resourceClaims: [{name: a}]");
	ck_assert_int_eq(world.nodes->n_pods[row], 1);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/unsupported");
	TCase *tcase = tcase_create("unsupported");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, refused_with_field_and_feature, 0, (int)N_PODS);
	tcase_add_test(tcase, every_row_is_tested);
	tcase_add_test(tcase, the_first_row_speaks);
	tcase_add_test(tcase, bound_pods_are_not_judged);
	suite_add_tcase(suite, tcase);
	return suite;
}
