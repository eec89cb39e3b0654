// Timeouts, TLS and the proxy of each connection; which of it is the same for all requests.
// Neighbours: credentials.h has the certificates, the endpoint what the kubeconfig says.
#include "handles.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#define CONNECT_TIMEOUT_MS  10000L
#define KEEPALIVE_IDLE      30L   // s without traffic until the first probe
#define KEEPALIVE_INTERVAL  15L   // s between probes
#define TCP_USER_TIMEOUT_MS 20000 // bytes that stay unacknowledged this long end the connection

void cs_handles_init(struct cs_handles *handles, const struct cs_endpoint *endpoint,
		     const char *user_agent)
{
	*handles = (struct cs_handles){
		.endpoint = endpoint,
		.user_agent = cs_strdup(user_agent),
		.tls = cs_string_prefix(endpoint->server, "https://"),
	};
}

void cs_handles_drop(struct cs_handles *handles)
{
	while (handles->n_idle > 0)
		curl_easy_cleanup(handles->idle[--handles->n_idle].easy);
}

void cs_handles_finish(struct cs_handles *handles)
{
	cs_handles_drop(handles);
	curl_slist_free_all(handles->connect_to);
	free(handles->user_agent);
}

static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	unsigned timeout = TCP_USER_TIMEOUT_MS;
	(void)user;
	if (purpose == CURLSOCKTYPE_IPCXN)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	return CURL_SOCKOPT_OK;
}

static void set_blob(CURL *easy, CURLoption option, const char *pem)
{
	struct curl_blob blob = {
		.data = (void *)(uintptr_t)pem,
		.len = pem ? strlen(pem) : 0,
		.flags = CURL_BLOB_COPY,
	};
	curl_easy_setopt(easy, option, pem ? &blob : NULL);
}

static void set_tls(const struct cs_handles *handles, CURL *easy,
		    const struct cs_credentials_view *view)
{
	if (!handles->tls)
		return;
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (handles->endpoint->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (view->ca) {
		set_blob(easy, CURLOPT_CAINFO_BLOB, view->ca);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); // else the system's CAs count too
	}
	set_blob(easy, CURLOPT_SSLCERT_BLOB, view->certificate);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, view->key);
}

static void set_proxy(const struct cs_handles *handles, CURL *easy)
{
	const char *proxy = handles->endpoint->proxy_url;
	if (!proxy)
		return; // https_proxy, no_proxy of the environment
	if (cs_string_prefix(proxy, "socks5://")) {
		// Names are resolved by the proxy, as Go does.
		CS_AUTO_FREE char *url = cs_asprintf("socks5h%s", proxy + strlen("socks5"));
		curl_easy_setopt(easy, CURLOPT_PROXY, url);
	} else {
		curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
	}
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
}

static CURL *new_easy(const struct cs_handles *handles)
{
	CURL *easy = curl_easy_init();
	if (!easy)
		abort();
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, handles->user_agent);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 handles->tls ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, handles->connect_to);
	if (!handles->endpoint->no_compress)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	set_proxy(handles, easy);
	return easy;
}

CURL *cs_handles_take(struct cs_handles *handles, const struct cs_credentials_view *view)
{
	while (handles->n_idle > 0) {
		struct cs_handle *handle = &handles->idle[--handles->n_idle];
		if (handle->tls_version == view->tls_version)
			return handle->easy;
		curl_easy_cleanup(handle->easy);
	}
	CURL *easy = new_easy(handles);
	set_tls(handles, easy, view);
	return easy;
}

void cs_handles_put(struct cs_handles *handles, struct cs_handle handle)
{
	if (handles->n_idle == CS_HANDLES_MAX)
		curl_easy_cleanup(handle.easy);
	else
		handles->idle[handles->n_idle++] = handle;
}
