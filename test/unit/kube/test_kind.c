// The kind table: every row can be found again and stands on a message with metadata.
// Neighbours: lib/kube/kind.c.
#include "../check_main.h"

#include <csched/kube/api.h>
#include <csched/kube/kind.h>
#include <string.h>

START_TEST(rows_are_found_by_both_names)
{
	size_t count = 0;
	for (const struct cs_kind *const *kind = cs_kinds; *kind; kind++, count++) {
		char api_version[64];
		cs_kind_api_version(*kind, api_version, sizeof(api_version));
		ck_assert_ptr_eq(cs_kind_find(api_version, (*kind)->kind), *kind);
		ck_assert_ptr_eq(
			cs_kind_find_resource((*kind)->group, (*kind)->version, (*kind)->resource),
			*kind);
	}
	ck_assert_uint_eq(count, 14);
}
END_TEST

START_TEST(first_field_is_metadata)
{
	for (const struct cs_kind *const *kind = cs_kinds; *kind; kind++) {
		const ProtobufCFieldDescriptor *field = &(*kind)->descriptor->fields[0];
		ck_assert_str_eq(field->name, "metadata");
		ck_assert_uint_eq(field->id, 1);
		ck_assert_ptr_eq(field->descriptor, &kube__object_meta__descriptor);
		ck_assert_uint_eq(field->offset, offsetof(Kube__Pod, metadata));
	}
}
END_TEST

START_TEST(unknown_ones_are_not_found)
{
	ck_assert_ptr_null(cs_kind_find("v1", "Event"));
	ck_assert_ptr_null(cs_kind_find("apps/v1", "Pod"));
	ck_assert_ptr_null(cs_kind_find("apps", "Deployment"));
	ck_assert_ptr_null(cs_kind_find("appsv1", "Deployment"));
	ck_assert_ptr_null(cs_kind_find("apps/v1beta1", "Deployment"));
	ck_assert_ptr_null(cs_kind_find("/v1", "Pod"));
	ck_assert_ptr_null(cs_kind_find("", "Pod"));
	ck_assert_ptr_null(cs_kind_find("v1", ""));
	ck_assert_ptr_null(cs_kind_find(NULL, "Pod"));
	ck_assert_ptr_null(cs_kind_find("v1", NULL));
	ck_assert_ptr_null(cs_kind_find_resource("", "v1", "pod"));
	ck_assert_ptr_null(cs_kind_find_resource("apps", "v1", "pods"));
	ck_assert_ptr_null(cs_kind_find_resource("", "v2", "pods"));
}
END_TEST

START_TEST(api_version_is_cut_to_its_room)
{
	char text[64];
	ck_assert_str_eq(cs_kind_api_version(&cs_kind_pod, text, sizeof(text)), "v1");
	ck_assert_str_eq(cs_kind_api_version(&cs_kind_lease, text, sizeof(text)),
			 "coordination.k8s.io/v1");
	ck_assert_str_eq(cs_kind_api_version(&cs_kind_deployment, text, 5), "apps");
	ck_assert(cs_kind_pod.namespaced);
	ck_assert(!cs_kind_node.namespaced);
	ck_assert(!cs_kind_namespace.namespaced);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("kind");
	TCase *tcase = tcase_create("kind");
	tcase_add_test(tcase, rows_are_found_by_both_names);
	tcase_add_test(tcase, first_field_is_metadata);
	tcase_add_test(tcase, unknown_ones_are_not_found);
	tcase_add_test(tcase, api_version_is_cut_to_its_room);
	suite_add_tcase(suite, tcase);
	return suite;
}
