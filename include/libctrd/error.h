/*
 * error.h: why something failed, as one immutable object: code, message, cause.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_ERROR_H
#define CTRD_ERROR_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Take another reference.
 * @param error may be NULL
 * @return error
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_error *ctrd_error_ref(ctrd_error *error);

/**
 * Drop a reference.
 * @param error may be NULL
 * @return NULL, so that `e = ctrd_error_unref(e)` leaves nothing dangling
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_error *ctrd_error_unref(ctrd_error *error);

/**
 * Tell the status.
 * @param error may be NULL
 * @return a CTRD_E* status; CTRD_OK for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_error_code(const ctrd_error *error);

/**
 * Tell what happened in one line that names the object and the field, without trailing period.
 * @param error may be NULL
 * @return text that lives as long as the error; "" for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_error_message(const ctrd_error *error);

/**
 * Tell the system's own number behind it: errno, or HRESULT on Windows.
 * @param error may be NULL
 * @return 0 when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API int64_t ctrd_error_os(const ctrd_error *error);

/**
 * Tell which part spoke: "ctrd" (the library), "local", "oci" (the runtime), "remote", "grpc", "hcs", "fake".
 * @param error may be NULL
 * @return a static text; "" for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_error_origin(const ctrd_error *error);

/**
 * Tell the error behind this one, for example the runtime's own message.
 * @param error may be NULL
 * @return borrowed from error; NULL when there is none
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_error *ctrd_error_cause(const ctrd_error *error);

/**
 * Name a status: "ENOTFOUND" for CTRD_ENOTFOUND.
 * @param status any number
 * @return a static text; "EUNKNOWN" for what this version does not know
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_status_name(int status);

#ifdef __cplusplus
}
#endif

#endif
