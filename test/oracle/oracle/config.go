package oracle

import (
	"fmt"

	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
)

// BuiltIn are the profiles of c-sched simulate without a file.
var BuiltIn = []string{"c-sched", "default-scheduler"}

// Profiles reads a KubeSchedulerConfiguration; without one the built-in profiles.
func Profiles(text []byte) ([]config.KubeSchedulerProfile, error) {
	if text == nil {
		return builtIn()
	}
	object, _, err := scheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	read, ok := object.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("a %T is no configuration", object)
	}
	if err := validation.ValidateKubeSchedulerConfiguration(read); err != nil {
		return nil, err
	}
	for i := range read.Profiles {
		read.Profiles[i].PercentageOfNodesToScore = nil // all nodes are evaluated
	}
	return read.Profiles, nil
}

func builtIn() ([]config.KubeSchedulerProfile, error) {
	var versioned configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&versioned)
	var read config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&versioned, &read, nil); err != nil {
		return nil, err
	}
	var profiles []config.KubeSchedulerProfile
	for _, name := range BuiltIn {
		profile := read.Profiles[0].DeepCopy()
		profile.SchedulerName = name
		profiles = append(profiles, *profile)
	}
	return profiles, nil
}
