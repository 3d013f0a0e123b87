/* SPDX-License-Identifier: Apache-2.0 */
// One SSL_CTX at a time, made from the files. A connection keeps the one that it began with, so
// that changing the files, or failing to, never touches what is connected. Files are recognised as
// changed by inode, size and time of change.
#include "stream/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "stream/tls_session.h"

struct stamp {
	ino_t inode;
	off_t size;
	struct timespec changed;
};

enum { N_FILES = 4 };

struct stream_tls {
	struct stream_tls_config config; // the strings are ours
	SSL_CTX *context;		 // NULL: TLS cannot be used
	char *problem;			 // why not
	bool bootstrap;			 // the context verifies nobody
	struct stamp stamps[N_FILES];	 // of the files when the context was made
	stream_tls_report_cb *report;
	void *arg;
};

static const char key_of_loop; // its address

void tls_report(struct stream_tls *t, bool failure, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	t->report(t->arg, failure, text);
	free(text);
}

// --- Errors of OpenSSL.

static const char *reason_text(unsigned long e)
{
	if (ERR_SYSTEM_ERROR(e))
		return strerror(ERR_GET_REASON(e));
	const char *text = ERR_reason_error_string(e);
	return text ? text : "unknown error";
}

static struct error *openssl_error(const char *what, const char *value)
{
	struct error *e = error_new("%s: %s (%s)", value, what, reason_text(ERR_peek_error()));
	ERR_clear_error();
	return e;
}

static char *explain_verification(const SSL *ssl)
{
	long result = SSL_get_verify_result(ssl);
	const char *why = X509_verify_cert_error_string(result);
	switch (result) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return xasprintf(
			"the peer's certificate was not signed by the CA that is trusted here (%s)",
			why);
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return xstrdup("the peer's certificate has expired");
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return xstrdup("the peer's certificate is not valid yet");
	}
	return xasprintf("the peer's certificate cannot be verified (%s)", why);
}

char *tls_session_explain(const SSL *ssl, unsigned long e)
{
	int reason = ERR_GET_REASON(e);
	if (ERR_GET_LIB(e) != ERR_LIB_SSL)
		return xasprintf("TLS failed (%s)", reason_text(e));
	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return explain_verification(ssl);
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return xstrdup("the peer sent no certificate");
	if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
	    reason == SSL_R_HTTPS_PROXY_REQUEST)
		return xstrdup("the peer does not speak TLS");
	if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
		return xasprintf("the peer refused the connection (%s)",
				 SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	return xasprintf("TLS failed (%s)", reason_text(e));
}

// --- The context.

static bool verifies_peers(const struct stream_tls_config *c)
{
	return !c->ca_cert || strcmp(c->ca_cert, "none");
}

static void take_stamps(const struct stream_tls *t, struct stamp stamps[N_FILES])
{
	const char *const files[N_FILES] = {t->config.private_key, t->config.certificate,
					    t->config.ca_cert, t->config.peer_ca_cert};
	memset(stamps, 0, N_FILES * sizeof(*stamps));
	for (int i = 0; i < N_FILES; i++) {
		struct stat st;
		if (files[i] && !stat(files[i], &st)) {
			stamps[i].inode = st.st_ino;
			stamps[i].size = st.st_size;
			stamps[i].changed = st.st_mtim;
		}
	}
}

static struct error *check_readable(const char *file)
{
	return access(file, R_OK) < 0 ? error_errno(errno, "%s: cannot be read", file) : NULL;
}

static struct error *set_protocols(SSL_CTX *ctx, const char *list)
{
	static const struct {
		const char *name;
		int version;
		uint64_t off;
	} known[] = {{"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
		     {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
		     {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
		     {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}};
	enum { N_KNOWN = sizeof(known) / sizeof(known[0]) };
	unsigned int wanted = 0;
	struct error *e = NULL;
	char *copy = xstrdup(list), *save = NULL;
	for (char *word = strtok_r(copy, ", \t\r\n", &save); word && !e;
	     word = strtok_r(NULL, ", \t\r\n", &save)) {
		size_t i = 0;
		while (i < N_KNOWN && strcmp(known[i].name, word))
			i++;
		if (i == N_KNOWN)
			e = error_new("%s: unknown TLS protocol; known are TLSv1, TLSv1.1, TLSv1.2 "
				      "and TLSv1.3",
				      word);
		wanted |= 1u << i;
	}
	free(copy);
	if (!e && !wanted)
		e = error_new("no TLS protocol is allowed");
	if (e)
		return e;
	SSL_CTX_set_min_proto_version(ctx, known[__builtin_ctz(wanted)].version);
	SSL_CTX_set_max_proto_version(ctx, known[31 - __builtin_clz(wanted)].version);
	for (size_t i = 0; i < N_KNOWN; i++)
		if (!(wanted & 1u << i))
			SSL_CTX_set_options(ctx, known[i].off);
	return NULL;
}

// Nobody is there to type a passphrase.
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	return -1;
}

static struct error *load_own(SSL_CTX *ctx, const struct stream_tls_config *c)
{
	struct error *e = check_readable(c->private_key);
	if (!e)
		e = check_readable(c->certificate);
	if (e)
		return e;
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, c->certificate) != 1)
		return openssl_error("is not a certificate", c->certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, c->private_key, SSL_FILETYPE_PEM) == 1)
		return NULL;
	unsigned long reason = ERR_peek_last_error();
	if (ERR_GET_LIB(reason) == ERR_LIB_X509 &&
	    ERR_GET_REASON(reason) == X509_R_KEY_VALUES_MISMATCH) {
		ERR_clear_error();
		return error_new("%s: this private key is not the one of certificate %s",
				 c->private_key, c->certificate);
	}
	return openssl_error("is not a private key without passphrase", c->private_key);
}

// Certificates that let a peer verify ours, beyond those in our own file.
static struct error *load_peer_ca(SSL_CTX *ctx, const char *file)
{
	FILE *f = fopen(file, "re");
	if (!f)
		return error_errno(errno, "%s: cannot be read", file);
	int n = 0;
	for (X509 *x; (x = PEM_read_X509(f, NULL, NULL, NULL)); n++) {
		SSL_CTX_add1_chain_cert(ctx, x);
		X509_free(x);
	}
	fclose(f);
	ERR_clear_error(); // the end of the file is one
	return n ? NULL : error_new("%s: there is no certificate in this file", file);
}

static int accept_any(int ok, X509_STORE_CTX *store)
{
	return 1;
}

static struct error *load_trusted(SSL_CTX *ctx, const struct stream_tls_config *c, bool bootstrap)
{
	if (!verifies_peers(c)) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   bootstrap ? accept_any : NULL);
	if (bootstrap)
		return NULL;
	struct error *e = check_readable(c->ca_cert);
	if (e)
		return e;
	if (SSL_CTX_load_verify_locations(ctx, c->ca_cert, NULL) != 1)
		return openssl_error("is not a CA certificate", c->ca_cert);
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(c->ca_cert));
	return NULL;
}

static struct error *check_complete(const struct stream_tls_config *c)
{
	if (!c->private_key)
		return error_new("no private key is configured (--private-key)");
	if (!c->certificate)
		return error_new("no certificate is configured (--certificate)");
	if (!c->ca_cert)
		return error_new("no CA certificate is configured (--ca-cert)");
	return NULL;
}

static struct error *make_context(const struct stream_tls_config *c, bool bootstrap, SSL_CTX **out)
{
	struct error *e = check_complete(c);
	if (e)
		return e;
	ERR_clear_error();
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	if (!ctx)
		return openssl_error("cannot be set up", "TLS");
	// Messages have their lengths in them: an end without goodbye is an end. Writes are
	// repeated from where the buffer is then.
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	e = set_protocols(ctx, c->protocols ? c->protocols : "TLSv1.2,TLSv1.3");
	const char *ciphers = c->ciphers ? c->ciphers : "HIGH:!aNULL:!MD5";
	if (!e && SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		e = openssl_error("is not a list of TLS ciphers", ciphers);
	if (!e && c->ciphersuites && SSL_CTX_set_ciphersuites(ctx, c->ciphersuites) != 1)
		e = openssl_error("is not a list of TLS 1.3 ciphersuites", c->ciphersuites);
	if (!e)
		e = load_own(ctx, c);
	if (!e && c->peer_ca_cert)
		e = load_peer_ca(ctx, c->peer_ca_cert);
	if (!e)
		e = load_trusted(ctx, c, bootstrap);
	if (e) {
		SSL_CTX_free(ctx);
		return e;
	}
	*out = ctx;
	return NULL;
}

// Makes the context anew. What was there stays when that fails.
static struct error *load(struct stream_tls *t)
{
	const struct stream_tls_config *c = &t->config;
	bool bootstrap = c->bootstrap_ca_cert && c->ca_cert && verifies_peers(c) &&
			 access(c->ca_cert, F_OK) < 0 && errno == ENOENT;
	SSL_CTX *fresh = NULL;
	take_stamps(t, t->stamps); // before reading: a change meanwhile is seen the next time
	struct error *e = make_context(c, bootstrap, &fresh);
	if (e)
		return e;
	SSL_CTX_free(t->context);
	t->context = fresh;
	t->bootstrap = bootstrap;
	return NULL;
}

static void set_problem(struct stream_tls *t, const char *text)
{
	free(t->problem);
	t->problem = xstrdup_null(text);
}

static void refresh(struct stream_tls *t)
{
	struct stamp now[N_FILES];
	take_stamps(t, now);
	if (t->context && !memcmp(now, t->stamps, sizeof(now)))
		return;
	struct error *e = load(t);
	if (e && t->context)
		tls_report(t, true, "%s; the former files stay in use", error_text(e));
	set_problem(t, e ? error_text(e) : NULL);
	error_free(e);
}

// --- The object.

struct stream_tls *stream_tls_new(stream_tls_report_cb *report, void *arg)
{
	struct stream_tls *t = XNEW(struct stream_tls);
	t->report = report;
	t->arg = arg;
	t->problem = error_take_text(check_complete(&t->config));
	return t;
}

static void config_done(struct stream_tls_config *c)
{
	const char *const strings[] = {c->private_key,	c->certificate, c->ca_cert,
				       c->peer_ca_cert, c->protocols,	c->ciphers,
				       c->ciphersuites};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		free((char *)strings[i]);
}

void stream_tls_free(struct stream_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->context);
	config_done(&t->config);
	free(t->problem);
	free(t);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool config_equal(const struct stream_tls_config *a, const struct stream_tls_config *b)
{
	return same(a->private_key, b->private_key) && same(a->certificate, b->certificate) &&
	       same(a->ca_cert, b->ca_cert) && a->bootstrap_ca_cert == b->bootstrap_ca_cert &&
	       same(a->peer_ca_cert, b->peer_ca_cert) && same(a->protocols, b->protocols) &&
	       same(a->ciphers, b->ciphers) && same(a->ciphersuites, b->ciphersuites);
}

static struct stream_tls_config config_copy(const struct stream_tls_config *c)
{
	return (struct stream_tls_config){
		.private_key = xstrdup_null(c->private_key),
		.certificate = xstrdup_null(c->certificate),
		.ca_cert = xstrdup_null(c->ca_cert),
		.bootstrap_ca_cert = c->bootstrap_ca_cert,
		.peer_ca_cert = xstrdup_null(c->peer_ca_cert),
		.protocols = xstrdup_null(c->protocols),
		.ciphers = xstrdup_null(c->ciphers),
		.ciphersuites = xstrdup_null(c->ciphersuites),
	};
}

struct error *stream_tls_configure(struct stream_tls *t, const struct stream_tls_config *config)
{
	if (config_equal(&t->config, config) && t->context)
		return NULL;
	struct stream_tls_config old = t->config;
	t->config = config_copy(config);
	config_done(&old);
	// Other settings, not other contents: the old ones must not go on.
	SSL_CTX_free(t->context);
	t->context = NULL;
	struct error *e = load(t);
	set_problem(t, e ? error_text(e) : NULL);
	return e;
}

const struct stream_tls_config *stream_tls_get_config(const struct stream_tls *t)
{
	return &t->config;
}

void stream_tls_attach(struct stream_tls *t, struct loop *loop)
{
	loop_attach(loop, &key_of_loop, t);
}

struct stream_tls *stream_tls_find(const struct loop *loop)
{
	return loop_find_attached(loop, &key_of_loop);
}

// --- Sessions.

SSL *tls_session_new(struct stream_tls *t, const char *name, bool server, const char *server_name,
		     bool *bootstrap)
{
	refresh(t);
	if (!t->context) {
		tls_report(t, true, "%s: TLS cannot be used: %s", name, t->problem);
		return NULL;
	}
	SSL *ssl = SSL_new(t->context);
	if (!ssl) {
		struct error *e = openssl_error("TLS cannot be used", name);
		tls_report(t, true, "%s", error_text(e));
		error_free(e);
		return NULL;
	}
	if (!server && server_name && *server_name)
		SSL_set_tlsext_host_name(ssl, server_name);
	*bootstrap = t->bootstrap;
	return ssl;
}

// The last certificate of the chain, if it is one that signed itself.
static X509 *find_ca(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	X509 *last = chain && sk_X509_num(chain) ? sk_X509_value(chain, sk_X509_num(chain) - 1)
						 : SSL_get0_peer_certificate(ssl);
	return last && !X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) &&
			       X509_check_ca(last)
		       ? last
		       : NULL;
}

static struct error *write_certificate(const char *path, X509 *certificate)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444);
	if (fd < 0) // somebody else was first: that one holds
		return errno == EEXIST
			       ? NULL
			       : error_errno(errno, "%s: cannot write the CA certificate", path);
	FILE *f = fdopen(fd, "w");
	bool ok = PEM_write_X509(f, certificate) == 1 && !fflush(f) && !fsync(fd);
	int saved = errno;
	fclose(f);
	if (ok)
		return NULL;
	unlink(path);
	return error_errno(saved, "%s: cannot write the CA certificate", path);
}

struct error *tls_session_bootstrap(struct stream_tls *t, SSL *ssl)
{
	X509 *ca = find_ca(ssl);
	if (!ca)
		return error_new("the peer sent no CA certificate that could be kept in %s",
				 t->config.ca_cert);
	struct error *e = write_certificate(t->config.ca_cert, ca);
	if (e)
		return e;
	char *subject = X509_NAME_oneline(X509_get_subject_name(ca), NULL, 0);
	tls_report(t, false,
		   "the CA certificate %s of the peer is kept in %s and trusted from now on",
		   subject, t->config.ca_cert);
	OPENSSL_free(subject);
	SSL_CTX_free(t->context); // which trusts everybody
	t->context = NULL;
	return NULL;
}
