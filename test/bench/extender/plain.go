package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"

	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// serveGo is the extender that is compared with: all nodes pass with the same score. It writes its address
// into the directory once it listens.
func serveGo(dir string) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	if err != nil {
		return err
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(ca) {
		return errors.New("ca.crt has no certificate")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /filter", answer(filter))
	mux.HandleFunc("POST /prioritize", answer(prioritize))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "address"), []byte(listener.Addr().String()), 0o600); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: clients,
		ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"http/1.1"},
	}}
	return server.ServeTLS(listener, "", "")
}

func answer(verb func(*extenderv1.ExtenderArgs) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var args extenderv1.ExtenderArgs
		if err := json.NewDecoder(r.Body).Decode(&args); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(verb(&args)); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func filter(args *extenderv1.ExtenderArgs) any {
	return &extenderv1.ExtenderFilterResult{Nodes: args.Nodes, NodeNames: args.NodeNames}
}

func prioritize(args *extenderv1.ExtenderArgs) any {
	list := make(extenderv1.HostPriorityList, 0, len(*args.NodeNames))
	for _, name := range *args.NodeNames {
		list = append(list, extenderv1.HostPriority{Host: name, Score: 5})
	}
	return list
}
