/* SPDX-License-Identifier: MIT */
/*
 * What the nucleus lends of lib/, so that components need no copies of their own. The contracts
 * stand in lib/'s headers. The C library's mem* and str* functions are lent as well.
 */
#pragma once

#include <lib/bundle.h>
#include <lib/format.h>
#include <lib/version.h>
#include <lib/why.h>
#include <neurath/compiler.h>

NUCLEUS_API int format_print(char *buffer, size_t size, const char *format, ...);
NUCLEUS_API int format_vprint(char *buffer, size_t size, const char *format, va_list arguments);
NUCLEUS_API int version_parse(const char *text, uint32_t *version);
NUCLEUS_API int version_print(char *text, size_t size, uint32_t version);
NUCLEUS_API int version_print_interface(char *text, size_t size, uint32_t version);
NUCLEUS_API int bundle_open(struct bundle *bundle, const void *data, size_t size, uint32_t abi,
                            struct why *why);
NUCLEUS_API bool bundle_next(const struct bundle *bundle, int *cursor,
                             struct component_descriptor *component);
NUCLEUS_API bool descriptor_next_interface(const struct bundle *bundle, int node, int *cursor,
                                           struct descriptor_interface *interface);
NUCLEUS_API bool descriptor_find_interface(const struct bundle *bundle, int node, const char *name,
                                           struct descriptor_interface *interface);
NUCLEUS_API bool descriptor_next_method(struct descriptor_methods *methods,
                                        struct descriptor_method *method);
NUCLEUS_API int why_set(struct why *why, int error, const char *format, ...);
