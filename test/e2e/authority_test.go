package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	mathbig "math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs certificates for one test.
type authority struct {
	e           *test
	certificate *x509.Certificate
	key         crypto.Signer
	pem         []byte
}

// leaf is what a certificate says. Without usages it is for clients.
type leaf struct {
	name, organization string
	ends               time.Duration
	usage              x509.ExtKeyUsage
}

func (e *test) newAuthority(name string) *authority {
	e.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	e.must(err)
	template := &x509.Certificate{
		SerialNumber: mathbig.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	e.must(err)
	certificate, err := x509.ParseCertificate(der)
	e.must(err)
	return &authority{e, certificate, key, pemText("CERTIFICATE", der)}
}

// clusterAuthority is one that the API server knows.
func (e *test) clusterAuthority(name string) *authority {
	e.Helper()
	certificateFile, keyFile := e.Authority(name)
	pair, err := tls.LoadX509KeyPair(certificateFile, keyFile)
	e.must(err)
	text, err := os.ReadFile(certificateFile)
	e.must(err)
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	e.must(err)
	return &authority{e, certificate, pair.PrivateKey.(crypto.Signer), text}
}

func pemText(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// issue returns the certificate and its key.
func (a *authority) issue(l leaf) (certificate, key []byte) {
	a.e.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.e.must(err)
	serial, err := rand.Int(rand.Reader, mathbig.NewInt(1<<60))
	a.e.must(err)
	subject := pkix.Name{CommonName: l.name}
	if l.organization != "" {
		subject.Organization = []string{l.organization}
	}
	if l.ends == 0 {
		l.ends = time.Hour
	}
	if l.usage == 0 {
		l.usage = x509.ExtKeyUsageClientAuth
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: subject,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(l.ends),
		ExtKeyUsage: []x509.ExtKeyUsage{l.usage}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	if l.usage == x509.ExtKeyUsageServerAuth {
		template.DNSNames, template.IPAddresses = []string{l.name}, []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &own.PublicKey, a.key)
	a.e.must(err)
	private, err := x509.MarshalPKCS8PrivateKey(own)
	a.e.must(err)
	return pemText("CERTIFICATE", der), pemText("PRIVATE KEY", private)
}

// client is a certificate as Go's TLS takes it.
func (a *authority) client(l leaf) *tls.Certificate {
	a.e.Helper()
	certificate, err := tls.X509KeyPair(a.issue(l))
	a.e.must(err)
	return &certificate
}

// pemFile keeps a text in the test's folder.
func (e *test) pemFile(name string, text []byte) string {
	e.Helper()
	path := filepath.Join(e.Dir(), e.ns+"-"+name)
	e.must(os.WriteFile(path, text, 0o600))
	return path
}
