package e2e

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const configHead = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

// configCase is a configuration that both schedulers read. Neither start: kube-scheduler writes the configuration and
// ends, c-sched checks it.
type configCase struct {
	text string
	// wrong is what both must say, none for a configuration that both take.
	wrong []string
}

func args(plugin, json string) string {
	return fmt.Sprintf("profiles: [{schedulerName: a, pluginConfig: [{name: %s, args: %s}]}]\n", plugin, json)
}

func pluginsOf(text string) string {
	return "profiles: [{schedulerName: a, plugins: {" + text + "}}]\n"
}

const addedTerm = "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [%s]}]}}}"

var configCases = map[string]configCase{
	"nothing":  {"", nil},
	"profiles": {"profiles: [{schedulerName: a}, {schedulerName: b}]\n", nil},
	"weights":  {pluginsOf("score: {enabled: [{name: NodeAffinity, weight: 7}], disabled: [{name: ImageLocality}]}"), nil},
	"multiPoint": {pluginsOf("multiPoint: {enabled: [{name: TaintToleration, weight: 1}], disabled: [{name: NodePorts}]}"),
		nil},
	"unknown names that start nothing": {pluginsOf("filter: {disabled: [{name: Nobody}]}"), nil},
	"strategy": {args("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 3}], "+
		"requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}}"), nil},
	"added affinity": {args("NodeAffinity", fmt.Sprintf(addedTerm, "{key: a, operator: In, values: [b]}")), nil},
	"spread list": {args("PodTopologySpread", "{defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: zone, "+
		"whenUnsatisfiable: ScheduleAnyway}]}"), nil},
	"plugins c-sched may lack": {args("VolumeBinding", "{bindTimeoutSeconds: 5}"), nil},

	"parallelism and back-off": {"parallelism: 0\npodInitialBackoffSeconds: 20\n", []string{
		"parallelism: Invalid value: 0: should be an integer value greater than zero",
		"podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds"}},
	"percentages": {"percentageOfNodesToScore: -1\nprofiles: [{schedulerName: a, percentageOfNodesToScore: 101}]\n", []string{
		"percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]",
		"profiles[0].percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"}},
	"names of profiles": {"profiles: [{schedulerName: a}, {schedulerName: a}, {}]\n", []string{
		"profiles[1].schedulerName: Duplicate value: ", "profiles[2].schedulerName: Required value"}},
	"leases": {"leaderElection: {leaseDuration: 1s, retryPeriod: -1s, resourceLock: x}\n", []string{
		"leaderElection.leaseDuration: Invalid value: ", "leaderElection.retryPeriod: Invalid value: \"-1s\": must be greater than zero",
		"leaderElection.resourceLock: Invalid value: \"x\": resourceLock value must be \"leases\""}},
	"unknown fields": {"foo: 1\n" + args("NodeResourcesFit", "{x: 1}"), []string{"foo", "x", "unknown field"}},
	"no strategy": {args("NodeResourcesFit", "{scoringStrategy: {type: Foo, resources: [{name: cpu, weight: 101}]}, "+
		"ignoredResourceGroups: [a/b]}"), []string{
		"scoringStrategy.type: Unsupported value: \"Foo\": supported values: \"LeastAllocated\", \"MostAllocated\", " +
			"\"RequestedToCapacityRatio\"",
		"scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]",
		"ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'"}},
	"no shape": {args("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"), []string{
		"scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"}},
	"a shape that falls back": {args("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio, "+
		"requestedToCapacityRatio: {shape: [{utilization: 9, score: 11}, {utilization: 9, score: -1}]}}}"), []string{
		"shape[1].utilization: Invalid value: 9: values must be sorted in increasing order",
		"shape[0].score: Invalid value: 11: not in valid range [0, 10]", "shape[1].score: Invalid value: -1: not in valid range [0, 10]"}},
	"balance": {args("NodeResourcesBalancedAllocation", "{resources: [{name: cpu, weight: 2}, {name: cpu}]}"), []string{
		"profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1",
		"profiles[0].pluginConfig[0].args.resources[1].name: Duplicate value: \"cpu\""}},
	"affinity weight": {args("InterPodAffinity", "{hardPodAffinityWeight: 101}"), []string{
		"profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"}},
	"added affinity's operator": {args("NodeAffinity", fmt.Sprintf(addedTerm, "{key: a, operator: Foo}")), []string{
		"nodeSelectorTerms[0].matchExpressions[0].operator: Unsupported value: \"Foo\""}},
	"spread": {args("PodTopologySpread", "{defaultConstraints: [{maxSkew: 0, topologyKey: '', whenUnsatisfiable: X, "+
		"labelSelector: {}}]}"), []string{
		"args.defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty",
		"args.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)",
		"args.defaultConstraints[0].topologyKey: Required value: can not be empty",
		"args.defaultConstraints[0].whenUnsatisfiable: Unsupported value: \"X\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"",
		"args.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod"}},
	"preemption": {args("DefaultPreemption", "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}"), []string{
		"args.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute"}},
	"volumes": {args("VolumeBinding", "{bindTimeoutSeconds: -1}"), []string{
		"args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value"}},
	"devices": {args("DynamicResources", "{filterTimeout: -1s, bindingTimeout: 1ms}"), []string{
		"args.filterTimeout: Invalid value: \"-1s\": must be zero or positive",
		"args.bindingTimeout: Invalid value: \"1ms\": must be at least 1 second"}},
	"unknown plugin":            {pluginsOf("score: {enabled: [{name: Foo}]}"), []string{"\"Foo\""}},
	"plugin at the wrong place": {pluginsOf("score: {enabled: [{name: NodeName}]}"), []string{"\"NodeName\""}},
	"plugin twice":              {pluginsOf("score: {enabled: [{name: NodeAffinity}, {name: NodeAffinity}]}"), []string{"\"NodeAffinity\" "}},
	"no order":                  {pluginsOf("queueSort: {disabled: [{name: '*'}]}"), []string{"only one queue sort plugin required for profile with scheduler name \"a\", but got 0"}},
	"no binder":                 {pluginsOf("bind: {disabled: [{name: '*'}]}"), []string{"at least one bind plugin is needed for profile with scheduler name \"a\""}},
	"a weight that cannot be":   {pluginsOf("score: {enabled: [{name: NodeAffinity, weight: -1}]}"), []string{""}},
}

// output runs the program and gives what it printed, and whether it ended well.
func (e *test) output(program string, arguments ...string) (stdout, stderr string, good bool) {
	e.Helper()
	var out, errors bytes.Buffer
	command := exec.CommandContext(e.ctx, program, arguments...)
	command.Stdout, command.Stderr = &out, &errors
	err := command.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		e.Fatal(err)
	}
	return out.String(), errors.String(), err == nil
}

// kubeSchedulerTakes lets kube-scheduler read the file; what it says, and whether it is content.
func (e *test) kubeSchedulerTakes(file string) (string, bool) {
	e.Helper()
	_, words, good := e.output(tool("kube-scheduler"), "--config", file, "--write-config-to", file+".written",
		"--secure-port", "0")
	// Its log quotes the error.
	return strings.ReplaceAll(words, `\"`, `"`), good
}

func (e *test) compareConfig(c configCase) {
	e.Helper()
	file := filepath.Join(e.TempDir(), "config.yaml")
	text := configHead + "clientConnection: {kubeconfig: " + schedulerKubeconfig + "}\n" + c.text
	e.must(os.WriteFile(file, []byte(text), 0o600))
	theirs, theyTake := e.kubeSchedulerTakes(file)
	effective, ours, weTake := e.output(cSched, "check-config", file)
	if theyTake != (c.wrong == nil) || weTake != theyTake {
		e.Fatalf("kube-scheduler takes it: %v, c-sched: %v\n%s\n%s", theyTake, weTake, theirs, ours)
	}
	for _, words := range c.wrong {
		if !strings.Contains(theirs, words) || !strings.Contains(ours, words) {
			e.Errorf("not said by both: %s\n%s\n%s", words, theirs, ours)
		}
	}
	if !weTake {
		return
	}
	e.must(os.WriteFile(file, []byte(effective), 0o600))
	if words, good := e.kubeSchedulerTakes(file); !good {
		e.Errorf("kube-scheduler refuses what is in force: %s\n%s", words, effective)
	}
	if again, words, _ := e.output(cSched, "check-config", file); again != effective || words != "" {
		e.Errorf("what is in force changes when it is read: %s\n%s\n%s", words, effective, again)
	}
	if _, words, good := e.output(cSched, "check-config", file+".written"); !good {
		e.Errorf("c-sched refuses what kube-scheduler wrote: %s", words)
	}
}

// c-sched takes the configurations that kube-scheduler takes, and says the same about the others.
func TestConfigurations(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	for name, c := range configCases {
		t.Run(name, func(t *testing.T) { e.with(t).compareConfig(c) })
	}
}

// What extender-config prints is taken by kube-scheduler, with and without TLS. It looks for the files that users
// have to provide, so they are made here.
func TestExtenderConfig(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	for name, flags := range map[string][]string{
		"plain": {"--extender-port=10261", "--extender-bind"},
		"TLS":   {"--extender-tls-cert-file=a", "--extender-tls-key-file=b", "--extender-client-ca-file=c"},
	} {
		t.Run(name, func(t *testing.T) {
			printed, words, good := e.output(cSched, append([]string{"extender-config"}, flags...)...)
			if !good {
				t.Fatal(words)
			}
			authority := e.newAuthority("clients")
			certificate, key := authority.issue(leaf{name: "kube-scheduler", usage: x509.ExtKeyUsageClientAuth})
			dir := t.TempDir()
			for file, text := range map[string][]byte{"ca.crt": certificate, "client.crt": certificate, "client.key": key} {
				e.must(os.WriteFile(filepath.Join(dir, file), text, 0o600))
			}
			printed = strings.ReplaceAll(printed, "/etc/kubernetes/c-sched/", dir+"/")
			file := filepath.Join(dir, "config.yaml")
			text := configHead + "clientConnection: {kubeconfig: " + schedulerKubeconfig + "}\n" + printed
			e.must(os.WriteFile(file, []byte(text), 0o600))
			if words, good := e.kubeSchedulerTakes(file); !good {
				t.Fatalf("%s\n%s", words, text)
			}
			written, err := os.ReadFile(file + ".written")
			e.must(err)
			for _, line := range []string{"nodeCacheCapable: true", "ignorable: true", "weight: 3", "httpTimeout: 2s"} {
				if !strings.Contains(string(written), line) {
					t.Errorf("%q is not in\n%s", line, written)
				}
			}
		})
	}
}
