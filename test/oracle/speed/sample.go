package speed

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/c-sched/c-sched/test/oracle/oracle"
)

// Sample is what the decisions of one class took, in microseconds.
type Sample struct {
	Class   string  `json:"class"` // "new" or "replica", and the number of the shape in its file
	Count   int     `json:"count"`
	Median  float64 `json:"median"`
	Mean    float64 `json:"mean"`
	Arrival float64 `json:"arrival"` // c-sched: mean of what the pod cost when it came
	// c-sched: median of what putting the decision into the record costs, beside the decision.
	Remembered float64 `json:"remembered"`
}

// Memory is what c-sched holds once it has read a file, in bytes.
type Memory struct {
	Heap     int64 `json:"heap"`
	Resident int64 `json:"resident"`
	Pods     int   `json:"pods"`
}

// CSched runs the C side on a file.
func CSched(program, file string) (samples []Sample, memory Memory, err error) {
	var answer struct {
		Samples []Sample `json:"samples"`
		Memory  Memory   `json:"memory"`
	}
	command := exec.Command(program, file)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", program, file, err)
	}
	return answer.Samples, answer.Memory, err
}

// KubeScheduler measures kube-scheduler's own code on a file; GOMAXPROCS is the caller's to set.
func KubeScheduler(file string, percentage int) ([]Sample, error) {
	var cluster oracle.Cluster
	if err := Read(file, func(object runtime.Object) { cluster.Add(object) }); err != nil {
		return nil, err
	}
	profiles, err := oracle.Profiles(nil)
	if err != nil {
		return nil, err
	}
	took := map[string][]time.Duration{}
	var classes []string
	err = oracle.Time(&cluster, profiles, int32(percentage), func(pod *v1.Pod, d time.Duration) {
		class, _, _ := strings.Cut(pod.Name, "-")
		if took[class] == nil {
			classes = append(classes, class)
		}
		took[class] = append(took[class], d)
	})
	if err != nil {
		return nil, err
	}
	var samples []Sample
	for _, class := range classes {
		all := took[class]
		if isReplica(class) {
			all = all[1:] // the first one is a new demand
		}
		samples = append(samples, sample(class, all))
	}
	return samples, nil
}

func sample(class string, took []time.Duration) Sample {
	slices.Sort(took)
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	micros := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Sample{Class: class, Count: len(took), Median: micros(took[len(took)/2]),
		Mean: micros(sum) / float64(len(took))}
}
