// The status patch that says why a pod is not scheduled. Neighbours: core.c sends it.
#include "daemon/condition.h"

#include <csched/base/json_writer.h>
#include <csched/kube/timestamp.h>

void cs_condition_patch(const struct cs_pod *pod, struct cs_time now, const char *reason,
			const char *message, struct cs_buffer *out)
{
	struct cs_json_writer json;
	char time[CS_TIMESTAMP_SIZE];
	bool exists = pod->condition_reason || pod->condition_message;

	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_key(&json, "status");
	cs_json_object_begin(&json);
	cs_json_key(&json, "conditions");
	cs_json_array_begin(&json);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "type", "PodScheduled");
	cs_json_member_string(&json, "status", "False");
	cs_json_member_string(&json, "reason", reason);
	cs_json_member_string(&json, "message", message);
	cs_json_member_int(&json, "observedGeneration", pod->generation);
	if (!exists) {
		cs_json_member_string(&json, "lastProbeTime", NULL);
		cs_json_member_string(&json, "lastTransitionTime",
				      cs_timestamp_seconds(now.wall, time));
	}
	cs_json_object_end(&json);
	cs_json_array_end(&json);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}
