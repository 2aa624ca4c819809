/* SPDX-License-Identifier: MIT */
/*
 * Names of files, and what they say. What is called otherwise is no package; a name is a claim, and
 * the loader looks whether it holds. Pure code, no state.
 *
 *     /card/components/NAME-X.Y.Z[+VARIANT].nrb
 *     /card/kept/NUMBER-NAME-X.Y.Z-BUILD[@OLD].nrb   NUMBER: 6 digits, BUILD: 8, hexadecimal
 *     the same with .new behind it                   it has not been written whole
 *     the same with .bad behind it                   it has not passed its trial
 *     /card/kept/start.NUMBER                        so many starts have not lasted; 1 to 9
 */
#pragma once

#include <interface/package_store.h>
#include <lib/version.h>

#define STORE_COMPONENTS "/card/components"
#define STORE_KEPT "/card/kept"
#define STORE_PATH_BYTES 144u
#define STORE_NUMBER_MAX 999999u

enum kept_file { KEPT_PACKAGE = 1, KEPT_NEW = 2, KEPT_BAD = 4 };

/* A package that is kept: one file, and its marks. */
struct kept {
    uint32_t number; /* counts up: of those of one name the highest is meant */
    uint32_t version, build;
    uint32_t files;    /* enum kept_file: what of it is on the card */
    uint32_t is_done;  /* its turn at this start has been */
    uint32_t is_aside; /* it was not taken at this start */
    char name[COMPONENT_NAME_BYTES];
    char old[COMPONENT_NAME_BYTES]; /* which it replaces; "": the one of its own name */
};

/* Reads a file's name. False: it is none of ours. */
bool store_parse_entry(const char *file, struct package_store_entry *entry);
bool store_parse_kept(const char *file, struct kept *kept);
bool store_parse_start(const char *file, uint32_t *number);

void store_entry_path(char path[STORE_PATH_BYTES], const struct package_store_entry *entry);
void store_kept_path(char path[STORE_PATH_BYTES], const struct kept *kept, enum kept_file file);
void store_start_path(char path[STORE_PATH_BYTES], uint32_t number);

/* NAME-X.Y.Z, as the loader understands it. */
#define STORE_PACKAGE_BYTES (COMPONENT_NAME_BYTES + VERSION_TEXT_MAX)
void store_print_package(char text[STORE_PACKAGE_BYTES], const char *name, uint32_t version);
