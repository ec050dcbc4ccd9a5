/*
 * error.c: the immutable, reference-counted reason of a failure. Not responsible for choosing codes.
 * Invariant: there is always an error to return, also without memory.
 */
#include "error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ctrd_error {
	atomic_int refs; /* negative: static, never freed */
	int code;
	int64_t os_error;
	const char *origin;
	ctrd_error *cause;
	const char *message; /* behind the struct, or static */
};

/* Longest message; what is longer is cut. */
#define MESSAGE_MAX 2048

static struct ctrd_error out_of_memory = {
	.refs = -1,
	.code = CTRD_ENOMEM,
	.origin = "ctrd",
	.message = "out of memory",
};

ctrd_error *ctrd__error_nomem(void)
{
	return &out_of_memory;
}

ctrd_error *ctrd__error_new(int code, const char *origin, int64_t os_error, ctrd_error *cause,
			    const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0)
		length = 0;
	if ((size_t)length >= sizeof(text))
		length = sizeof(text) - 1;

	ctrd_error *error = malloc(sizeof(*error) + (size_t)length + 1);
	if (!error) {
		ctrd_error_unref(cause);
		return ctrd__error_nomem();
	}
	atomic_init(&error->refs, 1);
	error->code = code;
	error->os_error = os_error;
	error->origin = origin;
	error->cause = cause;
	char *message = (char *)(error + 1);
	for (int i = 0; i < length; i++)
		message[i] = text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
	message[length] = '\0';
	error->message = message;
	return error;
}

int ctrd__error_return(ctrd_error *error, ctrd_error **ret_error)
{
	int code = ctrd_error_code(error);
	if (ret_error)
		*ret_error = error;
	else
		ctrd_error_unref(error);
	return code;
}

ctrd_error *ctrd_error_ref(ctrd_error *error)
{
	if (error && atomic_load_explicit(&error->refs, memory_order_relaxed) >= 0)
		atomic_fetch_add_explicit(&error->refs, 1, memory_order_relaxed);
	return error;
}

ctrd_error *ctrd_error_unref(ctrd_error *error)
{
	while (error && atomic_load_explicit(&error->refs, memory_order_relaxed) >= 0 &&
	       atomic_fetch_sub_explicit(&error->refs, 1, memory_order_acq_rel) == 1) {
		ctrd_error *cause = error->cause;
		free(error);
		error = cause;
	}
	return NULL;
}

int ctrd_error_code(const ctrd_error *error)
{
	return error ? error->code : CTRD_OK;
}

const char *ctrd_error_message(const ctrd_error *error)
{
	return error ? error->message : "";
}

int64_t ctrd_error_os(const ctrd_error *error)
{
	return error ? error->os_error : 0;
}

const char *ctrd_error_origin(const ctrd_error *error)
{
	return error ? error->origin : "";
}

ctrd_error *ctrd_error_cause(const ctrd_error *error)
{
	return error ? error->cause : NULL;
}

const char *ctrd_status_name(int status)
{
	static const struct {
		int status;
		const char *name;
	} names[] = {
		{CTRD_OK, "OK"},
		{CTRD_ECANCELED, "ECANCELED"},
		{CTRD_EUNKNOWN, "EUNKNOWN"},
		{CTRD_EINVAL, "EINVAL"},
		{CTRD_EDEADLINE, "EDEADLINE"},
		{CTRD_ENOTFOUND, "ENOTFOUND"},
		{CTRD_EEXISTS, "EEXISTS"},
		{CTRD_EDENIED, "EDENIED"},
		{CTRD_ERESOURCES, "ERESOURCES"},
		{CTRD_EPRECONDITION, "EPRECONDITION"},
		{CTRD_EABORTED, "EABORTED"},
		{CTRD_ERANGE, "ERANGE"},
		{CTRD_ENOSYS, "ENOSYS"},
		{CTRD_EINTERNAL, "EINTERNAL"},
		{CTRD_EUNAVAILABLE, "EUNAVAILABLE"},
		{CTRD_EDATALOSS, "EDATALOSS"},
		{CTRD_EUNAUTH, "EUNAUTH"},
		{CTRD_ENOMEM, "ENOMEM"},
		{CTRD_ECLOSED, "ECLOSED"},
		{CTRD_EFORKED, "EFORKED"},
		{CTRD_EWRONGTHREAD, "EWRONGTHREAD"},
		{CTRD_EABI, "EABI"},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].status == status)
			return names[i].name;
	}
	return "EUNKNOWN";
}
