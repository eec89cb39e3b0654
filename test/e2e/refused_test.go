package e2e

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

func volume(source corev1.VolumeSource) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: source}}
	}
}

// notUnderstood is a pod per field that kube-scheduler acts on and this version does not. The unit tests of
// the cluster layer have the whole table; these went through the API server's defaulting and encoding.
var notUnderstood = map[string]struct {
	field  string
	change func(*corev1.Pod)
}{
	"claim": {"persistentVolumeClaim", volume(corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
	})},
	"ephemeral-claim": {"ephemeral", volume(corev1.VolumeSource{
		Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: *quantity("1Gi")},
				},
			},
		}},
	})},
	"disk": {"gcePersistentDisk", volume(corev1.VolumeSource{
		GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: "disk"},
	})},
	"resource-claim": {"spec.resourceClaims", func(p *corev1.Pod) {
		claim := "gpu"
		p.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimName: &claim}}
	}},
}

// A pod that asks for what this version lacks is never bound; the event names the field. Its neighbours are.
func TestNotUnderstood(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	e.nodes(2, big("node"))
	e.startScheduler(cluster.SchedulerOptions{})
	for name, c := range notUnderstood {
		e.pod(name, "100m", "", c.change)
	}
	e.pod("plain", "100m", "", func(p *corev1.Pod) {
		// What a kubelet alone acts on is no reason to refuse a pod.
		p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(80)},
		}}
		volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}})(p)
	})
	e.waitBound(1, 10*time.Second)
	for name, c := range notUnderstood {
		t.Run(name, func(t *testing.T) {
			got := e.with(t).waitRejected(name, 10*time.Second)
			for what, text := range map[string]string{"event": got.event.Note, "condition": got.condition.Message} {
				if !strings.Contains(text, c.field) {
					t.Errorf("the %s does not name %s: %q", what, c.field, text)
				}
			}
		})
	}
	// Nothing that happens in the cluster makes such a pod schedulable.
	e.nodes(1, big("more"))
	time.Sleep(settle)
	pods, err := e.ListPods(e.ctx, e.ns)
	e.must(err)
	if bound := cluster.Bound(pods); bound != 1 {
		t.Errorf("%d pods are bound", bound)
	}
}
