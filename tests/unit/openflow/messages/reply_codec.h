/* SPDX-License-Identifier: Apache-2.0 */
// The entries of multipart replies, each kind by the same functions: for who puts all of them
// through the codecs (the generator of messages, fuzz targets).
#pragma once
#include <stddef.h>

#include "openflow/message.h"

struct reply_codec {
	enum ofptype type;     // of the reply
	size_t size;	       // of an entry's struct
	unsigned int at_least; // entries: a reply with fewer would not be one
	void (*append)(struct ofp_replies *, const struct ofp_msg *request, const void *entry);
	// As all that pull: -ENODATA at the end. The entry owns what it points to, and is to be
	// freed after success only.
	int (*pull)(const struct ofp_msg *, struct cursor *body, void *entry);
	void (*done)(void *entry); // NULL: it has nothing
};
const struct reply_codec *reply_codec_find(enum ofptype reply); // NULL: none
