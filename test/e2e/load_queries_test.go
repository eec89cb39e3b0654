package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// builtins are the queries that come with c-sched, and the metric each is for.
var builtins = map[string]string{
	"cpu": "cpu", "memory": "memory", "conntrack": "connections", "established": "connections",
	"istio-connections": "connections", "istio-response-time": "responseTime",
}

// queryText asks c-sched what builtin:name stands for.
func queryText(t *testing.T, name, metric string) (query, limit, time string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "load.yaml")
	text := "apiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\nsources:\n- name: p\n  type: Prometheus\n" +
		"  url: http://p:9090\n  queries:\n  - metric: " + metric + "\n    query: builtin:" + name + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	printed, err := exec.Command(built("c-sched"), "check-config", file).Output()
	if err != nil {
		t.Fatalf("check-config: %v", err)
	}
	document := string(printed)
	return member(t, document, "query"), member(t, document, "limit"), member(t, document, "time")
}

// member is the string that a YAML document has at the first member of that name; "" without one.
func member(t *testing.T, document, name string) (text string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^[ -]+` + name + `: (".*")$`).FindStringSubmatch(document)
	if found == nil {
		return ""
	}
	if err := json.Unmarshal([]byte(found[1]), &text); err != nil {
		t.Fatalf("%s: %v", found[0], err)
	}
	return text
}

// Every query that comes with c-sched, evaluated by Prometheus' own engine over recorded series.
func TestBuiltinQueries(t *testing.T) {
	recorded, err := os.ReadFile(filepath.Join("testdata", "load_queries.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, metric := range builtins {
		texts["BUILTIN:"+name], texts["LIMIT:"+name], texts["TIME:"+name] = queryText(t, name, metric)
	}
	used := map[string]bool{}
	expression := regexp.MustCompile(`(?m)^( *- expr: )(.*)$`)
	place := regexp.MustCompile(`(BUILTIN|LIMIT|TIME):[a-z-]+`)
	rules := expression.ReplaceAllStringFunc(string(recorded), func(line string) string {
		parts := expression.FindStringSubmatch(line)
		query := place.ReplaceAllStringFunc(parts[2], func(name string) string {
			if texts[name] == "" {
				t.Errorf("there is no query %s", name)
			}
			used[name] = true
			return texts[name]
		})
		return parts[1] + "'" + strings.ReplaceAll(query, "'", "''") + "'"
	})
	for name, text := range texts {
		if text != "" && !used[name] {
			t.Errorf("%s is not tried", name)
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if printed, err := exec.Command("promtool", "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, printed)
	}
}
