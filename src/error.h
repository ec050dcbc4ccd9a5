/*
 * error.h: making errors. The public face is libctrd/error.h.
 */
#ifndef CTRD_SRC_ERROR_H
#define CTRD_SRC_ERROR_H

#include <libctrd/error.h>

/*
 * Make an error. `cause` is consumed (may be NULL). Never returns NULL: without memory it returns the one static error
 * CTRD_ENOMEM, and the cause is dropped. The text is one line without trailing period; newlines become spaces.
 */
ctrd_error *ctrd__error_new(int code, const char *origin, int64_t os_error, ctrd_error *cause,
			    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The static error "out of memory". */
ctrd_error *ctrd__error_nomem(void);

/* Hand `error` (consumed) to the caller's `ret_error`, or drop it when that is NULL; returns its code. */
int ctrd__error_return(ctrd_error *error, ctrd_error **ret_error);

static inline void ctrd__error_unrefp(ctrd_error **error)
{
	*error = ctrd_error_unref(*error);
}
#define CTRD__AUTO_ERROR __attribute__((cleanup(ctrd__error_unrefp)))

#endif
