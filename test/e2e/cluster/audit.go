package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Request is one line of the API server's audit log: a request and how it was answered.
type Request struct {
	Verb       string
	RequestURI string
	UserAgent  string
	Stage      string
	User       struct{ Username string }
	ObjectRef  struct {
		Resource, Subresource, Namespace, Name, APIGroup string
	}
	ResponseStatus struct {
		Code   int
		Reason string
	}
	RequestReceivedTimestamp time.Time
}

// String is the request in short, as failures print it: "create pods/binding ns/name 201".
func (r Request) String() string {
	resource := r.ObjectRef.Resource
	if r.ObjectRef.Subresource != "" {
		resource += "/" + r.ObjectRef.Subresource
	}
	if resource == "" {
		resource = r.RequestURI
	}
	return fmt.Sprintf("%s %s %s/%s %d", r.Verb, resource, r.ObjectRef.Namespace, r.ObjectRef.Name, r.ResponseStatus.Code)
}

// Is compares verb and resource[/subresource].
func (r Request) Is(verb, resource string) bool {
	name, sub, _ := strings.Cut(resource, "/")
	return r.Verb == verb && r.ObjectRef.Resource == name && r.ObjectRef.Subresource == sub
}

// AuditMark is a place in the audit log: where it ends now.
func (c *Cluster) AuditMark() int64 {
	info, err := os.Stat(c.file("audit.log"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// AuditSince returns the requests logged since the mark that pass the filter.
func (c *Cluster) AuditSince(mark int64, keep func(Request) bool) ([]Request, error) {
	file, err := os.Open(c.file("audit.log"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if _, err := file.Seek(mark, io.SeekStart); err != nil {
		return nil, err
	}
	var found []Request
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			// What is left is a line still being written, or cut short by a killed API server.
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		var request Request
		// A line may be torn where the API server was killed; the next one starts behind it.
		if json.Unmarshal(line, &request) == nil && keep(request) {
			found = append(found, request)
		}
	}
}

// ByUser keeps the requests of one user.
func ByUser(user string) func(Request) bool {
	return func(r Request) bool { return r.User.Username == user }
}
