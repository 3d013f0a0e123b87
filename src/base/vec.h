/* SPDX-License-Identifier: Apache-2.0 */
// A typed vector: struct { T *v; size_t n, cap; }. All zero is empty. Elements move when it grows.
//
//	VEC(struct port *) ports = {0};
//	vec_push(&ports, port);
//	VEC_FOREACH (&ports, i) use(ports.v[i]);
//	vec_done(&ports);
#pragma once
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *v;                                                                              \
		size_t n, cap;                                                                     \
	}

#define VEC_FOREACH(vec, i) for (size_t i = 0; i < (vec)->n; i++)

// Makes room for one more element and gives a pointer to it, not initialised.
#define vec_extend(vec)                                                                            \
	((vec)->n == (vec)->cap ? ((vec)->cap = (vec)->cap ? 2 * (vec)->cap : 4,                   \
				   (vec)->v = xrealloc((vec)->v, (vec)->cap * sizeof(*(vec)->v)),  \
				   &(vec)->v[(vec)->n++])                                          \
				: &(vec)->v[(vec)->n++])

#define vec_push(vec, element) ((void)(*vec_extend(vec) = (element)))
#define vec_last(vec)	       ((vec)->v[(vec)->n - 1])
#define vec_clear(vec)	       ((void)((vec)->n = 0))
// Frees the array, not what its elements point to.
#define vec_done(vec) (free((vec)->v), (vec)->v = NULL, (vec)->n = (vec)->cap = 0)
// Keeps the order.
#define vec_remove(vec, i)                                                                         \
	(memmove(&(vec)->v[i], &(vec)->v[(i) + 1], ((vec)->n - (i)-1) * sizeof(*(vec)->v)),        \
	 (void)(vec)->n--)
// Does not keep the order.
#define vec_swap_remove(vec, i) ((vec)->v[i] = vec_last(vec), (void)(vec)->n--)
