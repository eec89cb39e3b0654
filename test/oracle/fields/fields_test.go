// Package fields holds what c-sched takes for unknown fields to the API's types.
package fields

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// kinds are those that simulate reads.
var kinds = map[string]any{
	"v1 Node": &v1.Node{}, "v1 Pod": &v1.Pod{}, "v1 Namespace": &v1.Namespace{}, "v1 Service": &v1.Service{},
	"v1 ReplicationController": &v1.ReplicationController{}, "apps/v1 ReplicaSet": &appsv1.ReplicaSet{},
	"apps/v1 StatefulSet": &appsv1.StatefulSet{}, "apps/v1 Deployment": &appsv1.Deployment{},
	"apps/v1 DaemonSet": &appsv1.DaemonSet{}, "batch/v1 Job": &batchv1.Job{},
	"scheduling.k8s.io/v1 PriorityClass": &schedulingv1.PriorityClass{},
}

// given are values of types that are no plain objects in JSON.
var given = map[reflect.Type]any{
	reflect.TypeFor[resource.Quantity]():  resource.MustParse("1"),
	reflect.TypeFor[metav1.Time]():        metav1.NewTime(time.Unix(1, 0)),
	reflect.TypeFor[intstr.IntOrString](): intstr.FromInt32(1),
	reflect.TypeFor[metav1.FieldsV1]():    metav1.FieldsV1{Raw: []byte("{}")},
}

// fill gives every field a value that is not left out.
func fill(to reflect.Value) {
	if value, ok := given[to.Type()]; ok {
		to.Set(reflect.ValueOf(value))
		return
	}
	switch to.Kind() {
	case reflect.Pointer:
		to.Set(reflect.New(to.Type().Elem()))
		fill(to.Elem())
	case reflect.Slice:
		to.Set(reflect.MakeSlice(to.Type(), 1, 1))
		fill(to.Index(0))
	case reflect.Map:
		value := reflect.New(to.Type().Elem()).Elem()
		fill(value)
		to.Set(reflect.MakeMap(to.Type()))
		to.SetMapIndex(reflect.ValueOf("x").Convert(to.Type().Key()), value)
	case reflect.Struct:
		for i := range to.NumField() {
			fill(to.Field(i))
		}
	case reflect.String:
		to.SetString("x")
	case reflect.Bool:
		to.SetBool(true)
	default:
		to.Set(reflect.ValueOf(1).Convert(to.Type()))
	}
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

var root = env("CSCHED_ROOT", "../../..")

// told are c-sched's words about a file.
func told(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "objects.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(root, "build", env("CSCHED_VARIANT", "gcc"), "c-sched")
	words, err := exec.Command(program, "simulate", "-o", "json", "-f", file).CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return string(words)
}

func full(t *testing.T, name string, object any) map[string]any {
	t.Helper()
	fill(reflect.ValueOf(object).Elem())
	text, err := json.Marshal(object)
	made := map[string]any{}
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		t.Fatal(err)
	}
	made["apiVersion"], made["kind"], _ = strings.Cut(name, " ")
	return made
}

// TestEveryField: none of the API's fields is unknown, and one that is none of them is.
func TestEveryField(t *testing.T) {
	for name, object := range kinds {
		t.Run(name, func(t *testing.T) {
			made := full(t, name, object)
			made["strange"] = 1
			text, err := json.Marshal(made)
			if err != nil {
				t.Fatal(err)
			}
			words := told(t, text)
			if strings.Count(words, "unknown field") != 1 || !strings.Contains(words, `unknown field "strange"`) {
				t.Errorf("%s\n%s", words, text)
			}
		})
	}
}

func names(value any, all map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			all[name] = true
			names(member, all)
		}
	case []any:
		for _, member := range value {
			names(member, all)
		}
	}
}

// TestNoFieldMore: what the table of known fields names is in the API.
func TestNoFieldMore(t *testing.T) {
	all := map[string]bool{}
	for name, object := range kinds {
		names(full(t, name, object), all)
	}
	text, err := os.ReadFile(filepath.Join(root, "lib/kube/known.c"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "left_out[] = {")
	table, _, _ = strings.Cut(table, "\n};")
	count := 0
	for _, match := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(table, -1) {
		for _, name := range strings.Fields(match[1]) {
			count++
			if !all[name] {
				t.Errorf("no object has a field %s", name)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d names were found in the table", count)
	}
}
