// The status patch of a pod that is not scheduled. Neighbours: core.c sends it.
#include "daemon/condition.h"

#include <csched/base/json_writer.h>
#include <csched/kube/timestamp.h>

static void write_condition(struct cs_json_writer *json, const struct cs_pod *pod,
			    struct cs_time now, const struct cs_scheduler_status *status)
{
	char time[CS_TIMESTAMP_SIZE];
	bool exists = pod->condition_reason || pod->condition_message;
	cs_json_member_array_begin(json, "conditions");
	cs_json_object_begin(json);
	cs_json_member_string(json, "type", "PodScheduled");
	cs_json_member_string(json, "status", "False");
	cs_json_member_string(json, "reason", status->reason);
	cs_json_member_string(json, "message", status->message);
	cs_json_member_int(json, "observedGeneration", pod->generation);
	if (!exists) {
		cs_json_member_string(json, "lastProbeTime", NULL);
		cs_json_member_string(json, "lastTransitionTime",
				      cs_timestamp_seconds(now.wall, time));
	}
	cs_json_object_end(json);
	cs_json_array_end(json);
}

void cs_condition_patch(const struct cs_pod *pod, struct cs_time now,
			const struct cs_scheduler_status *status, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_object_begin(&json, "status");
	if (status->reason)
		write_condition(&json, pod, now, status);
	if (status->drop_nomination)
		cs_json_member_string(&json, "nominatedNodeName", NULL);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}
