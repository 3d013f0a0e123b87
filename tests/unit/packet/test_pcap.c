/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/pcap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/sluice-pcap-XXXXXX";

static int setup(void **state)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	int fd = mkstemp(path);
	return fd < 0 || close(fd) ? -1 : 0;
}

static int teardown(void **state)
{
	unlink(path);
	return 0;
}

static void ok(struct error *error)
{
	if (error)
		fail_msg("%s", error_text(error));
}

static void fails(struct error *error, const char *part)
{
	assert_non_null(error);
	if (!strstr(error_text(error), part))
		fail_msg("\"%s\" is not in \"%s\"", part, error_text(error));
	error_free(error);
}

static void write_bytes(const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void test_round_trip(void **state)
{
	struct pcap_file *f;
	struct buf b = BUF_INIT;
	int64_t usec;
	bool end;
	ok(pcap_file_create(path, &f));
	ok(pcap_file_write(f, "abc", 3, 3, 1234567890123456));
	ok(pcap_file_write(f, "", 0, 0, 0));
	pcap_file_close(f);
	ok(pcap_file_append(path, &f));
	ok(pcap_file_write(f, "defgh", 5, 1500, 1));
	pcap_file_close(f);
	ok(pcap_file_open(path, &f));
	ok(pcap_file_read(f, &b, &usec, &end));
	assert_false(end);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.data, "abc", 3);
	assert_int_equal(usec, 1234567890123456);
	ok(pcap_file_read(f, &b, NULL, &end));
	assert_int_equal(b.len, 0);
	ok(pcap_file_read(f, &b, &usec, &end));
	assert_int_equal(b.len, 5);
	assert_int_equal(usec, 1);
	ok(pcap_file_read(f, &b, &usec, &end));
	assert_true(end);
	pcap_file_close(f);
	buf_done(&b);
}

// A big-endian file with nanoseconds.
static void test_foreign(void **state)
{
	static const uint8_t file[] = {0xa1, 0xb2, 0x3c, 0x4d, 0, 2, 0, 4,    0,    0,	 0,
				       0,    0,	   0,	 0,    0, 0, 0, 0xff, 0xff, 0,	 0,
				       0,    1,	   0,	 0,    0, 1, 0, 0,    7,    208, 0,
				       0,    0,	   2,	 0,    0, 0, 2, 'h',  'i'};
	struct pcap_file *f;
	struct buf b = BUF_INIT;
	int64_t usec;
	bool end;
	write_bytes(file, sizeof(file));
	ok(pcap_file_open(path, &f));
	ok(pcap_file_read(f, &b, &usec, &end));
	assert_int_equal(usec, 1000002);
	assert_memory_equal(b.data, "hi", 2);
	pcap_file_close(f);
	buf_done(&b);
	fails(pcap_file_append(path, &f), "cannot append");
}

static void test_broken(void **state)
{
	struct pcap_file *f;
	struct buf b = BUF_INIT;
	bool end;
	fails(pcap_file_open("/nonexistent/x", &f), "No such file");
	assert_null(f);
	write_bytes("abc", 3);
	fails(pcap_file_open(path, &f), "header");
	write_bytes("abcdabcdabcdabcdabcdabcd", 24);
	fails(pcap_file_open(path, &f), "magic");

	uint8_t file[24 + 16 + 4] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
				     0,	   0,	 0,    0,    0, 0, 4, 0, 1, 0, 0, 0};
	file[24 + 8] = 10; // longer than what is there
	write_bytes(file, sizeof(file));
	ok(pcap_file_open(path, &f));
	fails(pcap_file_read(f, &b, NULL, &end), "unexpected end");
	pcap_file_close(f);
	file[24 + 11] = 0x40; // a gigabyte
	write_bytes(file, sizeof(file));
	ok(pcap_file_open(path, &f));
	fails(pcap_file_read(f, &b, NULL, &end), "bad packet length");
	pcap_file_close(f);
	write_bytes(file, 30);
	ok(pcap_file_open(path, &f));
	fails(pcap_file_read(f, &b, NULL, &end), "record header");
	pcap_file_close(f);
	file[20] = 101; // raw IP
	write_bytes(file, sizeof(file));
	fails(pcap_file_open(path, &f), "link type");
	buf_done(&b);
	pcap_file_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
