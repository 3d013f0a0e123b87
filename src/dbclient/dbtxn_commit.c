/* SPDX-License-Identifier: Apache-2.0 */
// From what a transaction collected to the operations of RFC 7047 section 5.2, and from their
// results to its status.
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "dbclient/dbtxn_internal.h"

// --- Values

static char *insert_name(const struct uuid *uuid)
{
	return xasprintf("row%08x_%04x_%04x_%04x_%04x%08x", UUID_ARGS(uuid));
}

// References to rows that this transaction inserts go by name.
static void name_inserts(const struct dbtxn *txn, json_t *json)
{
	const char *tag = json_string_value(json_array_get(json, 0));
	const char *text = json_string_value(json_array_get(json, 1));
	struct uuid uuid;

	if (json_array_size(json) == 2 && tag && text && !strcmp(tag, "uuid")) {
		const struct dbtxn_row *tr =
			uuid_parse(text, &uuid) ? dbtxn_find_insert(txn, &uuid) : NULL;
		char *name;

		if (!tr || tr->keeps_uuid)
			return;
		name = insert_name(&uuid);
		json_array_set_new(json, 0, json_string("named-uuid"));
		json_array_set_new(json, 1, json_string(name));
		free(name);
		return;
	}
	for (size_t i = 0; i < json_array_size(json); i++)
		if (json_is_array(json_array_get(json, i)))
			name_inserts(txn, json_array_get(json, i));
}

static json_t *value_to_json(const struct dbtxn *txn, const struct db_column *c,
			     const struct datum *d)
{
	json_t *json = datum_to_json(d);

	if (txn->n_inserted && (c->key_ref || c->value_ref))
		name_inserts(txn, json);
	return json;
}

// [["_uuid", "==", ["uuid", "..."]]]
static json_t *where_row(const struct dbtxn_row *tr)
{
	char text[UUID_TEXT_LEN + 1];

	if (tr->inserted && !tr->keeps_uuid) {
		char *name = insert_name(&tr->uuid);
		json_t *json = json_pack("[[s,s,[s,s]]]", "_uuid", "==", "named-uuid", name);

		free(name);
		return json;
	}
	snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(&tr->uuid));
	return json_pack("[[s,s,[s,s]]]", "_uuid", "==", "uuid", text);
}

static json_t *row_operation(const char *op, const struct dbtxn_row *tr)
{
	return json_pack("{s:s,s:s,s:o}", "op", op, "table", tr->row->table->class->name, "where",
			 where_row(tr));
}

// --- Operations

// A mutation of a row that is gone does nothing, and rows that it should have referred to go with
// it unnoticed.
static bool gains_references(const struct dbtxn_row *tr)
{
	for (size_t i = 0; i < tr->n_columns; i++) {
		const struct txn_column *tc = &tr->columns[i];
		const struct db_column *c = &tr->row->table->class->columns[tc->column];

		if (tc->mutated && tc->added.n && (c->key_ref || c->value_ref))
			return true;
	}
	return false;
}

static void add_wait(json_t *operations, const struct dbtxn_row *tr)
{
	json_t *columns = json_array(), *values = json_object(), *op;

	for (size_t i = 0; i < tr->n_columns; i++) {
		const struct txn_column *tc = &tr->columns[i];
		const char *name = tr->row->table->class->columns[tc->column].name;

		if (!tc->verify)
			continue;
		json_array_append_new(columns, json_string(name));
		json_object_set_new(values, name, datum_to_json(row_datum(tr->row, tc->column)));
	}
	if (!json_array_size(columns) && gains_references(tr)) {
		char text[UUID_TEXT_LEN + 1];

		snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(&tr->uuid));
		json_array_append_new(columns, json_string("_uuid"));
		json_object_set_new(values, "_uuid", json_pack("[s,s]", "uuid", text));
	}
	if (!json_array_size(columns)) {
		json_decref(columns);
		json_decref(values);
		return;
	}
	op = row_operation("wait", tr);
	json_object_set_new(op, "columns", columns);
	json_object_set_new(op, "rows", json_pack("[o]", values));
	json_object_set_new(op, "until", json_string("=="));
	json_object_set_new(op, "timeout", json_integer(0));
	json_array_append_new(operations, op);
}

static void add_insert(const struct dbtxn *txn, json_t *operations, struct dbtxn_row *tr)
{
	struct db_table *t = tr->row->table;
	json_t *values = json_object();
	json_t *op =
		json_pack("{s:s,s:s,s:o}", "op", "insert", "table", t->class->name, "row", values);

	for (size_t i = 0; i < tr->n_columns; i++) {
		const struct txn_column *tc = &tr->columns[i];
		const struct db_column *c = &t->class->columns[tc->column];

		if (tc->written && !datum_equal(&tc->value, table_column_default(t, tc->column)))
			json_object_set_new(values, c->name, value_to_json(txn, c, &tc->value));
	}
	if (tr->keeps_uuid) {
		char text[UUID_TEXT_LEN + 1];

		snprintf(text, sizeof(text), UUID_FORMAT, UUID_ARGS(&tr->uuid));
		json_object_set_new(op, "uuid", json_string(text));
	} else {
		char *name = insert_name(&tr->uuid);

		json_object_set_new(op, "uuid-name", json_string(name));
		free(name);
	}
	tr->insert_op = json_array_size(operations) - 1;
	json_array_append_new(operations, op);
}

// Rows of other tables than root tables exist as long as somebody refers to them: that is the
// server's to decide.
static void add_delete(json_t *operations, const struct dbtxn_row *tr)
{
	if (tr->row->table->class->is_root)
		json_array_append_new(operations, row_operation("delete", tr));
}

// What of `keys` the replica's value has; all of it when we do not know the value.
static void keep_present(struct datum *keys, const struct datum *base)
{
	for (size_t i = keys->n; base && i-- > 0;)
		if (datum_find(base, datum_key(keys, i)) == SIZE_MAX)
			datum_remove_at(keys, i);
}

static void append_mutation(const struct dbtxn *txn, json_t *mutations, const struct db_column *c,
			    const char *mutator, const struct datum *d)
{
	json_t *json;

	if (!d->n)
		return;
	json = value_to_json(txn, c, d);
	// A set, also of one: mutators take sets.
	if (d->n == 1 && d->value_type == ATOM_VOID)
		json = json_pack("[s,[o]]", "set", json);
	json_array_append_new(mutations, json_pack("[s,s,o]", c->name, mutator, json));
}

static void add_mutations(const struct dbtxn *txn, json_t *mutations, const struct dbtxn_row *tr,
			  const struct txn_column *tc)
{
	const struct db_column *c = &tr->row->table->class->columns[tc->column];
	const struct datum *base = row_datum(tr->row, tc->column);
	struct datum added, removed;

	datum_copy(&added, &tc->added);
	if (base)
		datum_subtract(&added, base);
	datum_copy(&removed, &tc->removed);
	// An insert leaves keys that are there as they are: those that change are removed first.
	for (size_t i = 0; c->value != ATOM_VOID && i < added.n; i++)
		datum_put(&removed, datum_key(&added, i), NULL);
	keep_present(&removed, base);
	append_mutation(txn, mutations, c, "delete", &removed);
	append_mutation(txn, mutations, c, "insert", &added);
	datum_done(&added);
	datum_done(&removed);
}

static void add_changes(const struct dbtxn *txn, json_t *operations, const struct dbtxn_row *tr)
{
	json_t *values = json_object(), *mutations = json_array();

	for (size_t i = 0; i < tr->n_columns; i++) {
		const struct txn_column *tc = &tr->columns[i];
		const struct db_column *c = &tr->row->table->class->columns[tc->column];
		const struct datum *base = row_datum(tr->row, tc->column);

		if (tc->mutated)
			add_mutations(txn, mutations, tr, tc);
		else if (tc->written && !(base && datum_equal(base, &tc->value)))
			json_object_set_new(values, c->name, value_to_json(txn, c, &tc->value));
	}
	if (json_object_size(values)) {
		json_t *op = row_operation("update", tr);

		json_object_set(op, "row", values);
		json_array_append_new(operations, op);
	}
	if (json_array_size(mutations)) {
		json_t *op = row_operation("mutate", tr);

		json_object_set(op, "mutations", mutations);
		json_array_append_new(operations, op);
	}
	json_decref(values);
	json_decref(mutations);
}

static void add_increment(struct dbtxn *txn, json_t *operations)
{
	struct db_row *row = txn->increment_row;
	struct dbtxn_row plain = {.row = row, .uuid = row->uuid};
	const struct dbtxn_row *tr = row->txn && row->txn->inserted ? row->txn : &plain;
	const char *column = row->table->class->columns[txn->increment_column].name;
	json_t *mutate = row_operation("mutate", tr), *select = row_operation("select", tr);

	json_object_set_new(mutate, "mutations", json_pack("[[s,s,i]]", column, "+=", 1));
	json_object_set_new(select, "columns", json_pack("[s]", column));
	json_array_append_new(operations, mutate);
	txn->increment_op = json_array_size(operations) - 1;
	json_array_append_new(operations, select);
}

// The parameters of "transact"; NULL when there is nothing to do.
static json_t *build(struct dbtxn *txn)
{
	json_t *operations = json_array();
	size_t n_before;

	json_array_append_new(operations, json_string(txn->client->replica.class->name));
	if (txn->client->lock)
		json_array_append_new(operations, json_pack("{s:s,s:s}", "op", "assert", "lock",
							    txn->client->lock));
	for (struct dbtxn_row *tr = txn->rows; tr; tr = tr->next)
		if (tr->row && !tr->inserted)
			add_wait(operations, tr);
	n_before = json_array_size(operations);
	for (struct dbtxn_row *tr = txn->rows; tr; tr = tr->next) {
		if (!tr->row)
			continue;
		if (tr->inserted)
			add_insert(txn, operations, tr);
		else if (tr->deleted)
			add_delete(operations, tr);
		else
			add_changes(txn, operations, tr);
	}
	if (txn->increment_row && (txn->increment_force || json_array_size(operations) > n_before))
		add_increment(txn, operations);
	if (json_array_size(operations) == n_before) {
		json_decref(operations);
		return NULL;
	}
	if (txn->comment.len)
		json_array_append_new(operations, json_pack("{s:s,s:s}", "op", "comment", "comment",
							    str_cstr(&txn->comment)));
	if (txn->dry_run)
		json_array_append_new(operations, json_pack("{s:s}", "op", "abort"));
	return operations;
}

enum dbtxn_status dbtxn_commit(struct dbtxn *txn, void (*done)(void *arg, struct dbtxn *),
			       void *arg)
{
	struct dbclient *c = txn->client;
	json_t *params;

	if (txn->status != DBTXN_OPEN)
		return txn->status;
	params = build(txn);
	dbtxn_detach_rows(txn);
	if (!params) {
		txn->status = DBTXN_UNCHANGED;
		return txn->status;
	}
	if (c->lock && !c->has_lock) {
		json_decref(params);
		txn->status = DBTXN_NOT_LOCKED;
		return txn->status;
	}
	txn->request_id = dbclient_request(c, "transact", params);
	if (txn->request_id < 0) {
		txn->status = DBTXN_TRY_AGAIN;
		return txn->status;
	}
	txn->status = DBTXN_INCOMPLETE;
	txn->done = done;
	txn->arg = arg;
	txn->next_sent = c->sent;
	c->sent = txn;
	return txn->status;
}

// --- Results

// What one operation's error makes of the transaction; the worst of all counts.
static enum dbtxn_status judge(struct dbtxn *txn, const json_t *result)
{
	const char *tag = json_string_value(json_object_get(result, "error"));

	if (!json_object_get(result, "error"))
		return DBTXN_SUCCESS;
	if (tag && !strcmp(tag, "aborted") && txn->dry_run)
		return DBTXN_SUCCESS;
	if (tag && !strcmp(tag, "timed out"))
		return DBTXN_TRY_AGAIN;
	if (tag && !strcmp(tag, "not owner"))
		return DBTXN_NOT_LOCKED;
	if (!txn->error)
		txn->error = db_json_text(result);
	return DBTXN_ERROR;
}

static bool read_results(struct dbtxn *txn, const json_t *results)
{
	for (struct dbtxn_row *tr = txn->rows; tr; tr = tr->next) {
		const json_t *uuid =
			json_object_get(json_array_get(results, tr->insert_op), "uuid");
		const char *text = json_string_value(json_array_get(uuid, 1));

		if (tr->inserted && (!text || !uuid_parse(text, &tr->real)))
			return false;
	}
	if (txn->increment_op) {
		const json_t *rows =
			json_object_get(json_array_get(results, txn->increment_op), "rows");
		const char *name;
		json_t *value;

		json_object_foreach (json_array_get(rows, 0), name, value)
			txn->increment_result = json_integer_value(value);
	}
	return true;
}

static void finish(struct dbtxn *txn, enum dbtxn_status status)
{
	txn->status = status;
	for (struct dbtxn **p = &txn->client->sent; *p; p = &(*p)->next_sent) {
		if (*p == txn) {
			*p = txn->next_sent;
			break;
		}
	}
	if (txn->done)
		txn->done(txn->arg, txn);
}

static enum dbtxn_status read_reply(struct dbtxn *txn, const struct jsonrpc_message *m)
{
	enum dbtxn_status status = DBTXN_SUCCESS;

	if (m->type == JSONRPC_ERROR || !json_is_array(m->result)) {
		txn->error = db_json_text(m->type == JSONRPC_ERROR ? m->error : m->result);
		return DBTXN_ERROR;
	}
	for (size_t i = 0; i < json_array_size(m->result); i++) {
		enum dbtxn_status one = judge(txn, json_array_get(m->result, i));

		if (one > status)
			status = one;
	}
	if (status == DBTXN_SUCCESS && !txn->dry_run && !read_results(txn, m->result)) {
		txn->error = xstrdup("reply to \"transact\" lacks the UUID of an inserted row");
		return DBTXN_ERROR;
	}
	return status;
}

bool dbtxn_handle_reply(struct dbclient *c, int64_t id, const struct jsonrpc_message *m)
{
	for (struct dbtxn *txn = c->sent; txn; txn = txn->next_sent) {
		if (txn->request_id != id)
			continue;
		finish(txn, read_reply(txn, m));
		return true;
	}
	return false;
}

void dbtxn_abort_all(struct dbclient *c)
{
	while (c->sent)
		finish(c->sent, DBTXN_TRY_AGAIN);
}
