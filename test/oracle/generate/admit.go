package generate

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/registry/core/pod"
)

func uid(kind string, n int) types.UID { return types.UID(fmt.Sprintf("%s-%d", kind, n)) }

// admitPod does to a pod what the API server does when it is created, without its status: defaults, merged label keys.
func admitPod(from *v1.Pod) (*v1.Pod, error) {
	defaulted := from.DeepCopy()
	defaulted.Status = v1.PodStatus{}
	defaulted.DeletionTimestamp, defaulted.DeletionGracePeriodSeconds = nil, nil
	legacyscheme.Scheme.Default(defaulted)
	var internal core.Pod
	if err := legacyscheme.Scheme.Convert(defaulted, &internal, nil); err != nil {
		return nil, err
	}
	pod.Strategy.PrepareForCreate(context.Background(), &internal)
	if errs := pod.Strategy.Validate(context.Background(), &internal); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	admitted := &v1.Pod{}
	if err := legacyscheme.Scheme.Convert(&internal, admitted, nil); err != nil {
		return nil, err
	}
	admitted.TypeMeta = from.TypeMeta
	admitted.Status = from.Status
	admitted.DeletionTimestamp = from.DeletionTimestamp
	admitted.DeletionGracePeriodSeconds = from.DeletionGracePeriodSeconds
	return admitted, nil
}

func convert[T any](from runtime.Object) *T {
	defaulted := from.DeepCopyObject()
	legacyscheme.Scheme.Default(defaulted)
	to := new(T)
	if err := legacyscheme.Scheme.Convert(defaulted, to, nil); err != nil {
		panic(err) // the scheme knows all that is made here
	}
	return to
}

func admitNode(node *v1.Node) bool {
	return len(validation.ValidateNode(convert[core.Node](node))) == 0
}

func admitService(service *v1.Service) error {
	return validation.ValidateServiceCreate(convert[core.Service](service)).ToAggregate()
}

func admitController(controller *v1.ReplicationController) error {
	return validation.ValidateReplicationController(convert[core.ReplicationController](controller),
		validation.PodValidationOptions{}).ToAggregate()
}

func admitReplicaSet(set *appsv1.ReplicaSet) error {
	return appsvalidation.ValidateReplicaSet(convert[apps.ReplicaSet](set), validation.PodValidationOptions{}).ToAggregate()
}

func admitStatefulSet(set *appsv1.StatefulSet) error {
	return appsvalidation.ValidateStatefulSet(convert[apps.StatefulSet](set), validation.PodValidationOptions{}).ToAggregate()
}
