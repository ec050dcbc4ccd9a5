/*
 * libctrd.h: all of libctrd. Each header can also be included alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_LIBCTRD_H
#define CTRD_LIBCTRD_H

#include <libctrd/base.h>
#include <libctrd/client.h>
#include <libctrd/container.h>
#include <libctrd/error.h>
#include <libctrd/event.h>
#include <libctrd/fake.h>
#include <libctrd/log.h>
#include <libctrd/op.h>
#include <libctrd/platform.h>
#include <libctrd/process.h>
#include <libctrd/spec.h>
#include <libctrd/stdio.h>
#include <libctrd/version.h>

#endif
