package cluster

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
)

// Every request is in the audit log once, when it is answered (a watch also when it starts), except what the
// API server asks of itself.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver"]
- level: Metadata
`

// CAFile is the API server's certificate with the CA that signed it.
func (c *Cluster) CAFile() string { return c.file("apiserver.crt") }

func (c *Cluster) writeFiles() error {
	if err := os.WriteFile(c.file("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	if err := c.writeTokens(); err != nil {
		return err
	}
	if err := c.writeCertificate(); err != nil {
		return err
	}
	for _, name := range []string{FrontProxy, Clients} {
		if err := c.writeAuthority(name); err != nil {
			return err
		}
	}
	return c.writeServiceAccountKey()
}

func (c *Cluster) writeTokens() error {
	// kube-controller-manager's own role covers its controllers only where each has a ServiceAccount; here all
	// share one user.
	groups := map[string]string{
		UserAdmin: "system:masters", UserManager: "system:masters", UserScheduler: "", UserNobody: "",
	}
	c.tokens = map[string]string{}
	var lines strings.Builder
	for user, group := range groups {
		secret := make([]byte, 16)
		if _, err := rand.Read(secret); err != nil {
			return err
		}
		c.tokens[user] = hex.EncodeToString(secret)
		fmt.Fprintf(&lines, "%s,%s,%s,%q\n", c.tokens[user], user, user, group)
	}
	return os.WriteFile(c.file("tokens.csv"), []byte(lines.String()), 0o600)
}

func (c *Cluster) writeCertificate() error {
	certificate, key, err := cert.GenerateSelfSignedCertKey("127.0.0.1", nil, nil)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file("apiserver.key"), key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(c.CAFile(), certificate, 0o600)
}

func (c *Cluster) writeServiceAccountKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(c.file("sa.key"), private, 0o600); err != nil {
		return err
	}
	block := &pem.Block{Type: "PUBLIC KEY", Bytes: public}
	return os.WriteFile(c.file("sa.pub"), pem.EncodeToMemory(block), 0o600)
}

// Kubeconfig writes a kubeconfig for one of the users of the token file and returns its path.
func (c *Cluster) Kubeconfig(user string) (string, error) {
	return c.KubeconfigWithToken(strings.ReplaceAll(user, ":", "-"), c.tokens[user])
}

// KubeconfigWithToken writes a kubeconfig that presents any token.
func (c *Cluster) KubeconfigWithToken(name, token string) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: c.URL(), CertificateAuthority: c.CAFile()}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: name}
	config.CurrentContext = "e2e"
	path := c.file(name + ".kubeconfig")
	return path, clientcmd.WriteToFile(*config, path)
}
