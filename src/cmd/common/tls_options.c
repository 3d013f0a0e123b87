/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/common/tls_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

LOG_MODULE(stream_ssl);

static void set(const char **where, const char *value)
{
	free((char *)*where);
	*where = xstrdup_null(value);
}

static void set_file(const char **where, const char *name)
{
	char *directory = NULL;
	if (*name == '/' || !strcmp(name, "none") || !strncmp(name, "db:", 3) ||
	    !(directory = getcwd(NULL, 0))) {
		set(where, name);
		return;
	}
	free((char *)*where);
	*where = xasprintf("%s/%s", directory, name);
	free(directory);
}

bool tls_option(struct tls_options *o, int c)
{
	struct stream_tls_config *config = &o->config;
	switch (c) {
	case 'p':
		set_file(&config->private_key, optarg);
		return true;
	case 'c':
		set_file(&config->certificate, optarg);
		return true;
	case 'C':
	case TLS_OPT_BOOTSTRAP_CA_CERT:
		set_file(&config->ca_cert, optarg);
		config->bootstrap_ca_cert = c != 'C';
		return true;
	case TLS_OPT_PEER_CA_CERT:
		set_file(&config->peer_ca_cert, optarg);
		return true;
	case TLS_OPT_PROTOCOLS:
		set(&config->protocols, optarg);
		return true;
	case TLS_OPT_CIPHERS:
		set(&config->ciphers, optarg);
		return true;
	case TLS_OPT_CIPHERSUITES:
		set(&config->ciphersuites, optarg);
		return true;
	}
	return false;
}

void tls_usage(void)
{
	printf("PKI configuration (required to use SSL):\n"
	       "  -p, --private-key=FILE  file with private key\n"
	       "  -c, --certificate=FILE  file with certificate for private key\n"
	       "  -C, --ca-cert=FILE      file with peer CA certificate\n"
	       "  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create\n"
	       "  --peer-ca-cert=FILE     file with certificates to send along with ours\n"
	       "SSL options:\n"
	       "  --ssl-protocols=PROTOS  list of SSL protocols to enable\n"
	       "                          (default: TLSv1.2,TLSv1.3)\n"
	       "  --ssl-ciphers=CIPHERS   list of SSL ciphers to enable\n"
	       "  --ssl-ciphersuites=SUITES  list of TLS 1.3 ciphersuites to enable\n");
}

static void on_report(void *arg, bool failure, const char *text)
{
	if (failure)
		log_warn_rl("%s", text);
	else
		log_info("%s", text);
}

struct stream_tls *tls_new(void)
{
	return stream_tls_new(on_report, NULL);
}

struct stream_tls *tls_start(const struct tls_options *o)
{
	const struct stream_tls_config *c = &o->config;
	struct stream_tls *tls = tls_new();
	struct error *e = stream_tls_configure(tls, c);
	// Without any of them nobody wants TLS; a connection that does says what is missing.
	if (e && (c->private_key || c->certificate || c->ca_cert || c->peer_ca_cert ||
		  c->protocols || c->ciphers || c->ciphersuites))
		log_err("%s", error_text(e));
	error_free(e);
	return tls;
}

void tls_options_done(struct tls_options *o)
{
	struct stream_tls_config *c = &o->config;
	const char **strings[] = {&c->private_key,  &c->certificate, &c->ca_cert,
				  &c->peer_ca_cert, &c->protocols,   &c->ciphers,
				  &c->ciphersuites};
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		set(strings[i], NULL);
}
