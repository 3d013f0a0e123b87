/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	MAGIC_USEC = 0xa1b2c3d4,
	MAGIC_NSEC = 0xa1b23c4d,
	LINKTYPE_ETHERNET = 1,
	MAX_FRAME = 256 * 1024, // more than any capture of ours or of others holds
	SNAPLEN = 0x40000,
};

struct file_header {
	uint32_t magic;
	uint16_t version_major, version_minor;
	uint32_t zone, accuracy, snaplen, link_type;
};

struct record_header {
	uint32_t sec, fraction, incl_len, orig_len;
};

struct pcap_file {
	FILE *stream;
	char *path;
	bool swapped, nanoseconds;
};

static struct pcap_file *wrap(FILE *stream, const char *path)
{
	struct pcap_file *f = XNEW(struct pcap_file);
	f->stream = stream;
	f->path = xstrdup(path);
	return f;
}

static uint32_t u32(const struct pcap_file *f, uint32_t v)
{
	return f->swapped ? __builtin_bswap32(v) : v;
}

static struct error *read_header(struct pcap_file *f)
{
	struct file_header h;
	if (fread(&h, sizeof(h), 1, f->stream) != 1)
		return error_new("%s: failed to read pcap header", f->path);
	f->swapped = h.magic == __builtin_bswap32(MAGIC_USEC) ||
		     h.magic == __builtin_bswap32(MAGIC_NSEC);
	uint32_t magic = u32(f, h.magic);
	if (magic != MAGIC_USEC && magic != MAGIC_NSEC)
		return error_new("%s: bad magic 0x%08x reading pcap file "
				 "(expected 0xa1b2c3d4, 0xa1b23c4d, 0xd4c3b2a1, or 0x4d3cb2a1)",
				 f->path, (unsigned int)h.magic);
	f->nanoseconds = magic == MAGIC_NSEC;
	if ((u32(f, h.link_type) & 0x3ffffff) != LINKTYPE_ETHERNET)
		return error_new("%s: link type %u is not Ethernet", f->path, u32(f, h.link_type));
	return NULL;
}

static struct error *write_header(struct pcap_file *f)
{
	const struct file_header h = {
		.magic = MAGIC_USEC,
		.version_major = 2,
		.version_minor = 4,
		.snaplen = SNAPLEN,
		.link_type = LINKTYPE_ETHERNET,
	};
	if (fwrite(&h, sizeof(h), 1, f->stream) != 1 || fflush(f->stream))
		return error_errno(errno, "%s: write failed", f->path);
	return NULL;
}

static struct error *finish_open(FILE *stream, const char *path,
				 struct error *(*prepare)(struct pcap_file *),
				 struct pcap_file **out)
{
	*out = NULL;
	if (!stream)
		return error_errno(errno, "%s: failed to open", path);
	struct pcap_file *f = wrap(stream, path);
	struct error *error = prepare(f);
	if (error) {
		pcap_file_close(f);
		return error;
	}
	*out = f;
	return NULL;
}

struct error *pcap_file_open(const char *path, struct pcap_file **out)
{
	return finish_open(strcmp(path, "-") ? fopen(path, "rbe") : stdin, path, read_header, out);
}

struct error *pcap_file_create(const char *path, struct pcap_file **out)
{
	return finish_open(strcmp(path, "-") ? fopen(path, "wbe") : stdout, path, write_header,
			   out);
}

static struct error *check_or_write_header(struct pcap_file *f)
{
	if (fseek(f->stream, 0, SEEK_END) || ftell(f->stream) == 0)
		return write_header(f);
	rewind(f->stream);
	struct error *error = read_header(f);
	if (error)
		return error;
	if (f->swapped || f->nanoseconds)
		return error_new(
			"%s: cannot append to a capture in another byte order or time unit",
			f->path);
	if (fseek(f->stream, 0, SEEK_END))
		return error_errno(errno, "%s: seek failed", f->path);
	return NULL;
}

struct error *pcap_file_append(const char *path, struct pcap_file **out)
{
	FILE *stream = fopen(path, "r+be");
	if (!stream && errno == ENOENT)
		stream = fopen(path, "w+be");
	return finish_open(stream, path, check_or_write_header, out);
}

void pcap_file_close(struct pcap_file *f)
{
	if (!f)
		return;
	if (f->stream != stdin && f->stream != stdout)
		fclose(f->stream);
	free(f->path);
	free(f);
}

struct error *pcap_file_read(struct pcap_file *f, struct buf *frame, int64_t *usec, bool *end)
{
	struct record_header h;
	buf_clear(frame);
	*end = false;
	size_t n = fread(&h, 1, sizeof(h), f->stream);
	if (n != sizeof(h)) {
		if (ferror(f->stream))
			return error_errno(errno, "%s: failed to read pcap record header", f->path);
		if (n)
			return error_new("%s: unexpected end of file reading pcap record header",
					 f->path);
		*end = true;
		return NULL;
	}
	uint32_t len = u32(f, h.incl_len);
	if (len > MAX_FRAME)
		return error_new("%s: bad packet length %u reading pcap file", f->path, len);
	if (usec)
		*usec = (int64_t)u32(f, h.sec) * 1000000 +
			u32(f, h.fraction) / (f->nanoseconds ? 1000 : 1);
	buf_reserve(frame, len);
	frame->len = fread(frame->data, 1, len, f->stream);
	if (frame->len == len)
		return NULL;
	if (ferror(f->stream))
		return error_errno(errno, "%s: failed to read pcap packet", f->path);
	return error_new("%s: unexpected end of file reading pcap packet", f->path);
}

struct error *pcap_file_write(struct pcap_file *f, const void *frame, size_t n, size_t wire_len,
			      int64_t usec)
{
	const struct record_header h = {
		.sec = (uint32_t)(usec / 1000000),
		.fraction = (uint32_t)(usec % 1000000),
		.incl_len = (uint32_t)n,
		.orig_len = (uint32_t)wire_len,
	};
	if (fwrite(&h, sizeof(h), 1, f->stream) != 1 ||
	    (n && fwrite(frame, n, 1, f->stream) != 1) || fflush(f->stream))
		return error_errno(errno, "%s: write failed", f->path);
	return NULL;
}
