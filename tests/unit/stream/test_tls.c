/* SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stream/stream.h"
#include "stream/tls.h"

// --- Keys and certificates, made here: files in a directory that goes when the tests end.

static char dir[] = "/tmp/sluice-tls-XXXXXX";

static const char *path(const char *name)
{
	static char paths[64][128];
	static unsigned int next;
	char *p = paths[next++ % 64];
	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static void add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
}

// Writes NAME.key and NAME.crt; `issuer` NULL makes a CA. The certificate is good from `from` to
// `to` seconds from now.
static struct identity make_identity(const char *name, const struct identity *issuer, long from,
				     long to)
{
	static long serial;
	struct identity id = {EVP_EC_gen("P-256"), X509_new()};
	char file[64];
	X509_NAME *subject = X509_get_subject_name(id.certificate);
	X509_set_version(id.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(id.certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(id.certificate), to);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(id.certificate,
			     issuer ? X509_get_subject_name(issuer->certificate) : subject);
	X509_set_pubkey(id.certificate, id.key);
	add_extension(id.certificate, NID_basic_constraints,
		      issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	assert_true(X509_sign(id.certificate, issuer ? issuer->key : id.key, EVP_sha256()) > 0);
	snprintf(file, sizeof(file), "%s.key", name);
	FILE *f = fopen(path(file), "w");
	assert_true(PEM_write_PrivateKey(f, id.key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	snprintf(file, sizeof(file), "%s.crt", name);
	f = fopen(path(file), "w");
	assert_true(PEM_write_X509(f, id.certificate));
	fclose(f);
	return id;
}

static void identity_done(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->certificate);
}

static int make_files(void **state)
{
	enum { DAY = 86400 };
	assert_non_null(mkdtemp(dir));
	struct identity ca = make_identity("ca", NULL, -DAY, DAY),
			other = make_identity("other-ca", NULL, -DAY, DAY);
	struct identity all[] = {
		make_identity("a", &ca, -DAY, DAY),
		make_identity("b", &ca, -DAY, DAY),
		make_identity("expired", &ca, -2 * DAY, -DAY),
		make_identity("early", &ca, DAY, 2 * DAY),
		make_identity("stranger", &other, -DAY, DAY),
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		identity_done(&all[i]);
	identity_done(&ca);
	identity_done(&other);
	return 0;
}

static int remove_files(void **state)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static struct stream_tls_config config_of(const char *key, const char *certificate, const char *ca)
{
	return (struct stream_tls_config){.private_key = key ? path(key) : NULL,
					  .certificate = certificate ? path(certificate) : NULL,
					  .ca_cert = ca && strcmp(ca, "none") ? path(ca) : ca};
}

// --- Two ends, on a loop each, so that each has settings of its own.

struct peer {
	struct loop *loop;
	struct stream_tls *tls;
	struct stream *stream;
	size_t received;
	uint64_t sum; // of the bytes received
	int closed, connected, drained;
	bool echo;
	char reports[1024]; // one after the other
};

struct world {
	struct peer server, client;
	struct stream_listener *listener;
};

static void on_report(void *arg, bool failure, const char *text)
{
	struct peer *p = arg;
	size_t n = strlen(p->reports);
	snprintf(p->reports + n, sizeof(p->reports) - n, "%s\n", text);
}

static void on_connected(void *arg)
{
	((struct peer *)arg)->connected++;
}

static void on_readable(void *arg)
{
	struct peer *p = arg;
	size_t n;
	const uint8_t *bytes = stream_input(p->stream, &n);
	for (size_t i = 0; i < n; i++)
		p->sum = p->sum * 31 + bytes[i];
	if (p->echo)
		stream_write(p->stream, bytes, n);
	p->received += n;
	stream_consume(p->stream, n);
}

static void on_drained(void *arg)
{
	((struct peer *)arg)->drained++;
}

static void on_closed(void *arg, int error)
{
	struct peer *p = arg;
	p->closed = error;
	stream_free(p->stream);
	p->stream = NULL;
}

static const struct stream_callbacks callbacks = {on_connected, on_readable, on_drained, on_closed};

static void on_accept(void *arg, struct stream *s)
{
	struct peer *p = arg;
	assert_true(stream_is_connected(s));
	stream_free(p->stream);
	p->stream = s;
	p->connected++;
	stream_set_callbacks(s, &callbacks, p);
}

static void peer_init(struct peer *p, const struct stream_tls_config *config)
{
	p->loop = loop_new();
	p->tls = stream_tls_new(on_report, p);
	stream_tls_attach(p->tls, p->loop);
	error_free(stream_tls_configure(p->tls, config));
}

static void peer_done(struct peer *p)
{
	stream_free(p->stream);
	loop_run_once(p->loop, 0); // libevent's deferred goodbyes
	loop_free(p->loop);
	stream_tls_free(p->tls);
}

static void connect_client(struct world *w)
{
	char target[64];
	snprintf(target, sizeof(target), "ssl:127.0.0.1:%u", stream_listener_port(w->listener));
	w->client.closed = w->client.connected = 0;
	assert_null(stream_connect(w->client.loop, target, 0, &callbacks, &w->client,
				   &w->client.stream));
	assert_int_equal(w->client.closed, 0); // never from inside
}

static void world_init(struct world *w, struct stream_tls_config server,
		       struct stream_tls_config client)
{
	*w = (struct world){0};
	peer_init(&w->server, &server);
	peer_init(&w->client, &client);
	assert_null(stream_listen(w->server.loop, "pssl:0:127.0.0.1", 0, on_accept, &w->server,
				  &w->listener));
	connect_client(w);
}

static void world_done(struct world *w)
{
	stream_listener_free(w->listener);
	peer_done(&w->client);
	peer_done(&w->server);
}

static void step(struct world *w)
{
	loop_run_once(w->server.loop, 1);
	loop_run_once(w->client.loop, 1);
}

#define RUN_UNTIL(w, condition)                                                                    \
	do {                                                                                       \
		time_t end_ = time(NULL) + 20;                                                     \
		while (!(condition)) {                                                             \
			step(w);                                                                   \
			assert_true(time(NULL) < end_);                                            \
		}                                                                                  \
	} while (0)

static void expect_report(const struct peer *p, const char *words)
{
	if (!strstr(p->reports, words))
		fail_msg("\"%s\" is not in: %s", words, p->reports);
}

// --- Tests.

static void test_echo(void **state)
{
	struct world w;
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	w.server.echo = true;
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	assert_int_equal(strncmp(stream_name(w.server.stream), "ssl:127.0.0.1:", 14), 0);
	stream_write(w.client.stream, "hello", 5);
	RUN_UNTIL(&w, w.client.received == 5);
	assert_int_equal(w.client.sum, w.server.sum);
	// The goodbye of the one is an orderly end to the other.
	stream_free(w.client.stream);
	w.client.stream = NULL;
	RUN_UNTIL(&w, w.server.closed);
	assert_int_equal(w.server.closed, -1);
	assert_string_equal(w.server.reports, "");
	world_done(&w);
}

static void test_transfer(void **state)
{
	enum { SIZE = 10 * 1024 * 1024, CHUNK = 12345 };
	struct world w;
	uint8_t *data = malloc(SIZE);
	uint64_t sum = 0;
	for (size_t i = 0; i < SIZE; i++) {
		data[i] = (uint8_t)(i * 7 + (i >> 13));
		sum = sum * 31 + data[i];
	}
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	w.server.echo = true;
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	for (size_t at = 0; at < SIZE; at += CHUNK) {
		stream_write(w.client.stream, data + at, SIZE - at < CHUNK ? SIZE - at : CHUNK);
		if (at / CHUNK % 20 == 0) // so that it piles up
			step(&w);
	}
	RUN_UNTIL(&w, w.client.received == SIZE);
	assert_true(w.client.sum == sum);
	assert_true(w.server.sum == sum);
	assert_true(w.client.drained || w.server.drained);
	// Closing with bytes still to send delivers them.
	w.server.echo = false;
	w.server.received = 0;
	stream_write(w.client.stream, data, SIZE);
	stream_close_gracefully(w.client.stream);
	w.client.stream = NULL;
	RUN_UNTIL(&w, w.server.closed);
	assert_int_equal(w.server.closed, -1);
	assert_int_equal(w.server.received, SIZE);
	free(data);
	world_done(&w);
}

static void test_back_pressure(void **state)
{
	struct world w;
	char block[50000] = {0};
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	stream_set_reading(w.server.stream, false);
	stream_write(w.client.stream, block, sizeof(block));
	for (int i = 0; i < 50; i++)
		step(&w);
	assert_int_equal(w.server.received, 0);
	stream_set_reading(w.server.stream, true);
	RUN_UNTIL(&w, w.server.received == sizeof(block));
	world_done(&w);
}

// The client does not like the server's certificate.
static void client_refuses(const char *server_id, const char *client_ca, const char *words)
{
	struct world w;
	char key[32], crt[32];
	snprintf(key, sizeof(key), "%s.key", server_id);
	snprintf(crt, sizeof(crt), "%s.crt", server_id);
	world_init(&w, config_of(key, crt, "ca.crt"), config_of("b.key", "b.crt", client_ca));
	RUN_UNTIL(&w, w.client.closed && *w.server.reports);
	assert_int_equal(w.client.closed, EPROTO);
	assert_int_equal(w.client.connected, 0);
	assert_int_equal(w.server.connected, 0);
	expect_report(&w.client, words);
	expect_report(&w.client, "ssl:127.0.0.1:");
	expect_report(&w.server, "the peer refused the connection");
	world_done(&w);
}

// The server does not like the client's. With TLS 1.3 the client hears of it after it was
// connected.
static void server_refuses(const char *client_id, const char *words, const char *protocols)
{
	struct world w;
	char key[32], crt[32];
	snprintf(key, sizeof(key), "%s.key", client_id);
	snprintf(crt, sizeof(crt), "%s.crt", client_id);
	struct stream_tls_config client = config_of(key, crt, "ca.crt");
	client.protocols = protocols;
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"), client);
	RUN_UNTIL(&w, w.client.closed && *w.server.reports);
	assert_int_equal(w.client.closed, EPROTO);
	assert_int_equal(w.server.connected, 0);
	expect_report(&w.server, words);
	expect_report(&w.client, "the peer refused the connection");
	world_done(&w);
}

static void test_wrong_ca(void **state)
{
	client_refuses("a", "other-ca.crt", "was not signed by the CA that is trusted here");
	client_refuses("stranger", "ca.crt", "was not signed by the CA that is trusted here");
	server_refuses("stranger", "was not signed by the CA that is trusted here", NULL);
	server_refuses("stranger", "was not signed by the CA that is trusted here", "TLSv1.2");
}

static void test_expired(void **state)
{
	client_refuses("expired", "ca.crt", "the peer's certificate has expired");
	client_refuses("early", "ca.crt", "the peer's certificate is not valid yet");
	server_refuses("expired", "the peer's certificate has expired", NULL);
}

static void test_nobody_is_verified_when_told_so(void **state)
{
	struct world w;
	world_init(&w, config_of("stranger.key", "stranger.crt", "none"),
		   config_of("b.key", "b.crt", "none"));
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	world_done(&w);
}

static void test_no_certificate(void **state)
{
	// A client that has none cannot even try...
	struct world w;
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"), config_of(NULL, NULL, "ca.crt"));
	RUN_UNTIL(&w, w.client.closed);
	assert_int_equal(w.client.closed, ENOPROTOOPT);
	expect_report(&w.client, "no private key is configured");
	// ...and one of another make that shows none is refused.
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(stream_listener_port(w.listener))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	SSL_set_fd(ssl, fd);
	RUN_UNTIL(&w, (SSL_connect(ssl), *w.server.reports));
	expect_report(&w.server, "the peer sent no certificate");
	assert_int_equal(w.server.connected, 0);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	world_done(&w);
}

static void test_server_without_key(void **state)
{
	struct world w;
	world_init(&w, config_of(NULL, NULL, NULL), config_of("b.key", "b.crt", "ca.crt"));
	RUN_UNTIL(&w, w.client.closed);
	assert_int_equal(w.server.connected, 0);
	expect_report(&w.server, "no private key is configured");
	// A key makes the listener that is there useful.
	struct stream_tls_config config = config_of("a.key", "a.crt", "ca.crt");
	assert_null(stream_tls_configure(w.server.tls, &config));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	world_done(&w);
}

static int plain_socket(const struct world *w, const char *say)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(stream_listener_port(w->listener))};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, say, strlen(say), MSG_NOSIGNAL), strlen(say));
	return fd;
}

static void test_plain_clients(void **state)
{
	enum { SILENT = 70 }; // more than may be waited for
	struct world w;
	int silent[SILENT];
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	int fd = plain_socket(&w, "{\"method\":\"echo\",\"params\":[],\"id\":0}");
	RUN_UNTIL(&w, *w.server.reports);
	expect_report(&w.server, "the peer does not speak TLS");
	close(fd);
	w.server.reports[0] = '\0';
	close(plain_socket(&w, "")); // says nothing and goes
	RUN_UNTIL(&w, *w.server.reports);
	expect_report(&w.server, "the peer closed the connection within TLS");
	for (int i = 0; i < SILENT; i++) {
		silent[i] = plain_socket(&w, "");
		step(&w);
	}
	// The one that was there goes on, and another still gets in.
	w.server.echo = true;
	stream_write(w.client.stream, "x", 1);
	RUN_UNTIL(&w, w.client.received == 1);
	stream_free(w.client.stream);
	connect_client(&w);
	RUN_UNTIL(&w, w.client.connected && w.server.connected == 2);
	for (int i = 0; i < SILENT; i++)
		close(silent[i]);
	world_done(&w);
}

static void test_tls_client_at_plain_port(void **state)
{
	struct world w;
	world_init(&w, config_of("a.key", "a.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	struct stream_listener *plain;
	char target[64];
	stream_free(w.client.stream);
	assert_null(
		stream_listen(w.server.loop, "ptcp:0:127.0.0.1", 0, on_accept, &w.server, &plain));
	snprintf(target, sizeof(target), "ssl:127.0.0.1:%u", stream_listener_port(plain));
	w.server.echo = true; // it says the ClientHello back, which is no answer
	assert_null(
		stream_connect(w.client.loop, target, 0, &callbacks, &w.client, &w.client.stream));
	RUN_UNTIL(&w, w.client.closed);
	assert_int_equal(w.client.closed, EPROTO);
	stream_listener_free(plain);
	// Nobody there is what it is with TCP.
	w.client.closed = 0;
	assert_null(
		stream_connect(w.client.loop, target, 0, &callbacks, &w.client, &w.client.stream));
	RUN_UNTIL(&w, w.client.closed);
	assert_int_equal(w.client.closed, ECONNREFUSED);
	world_done(&w);
}

static void copy(const char *from, const char *to)
{
	char command[300], temporary[140];
	snprintf(temporary, sizeof(temporary), "%s.new", to);
	snprintf(command, sizeof(command), "cp %s %s && mv %s %s", from, temporary, temporary, to);
	assert_int_equal(system(command), 0);
}

static void test_files_change(void **state)
{
	struct world w;
	copy(path("a.key"), path("live.key"));
	copy(path("a.crt"), path("live.crt"));
	world_init(&w, config_of("live.key", "live.crt", "ca.crt"),
		   config_of("b.key", "b.crt", "ca.crt"));
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	stream_free(w.client.stream);
	// Half of a change: the old pair stays in use, and that is said.
	copy(path("stranger.key"), path("live.key"));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.connected && w.server.connected == 2);
	expect_report(&w.server, "this private key is not the one of certificate");
	stream_free(w.client.stream);
	copy(path("stranger.crt"), path("live.crt"));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.closed);
	expect_report(&w.client, "was not signed by the CA that is trusted here");
	world_done(&w);
}

static void test_bad_settings(void **state)
{
	struct peer p = {0};
	struct {
		struct stream_tls_config config;
		const char *words;
	} cases[] = {
		{config_of(NULL, "a.crt", "ca.crt"), "no private key is configured"},
		{config_of("a.key", NULL, "ca.crt"), "no certificate is configured"},
		{config_of("a.key", "a.crt", NULL), "no CA certificate is configured"},
		{config_of("missing", "a.crt", "ca.crt"), "missing: cannot be read: No such file"},
		{config_of("a.key", "a.key", "ca.crt"), "a.key: is not a certificate"},
		{config_of("a.crt", "a.crt", "ca.crt"), "a.crt: is not a private key"},
		{config_of("a.key", "b.crt", "ca.crt"),
		 "this private key is not the one of certificate"},
		{config_of("a.key", "a.crt", "b.key"), "b.key: is not a CA certificate"},
		{config_of("a.key", "a.crt", "ca.crt"), "TLSv9: unknown TLS protocol"},
		{config_of("a.key", "a.crt", "ca.crt"), "is not a list of TLS ciphers"},
		{config_of("a.key", "a.crt", "ca.crt"), "is not a list of TLS 1.3 ciphersuites"},
		{config_of("a.key", "a.crt", "ca.crt"),
		 "a.key: there is no certificate in this file"},
	};
	cases[8].config.protocols = "TLSv1.2 TLSv9";
	cases[9].config.ciphers = "NONSENSE";
	cases[10].config.ciphersuites = "NONSENSE";
	cases[11].config.peer_ca_cert = path("a.key");
	struct stream_tls_config nothing = {0};
	peer_init(&p, &nothing);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error *e = stream_tls_configure(p.tls, &cases[i].config);
		assert_non_null(e);
		if (!strstr(error_text(e), cases[i].words))
			fail_msg("\"%s\" is not in: %s", cases[i].words, error_text(e));
		error_free(e);
	}
	peer_done(&p);
	// A loop without settings.
	struct loop *loop = loop_new();
	struct stream_listener *l;
	struct error *e = stream_listen(loop, "pssl:0:127.0.0.1", 0, on_accept, &p, &l);
	assert_int_equal(error_code(e), ENOPROTOOPT);
	error_free(e);
	loop_free(loop);
}

static void test_protocols(void **state)
{
	struct world w;
	struct stream_tls_config server = config_of("a.key", "a.crt", "ca.crt"),
				 client = config_of("b.key", "b.crt", "ca.crt");
	server.protocols = "TLSv1.2";
	client.protocols = "TLSv1.3";
	world_init(&w, server, client);
	RUN_UNTIL(&w, w.client.closed && *w.server.reports);
	assert_int_equal(w.client.closed, EPROTO);
	client.protocols = "TLSv1.2,TLSv1.3";
	client.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
	assert_null(stream_tls_configure(w.client.tls, &client));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.connected && w.server.connected);
	world_done(&w);
}

static void test_bootstrap(void **state)
{
	struct world w;
	struct stream_tls_config server = config_of("a.key", "a.crt", "ca.crt"),
				 client = config_of("b.key", "b.crt", "fetched.crt");
	server.peer_ca_cert = path("ca.crt");
	client.bootstrap_ca_cert = true;
	world_init(&w, server, client);
	w.server.echo = true;
	RUN_UNTIL(&w, w.client.connected);
	assert_int_equal(w.client.connected, 1);
	expect_report(&w.client, "is kept in");
	stream_write(w.client.stream, "x", 1);
	RUN_UNTIL(&w, w.client.received == 1);
	stream_free(w.client.stream);
	// From now on others are refused.
	server = config_of("stranger.key", "stranger.crt", "ca.crt");
	assert_null(stream_tls_configure(w.server.tls, &server));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.closed);
	expect_report(&w.client, "was not signed by the CA that is trusted here");
	assert_int_equal(unlink(path("fetched.crt")), 0);
	// A directory that is not there: no connection, and a reason.
	client.ca_cert = path("nowhere/fetched.crt");
	assert_null(stream_tls_configure(w.client.tls, &client));
	server = config_of("a.key", "a.crt", "ca.crt");
	assert_null(stream_tls_configure(w.server.tls, &server));
	connect_client(&w);
	RUN_UNTIL(&w, w.client.closed);
	assert_int_equal(w.client.closed, EPROTO);
	expect_report(&w.client, "cannot write the CA certificate");
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_back_pressure),
		cmocka_unit_test(test_wrong_ca),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_nobody_is_verified_when_told_so),
		cmocka_unit_test(test_no_certificate),
		cmocka_unit_test(test_server_without_key),
		cmocka_unit_test(test_plain_clients),
		cmocka_unit_test(test_tls_client_at_plain_port),
		cmocka_unit_test(test_files_change),
		cmocka_unit_test(test_bad_settings),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_bootstrap),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
